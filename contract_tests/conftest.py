"""Black box: a base URL and a key; nothing here imports the simulator.

Against the simulator, start it first, then point the tests at it:

    preview-sim serve --port 8080 --world contract_tests/world.yaml --self-check
    pytest contract_tests --base-url http://127.0.0.1:8080
"""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract", "the implementation under test")
    group.addoption("--base-url", help="Where it serves.")
    group.addoption("--api-key", default="sk_sim_acme", help="A key with all scopes.")
    group.addoption("--examples", type=int, default=100, help="Fuzzed cases per operation.")


@pytest.fixture(scope="session")
def base_url(request: pytest.FixtureRequest) -> str:
    """Where the implementation under test serves."""
    url: str | None = request.config.getoption("--base-url")
    if not url:
        raise pytest.UsageError("Expected --base-url, where the implementation under test serves.")
    return url.rstrip("/")


@pytest.fixture(scope="session")
def api_key(request: pytest.FixtureRequest) -> str:
    """A key with all scopes and balance for as many runs as fuzzing starts."""
    key: str = request.config.getoption("--api-key")
    return key


@pytest.fixture(scope="session")
def examples(request: pytest.FixtureRequest) -> int:
    """How many cases are fuzzed per operation."""
    count: int = request.config.getoption("--examples")
    return count

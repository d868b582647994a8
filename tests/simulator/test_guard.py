"""The door rules of `/_sim` and `/_sink`, over a real socket, and the API that has none of them."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from preview_sim.domain.errors import UsageError
from preview_sim.simulator import Config, Running, running

ACME_HOOK = "123e4567-e89b-12d3-a456-426614174000"
TOKEN = "a-token-that-nobody-guesses"
JSON = {"Content-Type": "application/json"}
CLOCK = "/_sim/sandboxes/default/clock"

READS = [
    "/_sim/health",
    "/_sim/sandboxes/default",
    "/_sim/sandboxes/default/ledger",
    "/_sink/records",
]
WRITES = [CLOCK, "/_sink/reset"]


def ask(client, method: str, path: str, **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    content = b'{"until": "idle"}' if path == CLOCK else b"{}"
    if method == "GET":
        return client.http.get(path, headers=given)
    return client.http.post(path, headers={**JSON, **given}, content=content)


@pytest.fixture
def client(connect):
    return connect(clock="manual")


def everything() -> list[tuple[str, str]]:
    return [*(("GET", path) for path in READS), *(("POST", path) for path in WRITES)]


def refused(answer: httpx.Response) -> str:
    assert answer.status_code == 403, answer.text
    assert answer.json()["error"]["code"] == "CONTROL_REFUSED"
    return answer.json()["error"]["message"]


@pytest.mark.parametrize(("method", "path"), everything())
def test_a_plain_request_comes_in(client, method, path):
    assert ask(client, method, path).status_code == 200


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_any_name_of_loopback_with_the_port_is_ours(client, name):
    port = httpx.URL(client.base_url).port
    assert ask(client, "GET", "/_sim/health", Host=f"{name}:{port}").status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "localhost",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{port}",
        "evil-localhost:{port}",
        "localhost.:{port}",
        "localhost:{port}.evil.example",
        "127.1:{port}",
        "0.0.0.0:{port}",
        "user@127.0.0.1:{port}",
        "",
    ],
)
@pytest.mark.parametrize(("method", "path"), everything())
def test_a_host_that_is_not_exactly_ours_is_refused(client, host, method, path):
    """A page of another site reaches loopback by DNS rebinding, but not with our name."""
    host = host.format(port=httpx.URL(client.base_url).port)
    assert "Expected the Host 127.0.0.1:" in refused(ask(client, method, path, Host=host))


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost", "http://127.0.0.1:1", "", "file://"],
)
@pytest.mark.parametrize(("method", "path"), everything())
def test_another_site_s_origin_is_refused(client, origin, method, path):
    assert "Cross-site" in refused(ask(client, method, path, Origin=origin))


def test_the_own_origin_comes_in(client):
    assert ask(client, "POST", CLOCK, Origin=client.base_url).status_code == 200


@pytest.mark.parametrize(("method", "path"), everything())
@pytest.mark.parametrize(
    ("site", "status"),
    [("cross-site", 403), ("same-site", 403), ("", 403), ("same-origin", 200), ("none", 200)],
)
def test_a_browser_that_says_cross_site_is_refused(client, method, path, site, status):
    assert ask(client, method, path, Sec_Fetch_Site=site).status_code == status


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_a_write_without_the_json_content_type_is_refused(client, path, media):
    """Those three are what a form of any site may send without asking first."""
    said = refused(ask(client, "POST", path, Content_Type=media))
    assert "Expected Content-Type: application/json" in said


@pytest.mark.parametrize("media", ["application/json; charset=utf-8", "Application/JSON"])
def test_a_json_content_type_may_be_written_in_any_way(client, media):
    assert ask(client, "POST", CLOCK, Content_Type=media).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Content-Type": "text/plain"},
        {"Host": ""},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "DELETE", "OPTIONS"])
def test_the_inbox_records_whatever_comes(client, headers, method):
    answer = client.http.request(
        method, f"/_sink/in/default/{ACME_HOOK}", headers=headers, content=b"\xff"
    )
    assert answer.status_code == 200
    [record] = client.records()
    assert record["method"] == method


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *everything(),
        ("OPTIONS", "/_sim/health"),
        ("OPTIONS", CLOCK),
        ("OPTIONS", "/_sink/records"),
        ("OPTIONS", f"/_sink/in/default/{ACME_HOOK}"),
        ("OPTIONS", "/sourcing/preview"),
        ("POST", "/sourcing/preview"),
        ("GET", "/sourcing/preview/x/results"),
        ("GET", "/openapi.json"),
        ("GET", "/nowhere"),
    ],
)
@pytest.mark.parametrize("origin", [None, "https://evil.example", "own"])
def test_no_answer_ever_lets_another_site_read_it(client, method, path, origin):
    headers = {"Access-Control-Request-Method": "POST"}
    if origin is not None:
        headers["Origin"] = client.base_url if origin == "own" else origin
    answer = client.http.request(method, path, headers=headers)
    assert [name for name in answer.headers if name.startswith("access-control")] == []


@pytest.mark.parametrize(
    "path",
    ["//_sim/health", "/_SIM/health", "/./_sim/health", "/x/../_sim/health", "/%5Fsim/health"],
)
def test_no_other_spelling_of_the_path_leads_around_the_rules(client, path):
    port = httpx.URL(client.base_url).port
    with httpx.Client(trust_env=False) as http:
        url = httpx.URL(f"http://127.0.0.1:{port}").copy_with(raw_path=path.encode())
        answer = http.get(url, headers={"Host": "evil.example"})
    assert answer.status_code in (403, 404)
    assert "workFailures" not in answer.text


def test_a_path_of_the_control_side_that_is_nowhere_is_a_404_in_json(client):
    for path in ("/_sim", "/_sim/", "/_sim/nothing", "/_sim/sandboxes/none"):
        answer = client.http.get(path)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] in ("ROUTE_NOT_FOUND", "RESOURCE_NOT_FOUND")
    answer = client.http.delete("/_sim/health")
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["Allow"]


def served(config: Config, scene: Callable[[Running, httpx.AsyncClient], Any]) -> Any:
    """`scene` with a simulator of any configuration, on a loop of its own."""

    async def whole() -> Any:
        async with (
            running(config) as simulator,
            httpx.AsyncClient(base_url=simulator.base_url, trust_env=False) as http,
        ):
            return await scene(simulator, http)

    return asyncio.run(whole())


def test_with_an_admin_token_only_who_knows_it_comes_in():
    async def scene(_, http):
        statuses = {}
        for given in (None, f"Bearer {TOKEN}", f"Bearer {TOKEN}x", TOKEN, "Bearer", "Basic eDp5"):
            headers = {} if given is None else {"Authorization": given}
            statuses[given] = {
                (await http.get(path, headers=headers)).status_code for path in READS
            } | {
                (await http.post("/_sink/reset", headers={**JSON, **headers})).status_code,
            }
        inbox = await http.post(f"/_sink/in/default/{ACME_HOOK}")
        api = await http.post("/sourcing/preview", json={}, headers={"Authorization": "Bearer x"})
        return statuses, inbox.status_code, api.status_code

    statuses, inbox, api = served(Config(clock="manual", admin_token=TOKEN), scene)
    assert statuses.pop(f"Bearer {TOKEN}") == {200}
    assert all(status == {403} for status in statuses.values())
    assert (inbox, api) == (200, 401)


def test_a_token_of_bytes_beyond_ascii_is_refused_and_no_error_of_ours():
    async def scene(_, http):
        headers = [(b"Authorization", b"Bearer \xff\xfe")]
        return (await http.get("/_sim/health", headers=headers)).status_code

    assert served(Config(clock="manual", admin_token=TOKEN), scene) == 403


def test_beyond_loopback_any_host_comes_in_with_the_token_and_none_without():
    async def scene(simulator, http):
        port = httpx.URL(simulator.base_url).port
        url = f"http://127.0.0.1:{port}/_sim/health"
        right = {"Authorization": f"Bearer {TOKEN}", "Host": "simulator.test:80"}
        wrong = {"Host": "simulator.test:80"}
        cross = {**right, "Origin": "https://evil.example"}
        return [(await http.get(url, headers=given)).status_code for given in (right, wrong, cross)]

    config = Config(host="0.0.0.0", clock="manual", admin_token=TOKEN)
    assert served(config, scene) == [200, 403, 403]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
@pytest.mark.parametrize("token", [None, ""])
def test_beyond_loopback_there_is_no_simulator_without_a_token(host, token):
    with pytest.raises(UsageError, match=r"Add --admin-token, or bind 127\.0\.0\.1"):
        Config(host=host, admin_token=token)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_on_loopback_no_token_is_needed(host):
    assert Config(host=host).admin_token is None


def test_the_control_side_never_shows_a_secret_in_a_refusal():
    async def scene(_, http):
        return (await http.get("/_sim/health", headers={"Authorization": "Bearer x"})).text

    assert TOKEN not in served(Config(clock="manual", admin_token=TOKEN), scene)

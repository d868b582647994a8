"""Fixtures for every folder: simulators on real sockets that end with the test."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from preview_sim import Simulator


@pytest.fixture(scope="session")
def stop_later():
    """Stops simulators while the next tests run: a server takes 0.2 s to stop."""
    stops = []
    with ThreadPoolExecutor(16) as pool:
        yield lambda simulator: stops.append(pool.submit(simulator.__exit__, None, None, None))
    for stop in stops:
        stop.result()


@pytest.fixture
def simulate(stop_later):
    """Starts simulators: `simulate(clock="manual", scenario=…)`. Each checks its own answers: one
    that breaks the OpenAPI document becomes a 500."""
    started = []

    def start(**options) -> Simulator:
        chosen = {"clock": "instant", "seed": 1, "self_check": True, **options}
        started.append(Simulator(**chosen).__enter__())
        return started[-1]

    yield start
    for simulator in started:
        stop_later(simulator)

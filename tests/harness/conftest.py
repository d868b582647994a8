"""What the judges' tests stand on: runs that were really played, each scenario once."""

import pytest

from preview_sim import Simulator
from preview_sim.harness.example import EXAMPLE_REQUEST
from preview_sim.harness.play import Player
from preview_sim.library import Library

LIBRARY = Library()


@pytest.fixture(scope="session")
def played_of(stop_later):
    """What came of a shipped scenario: `played_of("happy")`, the same object every time."""
    simulator = Simulator(clock="instant", self_check=True).__enter__()
    known = {}

    def played(name, **changes):
        key = (name, *sorted(changes))
        if key not in known:
            request = {**EXAMPLE_REQUEST, **LIBRARY.get(name).request, **changes}
            request = {key: value for key, value in request.items() if value is not None}
            known[key] = player.play(request, name)
        return known[key]

    with Player(simulator.base_url, simulator.api_key) as player:
        yield played
    stop_later(simulator)

"""Every shipped scenario, played by the harness and held against its own `expect`."""

import pytest

from preview_sim import Simulator
from preview_sim.harness.example import EXAMPLE_REQUEST
from preview_sim.harness.judge import against_contract, against_expectation
from preview_sim.harness.play import Player
from preview_sim.library import Library

LIBRARY = Library()


def findings_of(name):
    scenario = LIBRARY.get(name)
    request = {**EXAMPLE_REQUEST, **scenario.request}
    with (
        Simulator(clock="instant", self_check=True) as simulator,
        Player(simulator.base_url, simulator.api_key) as player,
    ):
        played = player.play(request, name)
        return [
            *against_contract(played, request["limit"]),
            *against_expectation(played, scenario.expect, exact_time=True),
        ]


@pytest.mark.parametrize("name", LIBRARY.names())
def test_a_shipped_scenario_does_what_it_says(name):
    findings = findings_of(name)
    assert len(findings) >= 6
    assert [finding for finding in findings if not finding.ok] == []

"""Fixtures for every folder: simulators on real sockets that end with the test."""

import contextlib

import pytest

from preview_sim import Simulator


@pytest.fixture
def simulate():
    """Starts simulators: `simulate(clock="manual", scenario=…)`. Each checks its own answers: one
    that breaks the OpenAPI document becomes a 500."""
    with contextlib.ExitStack() as stack:

        def start(**options) -> Simulator:
            chosen = {"clock": "instant", "seed": 1, "self_check": True, **options}
            return stack.enter_context(Simulator(**chosen))

        yield start

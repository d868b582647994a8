"""The contract tests, run as a user runs them: against a server, from outside."""

import subprocess
import sys
from pathlib import Path

import pytest

from preview_sim import Simulator

ROOT = Path(__file__).parents[1]
SUITE = ROOT / "contract_tests"


@pytest.mark.parametrize("clock", ["real", "instant"])
def test_the_contract_tests_pass_on_the_simulator(clock):
    with Simulator(clock=clock, world=SUITE / "world.yaml", self_check=True) as simulator:
        command = [
            *(sys.executable, "-m", "pytest", str(SUITE), "-q", "-p", "no:cacheprovider"),
            *("--base-url", simulator.base_url, "--api-key", simulator.api_key),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "1 passed" in done.stdout
        assert simulator.running.health()["workFailures"] == 0


def test_the_contract_tests_never_import_the_simulator():
    for file in SUITE.glob("*.py"):
        assert "preview_sim" not in file.read_text(), file

"""The tree of errors: stable codes, messages for people, hints that are near."""

import pytest

from preview_sim.domain import errors
from preview_sim.domain.errors import (
    FileError,
    SimulatorError,
    StoreError,
    UnknownScenario,
    UsageError,
    ValidationFailed,
    nearest,
)


def all_errors() -> list[type[SimulatorError]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, SimulatorError)
    ]


def test_every_error_has_a_code_of_its_own():
    codes = [error.code for error in all_errors()]
    assert len(codes) == len(set(codes))
    assert all(code == code.upper() and code.isidentifier() for code in codes)


def test_an_error_is_its_message():
    assert str(SimulatorError("what, why, what next")) == "what, why, what next"
    assert SimulatorError("m").details == {}


def test_what_whoever_starts_the_simulator_did_wrong_is_a_usage_error():
    assert issubclass(FileError, UsageError)
    assert issubclass(StoreError, UsageError)


def test_a_file_error_says_where():
    said = FileError("a.yaml", 3, 5, "provider.total", "expected 0 or more, got -1")
    assert said.message == "a.yaml:3:5: provider.total: expected 0 or more, got -1"
    assert FileError("a.yaml", 1, 1, "", "not YAML").message == "a.yaml:1:1: not YAML"


def test_several_violations_are_counted_and_listed():
    found = [{"path": f"/{n}", "message": f"m{n}", "rule": "type"} for n in range(3)]
    said = ValidationFailed.of(found)
    assert said.message == "/0: m0 (and 2 more)"
    assert said.details == {"errors": found}
    assert ValidationFailed.of([{"path": "", "message": "m", "rule": "json"}]).message == "m"


@pytest.mark.parametrize(
    ("name", "hint"), [("hapy", "happy"), ("Happy", "happy"), ("provider-timeout-ok", "timeout")]
)
def test_an_unknown_scenario_is_told_the_nearest(name, hint):
    known = ["happy", "slow", "provider-timeout", "provider-timeout-then-ok"]
    said = UnknownScenario.named(name, known)
    assert name in said.message
    assert hint in said.message
    assert hint in said.details["nearest"]


def test_nothing_near_is_no_hint():
    said = UnknownScenario.named("zzzzz", ["happy"])
    assert "nearest" not in said.details
    assert "scenarios list" in said.message
    assert nearest("zzzzz", ["happy"]) is None

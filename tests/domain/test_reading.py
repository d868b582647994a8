"""Readings: their defaults, and what a name or value that does not exist is told."""

import pytest

from preview_sim.domain.errors import UsageError
from preview_sim.domain.reading import READINGS, Readings, check_reading

#: The contract's last section.
DEFAULTS = {
    "event-label": "upper",
    "signature": "standard",
    "failed-page-billing": "charge",
    "empty-page": "charged",
    "delivery-id": "per-event",
}


def test_the_readings_and_their_defaults_are_those_of_the_contract():
    assert {name: reading.default for name, reading in READINGS.items()} == DEFAULTS


def test_every_reading_is_an_assumption_with_a_rule_a_question_and_a_choice():
    for reading in READINGS.values():
        assert reading.evidence == "A"
        assert reading.rule.count(".") == 1
        assert reading.question.endswith("?")
        assert len(reading.options) > 1
        assert all(reading.options.values())


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, reading in READINGS.items() for value in reading.options],
)
def test_every_option_can_be_chosen(name, value):
    check_reading(name, value)
    assert Readings.of({name: value})[name] == value


def test_what_is_not_chosen_is_the_default():
    readings = Readings.of({"signature": "none"})
    assert {name: readings[name] for name in READINGS} == {**DEFAULTS, "signature": "none"}


def test_a_scenario_s_readings_lie_over_the_sandbox_s():
    readings = Readings.of({"signature": "none", "empty-page": "free"})
    laid = readings.overlaid({"signature": "hex-body"})
    assert (laid["signature"], laid["empty-page"]) == ("hex-body", "free")
    assert readings["signature"] == "none"
    assert readings.overlaid({}) is readings


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("signatur", "standard", "'signatur' is no reading; expected one of .*'signature'"),
        ("signature", "hexbody", "no value of the reading signature; .*Did you mean 'hex-body'"),
        ("event-label", "UPPER", "'UPPER' is no value .*expected one of upper, dotted"),
        ("empty-page", "", "'' is no value of the reading empty-page"),
        ("zzz", "x", "'zzz' is no reading; expected one of event-label, signature, "),
    ],
)
def test_an_unknown_name_or_value_is_told_the_nearest(name, value, said):
    with pytest.raises(UsageError, match=said):
        Readings.of({name: value})


def test_nothing_is_near_to_nonsense():
    with pytest.raises(UsageError) as came:
        check_reading("zzz", "x")
    assert "Did you mean" not in came.value.message

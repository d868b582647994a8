"""What a request that does not fit is told: path, message, rule; one entry for each violation."""

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preview_sim.sink.schemas import formats
from preview_sim.spec import event_errors, load_contract, standalone_schema

OPERATIONS = load_contract().operations
START = OPERATIONS["startPreview"]
POLL = OPERATIONS["getPreviewResults"]

FITS = {"title": "Nurse", "jobDescription": "Night shifts.", "location": "Bratislava, Slovakia"}

KNOWN = "title, jobDescription, location, query, limit, webhookId"


def error(path: str, message: str, rule: str) -> list[dict[str, str]]:
    return [{"path": path, "message": message, "rule": rule}]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"title": 1}, error("/title", "expected a string, got the integer 1", "type")),
        ({"title": None}, error("/title", "expected a string, got null", "type")),
        ({"title": True}, error("/title", "expected a string, got true", "type")),
        ({"title": []}, error("/title", "expected a string, got the array []", "type")),
        (
            {"title": {"a": 1}},
            error("/title", 'expected a string, got the object {"a":1}', "type"),
        ),
        ({"title": ""}, error("/title", "expected at least 1 character, got 0", "minLength")),
        (
            {"title": "x" * 201},
            error("/title", "expected at most 200 characters, got 201", "maxLength"),
        ),
        (
            {"jobDescription": "𝔘" * 10_001},
            error("/jobDescription", "expected at most 10000 characters, got 10001", "maxLength"),
        ),
        (
            {"query": "x" * 501},
            error("/query", "expected at most 500 characters, got 501", "maxLength"),
        ),
        ({"limit": 0}, error("/limit", "expected at least 1, got the integer 0", "minimum")),
        ({"limit": 101}, error("/limit", "expected at most 100, got the integer 101", "maximum")),
        ({"limit": "20"}, error("/limit", 'expected an integer, got the string "20"', "type")),
        ({"limit": 20.5}, error("/limit", "expected an integer, got the number 20.5", "type")),
        ({"limit": None}, error("/limit", "expected an integer, got null", "type")),
        (
            {"webhookId": "nonsense"},
            error("/webhookId", 'expected a uuid, got the string "nonsense"', "format"),
        ),
        (
            {"limitt": 5},
            error(
                "",
                f"unknown property 'limitt' (did you mean 'limit'?); expected only {KNOWN}",
                "additionalProperties",
            ),
        ),
        (
            {"zzzz": 5},
            error("", f"unknown property 'zzzz'; expected only {KNOWN}", "additionalProperties"),
        ),
    ],
)
def test_a_violation_is_told_with_what_was_expected_and_what_came(change, expected):
    came = START.request_errors({**FITS, **change})
    assert came == expected


def test_a_long_value_is_cut_to_one_short_line():
    came = START.request_errors({**FITS, "query": ["long" * 30]})
    cut = '["' + "long" * 14 + "lo…"
    assert came == error("/query", f"expected a string, got the array {cut}", "type")


@pytest.mark.parametrize("name", list(FITS))
def test_a_missing_property_is_named(name):
    body = {key: value for key, value in FITS.items() if key != name}
    came = START.request_errors(body)
    assert came == error("", f"expected the property {name!r}, which is missing", "required")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (None, "null"),
        ([], "the array []"),
        ("x", 'the string "x"'),
        (7, "the integer 7"),
        (False, "false"),
    ],
)
def test_a_body_that_is_no_object_is_told_so(body, what):
    assert START.request_errors(body) == error("", f"expected an object, got {what}", "type")


def test_every_violation_is_told_not_only_the_first():
    came = START.request_errors({"title": "", "limit": 0, "webhookId": 3, "extra": 1})
    assert {(entry["path"], entry["rule"]) for entry in came} == {
        ("", "required"),
        ("", "additionalProperties"),
        ("/title", "minLength"),
        ("/limit", "minimum"),
        ("/webhookId", "type"),
    }
    assert sum(entry["rule"] == "required" for entry in came) == 2


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"limit": 1},
        {"limit": 100},
        {"limit": 20.0},
        {"title": "x"},
        {"title": "𝔘" * 200},
        {"jobDescription": "𝔘" * 10_000},
        {"query": "x" * 500},
        {"webhookId": "123e4567-e89b-12d3-a456-426614174000"},
        {"webhookId": "123E4567-E89B-12D3-A456-426614174000"},
    ],
)
def test_what_is_just_within_the_bounds_fits(change):
    assert START.request_errors({**FITS, **change}) == []


def test_an_answer_that_the_document_does_not_have_is_an_error():
    assert POLL.response_errors(418, {}) == ["getPreviewResults does not document the status 418"]
    assert POLL.response_errors(200, {"success": True}) != []


@pytest.mark.parametrize("event", ["SOURCING_COMPLETED", "SOURCING_FAILED"])
def test_an_event_that_breaks_the_document_is_told_with_its_name(event):
    came = event_errors(event, {"event": event})
    assert came
    assert all(said.startswith(f"{event}: ") for said in came)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 150) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
bodies = st.one_of(
    values,
    st.fixed_dictionaries(
        {},
        optional={
            "title": values | st.text(max_size=3),
            "jobDescription": values | st.text(max_size=3),
            "location": values | st.text(max_size=3),
            "query": values | st.text(max_size=3),
            "limit": values | st.integers(-1, 102),
            "webhookId": values | st.uuids().map(str) | st.text("0123456789abcdef-", max_size=36),
            "other": values,
        },
    ),
)

JUDGE = jsonschema.Draft202012Validator(
    standalone_schema("PreviewRequest"),
    format_checker=formats(),
)


@given(bodies)
def test_the_door_and_an_independent_validator_agree(body):
    """Whatever comes, and telling it never fails."""
    came = START.request_errors(body)
    assert (came == []) == JUDGE.is_valid(body)
    for entry in came:
        assert set(entry) == {"path", "message", "rule"}
        assert entry["message"]

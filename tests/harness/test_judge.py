"""The judge can say no: with one thing falsified in a real run, exactly that finding is red."""

import copy
import json
from dataclasses import replace
from hashlib import md5

import pytest

from preview_sim.domain.scenario import Expectation, Latency, LedgerExpectation
from preview_sim.harness.judge import against_contract, against_expectation
from preview_sim.library import Library, load_scenario, scenario_schema
from preview_sim.library.shelf import shipped_folder
from preview_sim.library.yaml_document import read_document
from preview_sim.sink import TITLES

LIBRARY = Library()

#: A run of three pages of which one is released; the judge has all to say about it.
RUN, LIMIT = "exhausted-on-page-2", 60

LEDGER = "held = charged + released (2.3)"
ENDS = "exactly one terminal event (5.1)"
AT_MOST = "no more than limit (2.4)"
NINE = "exactly nine fields (2.5)"
MD5 = "profileId is the MD5 of profileUrl (2.6)"
TWICE = "nobody twice (2.12)"


def red(findings) -> list[str]:
    return [finding.what for finding in findings if not finding.ok]


def falsified(played, change):
    """A copy of what was played, changed in place by `change`; the original stays as it was."""
    parts = {
        part: copy.deepcopy(getattr(played, part))
        for part in ("answer", "results", "story", "records")
    }
    change(parts)
    return replace(played, **parts)


def person(number, **fields):
    return lambda parts: parts["results"]["candidates"][number].update(fields)


def without_field(number, name):
    return lambda parts: parts["results"]["candidates"][number].pop(name)


def step(kind, **fields):
    def change(parts):
        next(one for one in parts["story"]["steps"] if one["kind"] == kind).update(fields)

    return change


def the_same_twice(parts):
    people = parts["results"]["candidates"]
    people[-1] = dict(people[0])


def one_too_many(parts):
    people = parts["results"]["candidates"]
    url = "https://www.linkedin.com/in/{}"
    while len(people) <= LIMIT:
        n = len(people)
        people.append({**people[0], "profileUrl": url.format(n), "profileId": _md5(url.format(n))})


def _md5(text):
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def another_end(event):
    def change(parts):
        steps = parts["story"]["steps"]
        told = next(one for one in steps if one["kind"] == "delivery")
        steps.append({**told, "event": event})

    return change


def no_end(parts):
    story = parts["story"]
    story["steps"] = [one for one in story["steps"] if one["kind"] != "delivery"]


def no_entry(kind):
    def change(parts):
        story = parts["story"]
        story["steps"] = [one for one in story["steps"] if one["kind"] != kind]

    return change


def an_entry_twice(kind):
    def change(parts):
        steps = parts["story"]["steps"]
        steps.append(next(one for one in steps if one["kind"] == kind))

    return change


def an_md5_in_capitals(parts):
    one = next(
        p for p in parts["results"]["candidates"] if p["profileId"].upper() != p["profileId"]
    )
    one["profileId"] = one["profileId"].upper()


BROKEN = {
    "a tenth field": (person(5, email="a@b.example"), NINE),
    "eight fields": (without_field(5, "headline"), NINE),
    "the MD5 of something else": (person(5, profileId="0" * 32), MD5),
    "an MD5 in capitals": (an_md5_in_capitals, MD5),
    "one more than the limit": (one_too_many, AT_MOST),
    "the same person twice": (the_same_twice, TWICE),
    "the event of the other end": (step("delivery", event="SOURCING_FAILED"), ENDS),
    "two ends": (another_end("SOURCING_FAILED"), ENDS),
    "the same end twice": (another_end("SOURCING_COMPLETED"), ENDS),
    "no end": (no_end, ENDS),
    "a hold that is off by one": (step("hold", amount=4), LEDGER),
    "a charge that is off by one": (step("charge", amount=3), LEDGER),
    "a release that is off by one": (step("release", amount=0), LEDGER),
    "a hold that is off by a tenth of a minute": (step("hold", amount=3.1), LEDGER),
    "no release": (no_entry("release"), LEDGER),
    "a charge twice": (an_entry_twice("charge"), LEDGER),
}


def test_nothing_is_red_in_a_run_as_it_was(played_of):
    assert red(against_contract(played_of(RUN), LIMIT)) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_breaks_the_contract_is_red_and_nothing_else_is(played_of, name):
    change, what = BROKEN[name]
    assert red(against_contract(falsified(played_of(RUN), change), LIMIT)) == [what]


@pytest.mark.parametrize("check", TITLES)
@pytest.mark.parametrize("ok", [False, None], ids=["failed", "could not be checked"])
def test_a_check_of_the_sink_that_did_not_pass_is_red(played_of, check, ok):
    def change(parts):
        [record] = parts["records"]
        next(one for one in record["checks"] if one["id"] == check)["ok"] = ok

    found = red(against_contract(falsified(played_of(RUN), change), LIMIT))
    assert found == [f"webhook {TITLES[check]} (check {check})"]


@pytest.mark.parametrize("name", ["profileUrl", "profileId"])
def test_a_candidate_without_what_identifies_it_is_red_and_no_crash(played_of, name):
    played = falsified(played_of(RUN), without_field(5, name))
    assert NINE in red(against_contract(played, LIMIT))


def test_a_completed_run_without_candidates_is_red_and_no_crash(played_of):
    played = falsified(played_of(RUN), lambda parts: parts["results"].pop("candidates"))
    assert red(against_contract(played, LIMIT))


def test_a_refusal_without_its_envelope_is_red(played_of):
    played = played_of("insufficient-credits")
    assert red(against_contract(played, 20)) == []
    for name in ("success", "data", "error", "timestamp"):
        broken = falsified(played, lambda parts, name=name: parts["answer"].pop(name))
        assert red(against_contract(broken, 20)) == ["a refused start has the error envelope (6.1)"]


def test_a_run_without_a_webhook_needs_no_event(played_of):
    played = played_of("happy", webhookId=None)
    assert played.steps("delivery") == []
    assert red(against_contract(played, 20)) == []


def test_a_failed_run_that_tells_of_success_is_red(played_of):
    played = played_of("provider-fails-on-page-3")
    assert red(against_contract(played, LIMIT)) == []
    told = falsified(played, step("delivery", event="SOURCING_COMPLETED"))
    assert red(against_contract(told, LIMIT)) == [ENDS]


# --- against what a scenario expects ---


def mutants(name):
    """The scenario's file with one line of its `expect` falsified, and what must then be red."""
    text = (shipped_folder("scenarios") / f"{name}.yaml").read_text(encoding="utf-8")
    data = read_document(text, name).data
    for key, value in data["expect"].items():
        if key == "ledger":
            for word, amount in value.items():
                for wrong in (amount + 1, amount + 0.1):
                    # alone, since the loader refuses what does not add up
                    yield f"ledger.{word}", {**data, "expect": {"ledger": {word: wrong}}}
            continue
        for wrong in WRONG[key](value):
            yield key, {**data, "expect": {**data["expect"], key: wrong}}


def _wrong_list(*others, at_most):
    def wrong(value):
        other = next(one for one in others if one not in value[:1])
        lists = ([*value, other], value[:-1], [other, *value[1:]])
        return [one for one in lists if one != value and len(one) <= at_most]

    return wrong


def _wrong_span(value):
    low, high = (value["min"], value["max"]) if isinstance(value, dict) else (value, value)
    ms = {text: _ms(text) for text in (low, high)}
    return [
        f"{ms[high] + 1}ms",
        f"{ms[low] - 1}ms",
        {"min": "0ms", "max": f"{ms[low] - 1}ms"},
        {"min": f"{ms[high] + 1}ms", "max": "1h"},
    ]


def _ms(text):
    return int(text[:-2]) if text.endswith("ms") else int(text[:-1]) * 1_000


WRONG = {
    "http": lambda value: [value + 1, 500],
    "status": lambda value: [one for one in ("completed", "failed", "processing") if one != value],
    "errorCode": lambda value: [f"{value}_", "OTHER"],
    "candidates": lambda value: [n for n in (value - 1, value + 1) if 0 <= n <= 100],
    "pages": _wrong_list("ok", "failed", "empty", at_most=5),
    "webhooks": _wrong_list("SOURCING_COMPLETED", "SOURCING_FAILED", at_most=20),
    "polls": _wrong_list("completed", "failed", at_most=100),
    "elapsed": _wrong_span,
}

MUTANTS = [(name, *mutant) for name in LIBRARY.names() for mutant in mutants(name)]


@pytest.mark.parametrize(
    ("name", "what", "mutant"),
    MUTANTS,
    ids=[f"{one[0]}-{one[1]}-{n}" for n, one in enumerate(MUTANTS)],
)
def test_every_line_of_what_a_shipped_scenario_expects_can_be_red(played_of, name, what, mutant):
    played = played_of(name)
    assert red(against_expectation(played, LIBRARY.get(name).expect, exact_time=True)) == []
    expect = load_scenario(json.dumps(mutant), name).expect
    assert red(against_expectation(played, expect, exact_time=True)) == [what]


def test_every_line_of_what_a_shipped_scenario_expects_is_a_finding(played_of):
    for name in LIBRARY.names():
        lines = {what for other, what, _ in MUTANTS if other == name}
        found = against_expectation(played_of(name), LIBRARY.get(name).expect, exact_time=True)
        assert {finding.what for finding in found} == lines, name


NONSENSE = {
    "http": 599,
    "status": "processing",
    "errorCode": "OTHER",
    "candidates": 99,
    "ledger": {"held": 99},
    "pages": ["failed"] * 5,
    "webhooks": ["PING"],
    "polls": ["failed"],
    "order": ["the end", "the beginning"],
    "elapsed": "23h",
}


@pytest.mark.parametrize("key", scenario_schema()["properties"]["expect"]["properties"])
def test_whatever_a_file_may_expect_is_looked_at(played_of, key):
    file = {"sim": 1, "name": "n", "summary": "s", "expect": {key: NONSENSE[key]}}
    expect = load_scenario(json.dumps(file), "n").expect
    assert len(red(against_expectation(played_of(RUN), expect, exact_time=True))) == 1


# --- the other way round: what the scenario expects stays, what came is falsified ---

EXPECT = replace(LIBRARY.get(RUN).expect, polls=("completed", "completed"))


def field(part, **fields):
    return lambda parts: parts[part].update(fields)


CAME = {
    "status": (field("results", status="failed"), "status"),
    "candidates": (lambda parts: parts["results"]["candidates"].pop(), "candidates"),
    "a page failed": (
        lambda parts: _last_query(parts).update(outcome="timeout"),
        "pages",
    ),
    "a page was empty": (lambda parts: _last_query(parts).update(people=0), "pages"),
    "no webhook": (lambda parts: parts.update(records=()), "webhooks"),
    "two webhooks": (lambda parts: parts.update(records=parts["records"] * 2), "webhooks"),
    "another event": (
        lambda parts: parts["records"][0].update(event="SOURCING_FAILED"),
        "webhooks",
    ),
    "held": (step("hold", amount=4), "ledger.held"),
    "charged": (step("charge", amount=1), "ledger.charged"),
    "released": (step("release", amount=1.1), "ledger.released"),
    "a later end": (
        field("results", completedAt="2099-01-01T00:00:00.000Z"),
        "elapsed",
    ),
    "no end at all": (lambda parts: parts["results"].pop("completedAt"), "elapsed"),
}


def _last_query(parts):
    return [one for one in parts["story"]["steps"] if one["kind"] == "query"][-1]


@pytest.mark.parametrize("name", CAME)
def test_what_came_otherwise_than_expected_is_red_and_nothing_else_is(played_of, name):
    change, what = CAME[name]
    played = falsified(played_of(RUN), change)
    assert red(against_expectation(played, EXPECT, exact_time=True)) == [what]


def test_another_error_code_is_red(played_of):
    expect = LIBRARY.get("provider-fails-on-page-3").expect
    played = falsified(played_of("provider-fails-on-page-3"), field("results", errorCode="OTHER"))
    assert red(against_expectation(played, expect, exact_time=True)) == ["errorCode"]


def test_another_answer_to_the_post_or_other_polls_are_red(played_of):
    played = played_of(RUN)
    assert red(against_expectation(played, EXPECT, exact_time=True)) == []
    for what, other in (
        ("http", replace(played, status=200)),
        ("polls", replace(played, polls=("processing", "completed"))),
        ("polls", replace(played, polls=())),
    ):
        assert red(against_expectation(other, EXPECT, exact_time=True)) == [what]


def test_on_a_running_clock_a_run_may_be_slower_and_not_faster(played_of):
    played = played_of(RUN)
    for low, high, expected in ((399, 399, []), (400, 400, []), (401, 500, ["elapsed"])):
        expect = Expectation(elapsed=Latency(low, high))
        assert red(against_expectation(played, expect, exact_time=False)) == expected


def test_what_a_scenario_leaves_open_is_no_finding(played_of):
    assert list(against_expectation(played_of(RUN), Expectation(), exact_time=True)) == []
    some = Expectation(ledger=LedgerExpectation(charged=2))
    [finding] = against_expectation(played_of(RUN), some, exact_time=True)
    assert (finding.what, finding.ok, finding.seen) == ("ledger.charged", True, "2")


def test_a_red_finding_says_what_was_expected_and_what_came(played_of):
    expect = Expectation(candidates=34, elapsed=Latency(1, 2), ledger=LedgerExpectation(held=9))
    found = against_expectation(played_of(RUN), expect, exact_time=True)
    assert [finding.seen for finding in found] == [
        "expected 34, got 33",
        "expected 9, got 3",
        "expected 1..2 ms, got 400",
    ]

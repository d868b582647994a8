"""Contract 2: pages, charges, candidates, retries, and the readings 2.9 and 2.10."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preview_sim import Simulator
from preview_sim.domain.billing import Unit, cost, settle, to_units
from preview_sim.domain.run import (
    Outcome,
    PreviewRequest,
    Query,
    RunState,
    after_failure,
    after_page,
    charged_pages,
    transition,
)
from preview_sim.domain.scenario import AttemptPlan, PagePlan, ProviderPlan

ACME_WEBHOOK = "123e4567-e89b-12d3-a456-426614174000"
ALWAYS_STRINGS = ("profileId", "fullName", "profileUrl")
MAY_BE_NULL = ("title", "headline", "location", "country", "companyName", "companyUrl")
PRICES = {"sk_sim_acme": 1, "sk_sim_beta": 0.4}


def meets(scenario: str) -> dict[str, str]:
    return {"X-Sim-Scenario": scenario}


def ms_between(earlier: str, later: str) -> int:
    took = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    return round(took.total_seconds() * 1000)


# The law of contract 2, told once more and without a line of the code under test.


@dataclass
class Told:
    """What the contract says of one run."""

    attempts: list[tuple[int, int, str]]
    """Page, attempt, outcome; in order."""
    status: str
    charged: int
    found: int


#: What a faulty page does: how its attempts end. A page whose last one is not ok fails for good.
FAULTS = {
    "error": ["503", "503", "503"],
    "hang": ["timeout", "timeout", "timeout"],
    "unreadable": ["malformed", "malformed", "malformed"],
    "mixed": ["500", "timeout", "malformed"],
    "second": ["timeout", "ok"],
    "third": ["429", "malformed", "ok"],
}

FAILED_PAGE_BILLING = ("charge", "refund", "partial")
EMPTY_PAGE = ("charged", "free")


def law(limit, people_on, more_after, faults, failed_billing="charge", empty_page="charged"):
    """`people_on` and `more_after` tell of a page how many it has and whether it announces more,
    `faults` how the attempts at a page end that do not end in ok at once."""
    told = Told([], "completed", charged=0, found=0)
    for page in range(1, -(-limit // 20) + 1):
        ends = faults.get(page, ["ok"])
        told.attempts += [(page, number, how) for number, how in enumerate(ends, 1)]
        if ends[-1] != "ok":
            if failed_billing != "partial" or page == 1:
                told.status = "failed"
                told.charged = 0 if failed_billing == "refund" else told.charged
            return told
        told.charged += 1 if people_on(page) or empty_page == "charged" else 0
        told.found += people_on(page)
        if not people_on(page) or not more_after(page):
            return told
    return told


# The law over HTTP: a grid of scenarios, each met in credits and in minutes.

BOUNDARIES = [0, 1, 19, 20, 21, 39, 40, 41, 59, 60, 61, 79, 80, 81, 99, 100, 101, 250]
READINGS = list(product(FAILED_PAGE_BILLING, EMPTY_PAGE))
FAULTLESS = list(product(range(103), [None], [True, False], READINGS))
FAULTY = list(product(BOUNDARIES, product(range(1, 6), FAULTS), [True, False], READINGS))


def name_of(total, fault, announces, readings) -> str:
    where = "-".join(map(str, fault)) if fault else "none"
    return f"{total}-{where}-{'told' if announces else 'untold'}-{'-'.join(readings)}"


def scenario_of(total, fault, announces, readings) -> dict:
    page, kind = fault or (0, "")
    written = {
        "error": {"error": 503},
        "hang": {"hang": True},
        "unreadable": {"malformed": True},
        "mixed": {"attempts": [500, "timeout", "malformed"]},
        "second": {"attempts": ["timeout", "ok"]},
        "third": {"attempts": [429, "malformed", "ok"]},
    }
    provider = {"total": total, "announces_end": announces, "latency": "3ms"}
    if fault:
        provider["pages"] = {str(page): written[kind]}
    return {
        "sim": 1,
        "name": name_of(total, fault, announces, readings),
        "summary": "One of a grid.",
        "provider": provider,
        "readings": dict(zip(("failed-page-billing", "empty-page"), readings, strict=True)),
    }


@pytest.fixture(scope="module")
def grid(tmp_path_factory, api_of, stop_later):
    """An instant simulator that knows every scenario of the grid, and two rich companies."""
    folder = tmp_path_factory.mktemp("grid")
    for case in (*FAULTLESS, *FAULTY):
        (folder / f"{name_of(*case)}.yaml").write_text(json.dumps(scenario_of(*case)))
    companies = [
        {"name": key, "unit": unit, "balance": 1_000_000, "keys": [{"key": key}]}
        for key, unit in (("sk_sim_acme", "credits"), ("sk_sim_beta", "minutes"))
    ]
    world = folder / "world.json"
    world.write_text(json.dumps({"companies": companies}))
    simulator = Simulator(
        clock="instant", seed=1, scenarios=folder, world=world, self_check=True
    ).__enter__()
    yield api_of(simulator)
    stop_later(simulator)


def check_law(api, limit, total, fault, announces, readings) -> None:
    """One run in each unit: pages asked, charged and released, people returned, time taken."""
    told = law(
        limit,
        people_on=lambda page: max(0, min(20, total - 20 * (page - 1))),
        more_after=lambda page: not announces or total > 20 * page,
        faults={fault[0]: FAULTS[fault[1]]} if fault else {},
        failed_billing=readings[0],
        empty_page=readings[1],
    )
    headers = meets(name_of(total, fault, announces, readings))
    for key, price in PRICES.items():
        document = api.finished(key=key, limit=limit, headers=headers)
        steps = api.sim.story(document["requestId"])["steps"]
        assert [
            (step["page"], step["attempt"], step["outcome"])
            for step in steps
            if step["kind"] == "query"
        ] == told.attempts
        moved = {"hold": 0, "charge": 0, "release": 0}
        moved |= {step["kind"]: step["amount"] for step in steps if step["kind"] in moved}
        held = -(-limit // 20)
        assert moved == {
            "hold": round(held * price, 1),
            "charge": round(told.charged * price, 1),
            "release": round((held - told.charged) * price, 1),
        }
        assert document["status"] == told.status
        if told.status == "completed":
            assert document["foundCount"] == told.found
            assert len(document["candidates"]) == min(limit, told.found)
        else:
            assert "candidates" not in document
        waits = sum(15_000 if how == "timeout" else 3 for _, _, how in told.attempts)
        retries = sum(number > 1 for _, number, _ in told.attempts)
        took = ms_between(document["createdAt"], document["completedAt"])
        assert took == waits + 500 * retries


@settings(max_examples=250, deadline=None, derandomize=True)
@given(limit=st.integers(1, 100), case=st.sampled_from(FAULTLESS))
def test_2_3_exactly_the_answered_pages_are_charged_whatever_there_is(grid, limit, case):
    check_law(grid, limit, *case)


@settings(max_examples=350, deadline=None, derandomize=True)
@given(limit=st.integers(1, 100), case=st.sampled_from(FAULTY))
def test_2_3_exactly_the_answered_pages_are_charged_whatever_fails(grid, limit, case):
    check_law(grid, limit, *case)


def test_2_3_over_all_those_runs_not_a_piece_is_lost(grid):
    ledger = grid.sim.ledger()
    for account in ledger["accounts"]:
        moved = {"grant": 0, "hold": 0, "charge": 0, "release": 0}
        for entry in ledger["entries"]:
            if entry["accountId"] == account["accountId"]:
                moved[entry["kind"]] += round(entry["amount"] * 10)
        assert moved["hold"] == moved["charge"] + moved["release"]
        assert account["held"] == 0
        assert account["granted"] == 1_000_000
        assert round(account["charged"] * 10) == moved["charge"]
        assert round(account["available"] * 10) == 10_000_000 - moved["charge"]


# The same law against the domain alone, with many more shapes of provider.

ENDINGS = {
    "ok": AttemptPlan(Outcome.OK),
    "503": AttemptPlan(Outcome.ERROR, 503),
    "timeout": AttemptPlan(Outcome.TIMEOUT),
    "malformed": AttemptPlan(Outcome.MALFORMED),
}


def walk(plan, limit, failed_billing, empty_page) -> tuple[Told, int]:
    """A run as the domain decides it, without engine, store or people; and the pages held for."""
    request = PreviewRequest("t", "j", "l", limit=limit)
    told, query, state = Told([], "", 0, 0), Query(), RunState.PROCESSING
    answered = empty = 0
    while state is RunState.PROCESSING:
        ends, _ = plan.answer(1, "req_x", query)
        told.attempts.append((query.page, query.attempt, str(ends)))
        if ends.outcome is Outcome.OK:
            count = plan.count(query.page)
            answered, empty = answered + 1, empty + (count == 0)
            told.found += count
            following = after_page(
                query,
                more=plan.more(query.page),
                empty=count == 0,
                pages_at_most=request.pages_at_most,
            )
        else:
            following = after_failure(
                query, retries=plan.retries, pages_answered=answered, billing=failed_billing
            )
        state = transition(state, following.event)
        assert (following.query is None) == (state is not RunState.PROCESSING)
        query = following.query
    told.status = state.value
    told.charged = charged_pages(
        state,
        answered=answered,
        empty=empty,
        failed_billing=failed_billing,
        empty_page=empty_page,
    )
    return told, request.pages_at_most


@st.composite
def providers(draw):
    """A provider with any number of people, short and empty pages, failures and retries."""
    retries = draw(st.integers(0, 3))
    endings = st.lists(st.sampled_from(list(ENDINGS)), min_size=1, max_size=retries + 1)
    pages = draw(
        st.dictionaries(
            st.integers(1, 5),
            st.tuples(st.one_of(st.just(20), st.integers(0, 20)), st.one_of(st.just([]), endings)),
        )
    )
    plan = ProviderPlan(
        total=draw(st.one_of(st.sampled_from(BOUNDARIES), st.integers(0, 130))),
        retries=retries,
        announces_end=draw(st.booleans()),
        pages={
            number: PagePlan(count, attempts=tuple(ENDINGS[how] for how in ends))
            for number, (count, ends) in pages.items()
        },
    )
    faults = {number: until_ok(ends, 1 + retries) for number, (_, ends) in pages.items()}
    counts = {number: count for number, (count, _) in pages.items()}
    return plan, counts, faults


def until_ok(ends: list[str], attempts: int) -> list[str]:
    """The attempts that are made: none after an ok; those that nothing is said of are ok."""
    made = []
    for how in [*ends, *["ok"] * attempts][:attempts]:
        made.append(how)
        if how == "ok":
            break
    return made


@settings(max_examples=1_500, deadline=None, derandomize=True)
@given(
    limit=st.integers(1, 100),
    provider=providers(),
    failed_billing=st.sampled_from(FAILED_PAGE_BILLING),
    empty_page=st.sampled_from(EMPTY_PAGE),
)
def test_2_3_the_domain_keeps_the_law_for_any_provider(limit, provider, failed_billing, empty_page):
    plan, counts, faults = provider
    told, held = walk(plan, limit, failed_billing, empty_page)
    assert told == law(
        limit,
        people_on=lambda page: max(0, min(20, counts.get(page, 20), plan.total - 20 * (page - 1))),
        more_after=lambda page: not plan.announces_end or plan.total > 20 * page,
        faults=faults,
        failed_billing=failed_billing,
        empty_page=empty_page,
    )
    for unit in Unit:
        settled = settle(unit, cost(unit, held), told.charged)
        assert settled.charge == cost(unit, told.charged)
        assert settled.charge + settled.release == cost(unit, held)


@settings(deadline=None, derandomize=True)
@given(pages=st.integers(0, 10_000))
def test_2_2_no_number_of_pages_makes_an_amount_inexact(pages):
    assert to_units(Unit.CREDITS, cost(Unit.CREDITS, pages)) == pages
    assert to_units(Unit.MINUTES, cost(Unit.MINUTES, pages)) == pages * 4 / 10


# 2.1


def test_2_1_pages_are_asked_one_after_another(connect, scenarios):
    slow = scenarios(paced={"provider": {"latency": {"min": "50ms", "max": "900ms"}}})
    api = connect(clock="manual", scenarios=slow, scenario="paced")
    request_id = api.accepted(limit=100)
    for page in range(1, 6):
        (event,) = api.sim.clock.to_next()
        assert (event["kind"], event["page"], event["attempt"]) == ("query", page, 1)
    assert api.sim.clock.to_next() == []
    queries = api.steps(request_id, "query")
    assert [query["page"] for query in queries] == [1, 2, 3, 4, 5]
    for earlier, later in pairwise(queries):
        assert later["askedAt"] == earlier["at"]


@pytest.mark.parametrize(
    ("limit", "pages"),
    [(1, 1), (20, 1), (21, 2), (40, 2), (41, 3), (60, 3), (80, 4), (81, 5), (100, 5)],
)
def test_2_1_a_page_has_20_and_a_run_stops_when_the_limit_is_satisfied(instant, limit, pages):
    document = instant.finished(limit=limit)
    assert document["foundCount"] == 20 * pages
    assert len(instant.steps(document["requestId"], "query")) == pages


@pytest.mark.parametrize(("total", "pages"), [(0, 1), (1, 1), (20, 1), (21, 2), (40, 2), (99, 5)])
def test_2_1_a_run_stops_when_the_provider_has_no_more(connect, scenarios, total, pages):
    api = connect(scenarios=scenarios(few={"provider": {"total": total}}), scenario="few")
    document = api.finished(limit=100)
    assert document["status"] == "completed"
    assert document["foundCount"] == len(document["candidates"]) == total
    assert len(api.steps(document["requestId"], "query")) == pages


def test_2_1_a_short_page_in_the_middle_is_not_made_up_for(connect, scenarios):
    short = {"provider": {"pages": {"2": {"count": 3}}}}
    api = connect(scenarios=scenarios(short=short), scenario="short")
    document = api.finished(limit=60)
    assert document["foundCount"] == len(document["candidates"]) == 43
    assert api.moves(document["requestId"]) == {"hold": 3, "charge": 3, "release": 0}


# 2.2 and 2.3


def test_2_2_a_page_is_a_credit_or_0_4_minutes_exactly(instant):
    for _ in range(7):
        instant.finished(key="sk_sim_acme", limit=1)
        instant.finished(key="sk_sim_beta", limit=1)
    assert instant.account("Acme Talent")["charged"] == 7
    assert instant.account("Beta Staffing")["charged"] == 2.8
    assert instant.account("Beta Staffing")["available"] == 37.2


def test_2_2_a_balance_of_minutes_is_used_to_its_last_second(connect, world):
    keys = [{"key": "sk_one"}]
    company = {"name": "One", "unit": "minutes", "balance": 2.0, "keys": keys}
    api = connect(world=world(company))
    for _ in range(5):
        api.finished(key="sk_one")
    assert api.account("One") == {"granted": 2.0, "available": 0, "held": 0, "charged": 2.0}
    assert api.start(key="sk_one").status_code == 402


def test_2_2_a_company_is_billed_in_one_unit_only(instant):
    instant.finished(key="sk_sim_acme")
    instant.finished(key="sk_sim_beta")
    accounts = instant.sim.ledger()["accounts"]
    assert [(account["companyName"], account["unit"]) for account in accounts] == [
        ("Acme Talent", "credits"),
        ("Beta Staffing", "minutes"),
        ("Empty Purse", "credits"),
    ]


def test_2_3_at_every_moment_nothing_is_lost(connect, scenarios):
    provider = {"latency": "100ms", "pages": {"3": {"attempts": ["timeout", 503, "ok"]}}}
    api = connect(clock="manual", scenarios=scenarios(bumpy={"provider": provider}))
    api.accepted(limit=100, headers=meets("bumpy"))
    api.accepted(limit=60, headers=meets("provider-fails-on-page-3"))
    seen = set()
    while True:
        account = api.account()
        assert account["granted"] == account["available"] + account["held"] + account["charged"]
        seen.add((account["held"], account["charged"]))
        if not api.sim.clock.to_next():
            break
    assert seen == {(8, 0), (5, 2), (0, 7)}


def test_2_3_a_hold_is_resolved_at_the_end_and_not_before(connect, scenarios):
    api = connect(
        clock="manual", scenarios=scenarios(even={"provider": {"latency": "1s"}}), scenario="even"
    )
    request_id = api.accepted(limit=40)
    api.sim.clock.advance("1999ms")
    assert api.moves(request_id) == {"hold": 2, "charge": 0, "release": 0}
    api.sim.clock.advance("1ms")
    assert api.moves(request_id) == {"hold": 2, "charge": 2, "release": 0}


# 2.4


@pytest.mark.parametrize(("limit", "pages"), [(1, 1), (30, 2), (59, 3), (99, 5)])
def test_2_4_no_more_than_the_limit_are_returned_and_all_pages_charged(instant, limit, pages):
    document = instant.finished(limit=limit)
    assert len(document["candidates"]) == limit
    assert instant.moves(document["requestId"])["charge"] == pages


# 2.5 to 2.7


@pytest.mark.parametrize("scenario", ["happy", "sparse-profiles", "unicode-names"])
def test_2_5_a_candidate_has_exactly_nine_fields_and_2_6_ids_of_linkedin_urls(instant, scenario):
    document = instant.finished(limit=100, headers=meets(scenario))
    assert len(document["candidates"]) == 100
    for candidate in document["candidates"]:
        assert list(candidate) == ["profileId", "fullName", "profileUrl", *MAY_BE_NULL]
        url = candidate["profileUrl"]
        assert re.fullmatch(r"https://www\.linkedin\.com/in/[^/?#\s]+", url)
        assert candidate["profileId"] == md5(url.encode()).hexdigest()
        company = candidate["companyUrl"]
        if company is not None:
            assert re.fullmatch(r"https://www\.linkedin\.com/company/[^/?#\s]+", company)
    assert len({candidate["profileId"] for candidate in document["candidates"]}) == 100


def test_2_7_an_ordinary_candidate_has_a_text_in_every_field(instant):
    for candidate in instant.finished(limit=100)["candidates"]:
        assert all(isinstance(value, str) and value for value in candidate.values())


@pytest.mark.parametrize("share", [0.3, 1])
def test_2_7_six_fields_may_be_null_and_are_there_all_the_same(connect, scenarios, share):
    sparse = {"provider": {"sparse": share}}
    api = connect(scenarios=scenarios(sparse=sparse), scenario="sparse")
    candidates = api.finished(limit=100)["candidates"]
    for candidate in candidates:
        assert set(candidate) == {*ALWAYS_STRINGS, *MAY_BE_NULL}
        assert all(isinstance(candidate[name], str) for name in ALWAYS_STRINGS)
    for name in MAY_BE_NULL:
        nulls = sum(candidate[name] is None for candidate in candidates)
        assert nulls == 100 if share == 1 else 0 < nulls < 100


# 2.8


@pytest.mark.parametrize(
    ("page", "times", "charged"),
    [
        ({"attempts": ["ok"]}, [200], 1),
        ({"attempts": ["timeout", "ok"]}, [15_000, 15_700], 1),
        ({"attempts": [503, "ok"]}, [200, 900], 1),
        ({"attempts": ["malformed", 429, "ok"]}, [200, 900, 1_600], 1),
        ({"attempts": [500, "timeout", "ok"]}, [200, 15_700, 16_400], 1),
        ({"attempts": ["timeout", "timeout", "ok"]}, [15_000, 30_500, 31_200], 1),
        ({"attempts": ["timeout", "timeout", 503]}, [15_000, 30_500, 31_200], 0),
        ({"hang": True}, [15_000, 30_500, 46_000], 0),
        ({"error": 503}, [200, 900, 1_600], 0),
        ({"malformed": True}, [200, 900, 1_600], 0),
        ({"latency": "14999ms"}, [14_999], 1),
        ({"latency": "15s"}, [15_000, 30_500, 46_000], 0),
        ({"latency": "1h"}, [15_000, 30_500, 46_000], 0),
    ],
)
def test_2_8_a_page_is_waited_for_15_s_and_asked_three_times(
    connect, scenarios, page, times, charged
):
    provider = {"latency": "200ms", "pages": {"1": page}}
    api = connect(clock="manual", scenarios=scenarios(odd={"provider": provider}), scenario="odd")
    document = api.finished()
    request_id, began = document["requestId"], document["createdAt"]
    queries = api.steps(request_id, "query")
    assert [ms_between(began, query["at"]) for query in queries] == times
    assert [query["attempt"] for query in queries] == list(range(1, len(times) + 1))
    assert ms_between(began, document["completedAt"]) == times[-1]
    assert document["status"] == ("completed" if charged else "failed")
    assert api.moves(request_id) == {"hold": 1, "charge": charged, "release": 1 - charged}


@pytest.mark.parametrize("retries", [0, 1, 2, 10])
def test_2_8_a_scenario_can_ask_for_other_retries_and_another_timeout(connect, scenarios, retries):
    provider = {"retries": retries, "timeout": "2s", "pages": {"1": {"hang": True}}}
    api = connect(clock="manual", scenarios=scenarios(odd={"provider": provider}), scenario="odd")
    document = api.finished()
    assert document["status"] == "failed"
    took = ms_between(document["createdAt"], document["completedAt"])
    assert took == 2_000 * (retries + 1) + 500 * retries


# 2.9


@pytest.fixture
def failing(scenarios):
    """Scenarios `fails-on-1` to `fails-on-5`."""
    pages = {f"fails_on_{page}": {"pages": {str(page): {"error": 503}}} for page in range(1, 6)}
    return scenarios(**{name: {"provider": provider} for name, provider in pages.items()})


@pytest.mark.parametrize(("key", "price"), PRICES.items())
@pytest.mark.parametrize("reading", [None, *FAILED_PAGE_BILLING])
def test_2_9_who_pays_for_the_pages_of_a_run_that_fails(connect, failing, key, price, reading):
    readings = {"failed-page-billing": reading} if reading else {}
    api = connect(scenarios=failing, readings=readings)
    for page in range(1, 6):
        document = api.finished(key=key, limit=100, headers=meets(f"fails-on-{page}"))
        charged = 0 if reading == "refund" else page - 1
        assert api.moves(document["requestId"]) == {
            "hold": round(5 * price, 1),
            "charge": round(charged * price, 1),
            "release": round((5 - charged) * price, 1),
        }
        if reading == "partial" and page > 1:
            assert document["status"] == "completed"
            assert document["foundCount"] == len(document["candidates"]) == 20 * (page - 1)
        else:
            assert document["status"] == "failed"
            assert "candidates" not in document


def test_2_9_a_partial_result_is_cut_at_the_limit_and_continues_to_be_a_prefix(connect, failing):
    api = connect(scenarios=failing, readings={"failed-page-billing": "partial"})
    whole = api.finished(limit=100)["candidates"]
    document = api.finished(limit=50, headers=meets("fails-on-3"))
    assert document["candidates"] == whole[:40]


# 2.10


@pytest.mark.parametrize(("key", "price"), PRICES.items())
@pytest.mark.parametrize("reading", [None, *EMPTY_PAGE])
@pytest.mark.parametrize(
    ("total", "announces", "asked", "empty"),
    [
        (0, True, 1, 1),
        (0, False, 1, 1),
        (33, True, 2, 0),
        (33, False, 3, 1),
        (40, True, 2, 0),
        (40, False, 3, 1),
        (100, False, 5, 0),
    ],
)
def test_2_10_a_run_asks_past_the_end_only_if_nobody_announces_it_and_who_pays(
    connect, scenarios, key, price, reading, total, announces, asked, empty
):
    provider = {"total": total, "announces_end": announces}
    api = connect(
        scenarios=scenarios(odd={"provider": provider}),
        scenario="odd",
        readings={"empty-page": reading} if reading else {},
    )
    document = api.finished(key=key, limit=100)
    assert document["status"] == "completed"
    assert len(document["candidates"]) == total
    assert len(api.steps(document["requestId"], "query")) == asked
    charged = asked - empty if reading == "free" else asked
    assert api.moves(document["requestId"]) == {
        "hold": round(5 * price, 1),
        "charge": round(charged * price, 1),
        "release": round((5 - charged) * price, 1),
    }


@pytest.mark.parametrize("where", ["option", "world", "scenario"])
def test_2_10_a_reading_is_chosen_by_option_world_or_scenario(connect, world, scenarios, where):
    free = {"empty-page": "free"}
    company = {"name": "Acme Talent", "unit": "credits", "balance": 9}
    company["keys"] = [{"key": "sk_sim_acme"}]
    nobody = {"provider": {"total": 0}, "readings": free if where == "scenario" else {}}
    api = connect(
        world=world(company, readings=free if where == "world" else {}),
        readings=free if where == "option" else {},
        scenarios=scenarios(nobody=nobody),
        scenario="nobody",
    )
    document = api.finished()
    assert api.moves(document["requestId"]) == {"hold": 1, "charge": 0, "release": 1}


# 2.11


@pytest.mark.parametrize("limit", [1, 100])
def test_2_11_a_run_takes_from_milliseconds_to_seconds(instant, limit):
    document = instant.finished(limit=limit)
    took = ms_between(document["createdAt"], document["completedAt"])
    pages = -(-limit // 20)
    assert 80 * pages <= took <= 250 * pages


# 2.12


def test_2_12_a_larger_limit_continues_the_list_of_a_smaller_one(instant):
    whole = instant.finished(limit=100)["candidates"]
    for limit in (1, 19, 20, 21, 40, 55, 99):
        assert instant.finished(limit=limit)["candidates"] == whole[:limit]


def test_2_12_neither_webhook_nor_key_nor_time_nor_other_runs_change_a_result(manual):
    first = manual.finished(limit=30)["candidates"]
    manual.finished(title="Something else", limit=100)
    manual.sim.clock.advance("24h")
    assert manual.finished(limit=30, webhookId=ACME_WEBHOOK)["candidates"] == first
    assert manual.finished(limit=30, key="sk_sim_beta")["candidates"] == first


@pytest.mark.parametrize("name", ["title", "jobDescription", "location", "query"])
def test_2_12_another_search_finds_other_people(instant, name):
    people = [instant.finished(**{name: text})["candidates"] for text in ("Welder", "Welders")]
    ids = [{candidate["profileId"] for candidate in found} for found in people]
    assert not ids[0] & ids[1]


def test_2_12_another_seed_finds_other_people_and_the_same_seed_the_same(connect):
    people = [connect(seed=seed).finished(limit=100)["candidates"] for seed in (5, 5, 6)]
    assert people[0] == people[1] != people[2]


def test_2_12_a_person_who_comes_twice_is_kept_once_where_first_met(connect, scenarios):
    twice = {"provider": {"total": 70, "pages": {"2": {"duplicate_of": 1}}}}
    api = connect(scenarios=scenarios(twice=twice))
    plain = api.finished(limit=60)["candidates"]
    document = api.finished(limit=60, headers=meets("twice"))
    assert document["candidates"] == plain[:20] + plain[40:]
    assert document["foundCount"] == 40
    assert api.moves(document["requestId"]) == {"hold": 3, "charge": 3, "release": 0}

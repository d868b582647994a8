"""The life of a run: every pair of the table, the page plan, retries, and what is charged."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preview_sim.domain.billing import Unit, cost, settle
from preview_sim.domain.run import (
    MAX_LIMIT,
    RETRY_PAUSE_MS,
    TRANSITIONS,
    Next,
    Outcome,
    PreviewRequest,
    Query,
    RunEvent,
    RunState,
    after_failure,
    after_page,
    charged_pages,
    transition,
)
from preview_sim.domain.scenario import AttemptPlan, Latency, PagePlan, ProviderPlan

#: Written out by hand, so that a change of the table is a change of two places.
POSSIBLE = {
    (RunState.PROCESSING, RunEvent.ATTEMPT_FAILED): RunState.PROCESSING,
    (RunState.PROCESSING, RunEvent.PAGE_ANSWERED): RunState.PROCESSING,
    (RunState.PROCESSING, RunEvent.SATISFIED): RunState.COMPLETED,
    (RunState.PROCESSING, RunEvent.EXHAUSTED): RunState.COMPLETED,
    (RunState.PROCESSING, RunEvent.PROVIDER_FAILED): RunState.FAILED,
    (RunState.PROCESSING, RunEvent.PROVIDER_FAILED_PARTIAL): RunState.COMPLETED,
}

RETRIES = 2


@pytest.mark.parametrize(("state", "event"), list(product(RunState, RunEvent)))
def test_every_pair_of_state_and_event_leads_where_it_should_or_cannot_happen(state, event):
    if (state, event) in POSSIBLE:
        assert transition(state, event) is POSSIBLE[state, event]
    else:
        with pytest.raises(AssertionError, match=f"a {state.value} run cannot meet"):
            transition(state, event)


def test_a_finished_run_meets_nothing_any_more():
    assert {state for state, _ in TRANSITIONS} == {RunState.PROCESSING}


@pytest.mark.parametrize(
    ("limit", "pages"),
    [(1, 1), (19, 1), (20, 1), (21, 2), (40, 2), (41, 3), (60, 3), (80, 4), (81, 5), (100, 5)],
)
def test_a_limit_is_held_for_in_whole_pages(limit, pages):
    request = PreviewRequest("t", "d", "l", limit=limit)
    assert request.pages_at_most == pages


def test_the_query_overrides_the_job_description_in_the_search():
    derived = PreviewRequest("t", "from the description", "l").search
    asked = PreviewRequest("t", "from the description", "l", query="asked").search
    assert (derived.text, asked.text) == ("from the description", "asked")


def test_neither_limit_nor_webhook_is_part_of_the_search():
    one = PreviewRequest("t", "d", "l", limit=1, webhook_id="a")
    other = PreviewRequest("t", "d", "l", limit=100, webhook_id=None)
    assert one.search == other.search


@pytest.mark.parametrize(
    ("page", "pages_at_most", "more", "empty", "expected"),
    [
        (1, 1, True, False, Next(RunEvent.SATISFIED)),
        (1, 2, True, False, Next(RunEvent.PAGE_ANSWERED, Query(2, 1))),
        (2, 2, True, False, Next(RunEvent.SATISFIED)),
        (4, 5, True, False, Next(RunEvent.PAGE_ANSWERED, Query(5, 1))),
        (5, 5, True, False, Next(RunEvent.SATISFIED)),
        (1, 5, False, False, Next(RunEvent.EXHAUSTED)),
        (5, 5, False, False, Next(RunEvent.EXHAUSTED)),
        (1, 5, True, True, Next(RunEvent.EXHAUSTED)),
        (2, 5, False, True, Next(RunEvent.EXHAUSTED)),
    ],
)
def test_an_answered_page_leads_to_the_next_or_ends_the_run(
    page, pages_at_most, more, empty, expected
):
    came = after_page(Query(page), more=more, empty=empty, pages_at_most=pages_at_most)
    assert came == expected


@pytest.mark.parametrize("attempt", [1, 2])
@pytest.mark.parametrize("billing", ["charge", "refund", "partial"])
def test_a_failed_attempt_is_repeated_after_a_pause_while_retries_are_left(attempt, billing):
    came = after_failure(Query(3, attempt), retries=RETRIES, pages_answered=2, billing=billing)
    assert came == Next(RunEvent.ATTEMPT_FAILED, Query(3, attempt + 1), RETRY_PAUSE_MS)


@pytest.mark.parametrize(
    ("billing", "answered", "event"),
    [
        ("charge", 0, RunEvent.PROVIDER_FAILED),
        ("charge", 2, RunEvent.PROVIDER_FAILED),
        ("refund", 0, RunEvent.PROVIDER_FAILED),
        ("refund", 2, RunEvent.PROVIDER_FAILED),
        ("partial", 0, RunEvent.PROVIDER_FAILED),
        ("partial", 2, RunEvent.PROVIDER_FAILED_PARTIAL),
    ],
)
def test_used_up_retries_end_the_run_as_the_reading_says(billing, answered, event):
    came = after_failure(
        Query(answered + 1, 1 + RETRIES),
        retries=RETRIES,
        pages_answered=answered,
        billing=billing,
    )
    assert came == Next(event)


@pytest.mark.parametrize(
    ("state", "failed_billing", "empty_page", "charged"),
    [
        (RunState.COMPLETED, "charge", "charged", 3),
        (RunState.COMPLETED, "refund", "charged", 3),
        (RunState.COMPLETED, "partial", "charged", 3),
        (RunState.COMPLETED, "charge", "free", 2),
        (RunState.FAILED, "charge", "charged", 3),
        (RunState.FAILED, "charge", "free", 2),
        (RunState.FAILED, "refund", "charged", 0),
        (RunState.FAILED, "refund", "free", 0),
    ],
)
def test_what_is_charged_follows_the_two_readings(state, failed_billing, empty_page, charged):
    came = charged_pages(
        state, answered=3, empty=1, failed_billing=failed_billing, empty_page=empty_page
    )
    assert came == charged


plans = st.builds(
    AttemptPlan, st.sampled_from([Outcome.OK, Outcome.TIMEOUT, Outcome.ERROR, Outcome.MALFORMED])
)
pages = st.builds(
    PagePlan,
    count=st.integers(0, 20),
    attempts=st.lists(plans, max_size=4).map(tuple),
    always=st.none() | plans,
)
providers = st.builds(
    ProviderPlan,
    total=st.integers(0, 120),
    latency=st.builds(Latency, st.just(0), st.integers(0, 20_000)),
    retries=st.integers(0, 4),
    announces_end=st.booleans(),
    pages=st.dictionaries(st.integers(1, 5), pages),
)


@given(
    providers,
    st.integers(1, MAX_LIMIT),
    st.sampled_from(Unit),
    st.sampled_from(["charge", "refund", "partial"]),
    st.sampled_from(["charged", "free"]),
    st.integers(0, 2**31),
)
def test_every_run_ends_in_a_bounded_number_of_steps_and_costs_no_more_than_its_hold(
    plan, limit, unit, billing, empty_page, seed
):
    """Invariants 2, 3 and 9 of a run, whatever the provider does."""
    request = PreviewRequest("t", "d", "l", limit=limit)
    held = cost(unit, request.pages_at_most)
    state, query, asked, answered, empty = RunState.PROCESSING, Query(), [], 0, 0
    for _ in range(request.pages_at_most * (plan.retries + 1)):
        asked.append((query.page, query.attempt))
        ends, took = plan.answer(seed, "req_x", query)
        assert 0 <= took <= plan.timeout
        if ends.outcome is Outcome.OK:
            answered += 1
            people = plan.count(query.page)
            empty += people == 0
            following = after_page(
                query,
                more=plan.more(query.page),
                empty=people == 0,
                pages_at_most=request.pages_at_most,
            )
        else:
            following = after_failure(
                query, retries=plan.retries, pages_answered=answered, billing=billing
            )
        state = transition(state, following.event)
        if following.query is None:
            break
        query = following.query
    assert state is not RunState.PROCESSING
    assert asked == sorted(set(asked)), "a page is never asked again once it has answered"
    charged = charged_pages(
        state, answered=answered, empty=empty, failed_billing=billing, empty_page=empty_page
    )
    assert charged <= answered <= request.pages_at_most
    settlement = settle(unit, held, charged)
    assert settlement.charge + settlement.release == held
    assert settlement.charge == cost(unit, charged)
    assert settlement.release >= 0


@given(st.integers(0, 2**31), st.integers(0, 20_000), st.integers(0, 20_000))
def test_an_answer_slower_than_the_timeout_is_a_timeout_at_the_timeout(seed, low, more):
    plan = ProviderPlan(latency=Latency(low, low + more))
    ends, took = plan.answer(seed, "req_x", Query())
    assert (took == plan.timeout) == (ends.outcome is Outcome.TIMEOUT)
    assert low <= took or took == plan.timeout


def test_the_attempts_of_a_page_run_out_into_ok_and_always_holds_for_each():
    failing = AttemptPlan(Outcome.ERROR, 503)
    twice = PagePlan(attempts=(failing, failing))
    assert [twice.attempt(n).outcome for n in (1, 2, 3, 4)] == [
        Outcome.ERROR,
        Outcome.ERROR,
        Outcome.OK,
        Outcome.OK,
    ]
    assert [PagePlan(always=failing).attempt(n) for n in (1, 5)] == [failing, failing]


@pytest.mark.parametrize(
    ("total", "page", "count", "more"),
    [
        (0, 1, 0, False),
        (1, 1, 1, False),
        (20, 1, 20, False),
        (21, 1, 20, True),
        (21, 2, 1, False),
        (40, 2, 20, False),
        (250, 5, 20, True),
    ],
)
def test_a_provider_that_announces_its_end_never_has_an_empty_page_after_it(
    total, page, count, more
):
    plan = ProviderPlan(total=total)
    assert (plan.count(page), plan.more(page)) == (count, more)


def test_a_provider_that_does_not_announce_its_end_always_says_more():
    plan = ProviderPlan(total=20, announces_end=False)
    assert (plan.count(2), plan.more(1), plan.more(2)) == (0, True, True)

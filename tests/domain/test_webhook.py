"""Deliveries: every pair of the table, the retry schedule, names of events, the envelope."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preview_sim.domain.errors import UsageError
from preview_sim.domain.webhook import (
    DELIVERY_TRANSITIONS,
    EVENTS,
    MAX_RETRIES,
    Attempt,
    DeliveryEvent,
    DeliveryState,
    Verdict,
    after_attempt,
    envelope,
    event_label,
    event_name,
    subscribes_to_an_end,
)

NOW = 1_735_689_600_000
MINUTE = 60_000

#: Before jitter: 5 s, 5 min, 30 min after the end of the attempt before (contract 5.6).
STEPS = {1: 5_000, 2: 5 * MINUTE, 3: 30 * MINUTE}

POSSIBLE = {
    (DeliveryState.PENDING, DeliveryEvent.ACKNOWLEDGED): DeliveryState.DELIVERED,
    (DeliveryState.PENDING, DeliveryEvent.REFUSED): DeliveryState.PENDING,
    (DeliveryState.PENDING, DeliveryEvent.REFUSED_LAST): DeliveryState.EXHAUSTED,
}

fractions = st.floats(0, 1, exclude_max=True)


def answered(status: int | None = 500, retry_after_ms: int | None = None) -> Attempt:
    return Attempt(status, None if status else "no answer", 12, retry_after_ms)


@pytest.mark.parametrize(("state", "event"), list(product(DeliveryState, DeliveryEvent)))
def test_every_pair_of_state_and_event_leads_where_it_should_or_is_not_in_the_table(state, event):
    assert DELIVERY_TRANSITIONS.get((state, event)) is POSSIBLE.get((state, event))


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("status", [200, 201, 202, 204, 226, 299])
def test_any_2xx_delivers_on_any_attempt(number, status):
    came = after_attempt(answered(status), number, NOW, 0.5)
    assert came == Verdict(DeliveryState.DELIVERED)


@pytest.mark.parametrize("status", [None, 100, 199, 300, 301, 302, 307, 308, 400, 404, 410, 500])
def test_any_other_answer_or_none_is_a_failure_redirects_too(status):
    came = after_attempt(answered(status), 1, NOW, 0.5)
    assert came.state is DeliveryState.PENDING


def test_the_attempt_after_three_retries_is_the_last():
    assert MAX_RETRIES == 3
    assert after_attempt(answered(), 4, NOW, 0.5) == Verdict(DeliveryState.EXHAUSTED)


@pytest.mark.parametrize(("max_retries", "attempts"), [(0, 1), (1, 2), (3, 4), (7, 8)])
def test_a_delivery_is_sent_once_and_max_retries_times_more(max_retries, attempts):
    """Invariant 6: exhausted means 1 + maxRetries attempts, no more and no fewer."""
    number = 1
    while after_attempt(answered(), number, NOW, 0.5, max_retries).retry_at is not None:
        number += 1
    assert number == attempts


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_middle_of_the_jitter_is_the_step_itself(number):
    assert after_attempt(answered(), number, NOW, 0.5).retry_at == NOW + STEPS[number]


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(("jitter", "factor"), [(0.0, 0.8), (0.25, 0.9), (0.75, 1.1)])
def test_jitter_spreads_the_step_by_a_fifth(number, jitter, factor):
    came = after_attempt(answered(), number, NOW, jitter).retry_at
    assert came == NOW + round(STEPS[number] * factor)


@given(st.integers(1, 3), fractions, st.integers(0, 2**41))
def test_a_retry_is_never_outside_a_fifth_of_its_step(number, jitter, ended_at):
    came = after_attempt(answered(), number, ended_at, jitter).retry_at
    assert came is not None
    assert STEPS[number] * 0.8 <= came - ended_at <= STEPS[number] * 1.2


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(
    ("asked", "of_step"), [(0, 1), (0.5, 1), (1, 1), (1.5, 1.5), (2, 2), (2.01, 2), (1_000, 2)]
)
def test_retry_after_is_honoured_between_one_and_two_steps(number, asked, of_step):
    attempt = answered(429, int(asked * STEPS[number]))
    came = after_attempt(attempt, number, NOW, 0.99).retry_at
    assert came == NOW + int(of_step * STEPS[number])


@given(st.integers(1, 3), fractions, st.integers(0, 10**12))
def test_no_retry_after_hurries_or_delays_beyond_its_bounds(number, jitter, retry_after):
    came = after_attempt(answered(503, retry_after), number, 0, jitter).retry_at
    assert came is not None
    assert STEPS[number] <= came <= 2 * STEPS[number]


def test_retry_after_of_a_success_changes_nothing():
    assert after_attempt(answered(200, 60_000), 1, NOW, 0.5) == Verdict(DeliveryState.DELIVERED)


def test_retries_beyond_the_schedule_keep_its_last_step():
    assert after_attempt(answered(), 5, NOW, 0.5, max_retries=9).retry_at == NOW + STEPS[3]


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_known_by_its_name_and_by_its_dotted_label(event):
    dotted = event_label(event, "dotted")
    assert dotted == event.lower().replace("_", ".")
    assert event_name(event) == event_name(dotted) == event
    assert event_label(event, "upper") == event


def test_an_unknown_event_is_refused_with_the_nearest_one():
    with pytest.raises(UsageError, match="Did you mean 'SOURCING_COMPLETED'"):
        event_name("SOURCING_COMPLETE")
    with pytest.raises(UsageError, match="expected one of SOURCING_COMPLETED, SOURCING_FAILED"):
        event_name("sourcing_completed")


@pytest.mark.parametrize(
    ("events", "hears"),
    [
        ((), False),
        (("PING",), False),
        (("SOURCING_COMPLETED",), True),
        (("PING", "SOURCING_FAILED"), True),
    ],
)
def test_a_webhook_hears_of_an_end_if_it_subscribes_to_one(events, hears):
    assert subscribes_to_an_end(events) is hears


def test_the_envelope_has_four_keys_in_the_documented_order():
    came = envelope("SOURCING_FAILED", NOW, "an-id", {"a": 1})
    assert list(came.items()) == [
        ("event", "SOURCING_FAILED"),
        ("timestamp", "2025-01-01T00:00:00.000Z"),
        ("deliveryId", "an-id"),
        ("data", {"a": 1}),
    ]

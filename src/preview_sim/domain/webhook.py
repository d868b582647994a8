"""Webhook configs, the envelope, and the life of a delivery (contract 1.7, 4.7, 5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from preview_sim.domain.errors import UsageError, nearest
from preview_sim.domain.signature import PROFILES
from preview_sim.domain.timestamp import to_iso

SOURCING_COMPLETED = "SOURCING_COMPLETED"
SOURCING_FAILED = "SOURCING_FAILED"
PING = "PING"

#: The events that this simulator sends (contract 4.7 [D]).
EVENTS = (SOURCING_COMPLETED, SOURCING_FAILED, PING)

#: The events that end a run: exactly one of them per run (contract 5.1 [S]).
TERMINAL_EVENTS = (SOURCING_COMPLETED, SOURCING_FAILED)

_SYNONYMS = {event.lower().replace("_", "."): event for event in EVENTS}

MAX_RETRIES = 3
TIMEOUT_MS = 30_000

#: Set by each delivery itself, in lower case; a config's own headers may not have these names.
RESERVED_HEADERS = frozenset(
    (
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
        *(name.lower() for profile in PROFILES.values() for name, _ in profile.headers),
    )
)

#: From the end of an attempt to the start of the next (contract 5.6 [A]), before jitter.
RETRY_STEPS_MS = (5_000, 300_000, 1_800_000)
JITTER = 0.2


def event_name(label: str) -> str:
    """The event that a subscription names; dotted labels are synonyms (contract 4.7 [D])."""
    if label in EVENTS:
        return label
    if label in _SYNONYMS:
        return _SYNONYMS[label]
    hint = nearest(label, EVENTS)
    meant = f" Did you mean {hint!r}?" if hint else ""
    raise UsageError(f"{label!r} is no event; expected one of {', '.join(EVENTS)}.{meant}")


def event_label(event: str, reading: str) -> str:
    """The event as a delivery spells it (contract 5.3 [A], reading `event-label`)."""
    return event.lower().replace("_", ".") if reading == "dotted" else event


def subscribes_to_an_end(events: Iterable[str]) -> bool:
    """Whether a config hears of a run's end at all (contract 1.7 [S])."""
    return any(event in TERMINAL_EVENTS for event in events)


def envelope(
    event: str, timestamp: int, delivery_id: str, data: Mapping[str, Any]
) -> dict[str, Any]:
    """The body of a delivery (contract 5.2 [S, D]); `event` as `event_label` spells it."""
    return {
        "event": event,
        "timestamp": to_iso(timestamp),
        "deliveryId": delivery_id,
        "data": data,
    }


class DeliveryState(Enum):
    """A delivery is pending until a receiver took it or the attempts are used up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"


class DeliveryEvent(Enum):
    """What can happen to a delivery."""

    ACKNOWLEDGED = "the receiver answered 2xx in time"
    REFUSED = "any other answer, or none, and attempts are left"
    REFUSED_LAST = "any other answer, or none, to the last attempt"


DELIVERY_TRANSITIONS: Mapping[tuple[DeliveryState, DeliveryEvent], DeliveryState] = {
    (DeliveryState.PENDING, DeliveryEvent.ACKNOWLEDGED): DeliveryState.DELIVERED,
    (DeliveryState.PENDING, DeliveryEvent.REFUSED): DeliveryState.PENDING,
    (DeliveryState.PENDING, DeliveryEvent.REFUSED_LAST): DeliveryState.EXHAUSTED,
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt ended. `status` None means that no whole answer came, `error` says why."""

    status: int | None
    error: str | None
    duration_ms: int
    retry_after_ms: int | None = None

    @property
    def acknowledged(self) -> bool:
        """Success is 2xx; a redirect is a failure (contract 5.6 [D])."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows an attempt: the delivery's state, and when to try again (ms), if at all."""

    state: DeliveryState
    retry_at: int | None = None


def after_attempt(
    attempt: Attempt, number: int, ended_at: int, jitter: float, max_retries: int = MAX_RETRIES
) -> Verdict:
    """Decide after attempt `number` (1 is the first), which ended at `ended_at` (contract 5.6).

    `jitter` is a draw in [0, 1), spread over -20 %..+20 % of the step. `Retry-After` is honoured
    between 1 and 2 times the step.
    """
    if attempt.acknowledged:
        event, retry_at = DeliveryEvent.ACKNOWLEDGED, None
    elif number > max_retries:
        event, retry_at = DeliveryEvent.REFUSED_LAST, None
    else:
        event = DeliveryEvent.REFUSED
        retry_at = ended_at + _pause(number, jitter, attempt.retry_after_ms)
    return Verdict(DELIVERY_TRANSITIONS[DeliveryState.PENDING, event], retry_at)


def _pause(number: int, jitter: float, retry_after_ms: int | None) -> int:
    step = RETRY_STEPS_MS[min(number, len(RETRY_STEPS_MS)) - 1]
    if retry_after_ms is not None:
        return max(step, min(retry_after_ms, 2 * step))
    return round(step * (1 - JITTER + 2 * JITTER * jitter))

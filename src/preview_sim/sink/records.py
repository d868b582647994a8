"""What the sink keeps: a delivery as it came, and the record that says what is wrong with it.

Nothing here judges. Raw bytes stay raw, since re-serialising breaks signatures; the Authorization
header is masked before anything is kept, and a secret never reaches a record.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

import orjson

from preview_sim.domain.errors import UsageError
from preview_sim.domain.reading import check_reading
from preview_sim.domain.timestamp import to_iso
from preview_sim.domain.webhook import event_name

MASK = "***"

_MASKED_HEADERS = ("authorization", "proxy-authorization")

#: A longer event or id is none: it would only make the sink remember what a sender made up.
_NAME_LENGTH_MAX = 200

PASS, WARN, FAIL = VERDICTS = ("pass", "warn", "fail")


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is known of an endpoint: how its deliveries are signed, and the readings in force.

    `of_run` tells by requestId what holds for one run: a scenario may change the readings, and
    only a run has a `limit`. None if there is nothing else to know.
    """

    secret: str | None = field(default=None, repr=False)
    profile: str = "standard"
    events: Sequence[str] = ()
    event_label: str = "upper"
    delivery_id: str = "per-event"
    limit: int | None = None
    of_run: Callable[[str], "Subscription | None"] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_reading("signature", self.profile)
        check_reading("event-label", self.event_label)
        check_reading("delivery-id", self.delivery_id)

    def hide(self, text: str) -> str:
        """The text without the secret, wherever a sender may have put it."""
        return text.replace(self.secret, MASK) if self.secret else text


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request as it came over the wire; header names and values in the order they came.

    `cut` says why `body` is not the whole body, None if it is.
    """

    remote: str
    method: str
    path: str
    query: str
    http_version: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    cut: str | None = None

    def header(self, name: str) -> list[str]:
        """Every value of a header; `name` in lower case."""
        return [value for key, value in self.headers if key.lower() == name]

    def masked(self, subscription: Subscription) -> "Arrival":
        """The arrival as it may be kept. The body stays as it came: it is the evidence."""
        hide = subscription.hide
        headers = tuple(
            (hide(name), MASK if name.lower() in _MASKED_HEADERS else hide(value))
            for name, value in self.headers
        )
        return replace(self, path=hide(self.path), query=hide(self.query), headers=headers)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sink answered. The seam for scripted answers: for now it is always 200 at once."""

    status: int = 200
    delay_ms: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """What a delivery says that it is; None for what it does not say."""

    label: str | None = None
    """The event as the body spells it."""
    delivery_id: str | None = None
    request_id: str | None = None

    @property
    def event(self) -> str | None:
        """The event by its canonical name, None for one that does not exist."""
        return known_event(self.label)


def known_event(label: object) -> str | None:
    """The canonical name of an event in either spelling, None if it is none."""
    if not isinstance(label, str):
        return None
    try:
        return event_name(label)
    except UsageError:
        return None


@dataclass(frozen=True, eq=False)
class Delivery:
    """What came to one endpoint, and what was known of the endpoint when it came."""

    seq: int
    received_at: float
    """Wall clock, unix seconds."""
    sandbox: str
    endpoint: str
    arrival: Arrival
    subscription: Subscription
    response: Answer = Answer()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the body as kept, in hex."""
        return sha256(self.arrival.body).hexdigest()

    @cached_property
    def known(self) -> Subscription:
        """What is known of the endpoint, as far as this delivery's run is concerned."""
        of_run, run = self.subscription.of_run, self.identity.request_id
        told = of_run(run) if of_run and run else None
        return told or self.subscription

    @cached_property
    def identity(self) -> Identity:
        """Read when first asked for: receiving must stay fast."""
        try:
            body = orjson.loads(self.arrival.body)
        except orjson.JSONDecodeError:
            return Identity()
        if not isinstance(body, dict):
            return Identity()
        data = body.get("data")
        request_id = data.get("requestId") if isinstance(data, dict) else None
        return Identity(
            self._name(body.get("event")),
            self._name(body.get("deliveryId")),
            self._name(request_id),
        )

    def _name(self, value: object) -> str | None:
        if not isinstance(value, str) or len(value) > _NAME_LENGTH_MAX:
            return None
        return self.subscription.hide(value)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a delivery stands among the earlier ones of its sandbox; numbers are their seq."""

    attempt: int = 1
    duplicate_of: int | None = None
    """The first record of the same delivery, or of the same event under another id."""
    id_taken_by: int | None = None
    """The first record of this deliveryId, which had other bytes."""
    event_told_by: int | None = None
    """The first record of this run's event, which had another deliveryId."""
    ended_by: tuple[int, str] | None = None
    """The record that ended this run with another event, and that event."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What became of the signature. Status `unchecked`: the endpoint's secret is not known."""

    profile: str
    status: str
    reason: str
    timestamp: str | None
    skew_s: float | None
    """The signature's timestamp minus the wall clock; positive: the sender's clock is ahead."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One finding of one check. `ok` None: it could not be checked, and the message says why."""

    id: int
    severity: str
    ok: bool | None
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Record:
    """A delivery, judged."""

    delivery: Delivery
    standing: Standing
    signature: Signature
    checks: tuple[CheckResult, ...]

    @property
    def verdict(self) -> str:
        """`fail` for an error, `warn` for a warning or for what could not be checked."""
        if any(check.ok is False and check.severity == "error" for check in self.checks):
            return FAIL
        return PASS if all(check.ok for check in self.checks) else WARN

    @property
    def failed(self) -> tuple[int, ...]:
        """The ids of the checks that failed, each once."""
        return tuple(dict.fromkeys(check.id for check in self.checks if check.ok is False))

    @property
    def event(self) -> str | None:
        return self.delivery.identity.label

    @property
    def delivery_id(self) -> str | None:
        return self.delivery.identity.delivery_id

    @property
    def request_id(self) -> str | None:
        return self.delivery.identity.request_id

    @property
    def body(self) -> bytes:
        return self.delivery.arrival.body

    def as_json(self) -> dict[str, Any]:
        """The record as `/records` shows it, and as a line of a file would."""
        delivery, arrival, standing = self.delivery, self.delivery.arrival, self.standing
        who = delivery.identity
        return {
            "v": 1,
            "seq": delivery.seq,
            "receivedAt": to_iso(int(delivery.received_at * 1_000)),
            "sandbox": delivery.sandbox,
            "endpoint": delivery.endpoint,
            "remote": arrival.remote,
            "method": arrival.method,
            "path": arrival.path,
            "query": arrival.query,
            "httpVersion": arrival.http_version,
            "headers": [list(header) for header in arrival.headers],
            "bodyB64": b64encode(arrival.body).decode(),
            "bodySha256": delivery.digest,
            "bodyCut": arrival.cut,
            "event": who.label,
            "deliveryId": who.delivery_id,
            "requestId": who.request_id,
            "attempt": standing.attempt,
            "duplicateOf": standing.duplicate_of,
            "signature": {
                "profile": self.signature.profile,
                "status": self.signature.status,
                "reason": self.signature.reason,
                "skewS": self.signature.skew_s,
            },
            "checks": [
                {
                    "id": check.id,
                    "severity": check.severity,
                    "ok": check.ok,
                    "path": check.path,
                    "message": check.message,
                }
                for check in self.checks
            ],
            "response": {"status": delivery.response.status, "delayMs": delivery.response.delay_ms},
            "verdict": self.verdict,
        }

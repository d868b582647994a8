"""Readings: named switches over rules that nobody has settled in public.

Each has a default, is set in the world file, a scenario or by a flag, and shows in
`preview-sim readings` with its evidence. A switch no integrator would trip over is not a reading.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from preview_sim.domain.errors import UsageError, nearest


@dataclass(frozen=True, slots=True)
class Reading:
    """One unsettled rule: its name, the rule's number, the options (the first is the default)."""

    name: str
    rule: str
    evidence: str
    question: str
    options: Mapping[str, str]

    @property
    def default(self) -> str:
        return next(iter(self.options))


READINGS: Mapping[str, Reading] = {
    reading.name: reading
    for reading in (
        Reading(
            "event-label",
            "5.3",
            "A",
            "How is an event spelled in a delivery?",
            {
                "upper": "SOURCING_COMPLETED, as in subscriptions",
                "dotted": "sourcing.completed, as on other public pages",
            },
        ),
        Reading(
            "signature",
            "5.4",
            "A",
            "Which header carries the HMAC-SHA256, and over what?",
            {
                "standard": "Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature",
                "hex-body": "X-Webhook-Signature: sha256=<hex over the body>",
                "timestamped": "X-Webhook-Signature: t=<unix s>,v1=<hex over t.body>",
                "none": "no signature at all",
            },
        ),
        Reading(
            "failed-page-billing",
            "2.9",
            "A",
            "A run fails after successful pages: who pays for them?",
            {
                "charge": "the company: successful pages are charged, no candidates",
                "refund": "nobody: the whole hold is released, no candidates",
                "partial": "the company, and the run completes with what was found",
            },
        ),
        Reading(
            "empty-page",
            "2.10",
            "A",
            "Is a page that answers with no candidates charged?",
            {
                "charged": "yes, it was successfully queried",
                "free": "no",
            },
        ),
        Reading(
            "delivery-id",
            "5.5",
            "A",
            "Does a retry carry the deliveryId of the first attempt?",
            {
                "per-event": "yes: the same bytes on every attempt",
                "per-attempt": "no: a new id, so a new body, on every attempt",
            },
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Readings:
    """Which reading of each is in force."""

    chosen: Mapping[str, str]

    @classmethod
    def of(cls, chosen: Mapping[str, str]) -> "Readings":
        """Check names and values; UsageError names the nearest valid one."""
        for name, value in chosen.items():
            check_reading(name, value)
        return cls(dict(chosen))

    def __getitem__(self, name: str) -> str:
        return self.chosen.get(name) or READINGS[name].default

    def overlaid(self, chosen: Mapping[str, str]) -> "Readings":
        return Readings({**self.chosen, **chosen}) if chosen else self


def check_reading(name: str, value: str) -> None:
    reading = READINGS.get(name)
    if reading is None:
        raise UsageError(_unknown("reading", name, READINGS))
    if value not in reading.options:
        raise UsageError(_unknown(f"value of the reading {name}", value, reading.options))


def _unknown(what: str, given: str, known: Mapping[str, object]) -> str:
    hint = nearest(given, known)
    meant = f" Did you mean {hint!r}?" if hint else ""
    return f"{given!r} is no {what}; expected one of {', '.join(known)}.{meant}"

"""Which records are asked for, and by what the others miss it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from preview_sim.domain.errors import SimulatorError, UsageError, ValidationFailed, nearest
from preview_sim.domain.webhook import event_name
from preview_sim.sink.records import VERDICTS, Delivery, Record

_CAME: Mapping[str, Callable[[Delivery], str | None]] = {
    "sandbox": lambda delivery: delivery.sandbox,
    "endpoint": lambda delivery: delivery.endpoint,
    "event": lambda delivery: delivery.identity.event,
    "requestId": lambda delivery: delivery.identity.request_id,
}

#: The filters by their names on the wire; in Python `requestId` is `request_id`.
FILTER_NAMES = (*_CAME, "verdict")


class Miss(NamedTuple):
    """A filter that a delivery does not pass."""

    filter: str
    expected: str
    came: str | None


class WaitTimedOut(SimulatorError):
    """Too few deliveries came in time. `records` did come, `nearest` missed a filter or more."""

    code = "WAIT_TIMED_OUT"

    def __init__(self, message: str, records: list[Record], nearest: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.records = records
        self.nearest = nearest


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions that all must hold."""

    asked: Mapping[str, str]

    @classmethod
    def of(cls, given: Mapping[str, str | None]) -> "Filters":
        """Check names and values; ValidationFailed names the nearest valid one.

        None asks nothing. An event may be spelled either way.
        """
        asked = {}
        for key, value in given.items():
            name = "requestId" if key == "request_id" else key
            if name not in FILTER_NAMES:
                raise unknown("filter", name, FILTER_NAMES)
            if value is not None:
                asked[name] = value
        if asked.get("verdict", VERDICTS[0]) not in VERDICTS:
            raise unknown("verdict", asked["verdict"], VERDICTS)
        if "event" in asked:
            try:
                asked["event"] = event_name(asked["event"])
            except UsageError as error:
                raise ValidationFailed(error.message) from None
        return cls(asked)

    def missed(self, delivery: Delivery, verdict: Callable[[], str]) -> list[Miss]:
        """The filters that this delivery does not pass, none if it is asked for.

        Judging costs more than all the rest, so only who passes the rest is asked its verdict.
        """
        missed = [
            Miss(name, expected, came)
            for name, expected in self.asked.items()
            if name in _CAME and (came := _CAME[name](delivery)) != expected
        ]
        expected = self.asked.get("verdict")
        if expected is not None and not missed and (came := verdict()) != expected:
            missed.append(Miss("verdict", expected, came))
        return missed

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.asked.items()) or "no filter"


def unknown(what: str, given: str, known: Iterable[str]) -> ValidationFailed:
    """The error for a name that does not exist, with the nearest one that does."""
    names = tuple(known)
    hint = nearest(given, names)
    meant = f" Did you mean {hint!r}?" if hint else ""
    return ValidationFailed(f"{given!r} is no {what}; expected one of {', '.join(names)}.{meant}")

"""Holds what was played against what the contract and the scenario say; one finding a line."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5

from preview_sim.domain.candidate import FIELD_NAMES
from preview_sim.domain.scenario import Expectation
from preview_sim.harness.play import Played
from preview_sim.sink import TITLES

#: Less than any amount there is: a page of 0.4 minutes, a balance in tenths.
_LEAST_AMOUNT = 0.01


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what it is, whether it holds, and what was seen."""

    what: str
    ok: bool
    seen: str = ""


def against_contract(played: Played, limit: int) -> Iterator[Finding]:
    """What holds for every run whatever its scenario; rule numbers are the contract's."""
    if played.story is None:
        envelope = tuple(sorted(played.answer))
        parts = ("data", "error", "success", "timestamp")
        yield _same("a refused start has the error envelope (6.1)", parts, envelope)
        return
    amounts = ledger_of(played)
    held, charged, released = (amounts[kind] for kind in ("hold", "charge", "release"))
    yield Finding(
        "held = charged + released (2.3)",
        abs(held - charged - released) < _LEAST_AMOUNT,
        f"{held:g} = {charged:g} + {released:g}",
    )
    ends = [step["event"] for step in played.steps("delivery")]
    told = "webhookId" in played.answer
    wanted = [f"SOURCING_{played.results['status'].upper()}"] if told else []
    yield Finding("exactly one terminal event (5.1)", ends == wanted, ", ".join(ends) or "no event")
    for record in played.records:
        for check in record["checks"]:
            title = f"webhook {TITLES[check['id']]} (check {check['id']})"
            yield Finding(title, check["ok"] is True, check["message"])
    if played.results["status"] == "completed":
        yield from _candidates(played, limit)


def _candidates(played: Played, limit: int) -> Iterator[Finding]:
    people = played.results.get("candidates")
    if people is None:
        yield Finding("a completed run has candidates (3.2)", ok=False, seen="none")
        return
    yield Finding("no more than limit (2.4)", len(people) <= limit, f"{len(people)} of {limit}")
    count = f"{len(people)} candidates"
    nine = all(sorted(person) == sorted(FIELD_NAMES) for person in people)
    yield Finding("exactly nine fields (2.5)", nine, count)
    hashed = all(person.get("profileId") == _md5(person.get("profileUrl")) for person in people)
    yield Finding("profileId is the MD5 of profileUrl (2.6)", hashed, count)
    urls = {person.get("profileUrl") for person in people}
    yield Finding("nobody twice (2.12)", len(urls) == len(people), f"{len(urls)} different people")


def against_expectation(
    played: Played, expect: Expectation, *, exact_time: bool
) -> Iterator[Finding]:
    """What the scenario says must be seen, and nothing that it leaves open.

    `exact_time`: the clock stands still between due times, so `elapsed` is exact; on a running
    clock a run may only not be faster.
    """
    refused = played.answer.get("error") or {}
    seen = {
        "http": (expect.http, played.status),
        "status": (expect.status, played.results.get("status")),
        "errorCode": (expect.error_code, played.results.get("errorCode") or refused.get("code")),
        "candidates": (expect.candidates, len(played.results.get("candidates", ()))),
        "pages": (expect.pages, pages_of(played)),
        "webhooks": (expect.webhooks, tuple(record["event"] for record in played.records)),
        "polls": (expect.polls, played.polls),
    }
    for what, (wanted, got) in seen.items():
        if wanted is not None:
            yield _same(what, wanted, got)
    if expect.ledger is not None:
        amounts = ledger_of(played)
        for word, kind in (("held", "hold"), ("charged", "charge"), ("released", "release")):
            wanted = getattr(expect.ledger, word)
            if wanted is not None:
                yield _near(f"ledger.{word}", wanted, amounts[kind])
    if expect.elapsed is not None:
        low, high = expect.elapsed.low, expect.elapsed.high
        took = elapsed_ms(played)
        ok = took is not None and low <= took and (took <= high or not exact_time)
        yield Finding(
            "elapsed", ok, f"{took} ms" if ok else f"expected {low}..{high} ms, got {took}"
        )


def ledger_of(played: Played) -> dict[str, float]:
    """The amounts of the run's entries by kind, in the unit; 0 where there is none."""
    amounts = {"hold": 0.0, "charge": 0.0, "release": 0.0}
    for step in played.steps(*amounts):
        amounts[step["kind"]] += step["amount"]
    return amounts


def pages_of(played: Played) -> tuple[str, ...]:
    """How each page that was asked for ended: ok, empty or failed."""
    last: dict[int, str] = {}
    for step in played.steps("query"):
        if step["outcome"] != "ok":
            last[step["page"]] = "failed"
        else:
            last[step["page"]] = "ok" if step["people"] else "empty"
    return tuple(last[page] for page in sorted(last))


def elapsed_ms(played: Played) -> int | None:
    """From createdAt to completedAt on the simulator's clock."""
    results = played.results
    if "completedAt" not in results:
        return None
    took = _moment(results["completedAt"]) - _moment(results["createdAt"])
    return round(took.total_seconds() * 1_000)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _md5(text: object) -> str | None:
    if not isinstance(text, str):
        return None
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _same(what: str, wanted: object, got: object) -> Finding:
    if wanted == got:
        return Finding(what, ok=True, seen=_show(got))
    return Finding(what, ok=False, seen=f"expected {_show(wanted)}, got {_show(got)}")


def _near(what: str, wanted: float, got: float) -> Finding:
    ok = abs(wanted - got) < _LEAST_AMOUNT
    return Finding(what, ok, f"{got:g}" if ok else f"expected {wanted:g}, got {got:g}")


def _show(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)

"""What may be wrong with a delivery: one function per check, and the table of them.

A check yields its findings, none if all is well. Checks see one delivery and its standing among
the earlier ones, and keep nothing. To add one: write its function, and a line in `CHECKS`.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from preview_sim.domain.candidate import FIELD_NAMES, profile_id
from preview_sim.domain.signature import PROFILES, verify
from preview_sim.domain.webhook import EVENTS, SOURCING_COMPLETED, TERMINAL_EVENTS, event_label
from preview_sim.sink.records import (
    MASK,
    CheckResult,
    Delivery,
    Record,
    Signature,
    Standing,
    known_event,
)
from preview_sim.sink.schemas import shown, violations

#: How far a signature's timestamp may be from the wall clock.
FRESH_WITHIN_S = 300

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_UNIX_SECONDS = re.compile(r"[0-9]{1,12}")

_MESSAGE_LENGTH_MAX = 400
_FINDINGS_MAX = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """`ok` False: wrong. None: it could not be checked. True: the check does not apply."""

    ok: bool | None
    message: str
    path: str = ""


def wrong(message: str, path: str = "") -> Finding:
    return Finding(ok=False, message=message, path=path)


def unchecked(message: str) -> Finding:
    return Finding(ok=None, message=f"not checked: {message}")


def does_not_apply(message: str) -> Finding:
    return Finding(ok=True, message=f"does not apply: {message}")


NO_OBJECT = unchecked("the body is no JSON object (check 1)")


@dataclass(frozen=True, slots=True)
class Case:
    """A delivery as the checks see it."""

    delivery: Delivery
    standing: Standing
    signature: Signature
    body: dict[str, Any] | None
    """None if the bytes are no JSON object; `body_faults` then says why."""
    body_faults: tuple[str, ...]


def judge(delivery: Delivery, standing: Standing) -> Record:
    """Run every check; the same delivery and standing give the same record."""
    body, faults = _read_object(delivery)
    case = Case(delivery, standing, _verify(delivery), body, faults)
    results = [
        CheckResult(check.id, check.severity, finding.ok, finding.path, _tell(delivery, finding))
        for check in CHECKS
        for finding in _findings(check, case)
    ]
    return Record(delivery, standing, case.signature, tuple(results))


def _findings(check: "Check", case: Case) -> list[Finding]:
    try:
        found = list(islice(check.find(case), _FINDINGS_MAX + 1))
    except RecursionError:
        found = [wrong("the body is nested too deeply to be checked")]
    if len(found) > _FINDINGS_MAX:
        found[_FINDINGS_MAX:] = [wrong(f"only the first {_FINDINGS_MAX} findings are listed")]
    return found or [Finding(ok=True, message="")]


def _tell(delivery: Delivery, finding: Finding) -> str:
    message = delivery.subscription.hide(finding.message)
    if len(message) > _MESSAGE_LENGTH_MAX:
        return f"{message[:_MESSAGE_LENGTH_MAX]}…"
    return message


def is_one_json_object(case: Case) -> Iterator[Finding]:
    """1: method POST, JSON content type, UTF-8, one JSON object, no duplicate keys."""
    arrival = case.delivery.arrival
    if arrival.method != "POST":
        yield wrong(f"expected the method POST, came {arrival.method}")
    types = arrival.header("content-type")
    if len(types) != 1 or not _is_json(types[0]):
        came = ", ".join(repr(value) for value in types) or "none"
        yield wrong(f"expected one Content-Type: application/json in UTF-8, came {came}")
    if arrival.cut:
        yield wrong(arrival.cut)
    for fault in case.body_faults:
        yield wrong(fault)


def fits_the_schema(case: Case) -> Iterator[Finding]:
    """2: envelope and data as the contract has them, the event spelled as the reading has it."""
    if case.body is None:
        yield NO_OBJECT
        return
    label = case.body.get("event")
    event = known_event(label)
    if event is None:
        yield wrong(
            f"expected one of {', '.join(EVENTS)}, came {shown(label)}; "
            "the rest was not compared with any schema",
            "$.event",
        )
        return
    reading = case.delivery.known.event_label
    expected = event_label(event, reading)
    if label != expected:
        yield wrong(
            f"expected {shown(expected)} (reading event-label={reading}), came {shown(label)}",
            "$.event",
        )
    for path, message in violations(event, case.body):
        yield wrong(message, path)


def is_signed(case: Case) -> Iterator[Finding]:
    """3: signed over the raw bytes with the endpoint's secret."""
    signature = case.signature
    if signature.status == "unchecked":
        yield unchecked(signature.reason)
    elif signature.status == "unsigned":
        yield does_not_apply("the reading signature=none sends no signature")
    elif signature.status != "valid":
        yield wrong(signature.reason)


def is_fresh(case: Case) -> Iterator[Finding]:
    """4: the signature's timestamp is near the wall clock (the envelope's is event time)."""
    signature = case.signature
    if "{timestamp}" not in PROFILES[signature.profile].content:
        yield does_not_apply(f"the profile {signature.profile} signs no timestamp")
    elif signature.timestamp is None:
        yield unchecked("no timestamp of a signature was found (check 3)")
    elif signature.skew_s is None:
        yield wrong(
            f"expected a signature timestamp in unix seconds, came {shown(signature.timestamp)}"
        )
    elif abs(signature.skew_s) > FRESH_WITHIN_S:
        where = "ahead of" if signature.skew_s > 0 else "behind"
        yield wrong(
            f"expected a signature timestamp within ±{FRESH_WITHIN_S} s of the wall clock, "
            f"came one {abs(signature.skew_s)} s {where} it"
        )


def is_told_once(case: Case) -> Iterator[Finding]:
    """5: the deliveryId is a UUID, stands for the same bytes always, and for one event."""
    if case.body is None:
        yield NO_OBJECT
        return
    given, standing = case.body.get("deliveryId"), case.standing
    if not isinstance(given, str) or not _UUID.fullmatch(given):
        yield wrong(f"expected a UUID, came {shown(given)}", "$.deliveryId")
    header = case.delivery.arrival.header("webhook-id")
    if case.signature.profile == "standard" and header and header != [given]:
        yield wrong(
            f"expected the header webhook-id to be the deliveryId {shown(given)}, "
            f"came {shown(', '.join(header))}",
            "$.deliveryId",
        )
    if standing.id_taken_by is not None:
        yield wrong(
            f"expected the bytes of record {standing.id_taken_by}, which came first under this "
            "deliveryId; came other bytes",
            "$.deliveryId",
        )
    per_attempt = case.delivery.known.delivery_id == "per-attempt"
    if standing.event_told_by is not None and not per_attempt:
        yield wrong(
            f"duplicate event: record {standing.event_told_by} told the same event of this run; "
            "expected its deliveryId and bytes, came a new deliveryId",
            "$.deliveryId",
        )


def has_proper_candidates(case: Case) -> Iterator[Finding]:
    """8: nine keys each, profileId = md5(profileUrl), nobody twice, no more than the limit."""
    if case.body is None:
        yield NO_OBJECT
        return
    data = case.body.get("data")
    if case.delivery.identity.event != SOURCING_COMPLETED:
        return
    candidates = data.get("candidates") if isinstance(data, dict) else None
    if not isinstance(candidates, list):
        yield unchecked("there is no list of candidates (check 2)")
        return
    limit = case.delivery.known.limit
    if limit is not None and len(candidates) > limit:
        yield wrong(
            f"expected at most {limit} candidates, the limit of the run, came {len(candidates)}",
            "$.data.candidates",
        )
    seen: dict[str, int] = {}
    for n, candidate in enumerate(candidates):
        path = f"$.data.candidates[{n}]"
        if not isinstance(candidate, dict):
            yield wrong(f"expected an object of nine keys, came {shown(candidate)}", path)
            continue
        yield from _candidate_findings(candidate, path)
        given = candidate.get("profileId")
        if isinstance(given, str) and seen.setdefault(given, n) != n:
            yield wrong(
                f"expected every profileId once, came that of candidate {seen[given]} again",
                f"{path}.profileId",
            )


def _candidate_findings(candidate: dict[str, Any], path: str) -> Iterator[Finding]:
    missing = [name for name in FIELD_NAMES if name not in candidate]
    extra = [name for name in candidate if name not in FIELD_NAMES]
    if missing or extra:
        came = " and ".join(
            f"{kind} {', '.join(names)}"
            for kind, names in (("without", missing), ("with", extra))
            if names
        )
        yield wrong(f"expected exactly nine keys, came {len(candidate)}: {came}", path)
    url, given = candidate.get("profileUrl"), candidate.get("profileId")
    if isinstance(url, str) and given != (expected := profile_id(url)):
        yield wrong(
            f"expected the MD5 of profileUrl, {expected}, came {shown(given)}", f"{path}.profileId"
        )


def ends_the_run_once(case: Case) -> Iterator[Finding]:
    """10: one terminal event per run."""
    if case.body is None:
        yield NO_OBJECT
    elif case.standing.ended_by is not None:
        seq, event = case.standing.ended_by
        yield wrong(
            f"expected nothing but {event}, with which record {seq} ended this run; "
            f"came {case.delivery.identity.event} (one of {', '.join(TERMINAL_EVENTS)} per run)",
            "$.event",
        )


@dataclass(frozen=True, slots=True)
class Check:
    """A check's number, what its failure amounts to (`error` or `warning`), its function."""

    id: int
    severity: str
    find: Callable[[Case], Iterator[Finding]]


CHECKS = (
    Check(1, "error", is_one_json_object),
    Check(2, "error", fits_the_schema),
    Check(3, "error", is_signed),
    Check(4, "error", is_fresh),
    Check(5, "error", is_told_once),
    Check(8, "error", has_proper_candidates),
    Check(10, "error", ends_the_run_once),
)


#: What each check says of a delivery that passes it.
TITLES = {check.id: check.find.__name__.replace("_", " ") for check in CHECKS}


def _is_json(content_type: str) -> bool:
    media_type, _, parameters = content_type.partition(";")
    name, _, value = parameters.partition("=")
    charset = value.strip().strip('"').lower() if name.strip().lower() == "charset" else "utf-8"
    return media_type.strip().lower() == "application/json" and charset == "utf-8"


def _read_object(delivery: Delivery) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """The body as an object, None if it is none, and what is wrong with its JSON."""
    raw = delivery.arrival.body
    if delivery.arrival.cut:
        return None, ()
    if secret := delivery.subscription.secret:
        raw = raw.replace(secret.encode(), MASK.encode())  # no message may quote it
    try:
        raw.decode()
        value = orjson.loads(raw)
    except UnicodeDecodeError as error:
        return None, (f"expected UTF-8, came {error.reason} at byte {error.start}",)
    except orjson.JSONDecodeError as error:
        return None, (f"expected one JSON object, came no JSON: {error}",)
    if not isinstance(value, dict):
        return None, (f"expected one JSON object, came {shown(value)}",)
    return value, tuple(_duplicate_keys(raw))


def _duplicate_keys(raw: bytes) -> Iterator[str]:
    """orjson keeps the last of equal keys silently, so the standard library has a second look."""
    twice: dict[str, None] = {}

    def note(pairs: list[tuple[str, Any]]) -> None:
        names: set[str] = set()
        for name, _ in pairs:
            if name in names:
                twice[name] = None
            names.add(name)

    try:
        # numbers are of no interest, and int() refuses those of more than 4300 digits
        json.loads(raw, object_pairs_hook=note, parse_int=len, parse_float=len)
    except RecursionError:
        yield "expected an event, came JSON nested too deeply to look for duplicate keys"
    for name in islice(twice, _FINDINGS_MAX):
        yield f"expected every key of an object once, came {shown(name)} more than once"


def _verify(delivery: Delivery) -> Signature:
    """The signature's verdict over the raw bytes, and how far its timestamp is off."""
    known, arrival = delivery.known, delivery.arrival
    profile = PROFILES[known.profile]
    headers = {name.lower(): value for name, value in arrival.headers}
    said = verify(profile, known.secret or "", headers, arrival.body)
    status, reason = said.status, said.reason
    doubled = [name for name, _ in profile.headers if len(arrival.header(name.lower())) > 1]
    if arrival.cut:
        status, reason = "unchecked", arrival.cut
    elif known.secret is None and status != "unsigned":
        status, reason = "unchecked", "the secret of this endpoint is not known"
    elif doubled:
        status = "invalid"
        reason = f"malformed: expected the header {' and '.join(doubled)} once, came it repeatedly"
    skew_s = None
    if said.timestamp is not None and _UNIX_SECONDS.fullmatch(said.timestamp):
        skew_s = round(int(said.timestamp) - delivery.received_at, 3)
    return Signature(profile.name, status, reason, said.timestamp, skew_s)

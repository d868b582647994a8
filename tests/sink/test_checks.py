"""Every check, seen through HTTP: what passes, and what fails which check with what words."""

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from preview_sim.domain.candidate import Candidate
from preview_sim.domain.signature import PROFILES, sign
from preview_sim.sink import Sink, Subscription

NOW = 1_764_000_000
SECRET = "0123456789abcdef" * 4
OTHER_SECRET = "fedcba9876543210" * 4
RUN = "req_550e8400-e29b-41d4-a716-446655440000"
ID = "123e4567-e89b-12d3-a456-426614174000"
OTHER_ID = "223e4567-e89b-12d3-a456-426614174000"
MOMENT = "2025-01-01T00:00:00.000Z"
ALL_CHECKS = {1, 2, 3, 4, 5, 8, 10}


@dataclass(frozen=True)
class Sent:
    """One request to the sink."""

    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "POST"

    def but(self, **headers: str | None) -> "Sent":
        """The same with other headers; None takes one away."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = [(name, value) for name, value in self.headers if name.lower() not in given]
        added = [(name, value) for name, value in given.items() if value is not None]
        return replace(self, headers=(*kept, *added))


def candidate(name="jane", **other) -> dict[str, Any]:
    fields = Candidate(
        full_name=name.title(),
        profile_url=f"https://www.linkedin.com/in/{name}",
        title="Engineer",
        headline=None,
        location=None,
        country="Slovakia",
        company_name="Stripe",
        company_url="https://www.linkedin.com/company/stripe",
    ).fields()
    return {**fields, **other}


def without(mapping: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name not in names}


def completed(*candidates: Any, data: dict[str, Any] | None = None, **other) -> dict[str, Any]:
    found = list(candidates) or [candidate("jane"), candidate("john")]
    usual = {
        "requestId": RUN,
        "status": "completed",
        "createdAt": MOMENT,
        "completedAt": MOMENT,
        "foundCount": len(found),
        "candidates": found,
    }
    return {
        "event": "SOURCING_COMPLETED",
        "timestamp": MOMENT,
        "deliveryId": ID,
        "data": {**usual, **(data or {})},
        **other,
    }


def failed(**other) -> dict[str, Any]:
    data = {
        "requestId": RUN,
        "status": "failed",
        "createdAt": MOMENT,
        "completedAt": MOMENT,
        "errorCode": "AGENT_ERROR",
        "errorMessage": "The sourcing agent encountered an unexpected error.",
    }
    return {
        "event": "SOURCING_FAILED",
        "timestamp": MOMENT,
        "deliveryId": ID,
        "data": data,
        **other,
    }


def sent(body: Any, *, profile="standard", secret=SECRET, at=NOW, delivery_id=None) -> Sent:
    """A delivery as the simulator would send it; bytes are sent as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    named = body.get("deliveryId") if isinstance(body, dict) else None
    webhook_id = delivery_id or (named if isinstance(named, str) else ID)
    signature = sign(PROFILES[profile], secret, webhook_id, at, raw)
    return Sent(raw, (("content-type", "application/json"), *signature))


def hex_keyed(body: dict[str, Any]) -> Sent:
    """Signed with the 32 bytes that the secret's hex digits spell, a common mistake."""
    raw = json.dumps(body).encode()
    stamp = datetime.fromtimestamp(NOW, UTC)
    signature = Webhook(bytes.fromhex(SECRET)).sign(ID, stamp, raw.decode())
    return sent(body).but(webhook_signature=signature)


def post(*requests: Sent, **known) -> list[dict[str, Any]]:
    """Send all of them to one described endpoint and read the records."""

    async def run() -> list[dict[str, Any]]:
        sink = Sink(wall=lambda: NOW + 0.25)
        sink.expect("s1", "main", Subscription(**{"secret": SECRET, **known}))
        transport = httpx.ASGITransport(app=sink.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://sink") as client:
            for request in requests:
                answer = await client.request(
                    request.method,
                    "/in/s1/main",
                    content=request.body,
                    headers=list(request.headers),
                )
                assert answer.status_code == 200
                assert answer.json() == {"received": True}
            listing = await client.get("/records")
        assert SECRET not in listing.text
        return listing.json()["records"]

    return asyncio.run(run())


def failures(record: dict[str, Any]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for check in record["checks"]:
        if check["ok"] is False:
            found.setdefault(check["id"], []).append(f"{check['path']} {check['message']}".strip())
    return found


def test_a_delivery_signed_by_an_independent_library_passes_every_check():
    body = json.dumps(completed(candidate(fullName="Žofia Nováková")), ensure_ascii=False)
    stamp = datetime.fromtimestamp(NOW, UTC)
    headers = (
        ("content-type", "application/json"),
        ("webhook-id", ID),
        ("webhook-timestamp", str(NOW)),
        ("webhook-signature", Webhook(SECRET.encode()).sign(ID, stamp, body)),
    )
    (record,) = post(Sent(body.encode(), headers), limit=20)
    assert {check["id"]: check["ok"] for check in record["checks"]} == dict.fromkeys(
        ALL_CHECKS, True
    )
    assert record["verdict"] == "pass"
    assert record["signature"] == {
        "profile": "standard",
        "status": "valid",
        "reason": "",
        "skewS": -0.25,
    }


@pytest.mark.parametrize("profile", PROFILES)
def test_every_signature_profile_passes_when_it_is_the_reading_in_force(profile):
    (record,) = post(sent(completed(), profile=profile), profile=profile)
    assert failures(record) == {}
    assert record["verdict"] == "pass"
    assert record["signature"]["status"] == ("unsigned" if profile == "none" else "valid")


@pytest.mark.parametrize("profile", [name for name in PROFILES if name != "none"])
def test_every_signing_profile_fails_a_flipped_byte(profile):
    good = sent(completed(), profile=profile)
    flipped = replace(good, body=good.body.replace(b"Stripe", b"Strips", 1))
    (record,) = post(flipped, profile=profile)
    assert list(failures(record)) == [3]
    assert "mismatch" in failures(record)[3][0]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(failed(), id="failed"),
        pytest.param(completed(data={"candidates": [], "foundCount": 0}), id="nobody found"),
        pytest.param(
            completed(*(candidate(f"p{n}") for n in range(100)), data={"foundCount": 100}),
            id="a hundred found",
        ),
        pytest.param(
            {
                "event": "PING",
                "timestamp": MOMENT,
                "deliveryId": ID,
                "data": {"webhookId": OTHER_ID, "message": "Hello."},
            },
            id="ping",
        ),
    ],
)
def test_every_kind_of_event_passes(body):
    (record,) = post(sent(body))
    assert failures(record) == {}
    assert record["verdict"] == "pass"


GOOD = sent(completed())

BROKEN = [
    # the last of these requests, the checks it must fail, words of the message
    pytest.param(
        [replace(GOOD, method="GET")], {1}, "expected the method POST, came GET", id="GET"
    ),
    pytest.param([replace(GOOD, method="BREW")], {1}, "came BREW", id="an unknown method"),
    pytest.param([GOOD.but(content_type="text/plain")], {1}, "'text/plain'", id="text/plain"),
    pytest.param([GOOD.but(content_type=None)], {1}, "came none", id="no content type"),
    pytest.param(
        [GOOD.but(content_type="application/json; charset=latin-1")],
        {1},
        "charset=latin-1",
        id="another charset",
    ),
    pytest.param([sent(b'{"event": "\xff"}')], {1}, "expected UTF-8", id="bad UTF-8"),
    pytest.param([sent(b"\xef\xbb\xbf{}")], {1}, "byte order mark", id="a byte order mark"),
    pytest.param([sent(b'{"foundCount": NaN}')], {1}, "no JSON", id="NaN"),
    pytest.param([sent(b"")], {1}, "empty", id="an empty body"),
    pytest.param([sent(GOOD.body[:-1])], {1}, "no JSON", id="a truncated body"),
    pytest.param([sent(b"[" + GOOD.body + b"]")], {1}, "one JSON object, came", id="an array"),
    pytest.param(
        [sent(b'{"event": "PING", ' + GOOD.body[1:], delivery_id=ID)],
        {1},
        'came "event" more than once',
        id="a duplicate key",
    ),
    pytest.param(
        [sent(GOOD.body.replace(b'"foundCount": 2', b'"foundCount": ' + b"9" * 300))],
        {2},
        "$.data.foundCount expected maximum 100",
        id="a huge number",
    ),
    pytest.param(
        [sent(completed(signature="x"))],
        {2},
        "$ Additional properties are not allowed ('signature' was unexpected)",
        id="an unknown field of the envelope",
    ),
    pytest.param(
        [sent(completed(data={"scoredCount": 0}))],
        {2},
        "$.data Additional properties are not allowed ('scoredCount' was unexpected)",
        id="an unknown field of the data",
    ),
    pytest.param(
        [sent(without(completed(), "timestamp"))],
        {2},
        "$ 'timestamp' is a required property",
        id="a missing field",
    ),
    pytest.param(
        [sent(completed(data={"foundCount": "2"}))],
        {2},
        '$.data.foundCount expected type "integer", came "2"',
        id="a wrong type",
    ),
    pytest.param(
        [sent(completed(data={"completedAt": "2025-02-30T00:00:00.000Z"}))],
        {2},
        '$.data.completedAt expected format "date-time"',
        id="a day that is none",
    ),
    pytest.param(
        [sent(completed(data={"createdAt": "2025-01-01T00:00:00Z"}))],
        {2},
        "$.data.createdAt",
        id="a timestamp without milliseconds",
    ),
    pytest.param(
        [sent(completed(data={"requestId": f"{RUN}\n"}))],
        {2},
        "$.data.requestId",
        id="a line break after the requestId",
    ),
    pytest.param(
        [sent(completed(data={"status": "failed"}))],
        {2},
        '$.data.status expected const "completed", came "failed"',
        id="the status of another event",
    ),
    pytest.param(
        [sent(completed(event="sourcing.completed"))],
        {2},
        '$.event expected "SOURCING_COMPLETED" (reading event-label=upper), '
        'came "sourcing.completed"',
        id="the label of another reading",
    ),
    pytest.param(
        [sent(completed(event="SOURCING_EXPLODED"))],
        {2},
        'came "SOURCING_EXPLODED"',
        id="an unknown event",
    ),
    pytest.param([GOOD.but(webhook_signature=None)], {3}, "missing", id="no signature"),
    pytest.param(
        [GOOD.but(webhook_signature="garbage")], {3}, "malformed", id="a malformed signature"
    ),
    pytest.param(
        [replace(GOOD, headers=(*GOOD.headers, GOOD.headers[-1]))],
        {3},
        "once, came it repeatedly",
        id="two signature headers",
    ),
    pytest.param([sent(completed(), secret=OTHER_SECRET)], {3}, "mismatch", id="another secret"),
    pytest.param([sent(completed(), secret="")], {3}, "mismatch", id="the empty secret"),
    pytest.param(
        [hex_keyed(completed())],
        {3},
        "wrong key encoding: the secret was decoded as hex",
        id="a hex key",
    ),
    pytest.param(
        [GOOD.but(webhook_signature="v1," + "0" * 64)], {3}, "mismatch", id="a made-up MAC"
    ),
    pytest.param(
        [GOOD.but(webhook_signature=f"v1,{SECRET}")], {3}, "mismatch", id="the secret itself"
    ),
    pytest.param(
        [GOOD.but(webhook_signature=SECRET)], {3}, "got '***'", id="the secret as a header"
    ),
    pytest.param([sent(completed(), profile="hex-body")], {3}, "missing", id="the wrong profile"),
    pytest.param([sent(completed(), at=NOW - 400)], {4}, "400.25 s behind", id="a stale timestamp"),
    pytest.param(
        [sent(completed(), at=NOW + 400)], {4}, "399.75 s ahead of", id="a future timestamp"
    ),
    pytest.param(
        [GOOD.but(webhook_timestamp="yesterday")],
        {3, 4},
        'unix seconds, came "yesterday"',
        id="a timestamp in words",
    ),
    pytest.param(
        [sent(completed(deliveryId="one"))],
        {2, 5},
        '$.deliveryId expected a UUID, came "one"',
        id="a deliveryId that is no UUID",
    ),
    pytest.param(
        [sent(completed(), delivery_id=OTHER_ID)],
        {5},
        "webhook-id",
        id="a webhook-id other than the deliveryId",
    ),
    pytest.param(
        [GOOD, sent(completed(timestamp="2025-01-01T00:00:01.000Z"))],
        {5},
        "expected the bytes of record 1",
        id="other bytes under the same deliveryId",
    ),
    pytest.param(
        [GOOD, sent(completed(deliveryId=OTHER_ID))],
        {5},
        "duplicate event: record 1",
        id="the same event under a new deliveryId",
    ),
    pytest.param(
        [sent(completed(candidate(email="j@example.com")))],
        {2, 8},
        "$.data.candidates[0] expected exactly nine keys, came 10: with email",
        id="a tenth field",
    ),
    pytest.param(
        [sent(completed(candidate(), without(candidate("john"), "country", "title")))],
        {2, 8},
        "$.data.candidates[1] expected exactly nine keys, came 7: without title, country",
        id="missing fields of a candidate",
    ),
    pytest.param(
        [sent(completed("jane"))],
        {2, 8},
        '$.data.candidates[0] expected an object of nine keys, came "jane"',
        id="a candidate that is no object",
    ),
    pytest.param(
        [sent(completed(candidate(profileId="0" * 32)))],
        {8},
        "$.data.candidates[0].profileId expected the MD5 of profileUrl",
        id="a wrong profileId",
    ),
    pytest.param(
        [sent(completed(candidate(profileId=candidate()["profileId"].upper())))],
        {2, 8},
        "expected the MD5 of profileUrl",
        id="an upper-case profileId",
    ),
    pytest.param(
        [sent(completed(candidate(), candidate("john"), candidate(title="Chief")))],
        {8},
        "$.data.candidates[2].profileId expected every profileId once, came that of candidate 0",
        id="a person twice",
    ),
    pytest.param(
        [sent(completed(*(candidate(f"p{n}") for n in range(21))))],
        {8},
        "$.data.candidates expected at most 20 candidates, the limit of the run, came 21",
        id="one candidate too many",
    ),
    pytest.param(
        [GOOD, sent(failed(deliveryId=OTHER_ID))],
        {10},
        "expected nothing but SOURCING_COMPLETED, with which record 1 ended this run",
        id="FAILED after COMPLETED",
    ),
    pytest.param(
        [sent(failed(deliveryId=OTHER_ID)), GOOD],
        {10},
        "expected nothing but SOURCING_FAILED",
        id="COMPLETED after FAILED",
    ),
]


@pytest.mark.parametrize(("requests", "broken", "words"), BROKEN)
def test_a_broken_delivery_fails_its_check_and_no_other(requests, broken, words):
    *earlier, last = post(*requests, limit=20)
    assert [failures(record) for record in earlier] == [{}] * len(earlier)
    found = failures(last)
    assert set(found) == broken
    assert any(words in message for messages in found.values() for message in messages), found
    assert last["verdict"] == "fail"
    assert {check["id"] for check in last["checks"]} == ALL_CHECKS
    unchecked = {check["id"] for check in last["checks"] if check["ok"] is None}
    assert unchecked <= ({2, 5, 8, 10} if 1 in broken else {4, 8})


def test_every_violation_is_reported_with_its_path():
    body = completed(candidate(country=7), candidate("john", title=[]), data={"foundCount": -1})
    (record,) = post(sent(body))
    assert [message.partition(" ")[0] for message in failures(record)[2]] == [
        "$.data.foundCount",
        "$.data.candidates[0].country",
        "$.data.candidates[1].title",
    ]


def test_a_hostile_number_of_violations_is_cut_short():
    (record,) = post(sent(completed(*range(5_000))))
    messages = [check["message"] for check in record["checks"] if check["id"] == 2]
    assert len(messages) == 101
    assert messages[-1] == "only the first 100 findings are listed"


@pytest.mark.parametrize("depth", [200, 900, 1_000, 1_020, 100_000])
def test_deep_nesting_is_judged_like_anything_else(depth):
    (record,) = post(sent(b'{"event": "PING", "data": ' + b"[" * depth + b"]" * depth + b"}"))
    assert record["verdict"] == "fail"
    assert set(failures(record)) & {1, 2}


def test_the_dotted_reading_wants_dotted_labels():
    dotted = sent(completed(event="sourcing.completed"))
    upper = sent(
        failed(data={**failed()["data"], "requestId": RUN[:-1] + "1"}, deliveryId=OTHER_ID)
    )
    first, second = post(dotted, upper, event_label="dotted")
    assert failures(first) == {}
    assert list(failures(second)) == [2]


def test_a_retry_is_numbered_and_passes():
    records = post(GOOD, GOOD, sent(completed(), at=NOW + 5))
    assert [record["attempt"] for record in records] == [1, 2, 3]
    assert [record["duplicateOf"] for record in records] == [None, 1, 1]
    assert [record["verdict"] for record in records] == ["pass"] * 3


def test_a_new_id_per_attempt_is_fine_where_the_reading_says_so():
    records = post(GOOD, sent(completed(deliveryId=OTHER_ID)), delivery_id="per-attempt")
    assert [record["verdict"] for record in records] == ["pass", "pass"]
    assert [record["attempt"] for record in records] == [1, 2]
    assert [record["duplicateOf"] for record in records] == [None, 1]


def test_a_ping_may_come_any_number_of_times():
    ping = {"event": "PING", "timestamp": MOMENT, "data": {"webhookId": ID, "message": "Hi."}}
    records = post(sent({**ping, "deliveryId": ID}), sent({**ping, "deliveryId": OTHER_ID}))
    assert [record["verdict"] for record in records] == ["pass", "pass"]


def test_what_is_known_of_the_very_run_counts():
    asked = []

    def of_run(run):
        asked.append(run)
        return Subscription(secret=SECRET, limit=1, event_label="dotted")

    (record,) = post(GOOD, of_run=of_run)
    assert asked == [RUN]
    assert sorted(failures(record)) == [2, 8]


def test_without_the_secret_the_signature_is_not_checked_and_nothing_passes_for_it():
    (record,) = post(GOOD, secret=None)
    assert failures(record) == {}
    (signed,) = [check for check in record["checks"] if check["id"] == 3]
    assert signed["ok"] is None
    assert "secret of this endpoint is not known" in signed["message"]
    assert record["verdict"] == "warn"
    assert record["signature"]["status"] == "unchecked"

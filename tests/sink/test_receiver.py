"""The sink over HTTP: what it keeps, what it hides, how it is asked and how one waits for it."""

import asyncio
import base64
import hashlib
import json
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.responses import PlainTextResponse

from preview_sim.domain.errors import ServiceUnavailable, ValidationFailed
from preview_sim.sink import Sink, Subscription, WaitTimedOut
from preview_sim.sink import inbox as inbox_module

NOW = 1_764_000_000.125
SECRET = "0123456789abcdef" * 4
JSON = {"content-type": "application/json"}
RUN = "req_550e8400-e29b-41d4-a716-44665544000"


def new_sink(**options) -> Sink:
    return Sink(wall=lambda: NOW, **options)


def client_of(sink: Sink, guard=None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=sink.app(guard))
    return httpx.AsyncClient(transport=transport, base_url="http://sink")


def told(run: int = 0, event: str = "SOURCING_FAILED", **other) -> dict:
    """A body that says who it is, and is otherwise wrong."""
    return {"event": event, "data": {"requestId": f"{RUN}{run}"}, **other}


def with_client(scene, sink: Sink | None = None, guard=None):
    """Run `scene(sink, client)` on a loop of its own."""

    async def run():
        used = sink or new_sink()
        async with client_of(used, guard) as client:
            return await scene(used, client)

    return asyncio.run(run())


@asynccontextmanager
async def meanwhile(awaitable):
    """Start waiting, let it reach its wait, and hand over the task."""
    task = asyncio.ensure_future(awaitable)
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    yield task


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe\x00not utf-8", b'{"a": 1,\r\n "a" :2 }', bytes(range(256)) * 100],
    ids=["empty", "not UTF-8", "odd JSON", "25 KB of anything"],
)
def test_raw_bytes_are_kept_exactly(body):
    async def scene(sink, client):
        await client.post("/in/s/e", content=body)
        return (await client.get("/records")).json()["records"]

    (record,) = with_client(scene)
    assert base64.b64decode(record["bodyB64"]) == body
    assert record["bodySha256"] == hashlib.sha256(body).hexdigest()
    assert record["bodyCut"] is None


def test_a_record_tells_the_request_as_it_came():
    async def scene(sink, client):
        headers = [("X-One", "1"), ("X-Two", "é".encode()), ("X-One", "2")]
        await client.put("/in/s1/a%20b?x=1&x=2", json=told(), headers=headers)
        return (await client.get("/records")).json()["records"]

    (record,) = with_client(scene)
    kept = [header for header in record["headers"] if header[0].startswith("x-")]
    assert kept == [["x-one", "1"], ["x-two", "Ã©"], ["x-one", "2"]]
    assert record["v"] == 1
    assert record["seq"] == 1
    assert record["receivedAt"] == "2025-11-24T16:00:00.125Z"
    assert record["sandbox"] == "s1"
    assert record["endpoint"] == "a b"
    assert record["remote"] == "127.0.0.1:123"
    assert record["method"] == "PUT"
    assert record["path"] == "/in/s1/a%20b"
    assert record["query"] == "x=1&x=2"
    assert record["httpVersion"] == "1.1"
    assert record["event"] == "SOURCING_FAILED"
    assert record["deliveryId"] is None
    assert record["requestId"] == f"{RUN}0"
    assert record["attempt"] == 1
    assert record["duplicateOf"] is None
    assert record["response"] == {"status": 200, "delayMs": 0}
    assert record["verdict"] == "fail"


def test_a_sink_alone_takes_deliveries_without_naming_a_sandbox():
    async def scene(sink, client):
        await client.post("/in/orders", json=told())
        return (await client.get("/records?sandbox=default&endpoint=orders")).json()["records"]

    (record,) = with_client(scene)
    assert record["sandbox"] == "default"


def test_neither_secret_nor_authorization_is_ever_shown():
    async def scene(sink, client):
        sink.expect("s", "e", Subscription(SECRET))
        leaky = told(deliveryId=SECRET, event=SECRET, note="x" * 60 + SECRET)
        headers = {
            "Authorization": f"Bearer sk_sim_acme {SECRET}",
            "webhook-id": SECRET,
            "webhook-timestamp": f"t{SECRET}",
            "webhook-signature": f"v0,{SECRET}",
            "X-Note": f"it is {SECRET}",
        }
        await client.post(f"/in/s/e?key={SECRET}", json=leaky, headers=headers)
        listing = await client.get("/records")
        late = await client.get("/wait?requestId=no&timeout=0")
        return listing, late

    listing, late = with_client(scene)
    for answer in (listing, late):
        assert SECRET not in answer.text
        assert SECRET[:24] not in answer.text
        assert "sk_sim_acme" not in answer.text
    headers = dict(listing.json()["records"][0]["headers"])
    assert headers["authorization"] == "***"
    assert headers["x-note"] == "it is ***"


def test_what_is_known_when_a_delivery_comes_is_what_it_is_judged_by():
    async def scene(sink, client):
        await client.post("/in/s/e", json=told())
        sink.expect("s", "e", Subscription(SECRET, profile="hex-body"))
        await client.post("/in/s/e", json=told(1))
        sink.forget("other")
        sink.expect("s", "e", Subscription(SECRET, profile="none"))
        return sink.records()

    first, second = with_client(scene)
    assert (first.signature.profile, first.signature.status) == ("standard", "unchecked")
    assert (second.signature.profile, second.signature.status) == ("hex-body", "invalid")


def test_filters_choose_and_combine():
    async def scene(sink, client):
        await client.post("/in/s1/a", json=told(1))
        await client.post("/in/s1/b", json=told(2, "sourcing.completed"))
        await client.post("/in/s2/a", json=told(1))
        found = {}
        for query in (
            "sandbox=s1",
            "endpoint=a",
            "event=SOURCING_COMPLETED",
            "event=sourcing.failed",
            f"requestId={RUN}1",
            f"requestId={RUN}1&sandbox=s2",
            "verdict=fail",
            "verdict=pass",
        ):
            answer = (await client.get(f"/records?{query}")).json()
            found[query] = [record["seq"] for record in answer["records"]]
        return found

    assert with_client(scene) == {
        "sandbox=s1": [1, 2],
        "endpoint=a": [1, 3],
        "event=SOURCING_COMPLETED": [2],
        "event=sourcing.failed": [1, 3],
        f"requestId={RUN}1": [1, 3],
        f"requestId={RUN}1&sandbox=s2": [3],
        "verdict=fail": [1, 2, 3],
        "verdict=pass": [],
    }


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("/records?requestid=x", "Did you mean 'requestId'?"),
        ("/records?count=1", "'count' is no parameter"),
        ("/records?verdict=failed", "Did you mean 'fail'?"),
        ("/records?event=SOURCING_COMPLETE", "Did you mean 'SOURCING_COMPLETED'?"),
        ("/records?endpoint=a&endpoint=b", "Expected endpoint once"),
        ("/wait?timout=1", "Did you mean 'timeout'?"),
        ("/wait?timeout=61", "0 to 60 seconds, came '61'"),
        ("/wait?timeout=nan", "came 'nan'"),
        ("/wait?count=-1", "whole number, came '-1'"),
        ("/wait?count=one", "whole number, came 'one'"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_the_nearest_name(query, words):
    async def scene(sink, client):
        return await client.get(query)

    answer = with_client(scene)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    assert words in answer.json()["error"]["message"]


def test_other_paths_and_methods_are_answered_in_the_sinks_own_words():
    async def scene(sink, client):
        return [await client.get("/in"), await client.get("/no"), await client.get("/reset")]

    bare, unknown, wrong_method = with_client(scene)
    assert bare.status_code == unknown.status_code == 404
    assert unknown.json() == {
        "error": {"code": "ROUTE_NOT_FOUND", "message": "GET /no: Not Found."}
    }
    assert wrong_method.status_code == 405
    assert wrong_method.headers["allow"] == "POST"
    assert wrong_method.json()["error"]["code"] == "METHOD_NOT_ALLOWED"


def test_the_guard_stands_before_everything_but_deliveries():
    def guard(request):
        host = request.headers["host"]
        return None if host == "localhost" else PlainTextResponse("no", 403)

    async def scene(sink, client):
        evil = {"Host": "evil.example", "Origin": "http://evil.example"}
        statuses = {}
        for method, path in (
            ("POST", "/in/s/e"),
            ("GET", "/records"),
            ("GET", "/wait"),
            ("POST", "/reset"),
            ("GET", "/no"),
        ):
            statuses[path] = (await client.request(method, path, headers=evil)).status_code
        allowed = await client.get("/records", headers={"Host": "localhost"})
        return statuses, len(allowed.json()["records"])

    statuses, kept = with_client(scene, guard=guard)
    assert statuses == {
        "/in/s/e": 200,
        "/records": 403,
        "/wait": 403,
        "/reset": 403,
        "/no": 403,
    }
    assert kept == 1


def test_wait_answers_as_soon_as_enough_records_match():
    async def scene(sink, client):
        waiting = client.get(f"/wait?requestId={RUN}2&count=2&timeout=60")
        async with meanwhile(waiting) as task:
            for run in (2, 1, 2):
                assert not task.done()
                await client.post("/in/s/e", json=told(run))
            return await task

    answer = with_client(scene)
    assert answer.status_code == 200
    assert [record["seq"] for record in answer.json()["records"]] == [1, 3]


def test_wait_for_a_verdict_judges_as_records_come():
    async def scene(sink, client):
        async with meanwhile(client.get("/wait?verdict=fail&timeout=60")) as task:
            await client.post("/in/s/e", content=b"{")
            return (await task).json()["records"][0]["verdict"]

    assert with_client(scene) == "fail"


def test_wait_times_out_with_what_came_and_the_nearest_misses():
    async def scene(sink, client):
        await client.post("/in/s1/a", json=told(1))
        await client.post("/in/s2/a", json=told(2))
        await client.post("/in/s1/b", json=told(2))
        return await client.get(f"/wait?sandbox=s1&endpoint=a&requestId={RUN}2&timeout=0.01")

    answer = with_client(scene)
    late = answer.json()
    assert answer.status_code == 408
    assert late["records"] == []
    assert [miss["seq"] for miss in late["nearest"]] == [3, 2, 1]
    assert late["nearest"][0]["missed"] == [{"filter": "endpoint", "expected": "a", "came": "b"}]
    assert late["nearest"][2]["requestId"] == f"{RUN}1"
    assert "Expected 1 record(s)" in late["message"]
    assert "record 3: its endpoint is 'b'" in late["message"]


def test_wait_times_out_with_the_too_few_that_matched():
    async def scene(sink, client):
        await client.post("/in/s/e", json=told())
        return await client.get("/wait?sandbox=s&count=2&timeout=0")

    late = with_client(scene).json()
    assert [record["seq"] for record in late["records"]] == [1]
    assert late["nearest"] == []
    assert "1 came" in late["message"]


def test_closing_ends_every_wait_and_keeps_recording():
    async def scene(sink, client):
        async with meanwhile(client.get("/wait?timeout=60")) as task:
            sink.close()
            ended = await task
        again = await client.get("/wait?timeout=60")
        await client.post("/in/s/e", json=told())
        enough = await client.get("/wait?timeout=60")
        return ended, again, enough

    ended, again, enough = with_client(scene)
    for answer in (ended, again):
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
        assert "closing" in answer.json()["error"]["message"]
    assert enough.status_code == 200


def test_the_same_questions_can_be_asked_in_process():
    async def scene(sink, client):
        await client.post("/in/s/e", json=told(1))
        (record,) = await sink.wait_for(1, 5, request_id=f"{RUN}1", event="sourcing.failed")
        assert (record.event, record.request_id, record.failed[0]) == (
            "SOURCING_FAILED",
            f"{RUN}1",
            2,
        )
        assert json.loads(record.body) == told(1)
        assert sink.records(verdict="fail") == [record]
        with pytest.raises(WaitTimedOut) as late:
            await sink.wait_for(2, 0)
        assert late.value.records == [record]
        with pytest.raises(ValidationFailed, match="Did you mean 'sandbox'"):
            sink.records(sandbx="s")
        sink.close()
        with pytest.raises(ServiceUnavailable):
            await sink.wait_for(2, 5)

    with_client(scene)


def test_reset_forgets_one_sandbox_or_all_with_their_history():
    async def scene(sink, client):
        body = told(deliveryId="one")
        for sandbox in ("s1", "s2"):
            await client.post(f"/in/{sandbox}/e", json=body)
        removed = (await client.post("/reset", json={"sandbox": "s1"})).json()
        for sandbox in ("s1", "s2"):
            await client.post(f"/in/{sandbox}/e", json=body)
        after = [(record.delivery.sandbox, record.standing.attempt) for record in sink.records()]
        everything = (await client.post("/reset")).json()
        return removed, after, everything, sink.records()

    removed, after, everything, left = with_client(scene)
    assert removed == {"removed": 1}
    assert after == [("s2", 1), ("s1", 1), ("s2", 2)]
    assert everything == {"removed": 3}
    assert left == []


@pytest.mark.parametrize(
    ("content", "headers", "status", "words"),
    [
        (b'{"sandbox": "s"}', {"content-type": "text/plain"}, 415, "application/json"),
        (b"{", JSON, 400, "no JSON"),
        (b"[]", JSON, 400, "JSON object"),
        (b'{"sandbox": 1}', JSON, 400, "a string"),
        (b'{"sandbx": "s"}', JSON, 400, "Did you mean 'sandbox'?"),
        (b" " * 70_000, JSON, 413, "at most 65536 bytes"),
    ],
)
def test_a_reset_that_makes_no_sense_resets_nothing(content, headers, status, words):
    async def scene(sink, client):
        await client.post("/in/s/e", json=told())
        answer = await client.post("/reset", content=content, headers=headers)
        return answer, len(sink.records())

    answer, left = with_client(scene)
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]
    assert left == 1


def test_the_oldest_records_are_dropped_and_counted_but_not_forgotten_as_history():
    async def scene(sink, client):
        first, second = told(1, deliveryId="one"), told(2, deliveryId="two")
        for body in (first, second, second, first):
            await client.post("/in/s/e", json=body)
        return (await client.get("/records?sandbox=s")).json()

    listing = with_client(scene, new_sink(max_records=2))
    assert listing["dropped"] == 2
    assert [(record["seq"], record["attempt"]) for record in listing["records"]] == [(3, 2), (4, 2)]


def test_bodies_are_bounded_too():
    async def scene(sink, client):
        for _ in range(5):
            await client.post("/in/s/e", content=b"x" * 100)
        return [record.delivery.seq for record in sink.records()], sink.dropped("s")

    assert with_client(scene, new_sink(max_bytes=250)) == ([4, 5], 3)


def test_a_body_beyond_the_cap_keeps_its_beginning_and_says_so(monkeypatch):
    monkeypatch.setattr(inbox_module, "BODY_KEPT_MAX", 10)

    async def scene(sink, client):
        answer = await client.post("/in/s/e", content=b"0123456789ab", headers=JSON)
        assert answer.status_code == 200
        return (await client.get("/records")).json()["records"]

    (record,) = with_client(scene)
    assert base64.b64decode(record["bodyB64"]) == b"0123456789"
    assert record["bodyCut"] == "expected at most 10 bytes, came 12; the rest is not kept"
    assert record["checks"][0]["message"] == record["bodyCut"]
    assert record["signature"]["status"] == "unchecked"


def test_a_sender_that_leaves_in_mid_body_is_recorded():
    async def scene(sink, client):
        pieces = iter(
            [
                {"type": "http.request", "body": b"{", "more_body": True},
                {"type": "http.disconnect"},
            ]
        )

        async def receive():
            return next(pieces)

        async def send(message):
            pass

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": "/in/s/e",
            "query_string": b"",
            "headers": [],
        }
        await sink.app()(scope, receive, send)
        return sink.records()

    (record,) = with_client(scene)
    assert record.body == b"{"
    assert record.delivery.arrival.cut == "expected a whole body, the sender left after 1 bytes"


def test_two_sandboxes_with_the_same_ids_do_not_meet():
    async def scene(sink, client):
        await client.post("/in/s1/e", json=told(deliveryId="one"))
        await client.post("/in/s2/e", json=told(event="SOURCING_COMPLETED", deliveryId="one"))
        return sink.records()

    first, second = with_client(scene)
    assert first.standing == second.standing
    assert second.standing.id_taken_by is None


def test_receiving_judges_nothing(monkeypatch):
    async def scene(sink, client):
        monkeypatch.setattr("preview_sim.sink.receiver.judge", None)
        for _ in range(3):
            await client.post("/in/s/e", json=told())
        return len(await sink.wait_for(0, 0, event="PING"))

    assert with_client(scene) == 0

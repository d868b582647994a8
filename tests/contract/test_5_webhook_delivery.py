"""Contract 5.1 to 5.6: what is sent, how it is signed, when it is sent again."""

import base64
import hashlib
import hmac
import json
import re
import socket
import time
from datetime import datetime
from email.utils import formatdate
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from preview_sim.domain.draw import draw_fraction
from preview_sim.domain.webhook import Attempt, DeliveryState, after_attempt

ACME_WEBHOOK = "123e4567-e89b-12d3-a456-426614174000"
SECRET = "0123456789abcdef" * 4
COMPLETED, FAILED = "SOURCING_COMPLETED", "SOURCING_FAILED"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
STEPS_MS = (5_000, 300_000, 1_800_000)

#: A scenario that ends in each event.
ENDS = {COMPLETED: "exhausted-on-page-2", FAILED: "provider-fails-on-page-3"}


def ms_between(earlier: str, later: str) -> int:
    took = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    return round(took.total_seconds() * 1000)


def delivered(api, event=COMPLETED, **changes) -> str:
    """A run that ends in `event` and tells the webhook; its requestId."""
    headers = {"X-Sim-Scenario": ENDS[event]}
    request_id = api.accepted(webhookId=ACME_WEBHOOK, limit=60, headers=headers, **changes)
    api.sim.clock.until_idle()
    return request_id


def until_first_attempt(api) -> str:
    """A run whose first attempt has just been made; its requestId."""
    headers = {"X-Sim-Scenario": ENDS[COMPLETED]}
    request_id = api.accepted(webhookId=ACME_WEBHOOK, limit=60, headers=headers)
    api.sim.clock.advance("400ms")
    assert len(api.steps(request_id, "attempt")) == 1
    return request_id


def pauses(api, request_id) -> list[int]:
    """The ms between attempts."""
    moments = [attempt["at"] for attempt in api.steps(request_id, "attempt")]
    return [ms_between(earlier, later) for earlier, later in pairwise(moments)]


def jittered(seed: int, delivery_id: str, number: int) -> int:
    """The pause after attempt `number`: the step, 20 % more or less."""
    drawn = draw_fraction(seed, "retry", delivery_id, number)
    pause = round(STEPS_MS[number - 1] * (0.8 + 0.4 * drawn))
    assert 0.8 <= pause / STEPS_MS[number - 1] <= 1.2
    return pause


# 5.1


@pytest.mark.parametrize("event", ENDS)
@pytest.mark.parametrize("events", [[COMPLETED], [FAILED], [COMPLETED, FAILED, "PING"]])
def test_5_1_a_run_sends_its_terminal_event_if_the_webhook_subscribes_to_it(
    hooked, receiver, event, events
):
    api = hooked(events=events)
    request_id = delivered(api, event)
    api.sim.clock.advance("24h")
    heard = [delivery.document["event"] for delivery in receiver.received]
    assert heard == ([event] if event in events else [])
    told = [step["event"] for step in api.steps(request_id, "delivery")]
    assert told == heard


def test_5_1_a_run_without_a_webhook_tells_nobody(hooked, receiver):
    api = hooked()
    api.finished()
    assert receiver.received == []


def test_5_1_the_event_goes_out_when_the_run_ends_and_not_before(hooked, receiver):
    api = hooked()
    request_id = api.accepted(
        webhookId=ACME_WEBHOOK, limit=60, headers={"X-Sim-Scenario": "exhausted-on-page-2"}
    )
    api.sim.clock.advance("399ms")
    assert receiver.received == []
    api.sim.clock.advance("1ms")
    (delivery,) = receiver.received
    assert delivery.document["data"]["requestId"] == request_id


def test_5_1_delivery_is_at_least_once(hooked, receiver):
    receiver.answers = [500]  # taken, but the answer says that it was not
    api = hooked()
    delivered(api)
    assert len(receiver.received) == 2


def test_5_1_every_run_has_an_event_of_its_own(hooked, receiver):
    api = hooked()
    ids = [delivered(api), delivered(api, FAILED), delivered(api)]
    documents = [delivery.document for delivery in receiver.received]
    assert [document["data"]["requestId"] for document in documents] == ids
    assert len({document["deliveryId"] for document in documents}) == 3


@pytest.mark.parametrize("clock", ["manual", "instant"])
def test_5_1_our_own_sink_finds_nothing_wrong(connect, clock):
    api = connect(clock=clock)
    for event in ENDS:
        delivered(api, event)
    assert [record.verdict for record in api.sim.sink.wait_for(2)] == ["pass", "pass"]


# 5.2


def test_5_2_the_body_of_a_completed_run(hooked, receiver):
    api = hooked()
    request_id = delivered(api)
    (delivery,) = receiver.received
    assert (delivery.method, delivery.path) == ("POST", "/hook")
    assert delivery.header("content-type") == "application/json"
    document = delivery.document
    assert re.fullmatch(UUID, document.pop("deliveryId"))
    polled = api.poll(request_id).json()
    names = ("requestId", "status", "createdAt", "completedAt", "foundCount", "candidates")
    assert document == {
        "event": COMPLETED,
        "timestamp": "2025-01-01T00:00:00.400Z",
        "data": {name: polled[name] for name in names},
    }
    assert len(document["data"]["candidates"]) == 33
    assert all(len(candidate) == 9 for candidate in document["data"]["candidates"])


def test_5_2_the_body_of_a_failed_run(hooked, receiver):
    api = hooked()
    request_id = delivered(api, FAILED)
    (delivery,) = receiver.received
    document = delivery.document
    assert re.fullmatch(UUID, document.pop("deliveryId"))
    assert document == {
        "event": FAILED,
        "timestamp": "2025-01-01T00:00:02.000Z",
        "data": {
            "requestId": request_id,
            "status": "failed",
            "createdAt": "2025-01-01T00:00:00.000Z",
            "completedAt": "2025-01-01T00:00:02.000Z",
            "errorCode": "AGENT_ERROR",
            "errorMessage": "The sourcing agent encountered an unexpected error.",
        },
    }


def test_5_2_names_beyond_ascii_arrive_unharmed(hooked, receiver):
    api = hooked()
    headers = {"X-Sim-Scenario": "unicode-names"}
    document = api.finished(webhookId=ACME_WEBHOOK, limit=40, headers=headers)
    (delivery,) = receiver.received
    delivery.body.decode("utf-8")
    assert delivery.document["data"]["candidates"] == document["candidates"]


# 5.3


@pytest.mark.parametrize(
    ("reading", "spelled"),
    [
        (None, {COMPLETED: "SOURCING_COMPLETED", FAILED: "SOURCING_FAILED"}),
        ("upper", {COMPLETED: "SOURCING_COMPLETED", FAILED: "SOURCING_FAILED"}),
        ("dotted", {COMPLETED: "sourcing.completed", FAILED: "sourcing.failed"}),
    ],
)
def test_5_3_how_the_event_is_spelled(hooked, receiver, reading, spelled):
    api = hooked(readings={"event-label": reading} if reading else {})
    for event in ENDS:
        delivered(api, event)
    assert [delivery.document["event"] for delivery in receiver.received] == [*spelled.values()]


# 5.4


SIGNING = ("webhook-id", "webhook-timestamp", "webhook-signature", "x-webhook-signature")


def signed(delivery) -> dict[str, str]:
    found = {name: delivery.header(name) for name in SIGNING}
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize("event", ENDS)
@pytest.mark.parametrize("reading", [None, "standard"])
def test_5_4_the_default_is_the_standard_webhooks_scheme(hooked, receiver, reading, event):
    api = hooked(readings={"signature": reading} if reading else {})
    secret = api.secret()
    assert re.fullmatch(r"[0-9a-f]{64}", secret)
    delivered(api, event)
    (delivery,) = receiver.received
    headers = signed(delivery)
    assert set(headers) == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert headers["webhook-id"] == delivery.document["deliveryId"]
    assert Webhook(secret.encode()).verify(delivery.body, headers) == delivery.document
    with pytest.raises(WebhookVerificationError):
        Webhook(secret.encode()).verify(delivery.body + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET.encode()).verify(delivery.body, headers)
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + delivery.body
    mac = hmac.digest(secret.encode(), content, "sha256")
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"


def test_5_4_the_reading_hex_body(hooked, receiver):
    api = hooked(readings={"signature": "hex-body"})
    delivered(api)
    (delivery,) = receiver.received
    mac = hmac.new(api.secret().encode(), delivery.body, hashlib.sha256).hexdigest()
    assert signed(delivery) == {"x-webhook-signature": f"sha256={mac}"}


def test_5_4_the_reading_timestamped(hooked, receiver):
    api = hooked(readings={"signature": "timestamped"})
    delivered(api)
    (delivery,) = receiver.received
    (header,) = signed(delivery).values()
    found = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", header)
    content = f"{found[1]}.".encode() + delivery.body
    assert found[2] == hmac.new(api.secret().encode(), content, hashlib.sha256).hexdigest()


def test_5_4_the_reading_none(hooked, receiver):
    delivered(hooked(readings={"signature": "none"}))
    (delivery,) = receiver.received
    assert signed(delivery) == {}


@pytest.mark.parametrize("reading", ["standard", "timestamped"])
def test_5_4_a_signature_has_the_time_of_the_wall_and_not_of_the_simulator(
    hooked, receiver, reading
):
    api = hooked(readings={"signature": reading})
    api.sim.clock.advance("24h")
    before = int(time.clock_gettime(time.CLOCK_REALTIME))
    delivered(api)
    after = int(time.clock_gettime(time.CLOCK_REALTIME))
    headers = signed(receiver.received[0])
    stamp = headers.get("webhook-timestamp") or headers["x-webhook-signature"][2:].split(",")[0]
    assert before <= int(stamp) <= after


def test_5_4_the_secret_of_the_world_file_signs(connect, world, receiver):
    webhook = {"id": ACME_WEBHOOK, "events": [COMPLETED], "url": receiver.url, "secret": SECRET}
    company = {"name": "One", "unit": "credits", "balance": 9, "webhooks": [webhook]}
    company["keys"] = [{"key": "sk_sim_acme"}]
    api = connect(world=world(company))
    delivered(api)
    (delivery,) = receiver.received
    Webhook(SECRET.encode()).verify(delivery.body, signed(delivery))
    assert SECRET not in json.dumps([delivery.headers, delivery.document])


# 5.5


@pytest.fixture
def wall(monkeypatch):
    """Sets the clock on the wall ahead: `wall(7)`, in seconds."""
    ahead = [0]
    monkeypatch.setattr("time.time", lambda: time.clock_gettime(time.CLOCK_REALTIME) + ahead[0])
    return lambda seconds: ahead.__setitem__(0, seconds)


@pytest.mark.parametrize("reading", [None, "per-event"])
def test_5_5_every_retry_has_the_same_bytes_and_a_fresh_signature_timestamp(
    hooked, receiver, wall, reading
):
    receiver.answers = [500, 503, 404]
    api = hooked(readings={"delivery-id": reading} if reading else {})
    until_first_attempt(api)
    for ahead in (60, 120, 180):
        wall(ahead)
        api.sim.clock.to_next()
    assert len(receiver.received) == 4
    assert len({delivery.body for delivery in receiver.received}) == 1
    assert len({delivery.header("webhook-id") for delivery in receiver.received}) == 1
    stamps = [int(delivery.header("webhook-timestamp")) for delivery in receiver.received]
    for earlier, later in pairwise(stamps):
        assert later - earlier in (60, 61)
    for delivery in receiver.received:
        Webhook(api.secret().encode()).verify(delivery.body, signed(delivery))


def test_5_5_the_reading_per_attempt_has_a_new_id_and_so_a_new_body(hooked, receiver):
    receiver.answers = [500] * 4
    api = hooked(readings={"delivery-id": "per-attempt"})
    delivered(api)
    documents = [delivery.document for delivery in receiver.received]
    ids = [document.pop("deliveryId") for document in documents]
    assert len(set(ids)) == 4
    assert all(re.fullmatch(UUID, id_) for id_ in ids)
    assert ids == [delivery.header("webhook-id") for delivery in receiver.received]
    assert documents == [documents[0]] * 4
    for delivery in receiver.received:
        Webhook(api.secret().encode()).verify(delivery.body, signed(delivery))


def test_5_5_the_order_of_the_properties_is_that_of_the_first_attempt(hooked, receiver):
    receiver.answers = [500]
    delivered(hooked(readings={"delivery-id": "per-attempt"}))
    first, second = receiver.received
    assert list(first.document) == list(second.document)
    assert list(first.document["data"]) == list(second.document["data"])


# 5.6


@pytest.mark.parametrize("status", [200, 201, 202, 204, 226, 299])
def test_5_6_any_2xx_is_success(hooked, receiver, status):
    receiver.answers = [status]
    api = hooked()
    request_id = delivered(api)
    assert len(receiver.received) == 1
    assert [step["state"] for step in api.steps(request_id, "delivery")] == ["delivered"]
    assert [step["outcome"] for step in api.steps(request_id, "attempt")] == [status]


@pytest.mark.parametrize(
    "status", [300, 304, 400, 401, 403, 404, 408, 409, 410, 422, 429, 500, 502, 503, 504, 599]
)
def test_5_6_any_other_status_is_a_failure_and_is_tried_again(hooked, receiver, status):
    receiver.answers = [status]
    api = hooked()
    request_id = delivered(api)
    assert [step["outcome"] for step in api.steps(request_id, "attempt")] == [status, 200]
    assert [step["state"] for step in api.steps(request_id, "delivery")] == ["delivered"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_5_6_redirects_are_not_followed_and_are_failures(hooked, receiver, status):
    elsewhere = receiver.url.replace("/hook", "/elsewhere")
    receiver.answers = [(status, {"Location": elsewhere})] * 2
    api = hooked()
    request_id = delivered(api)
    requests = [(delivery.method, delivery.path) for delivery in receiver.received]
    assert requests == [("POST", "/hook")] * 3
    outcomes = [step["outcome"] for step in api.steps(request_id, "attempt")]
    assert outcomes == [status, status, 200]


@pytest.mark.parametrize("seed", [1, 2, 3, 42])
def test_5_6_there_are_three_retries_on_a_jittered_schedule(hooked, receiver, seed):
    receiver.answers = [500] * 9
    api = hooked(seed=seed)
    request_id = delivered(api)
    assert len(receiver.received) == 4
    (delivery,) = api.steps(request_id, "delivery")
    assert delivery["state"] == "exhausted"
    expected = [jittered(seed, delivery["deliveryId"], number) for number in (1, 2, 3)]
    assert pauses(api, request_id) == expected
    assert api.sim.clock.until_idle() == []


def test_5_6_a_retry_is_made_at_its_very_millisecond(hooked, receiver):
    receiver.answers = [500] * 9
    api = hooked()
    request_id = until_first_attempt(api)
    (delivery,) = api.steps(request_id, "delivery")
    for number in (1, 2, 3):
        pause = jittered(1, delivery["deliveryId"], number)
        api.sim.clock.advance(f"{pause - 1}ms")
        assert len(receiver.received) == number
        api.sim.clock.advance("1ms")
        assert len(receiver.received) == number + 1


@settings(deadline=None, derandomize=True)
@given(
    number=st.integers(1, 3),
    jitter=st.floats(0, 1, exclude_max=True),
    status=st.one_of(st.none(), st.integers(100, 199), st.integers(300, 999)),
)
def test_5_6_the_jitter_stays_within_20_percent(number, jitter, status):
    verdict = after_attempt(Attempt(status, None, 5), number, 1_000, jitter)
    assert verdict.state is DeliveryState.PENDING
    assert 0.8 <= (verdict.retry_at - 1_000) / STEPS_MS[number - 1] <= 1.2


def test_5_6_jitter_differs_from_delivery_to_delivery_and_from_retry_to_retry(hooked, receiver):
    receiver.answers = [500] * 99
    api = hooked()
    shares = []
    for _ in range(4):
        steps = zip(pauses(api, delivered(api)), STEPS_MS, strict=True)
        shares += [round(pause / step, 3) for pause, step in steps]
    assert len(set(shares)) == 12


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        ("0", 5_000),
        ("1", 5_000),
        ("5", 5_000),
        ("6", 6_000),
        ("10", 10_000),
        ("11", 10_000),
        ("3600", 10_000),
        ("99999999999999999999", 10_000),
    ],
)
@pytest.mark.parametrize("status", [429, 503, 302])
def test_5_6_retry_after_is_honoured_between_once_and_twice_the_step(
    hooked, receiver, status, said, pause
):
    receiver.answers = [(status, {"Retry-After": said})]
    api = hooked()
    assert pauses(api, delivered(api)) == [pause]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["4", "300", "1"], [5_000, 300_000, 1_800_000]),
        (["6", "400", "2000"], [6_000, 400_000, 2_000_000]),
        (["60", "60000", "9999"], [10_000, 600_000, 3_600_000]),
    ],
)
def test_5_6_retry_after_is_measured_by_the_step_that_it_is_at(hooked, receiver, said, expected):
    receiver.answers = [(503, {"Retry-After": text}) for text in (*said, "1")]
    api = hooked()
    assert pauses(api, delivered(api)) == expected
    assert len(receiver.received) == 4


@pytest.mark.parametrize(("said", "pause"), [(-60, 5_000), (3, 5_000), (7, 7_000), (999, 10_000)])
def test_5_6_retry_after_may_be_a_date(hooked, receiver, monkeypatch, said, pause):
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.0)  # the wall stands
    date = formatdate(1_800_000_000 + said, usegmt=True)
    receiver.answers = [(503, {"Retry-After": date})]
    api = hooked()
    assert pauses(api, delivered(api)) == [pause]


@pytest.mark.parametrize(
    "said", ["", "soon", "-1", "7.5", "7s", "1e1", "٧", "Mon, 99 Jan 2025 00:00:00 GMT"]
)
def test_5_6_a_retry_after_that_is_none_changes_nothing(hooked, receiver, said):
    receiver.answers = [(503, {"Retry-After": said.encode().decode("latin-1")})]
    api = hooked()
    request_id = delivered(api)
    (delivery,) = api.steps(request_id, "delivery")
    assert pauses(api, request_id) == [jittered(1, delivery["deliveryId"], 1)]


def test_5_6_a_retry_that_succeeds_is_the_last(hooked, receiver):
    receiver.answers = [500, 500, 200, 500]
    api = hooked()
    request_id = delivered(api)
    assert len(receiver.received) == 3
    assert [step["state"] for step in api.steps(request_id, "delivery")] == ["delivered"]


def test_5_6_a_connection_that_breaks_is_a_failure(hooked, receiver):
    receiver.answers = ["drop"]
    api = hooked()
    request_id = delivered(api)
    first, second = [step["outcome"] for step in api.steps(request_id, "attempt")]
    assert isinstance(first, str)
    assert second == 200


def test_5_6_a_receiver_that_is_not_there_is_a_failure(connect, world):
    with socket.socket() as reserved:  # bound and never listening
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/hook"
        webhook = {"id": ACME_WEBHOOK, "events": [COMPLETED], "url": url}
        company = {"name": "One", "unit": "credits", "balance": 9, "webhooks": [webhook]}
        company["keys"] = [{"key": "sk_sim_acme"}]
        api = connect(world=world(company), clock="instant")
        request_id = delivered(api)
    outcomes = [step["outcome"] for step in api.steps(request_id, "attempt")]
    assert len(outcomes) == 4
    assert all(isinstance(outcome, str) for outcome in outcomes)
    assert api.poll(request_id).json()["status"] == "completed"


def test_5_6_the_timeout_is_30_seconds_unless_a_config_says_otherwise(hooked):
    async def body(q) -> int:
        return await q.one("SELECT timeout_ms FROM webhook WHERE id = $1", ACME_WEBHOOK)

    sim = hooked().sim
    assert sim.call(sim.running.sandbox("default").store.read(body)) == (30_000,)


@pytest.mark.parametrize("answer", ["hang", "half"])
def test_5_6_an_attempt_has_timeout_ms_from_connect_to_last_byte(hooked, receiver, answer):
    receiver.answers = [answer]
    api = hooked(timeout_ms=300)
    request_id = until_first_attempt(api)
    api.sim.clock.until_idle()
    outcomes = [step["outcome"] for step in api.steps(request_id, "attempt")]
    assert outcomes[0] == "no answer within 300 ms"
    assert outcomes[-1] == 200


def test_5_6_a_receiver_that_hangs_holds_up_nobody_else(connect, world, receiver):
    receiver.answers = ["hang"]
    other = ACME_WEBHOOK.replace("1", "2", 1)  # no url: it leads to our own sink
    webhooks = [
        {"id": ACME_WEBHOOK, "events": [COMPLETED], "url": receiver.url},
        {"id": other, "events": [COMPLETED]},
    ]
    company = {"name": "One", "unit": "credits", "balance": 9, "webhooks": webhooks}
    company["keys"] = [{"key": "sk_sim_acme"}]
    api = connect(world=world(company), clock="x100")
    api.accepted(webhookId=ACME_WEBHOOK)
    request_id = api.accepted(webhookId=other)
    (record,) = api.sim.sink.wait_for(1)
    assert record.request_id == request_id
    assert api.poll(request_id).status_code == 200


# 5.8


def test_5_8_custom_headers_of_the_world_file_are_sent_with_each_attempt(hooked, receiver):
    receiver.answers = [500]
    api = hooked(headers={"X-Env": "test", "Authorization": "Basic abc=", "x-odd": 'a b; c="d"'})
    delivered(api)
    assert len(receiver.received) == 2
    for delivery in receiver.received:
        assert delivery.header("x-env") == "test"
        assert delivery.header("authorization") == "Basic abc="
        assert delivery.header("x-odd") == 'a b; c="d"'
        assert delivery.header("content-type") == "application/json"
        Webhook(api.secret().encode()).verify(delivery.body, signed(delivery))


@pytest.mark.parametrize("name", ["User-Agent", "Accept"])
def test_5_8_a_custom_header_never_makes_a_header_come_twice(hooked, receiver, name):
    api = hooked(headers={name: "text/x-own"})
    delivered(api)
    (delivery,) = receiver.received
    assert delivery.header(name.lower())

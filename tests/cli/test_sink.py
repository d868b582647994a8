"""`sink` alone: it records what comes at /in/<endpoint>, verifies it, and gives it back."""

import hmac
import json
import time
from base64 import b64decode, b64encode

SECRET = "5ec4e7" * 10 + "0123"

EVENT = {
    "event": "SOURCING_FAILED",
    "timestamp": "2025-01-01T00:00:01.000Z",
    "deliveryId": "3f0e6b1c-4a5d-4c1e-9d57-0a1b2c3d4e5f",
    "data": {
        "requestId": "req_11111111-2222-4333-8444-555555555555",
        "status": "failed",
        "createdAt": "2025-01-01T00:00:00.000Z",
        "completedAt": "2025-01-01T00:00:01.000Z",
        "errorCode": "AGENT_ERROR",
        "errorMessage": "The sourcing agent encountered an unexpected error.",
    },
}


def signed(body: bytes, secret: str) -> dict[str, str]:
    """The headers of a delivery by Standard Webhooks, made without the code under test."""
    now = str(int(time.time()))  # noqa: TID251 - a signature has the sender's wall clock
    content = f"{EVENT['deliveryId']}.{now}.".encode() + body
    mac = hmac.digest(secret.encode(), content, "sha256")
    return {
        "Content-Type": "application/json",
        "webhook-id": EVENT["deliveryId"],
        "webhook-timestamp": now,
        "webhook-signature": f"v1,{b64encode(mac).decode()}",
    }


def test_a_delivery_is_recorded_verified_and_read_back(sink):
    serving = sink("--secret=env:S", env={"S": SECRET})
    assert list(serving.ready) == ["event", "baseUrl", "pid"]
    assert (serving.ready["event"], serving.ready["pid"]) == ("ready", serving.popen.pid)
    body = json.dumps(EVENT).encode()
    for endpoint, secret in (("x", SECRET), ("y", "another")):
        answer = serving.http.post(f"/in/{endpoint}", content=body, headers=signed(body, secret))
        assert answer.status_code == 200
    [right] = serving.http.get("/wait", params={"endpoint": "x", "timeout": 5}).json()["records"]
    assert (right["endpoint"], right["event"]) == ("x", "SOURCING_FAILED")
    assert b64decode(right["bodyB64"]) == body
    assert (right["signature"]["status"], right["verdict"]) == ("valid", "pass")
    [wrong] = serving.http.get("/records", params={"verdict": "fail"}).json()["records"]
    assert (wrong["endpoint"], wrong["signature"]["status"]) == ("y", "invalid")
    assert serving.http.get("/records").json()["records"] == [right, wrong]
    ended = serving.end()
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_without_a_secret_nothing_is_verified_and_the_record_says_so(sink):
    serving = sink()
    body = json.dumps(EVENT).encode()
    serving.http.post("/in/x", content=body, headers=signed(body, SECRET))
    [record] = serving.http.get("/records").json()["records"]
    assert (record["signature"]["status"], record["verdict"]) == ("unchecked", "warn")


def test_another_profile_is_verified_by_its_own_headers(sink):
    serving = sink("--secret=env:S", "--profile=hex-body", env={"S": SECRET})
    body = json.dumps(EVENT).encode()
    mac = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
    headers = {"Content-Type": "application/json", "X-Webhook-Signature": f"sha256={mac}"}
    serving.http.post("/in/x", content=body, headers=headers)
    [record] = serving.http.get("/records").json()["records"]
    assert (record["signature"]["status"], record["verdict"]) == ("valid", "pass")


def test_with_a_token_deliveries_come_in_and_records_stay_in(sink):
    serving = sink("--admin-token=open-sesame")
    assert serving.http.post("/in/x", content=b"anything").status_code == 200
    assert serving.http.get("/records").status_code == 403
    token = {"Authorization": "Bearer open-sesame"}
    assert len(serving.http.get("/records", headers=token).json()["records"]) == 1


def test_text_says_where_to_deliver_and_where_to_read(sink):
    said = sink(form="text").said
    base_url = said.split()[1].removesuffix("/in/<endpoint>")
    assert base_url.startswith("http://127.0.0.1:")
    for path in ("/in/<endpoint>", "/records", "/wait?"):
        assert f"{base_url}{path}" in said

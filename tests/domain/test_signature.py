"""Signatures against an independent library and against HMACs made by hand; reasons of `verify`."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from preview_sim.domain.reading import READINGS
from preview_sim.domain.signature import PROFILES, sign, verify

SECRET = "0123456789abcdef" * 4
ID = "550e8400-e29b-41d4-a716-446655440000"
AT = 1_735_689_600
BODY = '{"event":"SOURCING_COMPLETED","name":"Zoë – \u202e"}'.encode()

secrets = st.text("0123456789abcdef", min_size=64, max_size=64)
moments = st.integers(0, 2**40)


def lowered(headers: list[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


def hexmac(content: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode("ascii"), content, hashlib.sha256).hexdigest()


def library(secret: str) -> standardwebhooks.Webhook:
    """The library takes its key in base64; ours is the secret's 64 ASCII bytes."""
    return standardwebhooks.Webhook(base64.b64encode(secret.encode("ascii")).decode())


def test_there_is_a_profile_for_every_option_of_the_reading():
    assert set(PROFILES) == set(READINGS["signature"].options)


@given(secrets, st.uuids(version=4).map(str), moments, st.text())
def test_the_standard_profile_signs_as_the_standard_webhooks_library_does(secret, id_, at, text):
    body = text.encode(errors="replace")
    came = dict(sign(PROFILES["standard"], secret, id_, at, body))
    moment = datetime.fromtimestamp(at % 2**32, UTC)
    wanted = library(secret).sign(id_, moment, body.decode())
    came_now = dict(sign(PROFILES["standard"], secret, id_, at % 2**32, body))
    assert came_now["webhook-signature"] == wanted
    assert came["webhook-id"] == id_
    assert came["webhook-timestamp"] == str(at)


def test_the_standard_webhooks_library_takes_our_signature():
    now = int(datetime.now(UTC).timestamp())  # noqa: TID251 - the library compares with its clock
    body = b'{"event": "PING"}'
    headers = lowered(sign(PROFILES["standard"], SECRET, ID, now, body))
    assert library(SECRET).verify(body, headers) == {"event": "PING"}
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        library(SECRET).verify(body + b" ", headers)


def test_the_library_s_signature_is_valid_to_us():
    signature = library(SECRET).sign(ID, datetime.fromtimestamp(AT, UTC), BODY.decode())
    headers = {
        "webhook-id": ID,
        "webhook-timestamp": str(AT),
        "webhook-signature": f"v1,{base64.b64encode(b'of an older key').decode()} {signature}",
    }
    assert verify(PROFILES["standard"], SECRET, headers, BODY).status == "valid"


def test_each_profile_sends_the_headers_that_the_contract_names():
    raw = base64.b64encode(
        hmac.new(SECRET.encode(), f"{ID}.{AT}.".encode() + BODY, hashlib.sha256).digest()
    ).decode()
    assert {name: sign(profile, SECRET, ID, AT, BODY) for name, profile in PROFILES.items()} == {
        "standard": [
            ("webhook-id", ID),
            ("webhook-timestamp", str(AT)),
            ("webhook-signature", f"v1,{raw}"),
        ],
        "hex-body": [("X-Webhook-Signature", f"sha256={hexmac(BODY)}")],
        "timestamped": [("X-Webhook-Signature", f"t={AT},v1={hexmac(f'{AT}.'.encode() + BODY)}")],
        "none": [],
    }


@pytest.mark.parametrize("name", ["standard", "hex-body", "timestamped"])
def test_a_signature_of_other_bytes_is_a_mismatch(name):
    headers = lowered(sign(PROFILES[name], SECRET, ID, AT, BODY))
    for secret, body in ((SECRET, BODY + b" "), (SECRET, b""), ("f" * 64, BODY)):
        came = verify(PROFILES[name], secret, headers, body)
        assert came.status == "invalid"
        assert came.reason.startswith("mismatch: none of 1 signature(s) is the HMAC-SHA256")


@pytest.mark.parametrize("name", ["standard", "timestamped"])
def test_a_changed_timestamp_is_a_mismatch(name):
    headers = lowered(sign(PROFILES[name], SECRET, ID, AT, BODY))
    moved = {header: value.replace(str(AT), str(AT + 1)) for header, value in headers.items()}
    came = verify(PROFILES[name], SECRET, moved, BODY)
    assert (came.status, came.timestamp) == ("invalid", str(AT + 1))
    assert came.reason.startswith("mismatch")


def test_a_changed_delivery_id_is_a_mismatch_in_the_standard_profile():
    headers = lowered(sign(PROFILES["standard"], SECRET, ID, AT, BODY)) | {"webhook-id": "other"}
    assert verify(PROFILES["standard"], SECRET, headers, BODY).status == "invalid"


@pytest.mark.parametrize("name", ["standard", "hex-body", "timestamped"])
def test_a_missing_header_is_named(name):
    signed = sign(PROFILES[name], SECRET, ID, AT, BODY)
    for absent, _ in signed:
        headers = lowered([header for header in signed if header[0] != absent])
        came = verify(PROFILES[name], SECRET, headers, BODY)
        assert (came.status, came.reason) == ("invalid", f"missing: expected the header {absent}")


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("standard", ""),
        ("standard", "v1"),
        ("standard", "v1,"),
        ("standard", "v2,abc"),
        ("standard", "abc"),
        ("hex-body", ""),
        ("hex-body", "abc"),
        ("hex-body", "sha256="),
        ("hex-body", "sha1=abc"),
        ("timestamped", "v1=abc"),
        ("timestamped", "t=1"),
        ("timestamped", "t=1,v1="),
        ("timestamped", "t=,v1=abc"),
    ],
)
def test_a_header_of_another_shape_is_malformed_and_the_shape_is_shown(name, sent):
    profile = PROFILES[name]
    headers = lowered(sign(profile, SECRET, ID, AT, BODY))
    headers[profile.signature_header.lower()] = sent
    came = verify(profile, SECRET, headers, BODY)
    assert came.status == "invalid"
    assert came.reason == f"malformed: expected {profile.headers[-1][1]!r}, got {sent!r}"


def test_a_key_read_in_another_way_is_named():
    profile = PROFILES["hex-body"]
    for read, why in (
        (bytes.fromhex(SECRET), "wrong key encoding: the secret was decoded as hex"),
        (base64.b64decode(SECRET), "wrong key encoding: the secret was decoded as base64"),
    ):
        signature = hmac.new(read, BODY, hashlib.sha256).hexdigest()
        came = verify(profile, SECRET, {"x-webhook-signature": f"sha256={signature}"}, BODY)
        assert (came.status, came.reason) == ("invalid", why)


@pytest.mark.parametrize(
    ("name", "header", "wrong"),
    [
        ("standard", "webhook-signature", "hex"),
        ("hex-body", "x-webhook-signature", "base64"),
        ("timestamped", "x-webhook-signature", "base64"),
    ],
)
def test_a_right_mac_in_another_encoding_is_named(name, header, wrong):
    profile = PROFILES[name]
    content = profile.content.format(id=ID, timestamp=AT).encode() + BODY
    raw = hmac.new(SECRET.encode(), content, hashlib.sha256).digest()
    text = raw.hex() if wrong == "hex" else base64.b64encode(raw).decode()
    headers = lowered(sign(profile, SECRET, ID, AT, BODY))
    headers[header] = profile.headers[-1][1].format(id=ID, timestamp=AT, signature=text)
    came = verify(profile, SECRET, headers, BODY)
    assert (came.status, came.reason) == (
        "invalid",
        f"wrong encoding: {wrong} instead of {profile.encoding}",
    )


def test_a_valid_signature_tells_its_timestamp_if_it_has_one():
    told = {
        name: verify(profile, SECRET, lowered(sign(profile, SECRET, ID, AT, BODY)), BODY)
        for name, profile in PROFILES.items()
    }
    assert {name: (verdict.status, verdict.timestamp) for name, verdict in told.items()} == {
        "standard": ("valid", str(AT)),
        "hex-body": ("valid", None),
        "timestamped": ("valid", str(AT)),
        "none": ("unsigned", None),
    }

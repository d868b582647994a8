"""`verify` judges whatever a sender may put into headers and body, and never raises."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from preview_sim.domain.signature import PROFILES, sign, verify

SECRET = "0123456789abcdef" * 4
NAMES = ["webhook-id", "webhook-timestamp", "webhook-signature", "x-webhook-signature"]

#: Lone surrogates too: that is how some servers decode a header's odd bytes.
anything = st.text(alphabet=st.characters(exclude_categories=()))
values = st.one_of(
    anything,
    anything.map(lambda text: f"v1,{text}"),
    anything.map(lambda text: f"t=1,v1={text}"),
    anything.map(lambda text: f"sha256={text}"),
)


@given(
    st.sampled_from(list(PROFILES)),
    st.one_of(st.just(SECRET), st.text()),
    st.dictionaries(st.sampled_from(NAMES), values),
    st.binary(),
)
def test_no_headers_and_no_body_make_verify_raise(name, secret, headers, body):
    verdict = verify(PROFILES[name], secret, headers, body)
    assert verdict.status == ("unsigned" if name == "none" else "invalid")
    assert bool(verdict.reason) == (verdict.status == "invalid")


@given(
    st.sampled_from([name for name in PROFILES if name != "none"]),
    st.text(alphabet="0123456789abcdef", min_size=64, max_size=64),
    st.uuids(),
    st.integers(0, 2**40),
    st.binary(),
)
def test_what_sign_signs_verify_accepts(name, secret, delivery_id, timestamp, body):
    profile = PROFILES[name]
    headers = {
        key.lower(): value
        for key, value in sign(profile, secret, str(delivery_id), timestamp, body)
    }
    assert verify(profile, secret, headers, body).status == "valid"
    assert verify(profile, secret, headers, body + b" ").status == "invalid"


def test_the_reason_names_the_encoding_that_was_sent():
    profile = PROFILES["timestamped"]
    signed = dict(sign(PROFILES["timestamped"], SECRET, "", 7, b"x"))
    raw = bytes.fromhex(signed["X-Webhook-Signature"].partition("v1=")[2])
    encoded = base64.urlsafe_b64encode(raw).decode()
    verdict = verify(profile, SECRET, {"x-webhook-signature": f"t=7,v1={encoded}"}, b"x")
    assert "wrong encoding" in verdict.reason
    assert verdict.timestamp == "7"


def test_one_valid_signature_among_wrong_ones_is_enough():
    profile = PROFILES["standard"]
    headers = dict(sign(profile, SECRET, "id", 7, b"x"))
    right = headers["webhook-signature"]
    in_hex = base64.b64decode(right.removeprefix("v1,")).hex()
    headers["webhook-signature"] = f"v1,{in_hex} {right}"
    assert verify(profile, SECRET, headers, b"x").status == "valid"
    headers["webhook-signature"] = f"v1,{in_hex}"
    assert verify(profile, SECRET, headers, b"x").reason == "wrong encoding: hex instead of base64"

"""Signature profiles: how a delivery is signed, as data (contract 5.4 [A]).

The key is the ASCII bytes of the config's 64-character secret; a secret that begins with `whsec_`,
as other senders of Standard Webhooks give it, is the base64 of the key instead. `{timestamp}` is
wall-clock seconds: receivers check it against their own clock.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignatureProfile:
    """`content` is what is signed, `headers` what is sent; both are filled from the same names.

    Names: `{id}`, `{timestamp}`, `{signature}`; the body is appended to `content` as raw bytes.
    """

    name: str
    content: str
    encoding: str
    headers: tuple[tuple[str, str], ...]

    @property
    def signature_header(self) -> str:
        return self.headers[-1][0] if self.headers else ""


_BASE64_MARK = "whsec_"

PROFILES: Mapping[str, SignatureProfile] = {
    profile.name: profile
    for profile in (
        SignatureProfile(
            "standard",
            content="{id}.{timestamp}.",
            encoding="base64",
            headers=(
                ("webhook-id", "{id}"),
                ("webhook-timestamp", "{timestamp}"),
                ("webhook-signature", "v1,{signature}"),
            ),
        ),
        SignatureProfile(
            "hex-body",
            content="",
            encoding="hex",
            headers=(("X-Webhook-Signature", "sha256={signature}"),),
        ),
        SignatureProfile(
            "timestamped",
            content="{timestamp}.",
            encoding="hex",
            headers=(("X-Webhook-Signature", "t={timestamp},v1={signature}"),),
        ),
        SignatureProfile("none", content="", encoding="hex", headers=()),
    )
}


def mac(
    profile: SignatureProfile, key: bytes, delivery_id: str, timestamp: str, body: bytes
) -> bytes:
    """The raw HMAC-SHA256 of what the profile signs."""
    content = profile.content.format(id=delivery_id, timestamp=timestamp)
    return hmac.digest(key, _bytes(content) + body, "sha256")


def _bytes(text: str) -> bytes:
    # some servers decode a header's odd bytes to lone surrogates, which plain UTF-8 refuses
    return text.encode(errors="surrogatepass")


def key_of(secret: str) -> bytes:
    """The key that a secret stands for."""
    if secret.startswith(_BASE64_MARK):
        try:
            return base64.b64decode(secret.removeprefix(_BASE64_MARK) + "==")
        except binascii.Error:
            pass
    return secret.encode()


def sign(
    profile: SignatureProfile, secret: str, delivery_id: str, timestamp: int, body: bytes
) -> list[tuple[str, str]]:
    """The headers of a signed delivery; `timestamp` is wall-clock seconds."""
    raw = mac(profile, key_of(secret), delivery_id, str(timestamp), body)
    names = {
        "id": delivery_id,
        "timestamp": timestamp,
        "signature": base64.b64encode(raw).decode() if profile.encoding == "base64" else raw.hex(),
    }
    return [(name, value.format(**names)) for name, value in profile.headers]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a signature turned out to be. `timestamp` is what the headers say, if they say it."""

    status: str
    """`valid`, `invalid` or `unsigned` (profile none)."""
    reason: str = ""
    timestamp: str | None = None


def verify(
    profile: SignatureProfile, secret: str, headers: Mapping[str, str], body: bytes
) -> Verdict:
    """Judge the raw bytes. `headers` has lower-case names. Says why, never just no.

    Reasons: missing header, malformed header, mismatch, or a MAC that is right for another reading
    of the key or another encoding of the result.
    """
    if not profile.headers:
        return Verdict("unsigned")
    absent = [name for name, _ in profile.headers if name.lower() not in headers]
    if absent:
        return Verdict("invalid", f"missing: expected the header {' and '.join(absent)}")
    sent = headers[profile.signature_header.lower()]
    delivery_id, timestamp, offered = _take_apart(profile, headers, sent)
    if not offered or (profile.content and not timestamp):
        shape = profile.headers[-1][1]
        return Verdict("invalid", f"malformed: expected {shape!r}, got {sent!r}", timestamp)
    nearly = ""
    for key_reading, key in _keys(secret):
        raw = mac(profile, key, delivery_id, timestamp or "", body)
        for signature in offered:
            encoding = _match(profile, raw, signature)
            if encoding is None:
                continue
            why = ", ".join(part for part in (key_reading, encoding) if part)
            if not why:
                return Verdict("valid", timestamp=timestamp)
            nearly = nearly or why
    if nearly:
        return Verdict("invalid", nearly, timestamp)
    return Verdict(
        "invalid",
        f"mismatch: none of {len(offered)} signature(s) is the HMAC-SHA256 of these bytes "
        "under this secret",
        timestamp,
    )


def _take_apart(
    profile: SignatureProfile, headers: Mapping[str, str], sent: str
) -> tuple[str, str | None, list[str]]:
    """Delivery id, timestamp and the signatures offered, from the headers of one delivery."""
    if profile.name == "standard":
        versions = [part.partition(",") for part in sent.split(" ")]
        return (
            headers["webhook-id"],
            headers["webhook-timestamp"],
            [signature for version, _, signature in versions if version == "v1" and signature],
        )
    if profile.name == "timestamped":
        fields = [part.partition("=") for part in sent.split(",")]
        times = [value for name, _, value in fields if name.strip() == "t"]
        return "", times[0] if times else None, [v for n, _, v in fields if n.strip() == "v1" and v]
    prefix, _, signature = sent.partition("=")
    return "", None, [signature] if prefix == "sha256" and signature else []


def _keys(secret: str) -> list[tuple[str, bytes]]:
    """The key as it should be read, then the ways in which it is commonly read wrongly."""
    keys = [("", key_of(secret))]
    try:
        keys.append(("wrong key encoding: the secret was decoded as hex", bytes.fromhex(secret)))
    except ValueError:
        pass
    try:
        decoded = base64.b64decode(secret, validate=True)
        keys.append(("wrong key encoding: the secret was decoded as base64", decoded))
    except (ValueError, binascii.Error):
        pass
    return keys


def _match(profile: SignatureProfile, raw: bytes, offered: str) -> str | None:
    """'' for the expected encoding, a sentence for another one, None for no match."""
    encoded = {
        "base64": base64.b64encode(raw).decode(),
        "hex": raw.hex(),
        "urlsafe base64": base64.urlsafe_b64encode(raw).decode(),
    }
    for name, text in encoded.items():
        if hmac.compare_digest(text.encode(), _bytes(offered)):
            right = name == profile.encoding
            return "" if right else f"wrong encoding: {name} instead of {profile.encoding}"
    return None

"""Seeded draws. Every draw derives from (seed, identity), never from a shared stream.

So the order in which things happen cannot change what they are: the third delivery's jitter is the
same whether or not the second was drawn before it.
"""

import hmac
from functools import lru_cache


def digest(seed: int, kind: str, *identity: str | int) -> bytes:
    """32 bytes that depend on the seed, the kind of draw and the identity of what is drawn."""
    mac = _keyed(seed).copy()
    mac.update("\x1f".join((kind, *map(str, identity))).encode())
    return mac.digest()


@lru_cache(maxsize=1024)
def _keyed(seed: int) -> hmac.HMAC:
    return hmac.new(str(seed).encode(), digestmod="sha256")


def draw_uuid(seed: int, kind: str, *identity: str | int) -> str:
    """A lower-case version 4 UUID."""
    raw = bytearray(digest(seed, kind, *identity)[:16])
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def draw_hex(seed: int, kind: str, *identity: str | int) -> str:
    """64 lower-case hex characters, the shape of a signing secret (contract 4.1 [D])."""
    return digest(seed, kind, *identity).hex()


def draw_fraction(seed: int, kind: str, *identity: str | int) -> float:
    """A number in [0, 1)."""
    return int.from_bytes(digest(seed, kind, *identity)[:6], "big") / (1 << 48)


def draw_between(low: int, high: int, seed: int, kind: str, *identity: str | int) -> int:
    """A whole number in [low, high]."""
    if low == high:
        return low
    return low + int(draw_fraction(seed, kind, *identity) * (high - low + 1))

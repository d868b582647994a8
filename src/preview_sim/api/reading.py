"""Reading requests strictly: headers in one pass, media types, JSON without loopholes."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from starlette.types import Receive, Scope

from preview_sim.domain.errors import PayloadTooLarge, ValidationFailed

#: A body that fits the contract can take 120 KB (10,000 astral characters, escaped).
BODY_LIMIT = 256 * 1024

#: Deeper than any request of the contract; the validator gives up somewhere beyond 200.
_DEPTH_LIMIT = 64

#: A property name in JSON text, or a string that looks like one: never fewer than there are.
_MAYBE_A_NAME = re.compile(rb'"[ \t\r\n]*:')


class Disconnected(Exception):
    """The caller went away before the request was whole; there is nobody to answer."""


@dataclass(slots=True)
class Head:
    """The headers that the door looks at; a header given twice is a tuple of more than one."""

    authorization: tuple[bytes, ...] = ()
    accept: tuple[bytes, ...] = ()
    content_type: tuple[bytes, ...] = ()
    content_encoding: tuple[bytes, ...] = ()
    content_length: tuple[bytes, ...] = ()
    x_sim_scenario: tuple[bytes, ...] = ()


_FIELDS = {name.replace("_", "-").encode(): name for name in Head.__slots__}


def read_head(scope: Scope) -> Head:
    """One pass over the headers."""
    head = Head()
    for name, value in scope["headers"]:
        field = _FIELDS.get(name)
        if field is not None:
            setattr(head, field, (*getattr(head, field), value))
    return head


@lru_cache(maxsize=128)
def bearer(authorization: tuple[bytes, ...]) -> str | None:
    """The token of exactly one `Authorization: Bearer …` header, else None."""
    if len(authorization) != 1:
        return None
    scheme, _, token = authorization[0].partition(b" ")
    if scheme.lower() != b"bearer" or not token.isascii():
        return None
    return token.decode() or None


@lru_cache(maxsize=128)
def admits_json(accept: tuple[bytes, ...]) -> bool:
    """Whether an Accept header takes `application/json`; none takes all (RFC 9110, 12.5.1)."""
    if not accept:
        return True
    best: tuple[int, float] = (0, 0.0)
    for item in b",".join(accept).decode("latin-1").split(","):
        media, *parameters = (part.strip().lower() for part in item.split(";"))
        rank = {"*/*": 1, "application/*": 2, "application/json": 3}.get(media, 0)
        if rank > best[0]:
            best = (rank, _quality(parameters))
    return best[1] > 0


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


@lru_cache(maxsize=128)
def is_json(content_type: tuple[bytes, ...]) -> bool:
    """Whether a Content-Type is `application/json`, in UTF-8 if it says a charset."""
    if len(content_type) != 1:
        return False
    media, *parameters = content_type[0].decode("latin-1").lower().split(";")
    if media.strip() != "application/json":
        return False
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        if name == "charset" and value.strip('"') not in ("utf-8", "utf8"):
            return False
    return True


async def read_body(head: Head, receive: Receive) -> bytes:
    """The whole body, or PayloadTooLarge as soon as it is clear that it will not fit."""
    declared = head.content_length[0] if head.content_length else b""
    if declared.isdigit() and int(declared[:20]) > BODY_LIMIT:
        raise _too_large()
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        if len(body) > BODY_LIMIT:
            raise _too_large()
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise Disconnected
    if len(body) > BODY_LIMIT:
        raise _too_large()
    return body


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(
        f"Expected a body of at most {BODY_LIMIT} bytes. Send less.", {"limit": BODY_LIMIT}
    )


def parse_json(body: bytes) -> Any:
    """The JSON value of a body; ValidationFailed for anything that is not strictly JSON.

    Beside what RFC 8259 rejects, orjson refuses a byte order mark, lone surrogates and numbers
    beyond a double; a property given twice and nesting beyond reason are refused here.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        came = "an empty body" if not body else str(error)
        raise _not_json(f"expected a JSON object in UTF-8, got {came}") from None
    flat = body.count(b"{") == 1 and b"[" not in body and isinstance(value, dict)
    properties = len(value) if flat else _count_properties(value)
    # Each property has a colon, so as many colons as properties leave no room for a double.
    if body.count(b":") != properties and len(_MAYBE_A_NAME.findall(body)) != properties:
        _refuse_doubles(body)
    return value


def _count_properties(value: Any) -> int:
    """How many properties a value has at all depths; ValidationFailed beyond a sane depth."""
    properties, level = 0, [value]
    for _ in range(_DEPTH_LIMIT):
        below: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                properties += len(node)
                below += node.values()
            elif isinstance(node, list):
                below += node
        if not below:
            return properties
        level = below
    raise _not_json(f"expected at most {_DEPTH_LIMIT} levels of nesting")


def _refuse_doubles(body: bytes) -> None:
    """Parse again and look at every pair. Only bodies with a property twice, or with strings that
    hold `":`, come here."""
    import json  # noqa: PLC0415 - most requests never need it

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            name, _ = Counter(name for name, _ in pairs).most_common(1)[0]
            raise _not_json(f"expected each property once, got {name!r} more than once")
        return found

    json.loads(body, object_pairs_hook=unique)


def _not_json(message: str) -> ValidationFailed:
    return ValidationFailed.of([{"path": "", "message": message, "rule": "json"}])

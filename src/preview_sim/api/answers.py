"""Answers: the one table from error codes to statuses, and the one way onto the wire."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson
from starlette.types import Send

from preview_sim.domain.errors import SimulatorError
from preview_sim.domain.timestamp import to_iso

#: Contract 6.2: each code has one status.
STATUS_OF: Mapping[str, int] = {
    "INVALID_API_KEY": 401,
    "INSUFFICIENT_SCOPE": 403,
    "VALIDATION_ERROR": 400,
    "INSUFFICIENT_CREDITS": 402,
    "RESOURCE_NOT_FOUND": 404,
    "RESOURCE_ACCESS_DENIED": 403,
    "REQUEST_NOT_FOUND": 404,
    "WEBHOOK_NOT_SUBSCRIBED": 422,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "PAYLOAD_TOO_LARGE": 413,
    "METHOD_NOT_ALLOWED": 405,
    "NOT_ACCEPTABLE": 406,
    "ROUTE_NOT_FOUND": 404,
    "UNKNOWN_SCENARIO": 400,
    "INTERNAL_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
    "CONTROL_REFUSED": 403,
}

Header = tuple[bytes, bytes]

_JSON = (b"content-type", b"application/json")


class Reply(NamedTuple):
    """A whole answer: status, JSON body, and headers beside the usual ones."""

    status: int
    body: bytes
    headers: Iterable[Header] = ()


def refusal(error: SimulatorError, now: int, headers: Iterable[Header] = ()) -> Reply:
    """An error in the envelope that every error has (contract 6.1 [D])."""
    envelope: dict[str, Any] = {
        "success": False,
        "data": None,
        "error": {"code": error.code, "message": error.message, "details": error.details},
        "timestamp": to_iso(now),
    }
    if error.code == "INVALID_API_KEY":
        headers = (*headers, (b"www-authenticate", b'Bearer realm="sourcing"'))
    return Reply(STATUS_OF[error.code], orjson.dumps(envelope), headers)


async def put_on_the_wire(send: Send, reply: Reply, scenario: str, *, head_only: bool) -> None:
    """Send a reply; every one of the API's names the scenario that it met."""
    headers: list[Header] = [(b"x-sim-scenario", scenario.encode()), *reply.headers]
    if reply.body:  # a 204 has neither a body nor a length (RFC 9110, 8.6)
        headers += (_JSON, (b"content-length", b"%d" % len(reply.body)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    body = b"" if head_only else reply.body
    await send({"type": "http.response.body", "body": body})

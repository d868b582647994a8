"""The sink over HTTP: `/in/…` takes whatever comes, the rest asks what came.

Nothing sent to `/in` is refused, whatever its method, Host, body or content type: a refused
delivery would be one that nobody can look at. Every other route stands behind the owner's guard.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from preview_sim.domain.errors import (
    PayloadTooLarge,
    SimulatorError,
    UnsupportedMediaType,
    ValidationFailed,
)
from preview_sim.sink.filters import FILTER_NAMES, WaitTimedOut, unknown
from preview_sim.sink.records import Arrival, Record

if TYPE_CHECKING:
    from preview_sim.sink.receiver import Sink

Guard = Callable[[Request], Response | None]

DEFAULT_SANDBOX = "default"
BODY_KEPT_MAX = 10 * 1024 * 1024
WAIT_MAX_S = 60.0

_RESET_BODY_MAX = 64 * 1024
_COUNT_DIGITS_MAX = 6

_STATUSES = {
    "VALIDATION_ERROR": 400,
    "WAIT_TIMED_OUT": 408,
    "PAYLOAD_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "SERVICE_UNAVAILABLE": 503,
}
_CODES = {404: "ROUTE_NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}

_RECEIVED = orjson.dumps({"received": True})
_RECEIVED_HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", str(len(_RECEIVED)).encode()),
]


def build_app(sink: "Sink", guard: Guard | None) -> Starlette:
    """The sink's routes, to be mounted or served alone."""
    inbox, questions = _Inbox(sink), _Questions(sink)
    asked = Router(
        [
            Route("/records", questions.records),
            Route("/wait", questions.wait),
            Route("/reset", questions.reset, methods=["POST"]),
        ],
        redirect_slashes=False,
    )
    return Starlette(
        routes=[
            Route("/in/{sandbox}/{endpoint}", inbox),
            Route("/in/{endpoint}", inbox),
            Mount("", app=_Guarded(asked, guard) if guard else asked),
        ],
        exception_handlers={SimulatorError: _on_refusal, HTTPException: _on_http_error},
    )


class _Inbox:
    """Takes deliveries. A raw ASGI app, since a Starlette endpoint would choose its methods."""

    def __init__(self, sink: "Sink") -> None:
        self._sink = sink

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, cut = await read_body(receive, BODY_KEPT_MAX)
        client = scope.get("client")
        named = scope["path_params"]
        delivery = self._sink.receive(
            named.get("sandbox", DEFAULT_SANDBOX),
            named["endpoint"],
            Arrival(
                remote=f"{client[0]}:{client[1]}" if client else "",
                method=scope["method"],
                path=scope.get("raw_path", scope["path"].encode()).decode("latin-1"),
                query=scope["query_string"].decode("latin-1"),
                http_version=scope["http_version"],
                headers=tuple(
                    (name.decode("latin-1"), value.decode("latin-1"))
                    for name, value in scope["headers"]
                ),
                body=body,
                cut=cut,
            ),
        )
        await send(
            {
                "type": "http.response.start",
                "status": delivery.response.status,
                "headers": _RECEIVED_HEADERS,
            }
        )
        await send({"type": "http.response.body", "body": _RECEIVED})


async def read_body(receive: Receive, kept_max: int) -> tuple[bytes, str | None]:
    """The body's first `kept_max` bytes, and why that is not all of it, None if it is.

    The rest is read and thrown away: a sender cut off in mid-sentence would not hear the answer.
    """
    kept = bytearray()
    came = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(kept), f"expected a whole body, the sender left after {came} bytes"
        piece = message.get("body", b"")
        came += len(piece)
        kept += piece[: kept_max - len(kept)]
        if not message.get("more_body", False):
            break
    if came > kept_max:
        return bytes(kept), f"expected at most {kept_max} bytes, came {came}; the rest is not kept"
    return bytes(kept), None


class _Questions:
    """What was recorded, asked over HTTP."""

    def __init__(self, sink: "Sink") -> None:
        self._sink = sink

    async def records(self, request: Request) -> Response:
        asked = _query(request, FILTER_NAMES)
        records = await self._sink.read(**asked)
        return _json(
            {"records": _shown(records), "dropped": self._sink.dropped(asked.get("sandbox"))}
        )

    async def wait(self, request: Request) -> Response:
        asked = _query(request, (*FILTER_NAMES, "count", "timeout"))
        count = _whole(asked.pop("count", "1"), "count")
        timeout = _seconds(asked.pop("timeout", "10"), "timeout", WAIT_MAX_S)
        try:
            records = await self._sink.wait_for(count, timeout, **asked)
        except WaitTimedOut as late:
            return _json(
                {
                    "records": _shown(late.records),
                    "nearest": late.nearest,
                    "message": late.message,
                },
                408,
            )
        return _json({"records": _shown(records)})

    async def reset(self, request: Request) -> Response:
        return _json({"removed": self._sink.reset(await _sandbox_named(request))})


async def _sandbox_named(request: Request) -> str | None:
    """The sandbox that a reset is about, None for all of them."""
    raw, cut = await read_body(request.receive, _RESET_BODY_MAX)
    if cut:
        raise PayloadTooLarge(cut)
    if not raw:
        return None
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType(
            f"Expected Content-Type: application/json, came {content_type or 'none'!r}."
        )
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ValidationFailed(f"Expected a JSON object, came no JSON: {error}.") from None
    if not isinstance(body, dict):
        raise ValidationFailed('Expected a JSON object such as {"sandbox": "default"}.')
    for name in body:
        if name != "sandbox":
            raise unknown("key of a reset", name, ["sandbox"])
    sandbox = body.get("sandbox")
    if sandbox is not None and not isinstance(sandbox, str):
        raise ValidationFailed("Expected the name of a sandbox: a string.")
    return sandbox


class _Guarded:
    """Asks the guard first; its answer, if it has one, is the answer."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._guard(Request(scope, receive)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)


def _query(request: Request, known: tuple[str, ...]) -> dict[str, str]:
    """The query's parameters, each known and given once."""
    asked: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise unknown("parameter", name, known)
        if name in asked:
            raise ValidationFailed(f"Expected {name} once, it came twice.")
        asked[name] = value
    return asked


def _whole(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _COUNT_DIGITS_MAX):
        raise ValidationFailed(f"Expected {name} to be a whole number, came {text!r}.")
    return int(text)


def _seconds(text: str, name: str, at_most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= at_most:  # written so that NaN is refused too
        raise ValidationFailed(f"Expected {name} to be 0 to {at_most:g} seconds, came {text!r}.")
    return value


def _shown(records: list[Record]) -> list[dict[str, Any]]:
    return [record.as_json() for record in records]


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


async def _on_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, SimulatorError)
    return _error(error.code, error.message, _STATUSES[error.code])


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"{request.method} {request.url.path}: {error.detail}."
    code = _CODES.get(error.status_code, "HTTP_ERROR")
    response = _error(code, message, error.status_code)
    response.headers.update(error.headers or {})
    return response


def _error(code: str, message: str, status: int) -> Response:
    return _json({"error": {"code": code, "message": message}}, status)

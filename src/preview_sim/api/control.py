"""The control side at `/_sim`: what a test asks of the simulator itself.

JSON in, JSON out; never part of the simulated contract.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from preview_sim.api.answers import STATUS_OF
from preview_sim.api.guard import Guard
from preview_sim.api.reading import parse_json, read_body, read_head
from preview_sim.domain.errors import (
    MethodNotAllowed,
    ResourceNotFound,
    RouteNotFound,
    SimulatorError,
    ValidationFailed,
    nearest,
)
from preview_sim.domain.timestamp import parse_duration, to_iso
from preview_sim.engine import Sandbox, describe, ledger_of, story_of

_COMMANDS = ("advance", "to", "until")

#: A year: timestamps have four digits for theirs.
_ADVANCE_AT_MOST_MS = 8_760 * 3_600_000


class ControlPort(Protocol):
    """What the simulator hands in: its sandboxes, their clocks, its health."""

    base_url: str

    def sandbox(self, id_: str) -> Sandbox | None: ...

    def health(self) -> dict[str, Any]: ...

    async def advance(self, id_: str, by: int) -> tuple[int, list[dict[str, object]]]:
        """Move a manual clock by `by` ms; UsageError on a clock that moves by itself."""
        ...

    async def advance_to_next(self, id_: str) -> tuple[int, list[dict[str, object]]]: ...

    async def until_idle(self, id_: str) -> tuple[int, list[dict[str, object]]]: ...


def build_control(port: ControlPort, guard: Guard) -> ASGIApp:
    """The control application; mount it at `/_sim`."""
    control = _Control(port)

    def route(path: str, method: str, handler: Callable[[Request], Awaitable[Any]]) -> Route:
        async def endpoint(request: Request) -> Response:
            guard.check(request)
            return _json(await handler(request))

        return Route(path, endpoint, methods=[method])

    return Starlette(
        routes=[
            route("/health", "GET", control.health),
            route("/sandboxes/{id}", "GET", control.show_sandbox),
            route("/sandboxes/{id}/ledger", "GET", control.show_ledger),
            route("/sandboxes/{id}/clock", "POST", control.move_clock),
            route("/sandboxes/{id}/runs/{request_id}", "GET", control.show_run),
        ],
        exception_handlers={
            SimulatorError: _refused,
            Exception: _failed,
            404: _nothing_here,
            405: _wrong_method,
        },
    )


class _Control:
    """The handlers: a request in, a JSON value out, a SimulatorError for a refusal."""

    def __init__(self, port: ControlPort) -> None:
        self._port = port

    async def health(self, _: Request) -> Any:
        return self._port.health()

    async def show_sandbox(self, request: Request) -> Any:
        return await describe(self._sandbox(request), self._port.base_url)

    async def show_ledger(self, request: Request) -> Any:
        return await ledger_of(self._sandbox(request))

    async def show_run(self, request: Request) -> Any:
        return await story_of(self._sandbox(request), request.path_params["request_id"])

    async def move_clock(self, request: Request) -> Any:
        id_ = self._sandbox(request).id
        command, value = _clock_command(
            parse_json(await read_body(read_head(request.scope), request.receive))
        )
        if command == "advance":
            now, events = await self._port.advance(id_, value)
        elif command == "to":
            now, events = await self._port.advance_to_next(id_)
        else:
            now, events = await self._port.until_idle(id_)
        return {"now": to_iso(now), "events": events}

    def _sandbox(self, request: Request) -> Sandbox:
        id_ = request.path_params["id"]
        sandbox = self._port.sandbox(id_)
        if sandbox is None:
            raise ResourceNotFound(f"There is no sandbox {id_!r}. The one at start is 'default'.")
        return sandbox


def _clock_command(body: Any) -> tuple[str, int]:
    """Which of the three commands a body is; ValidationFailed says what is accepted."""
    accepted = '{"advance": "15s"}, {"to": "next"} or {"until": "idle"}'
    if not isinstance(body, dict) or len(body) != 1:
        raise _invalid(f"expected one of {accepted}")
    [(command, value)] = body.items()
    if command not in _COMMANDS:
        hint = nearest(command, _COMMANDS)
        meant = f" (did you mean {hint!r}?)" if hint else ""
        raise _invalid(f"unknown command {command!r}{meant}; expected one of {accepted}")
    if command == "advance":
        if not isinstance(value, str):
            raise _invalid(
                f"expected a duration such as 250ms, 15s, 5m or 1h for advance, got {value!r}"
            )
        try:
            by = parse_duration(value)
        except ValueError as error:
            raise _invalid(f"{error} for advance") from None
        if by > _ADVANCE_AT_MOST_MS:
            raise _invalid(f"expected to advance by at most 8760h at once, got {value}")
        return command, by
    if value != {"to": "next", "until": "idle"}[command]:
        raise _invalid(f"expected one of {accepted}")
    return command, 0


def _invalid(message: str) -> ValidationFailed:
    return ValidationFailed.of([{"path": "", "message": message, "rule": "command"}])


def _json(value: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")


def _error(error: SimulatorError, status: int) -> Response:
    said = {"code": error.code, "message": error.message, "details": error.details}
    return _json({"error": said}, status)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, SimulatorError)
    return _error(error, STATUS_OF.get(error.code, 409))


async def _failed(_: Request, error: Exception) -> Response:
    return _error(SimulatorError(f"The simulator failed: {error!r}. This is a bug of ours."), 500)


async def _nothing_here(request: Request, _: Exception) -> Response:
    return _error(RouteNotFound(f"There is nothing at {request.url.path}."), 404)


async def _wrong_method(request: Request, error: Exception) -> Response:
    response = _error(MethodNotAllowed(f"{request.method} is not for {request.url.path}."), 405)
    response.headers.update(getattr(error, "headers", None) or {})
    return response

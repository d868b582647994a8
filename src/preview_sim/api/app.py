"""The simulated API: routes and the order of checks at the door.

Route 404 → OPTIONS → 405 → 401 → 403 → 406 → 415 → 413 → 400 → the operation. A scenario named by
header or key is resolved right after 405, since it may revoke the key; an unknown name is reported
after 403.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from preview_sim.api import sourcing
from preview_sim.api.answers import Header, Reply, put_on_the_wire, refusal
from preview_sim.api.call import Call, Host, Hosts
from preview_sim.api.reading import (
    Disconnected,
    Head,
    admits_json,
    bearer,
    is_json,
    parse_json,
    read_body,
    read_head,
)
from preview_sim.domain.errors import (
    InsufficientScope,
    InvalidApiKey,
    MethodNotAllowed,
    NotAcceptable,
    RouteNotFound,
    SimulatorError,
    UnknownScenario,
    UnsupportedMediaType,
    ValidationFailed,
)
from preview_sim.engine import Caller, Choice, Sandbox, choose, identify, key_parts
from preview_sim.engine.door import find_key
from preview_sim.spec import Operation, load_contract

_log = logging.getLogger(__name__)


#: An operation's work: a reply, and the scenario label if it is not the caller's own.
Handler = Callable[[Call], Awaitable[tuple[Reply, str | None]]]

_HANDLERS: Mapping[str, Handler] = {
    "startPreview": sourcing.start_preview,
    "getPreviewResults": sourcing.get_preview_results,
}


def build_api(hosts: Hosts) -> ASGIApp:
    """The API as the OpenAPI document lists it: one resource per path."""
    contract = load_contract()
    resources = {
        path: Resource(hosts, operations) for path, operations in contract.by_path().items()
    }
    routes = [Route(path, resource) for path, resource in resources.items()]
    router = Router(routes, redirect_slashes=False, default=Nowhere(hosts))
    # A path without parameters needs no pattern: the hot route is found by one look-up.
    fixed = {path.encode(): resource for path, resource in resources.items() if "{" not in path}

    async def api(scope: Scope, receive: Receive, send: Send) -> None:
        # Routed by the path as it was sent: `%2F` is part of a segment, never a separator.
        raw = scope.get("raw_path") or scope["path"].encode()
        resource = fixed.get(raw)
        if resource is not None:
            await resource(scope, receive, send)
        else:
            await router({**scope, "path": raw.decode("latin-1"), "root_path": ""}, receive, send)

    return api


class Nowhere:
    """Answers where no route is."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        host = self._hosts.of_key(None)
        error = RouteNotFound(
            f"There is nothing at {scope['path']}. `preview-sim openapi` lists the paths."
        )
        reply = refusal(error, host.now())
        label = choose(host.sandbox, None, None, None).label
        await put_on_the_wire(send, reply, label, head_only=scope["method"] == "HEAD")


class Resource:
    """All methods of one path."""

    def __init__(self, hosts: Hosts, operations: Mapping[str, Operation]) -> None:
        self._hosts = hosts
        self._operations = dict(operations)
        if "GET" in operations:
            self._operations["HEAD"] = operations["GET"]
        self._allow: Header = (b"allow", ", ".join([*self._operations, "OPTIONS"]).encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = read_head(scope)
        token = bearer(head.authorization)
        key, suffix = key_parts(token) if token is not None else (None, None)
        host = self._hosts.of_key(key)
        await host.settled()
        caller = find_key(host.sandbox, key) if key is not None else None
        choice, unknown = _choose(host.sandbox, head, suffix, caller)
        label = choice.label
        operation = self._operations.get(scope["method"])
        try:
            if scope["method"] == "OPTIONS":
                reply = Reply(204, b"", (self._allow,))
            elif operation is None:
                reply = refusal(self._not_allowed(scope["method"]), host.now(), (self._allow,))
            else:
                _may(head, token, caller, choice, unknown, operation)
                call = await _read(
                    scope, receive, head, operation, host, identify(caller, choice), choice
                )
                reply, run_label = await _HANDLERS[operation.id](call)
                label = run_label or label
        except SimulatorError as error:
            reply = refusal(error, host.now())
        except Disconnected:
            return
        except Exception:  # whatever is wrong with us, the caller gets the envelope
            _log.exception("%s %s failed", scope["method"], scope["path"])
            reply = refusal(_internal(), host.now())
        if host.sandbox.self_check and operation is not None:
            reply = _checked(operation, reply, host.now())
        await put_on_the_wire(send, reply, label, head_only=scope["method"] == "HEAD")

    def _not_allowed(self, method: str) -> MethodNotAllowed:
        allowed = self._allow[1].decode()
        return MethodNotAllowed(f"Expected one of {allowed}, got {method}.")


def _choose(
    sandbox: Sandbox, head: Head, suffix: str | None, caller: Caller | None
) -> tuple[Choice, UnknownScenario | None]:
    """The scenario of the request; for an unknown name the caller's own default and the error."""
    named = head.x_sim_scenario
    header = b", ".join(named).decode("latin-1") if named else None  # two names are no name
    try:
        return choose(sandbox, header, suffix, caller), None
    except UnknownScenario as error:
        return choose(sandbox, None, None, caller), error


def _may(
    head: Head,
    token: str | None,
    caller: Caller | None,
    choice: Choice,
    unknown: UnknownScenario | None,
    operation: Operation,
) -> None:
    """401, then 403 (contract 1.2, 1.3), then the scenario that does not exist."""
    if token is None:
        came = "none" if not head.authorization else "something else"
        raise InvalidApiKey(
            f"Expected exactly one header `Authorization: Bearer <API key>`, got {came}."
        )
    known = identify(caller, choice)
    for scope in operation.scopes:
        if scope not in known.scopes:
            raise InsufficientScope(
                f"Expected a key with the scope {scope}, got one with "
                f"{', '.join(known.scopes) or 'none'}. Use another key.",
                {"required": scope},
            )
    if unknown is not None:
        raise unknown


async def _read(
    scope: Scope,
    receive: Receive,
    head: Head,
    operation: Operation,
    host: Host,
    caller: Caller,
    choice: Choice,
) -> Call:
    """406, 415, 413 and 400, in that order."""
    if not admits_json(head.accept):
        came = b", ".join(head.accept).decode("latin-1")
        raise NotAcceptable(f"Expected an Accept header that admits application/json, got {came}.")
    body: Any = None
    if operation.request_schema is not None:
        if head.content_encoding:
            came = head.content_encoding[0].decode("latin-1")
            raise UnsupportedMediaType(f"Expected a plain body, got Content-Encoding: {came}.")
        if not is_json(head.content_type):
            came = b", ".join(head.content_type).decode("latin-1") or "none"
            raise UnsupportedMediaType(f"Expected Content-Type: application/json, got {came}.")
        body = parse_json(await read_body(head, receive))
        errors = operation.request_errors(body)
        if errors:
            raise ValidationFailed.of(errors)
    return Call(host, caller, choice, scope.get("path_params", {}), body)


def _checked(operation: Operation, reply: Reply, now: int) -> Reply:
    """The self-check of tests: an answer of ours that breaks the contract becomes a 500."""
    if not reply.body or reply.status in (405, 500):
        return reply
    wrong = operation.response_errors(reply.status, orjson.loads(reply.body))
    if not wrong:
        return reply
    _log.error("an answer of ours breaks the contract: %s", wrong)
    return refusal(_internal({"selfCheck": wrong}), now)


def _internal(details: Mapping[str, Any] | None = None) -> SimulatorError:
    return SimulatorError(
        "The simulator failed; this is a bug of ours. Its log says more.", details
    )

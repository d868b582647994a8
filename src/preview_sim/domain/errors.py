"""What can go wrong, as one tree of exceptions with stable codes.

No HTTP status lives here: one table in `api` maps codes to statuses. A message says what was
expected, what came, and what to do next.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar


class SimulatorError(Exception):
    """Base of everything the simulator refuses; `code` is stable, `message` is for people."""

    code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(self, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Any] = details or {}


class InvalidApiKey(SimulatorError):
    code = "INVALID_API_KEY"


class InsufficientScope(SimulatorError):
    code = "INSUFFICIENT_SCOPE"


class ValidationFailed(SimulatorError):
    """A request that does not fit the contract; `details.errors` lists path, message and rule."""

    code = "VALIDATION_ERROR"

    @classmethod
    def of(cls, errors: list[dict[str, str]]) -> "ValidationFailed":
        first = errors[0]
        place = f"{first['path']}: " if first["path"] else ""
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return cls(f"{place}{first['message']}{more}", {"errors": errors})


class ResourceNotFound(SimulatorError):
    code = "RESOURCE_NOT_FOUND"


class ResourceAccessDenied(SimulatorError):
    code = "RESOURCE_ACCESS_DENIED"


class RequestNotFound(SimulatorError):
    code = "REQUEST_NOT_FOUND"


class WebhookNotSubscribed(SimulatorError):
    code = "WEBHOOK_NOT_SUBSCRIBED"


class InsufficientCredits(SimulatorError):
    code = "INSUFFICIENT_CREDITS"


class UnsupportedMediaType(SimulatorError):
    code = "UNSUPPORTED_MEDIA_TYPE"


class PayloadTooLarge(SimulatorError):
    code = "PAYLOAD_TOO_LARGE"


class MethodNotAllowed(SimulatorError):
    code = "METHOD_NOT_ALLOWED"


class NotAcceptable(SimulatorError):
    code = "NOT_ACCEPTABLE"


class RouteNotFound(SimulatorError):
    code = "ROUTE_NOT_FOUND"


class ServiceUnavailable(SimulatorError):
    code = "SERVICE_UNAVAILABLE"


class UnknownScenario(SimulatorError):
    """A scenario name that no file has. Never answered by a silent `happy`."""

    code = "UNKNOWN_SCENARIO"

    @classmethod
    def named(cls, name: str, known: Iterable[str]) -> "UnknownScenario":
        hint = nearest(name, known)
        said = f"There is no scenario {name!r}."
        if hint:
            said += f" The nearest name is {hint!r}."
        return cls(
            f"{said} `preview-sim scenarios list` shows all of them.",
            {"scenario": name, **({"nearest": hint} if hint else {})},
        )


class ControlRefused(SimulatorError):
    """A control or sink request that did not come through the door rules."""

    code = "CONTROL_REFUSED"


class UsageError(SimulatorError):
    """Wrong input of whoever starts the simulator: a file, an option, a port (exit code 2)."""

    code = "USAGE_ERROR"


class FileError(UsageError):
    """A scenario or world file that cannot be used: `file:line:column: key: why`."""

    code = "FILE_ERROR"

    def __init__(self, file: str, line: int, column: int, key: str, why: str) -> None:
        place = f"{file}:{line}:{column}"
        super().__init__(
            f"{place}: {key}: {why}" if key else f"{place}: {why}",
            {"file": file, "line": line, "column": column, "key": key, "why": why},
        )


class StoreError(UsageError):
    """A database that cannot be opened: another version, another process, not a database."""

    code = "STORE_ERROR"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, or None if nothing is near."""
    found = get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return found[0] if found else None

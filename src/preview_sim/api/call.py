"""What stands behind a request: its sandbox, its caller, its scenario, its body."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from preview_sim.domain.run import PreviewRequest
from preview_sim.engine import Caller, Choice, Sandbox


class Host(Protocol):
    """A sandbox with its clock and its worker, as the API needs them."""

    sandbox: Sandbox

    def now(self) -> int:
        """The simulator's clock, ms."""
        ...

    def accepted(self, request_id: str, request: PreviewRequest, scenario: str, due: int) -> None:
        """A run was accepted; its first answer is due at `due` (ms)."""
        ...

    async def settled(self) -> None:
        """On an `instant` clock: until nothing is left that could run without the outside."""
        ...


class Hosts(Protocol):
    """Finds the sandbox that a key belongs to."""

    def of_key(self, key: str | None) -> Host:
        """The key's sandbox; the default one for a key that nobody has."""
        ...


class Call(NamedTuple):
    """A request that came through the door."""

    host: Host
    caller: Caller
    choice: Choice
    path: Mapping[str, str]
    body: Any

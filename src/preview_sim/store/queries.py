"""What a transaction body sees of a database, and what the engine sees of a store."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

#: A row as its columns in order; both engines' rows unpack and index like this.
Row = tuple[Any, ...]


class Queries(Protocol):
    """The statements of one transaction. Parameters are `$1`, `$2`, …"""

    #: What a claim adds to its SELECT so that two workers never take the same row.
    skip_locked: str

    async def all(self, sql: str, *parameters: Any) -> list[Row]: ...

    async def one(self, sql: str, *parameters: Any) -> Row | None: ...


Body = Callable[[Queries], Awaitable[T]]


class Store(Protocol):
    """Runs bodies. A body that raises leaves nothing behind."""

    async def transact(self, body: Body[T]) -> T:
        """Run `body` in a transaction; return once what it wrote is kept."""
        ...

    async def read(self, body: Body[T]) -> T:
        """Run a body that only reads, on one state of the database."""
        ...

    async def close(self) -> None: ...

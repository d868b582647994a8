"""The SQLite driver: transactions that never suspend, committed together.

A body runs to its end inside one step of the loop, so no two are ever interleaved. In a file, all
bodies of one tick share a BEGIN…COMMIT (each in a savepoint of its own) and their callers go on
after it: one write to the log for all of them. In memory a commit costs nothing to share, so each
body commits alone.
"""

import asyncio
import re
import sqlite3
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from preview_sim.domain.errors import ServiceUnavailable, StoreError
from preview_sim.store import schema
from preview_sim.store.queries import Body, Row

T = TypeVar("T")

#: Marks a file as ours ("pvsm"), so that another program's database is never touched.
_APPLICATION_ID = 0x7076736D
_STATEMENTS_KEPT = 256

#: A private database in memory. With `:memory:` each commit costs more as the database grows (16 µs
#: a transaction at first, 30 after 60,000 runs); through this VFS it stays at 20.
_IN_MEMORY = "file:preview-sim?vfs=memdb"

#: `RETURNING` came with 3.35, the VFS above by default with 3.36.
_OLDEST_SQLITE = (3, 36)


def open_sqlite(file: Path | None, durability: str = "process") -> "SqliteStore":
    """Open or create a store; None keeps it in memory.

    `durability`: what an acknowledged write survives, `process` (kill -9) or `power` (fsync on each
    commit). StoreError says why a file cannot be used.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreError(
            f"Expected SQLite 3.36 or later, got {sqlite3.sqlite_version}. Use a newer Python."
        )
    if file is None:
        connection = _connect(_IN_MEMORY)
        # Nobody else reads it and there is no disk: 15 µs a transaction instead of 19.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = PERSIST")
        connection.execute("PRAGMA synchronous = OFF")
        _create(connection)
        return SqliteStore(connection, shared_commit=False)
    try:
        connection = _connect(f"file:{quote(str(file))}")
    except sqlite3.DatabaseError as error:
        raise StoreError(_why(file, error)) from error
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        _check(connection, file)  # before anything is written
        connection.execute("PRAGMA journal_mode = WAL")
        level = "FULL" if durability == "power" else "NORMAL"
        connection.execute(f"PRAGMA synchronous = {level}")
        connection.execute("BEGIN EXCLUSIVE")
        if _is_new(connection):
            _create(connection)
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {schema.VERSION}")
        connection.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise StoreError(_why(file, error)) from error
    except StoreError:
        connection.close()
        raise
    return SqliteStore(connection, shared_commit=True)


def _connect(name: str) -> sqlite3.Connection:
    return sqlite3.connect(
        name,
        uri=True,
        timeout=0,
        isolation_level=None,
        cached_statements=_STATEMENTS_KEPT,
        check_same_thread=False,  # opened where the options are read, used by the loop's thread
    )


def _is_new(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_master").fetchone()[0])


def _check(connection: sqlite3.Connection, file: Path) -> None:
    """StoreError unless the file is new, or ours and of this version."""
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if owner == 0 and version == 0 and _is_new(connection):
        return
    if owner != _APPLICATION_ID:
        raise StoreError(
            f"{file}: expected a database of preview-sim, got one of another program. "
            "Name another file; this one was not touched."
        )
    if version != schema.VERSION:
        raise StoreError(
            f"{file}: expected a database of version {schema.VERSION}, got version {version}. "
            "Use the preview-sim that made it, or name another file."
        )


def _create(connection: sqlite3.Connection) -> None:
    tables = schema.TABLES.format(bytes="BLOB", clustered="WITHOUT ROWID")
    for statement in tables.split(";"):
        connection.execute(statement)


def _why(file: Path, error: sqlite3.DatabaseError) -> str:
    if "locked" in str(error):
        return (
            f"{file}: another process holds this database. Stop it, or name another file with --db."
        )
    if "not a database" in str(error):
        return f"{file}: expected a database of preview-sim, got a file that is none."
    if "unable to open" in str(error):
        return f"{file}: cannot be opened. Does its folder exist, and may you write there?"
    return f"{file}: {error}"


def _no_room(error: sqlite3.OperationalError) -> Exception:
    if "I/O" in str(error):
        return ServiceUnavailable(f"The disk does not keep what is written: {error}.")
    if "full" not in str(error):
        return error
    return ServiceUnavailable(
        "The store is full: memory holds 1 GiB, 10,000 to 90,000 runs. Restart, or keep it in a "
        "file with --db FILE; with a file, free some disk space."
    )


@cache
def _numbered(sql: str) -> str:
    """`$1` as `?1`: SQLite binds `$n` by order of appearance, `?n` by number."""
    return re.sub(r"\$(\d+)", r"?\1", sql)


class SqliteQueries:
    """The statements of a transaction on the one connection."""

    skip_locked = ""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.cursor().execute

    async def all(self, sql: str, *parameters: Any) -> list[Row]:
        return self._execute(_numbered(sql), parameters).fetchall()

    async def one(self, sql: str, *parameters: Any) -> Row | None:
        rows: list[Row] = self._execute(_numbered(sql), parameters).fetchall()
        return rows[0] if rows else None


class SqliteStore:
    """See the module; `transact` is the whole of it."""

    def __init__(self, connection: sqlite3.Connection, *, shared_commit: bool) -> None:
        self._connection = connection
        self._execute = connection.cursor().execute
        self._queries = SqliteQueries(connection)
        self._shared_commit = shared_commit
        self._commit: asyncio.Future[None] | None = None

    async def transact(self, body: Body[T]) -> T:
        """Run `body` atomically; return once it is committed, raise what it raised at once.

        ServiceUnavailable if there is no room for more.
        """
        try:
            if not self._shared_commit:
                return self._alone(body)
            committed, result = self._joined(body)
            await asyncio.shield(committed)
        except sqlite3.OperationalError as error:
            raise _no_room(error) from error
        return result

    async def read(self, body: Body[T]) -> T:
        """Run a body that only reads; what it saw is kept by the time this returns."""
        try:
            result = self._run(body)  # one step of the loop, so it sees one state
            if self._commit is not None:
                await asyncio.shield(self._commit)
        except sqlite3.OperationalError as error:
            raise _no_room(error) from error
        return result

    async def close(self) -> None:
        if self._commit is not None:
            await asyncio.shield(self._commit)
        self._connection.close()

    def _alone(self, body: Body[T]) -> T:
        self._execute("BEGIN")
        try:
            result = self._run(body)
            self._execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._execute("ROLLBACK")
            raise
        return result

    def _joined(self, body: Body[T]) -> tuple[asyncio.Future[None], T]:
        committed = self._join()
        self._execute("SAVEPOINT body")
        try:
            result = self._run(body)
        except BaseException as error:
            if self._connection.in_transaction:
                self._execute("ROLLBACK TO body")
                self._execute("RELEASE body")
            else:  # a full or broken disk: SQLite took the whole tick back
                self._settle_commit(error)
            raise
        self._execute("RELEASE body")
        return committed, result

    def _run(self, body: Body[T]) -> T:
        steps = body(self._queries).__await__()
        try:
            next(steps)
        except StopIteration as done:
            result: T = done.value
            return result
        raise AssertionError("a transaction body awaited something other than its queries")

    def _join(self) -> asyncio.Future[None]:
        """The commit that this tick's transactions share; the first of them begins it."""
        if self._commit is None:
            loop = asyncio.get_running_loop()
            self._execute("BEGIN")
            self._commit = loop.create_future()
            loop.call_soon(self._finish)
        return self._commit

    def _finish(self) -> None:
        if self._commit is None:
            return  # the tick was taken back already
        try:
            self._execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._execute("ROLLBACK")
            self._settle_commit(error)
        else:
            self._settle_commit(None)

    def _settle_commit(self, error: BaseException | None) -> None:
        """Tell all who share this tick's commit how it went."""
        commit, self._commit = self._commit, None
        assert commit is not None, "nobody began it"
        if error is None:
            commit.set_result(None)
        else:
            commit.set_exception(sqlite3.OperationalError(str(error)))
            commit.exception()  # seen: one whose body failed by itself does not wait for it

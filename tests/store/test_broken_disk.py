"""A store that has no room, or whose commit fails: nobody hangs, nobody is told what is not so."""

import asyncio
import sqlite3
from typing import Any

import pytest

from preview_sim.domain.errors import ServiceUnavailable
from preview_sim.store.sqlite import SqliteStore

INSERT = "INSERT INTO note (id) VALUES ($1)"

#: More than the room that `no_room` leaves.
BIG = "x" * 1_000_000

#: Much longer than anything here takes: whoever waits so long hangs.
PATIENCE_S = 10

Outcomes = list[Any]


def add(id_: str):
    async def body(q):
        await q.all(INSERT, id_)
        return id_

    return body


async def kept(q) -> list[str]:
    return [row[0] for row in await q.all("SELECT id FROM note ORDER BY id")]


async def in_one_tick(*calls) -> Outcomes:
    """All are begun before any goes on; what each returned or raised."""
    async with asyncio.timeout(PATIENCE_S):
        return await asyncio.gather(*calls, return_exceptions=True)


def failures(outcomes: Outcomes) -> list[BaseException]:
    return [came for came in outcomes if isinstance(came, BaseException)]


async def no_room(store: SqliteStore, *, left: int = 5) -> None:
    """A page limit stands for the disk: only so many pages more."""
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages + left}")


async def room_again(store: SqliteStore) -> None:
    store._connection.execute("PRAGMA max_page_count = 1000000")


async def works_again(store: SqliteStore, before: list[str]) -> None:
    """What was kept is there and no more; new notes are taken, one tick after the other."""
    async with asyncio.timeout(PATIENCE_S):
        assert await store.read(kept) == sorted(before)
        for n in range(2):
            await store.transact(add(f"later {n}"))
        assert await in_one_tick(*(store.transact(add(f"even {n}")) for n in range(3))) == [
            f"even {n}" for n in range(3)
        ]
        added = ["later 0", "later 1", "even 0", "even 1", "even 2"]
        assert await store.transact(kept) == sorted([*before, *added])
    assert not store._connection.in_transaction


@pytest.fixture
def with_store(with_store):
    """With a table of these tests' own. An orphan can be written there, but not committed."""

    def run(scene):
        async def noted(store):
            store._connection.execute("PRAGMA foreign_keys = ON")
            store._connection.execute("CREATE TABLE note (id TEXT PRIMARY KEY)")
            store._connection.execute(
                "CREATE TABLE child (parent TEXT REFERENCES note (id)"
                " DEFERRABLE INITIALLY DEFERRED)"
            )
            return await scene(store)

        return with_store(noted)

    return run


async def orphan(q) -> None:
    """SQLite looks at a deferred key with the COMMIT, which then fails."""
    await q.all("INSERT INTO child (parent) VALUES ('nobody')")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_when_a_commit_fails_everyone_it_was_for_hears_of_it(with_store, place):
    async def scene(store):
        calls = [store.transact(add(f"{n}")) for n in range(2)]
        calls.insert(place, store.transact(orphan))
        outcomes = await in_one_tick(*calls)
        assert isinstance(outcomes[place], sqlite3.Error), outcomes
        if store._shared_commit:
            assert len(failures(outcomes)) == 3, outcomes
        told = [came for came in outcomes if not isinstance(came, BaseException)]
        await works_again(store, told)

    with_store(scene)


def test_when_a_commit_fails_a_reader_of_its_tick_is_not_told_what_is_not_kept(with_store):
    async def scene(store):
        _, _, read = await in_one_tick(
            store.transact(add("a")), store.transact(orphan), store.read(kept)
        )
        if store._shared_commit:
            assert isinstance(read, sqlite3.Error), read
        else:
            assert read == ["a"]

    with_store(scene)


@pytest.mark.parametrize("others", [0, 1, 5])
@pytest.mark.parametrize("place", [0, 1, 5])
def test_when_sqlite_takes_a_tick_back_in_the_middle_nobody_hangs_or_is_told_what_is_not_so(
    with_store, place, others
):
    async def scene(store):
        await store.transact(add("before"))
        await no_room(store)
        calls = [store.transact(add(f"small {n}")) for n in range(others)]
        calls.insert(place, store.transact(add(BIG)))
        outcomes = await in_one_tick(*calls)
        failed = failures(outcomes)
        assert failed, "there was room after all"
        assert all(isinstance(came, ServiceUnavailable) for came in failed), failed
        told = [came for came in outcomes if not isinstance(came, BaseException)]
        assert BIG not in told
        await works_again(store, ["before", *told])

    with_store(scene)


def test_a_tick_that_was_taken_back_twice_is_over(with_store):
    """The commit that the first of the tick scheduled must not end what the later ones began."""

    async def scene(store):
        await no_room(store)
        wanted = ["a", BIG, "b", f"{BIG}!", "c"]
        outcomes = await in_one_tick(*(store.transact(add(id_)) for id_ in wanted))
        failed = failures(outcomes)
        assert len(failed) >= 2
        assert all(isinstance(came, ServiceUnavailable) for came in failed), failed
        await works_again(store, [came for came in outcomes if isinstance(came, str)])

    with_store(scene)


def test_whoever_only_reads_in_a_tick_without_room_hears_that_there_is_none_or_what_is_kept(
    with_store,
):
    async def scene(store):
        await no_room(store)
        _, read, full = await in_one_tick(
            store.transact(add("a")), store.read(kept), store.transact(add(BIG))
        )
        assert isinstance(full, ServiceUnavailable), full
        now = await store.transact(kept)
        assert isinstance(read, ServiceUnavailable) or read == now, read

    with_store(scene)


def test_a_full_store_says_what_to_do_and_takes_more_when_there_is_room_again(with_store):
    async def scene(store):
        await no_room(store)
        with pytest.raises(ServiceUnavailable, match=r"full.*--db FILE.*free some disk space"):
            await store.transact(add(BIG))
        await room_again(store)
        await store.transact(add(BIG))
        await works_again(store, [BIG])

    with_store(scene)


def test_closing_after_a_tick_that_was_taken_back_ends(with_store):
    async def scene(store):
        await no_room(store)
        task = asyncio.create_task(store.transact(add("a")))
        other = asyncio.create_task(store.transact(add(BIG)))
        await asyncio.wait([task, other], timeout=PATIENCE_S)
        assert isinstance(other.exception(), ServiceUnavailable)
        assert task.done()
        task.exception()

    with_store(scene)

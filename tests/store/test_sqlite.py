"""The SQLite driver: all of a body or nothing, parameters by number, commits that are shared."""

import asyncio
import sqlite3

import pytest

from preview_sim.domain.errors import ServiceUnavailable
from preview_sim.store import open_sqlite

INSERT = "INSERT INTO note (id) VALUES ($1)"


async def take_notes(store):
    await store.transact(lambda q: q.all("CREATE TABLE IF NOT EXISTS note (id TEXT PRIMARY KEY)"))
    return store


@pytest.fixture
def with_store(with_store):
    """With a table of these tests' own, since the driver knows nothing of the others."""

    def run(scene):
        async def noted(store):
            return await scene(await take_notes(store))

        return with_store(noted)

    return run


class Deliberate(Exception):
    """Raised by bodies of these tests."""


def add(*ids: str, then: BaseException | None = None):
    async def body(q):
        for id_ in ids:
            await q.all(INSERT, id_)
        if then is not None:
            raise then
        return ids

    return body


async def kept(store) -> list[str]:
    async def body(q):
        return [row[0] for row in await q.all("SELECT id FROM note ORDER BY id")]

    return await store.transact(body)


def test_a_body_s_result_is_the_transaction_s(with_store):
    async def scene(store):
        assert await store.transact(add("a", "b")) == ("a", "b")
        return await kept(store)

    assert with_store(scene) == ["a", "b"]


@pytest.mark.parametrize("error", [Deliberate(), KeyboardInterrupt(), asyncio.CancelledError()])
def test_a_body_that_raises_leaves_nothing_behind(with_store, error):
    async def scene(store):
        with pytest.raises(type(error)):
            await store.transact(add("a", "b", then=error))
        assert await kept(store) == []
        await store.transact(add("c"))
        return await kept(store)

    assert with_store(scene) == ["c"]


def test_a_statement_that_fails_leaves_nothing_of_its_body_behind(with_store):
    async def scene(store):
        await store.transact(add("a"))
        with pytest.raises(sqlite3.IntegrityError):
            await store.transact(add("b", "a"))
        return await kept(store)

    assert with_store(scene) == ["a"]


def test_bodies_that_share_a_commit_fail_alone(with_store):
    """All are begun in one tick of the loop; the ones that raise take nobody with them."""

    async def scene(store):
        outcomes = await asyncio.gather(
            *(
                store.transact(add(f"{n:02}", f"{n:02}-too", then=Deliberate() if n % 3 else None))
                for n in range(30)
            ),
            return_exceptions=True,
        )
        assert [isinstance(came, Deliberate) for came in outcomes] == [n % 3 > 0 for n in range(30)]
        return await kept(store)

    survivors = [f"{n:02}" for n in range(0, 30, 3)]
    assert with_store(scene) == sorted([*survivors, *(f"{id_}-too" for id_ in survivors)])


def test_a_body_sees_what_earlier_bodies_of_its_tick_wrote_but_nothing_of_failed_ones(with_store):
    async def scene(store):
        return await asyncio.gather(
            store.transact(add("a")),
            store.transact(add("b", then=Deliberate())),
            kept(store),
            return_exceptions=True,
        )

    assert with_store(scene)[2] == ["a"]


@pytest.mark.parametrize("foreign", ["sleep", "future", "transaction"])
def test_a_body_that_awaits_something_else_fails_loudly_and_leaves_nothing(with_store, foreign):
    async def scene(store):
        async def body(q):
            await q.all(INSERT, "a")
            if foreign == "sleep":
                await asyncio.sleep(0)
            elif foreign == "future":
                await asyncio.get_running_loop().create_future()
            else:
                await store.transact(add("inner"))
            await q.all(INSERT, "b")

        with pytest.raises((AssertionError, sqlite3.OperationalError)) as came:
            await store.transact(body)
        if foreign != "transaction":
            assert "awaited something other than its queries" in str(came.value)
        await store.transact(add("c"))
        return await kept(store)

    assert with_store(scene) == ["c"]


def test_parameters_are_bound_by_number_in_whatever_order_they_stand(with_store):
    async def scene(store):
        async def body(q):
            return [
                await q.one("SELECT $2, $1", "one", "two"),
                await q.one("SELECT $2, (SELECT $1 || $3), $2", "one", "two", "three"),
                await q.one(
                    "SELECT $11, $1, $10, $2",
                    "1",
                    "2",
                    "3",
                    "4",
                    "5",
                    "6",
                    "7",
                    "8",
                    "9",
                    "10",
                    "11",
                ),
                await q.one("SELECT '$' || $1", "1"),
            ]

        return await store.transact(body)

    assert with_store(scene) == [
        ("two", "one"),
        ("two", "onethree", "two"),
        ("11", "1", "10", "2"),
        ("$1",),
    ]


def test_one_is_none_when_there_is_no_row(with_store):
    async def scene(store):
        async def body(q):
            return await q.one("SELECT id FROM note"), await q.all("SELECT id FROM note")

        return await store.transact(body)

    assert with_store(scene) == (None, [])


def test_a_caller_that_is_cancelled_while_its_commit_runs_has_written_all_the_same(with_store):
    async def scene(store):
        task = asyncio.create_task(store.transact(add("a")))
        await asyncio.sleep(0)  # the body has run; in a file its commit is still to come
        task.cancel()
        await asyncio.wait([task])
        return await kept(store)

    assert with_store(scene) == ["a"]


def test_closing_waits_for_the_commit_that_is_under_way(tmp_path):
    file = tmp_path / "store.db"

    async def write_and_close():
        store = await take_notes(open_sqlite(file))
        task = asyncio.create_task(store.transact(add("a")))
        await asyncio.sleep(0)
        await store.close()
        await task

    async def read():
        store = await take_notes(open_sqlite(file))
        found = await kept(store)
        await store.close()
        return found

    asyncio.run(write_and_close())
    assert asyncio.run(read()) == ["a"]


@pytest.mark.parametrize("durability", ["process", "power"])
def test_what_was_acknowledged_is_there_after_closing_and_opening_again(tmp_path, durability):
    file = tmp_path / "store.db"

    async def once(id_):
        store = await take_notes(open_sqlite(file, durability))
        await store.transact(add(id_))
        found = await kept(store)
        await store.close()
        return found

    assert asyncio.run(once("a")) == ["a"]
    assert asyncio.run(once("b")) == ["a", "b"]


@pytest.mark.parametrize(("durability", "level"), [("process", 1), ("power", 2)])
def test_durability_is_the_synchronous_level_of_a_log_that_is_written_ahead(
    tmp_path, durability, level
):
    async def scene():
        store = await take_notes(open_sqlite(tmp_path / "store.db", durability))

        async def body(q):
            return await q.one("PRAGMA synchronous"), await q.one("PRAGMA journal_mode")

        found = await store.transact(body)
        await store.close()
        return found

    assert asyncio.run(scene()) == ((level,), ("wal",))


def test_a_full_disk_fails_the_callers_and_not_the_store(tmp_path):
    """A page limit stands for the disk: nobody hangs, nothing half-done stays, reading goes on."""

    async def scene():
        store = await take_notes(open_sqlite(tmp_path / "store.db"))
        await store.transact(add("before"))

        async def limit(q):
            pages = (await q.one("PRAGMA page_count"))[0]
            await q.one(f"PRAGMA max_page_count = {pages}")

        await store.transact(limit)
        async with asyncio.timeout(10):
            outcomes = await asyncio.gather(
                *(store.transact(add(f"{n}-{'x' * 9_000}")) for n in range(20)),
                return_exceptions=True,
            )
        failed = [came for came in outcomes if isinstance(came, BaseException)]
        assert failed
        assert all(isinstance(came, ServiceUnavailable) for came in failed), failed
        async with asyncio.timeout(10):
            found = await kept(store)
        await store.close()
        written = [came[0] for came in outcomes if not isinstance(came, BaseException)]
        assert found == sorted(["before", *written])

    asyncio.run(scene())

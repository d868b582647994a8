"""A process that dies at any statement, and its successor: nothing is lost or done twice."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from preview_sim.domain.errors import UsageError
from preview_sim.domain.webhook import Attempt
from preview_sim.library import default_world
from preview_sim.store import Queries, Store, open_sqlite, work


class Crash(BaseException):
    """The process dies here. Not an Exception: nothing may catch it and go on."""


class Mortal:
    """A store whose process dies at the `nth` statement, in the middle of its transaction."""

    def __init__(self, store: Store, nth: int) -> None:
        self._store = store
        self.left = nth

    async def transact(self, body: Callable[[Queries], Awaitable[Any]]) -> Any:
        return await self._store.transact(lambda q: body(Dying(q, self)))

    async def read(self, body: Callable[[Queries], Awaitable[Any]]) -> Any:
        return await self._store.read(lambda q: body(Dying(q, self)))

    async def close(self) -> None:
        await self._store.close()

    def count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Crash


class Dying:
    """Queries that count, and die before or after the statement that is the last."""

    def __init__(self, queries: Queries, mortal: Mortal) -> None:
        self._queries, self._mortal = queries, mortal
        self.skip_locked = queries.skip_locked

    async def all(self, sql: str, *parameters: Any) -> Any:
        self._mortal.count()
        rows = await self._queries.all(sql, *parameters)
        self._mortal.count()
        return rows

    async def one(self, sql: str, *parameters: Any) -> Any:
        self._mortal.count()
        row = await self._queries.one(sql, *parameters)
        self._mortal.count()
        return row


SEARCHES = [
    ("sk_sim_acme.provider-fails-on-page-3", 60),
    ("sk_sim_acme", 30),
    ("sk_sim_beta.exhausted-on-page-2", 60),
    ("sk_sim_acme.exactly-enough-credits", 100),
]
HOOKS = {
    "sk_sim_acme": "123e4567-e89b-12d3-a456-426614174000",
    "sk_sim_beta": "223e4567-e89b-12d3-a456-426614174000",
}


async def lives(theatre, inner: Store, crash_at: int) -> tuple[Any, int]:
    """Ask and work until all is done, dying at every `crash_at`-th statement (0: never).

    Returns what is stored at the end, and the number of deaths.
    """
    deaths = 0
    while True:
        # each life is longer than the one before it, so that the play ends
        mortal = Mortal(inner, crash_at + 3 * deaths if crash_at else 10**9)
        try:
            stage = await theatre.open(mortal, self_check=True)
            stage.receiver = lambda _id, number, *_: Attempt(500 if number == 1 else 200, None, 1)
            [(kept,)] = await stage.rows("SELECT count(*) FROM run")
            for key, limit in SEARCHES[kept:]:
                await stage.submit(key, limit=limit, hook=HOOKS[key.partition(".")[0]])
            await stage.until_idle()
        except Crash:
            deaths += 1
            continue
        stage.store = inner
        await stage.check_invariants()
        return await stage.lasting(), deaths


@pytest.mark.parametrize("crash_at", [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377])
def test_a_process_that_dies_again_and_again_leaves_what_one_that_lives_leaves(theatre, crash_at):
    """All is settled once, sent as one event, and the same to the last byte."""

    async def whole():
        calm = open_sqlite(None)
        expected, none = await lives(theatre, calm, 0)
        await calm.close()
        torn = open_sqlite(None)
        came, deaths = await lives(theatre, torn, crash_at)
        await torn.close()
        assert none == 0
        assert deaths > 0
        assert len(came["run"]) == len(SEARCHES)
        assert came == expected

    asyncio.run(whole())


def test_a_restart_goes_on_where_the_file_says_and_grants_nothing_again(theatre):
    async def whole():
        first = await theatre.open(file="store.db")
        run = await first.submit(limit=100)
        await first.to_next()
        await first.claim(work.RUN, now=10**15)
        left = await first.lasting()
        await first.store.close()

        second = await theatre.open(file="store.db")
        assert await second.lasting() == left
        assert await second.rows("SELECT count(*) FROM entry WHERE kind = 'grant'") == [(3,)]
        await second.until_idle()
        await second.check_invariants()
        assert await second.rows("SELECT id, state FROM run") == [(run, "completed")]
        await second.store.close()

    asyncio.run(whole())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": 2}, "This database was made with --seed 1, got --seed 2"),
        ({"clock": "instant"}, "This database was made with --clock manual, got --clock instant"),
    ],
)
def test_options_that_contradict_the_file_are_refused(theatre, options, said):
    async def whole():
        first = await theatre.open(file="store.db")
        await first.store.close()
        store = open_sqlite(theatre.folder / "store.db")
        with pytest.raises(UsageError, match=said):
            await theatre.open(store, **options)
        await store.close()

    asyncio.run(whole())


def test_an_unfinished_run_whose_scenario_is_gone_is_refused_at_the_start(theatre, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "mine.yaml").write_text("sim: 1\nname: mine\nsummary: Mine.\n")

    async def whole():
        first = await theatre.open(file="store.db", scenarios=own)
        await first.submit("sk_sim_acme.mine")
        await first.store.close()
        store = open_sqlite(theatre.folder / "store.db")
        with pytest.raises(UsageError, match="There is no scenario 'mine'"):
            await theatre.open(store)
        again = await theatre.open(store, scenarios=own)
        await again.until_idle()
        await again.store.close()
        store = open_sqlite(theatre.folder / "store.db")
        await theatre.open(store)  # a finished run needs its scenario no more
        await store.close()

    asyncio.run(whole())


def test_a_world_that_changed_does_not_change_what_is_stored(theatre):
    async def whole():
        first = await theatre.open(file="store.db")
        before = await first.everything()
        await first.store.close()
        richer = default_world()
        second = await theatre.open(file="store.db", world=richer)
        assert await second.everything() == before
        await second.store.close()

    asyncio.run(whole())

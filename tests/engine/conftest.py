"""The engine without HTTP: a real store, time as an argument, functions for receivers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from preview_sim.domain.run import PreviewRequest
from preview_sim.domain.tenancy import World
from preview_sim.domain.webhook import Attempt
from preview_sim.engine import (
    Sandbox,
    choose,
    key_parts,
    open_sandbox,
    prepare,
    record,
    step,
    submit,
)
from preview_sim.engine.door import find_key
from preview_sim.engine.sandbox import Settings
from preview_sim.library import Library, default_world
from preview_sim.provider import known_locale
from preview_sim.store import Store, open_sqlite, work

START = 1_735_689_600_000
WALL = 1_764_000_000_000
LEASE = 1_000
ACME_HOOK = "123e4567-e89b-12d3-a456-426614174000"

Receiver = Callable[[str, int, list[tuple[str, str]], bytes], Attempt]


def takes_all(_id: str, _number: int, _headers: list[tuple[str, str]], _body: bytes) -> Attempt:
    return Attempt(200, None, 1)


@dataclass
class Stage:
    """A sandbox, and somebody who does its work in the order in which it is due."""

    sandbox: Sandbox
    store: Store
    now: int = START
    #: Outside oracles: what the receiver saw, as (delivery, attempt, headers, body).
    sent: list[tuple[str, int, dict[str, str], bytes]] = field(default_factory=list)
    receiver: Receiver = takes_all

    async def submit(
        self,
        key: str = "sk_sim_acme",
        *,
        limit: int = 20,
        hook: str | None = ACME_HOOK,
        **search: Any,
    ) -> str:
        name, suffix = key_parts(key)
        caller = find_key(self.sandbox, name)
        assert caller is not None
        asked = {"title": "Nurse", "job_description": "Night shifts.", "location": "Bratislava"}
        request = PreviewRequest(**{**asked, **search}, limit=limit, webhook_id=hook)
        choice = choose(self.sandbox, None, suffix, caller)
        run, due = await submit(self.sandbox, caller, choice, request, self.now)
        assert due >= self.now
        return run

    async def claim(self, kind: str, now: int | None = None, wall: int = WALL) -> list[work.Claim]:
        moment = self.now if now is None else now

        async def body(q):
            return await work.claim(q, self.sandbox.id, kind, moment, wall, LEASE, 8)

        return await self.store.transact(body)

    async def next_due(self) -> int | None:
        async def body(q):
            return [await work.next_due(q, self.sandbox.id, kind, WALL) for kind in work.KINDS]

        found = [due for due in await self.store.transact(body) if due is not None]
        return min(found, default=None)

    async def to_next(self) -> bool:
        """Move to the next due time and do one portion of what is due there; False if idle."""
        due = await self.next_due()
        if due is None:
            return False
        self.now = max(self.now, due)
        for claim in await self.claim(work.RUN):
            await step(self.sandbox, claim, self.now)
        for claim in await self.claim(work.DELIVERY):
            await self.deliver(claim)
        return True

    async def deliver(self, claim: work.Claim) -> Any:
        outgoing = await prepare(self.sandbox, claim, WALL // 1_000)
        assert outgoing is not None
        headers = {name.lower(): value for name, value in outgoing.headers}
        self.sent.append((outgoing.delivery, outgoing.number, headers, outgoing.body))
        attempt = self.receiver(outgoing.delivery, outgoing.number, outgoing.headers, outgoing.body)
        return await record(self.sandbox, claim, outgoing, attempt, self.now)

    async def until_idle(self, at_most: int = 500) -> int:
        """How many portions it took; more than `at_most` is a run that never ends (invariant 9)."""
        for portions in range(at_most):
            if not await self.to_next():
                return portions
        raise AssertionError(f"still not idle after {at_most} portions of work")

    async def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        async def body(q):
            return await q.all(sql, *parameters)

        return await self.store.transact(body)

    async def lasting(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything but who has which work, and how often it was taken."""
        tables = await self.everything()
        return {
            name: [row[:-2] for row in rows] if name in work.KINDS else rows
            for name, rows in tables.items()
        }

    async def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table."""
        tables = await self.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        )
        return {
            name: sorted(await self.rows(f"SELECT * FROM {name}"), key=repr) for (name,) in tables
        }

    async def check_invariants(self) -> None:
        """Invariants 1 to 5 of a sandbox at rest, read from the SQL."""
        for account, granted, available, held, charged in await self.rows(
            "SELECT id, granted, available, held, charged FROM account"
        ):
            sums = dict(
                await self.rows(
                    "SELECT kind, sum(amount) FROM entry WHERE account = $1 GROUP BY kind", account
                )
            )
            assert granted == available + held + charged == sums["grant"]
            assert charged == sums.get("charge", 0)
            assert held == 0 == sums.get("hold", 0) - charged - sums.get("release", 0)
        for run, state, hold, hook, answered in await self.rows(
            "SELECT id, state, held, webhook, answered FROM run"
        ):
            assert state in ("completed", "failed")
            moves = dict(
                await self.rows(
                    "SELECT kind, sum(amount) FROM entry WHERE run = $1 GROUP BY kind", run
                )
            )
            assert hold == moves["hold"] == moves.get("charge", 0) + moves.get("release", 0)
            pages = await self.rows(
                "SELECT DISTINCT page FROM page_query WHERE run = $1 AND outcome = 'ok'", run
            )
            price = await self.rows(
                "SELECT CASE unit WHEN 'credits' THEN 1 ELSE 24 END FROM account a JOIN run r"
                " ON a.id = r.account WHERE r.id = $1",
                run,
            )
            assert moves.get("charge", 0) <= len(pages) * price[0][0]
            assert answered == len(pages)
            events = await self.rows("SELECT event FROM delivery WHERE run = $1", run)
            assert len(events) == (hook is not None)
            if hook is not None:
                assert events == [(f"SOURCING_{state.upper()}",)]
        for kind in work.KINDS:
            assert await self.rows(f"SELECT id FROM {kind} WHERE due IS NOT NULL") == []


@dataclass
class Theatre:
    """Opens stages; in a file they can be opened again."""

    folder: Path

    async def open(
        self,
        store: Store | None = None,
        *,
        file: str | None = None,
        world: World | None = None,
        scenarios: Path | None = None,
        scenario: str = "happy",
        clock: str = "manual",
        **settings: Any,
    ) -> Stage:
        kept = store or open_sqlite(self.folder / file if file else None)
        chosen = Settings(scenario, settings.pop("readings", {}), clock=clock, **settings)
        sandbox = await open_sandbox(
            "default",
            kept,
            Library(scenarios, known_locale),
            world or default_world(),
            chosen,
            START,
        )
        return Stage(sandbox, kept)


@pytest.fixture
def theatre(tmp_path) -> Theatre:
    return Theatre(tmp_path)


@pytest.fixture
def play(theatre):
    """Run `scene(stage)` on a loop of its own; the options are those of `Theatre.open`."""

    def run(scene: Callable[[Stage], Any], **options: Any) -> Any:
        async def whole() -> Any:
            stage = await theatre.open(**{"self_check": True, **options})
            try:
                return await scene(stage)
            finally:
                await stage.store.close()

        return asyncio.run(whole())

    return run

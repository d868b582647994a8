"""Workers: whoever does the work of a sandbox when it is due.

One worker a sandbox. A running clock's worker waits for the wall; a still clock's worker moves the
clock itself, to the next due time as soon as nothing is in flight (`instant`), or when it is told
to (`manual`). A round that fails is logged and tried again: one bad piece never stops the others.
"""

import asyncio
import logging
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from preview_sim.delivery import Sender
from preview_sim.delivery.sender import AT_ONCE
from preview_sim.domain.errors import UsageError
from preview_sim.engine import Outgoing, Sandbox, prepare, record, step
from preview_sim.engine.deliver import absolute
from preview_sim.engine.step import Stepped
from preview_sim.simulator.clock import RunningClock, StillClock, wall_ms, wall_seconds
from preview_sim.store import Queries, work, worlds
from preview_sim.store.work import Claim

_log = logging.getLogger(__name__)

Event = dict[str, object]

#: Steps of one round: few, so that requests are answered between two rounds.
_ROUND = 8

#: Longer than any step or attempt takes; a lease that runs out frees the work of a dead process.
_LEASE_MS = 120_000

#: Attempts in the air to one receiver, give or take a round: a slow one never takes all slots.
_EACH_RECEIVER = 8

_PAUSE_AFTER_FAILURE_S = 0.5
_EVENTS_KEPT = 10_000

#: Past the end of a lease, which is in whole milliseconds.
_A_LITTLE_LATER_S = 0.01

T = TypeVar("T")


class Worker:
    """What both kinds share: claiming, stepping, sending."""

    def __init__(self, sandbox: Sandbox, sender: Sender, own_base: str) -> None:
        self.sandbox = sandbox
        self.failures = 0
        self._sender = sender
        self._own_base = own_base
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._wake = asyncio.Event()
        self._failed: list[tuple[str, Claim]] = []
        self._put_off_until = 0

    def work_is_due(self, at: int) -> None:
        raise NotImplementedError

    async def settled(self) -> None:
        """Until nothing is left that could run without the outside; at once on running clocks."""

    async def run(self) -> None:
        raise NotImplementedError

    async def _claim(
        self, kind: str, now: int, at_most: int, busy: Sequence[str] = ()
    ) -> list[Claim]:
        async def body(q: Queries) -> list[Claim]:
            return await work.claim(
                q, self.sandbox.id, kind, now, wall_ms(), _LEASE_MS, at_most, busy
            )

        return await self.sandbox.store.transact(body)

    async def _next_due(self, *, sends: bool = True, busy: Sequence[str] = ()) -> int | None:
        async def body(q: Queries) -> list[int]:
            wall, id_ = wall_ms(), self.sandbox.id
            found = [await work.next_due(q, id_, work.RUN, wall)]
            if sends:
                found.append(await work.next_due(q, id_, work.DELIVERY, wall, busy))
            return [due for due in found if due is not None]

        return min(await self.sandbox.store.read(body), default=None)

    async def _step(self, claim: Claim, now: int) -> Stepped | None:
        return await self._guarded(work.RUN, claim, step(self.sandbox, claim, now))

    async def _prepare(self, claim: Claim) -> Outgoing | None:
        preparing = prepare(self.sandbox, claim, int(wall_seconds()))
        return await self._guarded(work.DELIVERY, claim, preparing)

    async def _send(
        self, claim: Claim, outgoing: Outgoing, ended_at: Callable[[], int]
    ) -> Stepped | None:
        async with self._slots:
            attempt = await self._sender.send(
                absolute(outgoing.url, self._own_base),
                outgoing.headers,
                outgoing.body,
                outgoing.timeout_ms,
            )
        recording = record(self.sandbox, claim, outgoing, attempt, ended_at())
        return await self._guarded(work.DELIVERY, claim, recording)

    async def _guarded(self, kind: str, claim: Claim, doing: Coroutine[Any, Any, T]) -> T | None:
        """Do a piece of work. One that fails is put off for a moment, so that it is tried again and
        never in the way of others."""
        try:
            return await doing
        except Exception:
            self.failures += 1
            _log.exception("the %s %s could not be done and is tried again", kind, claim.id)
            self._failed.append((kind, claim))
            self._wake.set()
        return None

    async def _put_off_what_failed(self) -> None:
        """Nobody's again in a moment. If even that fails now, the next round does it."""
        if not self._failed:
            return
        until = wall_ms() + int(_PAUSE_AFTER_FAILURE_S * 1_000)

        async def body(q: Queries) -> None:
            for kind, claim in self._failed:
                await work.put_off(q, self.sandbox.id, kind, claim, until)

        await self.sandbox.store.transact(body)
        self._failed.clear()
        self._put_off_until = until
        asyncio.get_running_loop().call_later(
            _PAUSE_AFTER_FAILURE_S + _A_LITTLE_LATER_S, self._wake.set
        )


class RunningWorker(Worker):
    """For `real` and `xN`: does what is due, then waits for the next due time or for news."""

    def __init__(
        self, sandbox: Sandbox, sender: Sender, own_base: str, clock: RunningClock
    ) -> None:
        super().__init__(sandbox, sender, own_base)
        self.clock = clock
        self._waits_until: int | None = None
        self._sends: set[asyncio.Task[None]] = set()
        self._in_flight: Counter[str] = Counter()

    def work_is_due(self, at: int) -> None:
        if self._waits_until is None or at < self._waits_until:
            self._wake.set()

    async def run(self) -> None:
        try:
            while True:
                try:
                    if await self._round():
                        await asyncio.sleep(0)  # requests first
                    else:
                        await self._wait()
                except Exception:
                    self.failures += 1
                    _log.exception("a round of work failed")
                    await asyncio.sleep(_PAUSE_AFTER_FAILURE_S)
        finally:
            for send in self._sends:
                send.cancel()
            await asyncio.gather(*self._sends, return_exceptions=True)

    async def _round(self) -> bool:
        """One portion of what is due; False if there was nothing."""
        await self._put_off_what_failed()
        now = self.clock.now()
        steps = await self._claim(work.RUN, now, _ROUND)
        for claim in steps:
            await self._step(claim, self.clock.now())
        free = min(AT_ONCE - len(self._sends), _ROUND)
        sends = await self._claim(work.DELIVERY, now, free, self._busy()) if free > 0 else []
        for claim in sends:
            task = asyncio.create_task(self._deliver(claim))
            self._sends.add(task)
            task.add_done_callback(self._sent)
        return bool(steps or sends)

    async def _deliver(self, claim: Claim) -> None:
        outgoing = await self._prepare(claim)
        if outgoing is None:
            return
        self._in_flight[outgoing.webhook] += 1
        try:
            await self._send(claim, outgoing, self.clock.now)
        finally:
            self._in_flight[outgoing.webhook] -= 1

    def _busy(self) -> list[str]:
        """The webhooks whose receivers have enough to answer: others' deliveries go first."""
        self._in_flight = +self._in_flight  # without those that are down to nothing
        return [one for one, sends in self._in_flight.items() if sends >= _EACH_RECEIVER]

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sends.discard(task)
        self._wake.set()

    async def _wait(self) -> None:
        self._waits_until = None  # until it is known, any news counts
        self._wake.clear()
        due = await self._next_due(sends=len(self._sends) < AT_ONCE, busy=self._busy())
        self._waits_until = due
        try:
            async with asyncio.timeout(None if due is None else self.clock.seconds_until(due)):
                await self._wake.wait()
        except TimeoutError:
            pass


class StillWorker(Worker):
    """For `manual` and `instant`: moves the clock to each due time and does what is due there."""

    def __init__(self, sandbox: Sandbox, sender: Sender, own_base: str, clock: StillClock) -> None:
        super().__init__(sandbox, sender, own_base)
        self.clock = clock
        self._instant = sandbox.clock == "instant"
        self._turn = asyncio.Lock()
        self._sending = False
        self._idle = asyncio.Event()
        self._calm = asyncio.Event()
        self._events: deque[Event] = deque(maxlen=_EVENTS_KEPT)
        if not self._instant:
            self._calm.set()

    def work_is_due(self, at: int) -> None:  # noqa: ARG002 - the clock goes there by itself
        if not self._instant:
            return
        self._idle.clear()
        if not self._sending:
            self._calm.clear()
        self._wake.set()

    async def settled(self) -> None:
        """On `instant`: until only receivers are still to answer, so that a poll right after a POST
        sees what a later one would. Not until receivers have answered: one may be polling."""
        await self._calm.wait()

    async def run(self) -> None:
        """On `instant`, go on from due time to due time. On `manual` only `advance` moves."""
        while self._instant:
            try:
                await self._move(None)
            except Exception:
                self.failures += 1
                _log.exception("a round of work failed")
                self._calm.set()  # requests are answered all the same
                await asyncio.sleep(_PAUSE_AFTER_FAILURE_S)
                continue
            if not self._wake.is_set():
                self._idle.set()
                self._calm.set()
                await self._wake.wait()
            self._wake.clear()

    async def advance(self, by: int) -> tuple[int, list[Event]]:
        """Move `by` ms; return once all that was due has run and receivers have answered."""
        self._must_be_manual()
        async with self._turn:
            target = self.clock.now() + by
            await self._move(target)
            await self._set(target)
            return self._report()

    async def advance_to_next(self) -> tuple[int, list[Event]]:
        """Move to the next due time, if there is one."""
        self._must_be_manual()
        async with self._turn:
            due = await self._next_due()
            if due is not None:
                await self._set(due)
                await self._do_all_due()
            return self._report()

    async def until_idle(self) -> tuple[int, list[Event]]:
        """Until no work is left; on `instant` this waits for what goes on by itself."""
        if self._instant:
            await self._idle.wait()
        else:
            async with self._turn:
                await self._move(None)
        return self._report()

    def _must_be_manual(self) -> None:
        if self._instant:
            raise UsageError(
                'An instant clock moves by itself. {"until": "idle"} waits for it; '
                "start with --clock manual to move it yourself."
            )

    def _report(self) -> tuple[int, list[Event]]:
        events = list(self._events)
        self._events.clear()
        return self.clock.now(), events

    async def _move(self, target: int | None) -> None:
        """From due time to due time, up to `target`; None: until nothing is left."""
        await self._do_all_due()
        while True:
            await self._until_nothing_is_put_off()
            due = await self._next_due()
            if due is None or (target is not None and due > target):
                return
            await self._set(due)
            await self._do_all_due()

    async def _until_nothing_is_put_off(self) -> None:
        """What could not be done is done before the clock moves on, or the clock does not."""
        await self._put_off_what_failed()
        left = self._put_off_until - wall_ms()
        if left > 0:
            self._calm.set()  # requests are answered meanwhile
            await asyncio.sleep(left / 1_000 + _A_LITTLE_LATER_S)

    async def _set(self, moment: int) -> None:
        if moment <= self.clock.now():
            return

        async def body(q: Queries) -> None:
            await worlds.set_now(q, self.sandbox.id, moment)

        await self.sandbox.store.transact(body)
        self.clock.set(moment)

    async def _do_all_due(self) -> None:
        """Everything due at this moment, runs before deliveries, until nothing is."""
        now = self.clock.now()
        while True:
            steps = await self._claim(work.RUN, now, _ROUND)
            for claim in steps:
                self._note(await self._step(claim, now))
            if steps:
                await asyncio.sleep(0)  # requests first
                continue
            sends = await self._claim(work.DELIVERY, now, AT_ONCE)
            if not sends:
                await self._put_off_what_failed()
                return
            await self._send_all(sends, now)

    async def _send_all(self, claims: list[Claim], now: int) -> None:
        """Send at one moment: receivers side by side, one receiver's deliveries in order."""
        by_url: defaultdict[str, list[tuple[Claim, Outgoing]]] = defaultdict(list)
        for claim in claims:
            outgoing = await self._prepare(claim)
            if outgoing is not None:
                by_url[outgoing.url].append((claim, outgoing))

        async def in_order(batch: list[tuple[Claim, Outgoing]]) -> list[Stepped | None]:
            return [await self._send(claim, outgoing, lambda: now) for claim, outgoing in batch]

        self._sending = True
        self._calm.set()
        try:
            for done in await asyncio.gather(*map(in_order, by_url.values())):
                for stepped in done:
                    self._note(stepped)
        finally:
            self._sending = False
            if self._instant:
                self._calm.clear()

    def _note(self, stepped: Stepped | None) -> None:
        if stepped is not None:
            self._events.append(stepped.event)


def make_worker(
    sandbox: Sandbox, sender: Sender, own_base: str, clock: RunningClock | StillClock
) -> RunningWorker | StillWorker:
    if isinstance(clock, StillClock):
        return StillWorker(sandbox, sender, own_base, clock)
    return RunningWorker(sandbox, sender, own_base, clock)

"""The sink itself: keeps deliveries in memory, finds them again, waits for them.

Receiving stores and does no more, since a simulator under load sends itself thousands of
deliveries a second. Deliveries are placed and judged when they are first asked for.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette

from preview_sim.domain.errors import ServiceUnavailable
from preview_sim.domain.timestamp import to_iso
from preview_sim.sink.checks import judge
from preview_sim.sink.filters import Filters, Miss, WaitTimedOut
from preview_sim.sink.history import History
from preview_sim.sink.inbox import Guard, build_app
from preview_sim.sink.records import Arrival, Delivery, Record, Standing, Subscription

MAX_RECORDS = 10_000
MAX_BYTES = 256 * 1024 * 1024

_NEAREST_SHOWN = 5

#: Judging takes milliseconds: after so many, whoever else shares the loop gets a turn.
_TURN = 1


@dataclass(slots=True, eq=False)
class _Entry:
    """A delivery, and what has been found out about it so far."""

    delivery: Delivery
    standing: Standing | None = None
    record: Record | None = None


class Sink:
    """Records deliveries and judges them; everything runs on one event loop.

    `wall` tells unix seconds. Beyond `max_records` or `max_bytes` of bodies the oldest are dropped.
    `otherwise` is what holds for an endpoint that nobody described with `expect`.
    """

    def __init__(
        self,
        *,
        wall: Callable[[], float],
        max_records: int = MAX_RECORDS,
        max_bytes: int = MAX_BYTES,
        otherwise: Subscription | None = None,
    ) -> None:
        self._wall = wall
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._otherwise = otherwise or Subscription()
        self._expected: dict[tuple[str, str], Subscription] = {}
        self._entries: OrderedDict[int, _Entry] = OrderedDict()
        self._unplaced: deque[_Entry] = deque()
        self._history = History(max_records)
        self._dropped: Counter[str] = Counter()
        self._bytes = 0
        self._seq = 0
        self._closed = False
        self._news = asyncio.Event()

    def expect(self, sandbox: str, endpoint: str, subscription: Subscription) -> None:
        """Say what is known of an endpoint; it holds for deliveries that come from now on."""
        self._expected[sandbox, endpoint] = subscription

    def app(self, guard: Guard | None = None) -> Starlette:
        """The HTTP face. `guard` may refuse any request but those to `/in/…`."""
        return build_app(self, guard)

    def receive(self, sandbox: str, endpoint: str, arrival: Arrival) -> Delivery:
        """Keep what came, and wake whoever waits."""
        self._seq += 1
        subscription = self._expected.get((sandbox, endpoint), self._otherwise)
        delivery = Delivery(
            seq=self._seq,
            received_at=self._wall(),
            sandbox=sandbox,
            endpoint=endpoint,
            arrival=arrival.masked(subscription),
            subscription=subscription,
        )
        entry = _Entry(delivery)
        self._entries[delivery.seq] = entry
        self._unplaced.append(entry)
        self._bytes += len(arrival.body)
        while len(self._entries) > self._max_records or self._bytes > self._max_bytes:
            self._drop_oldest()
        self._tell()
        return delivery

    def records(self, **filters: str | None) -> list[Record]:
        """What has come so far, in order: `sandbox`, `endpoint`, `event`, `request_id`, `verdict`.

        Raises ValidationFailed for a filter or a value that does not exist.
        """
        wanted = Filters.of(filters)
        return [self._judge(entry) for entry in self._since(0) if not self._missed(entry, wanted)]

    async def read(self, **filters: str | None) -> list[Record]:
        """The same as `records`, without keeping the loop from others while it judges."""
        return await self._judge_all(await self._select(Filters.of(filters)))

    async def wait_for(
        self,
        count: int = 1,
        timeout: float = 10.0,  # noqa: ASYNC109 - what a caller means; it is asyncio.timeout inside
        **filters: str | None,
    ) -> list[Record]:
        """All matching records, as soon as there are `count` of them.

        Raises WaitTimedOut after `timeout` seconds, ServiceUnavailable when the sink closes,
        ValidationFailed for a filter that does not exist.
        """
        wanted = Filters.of(filters)
        try:
            async with asyncio.timeout(timeout):
                found = await self._gather(count, wanted)
        except TimeoutError:
            found = await self._select(wanted)  # one may have come in the last moment
            if len(found) < count:
                records = await self._judge_all(found)
                raise self._timed_out(count, timeout, wanted, records) from None
        return await self._judge_all(found)

    def dropped(self, sandbox: str | None = None) -> int:
        """How many records were dropped since the last reset, being the oldest of too many."""
        return self._dropped.total() if sandbox is None else self._dropped[sandbox]

    def reset(self, sandbox: str | None = None) -> int:
        """Forget the records of one sandbox, or all; how many those were. `expect` stays said."""
        going = [
            entry
            for entry in self._entries.values()
            if sandbox is None or entry.delivery.sandbox == sandbox
        ]
        for entry in going:
            del self._entries[entry.delivery.seq]
            self._bytes -= len(entry.delivery.arrival.body)
            entry.standing = entry.standing or Standing()  # whoever still reads it needs one
        self._unplaced = deque(entry for entry in self._unplaced if entry.standing is None)
        self._history.forget(sandbox)
        if sandbox is None:
            self._dropped.clear()
        else:
            self._dropped.pop(sandbox, None)
        return len(going)

    def forget(self, sandbox: str) -> None:
        """Forget a sandbox altogether, when it is deleted."""
        self.reset(sandbox)
        for key in [key for key in self._expected if key[0] == sandbox]:
            del self._expected[key]

    def close(self) -> None:
        """End all waiting, now and later. Deliveries are still recorded."""
        self._closed = True
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _drop_oldest(self) -> None:
        _, entry = self._entries.popitem(last=False)
        if entry.standing is None:
            self._place(self._unplaced.popleft())  # later ones may be its retries
        self._dropped[entry.delivery.sandbox] += 1
        self._bytes -= len(entry.delivery.arrival.body)

    def _place(self, entry: _Entry) -> None:
        entry.standing = self._history.place(entry.delivery)

    def _judge(self, entry: _Entry) -> Record:
        while entry.standing is None:
            self._place(self._unplaced.popleft())
        if entry.record is None:
            entry.record = judge(entry.delivery, entry.standing)
        return entry.record

    async def _judge_all(self, entries: Iterable[_Entry]) -> list[Record]:
        judged = []
        for entry in entries:
            judged.append(self._judge(entry))
            if len(judged) % _TURN == 0:
                await asyncio.sleep(0)
        return judged

    def _missed(self, entry: _Entry, wanted: Filters) -> list[Miss]:
        return wanted.missed(entry.delivery, lambda: self._judge(entry).verdict)

    def _since(self, seq: int) -> list[_Entry]:
        """The entries after `seq`, oldest first."""
        newer = []
        for entry in reversed(self._entries.values()):
            if entry.delivery.seq <= seq:
                break
            newer.append(entry)
        return newer[::-1]

    async def _select(self, wanted: Filters, after: int = 0) -> list[_Entry]:
        found = []
        for n, entry in enumerate(self._since(after), 1):
            if not self._missed(entry, wanted):
                found.append(entry)
            if n % _TURN == 0:
                await asyncio.sleep(0)
        return found

    async def _gather(self, count: int, wanted: Filters) -> list[_Entry]:
        found: list[_Entry] = []
        looked_until = 0
        while True:
            news, newest = self._news, self._seq
            found = [entry for entry in found if entry.delivery.seq in self._entries]
            found += await self._select(wanted, looked_until)
            looked_until = newest
            if len(found) >= count:
                return found
            if self._closed:
                raise ServiceUnavailable(
                    f"The sink is closing: {len(found)} of {count} deliveries came ({wanted})."
                )
            await news.wait()

    def _timed_out(
        self, count: int, waited_s: float, wanted: Filters, records: list[Record]
    ) -> WaitTimedOut:
        missed = [
            (entry.delivery, misses)
            for entry in reversed(self._since(0))
            if (misses := self._missed(entry, wanted))
        ]
        missed.sort(key=lambda miss: len(miss[1]))
        nearest = [_show_miss(delivery, misses) for delivery, misses in missed[:_NEAREST_SHOWN]]
        hint = "Nothing else came."
        if missed:
            delivery, misses = missed[0]
            why = " and ".join(f"{miss.filter} is {miss.came!r}" for miss in misses)
            hint = f"The nearest of {len(missed)} other(s) is record {delivery.seq}: its {why}."
        return WaitTimedOut(
            f"Expected {count} record(s) ({wanted}) within {waited_s:g} s, {len(records)} came. "
            f"{hint}",
            records,
            nearest,
        )


def _show_miss(delivery: Delivery, misses: Iterable[Miss]) -> dict[str, Any]:
    return {
        "seq": delivery.seq,
        "receivedAt": to_iso(int(delivery.received_at * 1_000)),
        "sandbox": delivery.sandbox,
        "endpoint": delivery.endpoint,
        "event": delivery.identity.label,
        "deliveryId": delivery.identity.delivery_id,
        "requestId": delivery.identity.request_id,
        "missed": [miss._asdict() for miss in misses],
    }

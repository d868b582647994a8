"""What came before: attempts, ids used twice, events told twice, runs that ended twice.

Deliveries are placed in the order of their seq, each once, so a judgement does not depend on when
somebody reads it. Everything is keyed by sandbox: two of them may share a seed, and so ids.
"""

from collections import OrderedDict
from typing import Generic, NamedTuple, TypeVar

from preview_sim.domain.webhook import TERMINAL_EVENTS
from preview_sim.sink.records import Delivery, Standing

Told = TypeVar("Told")


class _Memory(OrderedDict[tuple[str, ...], Told], Generic[Told]):
    """What was told first under each key; the oldest keys are forgotten beyond `size`."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def first(self, key: tuple[str, ...], told: Told) -> Told:
        """What was told first under this key: `told`, if nothing was before."""
        found = self.setdefault(key, told)
        if len(self) > self._size:
            self.popitem(last=False)
        return found

    def forget(self, sandbox: str) -> None:
        for key in [key for key in self if key[0] == sandbox]:
            del self[key]


class _Told(NamedTuple):
    """The first record under a key, and what it said: bytes, an id or an event."""

    seq: int
    what: str


class _Repeats:
    """How often something came, and the record in which it came first."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self.count = 0


class History:
    """Remembers the newest `size` ids, events and runs."""

    def __init__(self, size: int) -> None:
        self._owners: _Memory[_Told] = _Memory(size)
        self._copies: _Memory[_Repeats] = _Memory(size)
        self._events: _Memory[_Told] = _Memory(size)
        self._ends: _Memory[_Told] = _Memory(size)

    def place(self, delivery: Delivery) -> Standing:
        """Where this delivery stands; it becomes part of what came before."""
        who, sandbox, seq = delivery.identity, delivery.sandbox, delivery.seq
        run = who.request_id if who.event in TERMINAL_EVENTS else None
        event = who.event or ""
        end = self._ends.first((sandbox, run), _Told(seq, event)) if run else None
        ended_by = (end.seq, end.what) if end and end.what != event else None
        if who.delivery_id is None:  # it can neither repeat anything nor be repeated
            return Standing(ended_by=ended_by)
        owner = self._owners.first((sandbox, who.delivery_id), _Told(seq, delivery.digest))
        told = _Told(seq, who.delivery_id)
        if run:
            told = self._events.first((sandbox, run, event), told)
        same = (who.delivery_id, delivery.digest)
        if run and delivery.known.delivery_id == "per-attempt":
            same = (run, event)
        copies = self._copies.first((sandbox, *same), _Repeats(seq))
        copies.count += 1
        first = min(copies.seq, told.seq)
        return Standing(
            attempt=copies.count,
            duplicate_of=first if first != seq else None,
            id_taken_by=owner.seq if owner.what != delivery.digest else None,
            event_told_by=told.seq if told.what != who.delivery_id else None,
            ended_by=ended_by,
        )

    def forget(self, sandbox: str | None) -> None:
        """Forget one sandbox, or all of them."""
        for memory in (self._owners, self._copies, self._events, self._ends):
            if sandbox is None:
                memory.clear()
            else:
                memory.forget(sandbox)

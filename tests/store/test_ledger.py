"""The ledger: exact moves, and a machine of random lifecycles whose sums are read from the SQL."""

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from preview_sim.domain.billing import PAGE_PRICE, EntryKind, Settlement, Unit, cost, settle
from preview_sim.store import ledger, open_sqlite

SANDBOX = "default"


class Deliberate(Exception):
    """Raised by bodies of these tests."""


def opening(account: str, unit=Unit.CREDITS, granted=10, postpaid=False, company="company"):
    async def body(q):
        await ledger.open_account(
            q, SANDBOX, account, company, None, unit, postpaid, granted, now=1
        )

    return body


def holding(account: str, run: str, amount: int):
    async def body(q):
        held = await ledger.hold(q, SANDBOX, account, amount)
        if held is not None:
            await ledger.append_hold(q, SANDBOX, account, held[0], run, amount, now=2)
        return held is not None

    return body


def settling(account: str, run: str, charge: int, release: int):
    async def body(q):
        await ledger.settle(q, SANDBOX, account, run, Settlement(charge, release), now=3)

    return body


async def sums(q, account: str):
    return await q.one(
        "SELECT granted, available, held, charged FROM account WHERE sandbox = $1 AND id = $2",
        SANDBOX,
        account,
    )


async def everything(q):
    return [
        await q.all("SELECT * FROM account ORDER BY sandbox, id"),
        await q.all("SELECT * FROM entry ORDER BY sandbox, account, number"),
    ]


def test_a_grant_a_hold_and_its_resolution_are_four_entries(with_store):
    async def scene(store):
        await store.transact(opening("a", granted=10))
        assert await store.transact(holding("a", "run", 3)) is True
        await store.transact(settling("a", "run", 2, 1))
        entries = await store.transact(lambda q: ledger.entries(q, SANDBOX))
        assert [(entry.number, entry.kind, entry.amount, entry.run) for entry in entries] == [
            (1, EntryKind.GRANT, 10, None),
            (2, EntryKind.HOLD, 3, "run"),
            (3, EntryKind.CHARGE, 2, "run"),
            (4, EntryKind.RELEASE, 1, "run"),
        ]
        assert await store.transact(lambda q: sums(q, "a")) == (10, 8, 0, 2)

    with_store(scene)


@pytest.mark.parametrize(
    ("charge", "release", "kinds"),
    [
        (3, 0, [EntryKind.CHARGE]),
        (0, 3, [EntryKind.RELEASE]),
        (1, 2, [EntryKind.CHARGE, EntryKind.RELEASE]),
    ],
)
def test_a_move_of_nothing_is_not_written(with_store, charge, release, kinds):
    async def scene(store):
        await store.transact(opening("a"))
        await store.transact(holding("a", "run", 3))
        await store.transact(settling("a", "run", charge, release))
        entries = await store.transact(lambda q: ledger.entries_of(q, SANDBOX, "run"))
        assert [entry.kind for entry in entries] == [EntryKind.HOLD, *kinds]
        assert [entry.number for entry in entries] == list(range(2, 2 + len(entries)))

    with_store(scene)


def test_an_account_that_is_opened_again_is_granted_nothing_again(with_store):
    async def scene(store):
        await store.transact(opening("a", granted=10))
        await store.transact(holding("a", "run", 4))
        before = await store.transact(everything)
        await store.transact(opening("a", granted=10))
        await store.transact(opening("a", granted=99))
        assert await store.transact(everything) == before

    with_store(scene)


def test_the_last_unit_can_be_held_and_none_beyond_it(with_store):
    async def scene(store):
        await store.transact(opening("a", granted=5))
        assert await store.transact(holding("a", "one", 4)) is True
        before = await store.transact(everything)
        assert await store.transact(holding("a", "two", 2)) is False
        assert await store.transact(everything) == before, "a refusal changes nothing"
        assert await store.transact(holding("a", "three", 1)) is True
        assert await store.transact(lambda q: sums(q, "a")) == (5, 0, 5, 0)

    with_store(scene)


def test_a_postpaid_account_is_never_refused_and_goes_below_zero(with_store):
    async def scene(store):
        await store.transact(opening("a", granted=0, postpaid=True))
        assert await store.transact(holding("a", "one", 5)) is True
        await store.transact(settling("a", "one", 3, 2))
        assert await store.transact(lambda q: sums(q, "a")) == (0, -3, 0, 3)

    with_store(scene)


def test_no_more_can_be_resolved_than_is_held(with_store):
    async def scene(store):
        await store.transact(opening("a"))
        await store.transact(holding("a", "run", 3))
        before = await store.transact(everything)
        with pytest.raises(AssertionError, match="more was resolved than is held"):
            await store.transact(settling("a", "run", 3, 1))
        assert await store.transact(everything) == before

    with_store(scene)


def test_fifty_holds_at_once_take_what_is_there_and_no_more(with_store):
    async def scene(store):
        await store.transact(opening("a", granted=7))
        took = await asyncio.gather(
            *(store.transact(holding("a", f"run {n}", 1)) for n in range(50))
        )
        assert sum(took) == 7
        assert await store.transact(lambda q: sums(q, "a")) == (7, 0, 7, 0)
        entries = await store.transact(lambda q: ledger.entries(q, SANDBOX))
        assert [entry.number for entry in entries] == list(range(1, 9))

    with_store(scene)


class LedgerMachine(RuleBasedStateMachine):
    """Accounts of every sort; holds come, are refused, are resolved, and bodies die midway."""

    accounts = Bundle("accounts")
    holds = Bundle("holds")

    def store_file(self) -> Path | None:
        return None

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.store = self.runner.run(self.opened())
        self.units: dict[str, Unit] = {}
        self.postpaid: set[str] = set()
        self.granted: dict[str, int] = {}
        self.pending: dict[str, int] = {}
        self.runs = 0

    async def opened(self):
        return open_sqlite(self.store_file())

    def do(self, body):
        return self.runner.run(self.store.transact(body))

    def teardown(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()

    @initialize(target=accounts, granted=st.integers(0, 12))
    def one_account_of_each_unit(self, granted):
        for unit in Unit:
            self.open(unit.value, unit, granted * PAGE_PRICE[unit], postpaid=False)
        return multiple("credits", "minutes")

    @rule(
        target=accounts,
        unit=st.sampled_from(Unit),
        granted=st.integers(0, 60),
        postpaid=st.booleans(),
    )
    def open_another(self, unit, granted, postpaid):
        account = f"account {len(self.units)}"
        self.open(account, unit, granted, postpaid)
        return account

    @rule(account=accounts, granted=st.integers(0, 60))
    def open_again(self, account, granted):
        before = self.do(everything)
        self.do(opening(account, self.units[account], granted))
        assert self.do(everything) == before

    @rule(target=holds, account=accounts, pages=st.integers(1, 5))
    def hold(self, account, pages):
        amount = cost(self.units[account], pages)
        run = f"run {self.runs}"
        self.runs += 1
        before = self.do(everything)
        _, available, _, _ = self.do(lambda q: sums(q, account))
        took = self.do(holding(account, run, amount))
        assert took == (account in self.postpaid or available >= amount)
        if not took:
            assert self.do(everything) == before, "invariant 7: a refusal changes nothing"
            return multiple()
        self.pending[run] = amount
        return account, run, pages

    @rule(account=accounts, pages=st.integers(1, 5))
    def hold_in_a_body_that_dies(self, account, pages):
        before = self.do(everything)

        async def body(q):
            await holding(account, "ghost", cost(self.units[account], pages))(q)
            raise Deliberate

        with pytest.raises(Deliberate):
            self.do(body)
        assert self.do(everything) == before

    @precondition(lambda self: self.pending)
    @rule(hold=holds, data=st.data())
    def resolve(self, hold, data):
        account, run, pages = hold
        if run not in self.pending:
            return
        held = self.pending[run]
        settlement = settle(self.units[account], held, data.draw(st.integers(0, pages)))
        if data.draw(st.booleans()):
            self.resolve_in_a_body_that_dies(account, run, settlement)
        self.do(settling(account, run, settlement.charge, settlement.release))
        del self.pending[run]

    def resolve_in_a_body_that_dies(self, account, run, settlement):
        before = self.do(everything)

        async def body(q):
            await settling(account, run, settlement.charge, settlement.release)(q)
            raise Deliberate

        with pytest.raises(Deliberate):
            self.do(body)
        assert self.do(everything) == before

    def open(self, account: str, unit: Unit, granted: int, postpaid: bool) -> None:
        self.units[account] = unit
        self.granted[account] = granted
        if postpaid:
            self.postpaid.add(account)
        self.do(opening(account, unit, granted, postpaid))

    @invariant()
    def invariant_1_the_sums_agree_with_each_other_and_with_the_entries(self):
        async def body(q):
            return await q.all(
                "SELECT a.id, a.granted, a.available, a.held, a.charged, a.entries,"
                " count(e.number), min(e.number), max(e.number),"
                " sum(CASE e.kind WHEN 'grant' THEN e.amount ELSE 0 END),"
                " sum(CASE e.kind WHEN 'hold' THEN e.amount ELSE 0 END),"
                " sum(CASE e.kind WHEN 'charge' THEN e.amount ELSE 0 END),"
                " sum(CASE e.kind WHEN 'release' THEN e.amount ELSE 0 END)"
                " FROM account a LEFT JOIN entry e ON e.sandbox = a.sandbox AND e.account = a.id"
                " GROUP BY a.sandbox, a.id ORDER BY a.id"
            )

        rows = self.do(body)
        assert [row[0] for row in rows] == sorted(self.units)
        for account, granted, available, held, charged, entries, *counted in rows:
            count, first, last, grants, holds, charges, releases = counted
            assert granted == available + held + charged
            assert granted == grants == self.granted[account]
            assert held == holds - charges - releases
            assert charged == charges
            assert available == grants - holds + releases
            assert held >= 0
            assert charged >= 0
            assert available >= 0 or account in self.postpaid
            assert (first, last, count) == (1, entries, entries), "numbers have no gap"

    @invariant()
    def invariant_2_a_resolved_hold_is_its_charge_and_its_release(self):
        async def body(q):
            return await q.all(
                "SELECT run, sum(CASE kind WHEN 'hold' THEN 1 ELSE 0 END),"
                " sum(CASE kind WHEN 'hold' THEN amount ELSE 0 END),"
                " sum(CASE kind WHEN 'charge' THEN amount ELSE 0 END),"
                " sum(CASE kind WHEN 'release' THEN amount ELSE 0 END), count(*), min(amount)"
                " FROM entry WHERE run IS NOT NULL GROUP BY run"
            )

        for run, times, held, charged, released, count, least in self.do(body):
            assert times == 1
            assert least > 0
            assert charged <= held
            if run in self.pending:
                assert (held, charged, released) == (self.pending[run], 0, 0)
            else:
                assert held == charged + released
                assert count in (2, 3)


class LedgerInAFile(LedgerMachine):
    """The same on a file, where all bodies of a tick share a commit."""

    def store_file(self) -> Path:
        self.folder = tempfile.TemporaryDirectory()
        return Path(self.folder.name) / "store.db"

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


LedgerMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
LedgerInAFile.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)

TestLedgerInMemory = LedgerMachine.TestCase
TestLedgerInAFile = LedgerInAFile.TestCase

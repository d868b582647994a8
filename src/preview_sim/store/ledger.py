"""Accounts and their entries: grant, hold, and the one resolution of a hold (contract 1.8, 2.3).

Entries are appended and never changed; an account's four sums move in the same statement that
numbers the entry, so granted = available + held + charged at every moment.
"""

from typing import NamedTuple

from preview_sim.domain.billing import EntryKind, Settlement, Unit
from preview_sim.store.queries import Queries, Row


class Account(NamedTuple):
    """An account as it stands; amounts are exact. `scenario` names the owner of a purse."""

    id: str
    company: str
    company_name: str
    scenario: str | None
    unit: Unit
    granted: int
    available: int
    held: int
    charged: int


class Entry(NamedTuple):
    """One line of the ledger; `number` counts within its account."""

    account: str
    number: int
    at: int
    kind: EntryKind
    amount: int
    run: str | None


async def open_account(
    q: Queries,
    sandbox: str,
    account: str,
    company: str,
    scenario: str | None,
    unit: Unit,
    postpaid: bool,
    granted: int,
    now: int,
) -> None:
    """Open an account with its grant; one that exists is left alone and granted nothing again."""
    opened = await q.one(
        "INSERT INTO account (sandbox, id, company, scenario, unit, postpaid, granted, available,"
        " held, charged, entries, runs) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, 0, 0, 1, 0)"
        " ON CONFLICT (sandbox, id) DO NOTHING RETURNING id",
        sandbox,
        account,
        company,
        scenario,
        unit.value,
        int(postpaid),
        granted,
    )
    if opened:
        await _append(q, sandbox, account, 1, now, EntryKind.GRANT, granted, None)


async def hold(q: Queries, sandbox: str, account: str, amount: int) -> tuple[int, int] | None:
    """Set `amount` aside; None if less is available. A postpaid account always holds.

    Returns the number of the entry, which the caller writes with `append_hold`, and the number of
    the run among the account's, from which its id is drawn.
    """
    held = await q.one(
        "UPDATE account SET available = available - $3, held = held + $3, entries = entries + 1,"
        " runs = runs + 1 WHERE sandbox = $1 AND id = $2 AND (available >= $3 OR postpaid = 1)"
        " RETURNING entries, runs",
        sandbox,
        account,
        amount,
    )
    return (held[0], held[1]) if held else None


async def append_hold(
    q: Queries, sandbox: str, account: str, number: int, run: str, amount: int, now: int
) -> None:
    """Write the entry of a hold that was taken."""
    await _append(q, sandbox, account, number, now, EntryKind.HOLD, amount, run)


async def unit(q: Queries, sandbox: str, account: str) -> Unit:
    """The unit that an account is kept in."""
    return (await available(q, sandbox, account))[0]


async def available(q: Queries, sandbox: str, account: str) -> tuple[Unit, int]:
    """The unit of an account and what is available in it."""
    row = await q.one(
        "SELECT unit, available FROM account WHERE sandbox = $1 AND id = $2", sandbox, account
    )
    assert row is not None, f"no account {account}"
    return Unit(row[0]), row[1]


async def settle(
    q: Queries, sandbox: str, account: str, run: str, settlement: Settlement, now: int
) -> None:
    """Resolve the hold of a run: charge and release, both at once. Entries of 0 are not written."""
    moves = [
        (kind, amount)
        for kind, amount in (
            (EntryKind.CHARGE, settlement.charge),
            (EntryKind.RELEASE, settlement.release),
        )
        if amount
    ]
    row = await q.one(
        "UPDATE account SET held = held - $3 - $4, charged = charged + $3,"
        " available = available + $4, entries = entries + $5"
        " WHERE sandbox = $1 AND id = $2 RETURNING entries, held",
        sandbox,
        account,
        settlement.charge,
        settlement.release,
        len(moves),
    )
    assert row is not None, f"no account {account}"
    assert row[1] >= 0, "more was resolved than is held"
    first = row[0] - len(moves) + 1
    for number, (kind, amount) in enumerate(moves, first):
        await _append(q, sandbox, account, number, now, kind, amount, run)


async def accounts(q: Queries, sandbox: str) -> list[Account]:
    """All accounts: the companies' own in the world's order, then the scenarios' purses."""
    rows = await q.all(
        "SELECT a.id, a.company, c.name, a.scenario, a.unit, a.granted, a.available, a.held,"
        " a.charged FROM account a JOIN company c ON c.sandbox = a.sandbox AND c.id = a.company"
        " WHERE a.sandbox = $1"
        " ORDER BY CASE WHEN a.scenario IS NULL THEN 0 ELSE 1 END, c.number, a.id",
        sandbox,
    )
    return [
        Account(id_, company, name, scenario, Unit(unit), granted, free, held, charged)
        for id_, company, name, scenario, unit, granted, free, held, charged in rows
    ]


_ENTRY = "SELECT account, number, at, kind, amount, run FROM entry WHERE sandbox = $1"


async def entries(q: Queries, sandbox: str) -> list[Entry]:
    """All entries of a sandbox in the order of their moments."""
    return _entries(await q.all(f"{_ENTRY} ORDER BY at, account, number", sandbox))


async def entries_of(q: Queries, sandbox: str, run: str) -> list[Entry]:
    """The hold of a run and how it was resolved."""
    return _entries(await q.all(f"{_ENTRY} AND run = $2 ORDER BY number", sandbox, run))


def _entries(rows: list[Row]) -> list[Entry]:
    return [Entry(row[0], row[1], row[2], EntryKind(row[3]), row[4], row[5]) for row in rows]


async def _append(
    q: Queries,
    sandbox: str,
    account: str,
    number: int,
    at: int,
    kind: EntryKind,
    amount: int,
    run: str | None,
) -> None:
    await q.all(
        "INSERT INTO entry (sandbox, account, number, at, kind, amount, run)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7)",
        sandbox,
        account,
        number,
        at,
        kind.value,
        amount,
        run,
    )

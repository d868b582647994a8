"""Work: runs and deliveries that are due, who has them, and proof that they are still theirs.

`due` is on the simulator's clock, `lease_until` on the wall clock (ms); both stand in the row of
the run or delivery itself. A claim raises the fence; whoever comes back with an older one has lost
the work to somebody else, and every statement that ends or puts off work asks for the fence.
"""

from collections.abc import Sequence
from typing import NamedTuple

from preview_sim.store.queries import Queries

RUN = "run"
DELIVERY = "delivery"

#: The kinds of work; each is the name of its table.
KINDS = (RUN, DELIVERY)


class Claim(NamedTuple):
    """A piece of work taken: which, when it was due, and the fence that proves the claim."""

    id: str
    due: int
    fence: int


async def claim(
    q: Queries,
    sandbox: str,
    kind: str,
    now: int,
    wall_ms: int,
    lease_ms: int,
    at_most: int,
    busy: Sequence[str] = (),
) -> list[Claim]:
    """Take up to `at_most` pieces that are due and nobody's, the longest due first.

    Deliveries to the webhooks in `busy` are left for later.
    """
    rows = await q.all(
        _CLAIM[kind] % (_but_not(busy, 6), q.skip_locked),
        sandbox,
        now,
        wall_ms,
        wall_ms + lease_ms,
        at_most,
        *busy,
    )
    return sorted((Claim(*row) for row in rows), key=lambda claim: (claim.due, claim.id))


_CLAIM = {
    kind: (
        f"UPDATE {kind} SET lease_until = $4, fence = fence + 1 WHERE sandbox = $1 AND id IN"
        f" (SELECT id FROM {kind} WHERE sandbox = $1 AND due <= $2 AND lease_until <= $3%s"
        " ORDER BY due, id LIMIT $5%s) RETURNING id, due, fence"
    )
    for kind in KINDS
}


async def next_due(
    q: Queries, sandbox: str, kind: str, wall_ms: int, busy: Sequence[str] = ()
) -> int | None:
    """When the next piece of this kind that nobody has is due; None if nothing waits."""
    row = await q.one(_NEXT_DUE[kind] % _but_not(busy, 3), sandbox, wall_ms, *busy)
    return row[0] if row else None


_NEXT_DUE = {
    kind: (
        f"SELECT due FROM {kind} WHERE sandbox = $1 AND due IS NOT NULL AND lease_until <= $2%s"
        " ORDER BY due LIMIT 1"
    )
    for kind in KINDS
}


def _but_not(webhooks: Sequence[str], first: int) -> str:
    """The condition that leaves these webhooks out; their ids are parameters from `first` on."""
    if not webhooks:
        return ""
    places = ", ".join(f"${first + n}" for n in range(len(webhooks)))
    return f" AND webhook NOT IN ({places})"


async def put_off(q: Queries, sandbox: str, kind: str, claim: Claim, wall_ms: int) -> None:
    """Nobody's again from `wall_ms` on: what was claimed could not be done."""
    await q.all(_PUT_OFF[kind], sandbox, claim.id, claim.fence, wall_ms)


_PUT_OFF = {
    kind: f"UPDATE {kind} SET lease_until = $4 WHERE sandbox = $1 AND id = $2 AND fence = $3"
    for kind in KINDS
}


async def free_all(q: Queries) -> None:
    """Drop every lease: whoever had them is gone, since this process alone has the database."""
    for kind in KINDS:
        await q.all(f"UPDATE {kind} SET lease_until = 0 WHERE due IS NOT NULL")

"""Work: what is due when, who has it, and proof that it is still theirs.

`due` is on the simulator's clock, `lease_until` on the wall clock (ms). A claim raises the fence;
whoever comes back with an older one has lost the work to somebody else.
"""

from collections.abc import Sequence
from typing import NamedTuple

from preview_sim.store.queries import Queries

RUN = "run"
DELIVERY = "delivery"


class Claim(NamedTuple):
    """A piece of work taken: which, when it was due, and the fence that proves the claim."""

    kind: str
    id: str
    due: int
    fence: int


async def add(q: Queries, sandbox: str, kind: str, id_: str, due: int) -> None:
    await q.all(
        "INSERT INTO work (sandbox, kind, id, due, lease_until, fence)"
        " VALUES ($1, $2, $3, $4, 0, 0)",
        sandbox,
        kind,
        id_,
        due,
    )


async def claim(
    q: Queries, sandbox: str, kind: str, now: int, wall_ms: int, lease_ms: int, at_most: int
) -> list[Claim]:
    """Take up to `at_most` pieces that are due and nobody's, the longest due first."""
    rows = await q.all(
        "UPDATE work SET lease_until = $4, fence = fence + 1"
        " WHERE sandbox = $1 AND kind = $2 AND id IN (SELECT id FROM work WHERE sandbox = $1"
        " AND kind = $2 AND due <= $3 AND lease_until <= $5 ORDER BY due, id LIMIT $6"
        f"{q.skip_locked}) RETURNING id, due, fence",
        sandbox,
        kind,
        now,
        wall_ms + lease_ms,
        wall_ms,
        at_most,
    )
    claims = [Claim(kind, id_, due, fence) for id_, due, fence in rows]
    return sorted(claims, key=lambda claim: (claim.due, claim.id))


async def hand_back(q: Queries, sandbox: str, claim: Claim, due: int) -> bool:
    """Give the work back to be done at `due`; False if the claim was lost meanwhile."""
    row = await q.one(
        "UPDATE work SET due = $5, lease_until = 0"
        " WHERE sandbox = $1 AND kind = $2 AND id = $3 AND fence = $4 RETURNING id",
        sandbox,
        claim.kind,
        claim.id,
        claim.fence,
        due,
    )
    return row is not None


async def finish(q: Queries, sandbox: str, claim: Claim) -> bool:
    """The work is done for good; False if the claim was lost meanwhile."""
    row = await q.one(
        "DELETE FROM work WHERE sandbox = $1 AND kind = $2 AND id = $3 AND fence = $4 RETURNING id",
        sandbox,
        claim.kind,
        claim.id,
        claim.fence,
    )
    return row is not None


async def next_due(q: Queries, sandbox: str, kinds: Sequence[str], wall_ms: int) -> int | None:
    """When the next piece of these kinds that nobody has is due; None if nothing waits."""
    soonest: int | None = None
    for kind in kinds:
        row = await q.one(
            "SELECT min(due) FROM work WHERE sandbox = $1 AND kind = $2 AND lease_until <= $3",
            sandbox,
            kind,
            wall_ms,
        )
        if row is not None and row[0] is not None and (soonest is None or row[0] < soonest):
            soonest = row[0]
    return soonest


async def waiting(q: Queries, sandbox: str) -> int:
    """How many pieces there are, claimed or not."""
    row = await q.one("SELECT count(*) FROM work WHERE sandbox = $1", sandbox)
    assert row is not None
    count: int = row[0]
    return count


async def free_all(q: Queries) -> None:
    """Drop every lease: whoever had them is gone, since this process alone has the database."""
    await q.all("UPDATE work SET lease_until = 0 WHERE lease_until > 0")

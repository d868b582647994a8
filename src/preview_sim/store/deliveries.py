"""Deliveries and their attempts."""

from typing import NamedTuple

from preview_sim.domain.webhook import Attempt, DeliveryState, Verdict
from preview_sim.store.queries import Queries, Row
from preview_sim.store.work import Claim


class DeliveryRow(NamedTuple):
    """A delivery: one event of one run to one webhook. `body` is sent as it stands."""

    id: str
    webhook: str
    run: str
    event: str
    body: bytes
    state: DeliveryState
    attempts: int
    created_at: int


class AttemptRow(NamedTuple):
    """One attempt of a delivery; `at` is when it ended."""

    delivery: str
    number: int
    at: int
    status: int | None
    error: str | None
    duration_ms: int
    retry_at: int | None


async def insert(q: Queries, sandbox: str, delivery: DeliveryRow) -> None:
    """Write a new delivery; it is due at once."""
    await q.all(
        "INSERT INTO delivery (sandbox, id, webhook, run, event, body, state, attempts,"
        " created_at, due, lease_until, fence)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, 0, 0)",
        sandbox,
        delivery.id,
        delivery.webhook,
        delivery.run,
        delivery.event,
        delivery.body,
        delivery.state.value,
        delivery.attempts,
        delivery.created_at,
    )


_DELIVERY = (
    "SELECT id, webhook, run, event, body, state, attempts, created_at FROM delivery"
    " WHERE sandbox = $1"
)


async def claimed(q: Queries, sandbox: str, claim: Claim) -> DeliveryRow | None:
    """The delivery that a claim is for; None if the claim was lost, or nothing is left to send."""
    row = await q.one(
        f"{_DELIVERY} AND id = $2 AND fence = $3 AND due IS NOT NULL",
        sandbox,
        claim.id,
        claim.fence,
    )
    return _delivery(row) if row else None


async def of_run(q: Queries, sandbox: str, run: str) -> list[DeliveryRow]:
    rows = await q.all(f"{_DELIVERY} AND run = $2 ORDER BY created_at, id", sandbox, run)
    return [_delivery(row) for row in rows]


async def record_attempt(
    q: Queries,
    sandbox: str,
    claim: Claim,
    number: int,
    at: int,
    attempt: Attempt,
    verdict: Verdict,
) -> bool:
    """Append an attempt and what it made of the delivery; False if the claim was lost."""
    row = await q.one(
        "UPDATE delivery SET state = $4, attempts = $5, due = $6, lease_until = 0"
        " WHERE sandbox = $1 AND id = $2 AND fence = $3 AND due IS NOT NULL RETURNING id",
        sandbox,
        claim.id,
        claim.fence,
        verdict.state.value,
        number,
        verdict.retry_at,
    )
    if row is None:
        return False
    await q.all(
        "INSERT INTO attempt (sandbox, delivery, number, at, status, error, duration_ms, retry_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        sandbox,
        claim.id,
        number,
        at,
        attempt.status,
        attempt.error,
        attempt.duration_ms,
        verdict.retry_at,
    )
    return True


async def attempts(q: Queries, sandbox: str, delivery: str) -> list[AttemptRow]:
    rows = await q.all(
        "SELECT delivery, number, at, status, error, duration_ms, retry_at FROM attempt"
        " WHERE sandbox = $1 AND delivery = $2 ORDER BY number",
        sandbox,
        delivery,
    )
    return [AttemptRow(*row) for row in rows]


def _delivery(row: Row) -> DeliveryRow:
    id_, webhook, run, event, body, state, attempts_made, created_at = row
    return DeliveryRow(
        id_, webhook, run, event, body, DeliveryState(state), attempts_made, created_at
    )

"""Runs and the queries that they put to the provider."""

from typing import NamedTuple

from preview_sim.domain.run import PreviewRequest, Query, RunState
from preview_sim.store.queries import Queries, Row
from preview_sim.store.work import Claim


class RunRow(NamedTuple):
    """A run as stored: what was asked, where it stands. `query` is the one in the air."""

    id: str
    company: str
    account: str
    scenario: str
    via: str
    request: PreviewRequest
    state: RunState
    held: int
    created_at: int
    completed_at: int | None
    query: Query
    asked_at: int
    answered: int
    empty: int
    found: int


class QueryRow(NamedTuple):
    """One attempt at one page: when it was asked and answered, and how."""

    page: int
    attempt: int
    asked_at: int
    answered_at: int
    outcome: str
    more: bool | None
    people: int
    """How many the page had."""
    new_people: bytes | None
    """Those that no earlier page had, as a JSON array, while the run goes on; then its result has
    them."""


class Polled(NamedTuple):
    """What a poll needs. `result` is the whole body once the run is over."""

    company: str
    scenario: str
    via: str
    created_at: int
    found: int
    result: bytes | None


async def insert(
    q: Queries,
    sandbox: str,
    run: str,
    company: str,
    account: str,
    scenario: str,
    via: str,
    request: PreviewRequest,
    held: int,
    now: int,
    due: int,
) -> None:
    """Write a new run that asks for page 1 at once; the answer is due at `due`."""
    await q.all(
        # '' for NULL: the stdlib's driver takes 1 µs to bind a None.
        "INSERT INTO run (sandbox, id, company, account, scenario, via, title, job_description,"
        " location, query, candidate_limit, webhook, held, created_at, asked_at, due, state, page,"
        " attempt, answered, empty, found, lease_until, fence) VALUES ($1, $2, $3, $4, $5, $6, $7,"
        " $8, $9, nullif($10, ''), $11, nullif($12, ''), $13, $14, $14, $15, 'processing', 1, 1,"
        " 0, 0, 0, 0, 0)",
        sandbox,
        run,
        company,
        account,
        scenario,
        via,
        request.title,
        request.job_description,
        request.location,
        request.query or "",
        request.limit,
        request.webhook_id or "",
        held,
        now,
        due,
    )


_RUN = (
    "SELECT id, company, account, scenario, via, title, job_description, location, query,"
    " candidate_limit, webhook, state, held, created_at, completed_at, page, attempt, asked_at,"
    " answered, empty, found FROM run WHERE sandbox = $1 AND id = $2"
)


async def load(q: Queries, sandbox: str, run: str) -> RunRow | None:
    row = await q.one(_RUN, sandbox, run)
    return _run(row) if row else None


async def claimed(q: Queries, sandbox: str, claim: Claim) -> RunRow | None:
    """The run that a claim is for; None if the claim was lost, or the run is over."""
    row = await q.one(f"{_RUN} AND fence = $3 AND due IS NOT NULL", sandbox, claim.id, claim.fence)
    return _run(row) if row else None


async def poll(q: Queries, sandbox: str, run: str) -> Polled | None:
    row = await q.one(
        "SELECT company, scenario, via, created_at, found, result FROM run"
        " WHERE sandbox = $1 AND id = $2",
        sandbox,
        run,
    )
    return Polled(*row) if row else None


async def record_answer(q: Queries, sandbox: str, run: str, answer: QueryRow) -> None:
    """Append how one attempt ended; page and attempt make it unique."""
    await q.all(
        "INSERT INTO page_query (sandbox, run, page, attempt, asked_at, answered_at, outcome, more,"
        " people, new_people) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        sandbox,
        run,
        answer.page,
        answer.attempt,
        answer.asked_at,
        answer.answered_at,
        answer.outcome,
        None if answer.more is None else int(answer.more),
        answer.people,
        answer.new_people,
    )


async def drop_people(q: Queries, sandbox: str, run: str) -> None:
    """The run is over: its people are in its result."""
    await q.all(
        "UPDATE page_query SET new_people = NULL WHERE sandbox = $1 AND run = $2", sandbox, run
    )


class Totals(NamedTuple):
    """What a run has so far: pages answered, how many of them empty, different people found."""

    answered: int
    empty: int
    found: int


async def ask(
    q: Queries, sandbox: str, claim: Claim, query: Query, asked_at: int, due: int, totals: Totals
) -> bool:
    """The run goes on with `query`, whose answer is due at `due`; False if the claim was lost."""
    row = await q.one(
        "UPDATE run SET page = $4, attempt = $5, asked_at = $6, due = $7, lease_until = 0,"
        " answered = $8, empty = $9, found = $10"
        " WHERE sandbox = $1 AND id = $2 AND fence = $3 AND due IS NOT NULL RETURNING id",
        sandbox,
        claim.id,
        claim.fence,
        query.page,
        query.attempt,
        asked_at,
        due,
        *totals,
    )
    return row is not None


async def end(
    q: Queries,
    sandbox: str,
    claim: Claim,
    state: RunState,
    now: int,
    totals: Totals,
    result: bytes,
) -> bool:
    """The run is over: `result` is the body of every later poll. False if the claim was lost."""
    row = await q.one(
        "UPDATE run SET state = $4, completed_at = $5, answered = $6, empty = $7, found = $8,"
        " result = $9, due = NULL, lease_until = 0"
        " WHERE sandbox = $1 AND id = $2 AND fence = $3 AND due IS NOT NULL RETURNING id",
        sandbox,
        claim.id,
        claim.fence,
        state.value,
        now,
        *totals,
        result,
    )
    return row is not None


async def answers(q: Queries, sandbox: str, run: str) -> list[QueryRow]:
    """Every attempt of a run, in order."""
    rows = await q.all(
        "SELECT page, attempt, asked_at, answered_at, outcome, more, people, new_people"
        " FROM page_query WHERE sandbox = $1 AND run = $2 ORDER BY page, attempt",
        sandbox,
        run,
    )
    return [
        QueryRow(
            page,
            attempt,
            asked,
            answered,
            outcome,
            None if more is None else bool(more),
            count,
            new,
        )
        for page, attempt, asked, answered, outcome, more, count, new in rows
    ]


async def open_scenarios(q: Queries, sandbox: str) -> list[str]:
    """The scenarios that unfinished runs still follow."""
    rows = await q.all(
        "SELECT DISTINCT scenario FROM run WHERE sandbox = $1 AND state = $2 ORDER BY scenario",
        sandbox,
        RunState.PROCESSING.value,
    )
    return [row[0] for row in rows]


def _run(row: Row) -> RunRow:
    id_, company, account, scenario, via = row[:5]
    state, held, created_at, completed_at, page, attempt, asked_at = row[11:18]
    answered, empty, found = row[18:]
    return RunRow(
        id_,
        company,
        account,
        scenario,
        via,
        PreviewRequest(*row[5:11]),
        RunState(state),
        held,
        created_at,
        completed_at,
        Query(page, attempt),
        asked_at,
        answered,
        empty,
        found,
    )


async def unsettled(q: Queries, sandbox: str) -> list[tuple[str, int, str]]:
    """Id, limit and scenario of each run that is not over or whose event is not delivered."""
    rows = await q.all(
        "SELECT id, candidate_limit, scenario FROM run WHERE sandbox = $1 AND (due IS NOT NULL"
        " OR id IN (SELECT run FROM delivery WHERE sandbox = $1 AND due IS NOT NULL)) ORDER BY id",
        sandbox,
    )
    return [(id_, limit, scenario) for id_, limit, scenario in rows]

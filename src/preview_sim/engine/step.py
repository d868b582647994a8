"""One step of a run: take the provider's answer, record it, plan what comes next.

A query's outcome and duration are known when it is asked; the work is due when its answer arrives.
So nothing waits in memory, and a restart goes on where the store says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from preview_sim.domain.billing import settle
from preview_sim.domain.candidate import CandidateFields
from preview_sim.domain.draw import draw_uuid
from preview_sim.domain.run import (
    Completed,
    Failed,
    Next,
    Outcome,
    Page,
    RunState,
    after_failure,
    after_page,
    charged_pages,
    transition,
)
from preview_sim.domain.timestamp import to_iso
from preview_sim.domain.webhook import (
    SOURCING_COMPLETED,
    SOURCING_FAILED,
    DeliveryState,
    envelope,
    event_label,
)
from preview_sim.engine.sandbox import Sandbox
from preview_sim.provider import page as provider_page
from preview_sim.spec import event_errors
from preview_sim.store import Queries, deliveries, ledger, runs, worlds
from preview_sim.store.deliveries import DeliveryRow
from preview_sim.store.runs import QueryRow, RunRow, Totals
from preview_sim.store.work import Claim


@dataclass(frozen=True, slots=True)
class Stepped:
    """What a step did, and when the next piece of work is due (ms), if it made one."""

    event: dict[str, object]
    next_due: int | None


@dataclass(frozen=True, slots=True)
class _Progress:
    """A run after the answer at hand; `people` are all that it has found so far."""

    totals: Totals
    people: Sequence[CandidateFields]


async def step(sandbox: Sandbox, claim: Claim, now: int) -> Stepped | None:
    """Do what is due of a run, in one transaction; None if the claim was lost meanwhile."""

    async def body(q: Queries) -> Stepped | None:
        run = await runs.claimed(q, sandbox.id, claim)
        if run is None:
            return None
        scenario = sandbox.library.get(run.scenario)
        plan, seed = scenario.provider, sandbox.seed_of(scenario)
        ends, _ = plan.answer(seed, run.id, run.query)
        progress = _Progress(Totals(run.answered, run.empty, run.found), ())
        more: bool | None = None
        count = 0
        if ends.outcome is Outcome.OK:
            page = provider_page(seed, run.request.search, run.query.page, plan)
            progress = await _take(q, sandbox, run, page)
            more, count = page.more, len(page.people)
            following = after_page(
                run.query,
                more=page.more,
                empty=not page.people,
                pages_at_most=run.request.pages_at_most,
            )
        else:
            following = after_failure(
                run.query,
                retries=plan.retries,
                pages_answered=run.answered,
                billing=sandbox.readings_of(run.scenario)["failed-page-billing"],
            )
        if following.query is None:
            state = transition(run.state, following.event)
            kept, next_due = await _end(q, sandbox, run, claim, state, progress, now)
        else:
            asked_at = now + following.pause_ms
            _, took = plan.answer(seed, run.id, following.query)
            next_due = asked_at + took
            kept = await runs.ask(
                q, sandbox.id, claim, following.query, asked_at, next_due, progress.totals
            )
        if not kept:
            return None
        new = progress.people[run.found :]
        answer = QueryRow(
            run.query.page,
            run.query.attempt,
            run.asked_at,
            now,
            str(ends),
            more,
            count,
            orjson.dumps(new) if new and following.query else None,
        )
        await runs.record_answer(q, sandbox.id, run.id, answer)
        if following.query is None and run.query.page > 1:
            await runs.drop_people(q, sandbox.id, run.id)
        return Stepped(_event(run, answer, following, now), next_due)

    return await sandbox.store.transact(body)


async def _take(q: Queries, sandbox: Sandbox, run: RunRow, page: Page) -> _Progress:
    """Count a page in; a person whom an earlier page had is dropped (contract 2.12 [A])."""
    earlier = await _found_so_far(q, sandbox, run) if run.query.page > 1 else []
    known = {person["profileId"] for person in earlier}
    new = [person for person in page.people if person["profileId"] not in known]
    totals = Totals(
        answered=run.answered + 1,
        empty=run.empty + (not page.people),
        found=run.found + len(new),
    )
    return _Progress(totals, [*earlier, *new])


async def _found_so_far(q: Queries, sandbox: Sandbox, run: RunRow) -> list[CandidateFields]:
    found: list[CandidateFields] = []
    for answer in await runs.answers(q, sandbox.id, run.id):
        if answer.new_people:
            found += orjson.loads(answer.new_people)
    return found


async def _end(
    q: Queries,
    sandbox: Sandbox,
    run: RunRow,
    claim: Claim,
    state: RunState,
    progress: _Progress,
    now: int,
) -> tuple[bool, int | None]:
    """Keep the result, settle the hold, and tell the webhook: all of it or nothing.

    Returns whether the claim still held, and when the delivery is due, if there is one.
    """
    readings = sandbox.readings_of(run.scenario)
    document: Completed | Failed
    if state is RunState.COMPLETED:
        people = progress.people or await _found_so_far(q, sandbox, run)
        # Written once, embedded twice: in the results and in the event.
        candidates = orjson.Fragment(orjson.dumps(people[: run.request.limit]))
        document = Completed(run.id, run.created_at, now, progress.totals.found, candidates)
    else:
        document = Failed(run.id, run.created_at, now)
    result = orjson.dumps(document.results())
    if not await runs.end(q, sandbox.id, claim, state, now, progress.totals, result):
        return False, None
    pages = charged_pages(
        state,
        answered=progress.totals.answered,
        empty=progress.totals.empty,
        failed_billing=readings["failed-page-billing"],
        empty_page=readings["empty-page"],
    )
    unit = await ledger.unit(q, sandbox.id, run.account)
    await ledger.settle(q, sandbox.id, run.account, run.id, settle(unit, run.held, pages), now)
    return True, await _announce(q, sandbox, run, document, now, readings["event-label"])


async def _announce(
    q: Queries,
    sandbox: Sandbox,
    run: RunRow,
    document: Completed | Failed,
    now: int,
    spelling: str,
) -> int | None:
    """Append the one terminal event of the run, if its webhook wants it (contract 5.1 [S])."""
    if run.request.webhook_id is None:
        return None
    event = SOURCING_COMPLETED if isinstance(document, Completed) else SOURCING_FAILED
    webhook = await worlds.webhook(q, sandbox.id, run.request.webhook_id)
    if webhook is None or not webhook.active or event not in webhook.events:
        return None
    delivery_id = draw_uuid(sandbox.seed, "delivery", run.id, event)
    body = orjson.dumps(
        envelope(event_label(event, spelling), now, delivery_id, document.event_data())
    )
    if sandbox.self_check:
        wrong = event_errors(event, orjson.loads(body))
        assert not wrong, f"a delivery of ours breaks the contract: {wrong}"
    await deliveries.insert(
        q,
        sandbox.id,
        DeliveryRow(delivery_id, webhook.id, run.id, event, body, DeliveryState.PENDING, 0, now),
    )
    return now


def _event(run: RunRow, answer: QueryRow, following: Next, now: int) -> dict[str, object]:
    event: dict[str, object] = {
        "at": to_iso(now),
        "kind": "query",
        "requestId": run.id,
        "page": answer.page,
        "attempt": answer.attempt,
        "outcome": answer.outcome,
    }
    after = transition(run.state, following.event)
    if after is not RunState.PROCESSING:
        event["status"] = after.value
    return event

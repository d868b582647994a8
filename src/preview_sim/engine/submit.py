"""Accept a run: one transaction that checks the webhook, takes the hold, and queues the work."""

from preview_sim.domain.billing import Unit, cost, say, to_units
from preview_sim.domain.draw import draw_uuid
from preview_sim.domain.errors import (
    InsufficientCredits,
    ResourceAccessDenied,
    ResourceNotFound,
    WebhookNotSubscribed,
)
from preview_sim.domain.run import PreviewRequest, Query
from preview_sim.domain.webhook import TERMINAL_EVENTS, subscribes_to_an_end
from preview_sim.engine.door import Caller
from preview_sim.engine.sandbox import Choice, Sandbox
from preview_sim.store import Queries, ledger, runs, worlds


async def submit(
    sandbox: Sandbox, caller: Caller, choice: Choice, request: PreviewRequest, now: int
) -> tuple[str, int]:
    """Accept a run; returns its requestId and when its first answer is due (ms).

    Refused requests leave nothing behind: ResourceNotFound, ResourceAccessDenied and
    WebhookNotSubscribed for the webhook (contract 1.7), InsufficientCredits for the balance (1.8).
    """

    seed = sandbox.seed_of(choice.scenario)

    async def body(q: Queries) -> tuple[str, int]:
        if request.webhook_id is not None:
            await _check_webhook(q, sandbox, caller, request.webhook_id)
        account, unit = await _account(q, sandbox, caller, choice, now)
        held = cost(unit, request.pages_at_most)
        taken = await ledger.hold(q, sandbox.id, account, held)
        if taken is None:
            _, free = await ledger.available(q, sandbox.id, account)
            raise _too_little(unit, held, free)
        entry, number = taken
        run_id = f"req_{draw_uuid(sandbox.seed, 'run', account, number)}"
        await ledger.append_hold(q, sandbox.id, account, entry, run_id, held, now)
        _, took = choice.scenario.provider.answer(seed, run_id, Query())
        due = now + took
        await runs.insert(
            q,
            sandbox.id,
            run_id,
            caller.company,
            account,
            choice.scenario.name,
            choice.via,
            request,
            held,
            now,
            due,
        )
        return run_id, due

    return await sandbox.store.transact(body)


async def _check_webhook(q: Queries, sandbox: Sandbox, caller: Caller, webhook_id: str) -> None:
    webhook = await worlds.webhook(q, sandbox.id, webhook_id)
    about = {"resourceType": "WebhookConfig", "resourceId": webhook_id}
    if webhook is None:
        raise ResourceNotFound("Webhook configuration not found", about)
    if webhook.company != caller.company:
        raise ResourceAccessDenied("The webhook configuration belongs to another company.", about)
    if not subscribes_to_an_end(webhook.events):
        raise WebhookNotSubscribed(
            f"Expected a webhook that subscribes to {' or '.join(TERMINAL_EVENTS)}, got one that "
            f"subscribes to {', '.join(webhook.events)} only.",
            {"webhookId": webhook_id, "events": list(webhook.events)},
        )


async def _account(
    q: Queries, sandbox: Sandbox, caller: Caller, choice: Choice, now: int
) -> tuple[str, Unit]:
    """The account that pays: the company's, or the purse that the scenario brings for this key."""
    plan = choice.scenario.account
    if plan.balance is None:
        return caller.company, caller.unit
    purse = f"{caller.id}:{choice.scenario.name}"
    await ledger.open_account(
        q,
        sandbox.id,
        account=purse,
        company=caller.company,
        scenario=choice.scenario.name,
        unit=plan.unit,
        postpaid=plan.postpaid,
        granted=plan.balance,
        now=now,
    )
    return purse, plan.unit


def _too_little(unit: Unit, required: int, available: int) -> InsufficientCredits:
    need, have = to_units(unit, required), to_units(unit, available)
    return InsufficientCredits(
        f"This run can cost up to {say(unit, required)}; {say(unit, available)} available. "
        "Lower `limit`, wait for runs that still hold some, or take another key or scenario.",
        {"required": need, "available": have, "unit": unit.value},
    )

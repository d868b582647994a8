"""What the control side shows: a sandbox, its ledger, the story of a run.

Amounts are numbers in the unit: credits, or minutes with one decimal. Nothing here changes
anything.
"""

from typing import Any

from preview_sim.domain.billing import Unit, to_units
from preview_sim.domain.errors import RequestNotFound
from preview_sim.domain.run import RunState
from preview_sim.domain.timestamp import to_iso
from preview_sim.engine.deliver import absolute
from preview_sim.engine.sandbox import Sandbox
from preview_sim.store import Queries, deliveries, ledger, runs, worlds
from preview_sim.store.ledger import Entry

Shown = dict[str, Any]

#: The rule of the contract that makes each kind of ledger entry.
_ENTRY_RULES = {"hold": "1.8", "charge": "2.2", "release": "2.3"}


async def describe(sandbox: Sandbox, own_base: str) -> Shown:
    """The sandbox with its companies, keys, webhooks and signing secrets."""

    async def body(q: Queries) -> list[Shown]:
        keys = await worlds.keys(q, sandbox.id)
        hooks = await worlds.webhooks(q, sandbox.id)
        return [
            {
                "id": id_,
                "name": name,
                "unit": unit.value,
                "apiKeys": [key.secret for key in keys if key.company == id_],
                "webhooks": [
                    {
                        "id": hook.id,
                        "url": absolute(hook.url, own_base),
                        "signingSecret": hook.secret,
                    }
                    for hook in hooks
                    if hook.company == id_
                ],
            }
            for id_, name, unit in await worlds.companies(q, sandbox.id)
        ]

    return {
        "id": sandbox.id,
        "seed": sandbox.seed,
        "clock": sandbox.clock,
        "scenario": sandbox.scenario,
        "companies": await sandbox.store.read(body),
    }


async def ledger_of(sandbox: Sandbox) -> Shown:
    """Accounts with their four sums, and every entry."""

    async def body(q: Queries) -> tuple[list[ledger.Account], list[Entry]]:
        return await ledger.accounts(q, sandbox.id), await ledger.entries(q, sandbox.id)

    accounts, entries = await sandbox.store.read(body)
    units = {account.id: account.unit for account in accounts}
    return {
        "accounts": [
            {
                "accountId": account.id,
                "companyId": account.company,
                "companyName": account.company_name,
                "scenario": account.scenario,
                "unit": account.unit.value,
                "granted": to_units(account.unit, account.granted),
                "available": to_units(account.unit, account.available),
                "held": to_units(account.unit, account.held),
                "charged": to_units(account.unit, account.charged),
            }
            for account in accounts
        ],
        "entries": [
            {
                "at": to_iso(entry.at),
                "accountId": entry.account,
                "kind": entry.kind.value,
                "amount": to_units(units[entry.account], entry.amount),
                "requestId": entry.run,
            }
            for entry in entries
        ],
    }


async def story_of(sandbox: Sandbox, request_id: str) -> Shown:
    """A run from its acceptance to its last delivery attempt; each step names its rule."""

    async def body(q: Queries) -> Shown:
        run = await runs.load(q, sandbox.id, request_id.lower())
        if run is None:
            raise RequestNotFound(f"No run has the requestId {request_id!r}.")
        unit = await ledger.unit(q, sandbox.id, run.account)
        moves = await ledger.entries_of(q, sandbox.id, run.id)
        steps: list[Shown] = [
            {
                "at": to_iso(run.created_at),
                "kind": "accepted",
                "rule": "1.1",
                "limit": run.request.limit,
                "pagesAtMost": run.request.pages_at_most,
            },
            *(_move(unit, move) for move in moves[:1]),
        ]
        steps += [
            {
                "at": to_iso(answer.answered_at),
                "kind": "query",
                "rule": "2.1" if answer.attempt == 1 else "2.8",
                "page": answer.page,
                "attempt": answer.attempt,
                "askedAt": to_iso(answer.asked_at),
                "outcome": answer.outcome,
                "people": answer.people,
            }
            for answer in await runs.answers(q, sandbox.id, run.id)
        ]
        steps += [_move(unit, move) for move in moves[1:]]
        if run.completed_at is not None:
            done = run.state is RunState.COMPLETED
            steps.append(
                {
                    "at": to_iso(run.completed_at),
                    "kind": run.state.value,
                    "rule": "3.2" if done else "3.3",
                    "found": run.found,
                }
            )
        for delivery in await deliveries.of_run(q, sandbox.id, run.id):
            steps.append(
                {
                    "at": to_iso(delivery.created_at),
                    "kind": "delivery",
                    "rule": "5.1",
                    "deliveryId": delivery.id,
                    "webhookId": delivery.webhook,
                    "event": delivery.event,
                    "state": delivery.state.value,
                }
            )
            steps += [
                {
                    "at": to_iso(attempt.at),
                    "kind": "attempt",
                    "rule": "5.6",
                    "deliveryId": delivery.id,
                    "attempt": attempt.number,
                    "outcome": attempt.error or attempt.status,
                    "retryAt": to_iso(attempt.retry_at) if attempt.retry_at else None,
                }
                for attempt in await deliveries.attempts(q, sandbox.id, delivery.id)
            ]
        return {
            "requestId": run.id,
            "status": run.state.value,
            "scenario": run.scenario,
            "via": run.via,
            "steps": steps,
        }

    return await sandbox.store.read(body)


def _move(unit: Unit, entry: Entry) -> Shown:
    kind = entry.kind.value
    return {
        "at": to_iso(entry.at),
        "kind": kind,
        "rule": _ENTRY_RULES[kind],
        "amount": to_units(unit, entry.amount),
        "unit": unit.value,
    }

"""Sandboxes and what is in them from the start: companies, keys, webhook configs, accounts."""

from typing import NamedTuple

import orjson

from preview_sim.domain.billing import Unit
from preview_sim.domain.draw import draw_hex, draw_uuid
from preview_sim.domain.tenancy import KeyState, World
from preview_sim.store import ledger
from preview_sim.store.queries import Queries, Row


class SandboxRow(NamedTuple):
    """A sandbox as stored. `now_ms` is where its clock stands, or where a running one began."""

    id: str
    seed: int
    clock: str
    now_ms: int


class KeyRow(NamedTuple):
    """A key with the company and account that it opens."""

    id: str
    secret: str
    scopes: tuple[str, ...]
    state: KeyState
    scenario: str | None
    company: str
    company_name: str
    unit: Unit


class WebhookRow(NamedTuple):
    """A webhook config. A `url` that is only a path leads to this process's own sink."""

    id: str
    company: str
    url: str
    events: tuple[str, ...]
    secret: str
    headers: dict[str, str]
    active: bool
    max_retries: int
    timeout_ms: int


async def create(q: Queries, sandbox: SandboxRow, world: World) -> None:
    """Write a world into a new sandbox; ids and secrets are drawn from its seed."""
    await q.all(
        "INSERT INTO sandbox (id, seed, clock, now_ms) VALUES ($1, $2, $3, $4)",
        sandbox.id,
        sandbox.seed,
        sandbox.clock,
        sandbox.now_ms,
    )
    seed = sandbox.seed
    for number, company in enumerate(world.companies):
        company_id = draw_uuid(seed, "company", number)
        await q.all(
            "INSERT INTO company (sandbox, id, name, number) VALUES ($1, $2, $3, $4)",
            sandbox.id,
            company_id,
            company.name,
            number,
        )
        await ledger.open_account(
            q,
            sandbox.id,
            account=company_id,
            company=company_id,
            scenario=None,
            unit=company.unit,
            postpaid=company.postpaid,
            granted=company.balance,
            now=sandbox.now_ms,
        )
        for order, key in enumerate(company.keys):
            await q.all(
                "INSERT INTO api_key (sandbox, id, company, number, secret, scopes, state,"
                " scenario) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                sandbox.id,
                draw_uuid(seed, "key", number, order),
                company_id,
                order,
                key.key,
                " ".join(key.scopes),
                key.state.value,
                key.scenario,
            )
        for order, webhook in enumerate(company.webhooks):
            await q.all(
                "INSERT INTO webhook (sandbox, id, company, number, url, events, secret, headers,"
                " active, max_retries, timeout_ms)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10)",
                sandbox.id,
                webhook.id,
                company_id,
                order,
                webhook.url or f"/_sink/in/{sandbox.id}/{webhook.id}",
                " ".join(webhook.events),
                webhook.secret or draw_hex(seed, "signing secret", webhook.id),
                orjson.dumps(dict(webhook.headers)).decode(),
                webhook.max_retries,
                webhook.timeout_ms,
            )


async def sandbox(q: Queries, id_: str) -> SandboxRow | None:
    row = await q.one("SELECT id, seed, clock, now_ms FROM sandbox WHERE id = $1", id_)
    return SandboxRow(*row) if row else None


async def set_now(q: Queries, sandbox_id: str, now: int) -> None:
    """Remember where a still clock stands, so that a restart goes on from there."""
    await q.all("UPDATE sandbox SET now_ms = $2 WHERE id = $1", sandbox_id, now)


async def keys(q: Queries, sandbox_id: str) -> list[KeyRow]:
    """All keys, in the world's order."""
    rows = await q.all(
        "SELECT k.id, k.secret, k.scopes, k.state, k.scenario, c.id, c.name, a.unit"
        " FROM api_key k JOIN company c ON c.sandbox = k.sandbox AND c.id = k.company"
        " JOIN account a ON a.sandbox = k.sandbox AND a.id = k.company"
        " WHERE k.sandbox = $1 ORDER BY c.number, k.number",
        sandbox_id,
    )
    return [
        KeyRow(
            id_, secret, tuple(scopes.split()), KeyState(state), scenario, company, name, Unit(unit)
        )
        for id_, secret, scopes, state, scenario, company, name, unit in rows
    ]


async def companies(q: Queries, sandbox_id: str) -> list[tuple[str, str, Unit]]:
    """Id, name and unit of each company, in the world's order."""
    rows = await q.all(
        "SELECT c.id, c.name, a.unit FROM company c JOIN account a"
        " ON a.sandbox = c.sandbox AND a.id = c.id WHERE c.sandbox = $1 ORDER BY c.number",
        sandbox_id,
    )
    return [(id_, name, Unit(unit)) for id_, name, unit in rows]


_WEBHOOK = (
    "SELECT id, company, url, events, secret, headers, active, max_retries, timeout_ms"
    " FROM webhook WHERE sandbox = $1"
)


async def webhook(q: Queries, sandbox_id: str, webhook_id: str) -> WebhookRow | None:
    row = await q.one(f"{_WEBHOOK} AND id = $2", sandbox_id, webhook_id)
    return _webhook(row) if row else None


async def webhooks(q: Queries, sandbox_id: str) -> list[WebhookRow]:
    """All webhook configs, each company's in the world's order."""
    rows = await q.all(f"{_WEBHOOK} ORDER BY company, number", sandbox_id)
    return [_webhook(row) for row in rows]


def _webhook(row: Row) -> WebhookRow:
    id_, company, url, events, secret, headers, active, max_retries, timeout_ms = row
    return WebhookRow(
        id_,
        company,
        url,
        tuple(events.split()),
        secret,
        orjson.loads(headers),
        bool(active),
        max_retries,
        timeout_ms,
    )

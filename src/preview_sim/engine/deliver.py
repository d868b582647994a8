"""Deliveries: what goes out on an attempt, and what an attempt makes of the delivery.

The sending itself is not here; between `prepare` and `record` somebody does it.
"""

from dataclasses import dataclass

import orjson

from preview_sim.domain.draw import draw_fraction, draw_uuid
from preview_sim.domain.signature import PROFILES, sign
from preview_sim.domain.timestamp import to_iso
from preview_sim.domain.webhook import Attempt, after_attempt
from preview_sim.engine.sandbox import Sandbox
from preview_sim.engine.step import Stepped
from preview_sim.store import Queries, deliveries, runs, worlds
from preview_sim.store.work import Claim


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One attempt to send. A `url` that is only a path leads to this process's own sink."""

    delivery: str
    webhook: str
    number: int
    url: str
    headers: list[tuple[str, str]]
    body: bytes
    timeout_ms: int


async def prepare(sandbox: Sandbox, claim: Claim, wall_s: int) -> Outgoing | None:
    """What the claimed delivery sends now, freshly signed; None if the claim was lost.

    The bytes are those of the first attempt (contract 5.5 [A]), unless the reading `delivery-id` is
    `per-attempt`. `wall_s` is the wall clock in seconds: receivers check it against their own.
    """

    async def body(q: Queries) -> Outgoing | None:
        delivery = await deliveries.claimed(q, sandbox.id, claim)
        if delivery is None:
            return None
        webhook = await worlds.webhook(q, sandbox.id, delivery.webhook)
        run = await runs.load(q, sandbox.id, delivery.run)
        assert webhook is not None, f"a delivery without its webhook: {delivery.webhook}"
        assert run is not None, f"a delivery without its run: {delivery.run}"
        readings = sandbox.readings_of(run.scenario)
        number = delivery.attempts + 1
        sent_id, sent_body = delivery.id, delivery.body
        if number > 1 and readings["delivery-id"] == "per-attempt":
            sent_id = draw_uuid(sandbox.seed, "delivery", delivery.id, number)
            sent_body = orjson.dumps({**orjson.loads(delivery.body), "deliveryId": sent_id})
        profile = PROFILES[readings["signature"]]
        headers = [
            ("Content-Type", "application/json"),
            *webhook.headers.items(),
            *sign(profile, webhook.secret, sent_id, wall_s, sent_body),
        ]
        return Outgoing(
            delivery.id,
            webhook.id,
            number,
            webhook.url,
            headers,
            sent_body,
            webhook.timeout_ms,
        )

    return await sandbox.store.read(body)


async def record(
    sandbox: Sandbox, claim: Claim, outgoing: Outgoing, attempt: Attempt, now: int
) -> Stepped | None:
    """Append how an attempt ended at `now`; None if the claim was lost meanwhile."""
    jitter = draw_fraction(sandbox.seed, "retry", outgoing.delivery, outgoing.number)

    async def body(q: Queries) -> Stepped | None:
        delivery = await deliveries.claimed(q, sandbox.id, claim)
        if delivery is None:
            return None
        webhook = await worlds.webhook(q, sandbox.id, delivery.webhook)
        assert webhook is not None, f"a delivery without its webhook: {delivery.webhook}"
        verdict = after_attempt(attempt, outgoing.number, now, jitter, webhook.max_retries)
        if not await deliveries.record_attempt(
            q, sandbox.id, claim, outgoing.number, now, attempt, verdict
        ):
            return None
        event: dict[str, object] = {
            "at": to_iso(now),
            "kind": "attempt",
            "requestId": delivery.run,
            "deliveryId": delivery.id,
            "event": delivery.event,
            "attempt": outgoing.number,
            "outcome": attempt.error or attempt.status,
            "state": verdict.state.value,
        }
        return Stepped(event, verdict.retry_at)

    return await sandbox.store.transact(body)


def absolute(url: str, own_base: str) -> str:
    """Where an attempt really goes: a path is a path of this process."""
    return own_base + url if url.startswith("/") else url

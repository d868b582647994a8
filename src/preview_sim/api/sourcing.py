"""The two operations of sourcing, from a request that fits the contract to its answer."""

from urllib.parse import unquote_to_bytes

import orjson

from preview_sim.api.answers import Reply
from preview_sim.api.call import Call
from preview_sim.domain.run import DEFAULT_LIMIT, PreviewRequest, accepted
from preview_sim.engine import poll, submit


async def start_preview(call: Call) -> tuple[Reply, str | None]:
    """`POST /sourcing/preview` (contract 1)."""
    body = call.body
    webhook_id = body.get("webhookId")
    request = PreviewRequest(
        title=body["title"],
        job_description=body["jobDescription"],
        location=body["location"],
        query=body.get("query"),
        limit=int(body.get("limit", DEFAULT_LIMIT)),
        webhook_id=None if webhook_id is None else webhook_id.lower(),
    )
    now = call.host.now()
    request_id, due = await submit(call.host.sandbox, call.caller, call.choice, request, now)
    call.host.accepted(request_id, request, call.choice.scenario.name, due)
    return Reply(202, orjson.dumps(accepted(request_id, request.webhook_id, now))), None


async def get_preview_results(call: Call) -> tuple[Reply, str | None]:
    """`GET /sourcing/preview/{requestId}/results` (contract 3). The run's own scenario is shown."""
    # What is not UTF-8 can be nobody's id: the replacement character makes it an unknown one.
    request_id = unquote_to_bytes(call.path["requestId"]).decode(errors="replace")
    answer = await poll(call.host.sandbox, call.caller, request_id)
    return Reply(200 if answer.done else 202, answer.body), answer.scenario_label

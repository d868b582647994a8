"""The results of a run as a poll sees them (contract 3)."""

import re
from dataclasses import dataclass

import orjson

from preview_sim.domain.errors import RequestNotFound
from preview_sim.domain.run import processing
from preview_sim.engine.door import Caller
from preview_sim.engine.sandbox import Sandbox
from preview_sim.store import Queries, runs
from preview_sim.store.runs import Polled

_REQUEST_ID = re.compile(r"req_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of a poll and the scenario that its run follows."""

    done: bool
    body: bytes
    scenario_label: str


async def poll(sandbox: Sandbox, caller: Caller, request_id: str) -> Answer:
    """Where a run stands. RequestNotFound for an unknown, malformed or foreign id, always the same
    (contract 3.4 [D], 3.6 [A])."""
    run_id = request_id.lower()
    found = None
    if _REQUEST_ID.fullmatch(run_id):

        async def body(q: Queries) -> Polled | None:
            return await runs.poll(q, sandbox.id, run_id)

        found = await sandbox.store.read(body)
    if found is None or found.company != caller.company:
        raise RequestNotFound(
            "No run of your company has this requestId. Use the requestId of the 202."
        )
    label = f"{found.scenario}; via={found.via}"
    if found.result is None:
        body_now = orjson.dumps(processing(run_id, found.created_at, found.found))
        return Answer(done=False, body=body_now, scenario_label=label)
    return Answer(done=True, body=found.result, scenario_label=label)

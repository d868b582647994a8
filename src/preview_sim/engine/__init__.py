"""Use cases: who may come in, what a request starts, what each piece of work does next.

No HTTP here, and no clock: `now` (simulator clock, ms) and `wall` are arguments.
"""

from preview_sim.engine.deliver import Outgoing, prepare, record
from preview_sim.engine.door import Caller, choose, identify, key_parts
from preview_sim.engine.observe import describe, ledger_of, story_of
from preview_sim.engine.poll import Answer, poll
from preview_sim.engine.sandbox import Choice, Sandbox, open_sandbox
from preview_sim.engine.step import step
from preview_sim.engine.submit import submit

__all__ = [
    "Answer",
    "Caller",
    "Choice",
    "Outgoing",
    "Sandbox",
    "choose",
    "describe",
    "identify",
    "key_parts",
    "ledger_of",
    "open_sandbox",
    "poll",
    "prepare",
    "record",
    "step",
    "story_of",
    "submit",
]

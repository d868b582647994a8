"""The sink: records every webhook delivery with its raw bytes and says what is wrong with it.

`receiver` keeps and finds records, `inbox` is its HTTP face, `checks` judges, `history` knows what
came before, `records` is what is kept.
"""

from preview_sim.sink.checks import TITLES
from preview_sim.sink.filters import WaitTimedOut
from preview_sim.sink.receiver import Sink
from preview_sim.sink.records import Arrival, CheckResult, Delivery, Record, Subscription

__all__ = [
    "TITLES",
    "Arrival",
    "CheckResult",
    "Delivery",
    "Record",
    "Sink",
    "Subscription",
    "WaitTimedOut",
]

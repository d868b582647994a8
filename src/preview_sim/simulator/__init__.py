"""The only wiring: a configuration becomes a running simulator.

`running` serves inside an event loop of yours; `Simulator` brings a thread with its own.
"""

from preview_sim.simulator.config import Config
from preview_sim.simulator.running import Running, running
from preview_sim.simulator.server import loop_factory
from preview_sim.simulator.sink_alone import running_sink
from preview_sim.simulator.threaded import Simulator

__all__ = ["Config", "Running", "Simulator", "loop_factory", "running", "running_sink"]

"""HTTP: the simulated API, and the control side at `/_sim`, as ASGI applications.

The engine decides; here requests are read strictly, and answers written as the contract says.
"""

from preview_sim.api.app import build_api
from preview_sim.api.call import Host, Hosts
from preview_sim.api.control import ControlPort, build_control
from preview_sim.api.guard import Guard

__all__ = ["ControlPort", "Guard", "Host", "Hosts", "build_api", "build_control"]

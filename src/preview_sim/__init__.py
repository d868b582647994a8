"""A provider simulator and contract-test harness for a candidate-sourcing preview API."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preview_sim.domain.scenario import Scenario
    from preview_sim.simulator import Simulator

__version__ = "0.1.0"
__all__ = ["Scenario", "Simulator", "__version__"]


def __getattr__(name: str) -> Any:
    """Load what is public when it is first asked for, so that a command starts in a blink."""
    if name == "Simulator":
        from preview_sim.simulator import Simulator  # noqa: PLC0415 - see the docstring

        return Simulator
    if name == "Scenario":
        from preview_sim.domain.scenario import Scenario  # noqa: PLC0415 - see the docstring

        return Scenario
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""What whoever starts a simulator chooses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from preview_sim.domain.errors import UsageError
from preview_sim.domain.reading import Readings
from preview_sim.domain.scenario import DEFAULT_SCENARIO
from preview_sim.simulator.clock import check_mode

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Config:
    """Options of a simulator; None leaves a choice to the world file, then to the default."""

    host: str = "127.0.0.1"
    port: int = 0
    scenario: str = DEFAULT_SCENARIO
    scenarios: Path | None = None
    seed: int | None = None
    clock: str | None = None
    db: Path | None = None
    durability: str = "process"
    world: Path | None = None
    readings: Mapping[str, str] = field(default_factory=dict)
    admin_token: str | None = None
    self_check: bool = False

    def __post_init__(self) -> None:
        if self.clock is not None:
            check_mode(self.clock)
        Readings.of(self.readings)
        if self.host not in LOOPBACK and not self.admin_token:
            raise UsageError(
                f"--host {self.host} can be reached from other machines, and /_sim and /_sink show "
                "keys and secrets. Add --admin-token, or bind 127.0.0.1."
            )

"""What whoever starts a simulator chooses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from preview_sim.domain.errors import UsageError
from preview_sim.domain.reading import Readings
from preview_sim.domain.scenario import DEFAULT_SCENARIO
from preview_sim.simulator.clock import check_mode

#: What a column of 64 bits holds.
_SEED_AT_MOST = (1 << 63) - 1

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
        if self.seed is not None and not 0 <= self.seed <= _SEED_AT_MOST:
            raise UsageError(f"Expected a seed from 0 to {_SEED_AT_MOST}, got {self.seed}.")
        if self.clock is not None:
            check_mode(self.clock)
        Readings.of(self.readings)
        check_reach(self.host, self.admin_token)


def check_reach(host: str, admin_token: str | None) -> None:
    """Refuse to show keys and records to other machines without an admin token."""
    if host not in LOOPBACK and not admin_token:
        raise UsageError(
            f"--host {host} can be reached from other machines, which could read keys, secrets and "
            "records. Add --admin-token, or bind 127.0.0.1."
        )

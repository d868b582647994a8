"""The two clocks: the simulator's, in four modes, and the wall's. They are made nowhere else."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from preview_sim.domain.errors import UsageError, nearest
from preview_sim.domain.timestamp import STILL_CLOCK_START_MS

_SCALED = re.compile(r"x([1-9][0-9]{0,5})")


def wall_seconds() -> float:
    """The wall clock, seconds since 1970: sockets, leases, signature timestamps."""
    return time.time()  # noqa: TID251 - this is where the wall clock is made


def wall_ms() -> int:
    return int(wall_seconds() * 1_000)


class Clock(Protocol):
    """A sandbox's clock, in ms since 1970."""

    def now(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RunningClock:
    """Moves by itself, `factor` times as fast as the wall: `real` (1) and `xN`."""

    origin_ms: int
    factor: int
    wall: Callable[[], int] = wall_ms

    def now(self) -> int:
        return self.origin_ms + (self.wall() - self.origin_ms) * self.factor

    def seconds_until(self, moment: int) -> float:
        """How long to wait on the wall until this clock shows `moment`."""
        return max(0.0, (moment - self.now()) / self.factor / 1_000)


@dataclass(slots=True)
class StillClock:
    """Stands until it is set: `manual` and `instant`. It never goes back."""

    now_ms: int

    def now(self) -> int:
        return self.now_ms

    def set(self, moment: int) -> None:
        self.now_ms = max(self.now_ms, moment)


def check_mode(mode: str) -> str:
    """The mode if there is such a one; UsageError names the nearest."""
    if mode in ("real", "manual", "instant") or _SCALED.fullmatch(mode):
        return mode
    hint = nearest(mode, ("real", "manual", "instant", "x10"))
    meant = f" Did you mean {hint!r}?" if hint else ""
    raise UsageError(
        f"Expected a clock of real, instant, manual or xN (x60 is 60 times faster), got {mode!r}."
        f"{meant}"
    )


def start_of(mode: str) -> int:
    """Where the clock of a new sandbox begins."""
    return STILL_CLOCK_START_MS if mode in ("manual", "instant") else wall_ms()


def make_clock(mode: str, opened_at: int) -> RunningClock | StillClock:
    """The clock of a sandbox that began, or stands, at `opened_at`."""
    if mode in ("manual", "instant"):
        return StillClock(opened_at)
    found = _SCALED.fullmatch(mode)
    return RunningClock(opened_at, int(found[1]) if found else 1)

"""Moments and durations as whole milliseconds, and how they are written.

A moment is milliseconds since 1970-01-01T00:00:00Z on the simulator's clock.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

#: Where the clock of a `manual` or `instant` sandbox starts: 2025-01-01T00:00:00.000Z.
STILL_CLOCK_START_MS = 1_735_689_600_000

_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h)")
_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}


@lru_cache(maxsize=64)
def _seconds(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat()[:19]


def to_iso(moment_ms: int) -> str:
    """ISO 8601 with milliseconds and `Z`, as in every body of the API (contract 1.6 [S])."""
    second, ms = divmod(moment_ms, 1_000)
    return f"{_seconds(second)}.{ms:03d}Z"


def parse_duration(text: str) -> int:
    """`250ms`, `15s`, `5m` or `1h` as milliseconds; ValueError says what is accepted."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(f"expected a duration such as 250ms, 15s, 5m or 1h, got {text!r}")
    return int(found[1]) * _UNIT_MS[found[2]]


def write_duration(duration_ms: int) -> str:
    """The shortest text that `parse_duration` reads back."""
    for unit in ("h", "m", "s"):
        if duration_ms and duration_ms % _UNIT_MS[unit] == 0:
            return f"{duration_ms // _UNIT_MS[unit]}{unit}"
    return f"{duration_ms}ms"

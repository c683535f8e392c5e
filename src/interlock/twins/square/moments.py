"""Square's moments: RFC 3339 text outside, microseconds since the epoch inside, and a clock that never repeats itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from interlock.twins.square.errors import refused

MICROSECONDS = 1_000_000
DAY_US = 24 * 3600 * MICROSECONDS


class Moments:
    """Microseconds of the wall clock, each call later than the one before: a state is told by its moment."""

    def __init__(self, wall_us: Callable[[], int] = lambda: time.time_ns() // 1000, last_us: int = 0) -> None:
        self._wall_us = wall_us
        self._last_us = last_us

    def now_us(self) -> int:
        self._last_us = max(self._wall_us(), self._last_us + 1)
        return self._last_us


def text_of(moment_us: int) -> str:
    """`2026-11-23T22:05:01.000123Z`."""
    return datetime.fromtimestamp(moment_us // MICROSECONDS, UTC).strftime("%Y-%m-%dT%H:%M:%S") + (
        f".{moment_us % MICROSECONDS:06}Z"
    )


def moment_of(value: Any, field: str) -> int:
    """The microseconds of an RFC 3339 text with its zone. Raises SquareError INVALID_TIME."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise refused("INVALID_TIME", f"`{value}` is not a valid RFC 3339 timestamp.", field)
    whole = int(found.replace(microsecond=0).timestamp())
    return whole * MICROSECONDS + found.microsecond

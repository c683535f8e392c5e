"""Times and lengths of time, as a person reads them in a terminal; always UTC, as the stores keep them."""

import time
from datetime import UTC, date, datetime


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def today() -> date:
    """The day in UTC, as vendors' calendars have it."""
    return datetime.now(UTC).date()


def moment_us(at: datetime | None, timezone: str) -> int:
    """What `--since` says, in microseconds since the epoch; without a zone it is in the strategy's, and nothing is 0."""
    from zoneinfo import ZoneInfo

    if at is None:
        return 0
    placed = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(timezone))
    return round(placed.timestamp() * 1_000_000)


def stamp(at_ms: int) -> str:
    """`2026-11-23 12:28:21Z`."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def clock(at_ms: int) -> str:
    """`12:28:21.204`, for lines whose day is said already."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{at:%H:%M:%S}.{at_ms % 1000:03d}"


def took(milliseconds: float) -> str:
    """`84 ms`, `1.2 s`, `4 min`, `3 h`, `2 d`: the unit that a person would use."""
    if milliseconds < 1_000:
        return f"{round(milliseconds)} ms"
    seconds = milliseconds / 1_000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{round(seconds / size)} {unit}"
    return f"{seconds:.1f} s"


def ago(at_ms: int, from_ms: int) -> str:
    """`4 min ago`; `never` for 0."""
    return f"{took(max(0, from_ms - at_ms))} ago" if at_ms else "never"

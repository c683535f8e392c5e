"""Amazon's times as microseconds since the epoch, and back."""

from __future__ import annotations

import datetime as dt
from typing import Final

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND: Final = dt.timedelta(microseconds=1)


def micros(text: str) -> int:
    """ISO 8601 text, exactly. Raises ValueError."""
    found = dt.datetime.fromisoformat(text)
    return ((found if found.tzinfo else found.replace(tzinfo=dt.UTC)) - EPOCH) // MICROSECOND


def moment(at_us: int) -> dt.datetime:
    """The time of so many microseconds."""
    return EPOCH + dt.timedelta(microseconds=at_us)

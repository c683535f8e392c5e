"""The three profiles of load, with what each needs to be told: a history, a steady day, a flash sale."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

PROFILES = ("steady", "flash-sale", "backfill")
MOST_ORDERS = 1_000_000
RAMP_SECONDS, RAMP_WEBHOOKS = 60.0, 2_000
"""Fault case 14: 2,000 webhooks in the first minute,"""
PEAK_PER_SECOND, PEAK_SECONDS = 300.0, 300.0
"""then 300 a second for five."""


class Load(msgspec.Struct, forbid_unknown_fields=True):
    """What POST /_twin/load is asked with a `profile`.

    steady: `orders` over `seconds`, which stand for a day; or at `rate` orders a second on average.
    flash-sale: webhooks, `rate` a second for `seconds` after a ramp of a fifth of that; 300 and 300 are fault case 14.
    backfill: `orders` of the last `days`, at once and without webhooks. `until` (a time with its zone) ends the history.
    """

    profile: str
    orders: int | None = None
    seed: int = 7
    rate: float | None = None
    seconds: float | None = None
    days: int = 90
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise ValueError(f"unknown profile {self.profile!r}; known: {', '.join(PROFILES)}")
        if self.orders is not None and not 1 <= self.orders <= MOST_ORDERS:
            raise ValueError(f"orders {self.orders} is not between 1 and {MOST_ORDERS}")
        if any(value is not None and value <= 0 for value in (self.rate, self.seconds, self.days)):
            raise ValueError("rate, seconds and days must be above 0")
        if self.until is not None and self.until.tzinfo is None:
            raise ValueError("until needs its offset from UTC, such as 2026-07-01T00:00:00Z")

    def steady(self) -> tuple[int, float]:
        """(orders, seconds) of a steady day: what is not given follows from the rest."""
        if self.orders is not None and self.seconds is None:
            return self.orders, self.orders / (self.rate or 10.0)
        seconds = self.seconds or 60.0
        return self.orders or max(1, round((self.rate or 10.0) * seconds)), seconds

    def webhooks_by(self, elapsed: float) -> float:
        """How many webhooks a flash sale has sent after so many seconds."""
        peak, ramp, rate = self.peak_seconds, self.ramp_seconds, self.rate or PEAK_PER_SECOND
        begun = RAMP_WEBHOOKS * (rate / PEAK_PER_SECOND) * (ramp / RAMP_SECONDS)
        return begun * min(1.0, elapsed / ramp) + rate * min(peak, max(0.0, elapsed - ramp))

    @property
    def webhooks(self) -> float:
        """How many a whole flash sale sends."""
        return self.webhooks_by(self.ramp_seconds + self.peak_seconds)

    @property
    def peak_seconds(self) -> float:
        return self.seconds or PEAK_SECONDS

    @property
    def ramp_seconds(self) -> float:
        return RAMP_SECONDS * self.peak_seconds / PEAK_SECONDS


def asked_for(data: dict[str, Any]) -> Load:
    """A load given as JSON. Raises ValueError that names what is wrong."""
    return msgspec.convert(data, Load, strict=False)  # ValidationError is a ValueError

"""A vendor that counts by points on a virtual clock, as Shopify does: what it lacks it refuses, what was not used it gives back."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from interlock.clock import VirtualClock
from interlock.connectors.allowance import Allowance, Hold, Lane, Level

BUCKET = "shop app"


@dataclass
class Vendor:
    """One app's bucket at one store."""

    clock: VirtualClock
    maximum: float = 2000.0
    restore_rate: float = 100.0
    level: float = 2000.0
    at: float = 0.0
    throttled: int = 0
    used: float = 0.0
    lowest: float = 2000.0
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def _now(self) -> None:
        now = self.clock.monotonic()
        self.level = min(self.maximum, self.level + (now - self.at) * self.restore_rate)
        self.at = now

    async def call(self, cost: float, used: float) -> tuple[bool, Level]:
        """Whether it was carried out, and the level that its answer tells; the way there and back takes time."""
        await self.clock.sleep(self.chance.uniform(0.01, 0.08))
        taken = self.take(cost)
        if taken:
            await self.clock.sleep(self.chance.uniform(0.02, 0.2))
            self.give_back(cost, used)
        level = Level(maximum=self.maximum, available=self.level, restore_rate=self.restore_rate)
        await self.clock.sleep(self.chance.uniform(0.01, 0.08))
        return taken, level

    def take(self, cost: float) -> bool:
        self._now()
        if cost > self.level:
            self.throttled += 1
            return False
        self.level -= cost
        self.lowest = min(self.lowest, self.level)
        return True

    def give_back(self, cost: float, used: float) -> None:
        self._now()
        self.level = min(self.maximum, self.level + cost - used)
        self.used += used


async def call(
    allowance: Allowance, vendor: Vendor, cost: float, used: float, lane: Lane = Lane.LIVE, within: float = 600
) -> float:
    """One call of a client; the seconds that it waited for its points."""
    began = vendor.clock.monotonic()
    hold = await allowance.take(BUCKET, cost, lane=lane, within_seconds=within)
    assert isinstance(hold, Hold)
    waited = vendor.clock.monotonic() - began
    taken, level = await vendor.call(cost, used)
    allowance.give_back(BUCKET, hold, used=used if taken else 0.0, level=level)
    return waited

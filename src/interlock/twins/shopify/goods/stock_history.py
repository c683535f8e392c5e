"""Who changed how much could be sold, from what to what and when: kept only where the configuration asks for it.

A test proves by it that no change was lost: the rows of a place, in their order, each begin where the one before ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from interlock.twins.shopify.goods.stock import Level, key_of, level
from interlock.twins.world import Change, World

KIND = "stock_change"


class StockHistory:
    """The rows of one shop, as records of the kind `stock_change` (GET /_twin/records?kind=stock_change)."""

    def __init__(self, world: World, clock: Callable[[], float]) -> None:
        self._world, self._clock = world, clock
        self.on = False

    def of(self, changed: Iterable[Level], by: str, why: str = "") -> list[Change]:
        """The rows to keep together with levels that are about to be kept."""
        if not self.on:
            return []
        return [self._row(one, by, why) for one in changed if one["available"] != self._before(one)]

    def _row(self, one: Level, by: str, why: str) -> Change:
        row = {
            "place": key_of(one["item"], one["location"]),
            "item": one["item"],
            "location": one["location"],
            "from": self._before(one),
            "to": one["available"],
            "by": by,
            "why": why,
            "at": self._clock(),
        }
        return KIND, self._world.next_id(KIND), row

    def _before(self, one: Level) -> int:
        known = level(self._world, one["item"], one["location"])
        return int(known["available"]) if known else 0

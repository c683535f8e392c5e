"""Asks sources of truth again for single items: what they say now beside what we knew is a change that nobody had told us."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from interlock.clock import Clock
from interlock.flows.inventory.asking import CALL_SECONDS, Stocked
from interlock.flows.inventory.line import Position
from interlock.flows.inventory.taking import Taking
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.stock import Level, is_asked
from interlock.messaging.stock_book import Counted, StockBook, StockWork

ITEMS_AT_ONCE: Final = 100
MOST_SKUS: Final = 500
"""In one comparison: sources have their own limits, and readings of all that changed come anyway."""
READ_TO_COMPARE: Final = "found by a comparison"
RECENT_US: Final = 60_000_000
"""What changed so short a time ago is still being told."""


class Recount:
    """Of one comparison. `lost` has, by SKU, what a source says beside what was known, in words."""

    def __init__(self, release: Stocked, book: StockBook, clock: Clock) -> None:
        self._release = release
        self._book = book
        self._clock = clock
        self._asked: set[str] = set()
        self.lost: dict[str, str] = {}
        self.took = False

    async def told(self, skus: Iterable[str], *, apply: bool) -> set[str]:
        """Ask for those that were not asked for yet; `apply` takes in what is new. Returns SKUs whose events were lost."""
        rules = self._release.stock
        parts = {part for sku in skus for part in (rules.normaliser.components(sku) or (sku,))}
        new = sorted(parts - self._asked)[: max(0, MOST_SKUS - len(self._asked))]
        self._asked.update(new)
        rows = [
            row
            for sku in new
            for row in self._book.look(partial(_counted, sku=sku))
            if row.location in rules.inventory.locations and rules.normaliser.owner(sku, row.location) == row.system
        ]
        found: set[str] = set()
        for system in sorted({row.system for row in rows} & rules.counting):
            items = sorted({row.item for row in rows if row.system == system})
            for first in range(0, len(items), ITEMS_AT_ONCE):
                found |= await self._of(system, items[first : first + ITEMS_AT_ONCE], apply=apply)
        return found

    async def _of(self, system: str, items: Sequence[str], *, apply: bool) -> set[str]:
        source = self._release.stock_source(system)
        if not is_asked(source):
            return set()
        levels = await source.read(items, timeout_seconds=CALL_SECONDS)
        if isinstance(levels, Retry | Refused):
            return set()  # its silence is told elsewhere, and never becomes a number
        news = self._book.look(partial(self._news, system=system, levels=levels))
        if news and apply:
            await self._book.run(partial(self._take, system=system, levels=news))
            self.took = True
        return set(self.lost)

    def _news(self, work: StockWork, *, system: str, levels: Sequence[Level]) -> list[Level]:
        """Those that say something else than we know."""
        found = []
        now_us = self._clock.now_ms() * 1_000
        for level in levels:
            position = self._release.stock.normaliser.level(system, level)
            if not isinstance(position, Position):
                continue
            for row in work.counted_as(system, position.item, position.place):
                newer = not level.as_of_us or level.as_of_us >= row.as_of_us
                if (row.sku, row.location) != (position.sku, position.location) or not newer:
                    continue
                changed = [name for name, units in position.quantities.items() if row.quantities.get(name) != units]
                if not changed:
                    continue
                found.append(level)
                if not level.as_of_us or now_us - level.as_of_us > RECENT_US:
                    words = f"{system} counts {changed[0]} {position.quantities[changed[0]]}, we knew {row.quantities.get(changed[0])}"
                    self.lost[row.sku] = words
                    for kit in self._release.stock.normaliser.kits_with(row.sku):
                        self.lost[kit] = words
        return found

    def _take(self, work: StockWork, *, system: str, levels: Sequence[Level]) -> None:
        now_us = self._clock.now_ms() * 1_000
        taking = Taking(work, self._release.stock, now_us, how=READ_TO_COMPARE)
        for level in levels:
            taking.level(system, level, 0, level.as_of_us or now_us)
        taking.finish()


def _counted(work: StockWork, *, sku: str) -> list[Counted]:
    return work.counted(sku)

"""The counts of a system of truth: what changed since the last reading, everything the first time, fresh once it is taken in."""

from collections.abc import Callable
from functools import partial
from typing import Final

from interlock.clock import Clock
from interlock.flows.inventory.anew import look_anew
from interlock.flows.inventory.asking import CALL_SECONDS, Stocked, persistently
from interlock.flows.inventory.telling import Telling
from interlock.messaging.stock import LevelPage
from interlock.messaging.stock_book import Read, Reading, StockBook, StockWork

OF_ALL: Final = "a reading of all levels"
OF_CHANGES: Final = "a reading of what changed"
"""How a count was told, for the history."""
LEVELS_AT_ONCE: Final = 200
"""In one event: the desk takes an event in without a pause."""


class CountReading:
    """Reads levels page by page."""

    def __init__(self, book: StockBook, telling: Telling, clock: Clock, *, release: Callable[[], Stocked]) -> None:
        self._book = book
        self._telling = telling
        self._clock = clock
        self._release = release

    async def read(self, system: str) -> float:
        """What changed since the last reading; everything the first time. Returns for how many seconds it shall not be read again."""
        began_us = self._clock.now_ms() * 1_000
        source = self._release().stock_source(system)
        known = self._book.look(lambda work: work.reading(system, "levels"))
        after, cursor, last, complete_us, whole = "", known.cursor, 0, began_us, not known.cursor
        while True:
            asked_ms = self._clock.now_ms()
            if known.cursor:
                ask = partial(source.changed, known.cursor, after, timeout_seconds=CALL_SECONDS)
            else:
                ask = partial(source.levels, after, timeout_seconds=CALL_SECONDS)
            page: LevelPage = await persistently(self._clock, ask)
            complete_us, whole = page.complete_us or complete_us, whole or page.whole
            for begin in range(0, len(page.levels), LEVELS_AT_ONCE):
                some, how = page.levels[begin : begin + LEVELS_AT_ONCE], OF_ALL if whole else OF_CHANGES
                reading = Reading(levels=some, how=how)
                last = await self._telling.tell(system, "levels", reading, asked_ms=asked_ms)
            cursor = page.cursor or cursor
            if not page.after or page.after == after:
                break
            after = page.after
            if page.rest_seconds:
                await self._clock.sleep(page.rest_seconds)
        await self._telling.taken_in(last)
        now = Read(
            cursor=cursor, fresh_us=began_us, tried_us=began_us, whole_us=complete_us,
            listed_us=began_us if whole else known.listed_us,
        )  # fmt: skip
        was_silent = self._clock.now_ms() * 1_000 - known.fresh_us > self._release().stock.silence_us
        await self._book.run(partial(_read_so_far, system=system, known=known, now=now, anew=whole or was_silent))
        return page.rest_seconds


def _read_so_far(work: StockWork, *, system: str, known: Read, now: Read, anew: bool) -> None:
    """Unless it shall be read anew since that reading began."""
    if anew:
        look_anew(work, system, now.fresh_us)
    if work.reading(system, "levels").cursor == known.cursor:
        work.read(system, "levels", now)

"""The counts of a system of truth: what changed since the last reading, everything the first time, fresh once it is taken in."""

from collections.abc import Callable
from functools import partial
from typing import Final

from interlock.clock import Clock
from interlock.flows.inventory.anew import look_anew
from interlock.flows.inventory.asking import Stocked, pages
from interlock.flows.inventory.telling import Telling
from interlock.messaging.stock import LevelPage
from interlock.messaging.stock_book import Read, Reading, StockBook, StockWork

OF_ALL: Final = "a reading of all levels"
OF_CHANGES: Final = "a reading of what changed"
"""How a count was told, for the history."""
LEVELS_AT_ONCE: Final = 200
"""In one event: the desk takes an event in without a pause."""


async def read_counts(
    book: StockBook, telling: Telling, clock: Clock, release: Callable[[], Stocked], system: str
) -> float:  # fmt: skip
    """What changed since the last reading; everything the first time. Returns for how many seconds it shall not be read again."""
    began_us, source = clock.now_ms() * 1_000, release().stock_source(system)
    known = book.look(lambda work: work.reading(system, "levels"))
    ask = partial(source.changed, known.cursor) if known.cursor else source.levels
    cursor, last, complete_us, whole, rest_seconds = known.cursor, 0, began_us, not known.cursor, 0.0
    page: LevelPage
    async for asked_ms, page in pages(clock, ask):
        cursor, complete_us, whole = page.cursor or cursor, page.complete_us or complete_us, whole or page.whole
        last = await _tell(telling, system, page, asked_ms, how=OF_ALL if whole else OF_CHANGES) or last
        rest_seconds = page.rest_seconds
        if page.after and rest_seconds:
            await clock.sleep(rest_seconds)
    await telling.taken_in(last)
    now = Read(
        cursor=cursor, fresh_us=began_us, tried_us=began_us, whole_us=complete_us,
        listed_us=began_us if whole else known.listed_us,
    )  # fmt: skip
    was_silent = clock.now_ms() * 1_000 - known.fresh_us > release().stock.silence_us
    await book.run(partial(_read_so_far, system=system, known=known, now=now, anew=whole or was_silent))
    return rest_seconds


async def _tell(telling: Telling, system: str, page: LevelPage, asked_ms: int, *, how: str) -> int:
    """The position of its last event, 0 when it has no levels."""
    last = 0
    for begin in range(0, len(page.levels), LEVELS_AT_ONCE):
        reading = Reading(levels=page.levels[begin : begin + LEVELS_AT_ONCE], how=how)
        last = await telling.tell(system, "levels", reading, asked_ms=asked_ms)
    return last


def _read_so_far(work: StockWork, *, system: str, known: Read, now: Read, anew: bool) -> None:
    """Unless it shall be read anew since that reading began."""
    if anew:
        look_anew(work, system, now.fresh_us)
    if work.reading(system, "levels").cursor == known.cursor:
        work.read(system, "levels", now)

"""What has to be read once more: orders and levels whose events said too little."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from interlock.clock import Clock
from interlock.flows.inventory.asking import CALL_SECONDS, NotReadError, Stocked, pause_seconds, persistently
from interlock.flows.inventory.telling import Telling
from interlock.messaging.stock import Told
from interlock.messaging.stock_book import Reading, StockBook, StockWork

AGAIN_AT_ONCE: Final = 100
MOST_AGAIN: Final = 20

LOG = logging.getLogger("interlock.flows")


class ReadingAgain:
    """Reads single objects."""

    def __init__(self, book: StockBook, telling: Telling, clock: Clock, *, release: Callable[[], Stocked]) -> None:
        self._book = book
        self._telling = telling
        self._clock = clock
        self._release = release

    async def read(self, system: str) -> None:
        """Objects whose events said too little."""
        now_us = self._clock.now_ms() * 1_000
        release, due = self._release(), self._book.look(lambda work: work.to_read(system, now_us, AGAIN_AT_ONCE))
        for object_name, key, event, tries in due:
            asked_ms = self._clock.now_ms()
            try:
                told = await self._told(release, system, object_name, key)
            except NotReadError:
                if tries < MOST_AGAIN:
                    due_us = now_us + round(pause_seconds(tries) * 1e6)
                    await self._book.run(
                        partial(_later, system=system, what=(object_name, key), event=event, due_us=due_us)
                    )
                    continue
                LOG.warning("%s %s of %s could not be read again; the next reading has it", object_name, key, system)
                told = Told()
            if told.levels or told.sales:
                reading = Reading(levels=told.levels, sales=told.sales)
                await self._telling.tell(system, "again", reading, asked_ms=asked_ms)
            await self._book.run(partial(_was_read, system=system, what=(object_name, key), event=event))

    async def _told(self, release: Stocked, system: str, object_name: str, key: str) -> Told:
        if object_name == "inventory_level":
            levels = await persistently(
                self._clock, lambda: release.stock_source(system).read([key], timeout_seconds=CALL_SECONDS), tries=1
            )
            return Told(levels=levels)
        body = await persistently(
            self._clock, lambda: release.source(system).read(object_name, key, timeout_seconds=CALL_SECONDS), tries=1
        )
        try:
            said = [teller.told(f"{object_name}s/updated", body) for teller in release.tellers(system)]
        except Exception as error:  # what cannot be understood is this object's trouble: the others are read
            LOG.exception("the connector of %s could not read %s %s", system, object_name, key)
            raise NotReadError(f"{type(error).__name__} while {object_name} {key} was read") from error
        return next((each for each in said if each.sales), Told())


def _later(work: StockWork, *, system: str, what: tuple[str, str], event: int, due_us: int) -> None:
    work.again(system, *what, event, due_us)


def _was_read(work: StockWork, *, system: str, what: tuple[str, str], event: int) -> None:
    work.was_read(system, *what, event)

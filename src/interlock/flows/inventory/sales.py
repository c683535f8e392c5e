"""The orders of a channel that tells none by webhook: what changed since the last reading."""

from collections.abc import Callable
from functools import partial

from interlock.clock import Clock
from interlock.flows.inventory.asking import CALL_SECONDS, Stocked, persistently
from interlock.flows.inventory.telling import Telling
from interlock.messaging.stock import SalePage
from interlock.messaging.stock_book import Read, Reading, StockBook


class SaleReading:
    """Reads sales page by page."""

    def __init__(self, book: StockBook, telling: Telling, clock: Clock, *, release: Callable[[], Stocked]) -> None:
        self._book = book
        self._telling = telling
        self._clock = clock
        self._release = release

    async def read(self, system: str) -> float:
        """To the end, from the cursor that was kept."""
        began_us = self._clock.now_ms() * 1_000
        channel = self._release().stock_channel(system)
        known = self._book.look(lambda work: work.reading(system, "sales"))
        after, cursor, last = "", known.cursor, 0
        while True:
            page: SalePage = await persistently(
                self._clock, partial(channel.sales, known.cursor, after, timeout_seconds=CALL_SECONDS)
            )
            if page.sales:
                last = await self._telling.tell(system, "sales", Reading(sales=page.sales))
            cursor = page.cursor or cursor
            if not page.after or page.after == after:
                break
            after = page.after
        await self._telling.taken_in(last)
        await self._book.run(
            lambda work: work.read(system, "sales", Read(cursor=cursor, fresh_us=began_us, tried_us=began_us))
        )
        return 0.0

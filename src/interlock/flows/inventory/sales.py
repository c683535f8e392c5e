"""The orders of a channel that tells none by webhook: what changed since the last reading."""

from collections.abc import Callable
from functools import partial

from interlock.clock import Clock
from interlock.flows.inventory.asking import Stocked, pages
from interlock.flows.inventory.telling import Telling
from interlock.messaging.stock import SalePage
from interlock.messaging.stock_book import Read, Reading, StockBook


async def read_sales(
    book: StockBook, telling: Telling, clock: Clock, release: Callable[[], Stocked], system: str
) -> float:  # fmt: skip
    """To the end, from the cursor that was kept. Returns 0: it may be read again at once."""
    began_us, channel = clock.now_ms() * 1_000, release().stock_channel(system)
    known = book.look(lambda work: work.reading(system, "sales"))
    cursor, last = known.cursor, 0
    page: SalePage
    async for _, page in pages(clock, partial(channel.sales, known.cursor)):
        cursor = page.cursor or cursor
        if page.sales:
            last = await telling.tell(system, "sales", Reading(sales=page.sales))
    await telling.taken_in(last)
    now = Read(cursor=cursor, fresh_us=began_us, tried_us=began_us)
    await book.run(lambda work: work.read(system, "sales", now))
    return 0.0

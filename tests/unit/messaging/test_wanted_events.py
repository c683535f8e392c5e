"""Which events an open delivery may still need: their bodies are kept, and no others for its sake."""

import asyncio
from pathlib import Path

from engine import Engine

from interlock.messaging.sqlite.stock_book import SqliteStockBook
from interlock.messaging.stock_book import Wish


def test_a_place_that_follows_from_no_event_keeps_no_bodies(tmp_path: Path) -> None:
    """Stock is worked out again because of time or a rule too; while such a place waits, old bodies are forgotten as ever."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            book = SqliteStockBook(engine.ledger.group)
            nothing_open = await engine.ledger.oldest_wanted_event()
            of_time = Wish(flow="stock", system="wms", channel="shop", sku="TEE-1", place="1", release="r")
            await book.run(lambda work: work.wish(of_time, 1))
            assert await engine.ledger.oldest_wanted_event() == nothing_open
            of_event = Wish(flow="stock", system="wms", channel="shop", sku="TEE-2", place="1", release="r", event=7)
            await book.run(lambda work: work.wish(of_event, 1))
            assert await engine.ledger.oldest_wanted_event() == 7

    asyncio.run(story())

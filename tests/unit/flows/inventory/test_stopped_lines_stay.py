"""A line that stops is told still: what was known of it before goes on being shown, also after everything was read anew.

Found by the simulation of stock (tests/faults/test_stock_wide.py).
"""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from stock_engine import StockEngine

from interlock.messaging.stock import Level
from interlock.strategy.inventory import Publish


def test_a_reading_of_everything_does_not_forget_a_line_that_stops(tmp_path: Path) -> None:
    """The warehouse tells an item in a unit that nobody knows, and a release has everything read anew: the ten that were counted
    before stay, and a number that somebody else writes is put right. It was taken for an item that is told no more."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=Publish(settle_seconds=0.0, read_every_seconds=1.0), TEE=10) as engine:
            await engine.run(5)
            told = engine.warehouse.level
            engine.warehouse.level = lambda sku: _in_furlongs(told(sku))  # type: ignore[method-assign]
            engine.stocked.inventory = msgspec.structs.replace(engine.stocked.inventory, ignore=("BOX-*",))
            engine.stocked.rules(engine.catalogue, name="r2")
            await engine.run(10)
            assert engine.rows("SELECT code FROM stock_stopped") == [("STK003",)]
            engine.shop.put("TEE", 50)
            await engine.tell_shown("TEE")
            await engine.run(10)
            assert engine.shop.shown == {"TEE": 10}

    asyncio.run(run())


def _in_furlongs(level: Level) -> Any:
    return msgspec.structs.replace(level, unit="FURLONG")

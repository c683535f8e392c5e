"""What a channel shows after news that cannot be put in order: at one that compares nothing only a write can tell.

Found by the simulation of stock (tests/faults/test_stock_simulation.py).
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec
from stock_engine import PLAIN, SHOP, WMS, Shop, StockEngine

from interlock.messaging.outcome import Refused
from interlock.messaging.stock import Line, Sale, SaleLine

RARELY = msgspec.structs.replace(PLAIN, read_every_seconds=3_600.0)


def test_a_sale_that_our_write_has_covered_is_written_again(tmp_path: Path) -> None:
    """Sold before our write and told after it: the pieces are back at a channel that compares nothing, and were taken for gone."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=RARELY, compares=False, TEE=10) as engine:
            await engine.run(5)
            engine.shop.sell("TEE", 2)
            line = SaleLine(item="TEE", sku="TEE", quantity=2)
            sale = Sale(key="1", version=1, accepted_us=engine.clock.now_ms() * 1_000, lines=(line,))
            await engine.run(1)
            engine.warehouse.pieces["TEE"] = 12
            await engine.tell(WMS, levels=(engine.warehouse.level("TEE"),))
            await engine.run(5)
            assert engine.shop.shown == {"TEE": 12}
            await engine.tell(SHOP, sales=(sale,))
            await engine.run(5)
            assert engine.shop.shown == {"TEE": 10}

    asyncio.run(run())


def test_what_an_order_gave_back_is_looked_at(tmp_path: Path) -> None:
    """A cancelled order puts its pieces back at the channel while the warehouse loses as many: what should be shown stays the same,
    and what is shown does not."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=RARELY, compares=False, TEE=10) as engine:
            await engine.run(5)
            engine.shop.sell("TEE", 2)
            await engine.tell_sale("TEE", 2, "1")
            await engine.run(5)
            assert engine.shop.shown == {"TEE": 8}
            engine.shop.put("TEE", 10, by="cancelled")
            engine.warehouse.pieces["TEE"] = 8
            await engine.tell(WMS, levels=(engine.warehouse.level("TEE"),))
            await engine.tell_sale("TEE", 0, "1", version=2)
            await engine.run(5)
            assert engine.shop.shown == {"TEE": 8}

    asyncio.run(run())


def test_a_refused_repetition_does_not_keep_newer_numbers_away(tmp_path: Path) -> None:
    """A call without an answer is sent again and refused under its key: the place is looked at, and the next count is written."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=RARELY, TEE=10) as engine:
            await engine.run(5)
            engine.shop.fault = partial(_refuses_again, engine.shop)
            engine.warehouse.pieces["TEE"] = 9
            await engine.tell(WMS, levels=(engine.warehouse.level("TEE"),))
            await engine.run(60)
            engine.warehouse.pieces["TEE"] = 7
            await engine.tell(WMS, levels=(engine.warehouse.level("TEE"),))
            await engine.run(60)
            assert engine.shop.shown == {"TEE": 7}

    asyncio.run(run())


def _refuses_again(shop: Shop, lines: Sequence[Line]) -> str:
    """The first call of a change has no answer; whatever comes again of it is refused."""
    again = any(line.reference == lines[0].reference for _, earlier in shop.calls for line in earlier)
    first = not shop.calls[1:]
    shop.spoilt = {"TEE": Refused(reason="validation", code="BUSY", message="not now")} if again else {}
    return "never" if first and not again else "done"

"""What a channel that compares nothing shows when it tells of its sales late, or shows them late.

Found by the simulation of stock at its nightly size (tests/faults/test_stock_simulation.py).
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from stock_engine import PLAIN, WMS, Shop, StockEngine

from interlock.messaging.stock import Line, Place, Seen

RARELY = msgspec.structs.replace(PLAIN, read_every_seconds=3_600.0)


def test_a_sale_that_is_told_while_its_place_is_written_may_be_of_before_the_write(tmp_path: Path) -> None:
    """Two are bought before our number stands there and told before its answer is here: the write has put them back."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=RARELY, compares=False, TEE=10) as engine:
            shop, bought = engine.shop, [2]
            await engine.run(5)

            def buys(_lines: Sequence[Line]) -> str:
                while bought:
                    shop.sell("TEE", bought.pop())
                return "done"

            async def told() -> None:
                await engine.tell_sale("TEE", 2, "1")
                engine.warehouse.pieces["TEE"] = 10

            shop.fault, shop.meanwhile = buys, told
            engine.warehouse.pieces["TEE"] = 12
            await engine.tell(WMS, levels=(engine.warehouse.level("TEE"),))
            await engine.run(30)
            assert shop.sold() == 2
            assert shop.shown == {"TEE": 10}

    asyncio.run(run())


def test_a_place_that_was_known_once_is_not_believed_to_show_its_sales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a cancelled order nobody knows what the channel shows; it answers with a number from before its newest sales, which
    happens to be the right one: only a write makes it so. It had never been written: it was right from the beginning."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=RARELY, compares=False, begin=10, TEE=10) as engine:
            await engine.run(5)
            engine.shop.sell("TEE", 1)
            monkeypatch.setattr(Shop, "read", _as_before)
            await engine.tell_sale("TEE", 1, "1")
            await engine.tell_sale("TEE", 0, "1", version=2)
            await engine.run(30)
            assert engine.shop.shown == {"TEE": 10}

    asyncio.run(run())


async def _as_before(_shop: Shop, places: Sequence[Place], *, timeout_seconds: float) -> tuple[Seen, ...]:
    del timeout_seconds
    return tuple(Seen(place=place, quantity=10) for place in places)

"""The history of a position: who changed it, why, from what to what."""

import asyncio
from pathlib import Path

from stock_engine import HALL, SHELF, SHOP, WMS, StockEngine

WRITTEN = "interlock://stock/shop/TEE/S1/"


def test_each_change_says_who_why_and_from_what_to_what(tmp_path: Path) -> None:
    """Why is it 8? A count that was read, one that the warehouse told, a person's number at the shop and each write of ours are told
    apart; counts said nothing of where they came from. Control: a count that changes nothing is no change."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            await engine.run(5)
            engine.warehouse.pieces["TEE"] = 8
            await engine.tell(WMS, levels=(engine.warehouse.level("TEE"),))
            await engine.run(5)
            await engine.tell(WMS, levels=(engine.warehouse.level("TEE"),))
            engine.shop.put("TEE", 9)
            await engine.tell_shown("TEE")
            await engine.run(5)
            rows = engine.rows("SELECT kind, system, place, before, after, why FROM stock_change ORDER BY id")
            assert rows == [
                ("counted", WMS, HALL, None, 10, "read on schedule"),
                ("written", SHOP, SHELF, 1_000, 10, f"{WRITTEN}1"),
                ("counted", WMS, HALL, 10, 8, "told by told"),
                ("written", SHOP, SHELF, 10, 8, f"{WRITTEN}2"),
                ("foreign", SHOP, SHELF, 8, 9, "somebody else wrote it"),
                ("written", SHOP, SHELF, 9, 8, f"{WRITTEN}3"),
            ]

    asyncio.run(run())

"""Bundles that a channel derives by itself: never written, said once, and no hindrance to others."""

import asyncio
from pathlib import Path

import pytest
from stock_engine import SHOP, StockEngine

from interlock.messaging.outcome import Refused
from interlock.messaging.stock import Item, ItemPage

NON_MUTABLE = Refused(
    reason="validation", code="NON_MUTABLE_INVENTORY_ITEM", message="its stock is that of its components"
)
ROUNDS = 5


@pytest.mark.parametrize("listed", [True, False])
def test_a_bundle_among_others_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, listed: bool) -> None:
    """C60: a shop that says of an item that it derives it is never asked to write it, whatever the warehouse counts. One that does not
    say so refuses it: one dead letter and one call a number, none while nothing changes. The item beside it is written each time.
    Control: the same item that is no bundle is written like any other."""

    async def run() -> None:
        async with StockEngine(tmp_path, SET=3, TEE=10) as engine:
            shop = engine.shop

            async def items(after: str, *, timeout_seconds: float) -> ItemPage:
                del after, timeout_seconds
                return ItemPage(items=tuple(Item(item=sku, sku=sku, kit=listed and sku == "SET") for sku in shop.shown))

            monkeypatch.setattr(shop, "items", items)
            for round_ in range(ROUNDS):
                shop.spoilt["SET"] = NON_MUTABLE
                engine.warehouse.pieces |= {"SET": 3 + round_, "TEE": 10 + round_}
                await engine.run(30)
            asked = [line.quantity for _, lines in shop.calls for line in lines if line.place.item == "SET"]
            assert asked == ([] if listed else [3, 4, 5, 6, 7])
            assert shop.shown == {"SET": 1_000, "TEE": 14}
            letters = engine.rows("SELECT count(*) FROM dead_letter WHERE closed_ms = 0")
            said = engine.rows("SELECT said, trouble FROM stock_place WHERE sku = 'SET' AND channel = ?", SHOP)
            assert (letters, said) == (
                ([(0,)], [(f"{SHOP} derives it from its components", "")])
                if listed
                else ([(1,)], [(NON_MUTABLE.message, NON_MUTABLE.code)])
            )
            shop.spoilt.clear()
            engine.warehouse.pieces["SET"] = 9
            await engine.run(30)
            assert shop.shown["SET"] == (1_000 if listed else 9)

    asyncio.run(run())

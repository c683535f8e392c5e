"""What is gone at one channel can be sold nowhere, though no order has told of it: at Amazon orders are told minutes late."""

import asyncio
from pathlib import Path

import pytest
from book_stage import START_US, BookStage
from stock_engine import SHOP, StockEngine

from interlock.flows.inventory.publish import Publishing
from interlock.messaging.stock_book import Shown
from interlock.strategy.inventory import Inventory, ItemRule, Kit, Location, Publish

OTHER = "market"
MINUTE = Publish(settle_seconds=0.0, read_every_seconds=1.0, unexplained_seconds=60.0, sales_seen_after_minutes=60.0)


async def _three_gone(engine: StockEngine) -> None:
    """Three are bought at the shop, which shows it before it tells of the order."""
    await engine.run(5)
    engine.shop.put("TEE", 7, by="buyer")
    await engine.tell_shown("TEE")
    await engine.run(5)


def test_what_is_gone_at_one_channel_is_shown_at_none(tmp_path: Path) -> None:
    """C58, C61: until the order is told, its pieces count as sold everywhere, and once, not twice, when it is."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=MINUTE, shops=(SHOP, OTHER), TEE=10) as engine:
            await _three_gone(engine)
            assert (engine.shop.shown["TEE"], engine.shops[OTHER].shown["TEE"]) == (7, 7)
            await engine.tell_sale("TEE", 3, "1")
            await engine.run(5)
            assert (engine.shop.shown["TEE"], engine.shops[OTHER].shown["TEE"]) == (7, 7)

    asyncio.run(run())


def test_what_is_gone_at_one_channel_is_shown_at_none_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Subtracted where it is gone alone, the other channel sells it a second time."""
    monkeypatch.setattr(Publishing, "_gone", lambda *_: [])

    async def run() -> None:
        async with StockEngine(tmp_path, publish=MINUTE, shops=(SHOP, OTHER), TEE=10) as engine:
            await _three_gone(engine)
            assert engine.shops[OTHER].shown["TEE"] == 10

    asyncio.run(run())


def test_what_no_order_explains_in_time_is_there_again_everywhere(tmp_path: Path) -> None:
    """It was somebody's hand: the source of truth counts again at all channels."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=MINUTE, shops=(SHOP, OTHER), TEE=10) as engine:
            await _three_gone(engine)
            await engine.run(90)
            assert (engine.shop.shown["TEE"], engine.shops[OTHER].shown["TEE"]) == (10, 10)

    asyncio.run(run())


def test_packs_and_kits_that_are_gone_are_their_pieces_elsewhere(tmp_path: Path) -> None:
    """A pack of six and a kit of two take twelve and two of the same item; at its own place a number falls by itself."""
    inventory = Inventory(
        locations={"hall": Location(owner="wms", places={"wms": ["H"], "shop": ["S"], "market": ["M"]})},
        items=(ItemRule(sku="TEE", pack={"market": 6}),),
        kits=(Kit(sku="DUO", of={"TEE": 2}),),
    )

    async def run() -> None:
        listed = {name: ["TEE", "DUO"] for name in ("wms", "shop", "market")}
        flows = {"stock": ("wms", ["shop", "market"])}
        async with BookStage(tmp_path, inventory, flows=flows, **listed) as stage:
            await stage.count("wms", "TEE", "H", 60)
            gone = {"flow": "stock", "seen": 1, "seen_us": 1, "missing_us": START_US}
            rows = [
                Shown(channel="market", place="M", sku="TEE", item="TEE", missing=2, **gone),
                Shown(channel="shop", place="S", sku="DUO", item="DUO", missing=1, **gone),
            ]
            for row in rows:
                await stage.run(lambda work, row=row: work.show(row))  # type: ignore[misc]
            assert stage.sum("shop", "S", "TEE").quantity == 60 - 12 - 2
            assert stage.sum("market", "M", "TEE").quantity == (60 - 2) // 6 - 2
            assert stage.sum("shop", "S", "DUO").quantity == (60 - 12) // 2 - 1

    asyncio.run(run())

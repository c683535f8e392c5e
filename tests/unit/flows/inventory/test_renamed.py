"""A release that calls an item otherwise: nothing under its former name waits, is compared or is forgotten.

Found by the wide simulation of stock (tests/faults/test_stock_wide.py).
"""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from book_stage import BookStage
from stock_engine import HALL, PLAIN, SHELF, SHOP, WMS, StockEngine

from interlock.flows.inventory import taking
from interlock.flows.inventory.renamed import Carried
from interlock.messaging.outcome import Refused
from interlock.strategy.inventory import Inventory, ItemRule, Kit, Location

ASKS = msgspec.structs.replace(PLAIN, unexplained_seconds=600.0, heal="ask")
HALL_ONLY = {"hall": Location(owner=WMS, places={WMS: [HALL], SHOP: [SHELF]})}
TWO = {
    "hall": Location(owner="wms", places={"wms": ["H"], "shop": ["D"]}),
    "outlet": Location(owner="erp", places={"erp": ["O"], "shop": ["D"]}),
}
RENAMED = ItemRule(sku="TEE-V2", names={system: ["TEE"] for system in ("wms", "erp", "shop")})
EVERY = {system: ["TEE"] for system in ("wms", "erp", "shop")}


def releases(engine: StockEngine, inventory: Inventory) -> None:
    """Another folder runs from now on."""
    engine.stocked.inventory = inventory
    engine.stocked.rules(engine.catalogue, None, "r2")


def test_nothing_waits_under_the_former_name(tmp_path: Path) -> None:
    """A question and a suspended number: their deliveries waited for ever, and each comparison called the places stale. They end
    with a reason; the question stands under the new name, and its answer is written."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=ASKS, TEE=10, CAP=10) as engine:
            await engine.run(5)
            engine.shop.put("TEE", 15)
            await engine.tell_shown("TEE")
            await engine.run(5)
            items = tuple(ItemRule(sku=f"{sku}-V2", names={WMS: [sku], SHOP: [sku]}) for sku in ("TEE", "CAP"))
            releases(engine, Inventory(locations=HALL_ONLY, items=items))
            await engine.run(30)
            assert {sku for (sku,) in engine.rows("SELECT sku FROM stock_place")} == {"TEE-V2", "CAP-V2"}
            told = dict(engine.rows("SELECT key, state || ': ' || error FROM delivery"))
            assert told[f"TEE@{SHELF}"] == f"cancelled: the folder shows no TEE at {SHELF} of shop any more"
            assert engine.rows("SELECT key FROM dead_letter WHERE closed_ms = 0") == [(f"TEE-V2@{SHELF}",)]
            assert engine.shop.shown == {"TEE": 15, "CAP": 10}
            engine.warehouse.pieces["TEE"] = 12
            await engine.run(5)
            assert engine.shop.shown == {"TEE": 12, "CAP": 10}

    asyncio.run(run())


def test_what_was_refused_is_tried_under_the_new_name(tmp_path: Path) -> None:
    """The refusal was of a delivery that has ended with the former name: the place kept its old number, and nothing told of it."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            await engine.run(5)
            engine.shop.spoilt = {"TEE": Refused(reason="validation", code="BUSY", message="not now")}
            engine.warehouse.pieces["TEE"] = 12
            await engine.run(5)
            assert engine.shop.shown == {"TEE": 10}
            items = (ItemRule(sku="TEE-V2", names={WMS: ["TEE"], SHOP: ["TEE"]}),)
            releases(engine, Inventory(locations=HALL_ONLY, items=items))
            await engine.run(5)
            assert engine.shop.shown == {"TEE": 12}
            assert engine.rows("SELECT 1 FROM dead_letter WHERE closed_ms = 0") == []

    asyncio.run(run())


def test_the_places_of_a_kit_follow_its_name(tmp_path: Path) -> None:
    """A kit is nowhere counted: who looks only at what is counted never meets its places."""

    async def run() -> None:
        kit = Inventory(locations=HALL_ONLY, kits=(Kit(sku="SET", of={"TEE": 2}),))
        engine = StockEngine(tmp_path, inventory=kit, TEE=10)
        engine.shop.shown["SET"] = 0
        async with engine:
            await engine.run(5)
            assert engine.shop.shown == {"TEE": 10, "SET": 5}
            items = (ItemRule(sku="SET-V2", names={SHOP: ["SET"]}),)
            releases(engine, Inventory(locations=HALL_ONLY, kits=(Kit(sku="SET-V2", of={"TEE": 2}),), items=items))
            await engine.run(5)
            assert {sku for (sku,) in engine.rows("SELECT sku FROM stock_place")} == {"TEE", "SET-V2"}

    asyncio.run(run())


@pytest.mark.parametrize("first", ["a count of one of them", "the release"])
@pytest.mark.parametrize("carries", [True, False])
def test_a_shared_place_keeps_the_sum_of_all_its_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, carries: bool
) -> None:
    """Two that count are one number at the shop: once the first had told the new name it showed that one's part alone (38 of 78).
    What was sold and is in no count yet is subtracted still. Nothing carried over is the control."""
    if not carries:
        monkeypatch.setattr(taking, "carry_over", lambda *_: Carried())

    async def run() -> None:
        async with BookStage(tmp_path, Inventory(locations=TWO), **EVERY) as stage:
            await stage.count("wms", "TEE", "H", 40)
            await stage.count("erp", "TEE", "O", 40)
            await stage.sell("shop", "1", {"TEE": 2})
            assert stage.sum("shop", "D", "TEE").quantity == 78
            stage.rules = stage.rules_of(Inventory(locations=TWO, items=(RENAMED,)), release="r2")
            if first == "the release":
                await stage.take(lambda taking: taking.again("TEE"))
            else:
                await stage.count("wms", "TEE", "H", 40)
            found: Any = stage.sum("shop", "D", "TEE-V2")
            if not carries:
                assert found.quantity < 78
                return
            assert found.quantity == 78
            assert not stage.book.look(lambda work: [work.counted("TEE"), work.shown_of("TEE")] != [[], []])

    asyncio.run(run())


def test_what_is_ignored_from_now_on_ends(tmp_path: Path) -> None:
    """Its counts stood in the sum of its place for ever, though no line of it is taken any more."""

    async def run() -> None:
        async with BookStage(tmp_path, Inventory(locations=TWO), **EVERY) as stage:
            await stage.count("wms", "TEE", "H", 40)
            stage.rules = stage.rules_of(Inventory(locations=TWO, ignore=("TEE",)), release="r2")
            await stage.take(lambda taking: taking.again("TEE"))
            assert stage.book.look(lambda work: [*work.counted("TEE"), *work.shown_of("TEE")]) == []

    asyncio.run(run())


def test_a_name_that_nobody_knows_changes_nothing(tmp_path: Path) -> None:
    """Two items of one SKU are a question to the folder, and no new name: what was counted stands until it is answered."""

    async def run() -> None:
        async with BookStage(tmp_path, Inventory(locations=TWO), **EVERY) as stage:
            await stage.count("wms", "TEE", "H", 40)
            twice = ItemRule(sku="TEE-V2", names={"shop": ["TEE"]})
            stage.rules = stage.rules_of(Inventory(locations=TWO, items=(twice,)), release="r2")
            await stage.take(lambda taking: taking.again("TEE"))
            assert [one.available for one in stage.book.look(lambda work: work.counted("TEE"))] == [40]

    asyncio.run(run())

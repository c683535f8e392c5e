"""What a listing or a new folder changes about stock is looked at again, though nobody counts anew."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from book_stage import BookStage
from stock_engine import HALL, SHELF, SHOP, WMS, StockEngine

from interlock.flows.inventory import reader
from interlock.messaging.stock import Level, LevelPage
from interlock.strategy.inventory import Inventory, ItemRule, Location, Publish

LATER = Publish(sales_seen_after_minutes=60, settle_seconds=0.0, read_every_seconds=1.0)


def test_a_place_is_shown_once_its_channel_lists_the_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shop lists an item a day after the warehouse counted it: no new count has to come for it to be shown."""
    monkeypatch.setattr(reader, "ITEMS_EVERY_SECONDS", 20.0)

    async def run() -> None:
        async with StockEngine(tmp_path, shops=(SHOP, "market"), TEE=10) as engine:
            del engine.shop.shown["TEE"]
            await engine.run(5)
            assert engine.rows("SELECT trouble FROM stock_place WHERE channel = ?", SHOP) == [("STK013",)]
            engine.shop.shown["TEE"] = 0
            await engine.run(30)
            assert engine.shop.shown == {"TEE": 10}

    asyncio.run(run())


def test_an_item_that_was_made_anew_at_the_channel_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shop's item is deleted and created again with the same SKU: what the old one showed is nothing of the new one."""
    monkeypatch.setattr(reader, "ITEMS_EVERY_SECONDS", 20.0)

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            shop = engine.shop
            await engine.run(5)
            del shop.shown["TEE"]
            shop.shown["new-tee"] = 0
            shop.listed = {"new-tee": "TEE"}
            await engine.run(30)
            assert shop.shown == {"new-tee": 10}

    asyncio.run(run())


def test_a_line_that_stopped_is_tried_again_when_the_folder_changes(tmp_path: Path) -> None:
    """The operator names an unknown SKU and applies: it is shown then, not when the items are listed next."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            engine.warehouse.silent.add("TEE")
            await engine.run(5)
            odd = Level(item="TEE-US", sku="TEE-US", location=HALL, quantities={"available": 4})  # type: ignore[dict-item]
            await engine.tell(WMS, levels=(odd,))
            await engine.run(20)
            assert engine.rows("SELECT code FROM stock_stopped") == [("STK001",)]
            named = ItemRule(sku="TEE", names={WMS: ["TEE-US"]})
            engine.stocked.inventory = Inventory(locations=engine.stocked.inventory.locations, items=(named,))
            engine.stocked.rules(engine.catalogue, name="r2")
            await engine.run(5)
            assert engine.shop.shown == {"TEE": 4}

    asyncio.run(run())


def test_a_folder_that_counts_otherwise_has_everything_read_anew(tmp_path: Path) -> None:
    """An owner that tells what changed tells no more of a count that the folder now reads as another number of pieces."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            await engine.run(5)
            engine.warehouse.unchanged = True
            await engine.run(5)
            cased = ItemRule(sku="TEE", pack={WMS: 12})
            engine.stocked.inventory = Inventory(locations=engine.stocked.inventory.locations, items=(cased,))
            engine.stocked.rules(engine.catalogue, name="r2")
            await engine.run(10)
            assert engine.shop.shown == {"TEE": 120}

    asyncio.run(run())


def test_a_place_that_the_folder_drops_is_waited_for_no_more(tmp_path: Path) -> None:
    """Something was missing at a place that the folder shows no more: it was worked out twice a second for ever."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            shop = engine.shop
            await engine.run(5)
            shop.put("TEE", 7)
            await engine.tell_shown("TEE")
            await engine.run(5)
            assert engine.rows("SELECT missing FROM stock_place") == [(3,)]
            engine.stocked.inventory = Inventory(locations={"hall": Location(WMS, {WMS: [HALL], SHOP: ["S2"]})})
            engine.stocked.rules(engine.catalogue, name="r2")
            await engine.run(120)
            assert engine.rows("SELECT missing FROM stock_place WHERE place = ?", SHELF) == [(0,)]

    asyncio.run(run())


def test_a_sale_of_an_item_that_nobody_knew_is_subtracted_once_it_is_known(tmp_path: Path) -> None:
    """An order names an item before the catalogue does: its line stops, and is taken when the item is known. It was subtracted
    nowhere, and sold twice (C61)."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=LATER, TEE=10) as engine:
            await engine.run(5)
            await engine.tell_sale("TEE-GIFT", 2, "1001")
            await engine.run(5)
            assert engine.rows("SELECT place, code FROM stock_stopped") == [("order #1001", "STK001")]
            named = ItemRule(sku="TEE", names={SHOP: ["TEE", "TEE-GIFT"]})
            engine.stocked.inventory = Inventory(locations=engine.stocked.inventory.locations, items=(named,))
            engine.stocked.rules(engine.catalogue, name="r2")
            await engine.run(5)
            assert engine.rows("SELECT place, code FROM stock_stopped") == []
            assert engine.shop.shown["TEE"] == 8

    asyncio.run(run())


def test_an_order_that_cannot_be_understood_keeps_no_other_from_being_read(tmp_path: Path) -> None:
    """Events of two orders say too little, and one of them cannot be read at all: the sale of the other is subtracted."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=LATER, TEE=10) as engine:
            await engine.run(5)
            engine.stocked.shop, now_us = engine.source, engine.clock.now_ms() * 1_000
            engine.source.present = {"bad": b"[]", "good": _order("good", 3, now_us)}
            for key in ("bad", "good"):
                await engine.book.run(lambda work, key=key: work.again(SHOP, "order", key, 1, 0))
            await engine.run(10)
            assert engine.shop.shown == {"TEE": 7}

    asyncio.run(run())


def test_what_is_asked_for_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    """An order changes again while it is read: the second event was taken for answered by the reading of the first."""

    async def run() -> None:
        async with BookStage(tmp_path, Inventory(locations={}), wms=[], shop=[]) as stage:
            await stage.run(lambda work: work.again("shop", "order", "1001", 7, 0))
            [(_, _, event, _)] = stage.book.look(lambda work: work.to_read("shop", 1, 10))
            await stage.run(lambda work: work.again("shop", "order", "1001", 8, 0))
            await stage.run(lambda work: work.was_read("shop", "order", "1001", event))
            assert [row[2] for row in stage.book.look(lambda work: work.to_read("shop", 1, 10))] == [8]
            await stage.run(lambda work: work.was_read("shop", "order", "1001", 8))
            assert stage.book.look(lambda work: work.to_read("shop", 1, 10)) == []

    asyncio.run(run())


def test_all_that_is_too_old_is_forgotten_within_an_hour(tmp_path: Path) -> None:
    """At some changes a second more became too old in an hour than was forgotten in one: the ledger grew for ever."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            old = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) INSERT INTO stock_change "
            old += "(at_us, kind, sku, system, place, name, as_of_us, why) SELECT i, 'counted', 'TEE', '', '', '', 0, '' FROM n"
            await engine.ledger.group.run(lambda connection: connection.execute(old))
            await engine.run(5)
            assert engine.rows("SELECT count(*) FROM stock_change WHERE at_us < 20000") == [(0,)]

    asyncio.run(run())


def test_a_slow_reading_is_as_of_when_it_was_asked_for(tmp_path: Path) -> None:
    """A sale is accepted while a slow reading is on its way: the count in its answer, which says no time of its own, is of before,
    and the sale stays subtracted (C61)."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            await engine.run(5)
            slow = [True]

            async def changed(cursor: str, after: str, *, timeout_seconds: float) -> LevelPage:
                del cursor, after, timeout_seconds
                began_us = engine.warehouse.now_us()
                level = msgspec.structs.replace(engine.warehouse.level("TEE"), as_of_us=0)
                if slow:
                    slow.clear()
                    await engine.clock.sleep(1)
                    await engine.tell_sale("TEE", 2, "1001")
                    await engine.clock.sleep(9)
                else:
                    await engine.clock.sleep(100)
                return LevelPage(levels=(level,), cursor="all", complete_us=began_us)

            engine.warehouse.changed = changed  # type: ignore[method-assign]
            await engine.run(30)
            assert engine.shop.shown == {"TEE": 8}

    asyncio.run(run())


def test_an_event_that_can_be_read_now_has_stopped_no_more(tmp_path: Path) -> None:
    """A connector could not read an event of a sale; a new one can: the sale is subtracted, and nothing is said to have stopped."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=LATER, TEE=10) as engine:
            await engine.run(5)
            reads = engine.warehouse.told
            engine.warehouse.told = lambda topic, body: reads(topic, b"[]")  # type: ignore[method-assign]
            await engine.tell(WMS, levels=(msgspec.structs.replace(engine.warehouse.level("TEE"), location=HALL),))
            await engine.run(2)
            assert engine.rows("SELECT code FROM stock_stopped") == [("STK009",)]
            engine.warehouse.told = reads  # type: ignore[method-assign]
            engine.stocked.rules(engine.catalogue, name="r2")
            await engine.run(5)
            assert engine.rows("SELECT code FROM stock_stopped") == []

    asyncio.run(run())


def test_a_sale_that_stopped_is_tried_for_two_days(tmp_path: Path) -> None:
    """What is sold and counted by nobody, such as gift cards, leaves no line for each order for ever."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            await engine.run(5)
            await engine.tell_sale("GIFT", 1, "1001")
            await engine.run(2)
            assert engine.rows("SELECT place FROM stock_stopped") == [("order #1001",)]
            now_us = engine.clock.now_ms() * 1_000
            await engine.book.trim(now_us + 47 * 3_600_000_000, 0)
            assert engine.rows("SELECT count(*) FROM stock_stopped") == [(1,)]
            await engine.book.trim(now_us + 49 * 3_600_000_000, 0)
            assert engine.rows("SELECT count(*) FROM stock_stopped") == [(0,)]

    asyncio.run(run())


def _order(key: str, pieces: int, at_us: int) -> bytes:
    line = {"item": "TEE", "sku": "TEE", "quantity": pieces}
    return msgspec.json.encode({"sales": [{"key": key, "version": 1, "accepted_us": at_us, "lines": [line]}]})

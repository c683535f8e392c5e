"""What a system says of stock that another one counts: its last number is kept to be looked at, and is part of nothing."""

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from book_stage import BookStage
from stock_engine import HALL, SHELF, SHOP, WMS, StockEngine, Warehouse

from interlock.clock import VirtualClock
from interlock.flows.inventory import reader
from interlock.flows.inventory.signals import sift
from interlock.messaging.stock import Item, ItemPage, Level
from interlock.messaging.stock_book import Read
from interlock.strategy.inventory import Group, Inventory, Kit, Location

CICERO = Location("wms", {"wms": ["C"], "erp": ["4"], "shop": ["1"]})
STORE = Location("erp", {"erp": ["5"], "shop": ["2"]})
BOTH = Inventory(locations={"cicero": CICERO, "store": STORE})
OF_ERP = msgspec.structs.replace(BOTH, groups=(Group(name="shirts", skus=["TEE"], owner="erp"),))
DAY_US = 86_400_000_000
BESIDE = Inventory(
    locations={
        "hall": Location(WMS, {WMS: [HALL], "erp": ["4"], SHOP: [SHELF]}),
        "store": Location("erp", {"erp": ["5"]}),
    }
)
KEPT = "SELECT system, sku, available FROM stock_signal"


class Books(Warehouse):
    """The ERP: seven of its item 77 in the hall, told when everything is read or the item is asked for."""

    sku = "TEE"

    async def items(self, after: str, *, timeout_seconds: float) -> ItemPage:
        del after, timeout_seconds
        return ItemPage(items=(Item(item="77", sku=self.sku),))

    def level(self, sku: str) -> Level:
        return Level(item=sku, location="4", quantities={"available": Decimal(7)}, as_of_us=1)


def stage_in(folder: Path) -> BookStage:
    """The warehouse counts in cicero, the ERP in its store; all list the one item."""
    return BookStage(folder, BOTH, wms=["TEE"], erp=["TEE"], shop=["TEE"])


def said(stage: BookStage) -> list[tuple[str, str, int]]:
    """The signals of the item."""
    found = stage.book.look(lambda work: work.signals("TEE"))
    return [(one.system, one.location, one.available) for one in found]


def truth(stage: BookStage) -> dict[str, int]:
    """What is counted of it, by system."""
    return {one.system: one.available for one in stage.book.look(lambda work: work.counted("TEE"))}


def test_what_another_says_stands_beside_the_truth(tmp_path: Path) -> None:
    """Why do the ERP and the shop differ? The ERP's number of a place that the warehouse counts stood nowhere: now its last one does, in
    no sum, with no history, and no stopped line (C67, C89). Control: where a group gives the items to the ERP it is the truth."""

    async def run() -> None:
        async with stage_in(tmp_path) as stage:
            await stage.count("wms", "TEE", "C", 10)
            for pieces in (7, 8):
                assert await stage.count("erp", "TEE", "4", pieces) == 0
            assert (said(stage), truth(stage)) == ([("erp", "cicero", 8)], {"wms": 10})
            assert stage.sum("shop", "1", "TEE").quantity == 10
            assert stage.book.look(lambda work: work.halted(10, stage.now_us + 1)) == []
            changes = stage.ledger.group.reading.execute("SELECT system FROM stock_change").fetchall()
            assert changes == [("wms",)]
            stage.rules = stage.rules_of(OF_ERP)
            await stage.count("erp", "TEE", "4", 8)
            assert stage.sum("shop", "1", "TEE").quantity == 8

    asyncio.run(run())


def test_an_older_number_never_takes_the_place_of_a_newer(tmp_path: Path) -> None:
    """Webhooks overtake each other: what was so before is told still, and is not what the page shows. Control: a newer one is."""

    async def run() -> None:
        async with stage_in(tmp_path) as stage:
            await stage.count("erp", "TEE", "4", 7)
            as_of_us, stage.now_us = stage.now_us - 1, stage.now_us + 1_000
            await stage.count("erp", "TEE", "4", 99, as_of_us=as_of_us)
            assert said(stage) == [("erp", "cicero", 7)]
            assert stage.book.look(lambda work: work.signals("TEE"))[0].told_us == stage.now_us
            await stage.count("erp", "TEE", "4", 6)
            assert said(stage) == [("erp", "cicero", 6)]

    asyncio.run(run())


def test_who_counts_by_the_folder_says_no_signal(tmp_path: Path) -> None:
    """The truth is told once, on one side: who becomes the owner is no signal any more, and who was it is no truth."""

    async def run() -> None:
        async with stage_in(tmp_path) as stage:
            await stage.count("wms", "TEE", "C", 10)
            await stage.count("erp", "TEE", "4", 7)
            stage.rules = stage.rules_of(OF_ERP)
            await stage.count("erp", "TEE", "4", 7)
            assert (said(stage), truth(stage)) == ([], {"wms": 10, "erp": 7})
            assert stage.sum("shop", "1", "TEE").quantity == 7
            stage.rules = stage.rules_of(msgspec.structs.replace(OF_ERP, locations={"cicero": CICERO, "dock": DOCK}))
            await stage.count("wms", "TEE", "C", 9)
            assert (said(stage), truth(stage)) == ([("wms", "cicero", 9)], {"erp": 7})

    asyncio.run(run())


DOCK = Location("wms", {"wms": ["D"]})


def test_a_release_that_says_otherwise_ends_it(tmp_path: Path) -> None:
    """A number that nobody says there any more would stand on the page for good: it goes with the release that gives the item to the
    ERP, ignores its place or the item, makes a kit of it, or lets the ERP count nothing. Control: a release like the last keeps it."""

    async def run() -> None:
        ends = {
            "owner": OF_ERP,
            "place": msgspec.structs.replace(
                BOTH,
                locations={"cicero": Location("wms", {"wms": ["C"], "shop": ["1"]}), "store": STORE},
                ignored_places=frozenset({("erp", "4")}),
            ),
            "item": msgspec.structs.replace(BOTH, ignore=("T*",)),
            "kit": msgspec.structs.replace(BOTH, kits=(Kit(sku="TEE", of={"CAP": 1}),)),
            "system": Inventory(locations={"cicero": CICERO}),
        }
        async with stage_in(tmp_path) as stage:
            await stage.count("erp", "TEE", "4", 7)
            await sift(stage.book, stage.rules_of(BOTH, release="r2"), VirtualClock())
            assert said(stage) == [("erp", "cicero", 7)]
            for why, inventory in ends.items():
                await stage.count("erp", "TEE", "4", 7)
                assert said(stage) == [("erp", "cicero", 7)], why
                await sift(stage.book, stage.rules_of(inventory), VirtualClock())
                assert said(stage) == [], why

    asyncio.run(run())


def test_what_is_ignored_now_is_no_signal(tmp_path: Path) -> None:
    """Between two releases too: a line that is told under a name that is no stock takes its number away."""

    async def run() -> None:
        async with stage_in(tmp_path) as stage:
            await stage.count("erp", "TEE", "4", 7)
            stage.rules = stage.rules_of(msgspec.structs.replace(BOTH, ignore=("TEE",)))
            await stage.count("erp", "TEE", "4", 7)
            assert said(stage) == []

    asyncio.run(run())


def test_what_is_told_no_more_is_forgotten(tmp_path: Path) -> None:
    """The ERP has told everything, and of this place no more: nothing is suspended for it (C66), and the number goes with the rest of
    the old. Control: what it told in that reading stays, however old."""

    async def run() -> None:
        async with stage_in(tmp_path) as stage:
            await stage.count("erp", "TEE", "4", 7)
            stage.now_us += 1_000_000
            told = Read(fresh_us=stage.now_us, whole_us=stage.now_us, listed_us=stage.now_us)
            await stage.run(lambda work: work.read("erp", "levels", told))
            assert not stage.sum("shop", "1", "TEE").counted
            await stage.count("wms", "TEE", "C", 10)
            assert stage.sum("shop", "1", "TEE").quantity == 10
            while await stage.book.trim(stage.now_us + 3 * DAY_US, 0):
                pass
            assert said(stage) == []
            await stage.count("erp", "TEE", "4", 7)
            while await stage.book.trim(stage.now_us + 3 * DAY_US, 0):
                pass
            assert said(stage) == [("erp", "cicero", 7)]

    asyncio.run(run())


def test_what_a_channel_shows_there_is_told_as_that(tmp_path: Path) -> None:
    """A till that shows the warehouse's stock and counts a store of its own: our number at its place is no signal of its."""

    async def run() -> None:
        hall = Location("wms", {"wms": ["C"], "till": ["L1"]})
        own = Location("till", {"till": ["L2"], "shop": ["2"]})
        flows = {"stock-to-till": ("wms", ["till"]), "stock-to-shop": ("till", ["shop"])}
        inventory = Inventory(locations={"hall": hall, "own": own})
        async with BookStage(tmp_path, inventory, flows=flows, wms=["TEE"], till=["TEE"], shop=["TEE"]) as stage:
            await stage.count("wms", "TEE", "C", 10)
            await stage.count("till", "TEE", "L1", 10)
            assert (said(stage), truth(stage)) == ([], {"wms": 10})

    asyncio.run(run())


def test_the_hub_ends_it_with_the_release(tmp_path: Path) -> None:
    """Nobody has to ask for it: a hub that follows a release forgets what is no signal any more. Control: until then it keeps it."""

    async def run() -> None:
        async with StockEngine(tmp_path, inventory=BESIDE, TEE=10) as engine:
            await engine.run(5)
            level = Level(item="TEE", sku="TEE", location="4", quantities={"available": Decimal(7)})
            await engine.tell("erp", levels=(level,))
            await engine.run(5)
            assert engine.rows(KEPT) == [("erp", "TEE", 7)]
            engine.stocked.inventory = Inventory(locations={"hall": BESIDE.locations["hall"]})
            engine.stocked.rules(engine.catalogue, name="r2")
            await engine.run(5)
            assert engine.rows(KEPT) == [] and engine.shop.shown == {"TEE": 10}

    asyncio.run(run())


def test_an_item_that_is_another_now_takes_its_number_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ERP gives its item another SKU, and tells of no change: its number is read again, and stands beside the other's truth. It
    stood beside the first's for good. Control: before the listing it does."""
    monkeypatch.setattr(reader, "ITEMS_EVERY_SECONDS", 20.0)

    async def run() -> None:
        async with StockEngine(tmp_path, inventory=BESIDE, TEE=10, CAP=3) as engine:
            books = Books(engine.clock)
            books.pieces, books.unchanged = {"77": 7}, True
            monkeypatch.setattr(engine.stocked, "stock_source", {WMS: engine.warehouse, "erp": books}.__getitem__)
            await engine.run(10)
            books.sku = "CAP"
            assert engine.rows(KEPT) == [("erp", "TEE", 7)]
            await engine.run(30)
            assert engine.rows(KEPT) == [("erp", "CAP", 7)] and engine.shop.shown == {"TEE": 10, "CAP": 3}

    asyncio.run(run())

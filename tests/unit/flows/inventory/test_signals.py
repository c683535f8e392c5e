"""What a system says of stock that another one counts: kept to be looked at, and part of nothing."""

import asyncio
from pathlib import Path

import msgspec
from book_stage import BookStage

from interlock.messaging.stock_book import Read
from interlock.strategy.inventory import Group, Inventory, Location

CICERO = Location("wms", {"wms": ["C"], "erp": ["4"], "shop": ["1"]})
STORE = Location("erp", {"erp": ["5"], "shop": ["2"]})
BOTH = Inventory(locations={"cicero": CICERO, "store": STORE})


def test_what_another_says_stands_beside_the_truth(tmp_path: Path) -> None:
    """Why do the ERP and the shop differ? The ERP's number of a place that the warehouse counts stood nowhere; it is in no sum, and an
    older one never takes its place (C67, C89). Control: where a group gives these items to the ERP the same number is the truth."""

    async def run() -> None:
        async with BookStage(tmp_path, BOTH, wms=["TEE"], erp=["TEE"], shop=["TEE"]) as stage:
            await stage.count("wms", "TEE", "C", 10)
            assert await stage.count("erp", "TEE", "4", 7) == 0
            await stage.count("erp", "TEE", "4", 99, as_of_us=stage.now_us - 1)
            said = {one.system: one.available for one in stage.book.look(lambda work: work.counted("TEE"))}
            assert (said, stage.sum("shop", "1", "TEE").quantity) == ({"wms": 10, "erp": 7}, 10)
            assert stage.book.look(lambda work: work.halted(10, stage.now_us + 1)) == []
            groups = (Group(name="shirts", skus=["TEE"], owner="erp"),)
            stage.rules = stage.rules_of(msgspec.structs.replace(BOTH, groups=groups))
            assert stage.sum("shop", "1", "TEE").quantity == 7

    asyncio.run(run())


def test_a_signal_that_ends_suspends_nothing(tmp_path: Path) -> None:
    """The ERP has told everything, and of this place no more: the warehouse counts it still (C66)."""

    async def run() -> None:
        async with BookStage(tmp_path, BOTH, wms=["TEE"], erp=["TEE"], shop=["TEE"]) as stage:
            await stage.count("erp", "TEE", "4", 7)
            stage.now_us += 1_000_000
            told = Read(fresh_us=stage.now_us, whole_us=stage.now_us, listed_us=stage.now_us)
            await stage.run(lambda work: work.read("erp", "levels", told))
            assert not stage.sum("shop", "1", "TEE").counted
            await stage.count("wms", "TEE", "C", 10)
            assert stage.sum("shop", "1", "TEE").quantity == 10

    asyncio.run(run())

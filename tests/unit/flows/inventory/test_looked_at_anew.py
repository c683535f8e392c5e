"""What a system of truth tells again, or no more, is looked at: surely, and never so much at once that nothing else happens."""

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from book_stage import BookStage
from stock_engine import HALL, PLAIN, SHOP, WMS, StockEngine

from interlock.flows.inventory import anew
from interlock.flows.inventory.anew import LookingAnew
from interlock.flows.inventory.desk import LINES_AT_ONCE
from interlock.messaging.stock import Level
from interlock.messaging.stock_book import Read
from interlock.strategy.inventory import Inventory, Location

SHELVES = Inventory(locations={"hall": Location(owner="wms", places={"wms": ["H1"], "shop": ["S1"]})})
TILL = "till"
PATIENT = msgspec.structs.replace(PLAIN, sales_seen_after_minutes=60.0)


def test_what_is_told_again_is_published_again_though_it_says_the_same(tmp_path: Path) -> None:
    """A whole reading lacks an item, the next has it with the number of before: nothing was published of it until that changed."""

    async def run() -> None:
        async with BookStage(tmp_path, SHELVES, wms=["TEE"], shop=["TEE"]) as stage:
            await stage.count("wms", "TEE", "H1", 5)
            await stage.showed("shop", "S1", "TEE", 5)
            stage.now_us += 10_000_000
            await stage.run(
                lambda work: work.read("wms", "levels", Read(fresh_us=stage.now_us, listed_us=stage.now_us))
            )
            await stage.take(lambda taking: taking.touched.update(TEE=0))
            assert "tells of it no more" in stage.shown("shop", "S1", "TEE").said
            stage.now_us += 10_000_000
            await stage.count("wms", "TEE", "H1", 5)
            assert stage.shown("shop", "S1", "TEE").said == ""

    asyncio.run(run())


async def _silent(engine: StockEngine, seconds: float) -> None:
    """The warehouse falls silent for so long, and the till sells meanwhile; then it answers again."""
    await engine.run(5)
    engine.warehouse.down = True
    await engine.run(seconds)
    await engine.tell_sale("TEE", 1, "1", shop=TILL)
    await engine.run(1)
    assert engine.rows("SELECT count(*) FROM stock_place WHERE said <> '' AND sku = 'TEE'") == [(2,)], "void"
    engine.warehouse.down = False


def test_a_short_silence_ends_as_a_long_one_does(tmp_path: Path) -> None:
    """The folder allows half a minute of silence: what was suspended after it stayed so, as only a minute counted as a silence."""
    hasty = msgspec.structs.replace(PATIENT, source_stale_minutes=0.5)

    async def run() -> None:
        async with StockEngine(tmp_path, publish=hasty, shops=(SHOP, TILL), TEE=10) as engine:
            await _silent(engine, 40)
            await engine.run(20)
            assert engine.shop.shown == {"TEE": 9}

    asyncio.run(run())


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "at once"])
def test_what_was_suspended_is_shown_again_some_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    """Everything is suspended while its owner is silent. When it answers, all is looked at again, though the hub is killed before
    it was: what had been suspended stayed so. A transaction has some of it: all at once held the hub for a minute (100,000 SKUs)."""
    others = {f"SKU_{number}": 1 for number in range(5)}
    monkeypatch.setattr(anew, "SKUS_AT_ONCE", 2)
    stale = msgspec.structs.replace(PATIENT, source_stale_minutes=5)

    async def run() -> None:
        engine, sizes = StockEngine(tmp_path, publish=stale, shops=(SHOP, TILL), TEE=10, **others), list[int]()
        async with engine:
            await _silent(engine, 310)
            await engine.desk.again([sku.replace("_", "-") for sku in others])
            if killed:
                with monkeypatch.context() as patch:
                    patch.setattr(LookingAnew, "look", _dies)
                    await engine.run(120)
                assert engine.shop.shown["TEE"] == 10, "void: it was looked at before the kill"
                await engine.close()
                await engine.open()
            works_out = engine.desk.again

            async def again(skus: list[str], *, behind: bool = False) -> int:
                sizes.append(len(skus))
                return await works_out(skus, behind=behind)

            engine.desk.again = again  # type: ignore[assignment, method-assign]
            await engine.run(120)
            assert engine.shop.shown["TEE"] == 9
            assert engine.rows("SELECT count(*) FROM stock_place WHERE said <> ''") == [(0,)]
            assert sum(sizes) >= len(others)
            assert max(sizes) == 2

    asyncio.run(run())


async def _dies(_self: LookingAnew, _systems: list[str]) -> None:
    await asyncio.Event().wait()


def test_a_dropped_file_is_taken_in_some_lines_at_a_time(tmp_path: Path) -> None:
    """The parts of a file are in the inbox all at once: two hundred events of two hundred lines in one transaction held the hub for
    half a minute. Events that say little go together as before."""

    async def run() -> None:
        async with StockEngine(tmp_path) as engine:
            await engine.run(1)
            for task in engine._running:
                task.cancel()
            for size in (LINES_AT_ONCE, LINES_AT_ONCE, 1, 1, 1):
                await engine.tell(WMS, levels=tuple(_level(number) for number in range(size)))
            assert [await engine.desk.step() for _ in range(4)] == [1, 1, 3, 0]

    asyncio.run(run())


def _level(number: int) -> Level:
    return Level(item=f"SKU-{number}", location=HALL, quantities={"available": Decimal(1)})

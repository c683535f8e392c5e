"""What breaks off between two steps is gone on with: a page that fails, a transaction that is rolled back, a hub that is killed."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from book_stage import BookStage
from stock_engine import SHOP, StockEngine

from interlock.flows.inventory import reader
from interlock.flows.inventory.seeing import Seeing
from interlock.messaging.outcome import Retry
from interlock.messaging.stock import Item, ItemPage, Sale, SaleLine
from interlock.messaging.stock_book import Read
from interlock.strategy.inventory import Inventory, Location

HALL = Inventory(locations={"hall": Location(owner="wms", places={"wms": ["H1"], "shop": ["S1"]})})


def test_a_listing_that_breaks_off_does_not_forget_what_was_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first page lists a new item, the second cannot be read: the next listing finds the item known already, and it was shown only
    when its count changed."""
    monkeypatch.setattr(reader, "ITEMS_EVERY_SECONDS", 20.0)

    async def run() -> None:
        async with StockEngine(tmp_path, shops=(SHOP, "market"), TEE=10, CAP=3) as engine:
            shop, fails = engine.shop, [Retry(code="503", message="unavailable")] * 6
            del shop.shown["TEE"]
            await engine.run(5)
            shop.shown["TEE"] = 0

            async def items(after: str, *, timeout_seconds: float) -> ItemPage | Retry:
                del timeout_seconds
                if not after:
                    return ItemPage(items=(Item(item="TEE", sku="TEE"),), after="2")
                return fails.pop() if fails else ItemPage(items=(Item(item="CAP", sku="CAP"),))

            shop.items = items  # type: ignore[assignment, method-assign]
            await engine.run(100)
            assert not fails, "void: the listing was to break off"
            assert shop.shown == {"TEE": 10, "CAP": 3}
            assert engine.rows("SELECT * FROM stock_again") == []

    asyncio.run(run())


def test_sales_are_seen_though_their_transaction_was_made_twice(tmp_path: Path) -> None:
    """Another piece of work fails in the same transaction, so that each is made alone: the sales of the first attempt had been looked
    at, and were passed over in the second."""

    async def run() -> None:
        async with BookStage(tmp_path, HALL, wms=["TEE"], shop=["TEE"]) as stage:
            await stage.count("wms", "TEE", "H1", 10)
            await stage.sell("shop", "1", {"TEE": 2})
            stage.now_us += 60_000_000
            await stage.run(lambda work: work.read("wms", "levels", Read(fresh_us=stage.now_us, whole_us=stage.now_us)))
            seeing = Seeing(_Shared(stage), _DESK, _clock(stage))  # type: ignore[arg-type]
            seeing._round_us = stage.now_us  # no round finds them before their time
            await seeing.look(stage.rules, {})
            assert stage.book.look(lambda work: work.reserved("TEE")) == []

    asyncio.run(run())


def test_a_system_that_hangs_is_not_asked_for_one_order_after_the_other(tmp_path: Path) -> None:
    """Twenty orders are to be read again and each call ends by its time: what else is read of the system waited ten minutes for them."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            await engine.run(5)
            asked: list[str] = []

            async def hangs(_object: str, key: str, *, timeout_seconds: float) -> Retry:
                asked.append(key)
                await engine.clock.sleep(timeout_seconds)
                return Retry(code="TIMEOUT", message="no answer")

            engine.stocked.source = lambda _name: SimpleNamespace(read=hangs)  # type: ignore[method-assign]
            for number in range(20):
                await engine.book.run(lambda work, key=str(number): work.again(SHOP, "order", key, 1, 0))
            await engine.run(1)
            lines = (SaleLine(item="TEE", sku="TEE", quantity=1),)
            now_us = engine.clock.now_ms() * 1_000
            engine.shop.told_sales.append(Sale(key="1", version=1, accepted_us=now_us, lines=lines))
            await engine.run(40)
            assert asked, "void: orders were to be read"
            assert engine.rows("SELECT sale FROM stock_sale") == [("1",)]

    asyncio.run(run())


class _Shared:
    """A book whose every transaction is shared with a piece that fails."""

    def __init__(self, stage: BookStage) -> None:
        self._stage = stage
        self.look = stage.book.look

    async def run(self, work: Any) -> Any:
        ours = asyncio.ensure_future(self._stage.book.run(work))
        asyncio.get_running_loop().call_soon(self._fail)
        return await ours

    def _fail(self) -> None:
        self._stage.ledger.group.run(_broken).add_done_callback(lambda failed: failed.exception())


_DESK = SimpleNamespace(wake=lambda: None)


def _clock(stage: BookStage) -> Any:
    async def sleep(_seconds: float) -> None:
        return None

    return SimpleNamespace(now_ms=lambda: stage.now_us // 1_000, sleep=sleep)


def _broken(_connection: object) -> None:
    raise ValueError

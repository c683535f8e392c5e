"""What breaks off between two steps is gone on with: a page that fails, a transaction that is rolled back, a hub that is killed."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from book_stage import BookStage
from stock_engine import PLAIN, SHELF, SHOP, StockEngine

from interlock.flows.inventory import reader, writer
from interlock.flows.inventory.again import MOST_AGAIN
from interlock.flows.inventory.seeing import Seeing
from interlock.flows.inventory.writer import ChannelWriter
from interlock.messaging.limiter import Limiter
from interlock.messaging.outcome import Done, Outcome, Retry
from interlock.messaging.stock import Item, ItemPage, Line, Place, Sale, SaleLine
from interlock.messaging.stock_book import Batch, Read
from interlock.strategy.inventory import Inventory, Location

HALL = Inventory(locations={"hall": Location(owner="wms", places={"wms": ["H1"], "shop": ["S1"]})})

SALE = {"key": "1", "version": 1, "accepted_us": 1, "lines": [{"item": "TEE", "sku": "TEE", "quantity": 1}]}


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


def test_an_order_is_asked_for_until_its_system_answers(tmp_path: Path) -> None:
    """A shop was down for three hours: what had to be read of an order was given up after an hour, and no reading of counts has it."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            await engine.run(5)
            down_until = engine.clock.monotonic() + 3 * 3_600.0

            async def answers(_object: str, _key: str, *, timeout_seconds: float) -> Retry | bytes:
                del timeout_seconds
                down = engine.clock.monotonic() < down_until
                return Retry(code="503", message="unavailable") if down else msgspec.json.encode({"sales": [SALE]})

            engine.stocked.source = lambda _name: SimpleNamespace(read=answers)  # type: ignore[method-assign]
            await engine.book.run(lambda work: work.again(SHOP, "order", "1", 1, 0))
            for failed in range(MOST_AGAIN):
                await engine.book.run(lambda work, event=failed + 2: work.again(SHOP, "order", "1", event, 0))
            await engine.run(5)
            assert engine.rows("SELECT key FROM stock_again") == [("1",)]
            down_until = 0.0
            await engine.run(310)
            assert engine.rows("SELECT sale FROM stock_sale") == [("1",)]

    asyncio.run(run())


def test_what_waits_for_a_silent_owner_is_looked_at_rarely_and_shown_at_once(tmp_path: Path) -> None:
    """The owner falls silent while deliveries are open: each was worked out once a minute, 1,700 a second in the midst of a full sync.
    When the owner answers, nobody waits for the next look."""
    stale = msgspec.structs.replace(PLAIN, source_stale_minutes=0.1)

    async def run() -> None:
        async with StockEngine(tmp_path, publish=stale, TEE=10) as engine:
            await engine.run(5)
            engine.shop.fault = lambda _lines: "503"
            engine.warehouse.pieces["TEE"] = 9
            await engine.run(5)
            engine.warehouse.down = True
            await engine.run(120)
            [(state, due_ms)] = engine.rows("SELECT state, due_ms FROM delivery WHERE state <> 'done'")
            assert state == "waiting"
            assert due_ms - engine.clock.now_ms() > 300_000
            engine.shop.fault, engine.warehouse.down = lambda _lines: "done", False
            engine.reader._failures.clear()
            await engine.run(5)
            assert engine.shop.shown == {"TEE": 9}

    asyncio.run(run())


def test_a_call_that_is_made_again_is_made_once_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More calls are under way again than are kept in mind: the first was forgotten, and made once more beside itself."""
    monkeypatch.setattr(writer, "RESENT_KEPT", 1)

    async def run() -> None:
        async with StockEngine(tmp_path) as engine:
            answered, calls = asyncio.Event(), list[str]()

            async def hangs(lines: Sequence[Line], *, key: str, timeout_seconds: float, first: bool) -> list[Outcome]:
                del timeout_seconds, first
                calls.append(key)
                await answered.wait()
                return [Done(external_id=line.sku) for line in lines]

            engine.shop.write = hangs  # type: ignore[assignment, method-assign]
            again = ChannelWriter(SHOP, engine.shop, engine.book, engine.clock, Limiter(engine.clock, concurrency=9))
            lines = [Line(place=Place(item, SHELF), quantity=1, reference="r") for item in "ABAB"]
            for line in lines[:2]:
                key, at_us = line.place.item, engine.clock.now_ms() * 1_000
                batch = Batch(key=key, channel=SHOP, lines=(line,), line_keys=(key,), at_us=at_us)
                await engine.book.run(lambda work, batch=batch: work.keep_batch(batch))
            asked = []
            for line in lines:
                asked.append(asyncio.ensure_future(again.write(line, line.place.item, 5.0)))
                await engine.run(1)
            assert calls == ["A", "B"]
            answered.set()
            assert all(isinstance(outcome, Done) for outcome in await asyncio.gather(*asked))

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

"""The history of a position: who changed it, why, from what to what."""

import asyncio
import hashlib
from pathlib import Path

import msgspec
import pytest
from stock_engine import HALL, ORDERS, PLAIN, SHELF, SHOP, WMS, StockEngine, Warehouse

from interlock.flows.inventory import reasons
from interlock.messaging.event import Event
from interlock.messaging.stock import Level, LevelPage, Told

WRITTEN = "interlock://stock/shop/TEE/S1/"
LINK = "INSERT OR REPLACE INTO link VALUES (?, ?, 'order', ?, 'order.create', '', '', '', ?, '', ?, 1)"
COUNTS = "SELECT after, why FROM stock_change WHERE kind = 'counted' ORDER BY id"
_encode = msgspec.json.Encoder(decimal_format="string").encode


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
                ("counted", WMS, HALL, None, 10, "a reading of all levels"),
                ("written", SHOP, SHELF, 1_000, 10, f"{WRITTEN}1"),
                ("counted", WMS, HALL, 10, 8, "webhook told"),
                ("written", SHOP, SHELF, 10, 8, f"{WRITTEN}2"),
                ("foreign", SHOP, SHELF, 8, 9, "somebody else wrote it"),
                ("written", SHOP, SHELF, 9, 8, f"{WRITTEN}3"),
            ]

    asyncio.run(run())


class Reasoned(Warehouse):
    """A warehouse that says why: `why` it counts so, and whether a page is of `all`. Its levels are `lag_seconds` old."""

    why = ""
    all = False
    lag_seconds = 0.0
    reads = 0

    async def changed(self, cursor: str, after: str, *, timeout_seconds: float) -> LevelPage:
        page = await super().changed(cursor, after, timeout_seconds=timeout_seconds)
        assert isinstance(page, LevelPage)
        return msgspec.structs.replace(page, whole=self.all)

    async def read(self, items: list[str], *, timeout_seconds: float) -> tuple[Level, ...]:  # type: ignore[override]
        self.reads += 1
        return await super().read(items, timeout_seconds=timeout_seconds)

    def level(self, sku: str) -> Level:
        as_of_us = self.now_us() - round(self.lag_seconds * 1e6)
        return msgspec.structs.replace(super().level(sku), why=self.why, as_of_us=as_of_us)


def _reasoned(engine: StockEngine) -> Reasoned:
    warehouse = Reasoned(engine.clock)
    warehouse.pieces = engine.warehouse.pieces
    engine.warehouse = engine.stocked.warehouse = warehouse
    return warehouse


def _folder(tmp_path: Path, name: str) -> Path:
    (tmp_path / name).mkdir()
    return tmp_path / name


async def _webhook(engine: StockEngine, topic: str, said: Told) -> None:
    body, now_ms = _encode(said), engine.clock.now_ms()
    await engine.inbox.append(Event(
        system=WMS, dialect="test", topic=topic, object="inventory_level", key=topic, version=now_ms * 1_000, complete=True,
        received_at_ms=now_ms, release="r1", sha256=hashlib.sha256(body).digest(), body=body,
    ))  # fmt: skip


def test_a_count_says_how_it_was_told_and_what_its_system_says_of_it(tmp_path: Path) -> None:
    """A stockkeeper tells a reading of everything, one of what changed, a webhook and a file apart, and reads the system's own word
    for it, no longer than a line (control: a system that says nothing adds nothing)."""

    async def run() -> list[tuple[int, str]]:
        async with StockEngine(tmp_path, TEE=10) as engine:
            warehouse = _reasoned(engine)
            await engine.run(5)
            for pieces, why, everything in ((9, "order picked", False), (8, "x" * 999, False), (7, "", True)):
                warehouse.pieces["TEE"], warehouse.why, warehouse.all = pieces, why, everything
                await engine.run(5)
            warehouse.unchanged = True
            for pieces, how in ((6, "file night.csv"), (5, "")):
                warehouse.pieces["TEE"] = pieces
                await _webhook(engine, "count.updated", Told(levels=(warehouse.level("TEE"),), how=how))
                await engine.run(1)
            return engine.rows(COUNTS)

    assert asyncio.run(run()) == [
        (10, "a reading of all levels"),
        (9, "a reading of what changed, order picked"),
        (8, f"a reading of what changed, {'x' * 173}"),
        (7, "a reading of all levels"),
        (6, "file night.csv"),
        (5, "webhook count.updated"),
    ]


def test_what_is_read_again_says_after_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The warehouse was told of order #S1, or told itself that a shipment was cancelled: the count that follows names it. Control:
    without the reason of an item only that it was read."""

    async def run(folder: Path) -> list[tuple[int, str]]:
        told = msgspec.structs.replace(PLAIN, sales_seen_by=ORDERS)
        async with StockEngine(folder, publish=told, TEE=10) as engine:
            warehouse = _reasoned(engine)
            await engine.run(3)
            warehouse.unchanged = True
            engine.shop.sell("TEE", 2)
            await engine.tell_sale("TEE", 2, "S1")
            warehouse.pieces["TEE"] = 8
            values = (WMS, SHOP, "S1", 1, engine.clock.now_ms())
            await engine.ledger.group.run(lambda connection: connection.execute(LINK, values))
            await engine.run(10)
            warehouse.pieces["TEE"] = 9
            await _webhook(engine, "order.shipment.cancelled", Told(again=("TEE",)))
            await engine.run(5)
            return engine.rows(COUNTS)[1:]

    words = [(8, "read again after order #S1 was told"), (9, "read again after webhook order.shipment.cancelled")]
    assert asyncio.run(run(_folder(tmp_path, "right"))) == words
    monkeypatch.setattr(reasons, "_reason", lambda *_: reasons.AGAIN)
    assert asyncio.run(run(_folder(tmp_path, "control"))) == [(8, "read again"), (9, "read again")]


def test_what_levels_cannot_have_yet_is_read_once_more(tmp_path: Path) -> None:
    """A warehouse whose levels are half a minute old tells of a cancelled shipment: they are read at once, and again when they have
    it, not a quarter of an hour later. Control: levels that are never old are read once."""

    async def run(folder: Path, lag: float) -> tuple[int, list[tuple[int, str]]]:
        async with StockEngine(folder, TEE=10) as engine:
            warehouse = _reasoned(engine)
            warehouse.lag_seconds = lag
            await engine.run(3)
            warehouse.unchanged = True
            await _webhook(engine, "order.shipment.cancelled", Told(again=("TEE",)))
            await engine.run(10)
            warehouse.pieces["TEE"] = 11
            await engine.run(40)
            return warehouse.reads, engine.rows(COUNTS)[1:]

    assert asyncio.run(run(_folder(tmp_path, "old"), 30.0)) == (
        2,
        [(11, "read again after webhook order.shipment.cancelled")],
    )
    assert asyncio.run(run(_folder(tmp_path, "new"), 0.0)) == (1, [])

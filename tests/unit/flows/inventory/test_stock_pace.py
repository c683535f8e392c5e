"""The pace of stock: changes are gathered, live ones go before a full sync, and a channel that is down delays no other."""

import asyncio
from functools import partial
from pathlib import Path

import msgspec
from stock_engine import FLOW, PLAIN, SHELF, SHOP, WMS, Shop, StockEngine

from interlock.messaging.delivery import BACKFILL
from interlock.messaging.releases import Limits
from interlock.messaging.stock_book import StockWork, Wish

MINUTE, CHANGES, FEWER, PLACES = 60.0, 1_000, 60, 2_000
RARELY = msgspec.structs.replace(PLAIN, read_every_seconds=3_600.0)
"""What is told is what counts: no reading comes in between."""


async def _tells(engine: StockEngine, sku: str, pieces: int) -> None:
    """The warehouse counts so many now, and tells of it."""
    engine.warehouse.pieces[sku] = pieces
    await engine.tell(WMS, levels=(engine.warehouse.level(sku),))


def _calls_for(shop: Shop, sku: str) -> int:
    return sum(line.place.item == sku for _, lines in shop.calls for line in lines)


async def _changes(folder: Path, settle_seconds: float, changes: int, at_once: int) -> tuple[int, int]:
    """Writes to one place while the changes come, at the rate of a thousand a minute, and what it shows in the end."""
    publish = msgspec.structs.replace(RARELY, settle_seconds=settle_seconds)
    folder.mkdir()
    async with StockEngine(folder, publish=publish, TEE=10) as engine:
        await engine.run(settle_seconds + 2)
        before = _calls_for(engine.shop, "TEE")
        for number in range(changes):
            await _tells(engine, "TEE", 2_000 + number)
            if number % at_once == 0:
                await engine.run(at_once * MINUTE / CHANGES)
        await engine.run(2 * settle_seconds + 1)
        return _calls_for(engine.shop, "TEE") - before, engine.shop.shown["TEE"]


def test_a_thousand_changes_are_a_few_writes(tmp_path: Path) -> None:
    """A thousand changes of one item in a minute are one write in `settle_seconds` at most, and the last state arrives; control:
    without a pause nearly every change is written."""
    settle = 5.0
    writes, shown = asyncio.run(_changes(tmp_path / "settled", settle, CHANGES, at_once=25))
    assert shown == 2_000 + CHANGES - 1
    assert 0 < writes <= MINUTE / settle + 2
    writes, shown = asyncio.run(_changes(tmp_path / "at once", 0.0, FEWER, at_once=1))
    assert shown == 2_000 + FEWER - 1
    assert writes > FEWER / 2


async def _seconds_behind_a_sync(folder: Path, places: int, priority: int) -> float:
    """How long a live change takes while all places are written anew, a few a second."""
    folder.mkdir()
    skus = {f"SKU_{number:04}": 10 for number in range(places)}
    async with StockEngine(folder, publish=RARELY, begin=10, **skus) as engine:
        await engine.run(3)
        engine.dispatcher.outlets[f"stock:{SHOP}"].set_limits(Limits(concurrency=20, rate_per_second=40.0, burst=1.0))
        engine.shop.shown = dict.fromkeys(engine.shop.shown, 13)
        await engine.book.run(
            partial(_sync, skus=list(engine.warehouse.pieces), now_ms=engine.clock.now_ms(), priority=priority)
        )
        engine.dispatcher.wake()
        await engine.run(1)
        assert len(engine.shop.calls) > 0, "void: the sync had not begun"
        began = engine.clock.monotonic()
        last = f"SKU-{places - 1:04}"
        await _tells(engine, last, 5)
        while engine.shop.shown[last] != 5:
            await engine.run(0.25)
        left = sum(count == 13 for count in engine.shop.shown.values())
        assert priority == 0 or left > places / 2, "void: the sync had ended"
        return engine.clock.monotonic() - began


def _sync(work: StockWork, *, skus: list[str], now_ms: int, priority: int) -> None:
    """As `interlock sync inventory` does: every place is to be read and written."""
    for sku in skus:
        row = work.shown(SHOP, SHELF, sku)
        assert row is not None
        work.show(msgspec.structs.replace(row, seen_us=0))
        wish = Wish(flow=FLOW, system=WMS, channel=SHOP, sku=sku, place=SHELF, release="r1", priority=priority)
        work.wish(wish, now_ms)


def test_a_live_change_passes_a_full_sync(tmp_path: Path) -> None:
    """A sale's number does not wait for 2,000 places that are written anew; control: at the same priority it does."""
    live = asyncio.run(_seconds_behind_a_sync(tmp_path / "live", PLACES, BACKFILL))
    queued = asyncio.run(_seconds_behind_a_sync(tmp_path / "queued", PLACES // 10, 0))
    assert live <= 1.0
    assert queued > 3.0


def test_a_dead_channel_delays_no_other(tmp_path: Path) -> None:
    """One channel does not answer for ten minutes: the others show each count as soon as ever, and it does when it is back."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=RARELY, shops=(SHOP, "market", "till"), TEE=10, CAP=10) as engine:
            engine.release.limit = Limits(concurrency=4)
            await engine.run(3)
            engine.shops["market"].fault = lambda _lines: "never"
            for number in range(20):
                for sku in ("TEE", "CAP"):
                    await _tells(engine, sku, 20 + number)
                await engine.run(1)
                assert {name: engine.shops[name].shown["TEE"] for name in (SHOP, "till")} == {
                    SHOP: 20 + number,
                    "till": 20 + number,
                }
                await engine.run(29)
            assert engine.shops["market"].shown["TEE"] == 10
            engine.shops["market"].fault = lambda _lines: "done"
            await engine.run(600)
            assert engine.shops["market"].shown == {"TEE": 39, "CAP": 39}

    asyncio.run(run())

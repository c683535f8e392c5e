"""What a channel that compares nothing shows when it tells of its sales late, or shows them late.

Found by the simulation of stock at its nightly size (tests/faults/test_stock_simulation.py).
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from accuracy_world import SHOP, AccuracyWorld, tried
from stock_engine import PLAIN, WMS, Shop, StockEngine

from interlock.flows.inventory.taking import Taking
from interlock.messaging.stock import Line, Place, Sale, SaleLine, Seen
from interlock.messaging.stock_book import StockWork

RARELY = msgspec.structs.replace(PLAIN, read_every_seconds=3_600.0)
CAPPED = msgspec.structs.replace(RARELY, cap=10, sales_seen_after_minutes=60.0)


def test_a_sale_that_is_told_while_its_place_is_written_may_be_of_before_the_write(tmp_path: Path) -> None:
    """Two are bought before our number stands there and told before its answer is here: the write has put them back."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=RARELY, compares=False, TEE=10) as engine:
            shop, bought = engine.shop, [2]
            await engine.run(5)

            def buys(_lines: Sequence[Line]) -> str:
                while bought:
                    shop.sell("TEE", bought.pop())
                return "done"

            async def told() -> None:
                await engine.tell_sale("TEE", 2, "1")
                engine.warehouse.pieces["TEE"] = 10

            shop.fault, shop.meanwhile = buys, told
            engine.warehouse.pieces["TEE"] = 12
            await engine.tell(WMS, levels=(engine.warehouse.level("TEE"),))
            await engine.run(30)
            assert shop.sold() == 2
            assert shop.shown == {"TEE": 10}

    asyncio.run(run())


def test_a_sale_explains_nothing_that_was_gone_before_it(tmp_path: Path) -> None:
    """Somebody takes a piece off the list, and a buyer buys another one half a minute later: its order was taken for the reason of the
    first, nobody expected the second to go, and the place stayed one short of what is there."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=RARELY, compares=False, begin=10, TEE=10) as engine:
            await engine.run(5)
            engine.shop.put("TEE", 9)
            await engine.tell_shown("TEE")
            await engine.run(30)
            assert engine.rows("SELECT seen, missing FROM stock_place") == [(9, 1)], "void: the piece was to be missed"
            engine.shop.sell("TEE", 1)
            engine.warehouse.pieces["TEE"] = 9
            await engine.tell_sale("TEE", 1, "1")
            await engine.run(120)
            assert engine.shop.shown == {"TEE": 9}

    asyncio.run(run())


def test_a_place_that_was_known_once_is_not_believed_to_show_its_sales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a cancelled order nobody knows what the channel shows; it answers with a number from before its newest sales, which
    happens to be the right one: only a write makes it so. It had never been written: it was right from the beginning."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=RARELY, compares=False, begin=10, TEE=10) as engine:
            await engine.run(5)
            engine.shop.sell("TEE", 1)
            monkeypatch.setattr(Shop, "read", _as_before)
            await engine.tell_sale("TEE", 1, "1")
            await engine.tell_sale("TEE", 0, "1", version=2)
            await engine.run(30)
            assert engine.shop.shown == {"TEE": 10}

    asyncio.run(run())


def test_what_is_read_for_the_first_time_may_lack_its_newest_sale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sale is told before its place is known of, as after a release that names the item otherwise; then the place is read, and lists
    the right number of before that sale: only a write makes it so."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=CAPPED, compares=False, begin=10, TEE=20) as engine:
            engine.warehouse.down = True
            await engine.run(5)
            engine.shop.sell("TEE", 1)
            monkeypatch.setattr(Shop, "read", _as_before)
            await engine.tell_sale("TEE", 1, "1")
            await engine.run(2)
            assert engine.rows("SELECT seen FROM stock_place") == []
            await engine.tell(WMS, levels=(engine.warehouse.level("TEE"),))
            engine.warehouse.down = False
            await engine.run(60)
            assert engine.shop.shown == {"TEE": 10}

    asyncio.run(run())


def test_a_told_sale_that_is_not_listed_yet_is_still_to_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A marketplace that is compared, and lists late, as Amazon, is read right after a sale and lists the right number of before it:
    that was believed, the listing fell a moment later, and the place stayed one short until the next comparison."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=CAPPED, begin=10, TEE=20) as engine:
            late = _lists_late(engine, monkeypatch)
            await engine.run(5)
            late.append(1)
            engine.shop.sell("TEE", 1)
            await engine.tell_sale("TEE", 1, "1")
            await engine.run(30)
            assert not late, "void: the place was to be read"
            assert engine.shop.shown == {"TEE": 10}
            assert engine.rows("SELECT seen, sold, missing FROM stock_place") == [(10, 0, 0)]

    asyncio.run(run())


def test_a_told_sale_that_a_write_went_over_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sale is told after a write of ours went over it: the listing will never lack it, and the place is written."""

    async def run() -> None:
        publish = msgspec.structs.replace(CAPPED, cap=0)
        async with StockEngine(tmp_path, publish=publish, begin=10, TEE=10) as engine:
            _lists_late(engine, monkeypatch)
            await engine.run(5)
            await engine.tell_sale("TEE", 1, "1")
            await engine.run(30)
            assert engine.shop.shown == {"TEE": 9}

    asyncio.run(run())


def test_what_is_in_doubt_is_no_surer_by_a_late_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call was repeated and said that the place is stale, as its listing was, of before the newest sale: nobody knows whether it was
    written. It lists the right number still, and only a write makes it so."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=CAPPED, begin=10, TEE=20) as engine:
            late = _lists_late(engine, monkeypatch)
            await engine.run(5)
            engine.shop.sell("TEE", 1)
            await engine.tell_sale("TEE", 1, "1")
            await engine.run(30)
            late.append(1)
            engine.shop.shown["TEE"] = 9
            await engine.ledger.group.run(lambda connection: connection.execute("UPDATE stock_place SET seen_us = 0"))
            await engine.desk.again(["TEE"])
            await engine.run(30)
            assert not late, "void: the place was to be read"
            assert engine.shop.shown == {"TEE": 10}

    asyncio.run(run())


@pytest.mark.parametrize(("more", "questions"), [(2, []), (3, [("STK012",)])])
def test_a_sale_that_is_listed_late_is_no_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: int, questions: list[tuple[str]]
) -> None:
    """With heal = "ask" a channel that lists its sales late is read, for some other reason, when it still lists two pieces that it has
    told as sold: nobody is asked who put them there. A third piece is somebody's hand."""

    async def run() -> None:
        asks = msgspec.structs.replace(RARELY, heal="ask")
        async with StockEngine(tmp_path, publish=asks, compares=False, begin=10, TEE=10) as engine:
            await engine.run(5)
            engine.shop.sell("TEE", 2)
            engine.warehouse.pieces["TEE"] = 8
            await engine.tell_sale("TEE", 2, "1")
            await engine.run(5)

            async def listed_late(shop: Shop, places: Sequence[Place], *, timeout_seconds: float) -> tuple[Seen, ...]:
                del timeout_seconds
                return tuple(Seen(place=place, quantity=shop.shown[place.item] + more) for place in places)

            monkeypatch.setattr(Shop, "read", listed_late)
            await engine.tell_shown("TEE", 10)
            await engine.run(30)
            assert engine.rows("SELECT code FROM dead_letter WHERE closed_ms = 0") == questions
            assert engine.shop.shown == {"TEE": 8}
            assert [by for _, _, _, by, _ in engine.shop.history] == ["buyer"]

    asyncio.run(run())


@pytest.mark.parametrize("compares", [False, True])
def test_a_sale_that_is_not_taken_from_the_listing_yet_is_no_drift(tmp_path: Path, compares: bool) -> None:
    """The channel has told of a sale of two and lists the number of before: nobody else wrote that, for some minutes. Of one that
    compares, what it lists is so."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7, B=7)
        world.channel.compares = compares  # type: ignore[misc]
        line = SaleLine(item="s-A", sku="A", quantity=2)
        sale = Sale(key="1", version=1, accepted_us=world.clock.us, lines=(line,))

        def sold(book: StockWork) -> None:
            taking = Taking(book, world.rules, world.clock.us)
            taking.sale(SHOP, sale, 1)
            taking.finish()

        await world.book.run(sold)
        await world.change("A", seen=5, sold=0)
        world.close_deliveries()
        world.shows("B", 9)
        await world.compared(dry=True)
        assert set(world.differences()) == ({"A", "B"} if compares else {"B"})
        world.clock.ms += 301_000
        world.source.counts["w-A"] = 5
        await world.book.run(lambda book: world.took(book, "A"))
        world.close_deliveries()
        await world.reader.read_now(WMS, "levels")
        await world.compared(dry=True)
        assert set(world.differences()) == {"A", "B"}

    tried(tmp_path, story)


def test_a_sale_that_has_just_come_to_be_known_is_no_riddle(tmp_path: Path) -> None:
    """Its owner's newest reading has a sale in it, and nobody has worked the place out since: for a moment it shows what was right
    before, and that is no drift. Of a place without such a sale it is: nothing explains that one."""

    async def story(world: AccuracyWorld) -> None:
        await world.stocked(A=7, B=7)
        sale = Sale(key="1", version=1, accepted_us=world.clock.us, lines=(SaleLine(item="s-A", sku="A", quantity=2),))

        def sold(book: StockWork) -> None:
            taking = Taking(book, world.rules, world.clock.us)
            taking.sale(SHOP, sale, 1)
            taking.finish()

        await world.book.run(sold)
        for sku in "AB":
            await world.change(sku, seen=5, sold=0, wanted=5, written=5)
        world.close_deliveries()
        world.clock.ms += 301_000
        await world.reader.read_now(WMS, "levels")
        assert await _found_by_a_listing_of_before(world) == {"B": "unknown"}
        await world.book.run(lambda book: Taking(book, world.rules, world.clock.us).see(book.reserved("A")))
        assert await _found_by_a_listing_of_before(world) == {"A": "unknown", "B": "unknown"}

    tried(tmp_path, story)


async def _found_by_a_listing_of_before(world: AccuracyWorld) -> dict[str, str]:
    """The causes that a comparison names: it lists 7 of each, and 5 when it looks again."""

    async def meanwhile() -> None:
        world.shows("A", 5)
        world.shows("B", 5)

    world.shows("A", 7)
    world.shows("B", 7)
    world.channel.meanwhile = meanwhile
    await world.compared(dry=True)
    return {sku: one.cause for sku, one in world.differences().items()}


def _lists_late(engine: StockEngine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The shop lists late: the next reading has so many more as are put into the list."""
    read, late = Shop.read, list[int]()

    async def lists_late(shop: Shop, places: Sequence[Place], *, timeout_seconds: float) -> tuple[Seen, ...]:
        seen = await read(shop, places, timeout_seconds=timeout_seconds)
        more = late.pop() if late else 0
        return tuple(msgspec.structs.replace(one, quantity=one.quantity + more) for one in seen)

    engine.shop.lists_late = True  # type: ignore[attr-defined]
    monkeypatch.setattr(Shop, "read", lists_late)
    return late


async def _as_before(_shop: Shop, places: Sequence[Place], *, timeout_seconds: float) -> tuple[Seen, ...]:
    del timeout_seconds
    return tuple(Seen(place=place, quantity=10) for place in places)

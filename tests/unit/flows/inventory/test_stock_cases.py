"""The cases of stock at the engine itself: real stores, a warehouse and a channel in memory, a clock that the test moves."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from stock_engine import HALL, PLAIN, SHELF, SHOP, WMS, StockEngine

from interlock.strategy.inventory import Inventory, Location


def test_a_count_is_shown(tmp_path: Path) -> None:
    """The engine in memory does what the hub does: without this the cases below prove nothing."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            await engine.run(5)
            assert engine.shop.shown == {"TEE": 10}
            assert engine.changes("written") == [("TEE", 1_000, 10)]

    asyncio.run(run())


def test_a_change_while_our_answer_is_on_its_way_is_not_swallowed(tmp_path: Path) -> None:
    """A person corrects what we have just written, and the webhook of it is here before our own answer (C19)."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            shop = engine.shop

            async def corrected() -> None:
                shop.put("TEE", 7)
                await engine.tell_shown("TEE")

            await engine.run(5)
            engine.warehouse.pieces["TEE"] = 12
            shop.meanwhile = corrected
            await engine.run(100)
            assert shop.shown == {"TEE": 12}

    asyncio.run(run())


def test_a_change_back_while_our_answer_is_on_its_way_is_not_swallowed(tmp_path: Path) -> None:
    """A person writes the old number over what we have just written: what is told is what we knew before (C19)."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            shop = engine.shop

            async def corrected() -> None:
                shop.put("TEE", 10)
                await engine.tell_shown("TEE")

            await engine.run(5)
            engine.warehouse.pieces["TEE"] = 12
            shop.meanwhile = corrected
            await engine.run(100)
            assert shop.shown == {"TEE": 12}

    asyncio.run(run())


def test_a_change_while_the_place_is_read_is_not_swallowed(tmp_path: Path) -> None:
    """What the place showed when it was read is old already when the answer comes: the webhook said so (C19)."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            shop = engine.shop

            async def changed() -> None:
                shop.put("TEE", 9)
                await engine.tell_shown("TEE")

            await engine.run(5)
            shop.put("TEE", 11)
            await engine.tell_shown("TEE")
            shop.put("TEE", 10)
            shop.meanwhile = changed
            await engine.run(100)
            assert shop.shown == {"TEE": 10}

    asyncio.run(run())


def test_a_batch_that_comes_again_says_nothing_of_lines_that_went_on(tmp_path: Path) -> None:
    """Of two lines of one call the one's outcome is kept and the place goes on; then the process dies, the other's has to be
    asked for again, and the old answer is no news of the first."""

    async def run() -> None:
        engine = StockEngine(tmp_path, TEE=10, CAP=10)
        await engine.open()
        shop = engine.shop
        await engine.run(5)
        engine.warehouse.pieces |= {"TEE": 20, "CAP": 20}
        shop.fault = lambda lines: "lost" if len(lines) == 2 else "done"
        while not engine.rows("SELECT 1 FROM delivery WHERE state = 'uncertain'"):
            await engine.run(0.1)
        lost_key, lines = shop.calls[-1]
        assert len(lines) == 2
        await engine.close()
        query = "UPDATE stock_place SET change = change + 1, seen = 8, seen_us = 1, written = 8, wanted = 8 WHERE sku = 'CAP'"
        await engine.open()
        await engine.ledger.group.run(lambda connection: connection.execute(query))
        await engine.ledger.group.run(
            lambda connection: connection.execute("UPDATE delivery SET state = 'done' WHERE name = 'CAP'")
        )
        shop.put("CAP", 8, by="hub")
        shop.fault = lambda lines: "done"
        engine.warehouse.pieces["CAP"] = 8
        await engine.run(20)
        assert [key for key, _ in shop.calls].count(lost_key) == 2
        assert shop.shown == {"TEE": 20, "CAP": 8}
        assert engine.rows("SELECT missing, seen FROM stock_place WHERE sku = 'CAP'") == [(0, 8)]
        await engine.close()

    asyncio.run(run())


def test_a_repetition_that_comes_too_late_is_given_up(tmp_path: Path) -> None:
    """A write was never answered, and meanwhile somebody changed the place: under its key it can never be done, so the place is
    read and the number worked out anew. Repeating it for ever would let the place stay wrong (C59)."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            shop, faults = engine.shop, ["never"]
            await engine.run(5)
            shop.fault = lambda _: faults.pop() if faults else "done"
            engine.warehouse.pieces["TEE"] = 12
            while faults:
                await engine.run(0.1)
            shop.put("TEE", 11)
            await engine.run(100)
            assert shop.shown == {"TEE": 12}
            keys = [key for key, _ in shop.calls]
            assert max(keys.count(key) for key in keys) == 2
            assert engine.rows("SELECT resolution FROM attempt WHERE verdict = 'uncertain'") == [("absent",)]

    asyncio.run(run())


def test_what_buyers_took_of_an_unanswered_write_is_not_given_back(tmp_path: Path) -> None:
    """The write counted, its answer was lost, a buyer took one of it, and the channel no longer knows its key: that the place
    shows another number than either tells of a sale, and until one is told it stays subtracted (C58, C59)."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            shop, faults = engine.shop, ["lost"]
            await engine.run(5)
            shop.fault = lambda _: faults.pop() if faults else "done"
            engine.warehouse.pieces["TEE"] = 12
            while faults:
                await engine.run(0.1)
            shop.forget_keys()
            assert shop.sell("TEE")
            await engine.run(20)
            assert shop.shown == {"TEE": 11}
            assert engine.rows("SELECT missing FROM stock_place") == [(1,)]

    asyncio.run(run())


def test_a_part_that_an_earlier_call_had_written_is_no_foreign_number(tmp_path: Path) -> None:
    """A channel that writes a batch in parts answers the repetition of a written part with a stale line: the place shows just
    what we wrote, so nothing is gone and nobody's hand is told of (C60)."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            shop, faults = engine.shop, ["lost"]
            await engine.run(5)
            shop.fault = lambda _: faults.pop() if faults else "done"
            engine.warehouse.pieces["TEE"] = 8
            while faults:
                await engine.run(0.1)
            shop.forget_keys()
            await engine.run(20)
            assert shop.shown == {"TEE": 8}
            assert engine.rows("SELECT missing FROM stock_place") == [(0,)]
            assert engine.changes("foreign") == []

    asyncio.run(run())


@pytest.mark.parametrize("compares", [True, False])
def test_a_write_loses_against_a_buyer(tmp_path: Path, compares: bool) -> None:
    """The warehouse's number is written while a buyer takes the last pieces: the write loses, is worked out anew, and none of
    them is sold twice; a channel that does not compare gives them back and sells them again (C58)."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=3) as engine:
            shop = engine.shop
            await engine.run(5)
            assert shop.shown == {"TEE": 3}
            shop.compares = compares
            last = [3]
            shop.fault = lambda _: "done" if not last or shop.sell("TEE", last.pop()) else "503"
            engine.warehouse.pieces["TEE"] = 4  # one came in; of the sale the warehouse knows nothing yet
            await engine.run(10)
            shop.fault = lambda _: "done"
            while shop.sell("TEE"):
                await engine.run(2)
            assert (shop.sold() <= 4) is compares
            assert (shop.lost_updates() == []) is compares

    asyncio.run(run())


@pytest.mark.parametrize("told", [True, False])
def test_an_order_is_subtracted_until_its_owner_has_counted_it(tmp_path: Path, told: bool) -> None:
    """An old number of the warehouse is published less what the channel has sold since, and once only when the count has it.
    Control: without the order's event the number goes up when its time is over, though the warehouse has not seen it (C61)."""

    async def run() -> None:
        publish = msgspec.structs.replace(PLAIN, sales_seen_after_minutes=1.0, unexplained_seconds=20.0)
        async with StockEngine(tmp_path, publish=publish, TEE=10) as engine:
            shop, warehouse = engine.shop, engine.warehouse
            await engine.run(5)
            assert shop.sell("TEE", 4)
            if told:
                await engine.tell_sale("TEE", 4, "1001")
            await engine.tell_shown("TEE")
            await engine.run(5)
            warehouse.pieces["TEE"] = 12  # counted before the order was packed
            await engine.run(40)
            assert shop.shown["TEE"] == (8 if told else 12)
            warehouse.pieces["TEE"] = 8
            await engine.run(60)
            assert shop.shown["TEE"] == 8

    asyncio.run(run())


def test_a_cancelled_order_takes_nothing(tmp_path: Path) -> None:
    """What an order took is given back when it takes nothing any more, and an older version of it changes nothing (C61)."""

    async def run() -> None:
        publish = msgspec.structs.replace(PLAIN, sales_seen_after_minutes=10.0)
        async with StockEngine(tmp_path, publish=publish, TEE=10) as engine:
            shop = engine.shop
            await engine.run(5)
            assert shop.sell("TEE", 4)
            await engine.tell_sale("TEE", 4, "1001", version=1)
            await engine.tell_shown("TEE")
            await engine.run(5)
            assert shop.shown["TEE"] == 6
            await engine.tell_sale("TEE", 0, "1001", version=3)
            await engine.tell_sale("TEE", 4, "1001", version=2)
            await engine.run(5)
            assert shop.shown["TEE"] == 10

    asyncio.run(run())


def test_one_item_needs_no_listing_of_all(tmp_path: Path) -> None:
    """One count of five hundred changes: one line is written, nothing is listed, and nothing else is read at the channel (C62)."""

    async def run() -> None:
        many = {f"SKU_{number}": 10 for number in range(500)}
        async with StockEngine(tmp_path, **many) as engine:
            await engine.run(5)
            listed, reads, calls = engine.warehouse.items_listed, engine.shop.reads, len(engine.shop.calls)
            assert sum(len(lines) for _, lines in engine.shop.calls) == 500, "control: the first time all are written"
            engine.warehouse.pieces["SKU-77"] = 9
            await engine.run(5)
            assert [line.sku for _, lines in engine.shop.calls[calls:] for line in lines] == ["SKU-77"]
            assert (engine.warehouse.items_listed, engine.shop.reads) == (listed, reads)

    asyncio.run(run())


@pytest.mark.parametrize("stale_minutes", [1.0, 1_000.0])
def test_a_silent_warehouse_is_not_an_empty_one(tmp_path: Path, stale_minutes: float) -> None:
    """It does not answer for more than a minute: nothing is published of it, least of all zero, and it goes on when it answers again.
    Control: where more patience is declared, its last number is published still (C66)."""

    async def run() -> None:
        publish = msgspec.structs.replace(PLAIN, source_stale_minutes=stale_minutes)
        async with StockEngine(tmp_path, publish=publish, TEE=10) as engine:
            shop, silent = engine.shop, stale_minutes < 2
            await engine.run(5)
            engine.warehouse.down = True
            await engine.run(70)
            shop.put("TEE", 500)
            await engine.tell_shown("TEE")
            await engine.run(10)
            assert shop.shown == {"TEE": 500 if silent else 10}
            ((said,),) = engine.rows("SELECT said FROM stock_place")
            assert ("wms has said nothing" in said) is silent
            engine.warehouse.down = False
            await engine.run(90)
            assert shop.shown == {"TEE": 10}
            assert 0 not in {row.after for row in shop.history}

    asyncio.run(run())


@pytest.mark.parametrize("owner", ["till", WMS])
def test_what_another_owns_is_not_written(tmp_path: Path, owner: str) -> None:
    """Goods come back at a counter that its till counts: whatever the warehouse says of that counter, the place is left alone.
    Control: where the warehouse owns the counter as well, its count is written there (C67)."""

    async def run() -> None:
        where = {
            "hall": Location(owner=WMS, places={WMS: [HALL], SHOP: [SHELF]}),
            "counter": Location(owner=owner, places={WMS: ["C1"], "till": ["T1"], SHOP: ["COUNTER"]}),
        }
        async with StockEngine(tmp_path, inventory=Inventory(locations=where), TEE=10) as engine:
            await engine.run(5)
            engine.warehouse.pieces["TEE"] = 12
            level = engine.warehouse.level("TEE")
            await engine.tell(WMS, levels=(level, msgspec.structs.replace(level, location="C1")))
            await engine.run(5)
            written = {line.place.location for _, lines in engine.shop.calls for line in lines}
            assert written == ({SHELF, "COUNTER"} if owner == WMS else {SHELF})

    asyncio.run(run())


def test_a_place_stands_in_a_call_once(tmp_path: Path) -> None:
    """Two halls are shown at one place of the channel and both change at once, many items together: the call has the place of each
    item once, with the sum of both. Control: one line for each count would name each pair twice (C68)."""

    async def run() -> None:
        where = {
            "hall": Location(owner=WMS, places={WMS: [HALL], SHOP: [SHELF]}),
            "loft": Location(owner=WMS, places={WMS: ["H2"], SHOP: [SHELF]}),
        }
        async with StockEngine(tmp_path, inventory=Inventory(locations=where), TEE=10, CAP=20) as engine:
            await engine.run(5)
            for pieces in (5, 7):
                loft = tuple(
                    msgspec.structs.replace(
                        engine.warehouse.level(sku), location="H2", quantities={"available": pieces}
                    )
                    for sku in ("TEE", "CAP")
                )
                await engine.tell(WMS, levels=loft)
                engine.warehouse.pieces |= {"TEE": 10 + pieces, "CAP": 20 + pieces}
                await engine.run(5)
            assert engine.shop.shown == {"TEE": 24, "CAP": 34}
            counts = engine.rows("SELECT sku FROM stock_position")
            assert len(counts) == 2 * len({sku for (sku,) in counts}), "two counts stand behind each place"
            for _, lines in engine.shop.calls:
                assert len({line.place for line in lines}) == len(lines)

    asyncio.run(run())


def test_our_own_echo_starts_nothing(tmp_path: Path) -> None:
    """The webhook of our own write is no change: nothing is read and nothing written. Control: another number is (C17, C19)."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            shop = engine.shop
            await engine.run(5)
            reads, calls = shop.reads, len(shop.calls)
            await engine.tell_shown("TEE")
            await engine.run(5)
            assert (shop.reads, len(shop.calls)) == (reads, calls)
            shop.put("TEE", 11)
            await engine.tell_shown("TEE")
            await engine.run(5)
            assert (shop.reads, len(shop.calls)) == (reads + 1, calls + 1)
            assert shop.shown == {"TEE": 10}

    asyncio.run(run())

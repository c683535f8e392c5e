"""The cases of stock at the engine itself: real stores, a warehouse and a channel in memory, a clock that the test moves."""

import asyncio
from pathlib import Path

from stock_engine import StockEngine


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

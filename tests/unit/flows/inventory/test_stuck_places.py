"""A place always comes to show what it should: ways by which it stayed wrong, or nobody looked at it again."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from stock_engine import SHOP, WMS, StockEngine, Warehouse

from interlock.errors import SettingsError
from interlock.messaging.ledger import Filter
from interlock.messaging.outcome import Refused
from interlock.messaging.stock import Place, Seen
from interlock.strategy.inventory import Publish

ASKS = Publish(settle_seconds=0.0, read_every_seconds=1.0, unexplained_seconds=20.0, heal="ask")
CAPPED = Publish(settle_seconds=0.0, read_every_seconds=1.0, cap=10)


def test_a_count_that_goes_back_while_it_is_written_is_shown(tmp_path: Path) -> None:
    """The count changes to 12 and back to 10 while the 12 is on its way: the place showed 10 until then, and shows 12 after."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            shop = engine.shop
            await engine.run(5)

            async def back() -> None:
                engine.warehouse.pieces["TEE"] = 10
                await engine.tell(WMS, levels=(engine.warehouse.level("TEE"),))

            shop.meanwhile = back
            engine.warehouse.pieces["TEE"] = 12
            await engine.tell(WMS, levels=(engine.warehouse.level("TEE"),))
            await engine.run(30)
            assert shop.shown == {"TEE": 10}

    asyncio.run(run())


def test_new_terms_hold_for_a_write_that_was_under_way(tmp_path: Path) -> None:
    """A release keeps three back while a delivery of the former one writes what that one showed: it is written anew."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=7) as engine:
            shop = engine.shop
            await engine.run(5)

            async def released() -> None:
                engine.stocked.rules(
                    engine.catalogue, Publish(safety_stock=3, settle_seconds=0.0, read_every_seconds=1.0), "r2"
                )

            shop.meanwhile = released
            engine.warehouse.pieces["TEE"] = 10
            await engine.run(30)
            assert shop.shown == {"TEE": 7}

    asyncio.run(run())


def test_a_new_count_is_tried_where_the_former_was_refused(tmp_path: Path) -> None:
    """A refusal is of one number: the next is tried, and takes over the dead letter, as it does for any other object."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            shop = engine.shop
            shop.spoilt["TEE"] = Refused(reason="validation", code="NOT_NOW", message="the item is archived")
            await engine.run(5)
            assert shop.shown == {"TEE": 1_000}
            calls = len(shop.calls)
            await engine.run(30)
            assert len(shop.calls) == calls, "the same number is not tried over and over"
            engine.warehouse.pieces["TEE"] = 9
            await engine.run(5)
            assert shop.shown == {"TEE": 9}
            assert engine.rows("SELECT resolution FROM dead_letter") == [("superseded",)]

    asyncio.run(run())


def test_a_refusal_that_has_passed_keeps_no_sale_away(tmp_path: Path) -> None:
    """A number was refused, the place comes to show it all the same, and a replay finds it right: that was the end of the trouble.
    The next sale leaves the same number right, and it is written."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=CAPPED, compares=False, begin=8, TEE=20) as engine:
            shop = engine.shop
            shop.spoilt["TEE"] = Refused(reason="validation", code="BUSY", message="not now")
            await engine.run(5)
            shop.put("TEE", 10)
            await engine.ledger.replay(
                Filter(states=("dead",)), by="ann", why="seen to", release="r1", now_ms=engine.clock.now_ms()
            )
            engine.dispatcher.wake()
            await engine.run(5)
            assert engine.rows("SELECT trouble, said FROM stock_place") == [("", "")]
            shop.sell("TEE", 2)
            await engine.tell_sale("TEE", 2, "1")
            await engine.run(30)
            assert shop.shown == {"TEE": 10}

    asyncio.run(run())


def test_what_is_gone_for_good_is_left_to_a_person_where_the_folder_says_so(tmp_path: Path) -> None:
    """With heal = "ask" a number that somebody lowered is not put back when its time is up: a person decides."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=ASKS, TEE=10) as engine:
            shop = engine.shop
            await engine.run(5)
            shop.put("TEE", 7)
            await engine.tell_shown("TEE")
            await engine.run(60)
            assert shop.shown == {"TEE": 7}
            assert engine.rows("SELECT code FROM dead_letter WHERE closed_ms = 0") == [("STK012",)]

    asyncio.run(run())


def test_a_sale_does_not_answer_whose_number_is_right(tmp_path: Path) -> None:
    """With heal = "ask" a person's number stays until somebody decides or the owner counts anew: a sale elsewhere, which lowers
    what is right, overwrote it unasked."""
    unseen = msgspec.structs.replace(ASKS, sales_seen_after_minutes=60.0)

    async def run() -> None:
        async with StockEngine(tmp_path, publish=unseen, shops=(SHOP, "till"), TEE=10) as engine:
            await engine.run(5)
            engine.shop.put("TEE", 15)
            await engine.tell_shown("TEE")
            await engine.run(5)
            assert engine.shops["till"].sell("TEE")
            await engine.tell_sale("TEE", 1, "1", shop="till")
            await engine.run(5)
            assert (engine.shop.shown["TEE"], engine.shops["till"].shown["TEE"]) == (15, 9)
            assert engine.rows("SELECT code FROM dead_letter WHERE closed_ms = 0") == [("STK012",)]
            engine.warehouse.pieces["TEE"] = 12
            await engine.run(5)
            assert engine.shop.shown == {"TEE": 11}

    asyncio.run(run())


def test_a_folder_that_asks_no_more_answers_what_was_asked(tmp_path: Path) -> None:
    """The question stands because of `heal = "ask"`: once a release says `auto`, the right number is written."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=ASKS, TEE=10) as engine:
            await engine.run(5)
            engine.shop.put("TEE", 15)
            await engine.tell_shown("TEE")
            await engine.run(5)
            assert engine.shop.shown == {"TEE": 15}
            engine.stocked.rules(engine.catalogue, msgspec.structs.replace(ASKS, heal="auto"), "r2")
            await engine.run(30)
            assert engine.shop.shown == {"TEE": 10}

    asyncio.run(run())


@pytest.mark.parametrize(("later", "changed", "shown"), [(False, False, 15), (True, False, 12), (False, True, 12)])
def test_a_count_of_before_the_question_does_not_answer_it(
    tmp_path: Path, later: bool, changed: bool, shown: int
) -> None:
    """A person writes 15, and is asked about it; then comes a count that the owner made before that: who wrote 15 may have known
    it. What the owner counts later is the answer, also of one whose levels are a minute old while its history says that it has
    changed them since (ShipBob)."""

    async def run() -> None:
        rarely = msgspec.structs.replace(ASKS, read_every_seconds=3_600.0)
        async with StockEngine(tmp_path, publish=rarely, TEE=10) as engine:
            await engine.run(5)
            engine.warehouse.pieces["TEE"] = 12
            before = engine.warehouse.level("TEE")
            await engine.run(2)
            engine.shop.put("TEE", 15)
            await engine.tell_shown("TEE")
            await engine.run(2)
            assert engine.rows("SELECT code FROM dead_letter WHERE closed_ms = 0") == [("STK012",)]
            count = engine.warehouse.level("TEE") if later else before
            changed_us = engine.warehouse.now_us() if changed else 0
            await engine.tell(WMS, levels=(msgspec.structs.replace(count, changed_us=changed_us),))
            await engine.run(30)
            assert engine.shop.shown == {"TEE": shown}

    asyncio.run(run())


def test_a_client_that_fails_while_a_place_is_read_costs_that_place_a_try(tmp_path: Path) -> None:
    """A connector's own mistake in reading a place ended the hub; one in writing never did."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            shop, failures = engine.shop, [1, 2]
            reads = shop.read

            async def read(places: list[Place], *, timeout_seconds: float) -> tuple[Seen, ...]:
                if failures:
                    failures.pop()
                    raise KeyError("inventoryItem")
                return await reads(places, timeout_seconds=timeout_seconds)

            shop.read = read
            await engine.run(60)
            assert shop.shown == {"TEE": 10}

    asyncio.run(run())


def test_a_secret_that_is_gone_costs_its_system_and_not_the_reader(tmp_path: Path) -> None:
    """The secret of a system of truth cannot be read when its connection is made anew: nothing of it is read until it can."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            await engine.run(5)
            opens = engine.stocked.stock_source

            def gone(system: str) -> Warehouse:
                raise SettingsError(code="SET001", what=f"the secret of {system} is gone")

            engine.stocked.stock_source = gone  # type: ignore[method-assign]
            await engine.run(5)
            engine.stocked.stock_source = opens  # type: ignore[method-assign]
            engine.warehouse.pieces["TEE"] = 8
            await engine.run(30)
            assert engine.shop.shown == {"TEE": 8}

    asyncio.run(run())


def test_many_changes_are_at_most_one_write_in_the_time_to_settle(tmp_path: Path) -> None:
    """Counts change while each write is on its way: the next is due when the time to settle is over, and not at once."""
    settled = Publish(settle_seconds=2.0, read_every_seconds=1.0)

    async def run() -> None:
        async with StockEngine(tmp_path, publish=settled, TEE=10) as engine:
            shop = engine.shop
            await engine.run(5)
            before = len(shop.calls)

            async def counted() -> None:
                engine.warehouse.pieces["TEE"] += 1
                await engine.tell(WMS, levels=(engine.warehouse.level("TEE"),))
                shop.meanwhile = counted

            await counted()
            await engine.run(12)
            assert len(shop.calls) - before <= 6
            shop.meanwhile = None
            await engine.run(10)
            assert shop.shown == engine.warehouse.pieces

    asyncio.run(run())

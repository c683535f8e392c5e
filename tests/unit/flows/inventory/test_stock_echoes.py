"""What a channel tells of our own writes costs no reading of it, and what somebody else did meanwhile is never taken for that."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from stock_engine import PLAIN, WMS, Shop, StockEngine

RARELY = msgspec.structs.replace(PLAIN, read_every_seconds=3_600.0)
Meanwhile = Callable[[StockEngine], Awaitable[None]]


async def _counts(engine: StockEngine, pieces: int) -> None:
    engine.warehouse.pieces["TEE"] = pieces
    await engine.tell(WMS, levels=(engine.warehouse.level("TEE"),))


async def _echo(engine: StockEngine) -> None:
    """The channel tells what we have just written, before it has answered."""
    await engine.tell_shown("TEE")


async def _echo_of_the_last_but_one(engine: StockEngine) -> None:
    """The warehouse has counted again when the echo comes."""
    await _counts(engine, 9)
    await engine.tell_shown("TEE")


async def _hand(engine: StockEngine) -> None:
    """A person puts back what stood there before, over ours, and the channel tells of that."""
    engine.shop.put("TEE", 10, by="person")
    await engine.tell_shown("TEE")


async def _hand_before_a_count(engine: StockEngine) -> None:
    await _hand(engine)
    await _counts(engine, 9)


async def _written(folder: Path, meanwhile: Meanwhile) -> tuple[Shop, int]:
    """A place is put from 10 to 8, and this happens before the call's answer; the shop, and how often it was read for it."""
    async with StockEngine(folder, publish=RARELY, TEE=10) as engine:
        await engine.run(5)
        before = engine.shop.reads

        async def happens() -> None:
            await meanwhile(engine)

        engine.shop.meanwhile = happens
        await _counts(engine, 8)
        await engine.run(30)
        return engine.shop, engine.shop.reads - before


@pytest.mark.parametrize(("meanwhile", "shown"), [(_echo, 8), (_echo_of_the_last_but_one, 9)])
def test_our_own_echo_costs_no_reading(tmp_path: Path, meanwhile: Meanwhile, shown: int) -> None:
    """C17: an echo that is quicker than the answer, and one of a number that is old already: the compare of the next write tells
    what a reading would. A reading is a request that the vendor counts."""
    shop, reads = asyncio.run(_written(tmp_path, meanwhile))
    assert (shop.shown, reads) == ({"TEE": shown}, 0)
    assert [change.by for change in shop.history if change.by != "hub"] == []


@pytest.mark.parametrize(("meanwhile", "shown"), [(_hand, 8), (_hand_before_a_count, 9)])
def test_a_hand_is_no_echo(tmp_path: Path, meanwhile: Meanwhile, shown: int) -> None:
    """C19, the control of the test above: a person who writes over ours is noticed, though what the channel tells is what we had
    known: the place is read, and what was lost is written again."""
    shop, reads = asyncio.run(_written(tmp_path, meanwhile))
    assert (shop.shown, reads) == ({"TEE": shown}, 1)
    last = shop.history[-1]
    assert (last.by, last.before, last.after) == ("hub", 10, shown)

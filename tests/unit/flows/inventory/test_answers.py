"""With heal = "ask" an answer is for the number that was asked about: what somebody puts up after it is another question.

Found by the wide simulation of stock (tests/faults/test_stock_wide.py).
"""

import asyncio
from pathlib import Path

import msgspec
import pytest
from stock_engine import PLAIN, StockEngine

from interlock.messaging.ledger import Filter
from interlock.messaging.outcome import Refused

ASKS = msgspec.structs.replace(PLAIN, unexplained_seconds=600.0, source_stale_minutes=1.0, heal="ask")


async def asked(engine: StockEngine) -> None:
    """Somebody puts 15 where 10 is right, and a person is asked about that."""
    await engine.run(5)
    engine.shop.put("TEE", 15)
    await engine.tell_shown("TEE")
    await engine.run(5)
    assert questions(engine) == ["shop shows 15, 10 is right: somebody else wrote it"]


async def answer(engine: StockEngine, seconds: float = 5) -> None:
    """Replay what is dead."""
    now_ms = engine.clock.now_ms()
    await engine.ledger.replay(Filter(states=("dead",)), by="ann", why="seen to", release="r1", now_ms=now_ms)
    engine.dispatcher.wake()
    await engine.run(seconds)


def questions(engine: StockEngine) -> list[str]:
    """What waits for a person."""
    return [row[0] for row in engine.rows("SELECT error FROM dead_letter WHERE closed_ms = 0 AND code = 'STK012'")]


@pytest.mark.parametrize(("shown", "after"), [(15, 10), (14, 9), (18, 18)])
def test_an_answer_is_for_the_number_that_was_asked_about(tmp_path: Path, shown: int, after: int) -> None:
    """What was asked about is replaced, also when one of it was sold since; a number that a person put up since is asked about
    anew, and its own answer replaces it: a replay wrote over it unasked."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=ASKS, TEE=10) as engine:
            await asked(engine)
            engine.shop.put("TEE", shown)
            await answer(engine)
            assert engine.shop.shown == {"TEE": after}
            assert questions(engine) == [f"shop shows {shown}, 10 is right: somebody else wrote it"] * (shown > 15)
            if shown > 15:
                await answer(engine)
                assert engine.shop.shown == {"TEE": 10}

    asyncio.run(run())


def test_an_answer_does_not_outlive_its_write(tmp_path: Path) -> None:
    """The right number lands and its answer is lost; before it goes out again a person puts up another: that is a new question,
    and the delivery is the one that was replayed."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=ASKS, TEE=10) as engine:
            await asked(engine)
            faults = ["lost"]
            engine.shop.fault = lambda _lines: faults.pop() if faults else "done"
            await answer(engine, 0.2)
            assert (faults, engine.shop.shown) == ([], {"TEE": 10})
            engine.shop.put("TEE", 13)
            await engine.run(60)
            assert engine.shop.shown == {"TEE": 13}
            assert questions(engine) == ["shop shows 13, 10 is right: somebody else wrote it"]

    asyncio.run(run())


def test_a_question_that_is_overtaken_is_asked_again(tmp_path: Path) -> None:
    """While the replayed delivery reads a newer number the channel tells of that: the delivery goes on at once instead of ending with
    its question, and took the former answer for an answer to it."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=ASKS, TEE=10) as engine:
            await asked(engine)
            engine.shop.put("TEE", 18)

            async def told() -> None:
                await engine.tell_shown("TEE")

            async def at_the_next_call() -> None:
                engine.shop.meanwhile = told

            engine.shop.meanwhile = at_the_next_call
            await answer(engine, 30)
            assert engine.shop.shown == {"TEE": 18}
            assert questions(engine) == ["shop shows 18, 10 is right: somebody else wrote it"]

    asyncio.run(run())


def test_a_replay_that_answers_no_question_asks(tmp_path: Path) -> None:
    """A number was refused, and its delivery is replayed for that; a person's number that is met only then was never asked about."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=ASKS, TEE=10) as engine:
            await engine.run(5)
            engine.shop.spoilt = {"TEE": Refused(reason="validation", code="BUSY", message="not now")}
            engine.warehouse.pieces["TEE"] = 12
            await engine.run(5)
            assert engine.refused()
            engine.shop.put("TEE", 20)
            await answer(engine)
            assert engine.shop.shown == {"TEE": 20}
            assert questions(engine) == ["shop shows 20, 12 is right: somebody else wrote it"]

    asyncio.run(run())


def test_what_was_met_while_its_source_was_silent_is_asked_about(tmp_path: Path) -> None:
    """The replayed delivery reads a person's number, and nothing is published for now: when it goes on nobody was asked yet."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=ASKS, TEE=10) as engine:
            await asked(engine)
            engine.warehouse.down = True
            await engine.run(100)
            engine.shop.put("TEE", 18)
            await engine.tell_shown("TEE")
            await answer(engine)
            engine.warehouse.down = False
            await engine.run(200)
            assert engine.shop.shown == {"TEE": 18}
            assert questions(engine) == ["shop shows 18, 10 is right: somebody else wrote it"]

    asyncio.run(run())


def test_no_call_is_made_again_while_its_source_is_silent(tmp_path: Path) -> None:
    """A write had no answer, and the hub was away for longer than its source may be silent: what had been right then went out
    again, by its key, before anybody looked at how old it was. Once the source has counted, the place ends right."""

    async def run() -> None:
        engine = StockEngine(tmp_path, publish=ASKS, TEE=10)
        await engine.open()
        await engine.run(5)
        engine.shop.fault = lambda _lines: "never"
        engine.warehouse.pieces["TEE"] = 12
        await engine.run(3)
        calls = len(engine.shop.calls)
        assert calls > 1, "it was tried"
        await engine.close()
        engine.shop.fault = lambda _lines: "done"
        engine.warehouse.down = True
        await engine.clock.advance(1_000)
        await engine.open()
        await engine.run(200)
        assert (len(engine.shop.calls), engine.shop.shown) == (calls, {"TEE": 10})
        engine.warehouse.down = False
        await engine.run(100)
        assert engine.shop.shown == {"TEE": 12}
        await engine.close()

    asyncio.run(run())


def test_what_is_missed_for_too_long_in_a_silence_is_asked_about_after_it(tmp_path: Path) -> None:
    """Somebody takes three off the shop's list, and the time in which an order may explain that ends while the warehouse is silent:
    nothing is asked then. When it has counted again a person is asked; nobody was, and the number stood until the next count."""

    async def run() -> None:
        publish = msgspec.structs.replace(ASKS, unexplained_seconds=120.0)
        async with StockEngine(tmp_path, publish=publish, begin=10, TEE=10) as engine:
            await engine.run(5)
            engine.shop.put("TEE", 7)
            await engine.tell_shown("TEE")
            await engine.run(5)
            engine.warehouse.down = True
            await engine.run(150)
            assert engine.rows("SELECT missing, trouble FROM stock_place") == [(0, "STK012")], "void: its time was to be up"
            assert questions(engine) == []
            engine.warehouse.down = False
            await engine.run(120)
            assert questions(engine) == ["shop shows 7, 10 is right: somebody else wrote it"]

    asyncio.run(run())

"""A place whose compare goes on failing rests longer each time; one that failed once is tried again at once."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from stock_engine import StockEngine

from interlock.flows.inventory import patience
from interlock.flows.inventory.patience import AT_ONCE, LONGEST_REST_SECONDS, Patience, rest_seconds
from interlock.messaging.outcome import Done, Retry
from interlock.messaging.stock import STALE, Place, Seen
from interlock.strategy.inventory import Publish

HERE = Place("TEE", "S1")
AGAIN = Retry(code=STALE, message="shows 7, not 8")
SECONDS = 60
SELDOM = Publish(settle_seconds=0.0, read_every_seconds=20.0, unexplained_seconds=5.0)


def calls_of_a_channel_that_reads_otherwise_than_it_compares(folder: Path) -> int:
    """Writes in SECONDS."""

    async def run() -> int:
        async with StockEngine(folder, publish=SELDOM, TEE=10) as engine:
            await engine.run(2)
            shop = engine.shop
            reads, before = shop.read, len(shop.calls)

            async def read(places: Sequence[Place], *, timeout_seconds: float) -> tuple[Seen, ...]:
                seen = await reads(places, timeout_seconds=timeout_seconds)
                return tuple(msgspec.structs.replace(one, quantity=one.quantity + 1) for one in seen)

            shop.read = read  # type: ignore[method-assign]
            engine.warehouse.pieces["TEE"] = 12
            shop.put("TEE", 15)
            await engine.tell_shown("TEE")
            await engine.run(SECONDS)
            stale, shop.read = len(shop.calls) - before, reads  # type: ignore[method-assign]
            await engine.run(LONGEST_REST_SECONDS)
            assert shop.shown == {"TEE": 12}, "it is tried for ever, and right once the channel is"
            return stale

    return asyncio.run(run())


def test_a_compare_that_never_holds_costs_few_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault case 25: a stale compare is read and tried again at once, which took all calls of a channel that never lets it hold.
    Control: with a short rest that does not grow it takes all there are."""
    (tmp_path / "patient").mkdir()
    found = calls_of_a_channel_that_reads_otherwise_than_it_compares(tmp_path / "patient")
    assert AT_ONCE < found < 12
    monkeypatch.setattr(patience, "rest_seconds", lambda _times: 0.5)
    (tmp_path / "hasty").mkdir()
    assert calls_of_a_channel_that_reads_otherwise_than_it_compares(tmp_path / "hasty") > 5 * found


def test_the_count_begins_anew_with_whatever_else_becomes_of_it() -> None:
    """C19: who was overtaken by a buyer now and then never rests; each place has a count of its own."""
    of = Patience()
    for _ in range(100):
        for _ in range(AT_ONCE):
            assert of.with_rest(HERE, AGAIN) == AGAIN
        of.with_rest(HERE, Done(external_id="TEE@S1"))
    rests = [of.with_rest(HERE, AGAIN) for _ in range(20)]
    assert [rest.retry_after_seconds for rest in rests if isinstance(rest, Retry)] == [
        rest_seconds(times) for times in range(1, 21)
    ]
    assert rest_seconds(20) == LONGEST_REST_SECONDS
    assert of.with_rest(Place("CAP", "S1"), AGAIN) == AGAIN

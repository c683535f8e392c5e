"""What is live does not wait for a full sync, also where one call of it takes minutes and all that is under way is in that call."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from stock_engine import SHOP, WMS, StockEngine

from interlock.connectors import registry
from interlock.messaging.outcome import Outcome
from interlock.messaging.stock import Line
from interlock.release.build import MOST_LINES

UNDER_WAY, KEPT = 4, 2


@pytest.mark.parametrize("kept", [KEPT, 0], ids=["kept", "the control"])
def test_what_changes_while_a_feed_is_worked_on_is_written_at_once(tmp_path: Path, kept: int) -> None:
    """A first sync of ten items fills what may be under way, and its call has no answer for ten minutes (a feed of Amazon's). Control:
    with nothing kept the item that changes meanwhile is shown after it."""

    async def run() -> None:
        async with StockEngine(tmp_path, TEE=10) as engine:
            limit = msgspec.structs.replace(engine.release.limit, concurrency=UNDER_WAY + kept, kept_for_live=kept)
            engine.release.limit = limit
            await engine.dispatcher.refresh()
            await engine.run(5)
            shop, ended, writes = engine.shop, asyncio.Event(), engine.shop.write

            async def write(
                lines: Sequence[Line], *, key: str, timeout_seconds: float, first: bool = False
            ) -> tuple[Outcome, ...]:
                if any(line.place.item != "TEE" for line in lines):
                    await ended.wait()
                return await writes(lines, key=key, timeout_seconds=timeout_seconds, first=first)

            shop.write = write  # type: ignore[method-assign]
            new = {f"NEW-{number}": 1 for number in range(10)}
            shop.shown |= dict.fromkeys(new, 0)
            engine.warehouse.pieces |= new
            for system in (WMS, SHOP):
                await engine.reader.read_now(system, "items")
            await engine.run(20)
            engine.warehouse.pieces["TEE"] = 9
            await engine.run(40)
            assert shop.shown["TEE"] == (9 if kept else 10)
            assert not any(shop.shown[sku] for sku in new), "void: the sync was to be under way"
            ended.set()
            await engine.run(60)
            assert shop.shown == engine.warehouse.pieces

    asyncio.run(run())


def test_so_many_lines_are_under_way_that_a_feed_comes_together() -> None:
    """Amazon's connector makes a feed of 1,500 lines on, and no more than 1,000 were ever under way: a first sync went line by line, five
    a second."""
    [feed_from_lines] = [one.default for one in registry.manifest("amazon").settings if one.name == "feed_from_lines"]
    assert isinstance(feed_from_lines, int)
    assert 2 * feed_from_lines <= MOST_LINES

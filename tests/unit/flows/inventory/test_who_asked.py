"""Who asked for a write, and why, in what happened to a SKU: from the audit, by the page and by the command."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from stock_engine import PLAIN, SHELF, SHOP, StockEngine

from interlock.cli.stock_rows import _change
from interlock.console.pages.inventory_steps import days_of
from interlock.messaging.ledger import Filter
from interlock.messaging.sqlite.connect import open_store
from interlock.messaging.sqlite.stock_views import stock_look
from interlock.messaging.stock_book import Happened, key_of, shown_at

ASKS = msgspec.structs.replace(PLAIN, heal="ask")
RUN = (
    "INSERT INTO stock_run (kind, channel, why, dry, sku, state, asked_ms) VALUES"
    " ('sync', 'shop', 'ben: new shelf', 0, 'TE*', 'done', 1), ('compare', 'shop', 'eve: only a look', 1, 'TEE', 'done', 1),"
    " ('sync', 'shop', 'the schedule', 0, 'TEE', 'done', 0), ('sync', 'shop', 'eve: caps', 0, 'CAP*', 'done', 1)"
)


def _told(folder: Path, sku: str) -> list[Happened]:
    """As a command reads it when no hub runs, oldest first."""
    connection = open_store(folder / "ledger.db", read_only=True)
    look = stock_look(connection)
    assert look is not None
    changes = look.changes(sku, 100)
    connection.close()
    return changes[::-1]


def test_a_fix_says_who_asked_for_it_and_why(tmp_path: Path) -> None:
    """Issue 5, section 1: somebody's number at the shop waits for a person; what Ada has replayed is written, and after a restart the
    history says that she asked, why, and then what was written. Controls: her replay of another SKU says nothing here; of runs only
    those that people asked for, about this SKU, and that were no dry ones."""

    async def run() -> None:
        async with StockEngine(tmp_path, publish=ASKS, TEE=10, CAP=10) as engine:
            await engine.run(5)
            for sku in ("TEE", "CAP"):
                engine.shop.put(sku, 12)
                await engine.tell_shown(sku)
            await engine.run(10)
            assert engine.shop.shown == {"TEE": 12, "CAP": 12}
            for sku, why in (("TEE", "counted twice"), ("CAP", "the shelf was moved")):
                fix = Filter(destination=shown_at(SHOP), key=key_of(sku, SHELF))
                await engine.ledger.replay(fix, by="ada", why=why, release="same", now_ms=engine.clock.now_ms())
                engine.dispatcher.wake()
                await engine.run(3)
            assert engine.shop.shown == {"TEE": 10, "CAP": 10}
            await engine.ledger.group.run(lambda connection: connection.execute(RUN))

    asyncio.run(run())
    found = _told(tmp_path, "TEE")
    assert [(one.kind, one.place, one.why) for one in found if one.kind == "asked"] == [
        ("asked", "", "ben: new shelf"), ("asked", SHELF, "ada: counted twice"),
    ]  # fmt: skip
    last = [(one.kind, one.before, one.after) for one in found][-3:]
    assert last == [("foreign", 10, 12), ("asked", None, None), ("written", 12, 10)]
    assert [one.why for one in _told(tmp_path, "CAP") if one.kind == "asked"] == [
        "eve: caps",
        "ada: the shelf was moved",
    ]


def test_page_and_command_say_it_alike() -> None:
    """Beside what was written then."""
    asked = Happened(
        at_us=1_000_000, kind="asked", sku="TEE", system="shop", place="S1", name="", before=None, after=None, why="ada: counted twice"
    )  # fmt: skip
    assert _change([asked]).endswith("asked    shop S1: ada: counted twice")
    strategy: Any = SimpleNamespace(timezone="UTC", systems={})
    (day,) = days_of(strategy, [asked], 2_000)
    assert [(step.what, step.detail) for step in day.steps] == [("Asked for", "shop at S1 · ada: counted twice")]

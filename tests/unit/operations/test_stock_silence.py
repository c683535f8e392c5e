"""C66: a source of truth of stock that says nothing for too long calls somebody, once, and says when it is over."""

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from interlock.clock import VirtualClock
from interlock.flows.inventory.rules import NOTHING_LISTED, BookCatalogue, StockRules
from interlock.messaging.sqlite.accuracy_book import SqliteAccuracyBook
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.sqlite.stock_book import SqliteStockBook
from interlock.messaging.stock_book import Read
from interlock.operations.pager import Page, Pager
from interlock.operations.stock_silence import StockSilence
from interlock.strategy import Alerts, Team
from interlock.strategy.inventory import Inventory, Location, Publish

MINUTE = 60.0


class RecordingPager(Pager):
    """Keeps what is said; `problem` is what it meets instead."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.problem = ""

    async def page(self, strategy: Any, page: Page) -> str:
        del strategy
        if not self.problem:
            self.texts.append(page.text)
        return self.problem


def test_a_silent_source_calls_once_and_says_when_it_is_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An hour without a word is told in words that name the source, the channel and that no zero is written; a page that fails is
    sent again; a restart calls nobody twice. Control: a source that speaks calls nobody."""

    async def story() -> None:
        clock, pager = VirtualClock(), RecordingPager()
        ledger = SqliteLedger(tmp_path / "ledger.db", clock.now_ms())
        book, accounts = SqliteStockBook(ledger.group), SqliteAccuracyBook(ledger.group)
        flow = SimpleNamespace(
            name="stock",
            source="wms",
            destinations=["shop"],
            publish=Publish(source_stale_minutes=60),
            owner="warehouse",
        )
        strategy: Any = SimpleNamespace(
            release="r", flows={"stock": flow}, inventory=Inventory(locations={"c": Location("wms", {"wms": ["1"], "shop": ["2"]})}),
            teams={"warehouse": Team(name="warehouse", contact="#wms", escalation="x")}, alerts=Alerts(webhook="env:PAGER"),
            title="Acme", environment="production",
        )  # fmt: skip
        rules = StockRules(strategy, BookCatalogue(NOTHING_LISTED))

        def watch() -> StockSilence:
            return StockSilence(
                accounts, book, strategy=lambda: strategy, rules=lambda: rules, pager=pager, clock=clock
            )

        async def speaks() -> None:
            state = Read(cursor="c", fresh_us=clock.now_ms() * 1_000)
            await book.run(lambda work: work.read("wms", "levels", state))

        await speaks()
        watched = watch()
        await clock.advance(59 * MINUTE)
        await watched.look()
        assert not pager.texts
        await clock.advance(2 * MINUTE)
        pager.problem = "it answered 500"
        await watched.look()
        pager.problem = ""
        await watched.look()
        await watch().look()  # after a restart
        (text,) = pager.texts
        assert "wms has said nothing of its stock for 61 min" in text and "shop" in text and "no zero" in text
        await speaks()
        await watched.look()
        assert len(pager.texts) == 2 and "tells of its stock again" in pager.texts[1]
        assert not await accounts.silent()
        await ledger.close()

    with caplog.at_level(logging.CRITICAL, "interlock.operations"):
        asyncio.run(story())

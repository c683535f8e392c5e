"""The real book of stock on a ledger of its own, and the rules of a folder that a test writes: what the desk does, without a hub."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self, TypeVar

from interlock.flows.inventory.publish import Publishing
from interlock.flows.inventory.rules import BookCatalogue, StockRules
from interlock.flows.inventory.sums import Sum
from interlock.flows.inventory.taking import Taking
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.sqlite.stock_book import SqliteStockBook, SqliteStockWork
from interlock.messaging.stock import Item, Level, Sale, SaleLine
from interlock.messaging.stock_book import Read, Shown
from interlock.strategy.inventory import Inventory, Publish

START_US = 1_767_225_600_000_000
PLAIN = Publish(settle_seconds=0.0)
_T = TypeVar("_T")


class BookStage:
    """`async with BookStage(tmp_path, inventory, shop=["TEE"]) as stage:` systems list these SKUs, each by its SKU as id. `now_us`
    is the test's to move."""

    def __init__(
        self, folder: Path, inventory: Inventory, *, flows: Mapping[str, tuple[str, list[str]]] | None = None,
        publish: Publish = PLAIN, **listed: list[str],
    ) -> None:  # fmt: skip
        self.now_us = START_US
        self._folder = folder
        self._inventory = inventory
        self._flows = flows or {"stock-to-shop": ("wms", ["shop"])}
        self._publish = publish
        self._listed = listed

    async def __aenter__(self) -> Self:
        self.ledger = SqliteLedger(self._folder / "ledger.db", START_US // 1_000)
        self.book = SqliteStockBook(self.ledger.group)
        self.rules = self.rules_of(self._inventory)
        for system, skus in self._listed.items():
            await self.run(partial(_list, system=system, skus=skus))
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.ledger.close()

    def rules_of(self, inventory: Inventory, publish: Publish | None = None, release: str = "r1") -> StockRules:
        """Those of a folder with this inventory."""
        flows = {
            name: SimpleNamespace(name=name, publish=publish or self._publish, source=source, destinations=destinations)
            for name, (source, destinations) in self._flows.items()
        }
        folder: Any = SimpleNamespace(release=release, inventory=inventory, flows=flows)
        return StockRules(folder, BookCatalogue(self.book))

    async def run(self, work: Callable[[SqliteStockWork], _T]) -> _T:
        """In the book."""
        return await self.book.run(work)

    async def take(self, work: Callable[[Taking], object]) -> int:
        """As the desk takes an event; returns how many deliveries were opened."""

        def taken(book: SqliteStockWork) -> int:
            taking = Taking(book, self.rules, self.now_us)
            work(taking)
            return taking.finish()

        return await self.run(taken)

    async def count(self, system: str, sku: str, place: str, pieces: int, as_of_us: int = 0) -> int:
        """A count of a system."""
        level = Level(item=sku, sku=sku, location=place, quantities={"available": Decimal(pieces)})
        return await self.take(lambda taking: taking.level(system, level, 1, as_of_us or self.now_us))

    async def sell(
        self, channel: str, key: str, pieces: Mapping[str, int], place: str = "", version: int = 1, accepted_us: int = 0,
        *, unrouted: bool = False,
    ) -> int:  # fmt: skip
        """What an order takes now."""
        lines = tuple(SaleLine(item=sku, sku=sku, quantity=count, location=place) for sku, count in pieces.items())
        sale = Sale(
            key=key, version=version, accepted_us=accepted_us or self.now_us, lines=lines, name=f"#{key}", unrouted=unrouted
        )  # fmt: skip
        return await self.take(lambda taking: taking.sale(channel, sale, 1))

    async def see(self) -> int:
        """What owners know by now of all that waits."""
        lines = self.book.look(lambda work: work.unseen((0, "", "", "", ""), self.now_us, 1_000_000))
        return await self.take(lambda taking: taking.see(lines))

    def sum(self, channel: str, place: str, sku: str) -> Sum:
        """What the place should show now; its terms add up to it, always."""

        def work(book: SqliteStockWork) -> Sum:
            shows = self.rules.channel(channel, place)
            assert shows is not None
            return Publishing(book, self.rules, self.now_us).sum(shows, place, sku, book.shown(channel, place, sku))

        found = self.book.look(work)
        added = sum(term.amount for term in found.terms if not term.part)
        assert found.suspended or not found.counted or added == found.quantity, found
        return found

    def shown(self, channel: str, place: str, sku: str) -> Shown:
        """What is known of the place."""
        row = self.book.look(lambda work: work.shown(channel, place, sku))
        assert row is not None
        return row

    async def showed(self, channel: str, place: str, sku: str, pieces: int) -> None:
        """The place was written or looked at."""
        row = Shown(
            channel=channel, place=place, sku=sku, flow="stock-to-shop", item=sku, wanted=pieces, seen=pieces,
            seen_us=self.now_us,
        )  # fmt: skip
        await self.run(lambda work: work.show(row))


def _list(work: SqliteStockWork, *, system: str, skus: list[str]) -> None:
    work.list_items(system, [Item(item=sku, sku=sku) for sku in skus], START_US)
    work.read(system, "levels", Read(fresh_us=START_US))

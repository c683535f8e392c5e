"""A ledger on the disk, one warehouse, one channel, and a clock that stands still: what comparisons of stock are tried on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from interlock.flows.inventory.accuracy import AccuracyKeeper
from interlock.flows.inventory.asking import NotReadError
from interlock.flows.inventory.rules import BookCatalogue, StockRules
from interlock.flows.inventory.taking import Taking
from interlock.flows.inventory.upkeep import HUB
from interlock.messaging.accuracy import Difference, Run
from interlock.messaging.sqlite.accuracy_book import SqliteAccuracyBook
from interlock.messaging.sqlite.accuracy_views import read_accuracy, read_stock_differences
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.sqlite.stock_book import SqliteStockBook
from interlock.messaging.sqlite.stock_side import beside
from interlock.messaging.stock import Item, Level, Place, Seen, SeenPage
from interlock.messaging.stock_book import Read, Shown, StockWork
from interlock.strategy.inventory import Inventory, ItemRule, Location, Publish

SHOP, WMS, FLOW = "shop", "wms", "stock-to-shop"
START_MS = 1_790_000_000_000
PLACE = "1"
PAGE = 50


class StandingClock:
    """Moves only when it is told to, or when somebody sleeps."""

    def __init__(self) -> None:
        self.ms = START_MS

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1_000

    async def sleep(self, seconds: float) -> None:
        self.ms += round(seconds * 1_000)
        await asyncio.sleep(0)

    @property
    def us(self) -> int:
        return self.ms * 1_000


class FakeChannel:
    """Shows numbers. `meanwhile` is called before each page and each read: what others do while it is listed."""

    lines_per_write = 250
    compares = True

    def __init__(self) -> None:
        self.shows: dict[Place, int] = {}
        self.set_us = 0
        self.reads = 0
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def listing(self, after: str, *, timeout_seconds: float) -> SeenPage:
        del timeout_seconds
        places = sorted(self.shows, key=lambda place: (place.item, place.location))
        first = int(after or 0)
        page = [self._seen(place) for place in places[first : first + PAGE]]
        if self.meanwhile:
            await self.meanwhile()
        more = first + PAGE < len(places)
        return SeenPage(seen=tuple(page), after=str(first + PAGE) if more else "")

    async def read(self, places: Sequence[Place], *, timeout_seconds: float) -> tuple[Seen, ...]:
        del timeout_seconds
        self.reads += 1
        found = tuple(self._seen(place) for place in places)
        if self.meanwhile:
            await self.meanwhile()
        return found

    def _seen(self, place: Place) -> Seen:
        return Seen(place=place, quantity=self.shows.get(place, 0), stocked=place in self.shows, at_us=self.set_us)


class FakeSource:
    """Counts."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.as_of_us = 0

    async def read(self, items: Sequence[str], *, timeout_seconds: float) -> tuple[Level, ...]:
        del timeout_seconds
        return tuple(self.level(item) for item in items if item in self.counts)

    def level(self, item: str) -> Level:
        return Level(
            item=item, sku=item.removeprefix("w-"), location="156", quantities={"available": Decimal(self.counts[item])},
            as_of_us=self.as_of_us,
        )  # fmt: skip


class FakeReader:
    """Reads the source to the end, or cannot."""

    def __init__(self, world: "AccuracyWorld") -> None:
        self.world = world
        self.fails = False

    async def read_now(self, system: str, what: str) -> None:
        if self.fails:
            raise NotReadError("503: maintenance")
        await self.world.book.run(lambda work: work.read(system, what, _fresh(self.world.clock.us)))


class FakeDesk:
    """Only wakes."""

    woken = 0

    def wake(self) -> None:
        self.woken += 1


class AccuracyWorld:
    """`skus` items that the warehouse counts and the channel shows rightly: item `s-SKU` there."""

    def __init__(self, folder: Path, *, heal: str = "auto", items: Sequence[ItemRule] = (), **publish: Any) -> None:
        self.clock = StandingClock()
        self.ledger = SqliteLedger(folder / "ledger.db", self.clock.ms)
        self.book = SqliteStockBook(self.ledger.group)
        self.accounts = SqliteAccuracyBook(self.ledger.group)
        self.channel, self.source = FakeChannel(), FakeSource()
        flow = SimpleNamespace(
            name=FLOW,
            source=WMS,
            destinations=[SHOP],
            publish=Publish(heal=heal, **publish),  # type: ignore[arg-type]
        )
        strategy: Any = SimpleNamespace(
            release="r1", flows={FLOW: flow},
            inventory=Inventory(locations={"cicero": Location(WMS, {WMS: ["156"], SHOP: [PLACE]})}, items=tuple(items)),
        )  # fmt: skip
        self.rules = StockRules(strategy, BookCatalogue(self.book))
        self.release: Any = SimpleNamespace(
            id="r1", stock=self.rules, stock_channel=lambda _: self.channel, stock_source=lambda _: self.source
        )
        self.reader: Any = FakeReader(self)
        self.desk: Any = FakeDesk()
        self.keeper = AccuracyKeeper(
            self.accounts, self.book, self.desk, self.reader, self.clock, release=lambda: self.release, side=beside(folder)
        )

    async def stocked(self, **counts: int) -> None:
        """The warehouse counts so many, the channel lists the items and shows the same, and we know it."""
        for sku, units in counts.items():
            self.source.counts[f"w-{sku}"] = units

        def work(book: StockWork) -> None:
            book.read(HUB, "rules", Read(cursor="r1"))
            book.read(WMS, "levels", _fresh(self.clock.us))
            book.list_items(
                SHOP, [Item(item=f"s-{sku}", sku=sku, price=Decimal("2.50"), currency="EUR") for sku in counts], 1
            )
            book.list_items(WMS, [Item(item=f"w-{sku}", sku=sku) for sku in counts], 1)
            self.rules.normaliser._identity._catalogue.forget()  # type: ignore[attr-defined]
            self.took(book, *counts)

        await self.book.run(work)
        await self.book.run(lambda book: [self._shown_rightly(book, sku) for sku in counts])
        self.close_deliveries()
        self.clock.ms += 3_600_000
        await self.reader.read_now(WMS, "levels")

    def took(self, book: StockWork, *skus: str) -> None:
        """What the warehouse counts now is told."""
        taking = Taking(book, self.rules, self.clock.us)
        for sku in skus:
            taking.level(WMS, self.source.level(f"w-{sku}"), 0, self.clock.us)
        taking.finish()

    def _shown_rightly(self, book: StockWork, sku: str) -> None:
        row = book.shown(SHOP, PLACE, sku)
        assert row is not None and row.wanted is not None, sku
        self.channel.shows[Place(row.item, PLACE)] = row.wanted
        book.show(msgspec.structs.replace(
            row, seen=row.wanted, seen_us=self.clock.us, written=row.wanted, written_us=self.clock.us
        ))  # fmt: skip

    def shows(self, sku: str, units: int | None) -> None:
        """Somebody changes it at the channel; None takes it off the list."""
        if units is None:
            self.channel.shows.pop(Place(f"s-{sku}", PLACE), None)
        else:
            self.channel.shows[Place(f"s-{sku}", PLACE)] = units

    def row(self, sku: str) -> Shown:
        """What the book knows of the place."""
        found = self.book.look(lambda work: work.shown(SHOP, PLACE, sku))
        assert found is not None
        return found

    async def change(self, sku: str, **changes: Any) -> None:
        """Of its row in the book."""
        await self.book.run(lambda work: work.show(msgspec.structs.replace(self.row(sku), **changes)))

    def close_deliveries(self) -> None:
        """All that is open has been done."""
        self.ledger.group.connection.execute("UPDATE delivery SET state = 'done', head = 0")

    def deliver(self, sku: str, **columns: Any) -> None:
        """Say something of the delivery to the place."""
        sets = ", ".join(f"{name} = ?" for name in columns)
        values = (*columns.values(), f"{sku}@{PLACE}")
        self.ledger.group.connection.execute(f"UPDATE delivery SET {sets} WHERE key = ?", values)  # noqa: S608

    def open(self) -> set[str]:
        """SKUs whose delivery is open."""
        rows = self.ledger.group.connection.execute("SELECT name FROM delivery WHERE state = 'pending'")
        return {name for (name,) in rows}

    async def compared(self, **wanted: Any) -> Run:
        """One comparison."""
        return await self.keeper.compare(Run(id=0, kind="compare", channel=SHOP, why="test", **wanted))

    def differences(self, **of: Any) -> dict[str, Difference]:
        """What stands, by SKU."""
        asked = {"channel": SHOP, "sku": "", "location": "", "cause": "", "limit": 100} | of
        found = read_stock_differences(self.ledger.group.connection, **asked)
        return {one.sku: one for one in found}

    def accuracy(self) -> Any:
        """Of the channel as a whole."""
        return next(one for one in read_accuracy(self.ledger.group.connection) if not one.place)

    async def close(self) -> None:
        await self.ledger.close()


def _fresh(now_us: int) -> Read:
    return Read(cursor="c", fresh_us=now_us, tried_us=now_us, whole_us=now_us)


def tried(folder: Path, story: Callable[[AccuracyWorld], Awaitable[None]], **made: Any) -> None:
    """One story in a world of its own."""

    async def told() -> None:
        world = AccuracyWorld(folder, **made)
        try:
            await story(world)
        finally:
            await world.close()

    asyncio.run(told())

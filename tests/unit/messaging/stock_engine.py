"""A whole engine of stock in one process: real stores, a warehouse that counts, channels that show, a clock that the test moves."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
from engine import Engine, FakeRelease

from interlock.clock import VirtualClock
from interlock.flows.inventory.desk import StockDesk
from interlock.flows.inventory.reader import StockReader
from interlock.flows.inventory.rules import BookCatalogue, StockRules
from interlock.flows.inventory.showing import Showing
from interlock.messaging.event import Event
from interlock.messaging.outcome import Done, Outcome, Refused, Retry, Uncertain
from interlock.messaging.releases import Limits
from interlock.messaging.sqlite.stock_book import SqliteStockBook
from interlock.messaging.stock import (
    STALE,
    Item,
    ItemPage,
    Level,
    LevelPage,
    Line,
    Place,
    Sale,
    SaleLine,
    SalePage,
    Seen,
    SeenPage,
    Told,
)
from interlock.messaging.stock_book import shown_at
from interlock.strategy.inventory import Inventory, Location, Publish

WMS, SHOP = "wms", "shop"
FLOW, ORDERS = "stock-to-channels", "order-to-wms"
HALL, SHELF = "H1", "S1"
"""The warehouse's name of the one location, and the channels' names of it."""
PLAIN = Publish(settle_seconds=0.0, read_every_seconds=1.0, unexplained_seconds=60.0)
_encode = msgspec.json.Encoder(decimal_format="string").encode
_told = msgspec.json.Decoder(dict[str, Any]).decode


class Warehouse:
    """A StockSource: pieces by SKU, all told whenever it is asked. `down`: it does not answer."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.pieces: dict[str, int] = {}
        self.down = False
        self.items_listed = self.levels_read = 0
        self.silent: set[str] = set()
        """SKUs that it leaves out of what changed."""
        self.unchanged = False
        """Whether it tells of nothing but when it is read from the beginning."""

    async def items(self, after: str, *, timeout_seconds: float) -> ItemPage:
        del after, timeout_seconds
        self.items_listed += 1
        return ItemPage(items=tuple(Item(item=sku, sku=sku) for sku in self.pieces))

    async def levels(self, after: str, *, timeout_seconds: float) -> LevelPage | Retry:
        del after, timeout_seconds
        if self.down:
            return Retry(code="503", message="the warehouse does not answer", status=503)
        self.levels_read += 1
        found = tuple(self.level(sku) for sku in self.pieces if sku not in self.silent)
        return LevelPage(levels=found, cursor="all", complete_us=self.now_us())

    async def changed(self, cursor: str, after: str, *, timeout_seconds: float) -> LevelPage | Retry:
        del cursor
        page = await self.levels(after, timeout_seconds=timeout_seconds)
        return msgspec.structs.replace(page, levels=()) if self.unchanged and isinstance(page, LevelPage) else page

    async def read(self, items: Sequence[str], *, timeout_seconds: float) -> tuple[Level, ...]:
        del timeout_seconds
        return tuple(self.level(sku) for sku in items if sku in self.pieces)

    def told(self, topic: str, body: bytes) -> Told:
        del topic
        return msgspec.convert(_told(body), Told, strict=False)

    def level(self, sku: str) -> Level:
        return Level(
            item=sku, sku=sku, location=HALL, quantities={"available": self.pieces[sku]}, as_of_us=self.now_us()
        )  # type: ignore[dict-item]

    def now_us(self) -> int:
        return self.clock.now_ms() * 1_000


class Change(NamedTuple):
    """A row of a channel's own history. `expected` is what our write took to be there, None where it did not say."""

    item: str
    before: int
    after: int
    by: str
    expected: int | None = None


class Shop:
    """A StockChannel that remembers who changed what; `fault` is asked before each call how that call shall go: done, 503, lost
    (applied, no answer), never (not applied, no answer). `spoilt`: outcomes that items have instead, each once."""

    lines_per_write = 250

    def __init__(self, clock: VirtualClock, *, compares: bool = True) -> None:
        self.clock = clock
        self.compares = compares
        self.shown: dict[str, int] = {}
        self.listed: dict[str, str] = {}
        """SKUs of items that have another id than their SKU."""
        self.history: list[Change] = []
        self.calls: list[tuple[str, tuple[Line, ...]]] = []
        self.reads = 0
        self.fault: Callable[[Sequence[Line]], str] = lambda _lines: "done"
        self.spoilt: dict[str, Outcome] = {}
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        """Happens once, after a call was applied or a read was made, and a second before its answer is there."""
        self.told_sales: list[Sale] = []
        self._done: set[tuple[str, str]] = set()

    # -- what others do

    def put(self, item: str, pieces: int, by: str = "human") -> None:
        self._change(item, pieces, by)

    def sell(self, item: str, pieces: int = 1) -> bool:
        if self.shown.get(item, 0) < pieces:
            return False
        self._change(item, self.shown[item] - pieces, "buyer")
        return True

    def forget_keys(self) -> None:
        self._done.clear()

    def sold(self) -> int:
        return sum(row.before - row.after for row in self.history if row.by == "buyer")

    def lost_updates(self) -> list[Change]:
        """Writes of ours that replaced another number than the one they knew of."""
        return [
            row for row in self.history if row.by == "hub" and row.expected is not None and row.expected != row.before
        ]

    # -- the port

    async def items(self, after: str, *, timeout_seconds: float) -> ItemPage:
        del after, timeout_seconds
        return ItemPage(items=tuple(Item(item=item, sku=self.listed.get(item, item)) for item in self.shown))

    async def read(self, places: Sequence[Place], *, timeout_seconds: float) -> tuple[Seen, ...]:
        del timeout_seconds
        self.reads += 1
        seen = tuple(
            Seen(place=place, quantity=self.shown.get(place.item, 0), stocked=place.item in self.shown)
            for place in places
        )
        await self._answering()
        return seen

    async def listing(self, after: str, *, timeout_seconds: float) -> SeenPage:
        del after, timeout_seconds
        return SeenPage(seen=await self.read([Place(item, SHELF) for item in self.shown], timeout_seconds=1))

    async def write(
        self, lines: Sequence[Line], *, key: str, timeout_seconds: float, first: bool = False
    ) -> tuple[Outcome, ...]:
        del timeout_seconds, first
        fault = self.fault(lines)
        self.calls.append((key, tuple(lines)))
        await self.clock.sleep(0)
        if fault == "503":
            return tuple(Retry(code="503", message="unavailable", status=503) for _ in lines)
        outcomes = tuple(self._set(line, key) for line in lines) if fault != "never" else ()
        await self._answering()
        if fault in ("lost", "never"):
            return tuple(Uncertain(code="TIMEOUT", message="no answer") for _ in lines)
        return outcomes

    async def look(self, receipt: str, lines: Sequence[Line], *, timeout_seconds: float) -> Retry:
        raise AssertionError((receipt, lines, timeout_seconds))

    async def sales(self, cursor: str, after: str, *, timeout_seconds: float) -> SalePage:
        del after, timeout_seconds
        begin = int(cursor or 0)
        return SalePage(sales=tuple(self.told_sales[begin:]), cursor=str(len(self.told_sales)))

    def told(self, topic: str, body: bytes) -> Told:
        del topic
        return msgspec.convert(_told(body), Told, strict=False)

    async def _answering(self) -> None:
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            await happens()
            await self.clock.sleep(1)

    def _set(self, line: Line, key: str) -> Outcome:
        if (key, line.place.item) in self._done:
            return Done(external_id=line.place.item)
        if line.place.item in self.spoilt:
            return self.spoilt.pop(line.place.item)
        shown = self.shown.get(line.place.item, 0)
        if self.compares and line.change_from is not None and line.change_from != shown:
            return Retry(code=STALE, message=f"shows {shown}, not {line.change_from}")
        self._done.add((key, line.place.item))
        self._change(line.place.item, line.quantity, "hub", line.change_from)
        return Done(external_id=line.place.item)

    def _change(self, item: str, pieces: int, by: str, expected: int | None = None) -> None:
        self.history.append(Change(item, self.shown.get(item, 0), pieces, by, expected))
        self.shown[item] = pieces


class StockRelease(FakeRelease):
    """Routes nothing: what stock needs of a release, over fakes."""

    def __init__(self, warehouse: Warehouse, shops: Mapping[str, Shop], publish: Publish, inventory: Inventory) -> None:
        super().__init__({}, None)  # type: ignore[arg-type]
        self.warehouse, self.shops, self.publish, self.inventory = warehouse, shops, publish, inventory
        self.stock: StockRules = None  # type: ignore[assignment]

    def rules(self, catalogue: BookCatalogue, publish: Publish | None = None, name: str = "r1") -> None:
        self.publish = publish or self.publish
        flow = SimpleNamespace(name=FLOW, publish=self.publish, source=WMS, destinations=list(self.shops))
        orders = SimpleNamespace(name=ORDERS, publish=None, source=SHOP, destinations=[WMS])
        folder: Any = SimpleNamespace(release=name, inventory=self.inventory, flows={FLOW: flow, ORDERS: orders})
        self.stock = StockRules(folder, catalogue)

    def destinations(self) -> Sequence[str]:
        return [shown_at(name) for name in self.shops]

    def stock_source(self, system: str) -> Warehouse:
        """Another system that counts has nothing."""
        return self.warehouse if system == WMS else Warehouse(self.warehouse.clock)

    def stock_channel(self, system: str) -> Shop:
        return self.shops[system]

    def tellers(self, system: str) -> list[Any]:
        return [self.shops[system]] if system in self.shops else [self.stock_source(system)]


class StockEngine(Engine):
    """`async with StockEngine(tmp_path, SKU=10) as engine:` the warehouse has these pieces, the channels show 1,000 of each."""

    def __init__(
        self, folder: Path, *, publish: Publish = PLAIN, inventory: Inventory | None = None, shops: Sequence[str] = (SHOP,),
        compares: bool = True, begin: int = 1_000, **pieces: int,
    ) -> None:  # fmt: skip
        super().__init__(folder, systems=())
        self.warehouse = Warehouse(self.clock)
        self.warehouse.pieces |= {sku.replace("_", "-"): count for sku, count in pieces.items()}
        self.shops = {name: Shop(self.clock, compares=compares) for name in shops}
        for shop in self.shops.values():
            shop.shown |= dict.fromkeys(self.warehouse.pieces, begin)
        where = {"hall": Location(owner=WMS, places={WMS: [HALL], **{name: [SHELF] for name in shops}})}
        self.stocked = StockRelease(self.warehouse, self.shops, publish, inventory or Inventory(locations=where))
        self.release = self.stocked
        self.release.limit = Limits(concurrency=1_000, breaker_failures=10**6)
        self._running: list[asyncio.Task[None]] = []

    @property
    def shop(self) -> Shop:
        return self.shops[SHOP]

    async def open(self, *, suspect: int = 0) -> None:
        await super().open(suspect=suspect)
        self.book = SqliteStockBook(self.ledger.group)
        self.catalogue = BookCatalogue(self.book)
        self.stocked.rules(self.catalogue)
        self.dispatcher.courier.showing = Showing(self.book, self.clock, self.dispatcher.wake)
        current, cursor = self.stocked.current, self.ledger.cursor
        self.desk = StockDesk(
            self.book, self.inbox, self.clock, release=current, cursor=cursor, wake=self.dispatcher.wake
        )  # type: ignore[arg-type]
        self.reader = StockReader(
            self.book,
            self.inbox,
            self.desk,
            self.catalogue,
            self.clock,
            release=current,
            cursor=cursor,
            history_days=lambda: 60.0,
        )  # type: ignore[arg-type]
        self._running = [asyncio.ensure_future(self.desk.run()), asyncio.ensure_future(self.reader.run())]

    async def close(self) -> None:
        """As a kill would: nobody is asked to finish."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await super().close()

    async def tell(self, system: str, **said: Any) -> None:
        """A webhook of a system: `levels` or `sales`, as the ports have them."""
        body = _encode(Told(**said))
        now_ms = self.clock.now_ms()
        object_name = "inventory_level" if "levels" in said else "order"
        await self.inbox.append(Event(
            system=system, dialect="test", topic="told", object=object_name, key="told", version=now_ms * 1_000 + await self.inbox.head(),
            complete=True, received_at_ms=now_ms, release="r1", sha256=hashlib.sha256(body).digest(), body=body,
        ))  # fmt: skip

    async def tell_shown(self, item: str, pieces: int | None = None, shop: str = SHOP) -> None:
        """The channel tells what it shows of an item: now, or as of when `pieces` were there."""
        quantity: Any = self.shops[shop].shown[item] if pieces is None else pieces
        await self.tell(shop, levels=(Level(item=item, location=SHELF, quantities={"available": quantity}),))

    async def tell_sale(self, item: str, pieces: int, key: str, shop: str = SHOP, version: int = 1) -> None:
        """The channel tells of an order."""
        lines = (SaleLine(item=item, sku=item, quantity=pieces),) if pieces else ()
        sale = Sale(key=key, version=version, accepted_us=self.clock.now_ms() * 1_000, lines=lines, name=f"#{key}")
        await self.tell(shop, sales=(sale,))

    def changes(self, kind: str) -> list[tuple[str, int | None, int | None]]:
        """What the book says has happened: SKU, before, after."""
        return self.rows("SELECT sku, before, after FROM stock_change WHERE kind = ? ORDER BY id", kind)

    def refused(self) -> list[Refused]:
        """Nothing was refused, when this is empty."""
        return [
            Refused(reason="validation", code=row[0], message="") for row in self.rows("SELECT code FROM dead_letter")
        ]

"""A world of stock under a virtual clock: a warehouse, three channels unlike each other, buyers, people, lossy webhooks, kills.

Only the ports are invented. What was really there at each moment is kept beside them (`Truth`), and nothing of the hub is
asked for it: the judge counts goods, not messages.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from stock_engine import HALL, SHELF, WMS, StockEngine, Warehouse

from interlock.clock import VirtualClock
from interlock.messaging.ledger import Filter
from interlock.messaging.outcome import Done, Outcome, Refused, Retry, Uncertain
from interlock.messaging.redelivery import RetryPolicy
from interlock.messaging.releases import Limits
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
    Underway,
)
from interlock.strategy.inventory import Inventory, ItemRule, Kit, Location, Publish, PublishRule

SHOP, MARKET, TILL = "shop", "market", "till"
SKUS = ("CAP", "HOT-1", "HOT-2", "MUG", "SOAP", "TEE")
SOAP_PACK = 6
KITS = {"SET": {"MUG": 2, "CAP": 1}}
FEW, MANY = 12, 150

SETTLE, READ_EVERY, UNEXPLAINED = 1.0, 5.0, 120.0
CALL, FEED, LATE_SHOWN = 0.8, 3.0, 8.0
"""A call takes at most so long, a feed is done after, and the market shows its own sales so late."""
HEARD, REDELIVERED = 3.0, 8.0
"""A webhook's delay, and how much later one comes that was lost."""
IMPORTED, LAG = 60.0, 4.0
"""The warehouse knows of a sale so late, and its listing is so old."""
TIMEOUT, LATE_LANDING = 4.0, 9.0
REPLAYED, MOST_FAULTS, DOWN = 2.0, 2, 2.0
"""An operator replays dead letters so often; so many calls in a row fail at most; a killed hub is away so long."""
KINDS = ("503", "lost", "never", "late", "raise", "refused")
QUIET = 1_000.0
"""Longer than the quiet period of a write that cannot be repeated by its key."""
TICK, AFTERWARDS = 0.5, 20.0
"""The judge looks so often, and for so long after the last sale."""

PATIENT = Limits(
    concurrency=1_000, breaker_failures=10**6,
    retry=RetryPolicy(attempts=1_000, base_seconds=1.0, cap_seconds=2.0, budget_share=1.0),
)  # fmt: skip
PUBLISH = Publish(
    settle_seconds=SETTLE, read_every_seconds=READ_EVERY, unexplained_seconds=UNEXPLAINED,
    sales_seen_after_minutes=(IMPORTED + LAG) / 60,
    rule=[
        PublishRule(channel=MARKET, buffer=1, share=0.5, cap=40, floor=2),
        PublishRule(channel=TILL, safety_stock=1),
    ],
)  # fmt: skip


def parts_of(sku: str) -> dict[str, int]:
    """Pieces that one of it takes."""
    return KITS.get(sku, {sku: 1})


def shown_for(channel: str, sku: str, free: dict[str, int]) -> int:
    """The rules above, once more and by hand: what a channel should show when so many pieces are free."""
    kept = {SHOP: 0, MARKET: 1, TILL: 1}[channel]
    pieces = min(max(0, free[part] - kept) // count for part, count in parts_of(sku).items())
    if channel != MARKET:
        return pieces
    units = min(pieces // 2 // (SOAP_PACK if sku == "SOAP" else 1), 40)
    return units if units >= 2 else 0


class Truth:
    """Pieces of each SKU that are there and not sold, at each moment so far."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.free = {sku: FEW if sku.startswith("HOT") else MANY for sku in SKUS}
        self.losses: dict[str, list[tuple[float, int]]] = {sku: [] for sku in SKUS}

    def change(self, sku: str, pieces: int) -> None:
        self.free[sku] += pieces
        if pieces < 0:
            self.losses[sku].append((self._clock.monotonic(), -pieces))

    def age(self, channel: str, sku: str, shown: int) -> float:
        """The age of the oldest loss of pieces that the channel must not have heard of to show so many: what it shows is a sum, and
        each of its terms may be late by itself. Of a kit, by its scarcest part."""
        now, ages = self._clock.monotonic(), [0.0]
        parts = parts_of(sku)
        for part in parts:
            believed, age = self.free[part], 0.0
            for at, pieces in reversed(self.losses[part]):
                if shown_for(channel, sku, {**dict.fromkeys(parts, 10**6), part: believed}) >= shown:
                    break
                believed, age = believed + pieces, now - at
            else:
                if shown_for(channel, sku, {**dict.fromkeys(parts, 10**6), part: believed}) < shown:
                    age = now
            ages.append(age)
        return max(ages)


class Wms(Warehouse):
    """Counts what it has been told of. Its listing is `LAG` old, and says so or not (`honest`)."""

    def __init__(self, world: "World") -> None:
        super().__init__(world.clock)
        self._world = world
        self.honest = True
        self._then: list[tuple[float, dict[str, int]]] = []
        self.fault: Callable[[], str] = lambda: "done"

    def book(self, sku: str, pieces: int) -> None:
        """It counts so many more, or fewer, and tells of it."""
        self._then.append((self.clock.monotonic(), dict(self.pieces)))
        self.pieces[sku] += pieces
        level = Level(
            item=sku, sku=sku, location=HALL, quantities={"available": self.pieces[sku]}, as_of_us=self.now_us()
        )  # type: ignore[dict-item]
        self._world.webhook(WMS, lost_for_ever=0.2, levels=(level,))

    async def levels(self, after: str, *, timeout_seconds: float) -> LevelPage | Retry:
        del after, timeout_seconds
        fault = self.fault()
        then = self.clock.monotonic() - LAG
        pieces = next((old for until, old in self._then if until > then), self.pieces)
        as_of_us = self.now_us() - round(LAG * 1e6) if self.honest else 0
        levels = tuple(
            Level(item=sku, sku=sku, location=HALL, quantities={"available": count}, as_of_us=as_of_us)  # type: ignore[dict-item]
            for sku, count in pieces.items()
        )
        await self.clock.sleep(self._world.chance.uniform(0.05, CALL))
        if fault == "raise":
            raise ConnectionResetError("the warehouse hung up")
        if fault != "done":
            return Retry(code="503", message="the warehouse does not answer", status=503)
        return LevelPage(levels=levels, cursor="all")


class Applied(NamedTuple):
    """A row of a channel's own history: a write of ours, by its business name."""

    place: Place
    expected: int | None
    before: int
    after: int
    reference: str


class SimChannel:
    """A channel. `compares`, with what it says; `late_shown`: what it says leaves out its newest sales; `feed`: it answers by a
    receipt; `polled`: its sales are asked for. `compares_really` and `keeps_keys` False are the controls."""

    lines_per_write = 3

    def __init__(
        self, world: "World", name: str, *, compares: bool = False, late_shown: bool = False, feed: bool = False, polled: bool = False,
    ) -> None:  # fmt: skip
        self.world, self.name, self.clock = world, name, world.clock
        self.compares, self.late_shown, self.feed, self.polled = compares, late_shown, feed, polled
        self.lists_late = late_shown or not compares
        self.compares_really = self.keeps_keys = True
        self.shown: dict[Place, int] = {}
        self.raised: dict[Place, float] = {}
        """When somebody who is not the hub last put a number up."""
        self.applied: list[Applied] = []
        self.other_lines = 0
        self.fault: Callable[[], str] = lambda: "done"
        self.changes: list[Sale] = []
        self._new_sales: dict[Place, list[tuple[float, int]]] = {}
        self._known: dict[str, tuple[tuple[Line, ...], tuple[Outcome, ...]]] = {}
        self._feeds: dict[str, asyncio.Task[tuple[Outcome, ...]]] = {}

    # -- what others do

    def put(self, place: Place, units: int) -> None:
        """A person's number."""
        if units > self.shown[place]:
            self.raised[place] = self.clock.monotonic()
        self.shown[place] = units
        self.tell(place)

    def move(self, place: Place, units: int) -> None:
        """Sold, or brought back."""
        if units > 0:
            self.raised[place] = self.clock.monotonic()
        self.shown[place] += units
        self._new_sales.setdefault(place, []).append((self.clock.monotonic(), units))
        self.tell(place)

    def tell(self, place: Place) -> None:
        if self.name != MARKET:
            quantities: dict[str, Any] = {"available": self.shown[place]}
            self.world.webhook(self.name, levels=(Level(item=place.item, location=place.location, quantities=quantities),))

    # -- the port

    async def items(self, after: str, *, timeout_seconds: float) -> ItemPage:
        del after, timeout_seconds
        return ItemPage(items=tuple(Item(item=item, sku=item) for item in dict.fromkeys(place.item for place in self.shown)))

    async def read(self, places: Sequence[Place], *, timeout_seconds: float) -> tuple[Seen, ...] | Retry:
        del timeout_seconds
        fault = self.fault()
        await self._takes()
        seen = tuple(Seen(place=place, quantity=self._says(place)) for place in places)
        await self._takes()
        return Retry(code="503", message="unavailable", status=503) if fault != "done" else seen

    async def listing(self, after: str, *, timeout_seconds: float) -> SeenPage | Retry:
        """All on one page."""
        del after
        answer = await self.read(tuple(self.shown), timeout_seconds=timeout_seconds)
        return answer if isinstance(answer, Retry) else SeenPage(seen=answer)

    def _says(self, place: Place) -> int:
        """What is written is shown at once, and has whatever was sold before in it."""
        since = self.clock.monotonic() - LATE_SHOWN
        late = sum(units for at, units in self._new_sales.get(place, ()) if at > since) if self.late_shown else 0
        return max(0, self.shown.get(place, 0) - late)

    async def write(
        self, lines: Sequence[Line], *, key: str, timeout_seconds: float, first: bool = False
    ) -> tuple[Outcome, ...] | Underway:
        del timeout_seconds, first
        fault = self.fault()
        if fault == "raise":
            raise ConnectionResetError("hung up before anything was sent")
        if fault == "503":
            await self._takes()
            return tuple(Retry(code="503", message="unavailable", status=503) for _ in lines)
        work = self.world.begin(self._work(tuple(lines), key, fault))
        if fault in ("lost", "never", "late"):
            await self.clock.sleep(TIMEOUT)
            return tuple(Uncertain(code="TIMEOUT", message="no answer") for _ in lines)
        if self.feed:
            receipt = f"feed-{key}-{len(self._feeds)}"
            self._feeds[receipt] = work
            await self._takes()
            return Underway(receipt=receipt, again_seconds=1.0)
        outcomes = await asyncio.shield(work)
        await self._takes()
        return outcomes

    async def look(
        self, receipt: str, lines: Sequence[Line], *, timeout_seconds: float
    ) -> tuple[Outcome, ...] | Underway | Retry:
        del lines, timeout_seconds
        await self._takes()
        work = self._feeds[receipt]
        if self.fault() != "done":
            return Retry(code="503", message="unavailable", status=503)
        return work.result() if work.done() else Underway(receipt=receipt, again_seconds=1.0)

    async def sales(self, cursor: str, after: str, *, timeout_seconds: float) -> SalePage | Retry:
        del after, timeout_seconds
        begin = int(cursor or 0)
        found = tuple(self.changes[begin:]) if self.polled else ()
        await self._takes()
        if self.fault() != "done":
            return Retry(code="503", message="unavailable", status=503)
        return SalePage(sales=found, cursor=str(begin + len(found)))

    def told(self, topic: str, body: bytes) -> Told:
        del topic
        return msgspec.json.decode(body, type=Told, strict=False)

    # -- what it does with a write

    async def _takes(self) -> None:
        await self.clock.sleep(self.world.chance.uniform(0.02, CALL / 2))

    async def _work(self, lines: tuple[Line, ...], key: str, fault: str) -> tuple[Outcome, ...]:
        """Goes on when nobody waits for it any more."""
        await self._takes()
        if fault == "never":
            return ()
        if fault == "late":
            await self.clock.sleep(self.world.chance.uniform(TIMEOUT, LATE_LANDING))
        elif self.feed:
            await self.clock.sleep(FEED * self.world.chance.random())
        if self.keeps_keys and key in self._known:
            known, outcomes = self._known[key]
            self.other_lines += known != lines
            return outcomes
        refused = (Refused(reason="validation", code="BUSY", message="not now"),) if fault == "refused" else ()
        outcomes = (*(self._set(line) for line in lines[: len(lines) - len(refused)]), *refused)
        self._known[key] = lines, outcomes
        return outcomes

    def _set(self, line: Line) -> Outcome:
        before, says = self.shown[line.place], self._says(line.place)
        if self.compares and self.compares_really and line.change_from != says:
            return Retry(code=STALE, message=f"shows {says}, not {line.change_from}")
        self.applied.append(Applied(line.place, line.change_from, before, line.quantity, line.reference))
        self.shown[line.place] = line.quantity
        self._new_sales.pop(line.place, None)
        if line.quantity != before:
            self.tell(line.place)
        return Done(external_id=line.place.item)

    # -- what the judge asks

    def lost_updates(self) -> int:
        """Writes of ours that began with another number than the one that was there."""
        return sum(row.expected != row.before for row in self.applied) if self.compares else 0

    def twice(self) -> int:
        """Writes of ours that count more than once."""
        return len(self.applied) - len({row.reference for row in self.applied})


class Ended(NamedTuple):
    """What one world came to."""

    differ: dict[str, tuple[int, int]]
    still_open: list[Any]
    lost: int
    twice: int
    other_lines: int
    oldest: float
    bound: float
    deepest: int
    sold: int
    writes: int
    faults: Counter[str]
    worst: str


class Order(NamedTuple):
    """What was bought, where, and the pieces that it still takes."""

    channel: str
    place: Place
    sale: Sale
    pieces: dict[str, int]


class World(StockEngine):
    """One seed. `rough`: faults at the ports and kills; without it the world is quick and only its webhooks are slow."""

    def __init__(self, folder: Path, chance: random.Random, *, rough: bool, active: float = 60.0) -> None:
        super().__init__(folder, publish=PUBLISH, inventory=_inventory(), shops=(SHOP, MARKET, TILL))
        self._begins(chance, rough=rough, active=active)
        self.truth = Truth(self.clock)
        self.wms = Wms(self)
        self.wms.honest = chance.random() < 0.5
        self.wms.pieces = dict(self.truth.free)
        self.warehouse = self.stocked.warehouse = self.wms
        self.channels = {
            SHOP: SimChannel(self, SHOP, compares=True),
            MARKET: SimChannel(self, MARKET, late_shown=True, polled=True),
            TILL: SimChannel(self, TILL, feed=True),
        }
        for name, channel in self.channels.items():
            sold = (*SKUS, *KITS) if name != MARKET else SKUS
            channel.shown = {Place(sku, SHELF): shown_for(name, sku, self.truth.free) for sku in sold}
        self.shops.update(self.channels)  # type: ignore[arg-type]
        self.release.limit = PATIENT

    def _begins(self, chance: random.Random, *, rough: bool, active: float) -> None:
        """Nothing has happened yet."""
        self.chance, self.rough, self.active = chance, rough, active
        self.up = asyncio.Event()
        self.faults: Counter[str] = Counter()
        self.oldest, self.deepest, self.sold = 0.0, 0, 0
        self.worst = ""
        self.orders: list[Order] = []
        self.imported: set[str] = set()
        self._running_there: set[asyncio.Task[Any]] = set()
        self._trading = True
        self.undoing, self.kinds = 0.3, KINDS

    def bound_seconds(self) -> float:
        """How old what a channel shows may be: until it was heard (a webhook, sent again when lost, or the first reading that began
        a lag later), settled, read and written: after the write that is on its way to the place, and the feeds that go first.
        Where calls fail, each of a reading, a write and its repetition may fail `MOST_FAULTS` times before it goes through,
        and a kill costs its absence and the repetition."""
        heard = max(HEARD + REDELIVERED, LAG + READ_EVERY + 2 * CALL)
        written = SETTLE + CALL + 3 * (2 * CALL + FEED + 1.0)
        if not self.rough:
            return heard + written
        again = MOST_FAULTS * (max(TIMEOUT, REPLAYED) + 2.0)
        return heard + written + LATE_LANDING + 3 * again + 2 * (DOWN + FEED + CALL)

    async def open(self, *, suspect: int = 0) -> None:
        """Its kills are of the process: nothing has to outlast the machine."""
        await super().open(suspect=suspect)
        for store in (self.inbox, self.ledger):
            store.group.connection.execute("PRAGMA synchronous = OFF")
        self.up.set()

    async def spin(self, turns: int = 20) -> None:
        """Moments are many here, and little happens at each."""
        await super().spin(turns)

    # -- what goes on

    def begin(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Something that happens at others: no kill ends it."""
        task = asyncio.ensure_future(work)
        self._running_there.add(task)
        task.add_done_callback(self._running_there.discard)
        return task

    def webhook(self, system: str, *, lost_for_ever: float = 0.0, **said: Any) -> None:
        """On its way: late, lost and sent again, twice; each by itself, so that they overtake each other."""
        chance = self.chance
        for _ in range(2 if chance.random() < 0.15 else 1):
            delay = chance.uniform(0.05, HEARD)
            if chance.random() < 0.1:
                self.faults["webhook lost"] += 1
                if chance.random() < lost_for_ever:
                    continue
                delay += REDELIVERED
            self.begin(self._arrives(system, delay, said))

    async def _arrives(self, system: str, delay: float, said: dict[str, Any]) -> None:
        await self.clock.sleep(delay)
        await self.up.wait()
        await self.tell(system, **said)

    async def _buys(self) -> None:
        while self._trading:
            await self.clock.sleep(self.chance.expovariate(2.0))
            channel = self.channels[self.chance.choice((SHOP, SHOP, MARKET, TILL))]
            place = self.chance.choice([*channel.shown, Place("HOT-1", SHELF), Place("HOT-2", SHELF)])
            units = self.chance.choice((1, 1, 1, 2))
            if channel.shown[place] >= units:
                self._sells(channel, place, units)
            elif self.orders and self.chance.random() < 0.5:
                self._cancel()

    def _sells(self, channel: SimChannel, place: Place, units: int) -> None:
        sku = self.sku_at(place)
        pack = SOAP_PACK if (channel.name, sku) == (MARKET, "SOAP") else 1
        pieces = {part: units * pack * count for part, count in parts_of(sku).items()}
        now_us, key = self.clock.now_ms() * 1_000, str(len(self.orders))
        location = "" if channel.name == MARKET else place.location
        line = SaleLine(item=place.item, sku=sku, quantity=units, location=location)
        sale = Sale(key=key, version=now_us, accepted_us=now_us, name=f"#{key}", lines=(line,))
        self.orders.append(Order(channel.name, place, sale, pieces))
        self.sold += 1
        self._goes(channel, place, -units, sale, {part: -count for part, count in pieces.items()})

    def sku_at(self, place: Place) -> str:
        """What is sold there."""
        return place.item

    def _cancel(self) -> None:
        """The newest order is given back."""
        name, place, sale, pieces = self.orders[-1]
        if sale.lines:
            now_us = self.clock.now_ms() * 1_000
            gone = msgspec.structs.replace(sale, lines=(), version=max(now_us, sale.version + 1))
            self.orders[-1] = Order(name, place, gone, {})
            self._goes(self.channels[name], place, sale.lines[0].quantity, gone, pieces)

    def _goes(self, channel: SimChannel, place: Place, units: int, sale: Sale, pieces: dict[str, int]) -> None:
        """Sold or given back: at once there, told later, and booked later still."""
        order = self.orders[int(sale.key)]
        self._remembers(order, pieces)
        self.begin(self._is_booked(order, sale, pieces))
        channel.move(place, units)
        if channel.polled:
            channel.changes.append(sale)
        else:
            self.webhook(channel.name, sales=(sale,))

    def _remembers(self, order: Order, pieces: dict[str, int]) -> None:
        """For the judge: what is so from now on, whoever knows."""
        del order
        for part, count in pieces.items():
            self.truth.change(part, count)

    async def _is_booked(self, order: Order, sale: Sale, pieces: dict[str, int]) -> None:
        """An order that was given back before its source had heard of it never comes there."""
        await self.clock.sleep(self.chance.uniform(IMPORTED / 2, IMPORTED))
        if sale.lines:
            if not self.orders[int(sale.key)].sale.lines:
                return
            self.imported.add(sale.key)
        elif sale.key not in self.imported:
            return
        self._books(order, pieces)

    def _books(self, order: Order, pieces: dict[str, int]) -> None:
        """Its source counts so many more, or fewer."""
        del order
        for part, count in pieces.items():
            self.wms.book(part, count)

    async def _receives(self) -> None:
        while self._trading:
            await self.clock.sleep(self.chance.expovariate(0.5))
            sku = self.chance.choice(SKUS)
            pieces = self.chance.choice((-3, -1, 1, 2, 4))
            self.truth.change(sku, pieces)
            self.wms.book(sku, pieces)

    async def _adjusts(self) -> None:
        """People at the shop and the till, some of whom put back what the hub has just written."""
        seen = 0
        while self._trading:
            await self.clock.sleep(self.chance.uniform(0.3, 1.5))
            shop = self.channels[SHOP]
            if len(shop.applied) > seen and self.chance.random() < self.undoing:
                row = shop.applied[-1]
                shop.put(row.place, row.before)
            elif self.chance.random() < 0.15:
                channel = self.channels[self.chance.choice((SHOP, TILL))]
                place = self.chance.choice(list(channel.shown))
                channel.put(place, max(0, channel.shown[place] + self.chance.choice((-2, -1, 1, 3))))
            seen = len(shop.applied)

    async def _judges(self) -> None:
        """All along: how old is what each channel shows, and how many pieces too many."""
        while True:
            await self.clock.sleep(TICK)
            for channel in self.channels.values():
                for place, units in channel.shown.items():
                    right = shown_for(channel.name, place.item, self.truth.free)
                    if units <= right:
                        channel.raised.pop(place, None)
                        continue
                    age = self.truth.age(channel.name, place.item, units)
                    if place in channel.raised:
                        age = min(age, self.clock.monotonic() - channel.raised[place])
                    else:
                        self.deepest = max(self.deepest, units - right)
                    if age > self.oldest:
                        self.oldest, self.worst = age, f"{channel.name} {place.item} {units} for {right}"

    async def _operates(self) -> None:
        """Somebody who replays what is dead."""
        while True:
            await self.clock.sleep(REPLAYED)
            if self.up.is_set() and self.rows("SELECT 1 FROM delivery WHERE state = 'dead' LIMIT 1"):
                await self.ledger.replay(
                    Filter(states=("dead",)), by="ann", why="try again", release="r1", now_ms=self.clock.now_ms()
                )
                self.dispatcher.wake()

    # -- a run

    def _faulty(self) -> Callable[[], str]:
        """By chance, but never more than `MOST_FAULTS` in a row."""
        row = 0

        def fault() -> str:
            nonlocal row
            kind = "done"
            if self.rough and self._trading and row < MOST_FAULTS and self.chance.random() < 0.2:
                kind = self.chance.choice(self.kinds)
                self.faults[kind] += 1
            row = row + 1 if kind != "done" else 0
            return kind

        return fault

    async def lives(self) -> Ended:
        """All of it: trade, faults and kills, then quiet."""
        await self.open()
        try:
            await self.run(10)
            for port in (self.wms, *self.channels.values()):
                port.fault = self._faulty()
            others = [self._buys(), self._receives(), self._adjusts(), self._judges(), self._operates()]
            *tasks, operator = [asyncio.ensure_future(one) for one in others]
            await self._trades()
            self._trading = False
            await self.run(AFTERWARDS)
            await _end(*tasks)
            await self._sleeps()
            await _end(operator)
            return self._ended()
        finally:
            await self.close()

    async def _trades(self) -> None:
        end = self.clock.monotonic() + self.active
        while (left := end - self.clock.monotonic()) > 0:
            if not self.rough:
                await self.run(left)
                continue
            await self.run(min(left, self.chance.uniform(0.5, 15.0)))
            await self._killed()

    async def _killed(self, away: float = 0.0) -> None:
        """The process is thrown away; the files stay."""
        self.faults["kill"] += 1
        self.up.clear()
        await self.close()
        await self._passes(away or self.chance.uniform(0.0, DOWN))
        await self.open()

    async def _passes(self, seconds: float) -> None:
        """Time goes by without the hub."""
        await self.clock.advance(seconds)
        await self.spin()

    async def _sleeps(self) -> None:
        """Long enough that no write without an answer can still land."""
        await self._killed(away=QUIET)
        await self.run(4 * READ_EVERY + LATE_SHOWN)

    def _ended(self) -> Ended:
        channels = self.channels.values()
        differ = {}
        for channel in channels:
            for place, units in channel.shown.items():
                right = shown_for(channel.name, place.item, self.wms.pieces)
                if units != right:
                    differ[f"{place.item}@{channel.name}"] = (units, right)
        assert self.wms.pieces == self.truth.free, "void: the warehouse was not told of everything"
        still_open = self.rows(
            "SELECT destination, key, state, due_ms - ? FROM delivery WHERE state NOT IN ('done', 'superseded', 'cancelled')",
            self.clock.now_ms(),
        )
        return Ended(
            differ, still_open, lost=sum(one.lost_updates() for one in channels), twice=sum(one.twice() for one in channels),
            other_lines=sum(one.other_lines for one in channels), oldest=self.oldest, bound=self.bound_seconds(),
            deepest=self.deepest, sold=self.sold, writes=sum(len(one.applied) for one in channels), faults=self.faults, worst=self.worst,
        )  # fmt: skip


async def _end(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _inventory() -> Inventory:
    places = {WMS: [HALL], SHOP: [SHELF], MARKET: [SHELF], TILL: [SHELF]}
    return Inventory(
        locations={"hall": Location(owner=WMS, places=places)},
        items=(ItemRule(sku="SOAP", pack={MARKET: SOAP_PACK}),),
        kits=tuple(Kit(sku=sku, of=parts) for sku, parts in KITS.items()),
    )

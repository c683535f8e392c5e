"""A wider world of stock: two that count and a till that counts its own store, locations split and joined, a market that lists late
and compares or not, releases that change the rules, lines that stop, a source that falls silent, people who are asked, comparisons;
with the faults and kills of the narrow one."""

import asyncio
import math
import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from stock_engine import StockEngine, StockRelease
from stock_reference import Counts, owner, right
from stock_simulation import (
    CALL,
    LAG,
    LATE_SHOWN,
    MARKET,
    PATIENT,
    QUIET,
    READ_EVERY,
    REPLAYED,
    SHOP,
    TILL,
    WMS,
    Order,
    SimChannel,
    World,
    _end,
    parts_of,
)
from stock_wide_folder import (
    CASE,
    COUNTED,
    ERP,
    GOODS,
    NEW_NAME,
    NEW_PLACE,
    NOBODYS,
    PALLET,
    RELEASES,
    RENAMED,
    SET,
    SIGNAL,
    SOLD_BY,
    STALE_SECONDS,
    TEN,
)

from interlock.flows.inventory.accuracy import AccuracyKeeper
from interlock.flows.inventory.causes import YOUNG_MS
from interlock.flows.inventory.rules import BookCatalogue
from interlock.messaging.accuracy import Run
from interlock.messaging.ledger import Filter
from interlock.messaging.outcome import Outcome, Refused, Retry
from interlock.messaging.sqlite.accuracy_book import SqliteAccuracyBook
from interlock.messaging.sqlite.accuracy_views import read_stock_differences
from interlock.messaging.sqlite.stock_side import StockSide
from interlock.messaging.stock import Item, ItemPage, Level, LevelPage, Line, Place, Told
from interlock.messaging.stock_book import key_of, shown_at
from interlock.strategy.inventory import Inventory, Publish

FEW, MANY = 14, 160
SILENCE = 70.0
ON_ITS_WAY = 35.0
"""A write that was decided lands so late at most: a call, the feed before it, its late landing, a kill."""
ANSWERS_AFTER = 40.0
PEOPLES = 25
"""A person under "ask" puts a number up by so many: nobody can take it for one of ours."""
UNTOUCHED = 40.0
PLENTY = 80
"""Of so much no sale and no correction takes a quarter: a number below that has lost a line."""
CLOSED = "'done', 'superseded', 'cancelled'"
FALSE = ("foreign", "unknown", "rounding", "unmapped", "lost_event")


class WideRelease(StockRelease):
    """The release that runs; several systems count."""

    name = "r1"
    sources: dict[str, Any]

    def rules(self, catalogue: BookCatalogue, publish: Publish | None = None, name: str = "") -> None:
        """The same again after a restart."""
        self.name = name or self.name
        super().rules(catalogue, publish, self.name)

    def stock_source(self, system: str) -> Any:
        """Each that counts."""
        return self.sources[system]


class At(NamedTuple):
    """One place of a source, and what it counts."""

    place: str
    sku: str


class Source:
    """A system that counts at its own places, and tells of it late, in units of its own, or not at all."""

    def __init__(self, world: "WideWorld", system: str, places: Sequence[str]) -> None:
        self.world, self.system, self.clock = world, system, world.clock
        self.pieces = {At(place, sku): 0 for place in places for sku in GOODS}
        self.changed_us: dict[At, int] = {}
        self.units: dict[At, tuple[str, int]] = {}
        """The unit that it tells a line in, and how many pieces that is."""
        self.silent_until = 0.0
        self.answered = 0.0
        self.untold: set[str] = set()
        """SKUs that it leaves out of its listings."""
        self.fault: Any = lambda: "done"
        self._then: list[tuple[float, dict[At, int]]] = []

    @property
    def is_silent(self) -> bool:
        """It answers nobody and tells nothing."""
        return self.clock.monotonic() < self.silent_until

    def book(self, place: str, sku: str, pieces: int, *, tells: bool = True) -> None:
        """It counts so many more, or fewer."""
        at = At(place, sku)
        self._then.append((self.clock.monotonic(), dict(self.pieces)))
        self.pieces[at] += pieces
        self.changed_us[at] = self.clock.now_ms() * 1_000
        self.world.recounted[sku] = self.clock.monotonic()
        if tells and not self.is_silent:
            level = self.level(at, self.pieces[at], self.clock.now_ms() * 1_000)
            self.world.webhook(self.system, lost_for_ever=0.2, levels=(level,))

    def level(self, at: At, pieces: int, as_of_us: int) -> Level:
        """In its own words."""
        unit, factor = self.units.get(at, ("", 1))
        name = "TEE-ERP" if (self.system, at.sku) == (ERP, RENAMED) else at.sku
        told = Decimal(pieces) / factor
        quantities = {"available": told} if self.system != ERP else {"on_hand": told + 3, "committed": Decimal(3)}
        if factor > 1 and self.system == ERP:
            quantities = {"available": told}
        return Level(
            item=f"{self.system}-{at.sku}",
            sku=name,
            location=at.place,
            unit=unit,
            quantities=quantities,
            as_of_us=as_of_us,
        )

    async def items(self, after: str, *, timeout_seconds: float) -> ItemPage:
        del after, timeout_seconds
        names = {sku: "TEE-ERP" if (self.system, sku) == (ERP, RENAMED) else sku for sku in GOODS}
        if self.system == TILL:
            names[SET] = SET  # it sells the kit also
        return ItemPage(items=tuple(Item(item=f"{self.system}-{sku}", sku=name) for sku, name in names.items()))

    async def levels(self, after: str, *, timeout_seconds: float) -> LevelPage | Retry:
        del after, timeout_seconds
        fault, then = self.fault(), self.clock.monotonic() - LAG
        pieces = next((old for until, old in self._then if until > then), dict(self.pieces))
        as_of_us = self.clock.now_ms() * 1_000 - round(LAG * 1e6)
        asked = self.clock.monotonic()
        await self.clock.sleep(self.world.chance.uniform(0.05, CALL))
        if self.is_silent or fault not in ("done", "raise"):
            return Retry(code="503", message=f"{self.system} does not answer", status=503)
        if fault == "raise":
            raise ConnectionResetError(f"{self.system} hung up")
        self.answered = asked
        levels = tuple(self.level(at, count, as_of_us) for at, count in pieces.items() if at.sku not in self.untold)
        return LevelPage(levels=levels, cursor="all")

    async def changed(self, cursor: str, after: str, *, timeout_seconds: float) -> LevelPage | Retry:
        del cursor
        return await self.levels(after, timeout_seconds=timeout_seconds)

    async def read(self, items: Sequence[str], *, timeout_seconds: float) -> tuple[Level, ...] | Retry:
        del timeout_seconds
        await self.clock.sleep(self.world.chance.uniform(0.05, CALL))
        if self.is_silent:
            return Retry(code="503", message=f"{self.system} does not answer", status=503)
        return tuple(
            self.level(at, count, self.changed_us.get(at, 0))
            for at, count in self.pieces.items() if f"{self.system}-{at.sku}" in items
        )  # fmt: skip

    def told(self, topic: str, body: bytes) -> Told:
        del topic
        return msgspec.json.decode(body, type=Told, strict=False)


class WideChannel(SimChannel):
    """A SimChannel with items of its own ids, whose judge looks at each write when it lands."""

    refuses: frozenset[Place] = frozenset()

    async def items(self, after: str, *, timeout_seconds: float) -> ItemPage:
        del after, timeout_seconds
        found = dict.fromkeys(place.item for place in self.shown)
        return ItemPage(items=tuple(Item(item=item, sku=_good(item)) for item in found))

    def _set(self, line: Line) -> Outcome:
        if line.place in self.refuses:
            return Refused(reason="validation", code="ARCHIVED", message="the item is archived")
        before = self.shown.get(line.place)
        self.world.lands(self.name, line, before)  # type: ignore[attr-defined]
        if before is None:
            return Refused(reason="validation", code="NOT_HERE", message="it counts that itself")
        found = super()._set(line)
        if not isinstance(found, Retry):
            self.world.landed(self.name, line)  # type: ignore[attr-defined]
        return found


class DirectSide(StockSide):
    """A side table that is compared in the turn of the loop: a thread knows nothing of the virtual clock."""

    async def compare(self, began_us: int, groups: Any, news: Any = ()) -> None:
        self._compare(began_us, groups, list(news))


class WideEnded(NamedTuple):
    """What one wide world came to. `wrong`: kind of violation -> each in words."""

    wrong: dict[str, list[str]]
    found: dict[tuple[str, str, str], str]
    planted: dict[tuple[str, str, str], str]
    blind: int
    counts: Counter[str]
    faults: Counter[str]


class WideWorld(World):
    """One seed of it."""

    def __init__(self, folder: Path, chance: random.Random, *, active: float = 60.0, ending: bool = True) -> None:
        inventory, publish = RELEASES[0]
        StockEngine.__init__(self, folder, publish=publish, inventory=inventory, shops=(SHOP, MARKET, TILL))
        self._begins(chance, rough=True, active=active + SILENCE)
        self.ending, self.blind, self.pace = ending, 0, active
        self.wrong: dict[str, list[str]] = {}
        self.counts: Counter[str] = Counter()
        self.recounted: dict[str, float] = {}
        self.release_number, self.released_at = 0, 0.0
        self.sources = {
            WMS: Source(self, WMS, ["H1", "H2", "H3"]), ERP: Source(self, ERP, ["E1", "O1"]), TILL: Source(self, TILL, ["T2"]),
        }  # fmt: skip
        self._stocked()
        self.channels: dict[str, WideChannel] = {  # type: ignore[assignment]
            SHOP: WideChannel(self, SHOP, compares=True),
            MARKET: WideChannel(self, MARKET, compares=chance.random() < 0.5, late_shown=True, polled=True),
            TILL: WideChannel(self, TILL, feed=True),
        }
        for name, places in SOLD_BY.items():
            sold = GOODS if name == MARKET else (*GOODS, SET)
            for place in places:
                for sku in sold:
                    self.channels[name].shown[Place(f"{name}-{sku}", place)] = self.right(name, place, sku)
        release = WideRelease(self.sources[WMS], self.channels, publish, inventory)  # type: ignore[arg-type]
        release.sources, release.limit = self.sources, PATIENT
        self.stocked = self.release = release
        self.keeper: AccuracyKeeper = None  # type: ignore[assignment]
        self._comparing: asyncio.Task[Run] | None = None
        self.sales: dict[str, dict[int, tuple[str, dict[str, int]]]] = {}
        """Order -> version -> channel and pieces by SKU that it takes then."""
        self.asked: dict[Place, tuple[int, float]] = {}
        self.answers: dict[Place, str] = {}
        """The question that was answered last, in its words."""
        self.moved: dict[Place, float] = {}
        self.touched: set[tuple[str, Place]] = set()
        self.planted: dict[tuple[str, str, str], str] = {}
        self.found: dict[tuple[str, str, str], str] = {}

    def _stocked(self) -> None:
        for at in (at for places in COUNTED.values() for at in places):
            system, place = at
            for sku in GOODS:
                self.sources[system].pieces[At(place, sku)] = FEW if sku.startswith("HOT") else MANY
        for sku in GOODS:
            there = sum(self.sources[WMS].pieces[At(place, sku)] for place in ("H1", "H2"))
            self.sources[ERP].pieces[At("E1", sku)] = there + 4
        self.sources[WMS].pieces[At("H3", "CAP")] = 20
        self.sources[ERP].units[At("O1", "SOAP")] = (CASE, TEN)

    # -- what is so

    @property
    def folder_now(self) -> tuple[Inventory, Publish]:
        """The release that runs, with our SKUs as they were at first: a name is no piece."""
        inventory, publish = RELEASES[self.release_number]
        return (RELEASES[1][0] if self.release_number == 2 else inventory), publish

    def counted(self) -> Counts:
        """What all sources count."""
        return {
            (name, at.place, at.sku): pieces for name, source in self.sources.items() for at, pieces in source.pieces.items()
        }  # fmt: skip

    def right(self, channel: str, place: str, sku: str) -> int:
        """By the reference."""
        return right(*self.folder_now, self.counted(), channel, place, sku)

    def differ(self) -> dict[str, tuple[int, int]]:
        """Places that do not show what the reference says."""
        found = {}
        for name, channel in self.channels.items():
            for place, units in channel.shown.items():
                if units != (should := self.right(name, place.location, _good(place.item))):
                    found[f"{place.item}@{place.location}"] = (units, should)
        return found

    def violates(self, kind: str, words: str) -> None:
        """Kept, with its moment."""
        self.wrong.setdefault(kind, []).append(f"{self.clock.monotonic():.1f}: {words}")

    # -- the judge of each write

    def lands(self, channel: str, line: Line, before: int | None) -> None:
        """A write of ours arrives."""
        now, sku, place = self.clock.monotonic(), _good(line.place.item), line.place.location
        if before is None:
            self.violates("owner", f"{line.quantity} of {sku} written at {place} of {channel}, which counts it itself")
            return
        for name in SOLD_BY[channel][place].split():
            for part in parts_of(sku):
                silent = now - self.sources[owner(self.folder_now[0], name, part)].answered
                if silent > STALE_SECONDS + ON_ITS_WAY and not self._is_new(now):
                    self.violates("silent", f"{sku} at {place} of {channel}, after {silent:.0f} s of silence")
        should = self.right(channel, place, sku)
        if line.quantity < should * 3 // 4 and should >= PLENTY:
            self.violates("zero", f"{line.quantity} of {sku} at {place} of {channel}, where {should} is right")
        number, put = self.asked.get(line.place, (None, 0.0))
        if before == number and line.quantity != number and channel == SHOP and line.change_from == before:
            counted = max(self.recounted.get(part, 0.0) for part in parts_of(sku))
            answered = self.answers.get(line.place, "").startswith(f"{channel} shows {number},")
            if not answered and max(counted, self.released_at) < put:
                self.violates("asked", f"{line.quantity} written over {number} of a person at {line.place}")

    def _is_new(self, now: float) -> bool:
        """Whether the release may not be followed everywhere: who counts, and under what name, is read anew."""
        return self.release_number > 0 and now < self.released_at + ON_ITS_WAY

    def landed(self, channel: str, line: Line) -> None:
        """It counts."""
        if channel == SHOP:
            self.asked.pop(line.place, None)
        self.counts["writes"] += 1

    # -- what goes on

    async def open(self, *, suspect: int = 0) -> None:
        await super().open(suspect=suspect)
        self.keeper = AccuracyKeeper(
            SqliteAccuracyBook(self.ledger.group), self.book, self.desk, self.reader, self.clock, release=lambda: self.stocked,  # type: ignore[arg-type,return-value]
            side=lambda channel, sku, places: DirectSide(
                self.folder / f"compare-{channel}.db", self.folder / "ledger.db", channel=channel, sku=sku, places=places
            ),
        )  # fmt: skip

    async def close(self) -> None:
        if self._comparing is not None:
            self._comparing.cancel()
            await asyncio.wait([self._comparing])
        await super().close()

    async def _buys(self) -> None:
        while self._trading:
            await self.clock.sleep(self.chance.expovariate(0.8))
            channel = self.channels[self.chance.choice((SHOP, SHOP, MARKET, TILL))]
            place = self.chance.choice(list(channel.shown))
            if _good(place.item) == "ASK-1" and channel.name == SHOP and place in self.asked:
                continue
            units = self.chance.choice((1, 1, 1, 2))
            if channel.shown[place] >= units:
                self._sells(channel, place, units)
            elif self.orders and self.chance.random() < 0.5:
                self._cancel()
            if self.orders and self.chance.random() < 0.08:
                self._cancel()

    def sku_at(self, place: Place) -> str:
        return _good(place.item)

    def _remembers(self, order: Order, pieces: dict[str, int]) -> None:
        del pieces
        self.moved[order.place] = self.clock.monotonic()
        self.counts["sold" if order.sale.lines else "cancelled"] += 1
        self.sales.setdefault(order.sale.key, {})[order.sale.version] = order.channel, order.pieces

    def _books(self, order: Order, pieces: dict[str, int]) -> None:
        """At one of the locations that the place shows."""
        name = self.chance.choice(SOLD_BY[order.channel][order.place.location].split())
        for part, count in pieces.items():
            self._booked(name, part, count)

    def _booked(self, name: str, sku: str, pieces: int) -> None:
        """At one of its places; of the hall the ERP hears too."""
        system, place = self.chance.choice(COUNTED[name])
        self.sources[system].book(place, sku, pieces)
        if name == "hall":
            self.sources[SIGNAL[0]].book(SIGNAL[1], sku, pieces)

    async def _receives(self) -> None:
        while self._trading:
            await self.clock.sleep(self.chance.expovariate(0.25))
            goods = [sku for sku in GOODS if sku != "ASK-1" or self.chance.random() < 0.2]
            self._booked(
                self.chance.choice(list(COUNTED)), self.chance.choice(goods), self.chance.choice((-3, -1, 1, 2, 4))
            )

    async def _adjusts(self) -> None:
        """People at the shop and the till; those of the asked group put up what nobody has moved for a while."""
        while self._trading:
            await self.clock.sleep(self.chance.uniform(2.0, 6.0))
            channel = self.channels[self.chance.choice((SHOP, TILL))]
            place = self.chance.choice(list(channel.shown))
            if _good(place.item) != "ASK-1" and self.chance.random() < 0.6:
                self.touched.add((channel.name, place))
                channel.put(place, max(0, channel.shown[place] + self.chance.choice((-2, -1, 1, 3))))
            shop = self.channels[SHOP]
            place = self.chance.choice([one for one in shop.shown if _good(one.item) == "ASK-1"])
            quiet = self.clock.monotonic() - self.moved.get(place, -UNTOUCHED) >= UNTOUCHED
            if quiet and place not in self.asked:
                number = shop.shown[place] + PEOPLES
                self.asked[place] = number, self.clock.monotonic()
                self.touched.add((SHOP, place))
                self.counts["questions"] += 1
                shop.put(place, number)

    async def _operates(self) -> None:
        """Replays what is dead, and answers a question after a while."""
        since: dict[str, float] = {}
        while True:
            await self.clock.sleep(REPLAYED)
            if not self.up.is_set():
                continue
            now = self.clock.monotonic()
            dead = self.rows(
                "SELECT d.key, l.code, l.error FROM delivery d JOIN dead_letter l ON l.delivery = d.id WHERE d.state = 'dead' AND l.closed_ms = 0"
            )
            questions = {key: words for key, code, words in dead if code == "STK012"}
            since = {key: since.get(key, now) for key in questions}
            due = [key for key, at in since.items() if now - at > ANSWERS_AFTER]
            due += [key for key, code, _ in dead if code not in ("STK012", "ARCHIVED")]
            for key in due:
                sku, _, place = key.rpartition("@")
                self.answers[Place(f"{SHOP}-{_old(sku)}", place)] = questions.get(key, "")
                self.counts["answers"] += key in questions
                await self.ledger.replay(
                    Filter(states=("dead",), key=key), by="ann", why="seen to", release="r1", now_ms=self.clock.now_ms()
                )
            if due:
                self.dispatcher.wake()

    async def _changes_rules(self) -> None:
        """Stopped lines, two releases, and a source that falls silent."""
        wms, erp = self.sources[WMS], self.sources[ERP]
        wms.units[At("H1", "MUG")] = (PALLET, TEN)
        erp.units[At("O1", "CAP")] = (NOBODYS, 1)
        await self.clock.sleep(self.pace / 2)
        self.releases(1)
        await self.clock.sleep(self.pace / 4)
        del erp.units[At("O1", "CAP")]
        silent = self.chance.choice((wms, erp))
        silent.silent_until = self.clock.monotonic() + SILENCE
        await self.clock.sleep(self.pace / 8 + SILENCE)
        self.releases(2)

    def releases(self, number: int) -> None:
        """The next one runs from now on."""
        self.release_number, self.released_at = number, self.clock.monotonic()
        inventory, publish = RELEASES[number]
        self.stocked.inventory, self.stocked.publish = inventory, publish
        if self.up.is_set():
            self.stocked.rules(self.catalogue, publish, f"r{number + 1}")
        else:
            self.stocked.name = f"r{number + 1}"

    async def _compares(self) -> None:
        """All along, and every difference of a place that nobody has touched is false."""
        while self._trading:
            await self.clock.sleep(self.chance.uniform(2.0, 6.0))
            if not self.up.is_set():
                continue
            name = self.chance.choice(list(self.channels))
            self._comparing = asyncio.ensure_future(
                self.keeper.compare(Run(id=0, kind="compare", channel=name, why="test"))
            )
            await asyncio.wait([self._comparing])
            if self._comparing.cancelled():
                continue
            run = self._comparing.result()
            self.counts["comparisons"] += 1
            for one in self.differences(name):
                place = Place(one.item, one.place)
                carried = place in self.channels[name].shown
                if one.run == run.id and carried and self._is_false(one) and (name, place) not in self.touched:
                    self.violates("drift", f"{one.cause} {one.sku}@{one.place} of {name}: {one.what}")

    def _is_false(self, one: Any) -> bool:
        """Of a place that nobody has touched: also what is called late a moment after it was opened."""
        if one.cause != "late" or not any(f"({state}" in one.what for state in ("pending", "running")):
            return one.cause in FALSE
        ((since_ms,),) = self.rows(
            "SELECT received_ms FROM delivery WHERE destination = ? AND key = ?",
            shown_at(one.channel),
            key_of(one.sku, one.place),
        )
        return bool(self.clock.now_ms() - since_ms < YOUNG_MS // 2)

    async def _audits(self) -> None:
        """Each order stands in the book as it was at one of its versions."""
        while self._trading:
            await self.clock.sleep(5.0)
            if self.up.is_set():
                self.audit()

    def audit(self, *, final: bool = False) -> None:
        """Once."""
        booked: dict[str, dict[str, int]] = {}
        for sku, channel, key, quantity in self.rows("SELECT sku, channel, sale, quantity FROM stock_reservation"):
            if quantity:
                booked.setdefault(key, {})[_old(sku)] = booked.get(key, {}).get(_old(sku), 0) + quantity
            assert channel == next(iter(self.sales[key].values()))[0]
        for key, pieces in booked.items():
            if pieces not in [of for _, of in self.sales[key].values()]:
                self.violates("sales", f"#{key} takes {pieces}, and never did")
        for key, versions in self.sales.items() if final else ():
            _, pieces = versions[max(versions)]
            if booked.get(key, {}) != pieces:
                self.violates("sales", f"#{key} takes {booked.get(key)}, and should {pieces}")

    def differences(self, channel: str) -> list[Any]:
        """What stands."""
        return list(read_stock_differences(
            self.ledger.group.connection, channel=channel, sku="", location="", cause="", limit=100
        ))  # fmt: skip

    # -- a run

    async def lives(self) -> WideEnded:  # type: ignore[override]
        """Trade, faults, kills and changes; then quiet; then drifts are planted, found and healed."""
        await self.open()
        try:
            await self.run(10)
            for port in (*self.sources.values(), *self.channels.values()):
                port.fault = self._faulty()
            acts = [
                self._buys(), self._receives(), self._adjusts(), self._changes_rules(), self._compares(), self._audits(), self._operates(),
            ]  # fmt: skip
            *tasks, operator = [asyncio.ensure_future(one) for one in acts]
            await self._trades()
            self._trading = False
            await self.run(20)
            await _end(*tasks)
            if self.ending:
                await self._killed(away=QUIET)
                await self.run(4 * READ_EVERY + LATE_SHOWN + ANSWERS_AFTER + 70)
                self.ends()
                if not self.wrong:
                    await self._plants()
            self.audit(final=True)
            await _end(operator)
        finally:
            await self.close()
        return WideEnded(self.wrong, self.found, self.planted, self.blind, self.counts, self.faults)

    def ends(self) -> None:
        """After quiet."""
        for at, (units, should) in self.differ().items():
            self.violates("differ", f"{at} shows {units}, {should} is right")
        for destination, key, state, code in self.rows(
            "SELECT destination, key, state, code FROM delivery WHERE state NOT IN (" + CLOSED + ")"
        ):
            is_former = self.release_number == 2 and key.startswith(f"{RENAMED}@")
            if (state, code) != ("waiting", "STK010") or is_former:  # of a place that is right: looked at every quarter of an hour
                self.violates("open", f"{key} to {destination} is {state}")
        for row in self.rows("SELECT system, item, place, code FROM stock_stopped"):
            self.violates("stopped", str(row))
        if twice := sum(one.twice() for one in self.channels.values()):
            self.violates("twice", str(twice))
        if lost := self.channels[SHOP].lost_updates():
            self.violates("lost", str(lost))

    async def _plants(self) -> None:
        """Drifts that nobody tells of, each of its own kind; a comparison finds each of them and nothing else, then they heal."""
        shop, market, till = (self.channels[name] for name in (SHOP, MARKET, TILL))
        before = {name: dict(channel.shown) for name, channel in self.channels.items()}
        for channel, sku, place, by in (
            (shop, "CAP", "S1", 3),
            (shop, "MUG", "S3", 1),
            (till, "CAP", "T1", 2),
            (market, "TEE", "D", 5),
        ):
            channel.shown[Place(f"{channel.name}-{sku}", place)] += by
            self.planted[channel.name, _new(sku, self.release_number), place] = "foreign"
        if self._has_loose_soap():
            market.shown[Place(f"{MARKET}-SOAP", "D")] += 1
            self.planted[MARKET, "SOAP", "D"] = "rounding"
        shop.refuses = frozenset({Place(f"{SHOP}-HOT-1", "S3")})
        self.sources[ERP].book("O1", "HOT-1", 3)
        self.planted[SHOP, "HOT-1", "S3"] = "refused"
        await self.run(4 * READ_EVERY + 70)
        true = {name: channel.shown for name, channel in self.channels.items()}
        for name, channel in self.channels.items():
            channel.shown = before[name]
        self.blind = len(await self._finds())
        for name, channel in self.channels.items():
            channel.shown = true[name]
        self.found = await self._finds()
        shop.refuses = frozenset()
        for name in self.channels:
            await self._compared(name)
        await self.run(40)
        left = {at: units for at, units in self.differ().items() if "HOT-1@S3" not in at}
        if left:
            self.violates("unhealed", str(left))

    async def _finds(self) -> dict[tuple[str, str, str], str]:
        """What comparisons of all channels find, and call it."""
        found = {}
        for name, channel in self.channels.items():
            run = await self._compared(name, dry=True)
            here = [one for one in self.differences(name) if one.run == run.id]
            found |= {
                (name, one.sku, one.place): one.cause for one in here
                if Place(one.item, one.place) in channel.shown
            }  # fmt: skip
        return found

    def _has_loose_soap(self) -> bool:
        """Whether the market's share of the soap is no whole number of packs: one more pack is then another rounding."""
        counts, publish = self.counted(), self.folder_now[1]
        share = Fraction(
            str(next(rule.share for rule in reversed(publish.rule) if rule.channel == MARKET and rule.share))
        )
        there = [
            sum(counts[system, place, "SOAP"] for system, place in [*COUNTED[name], *([NEW_PLACE] if name == "hall" else [])])
            for name in SOLD_BY[MARKET]["D"].split()
        ]  # fmt: skip
        loose = sum(math.floor((pieces - 1) * share) % 6 for pieces in there)
        return 0 < loose <= 6

    async def _compared(self, channel: str, **of: Any) -> Run:
        task = asyncio.ensure_future(self.keeper.compare(Run(id=0, kind="compare", channel=channel, why="test", **of)))
        while not task.done():
            await self.run(0.5)
        return task.result()


def _good(item: str) -> str:
    return item.partition("-")[2]


def _old(sku: str) -> str:
    return RENAMED if sku == NEW_NAME else sku


def _new(sku: str, release: int) -> str:
    return NEW_NAME if sku == RENAMED and release == 2 else sku

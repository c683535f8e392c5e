"""The stock desk: takes what events say of stock into the book, once and in order, and opens the deliveries that follow."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import product
from typing import Final, Protocol

import msgspec

from interlock.clock import Clock
from interlock.errors import IntakeError, MappingError
from interlock.flows.inventory.anew import look_anew
from interlock.flows.inventory.line import Ignored, Position, Stopped
from interlock.flows.inventory.publish import At, Publishing, Waiting, seen_by, settled_at_us
from interlock.flows.inventory.renamed import carry_over
from interlock.flows.inventory.rules import Channel, StockRules
from interlock.messaging.delivery import BACKFILL, LIVE
from interlock.messaging.event import Event
from interlock.messaging.full_disk import until_there_is_space
from interlock.messaging.inbox import Inbox
from interlock.messaging.stock import Level, Sale, SaleLine, Told
from interlock.messaging.stock_book import (
    CURSOR,
    DIALECT,
    FOREIGN,
    Counted,
    Halted,
    Happened,
    Kind,
    Read,
    Reading,
    Reserved,
    Shown,
    StockBook,
    StockWork,
    Wish,
)

LARGEST_BATCH: Final = 200
LINES_AT_ONCE: Final = 200
"""Levels and sales in one transaction, as many as one event has at most: some tenths of a second, in which nothing else happens."""
IDLE_SECONDS: Final = 5.0
READ_AGAIN_US: Final = 1_000_000
CLOCKS_APART_US: Final = 2_000_000
"""A channel's clock and ours."""
SEEN_AT_ONCE: Final = 1_000
"""Sales that a batch of counts lets be seen; more of them are no more subtracted either, and seen later."""
LEVEL: Final = "inventory_level"
TELLING: Final = "telling"
"""Beside what is read of a system: which telling of everything it is at, and when that began."""
UNREADABLE: Final = "STK009"
WHY_CHARACTERS: Final = 200
"""Of a reason in the history: vendors' words may be longer."""
UNDERSTOOD: Final = "its line had stopped, and is understood now"
NOT_OURS: Final = "STK006"
"""Another system counts this: a signal, no stopped line."""

LOG = logging.getLogger("interlock.flows")

_reading = msgspec.json.Decoder(Reading, strict=False).decode
_remainders = msgspec.json.Encoder(decimal_format="string").encode


class Teller(Protocol):
    """What a vendor's webhook says of stock."""

    def told(self, topic: str, body: bytes) -> Told:
        """Pure."""


class Stocked(Protocol):
    """The release that runs, as far as stock is concerned."""

    @property
    def stock(self) -> StockRules:
        """Its rules."""

    def tellers(self, system: str) -> Sequence[Teller]:
        """Who reads what this system tells: as a source, as a channel, or as both."""


class StockDesk:
    """A reader of the inbox beside the router, with a cursor of its own: positions, sales and deliveries move with it in one
    transaction."""

    def __init__(
        self, book: StockBook, inbox: Inbox, clock: Clock, *, release: Callable[[], Stocked],
        cursor: Callable[[str], Awaitable[int]], wake: Callable[[], None],
    ) -> None:  # fmt: skip
        self._book = book
        self._inbox = inbox
        self._clock = clock
        self._release = release
        self._cursor = cursor
        self._wake = wake
        self._news = asyncio.Event()
        self._left: list[Event] = []
        """Of what was read of the inbox, what the last step has not taken."""
        self.taken = asyncio.Event()
        """Set whenever something was taken in: what waits for it may look again."""
        inbox.on_append(self._news.set)

    async def run(self) -> None:
        """Take in for ever; wakes at each commit of the inbox."""
        while True:
            self._news.clear()
            if not self._release().stock.systems:
                await until_there_is_space(self._follow_idly, self._clock)
                await self._clock.sleep(IDLE_SECONDS)
                continue
            while await until_there_is_space(self.step, self._clock):
                pass
            await self._news.wait()

    async def _follow_idly(self) -> None:
        """Without a flow of stock: one that a release brings begins with what comes from about then on."""
        head = await self._inbox.head()
        if await self._cursor(CURSOR) < head:
            await self._book.run(lambda work: work.move(head))

    async def step(self) -> int:
        """Take one batch in; returns how many events it took."""
        cursor = await self._cursor(CURSOR)
        left = [event for event in self._left if event.position > cursor]
        events = left or await self._inbox.read(cursor, LARGEST_BATCH)
        if not events:
            return 0
        release = self._release()
        rules = release.stock
        told = self._some(release, events)
        now_us = self._clock.now_ms() * 1_000

        def work(book: StockWork) -> int:
            taking = Taking(book, rules, now_us)
            for event, said in told:
                if said is not None:
                    taking.take(event, said)
            book.move(events[len(told) - 1].position)
            return taking.finish()

        if await self._book.run(work):
            self._wake()
        self._left = events[len(told) :]
        self.taken.set()
        return len(told)

    def _some(self, release: Stocked, events: Sequence[Event]) -> list[tuple[Event, Told | str | None]]:
        """The first of these events, with what they say of stock: as many as one transaction takes."""
        told: list[tuple[Event, Told | str | None]] = []
        lines = 0
        for event in events:
            said = self._told(release, event) if release.stock.takes(event.system) else None
            lines += len(said.levels) + len(said.sales) if isinstance(said, Told) else 0
            if told and lines > LINES_AT_ONCE:
                break
            told.append((event, said))
        return told

    def wake(self) -> None:
        """Deliveries were opened: let the dispatcher look."""
        self._wake()

    async def again(self, skus: Iterable[str], *, behind: bool = False) -> int:
        """Work these SKUs out once more: a rule, a listing or a freshness has changed; `behind` live changes, when it is about
        all of them. Returns how many deliveries were opened."""
        rules, now_us = self._release().stock, self._clock.now_ms() * 1_000

        def work(book: StockWork) -> int:
            taking = Taking(book, rules, now_us, behind=behind)
            for sku in skus:
                taking.again(sku)
            return taking.finish()

        opened = await self._book.run(work)
        if opened:
            self._wake()
        return opened

    async def take_again(self, release: Stocked, lines: Sequence[Halted], now_us: int) -> None:
        """Lines that had stopped: of a count the line itself, of a sale the event that told of it."""
        events = {line.event: await self._event(line.event) for line in lines if not line.line.quantities}
        told = {event.position: (event, self._told(release, event)) for event in events.values() if event is not None}

        def work(book: StockWork) -> int:
            taking = Taking(book, release.stock, now_us, how=UNDERSTOOD)
            again: dict[int, tuple[Event, Told | str]] = {}
            for halted in lines:
                book.tried(halted, now_us)
                if halted.line.quantities:
                    taking.level(halted.system, halted.line, halted.event, halted.line.as_of_us or halted.last_us)
                elif halted.event in told:
                    again[halted.event] = told[halted.event]
                    if halted.code == UNREADABLE and isinstance(told[halted.event][1], Told):
                        book.resume(halted.system, halted.item, halted.place)
            for event, said in again.values():
                taking.take(event, said)
            return taking.finish()

        if await self._book.run(work):
            self._wake()

    async def _event(self, position: int) -> Event | None:
        """None when it is kept no longer."""
        return next((event for event in await self._inbox.read(position - 1, 1) if event.position == position), None)

    @staticmethod
    def _told(release: Stocked, event: Event) -> Told | str:
        """What the event says, or in words why nobody can say."""
        if event.body is None:
            return "its body is kept no longer, or damaged"
        try:
            if event.dialect == DIALECT:
                reading = _reading(event.body)
                return Told(levels=reading.levels, sales=reading.sales, how=reading.how)
            said = [teller.told(event.topic, event.body) for teller in release.tellers(event.system)]
        except (IntakeError, MappingError, msgspec.ValidationError, msgspec.DecodeError) as error:
            return str(error)
        except Exception as error:  # a client's own mistake is about this event, and every other goes on
            LOG.exception("the connector of %s could not read event %s", event.system, event.position)
            return f"{type(error).__name__} while it was read"
        return Told(
            levels=said[0].levels if len(said) == 1 else _once(said),
            sales=next((each.sales for each in said if each.sales), ()),
            again=tuple(dict.fromkeys(one for each in said for one in each.again)),
            ends=said[0].ends if said else "", ends_us=said[0].ends_us if said else 0,
            telling=said[0].telling if said else "", how=next((each.how for each in said if each.how), ""),
        )  # fmt: skip


class Taking:
    """What one transaction takes in, and the places that it touches. `behind`: live changes pass what it opens; `how` in words, how
    counts came that no event told; `besides` is a place that is worked out by whoever asks."""

    def __init__(
        self, book: StockWork, rules: StockRules, now_us: int, *, behind: bool = False, how: str = "", besides: At | None = None
    ) -> None:  # fmt: skip
        self._book = book
        self._rules = rules
        self._normaliser = rules.normaliser
        self._now_us = now_us
        self._behind = behind
        self._how = how
        self._besides = besides
        self.touched: dict[str, int] = {}
        """SKU -> the event that touched it last."""
        self._counted: dict[str, int] = {}
        """SKUs that an owner counts otherwise than before, and kits of them, with when that was so."""
        self._recounted: dict[tuple[str, str], None] = {}
        """SKUs that an owner has counted now, changed or not, with the owner."""
        self._listed_us: dict[str, int] = {}
        """When the last telling of everything began, by system."""

    def take(self, event: Event, said: Told | str) -> None:
        """One event."""
        if isinstance(said, str):
            if event.object == LEVEL:
                self._unreadable(event, said)
            return
        if said.telling and self._book.reading(event.system, TELLING).cursor != said.telling:
            self._book.read(event.system, TELLING, Read(cursor=said.telling, listed_us=self._now_us))
        self._how = said.how or _how_told(event)
        for level in said.levels:
            self.level(event.system, level, event.position, _as_of(level, event))
        for sale in said.sales:
            self.sale(event.system, sale, event.position)
        for item in said.again:
            key = item if event.object == LEVEL else event.key
            self._book.again(event.system, event.object, key, event.position, self._now_us + READ_AGAIN_US)
        if said.ends:
            self._heard(event, said)

    def _heard(self, event: Event, said: Told) -> None:
        """A system that only tells has told all it had to: it is as fresh as that, and sales before it may be seen."""
        known, as_of_us = self._book.reading(event.system, "levels"), said.ends_us or _told_us(event)
        if as_of_us < known.fresh_us:
            return  # files are signed to the second: two of one second are both news
        whole_us = as_of_us if said.ends == "whole" else known.whole_us
        fresh = msgspec.structs.replace(known, fresh_us=as_of_us, tried_us=self._now_us, whole_us=whole_us, error="")
        if said.ends == "whole" and said.telling:
            fresh = msgspec.structs.replace(fresh, listed_us=self._book.reading(event.system, TELLING).listed_us)
        self._book.read(event.system, "levels", fresh)
        if fresh.listed_us != known.listed_us or self._now_us - known.fresh_us > self._rules.silence_us:
            look_anew(self._book, event.system, self._now_us)

    def again(self, sku: str, event: int = 0) -> None:
        """Work it out, under the name that the folder has for it now."""
        carried = carry_over(self._book, self._normaliser, sku, self._now_us)
        for name in (sku, *carried.names):
            self._touch(name, event)
        for row in carried.ended:  # its delivery waits for a person: there is nothing to be seen to any more
            if (channel := self._rules.channel(row.channel, row.place)) is not None:
                self._wish(channel, row, event)

    def finish(self) -> int:
        """Work out what the touched SKUs, and the kits of them, should show; returns how many deliveries were opened."""
        opened = 0
        publishing = Publishing(self._book, self._rules, self._now_us)
        left = SEEN_AT_ONCE
        for sku, owner in self._recounted:
            lines = self.told_of(sku, owner)[:left]
            self.see(lines, publishing)
            left -= len(lines)
            if not left:
                break
        events = self._related()
        for sku in events:
            self._give_up(sku)
        for sku, event in events.items():
            opened += self._work_out(publishing, sku, event)
        return opened

    # -- levels

    def level(self, system: str, level: Level, event: int, as_of_us: int) -> None:
        """A count of the owner's, or what a channel shows."""
        if system in self._rules.channels:
            self._shows(system, level, event)
        if system not in self._rules.counting:
            return
        match self._normaliser.level(system, level):
            case Position() as position:
                self._count(system, level, position, event, as_of_us)
            case Stopped() as stopped if stopped.code != NOT_OURS:
                self._halt(system, msgspec.structs.replace(level, as_of_us=as_of_us), stopped, event)
            case Stopped():
                self._book.resume(system, level.item, level.location)
                self._signal(system, level, event, as_of_us)
            case Ignored():
                self._book.resume(system, level.item, level.location)
                self._book.unsignal(system, level.item, level.location)

    def _count(self, system: str, level: Level, position: Position, event: int, as_of_us: int) -> None:
        known = self._known_as(system, position, event)
        same = [one for one in known if (one.sku, one.location) == (position.sku, position.location)]
        if same and same[0].told_us < self._listed(system):
            self._touch(
                position.sku, event
            )  # it was told no more: what it says is published again, also when it says the same
        if same and same[0].as_of_us > as_of_us:
            self._book.count(msgspec.structs.replace(same[0], told_us=self._now_us))
            return  # an older state never overwrites a newer one, but it is told still
        for one in known:
            if one not in same:
                self._book.uncount(one)
                self._touch(one.sku, event)
        before = dict(same[0].quantities) if same else {}
        now = self._counted_now(system, level, position, event, as_of_us)
        self._book.count(now)
        self._recounted[now.sku, system] = None
        self._book.resume(system, level.item, level.location)
        self._book.unsignal(system, level.item, level.location)
        if before == position.quantities:
            return
        for name in dict.fromkeys((*before, *position.quantities)):
            if before.get(name) != position.quantities.get(name):
                self._happened("counted", now.sku, system, now.place, name, before.get(name), position.quantities.get(name),
                               why=_why(self._how, level), as_of_us=as_of_us, event=event)  # fmt: skip
        for sku in (now.sku, *self._normaliser.kits_with(now.sku)):
            self._counted[sku] = max(as_of_us, level.changed_us, self._counted.get(sku, 0))
        self._touch(now.sku, event)

    def _known_as(self, system: str, position: Position, event: int) -> list[Counted]:
        """Where it was another SKU's, all that is known of that one goes on under the new name first: a part of it is no sum."""
        known = self._book.counted_as(system, position.item, position.place)
        former = {one.sku for one in known} - {position.sku}
        for sku in sorted(former):
            self.again(sku, event)
        return self._book.counted_as(system, position.item, position.place) if former else known

    def _listed(self, system: str) -> int:
        if system not in self._listed_us:
            self._listed_us[system] = self._book.reading(system, "levels").listed_us
        return self._listed_us[system]

    def _counted_now(self, system: str, level: Level, position: Position, event: int, as_of_us: int) -> Counted:
        return Counted(
            sku=position.sku, location=position.location, system=system, place=position.place, item=position.item,
            quantities=position.quantities, as_of_us=as_of_us, told_us=self._now_us, event=event,
            remainder=_remainders(position.remainders).decode() if position.remainders else "", unit=position.unit,
            version=level.version,
        )  # fmt: skip

    def _signal(self, system: str, level: Level, event: int, as_of_us: int) -> None:
        """Another counts it there: the last that this system says is kept to be looked at beside the truth, and has no history. What
        it shows there as a channel is kept as that, and what it counted there before, as the owner, is no truth any more."""
        for one in self._book.counted_as(system, level.item, level.location):
            self._book.uncount(one)
            self._touch(one.sku, event)
        position = self._normaliser.signal(system, level)
        if position is not None and self._rules.channel(system, level.location) is None:
            self._book.signal(self._counted_now(system, level, position, event, as_of_us))

    def _shows(self, channel: str, level: Level, event: int) -> None:
        """An echo of our own write changes nothing (C17), nor one that comes before the write's own answer; any other number is
        read at the channel before it counts, and so is the old number where another is on its way there: somebody may have
        written it over ours (C19)."""
        told = level.quantities.get("available")
        if told is None:
            return
        for row in self._book.shown_as(channel, level.item, level.location):
            if told != row.wanted or (row.seen != told and not _is_expected(row)):
                self._book.show(msgspec.structs.replace(row, seen_us=-event))
                self._touch(row.sku, event)

    def _halt(self, system: str, level: Level, stopped: Stopped, event: int) -> None:
        self._book.halt(
            Halted(
                system=system, item=level.item, place=level.location, sku=stopped.sku or level.sku, code=stopped.code,
                reason=stopped.what, next_move=stopped.next_move, line=level, event=event, last_us=self._now_us,
            )
        )  # fmt: skip
        for one in self._book.counted_as(
            system, level.item, level.location
        ):  # it is told still, and what was known stays
            self._book.count(msgspec.structs.replace(one, told_us=self._now_us))

    def _unreadable(self, event: Event, words: str) -> None:
        line = Level(item=event.key, location="", quantities={})
        self._book.halt(
            Halted(
                system=event.system, item=event.key, place="", sku="", code=UNREADABLE, reason=words, event=event.position,
                next_move="look at the event; what it told of is read again with the next reading", line=line,
                last_us=self._now_us,
            )
        )  # fmt: skip

    # -- sales

    def sale(self, channel: str, sale: Sale, event: int) -> None:
        """What the order still takes now stands in place of what it took before."""
        if channel not in self._rules.channels or not self._book.sold(channel, sale.key, sale.version):
            return
        sale = self._of_stock(channel, sale)
        before = {(line.sku, line.place): line for line in self._book.reserved_of(channel, sale.key) if line.quantity}
        now = self._lines(channel, sale, event)
        kits, parts = self._as_kits(channel, sale)
        for at, line in before.items():
            if at not in now:
                self._book.release(msgspec.structs.replace(line, version=sale.version))
                self._returned(channel, line, event)
                self._touch(line.sku, event)
        for at, line in now.items():
            more = line.quantity - (before[at].quantity if at in before else 0)
            if not more and at in before:
                continue
            self._book.reserve(line)
            self._happened("sold", line.sku, channel, line.place, "sold", None, line.quantity,
                           why=f"order {sale.name or sale.key}", as_of_us=sale.accepted_us, event=event)  # fmt: skip
            if (itself := more - parts[at]) > 0:
                units = -(-itself // self._normaliser.pack(channel, line.sku))
                self._explains(channel, line.sku, line.place, units, event, sale.accepted_us)
            if more < 0:
                self._returned(channel, line, event)
            self._touch(line.sku, event)
        for (kit, place), units in kits.items() if not before else ():
            self._explains(channel, kit, place, units, event, sale.accepted_us)

    def _of_stock(self, channel: str, sale: Sale) -> Sale:
        """Without what it takes from places that are no stock."""
        lines = tuple(one for one in sale.lines if not self._normaliser.is_no_stock(channel, one.location))
        return msgspec.structs.replace(sale, lines=lines)

    def _as_kits(self, channel: str, sale: Sale) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
        """Units of kits that the channel counts by a number of their own, and the pieces in them: a sale takes such a kit's
        number there, and its parts' numbers stand still. By SKU and place."""
        kits, parts = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for line in sale.lines:
            sku = self._normaliser.sku(channel, line.item, line.sku, "")
            if not isinstance(sku, str) or not self._normaliser.components(sku):
                continue
            item = self._normaliser.item_at(channel, sku)
            if isinstance(item, str) and not self._book.unwritable(channel, item):
                kits[sku, line.location] += line.quantity
                for part, pieces in self._normaliser.taken(channel, sku, line.quantity).items():
                    parts[part, line.location] += pieces
        return kits, parts

    def _lines(self, channel: str, sale: Sale, event: int) -> dict[tuple[str, str], Reserved]:
        found: dict[tuple[str, str], Reserved] = {}
        for line in sale.lines:
            for sku, pieces in self._taken(channel, sale, line, event).items():
                held = found.get((sku, line.location))
                found[sku, line.location] = Reserved(
                    sku=sku, channel=channel, sale=sale.key, place=line.location,
                    quantity=pieces + (held.quantity if held else 0), version=sale.version,
                    accepted_us=sale.accepted_us, name=sale.name, event=event,
                )  # fmt: skip
        return found

    def _taken(self, channel: str, sale: Sale, line: SaleLine, event: int) -> dict[str, int]:
        sku, place = self._normaliser.sku(channel, line.item, line.sku, ""), f"order {sale.name or sale.key}"
        if isinstance(sku, Stopped):
            self._halt(channel, Level(item=line.item, location=place, sku=line.sku, quantities={}), sku, event)
            return {}
        self._book.resume(channel, line.item, place)
        return self._normaliser.taken(channel, sku, line.quantity) if isinstance(sku, str) else {}

    def _explains(self, channel: str, sku: str, place: str, units: int, event: int, accepted_us: int) -> None:
        """A sale that is told explains what was already gone; what it does not explain yet will go. Of one that was made before
        our last write nobody knows whether that has put the pieces back: what the place shows is not known any more."""
        for row in self._book.shown_of(sku):
            if row.channel != channel or (place and row.place != place):
                continue
            missing = max(0, row.missing - units)
            going = units - (row.missing - missing)
            now = msgspec.structs.replace(row, missing=missing, sold=row.sold + going)
            if going and row.written_us and accepted_us <= row.written_us + CLOCKS_APART_US:
                now = msgspec.structs.replace(row, missing=missing, seen=None, seen_us=-event)
            self._book.show(now)

    def _returned(self, channel: str, line: Reserved, event: int) -> None:
        """An order takes less than before. Whether its channel has put the pieces back, nobody says: what it shows of them, and
        of kits of them, is not known any more."""
        for sku in (line.sku, *self._normaliser.kits_with(line.sku)):
            for row in self._book.shown_of(sku):
                if row.channel == channel and line.place in ("", row.place):
                    self._book.show(msgspec.structs.replace(row, seen=None, seen_us=-event))

    def see(self, lines: Iterable[Reserved], publishing: Publishing | None = None) -> list[Waiting]:
        """Of these, what an owner has been told of, and has counted since, is subtracted no longer. Returns what waits for a count
        of an owner that was told: also of what is subtracted no more, when the order has changed there since the last count."""
        publishing, waits = publishing or Publishing(self._book, self._rules, self._now_us), list[Waiting]()
        for line in lines:
            waiting = publishing.waiting(line)
            if waiting is None or (not waiting.known and not waiting.since_us):
                continue
            if not waiting.known:
                waits.append(waiting)
            if not waiting.known or line.quantity <= line.seen:
                continue
            self._book.see(line)
            self._happened("seen", line.sku, line.channel, line.place, "sold", line.quantity, None,
                           why=f"order {line.name or line.sale} is known to {waiting.owner}", event=line.event)  # fmt: skip
            self._touch(line.sku, line.event)
        return waits

    def told_of(self, sku: str, owner: str) -> list[Reserved]:
        """Lines that a count of the owner may have in it: what it was not told of yet is left alone, however many there are."""
        group = self._rules.group(sku)
        places = product(self._rules.channels, self._rules.seen_apart)
        if all(seen_by(self._rules, channel, group, location)[0] for channel, location in places):
            return self._book.reserved_told(sku, owner)
        return self._book.reserved(sku)

    # -- what follows

    def _related(self) -> dict[str, int]:
        """What has to be worked out: what was touched, the kits of it, and of a kit its parts, with the newest event of each."""
        found: dict[str, int] = {}
        for sku, event in self.touched.items():
            for part in self._normaliser.components(sku) or (sku,):
                for each in (sku, part, *self._normaliser.kits_with(part)):
                    found[each] = max(event, found.get(each, 0))
        return found

    def _places(self, sku: str) -> Iterator[tuple[Channel, str, Shown | None]]:
        for channels in self._rules.channels.values():
            for channel in channels:
                for place in channel.places:
                    yield channel, place, self._book.shown(channel.system, place, sku)

    def _give_up(self, sku: str) -> None:
        """What no order has told of in time is subtracted nowhere any more, before anything is worked out."""
        for channel, _, row in self._places(sku):
            if row is not None and row.missing:
                self._book.show(self._waited_for(channel, row))

    def _work_out(self, publishing: Publishing, sku: str, event: int) -> int:
        opened = 0
        for channel, place, row in self._places(sku):
            if (channel.system, place, sku) != self._besides:
                opened += self._place(publishing, channel, place, sku, row, event)
        return opened

    def _place(
        self, publishing: Publishing, channel: Channel, place: str, sku: str, known: Shown | None, event: int
    ) -> int:
        found = publishing.sum(channel, place, sku, known)
        if known is None and not found.counted:
            return 0  # nobody counts it here
        row = known or Shown(channel=channel.system, place=place, sku=sku, flow=channel.flow)
        item = self._normaliser.item_at(channel.system, sku)
        if not isinstance(item, str):
            wanted = row.wanted if found.suspended else found.quantity
            self._book.show(msgspec.structs.replace(row, wanted=wanted, trouble=item.code, said=item.what))
            return 0
        row = _of_item(row, item)
        said = found.suspended or self._book.unwritable(channel.system, item)
        wanted = row.wanted if said else found.quantity
        due = (
            row.seen_us <= 0 or row.sold > 0 or row.seen != wanted or row.seen != row.wanted
        )  # as a write under way has it
        asks = self._rules.terms(channel, sku, place).heal == "ask"
        trouble = _trouble(row, wanted, asks=asks, counted=self._is_counted_since(row))
        now = msgspec.structs.replace(
            row, flow=channel.flow, item=item, wanted=wanted, wanted_us=self._now_us, said=said or (row.said if trouble else ""),
            trouble=trouble,
        )  # fmt: skip
        self._book.show(now)
        if said or not due or (trouble and (trouble != FOREIGN or row.seen_us > 0)):
            return 0
        self._wish(channel, now, event)
        return 1

    def _is_counted_since(self, row: Shown) -> bool:
        """Whether its owner counts otherwise now than when somebody wrote the place: what was so before that, and is only heard
        now, says nothing of it."""
        if row.trouble != FOREIGN or row.sku not in self._counted:
            return False
        return self._counted[row.sku] > self._book.foreign_us(row.channel, row.place, row.sku)

    def _wish(self, channel: Channel, row: Shown, event: int) -> None:
        """What the channel has never been told of is part of a first sync: what changes passes it."""
        settled_us = settled_at_us(row, self._rules.terms(channel, row.sku, row.place), self._now_us)
        self._book.wish(
            Wish(
                flow=channel.flow, system=channel.source, channel=channel.system, sku=row.sku, place=row.place, event=event,
                release=self._rules.release, not_before_ms=settled_us // 1_000,
                priority=BACKFILL if self._behind or (row.seen is None and not row.written_us) else LIVE,
            ),
            self._now_us // 1_000,
        )  # fmt: skip

    def _waited_for(self, channel: Channel, row: Shown) -> Shown:
        """What is gone at the channel and no sale has told of in time was somebody's hand: the source of truth counts again."""
        terms = self._rules.terms(channel, row.sku, row.place)
        seconds = terms.unexplained_seconds
        if not row.missing or self._now_us - row.missing_us < seconds * 1e6:
            return row
        self._happened("foreign", row.sku, row.channel, row.place, "available", (row.seen or 0) + row.missing, row.seen,
                       why=f"no order told of it within {seconds:g} s", as_of_us=row.missing_us)  # fmt: skip
        row = msgspec.structs.replace(row, missing=0, missing_us=0)
        return msgspec.structs.replace(row, trouble=FOREIGN, seen_us=0, wanted=None) if terms.heal == "ask" else row

    def _touch(self, sku: str, event: int) -> None:
        self.touched[sku] = max(event, self.touched.get(sku, 0))

    def _happened(
        self, kind: Kind, sku: str, system: str, place: str, name: str, before: int | None, after: int | None, *,
        why: str = "", as_of_us: int = 0, event: int = 0,
    ) -> None:  # fmt: skip
        self._book.happened(
            Happened(at_us=self._now_us, kind=kind, sku=sku, system=system, place=place, name=name, before=before,
                     after=after, as_of_us=as_of_us, why=why, event=event)
        )  # fmt: skip


def _is_expected(row: Shown) -> bool:
    """Whether a place that shows what is wanted is no news: it was known what it showed, nothing was to go, nothing stood in the
    way, so that the write which puts it there is on its way."""
    return row.seen is not None and not (row.sold or row.missing or row.trouble or row.said)


def _how_told(event: Event) -> str:
    """Why the history has a count: the webhook that told it, by what is signed of it if the headers name none. Of what was read
    each level says it."""
    if event.dialect == DIALECT:
        return ""
    return f"webhook {event.topic or next(iter(event.facts), '').partition('#')[0]}".strip()


def _why(how: str, level: Level) -> str:
    """How it was told, and what the system says of why it is so."""
    return ", ".join(filter(None, (how, level.why)))[:WHY_CHARACTERS]


def _as_of(level: Level, event: Event) -> int:
    return level.as_of_us or _told_us(event)


def _told_us(event: Event) -> int:
    return (event.triggered_at_ms or event.received_at_ms) * 1_000


def _trouble(row: Shown, wanted: int | None, *, asks: bool, counted: bool) -> str:
    """What still stands in the way. Whose number is right is settled by a new count of the owner, or by a folder that asks no
    more; a sale settles nothing. A place that can be named again has no trouble, and what was refused was one number: the next
    is tried."""
    if row.trouble == FOREIGN:
        settled = counted and row.wanted not in (None, wanted)
        return FOREIGN if asks and not settled else ""
    if row.trouble.startswith("STK"):
        return ""
    return row.trouble if row.wanted in (None, wanted) else ""


def _of_item(row: Shown, item: str) -> Shown:
    """The place with the item that the channel sells the SKU as now: what another showed is nothing of this one."""
    if row.item in ("", item):
        return row
    return Shown(channel=row.channel, place=row.place, sku=row.sku, flow=row.flow, change=row.change)


def _once(said: Sequence[Told]) -> tuple[Level, ...]:
    """Of a system that is source and channel at once, both readers tell the same levels."""
    found: dict[tuple[str, str], Level] = {}
    for each in said:
        for level in each.levels:
            found.setdefault((level.item, level.location), level)
    return tuple(found.values())

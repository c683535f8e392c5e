"""What one transaction takes in of what events say: counts, sales into reservations; and what follows from what they touch."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Final, NamedTuple

import msgspec

from interlock.flows.inventory.anew import look_anew
from interlock.flows.inventory.counting import Counting
from interlock.flows.inventory.line import Stopped
from interlock.flows.inventory.notes import Notes
from interlock.flows.inventory.publish import At, Publishing, Waiting, seen_by
from interlock.flows.inventory.renamed import carry_over
from interlock.flows.inventory.routed import Lines, Shift, shifts, told_still, where_known
from interlock.flows.inventory.rules import StockRules
from interlock.flows.inventory.working_out import WorkingOut
from interlock.messaging.delivery import LIVE
from interlock.messaging.event import Event
from interlock.messaging.stock import Level, Sale, SaleLine, Told
from interlock.messaging.stock_book import (
    DIALECT,
    Halted,
    Kind,
    Read,
    Reserved,
    StockWork,
)

READ_AGAIN_US: Final = 1_000_000
CLOCKS_APART_US: Final = 2_000_000
"""A channel's clock and ours."""
SEEN_AT_ONCE: Final = 1_000
"""Sales that a batch of counts lets be seen; more of them are no more subtracted either, and seen later."""
LEVEL: Final = "inventory_level"
ORDER: Final = "order"
TELLING: Final = "telling"
"""Beside what is read of a system: which telling of everything it is at, and when that began."""
UNREADABLE: Final = "STK009"


class AsKits(NamedTuple):
    """Units of kits that the channel counts by a number of their own, and the pieces in them: a sale takes such a kit's number there,
    and its parts' numbers stand still. By SKU and place."""

    kits: Counter[tuple[str, str]]
    parts: Counter[tuple[str, str]]


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
        self._how = how
        self._notes = Notes(book, now_us)
        self._counting = Counting(book, rules, now_us, self._notes, again=self.again)
        self._following = WorkingOut(book, rules, now_us, behind=behind, besides=besides)
        self.touched = self._notes.touched

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
            self._unrouted(event, sale)
        for item in said.again:
            if event.object in (LEVEL, ORDER) or self._rules.is_routed(event.system):
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
            self._notes.touch(name, event)
        for row in carried.ended:  # its delivery waits for a person: there is nothing to be seen to any more
            if (channel := self._rules.channel(row.channel, row.place)) is not None:
                self._following.wish(channel, row, event)

    def finish(self) -> int:
        """Work out what the touched SKUs, and the kits of them, should show; returns how many deliveries were opened."""
        publishing = Publishing(self._book, self._rules, self._now_us)
        left = SEEN_AT_ONCE
        for sku, owner in self._counting.recounted:
            lines = self.told_of(sku, owner)[:left]
            self.see(lines, publishing)
            left -= len(lines)
            if not left:
                break
        return self._following.work_out(self.touched, self._counting.counted)

    # -- levels

    def level(self, system: str, level: Level, event: int, as_of_us: int) -> None:
        """A count of the owner's, or what a channel shows."""
        self._counting.take(system, level, event, as_of_us, how=self._how)

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
        before = {(line.sku, line.place): line for line in self._book.reserved_of(channel, sale.key) if line.quantity}
        now = self._lines(channel, sale, event)
        now = told_still(before, where_known(before, now) if sale.unrouted else now)
        changed, units = shifts(before, now), self._as_kits(channel, sale)
        self._replace(before, now, changed, sale.version)
        for sku, shift in changed.items():
            self._shows_less(channel, sku, shift, units.parts, event, sale.accepted_us)
            if shift.changes:
                self._notes.touch(sku, event)
        for (kit, place), count in units.kits.items():
            if not before:
                self._explains(channel, kit, place, count, event, sale.accepted_us)
            elif place and not any(known for _, known in before):
                self._found(channel, kit, place, count)

    def _shows_less(
        self, channel: str, sku: str, shift: Shift, parts: Counter[tuple[str, str]], event: int, accepted_us: int
    ) -> None:  # fmt: skip
        """What has changed of an order, of one SKU, against what the channel's places show of it: `parts` are the pieces of it that
        went as kits, which have numbers of their own."""
        for place in shift.left:
            self._returned(channel, sku, place, event)
        for place, pieces in shift.found.items():
            self._found(channel, sku, place, pieces - parts[sku, place])
        for place, pieces in shift.more.items():
            if (itself := pieces - parts[sku, place]) > 0:
                units = -(-itself // self._normaliser.pack(channel, sku))
                self._explains(channel, sku, place, units, event, accepted_us)

    def _replace(self, before: Lines, now: Lines, changed: Mapping[str, Shift], version: int) -> None:
        for at, line in before.items():
            if at not in now:
                self._book.release(msgspec.structs.replace(line, version=version))
        for at, line in now.items():
            if at not in before or before[at].quantity != line.quantity:
                self._reserve(line, changed[line.sku])

    def _reserve(self, line: Reserved, shift: Shift) -> None:
        """Subtracted from now on; what is taken from a place that is no stock is only remembered."""
        self._book.reserve(line)
        if self._normaliser.is_no_stock(line.channel, line.place):
            self._book.see(line)
            return
        kind: Kind = "placed" if line.place in shift.found and line.place not in shift.more else "sold"
        self._notes.happened(kind, line.sku, line.channel, line.place, "sold", None, line.quantity,
                       why=f"order {line.name or line.sale}", as_of_us=line.accepted_us, event=line.event)  # fmt: skip

    def _unrouted(self, event: Event, sale: Sale) -> None:
        """Have an order read that does not say where it takes from, if that matters, and as long as anything of it is not known to
        its owners. What comes with a backfill is old, and many."""
        if not sale.unrouted or event.dialect == DIALECT or event.priority != LIVE or not self._rules.is_routed(event.system):
            return
        if any(line.quantity > line.seen for line in self._book.reserved_of(event.system, sale.key)):
            self._book.again(event.system, ORDER, sale.key, event.position, self._now_us + READ_AGAIN_US)

    def _as_kits(self, channel: str, sale: Sale) -> AsKits:
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
        return AsKits(kits, parts)

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
        if isinstance(sku, Stopped) and not self._normaliser.is_no_stock(channel, line.location):
            self._notes.halt(channel, Level(item=line.item, location=place, sku=line.sku, quantities={}), sku, event)
            return {}
        self._book.resume(channel, line.item, place)
        return self._normaliser.taken(channel, sku, line.quantity) if isinstance(sku, str) else {}

    def _explains(self, channel: str, sku: str, place: str, units: int, event: int, accepted_us: int) -> None:
        """A sale that is told explains what is gone since it was made, and nothing that was gone before; what it does not explain yet
        will go. Of one that was made before our last write nobody knows whether that has put the pieces back: what the place shows
        is not known any more."""
        for row in self._book.shown_of(sku):
            if row.channel != channel or (place and row.place != place):
                continue
            explained = min(row.missing, units) if accepted_us <= row.missing_us + CLOCKS_APART_US else 0
            missing, going = row.missing - explained, units - explained
            now = msgspec.structs.replace(row, missing=missing, sold=row.sold + going)
            if going and row.written_us and accepted_us <= row.written_us + CLOCKS_APART_US:
                now = msgspec.structs.replace(row, missing=missing, seen=None, seen_us=-event)
            self._book.show(now)

    def _found(self, channel: str, sku: str, place: str, pieces: int) -> None:
        """An order has said by now where it takes from: nothing of it will go at the channel's other places."""
        units = -(-pieces // self._normaliser.pack(channel, sku))
        for row in self._book.shown_of(sku) if units > 0 else ():
            if row.channel == channel and row.place != place and row.sold:
                self._book.show(msgspec.structs.replace(row, sold=max(0, row.sold - units)))

    def _returned(self, channel: str, sku: str, place: str, event: int) -> None:
        """An order takes less there than before. Whether its channel has put the pieces back, nobody says: what it shows of them, and
        of kits of them, is not known any more."""
        for each in (sku, *self._normaliser.kits_with(sku)):
            for row in self._book.shown_of(each):
                if row.channel == channel and place in ("", row.place):
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
            self._notes.happened("seen", line.sku, line.channel, line.place, "sold", line.quantity, None,
                           why=f"order {line.name or line.sale} is known to {waiting.owner}", event=line.event)  # fmt: skip
            self._notes.touch(line.sku, line.event)
        return waits

    def told_of(self, sku: str, owner: str) -> list[Reserved]:
        """Lines that a count of the owner may have in it: what it was not told of yet is left alone, however many there are."""
        group = self._rules.group(sku)
        places = product(self._rules.channels, self._rules.seen_apart)
        if all(seen_by(self._rules, channel, group, location)[0] for channel, location in places):
            return self._book.reserved_told(sku, owner)
        return self._book.reserved(sku)


def _how_told(event: Event) -> str:
    """Why the history has a count: the webhook that told it, by what is signed of it if the headers name none. Of what was read
    each level says it."""
    if event.dialect == DIALECT:
        return ""
    return f"webhook {event.topic or next(iter(event.facts), '').partition('#')[0]}".strip()


def _as_of(level: Level, event: Event) -> int:
    return level.as_of_us or _told_us(event)


def _told_us(event: Event) -> int:
    return (event.triggered_at_ms or event.received_at_ms) * 1_000

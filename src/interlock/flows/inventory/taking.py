"""What one transaction takes in of what events say: counts, sales, what has to be read once more; and what follows from these."""

from collections.abc import Iterable
from itertools import product
from typing import Final

import msgspec

from interlock.flows.inventory.anew import look_anew
from interlock.flows.inventory.counting import Counting
from interlock.flows.inventory.notes import Notes
from interlock.flows.inventory.publish import Publishing, Waiting, seen_by
from interlock.flows.inventory.renamed import carry_over
from interlock.flows.inventory.rules import StockRules
from interlock.flows.inventory.selling import Selling
from interlock.flows.inventory.sums import At
from interlock.flows.inventory.working_out import WorkingOut
from interlock.messaging.delivery import LIVE
from interlock.messaging.event import Event
from interlock.messaging.stock import Level, Sale, Told
from interlock.messaging.stock_book import (
    DIALECT,
    Halted,
    Read,
    Reserved,
    StockWork,
)

READ_AGAIN_US: Final = 1_000_000
SEEN_AT_ONCE: Final = 1_000
"""Sales that a batch of counts lets be seen; more of them are no more subtracted either, and seen later."""
LEVEL: Final = "inventory_level"
ORDER: Final = "order"
TELLING: Final = "telling"
"""Beside what is read of a system: which telling of everything it is at, and when that began."""
UNREADABLE: Final = "STK009"


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
        self._selling = Selling(book, rules, self._notes)
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
        """What a channel has sold, by an order as it is now."""
        self._selling.take(channel, sale, event)

    def _unrouted(self, event: Event, sale: Sale) -> None:
        """Have an order read that does not say where it takes from, if that matters, and as long as anything of it is not known to
        its owners. What comes with a backfill is old, and many."""
        if not sale.unrouted or event.dialect == DIALECT or event.priority != LIVE or not self._rules.is_routed(event.system):
            return
        if any(line.quantity > line.seen for line in self._book.reserved_of(event.system, sale.key)):
            self._book.again(event.system, ORDER, sale.key, event.position, self._now_us + READ_AGAIN_US)

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

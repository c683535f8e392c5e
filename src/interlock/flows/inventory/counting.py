"""Takes in levels: counts of owners into positions, what others say of these as signals, and what channels show; or lines stop."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from interlock.flows.inventory.line import Ignored, Position, Stopped
from interlock.flows.inventory.notes import Notes
from interlock.flows.inventory.rules import StockRules
from interlock.messaging.stock import Level
from interlock.messaging.stock_book import Counted, Shown, StockWork

WHY_CHARACTERS: Final = 200
"""Of a reason in the history: vendors' words may be longer."""
NOT_OURS: Final = "STK006"
"""Another system counts this: a signal, no stopped line."""

_remainders = msgspec.json.Encoder(decimal_format="string").encode


class Counting:
    """Of one transaction. `again` works a SKU out under the name that the folder has for it now."""

    def __init__(
        self, book: StockWork, rules: StockRules, now_us: int, notes: Notes, *, again: Callable[[str, int], None]
    ) -> None:  # fmt: skip
        self._book = book
        self._rules = rules
        self._normaliser = rules.normaliser
        self._now_us = now_us
        self._notes = notes
        self._again = again
        self.counted: dict[str, int] = {}
        """SKUs that an owner counts otherwise than before, and kits of them, with when that was so."""
        self.recounted: dict[tuple[str, str], None] = {}
        """SKUs that an owner has counted now, changed or not, with the owner."""
        self._listed_us: dict[str, int] = {}
        """When the last telling of everything began, by system."""

    def take(self, system: str, level: Level, event: int, as_of_us: int, *, how: str) -> None:
        """A count of the owner's, or what a channel shows; `how` it was told, for the history."""
        if system in self._rules.channels:
            self._shows(system, level, event)
        if system not in self._rules.counting:
            return
        match self._normaliser.level(system, level):
            case Position() as position:
                self._count(system, level, position, event, as_of_us, _why(how, level))
            case Stopped() as stopped if stopped.code != NOT_OURS:
                self._halt(system, msgspec.structs.replace(level, as_of_us=as_of_us), stopped, event)
            case Stopped():
                self._book.resume(system, level.item, level.location)
                self._signal(system, level, event, as_of_us)
            case Ignored():
                self._book.resume(system, level.item, level.location)
                self._book.unsignal(system, level.item, level.location)

    def _count(
        self, system: str, level: Level, position: Position, event: int, as_of_us: int, why: str
    ) -> None:  # fmt: skip
        known = self._known_as(system, position, event)
        same = next((one for one in known if (one.sku, one.location) == (position.sku, position.location)), None)
        if same is not None and same.told_us < self._listed(system):
            self._notes.touch(
                position.sku, event
            )  # it was told no more: it is published again, also when it says the same
        if same is not None and same.as_of_us > as_of_us:
            self._book.count(msgspec.structs.replace(same, told_us=self._now_us))
            return  # an older state never overwrites a newer one, but it is told still
        for one in known:
            if one is not same:
                self._book.uncount(one)
                self._notes.touch(one.sku, event)
        now = self._counted_now(system, level, position, event, as_of_us)
        self._book.count(now)
        self.recounted[now.sku, system] = None
        self._book.resume(system, level.item, level.location)
        self._book.unsignal(system, level.item, level.location)
        self._changed(now, dict(same.quantities) if same else {}, max(as_of_us, level.changed_us), why)

    def _changed(self, now: Counted, before: Mapping[str, int], since_us: int, why: str) -> None:
        """What its owner counts otherwise than before, in the history; nothing, when all is the same."""
        names = dict.fromkeys((*before, *now.quantities))
        for name in (changed := [one for one in names if before.get(one) != now.quantities.get(one)]):
            self._notes.happened("counted", now.sku, now.system, now.place, name, before.get(name), now.quantities.get(name),
                                 why=why, as_of_us=now.as_of_us, event=now.event)  # fmt: skip
        if changed:
            for sku in (now.sku, *self._normaliser.kits_with(now.sku)):
                self.counted[sku] = max(since_us, self.counted.get(sku, 0))
            self._notes.touch(now.sku, now.event)

    def _known_as(self, system: str, position: Position, event: int) -> list[Counted]:
        """Where it was another SKU's, all that is known of that one goes on under the new name first: a part of it is no sum."""
        known = self._book.counted_as(system, position.item, position.place)
        former = {one.sku for one in known} - {position.sku}
        for sku in sorted(former):
            self._again(sku, event)
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
            self._notes.touch(one.sku, event)
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
                self._notes.touch(row.sku, event)

    def _halt(self, system: str, level: Level, stopped: Stopped, event: int) -> None:
        """It is told still, and what was known stays."""
        self._notes.halt(system, level, stopped, event)
        for one in self._book.counted_as(system, level.item, level.location):
            self._book.count(msgspec.structs.replace(one, told_us=self._now_us))


def _is_expected(row: Shown) -> bool:
    """Whether a place that shows what is wanted is no news: it was known what it showed, nothing was to go, nothing stood in the
    way, so that the write which puts it there is on its way."""
    return row.seen is not None and not (row.sold or row.missing or row.trouble or row.said)


def _why(how: str, level: Level) -> str:
    """How it was told, and what the system says of why it is so."""
    return ", ".join(filter(None, (how, level.why)))[:WHY_CHARACTERS]

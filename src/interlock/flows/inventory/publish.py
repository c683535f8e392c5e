"""What a place of a channel should show: a sum, term by term, out of positions, unseen sales and the declared policy."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from interlock.flows.inventory.rules import Channel, StockRules
from interlock.flows.inventory.sums import (
    NEVER_COUNTED,
    NO_LESS,
    At,
    Gone,
    Sum,
    Term,
    kept_words,
    parts_words,
    term_of,
    term_of_gone,
    term_of_sale,
)
from interlock.messaging.stock_book import Counted, Read, Reserved, Shown, StockWork
from interlock.strategy.inventory import Publish

MOST: Final = 1_000_000_000
"""No channel takes more (Shopify F44); more than this is shown as this, and said."""
SEEN_AFTER_US: Final = 2_000_000
"""A count that began less than this after a sale was told to its owner may still be without it."""
MINUTE_US: Final = 60_000_000


class Waiting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A sale and the owner of where it takes from. What that counts after `since_us` has the sale in it (0: it was not told of it
    yet), which is `known` once it has counted so. `items` are its own ids of what was sold."""

    owner: str
    since_us: int
    known: bool
    items: tuple[str, ...]


class Publishing:
    """Sums of one release at one moment; pure but for the book that it reads, each row once: what changes meanwhile is for the
    next."""

    def __init__(self, work: StockWork, rules: StockRules, now_us: int) -> None:
        self._work = work
        self._rules = rules
        self._now_us = now_us
        self._readings: dict[str, Read] = {}
        self._counted: dict[str, list[Counted]] = {}
        self._unseen: dict[str, list[Reserved]] = {}
        self._missing: dict[str, list[Gone]] = {}

    def sum(self, channel: Channel, place: str, sku: str, row: Shown | None = None) -> Sum:
        """What the place should show of the SKU now."""
        parts = self._rules.normaliser.components(sku) or {sku: 1}
        terms: list[Term] = []
        names = [name for name in channel.places[place] if self._rules.normaliser.owner(sku, name) != channel.system]
        if not names:
            return Sum(suspended=f"{channel.system} counts it itself", counted=False)
        is_kit = len(parts) > 1 or parts.get(sku) != 1
        free: dict[str, dict[str, tuple[int, int]]] = {}
        for part in parts:
            mine: list[Term] = []
            free[part] = self._free(channel, names, part, mine, besides=(channel.system, place, sku))
            terms += [msgspec.structs.replace(term, part=part) for term in mine] if is_kit else mine
        counted = [name for name in names if all(name in of for of in free.values())]
        if stale := self._stale(channel, counted, parts):
            return Sum(terms=tuple(terms), suspended=stale, counted=bool(counted))
        if not counted:
            silent = ", ".join(sorted({one.system for one in self._untold(names, parts)}))
            words = f"{silent} tells of it no more: nothing is published of it" if silent else NEVER_COUNTED
            return Sum(terms=tuple(terms), suspended=words, counted=bool(silent))
        total, oldest = 0, self._now_us
        for name in counted:
            pieces = min(free[part][name][0] // count for part, count in parts.items())
            oldest = min(oldest, *(free[part][name][1] for part in parts))
            if is_kit:
                terms.append(Term(what=f"whole kits of {parts_words(parts)}", amount=pieces, location=name))
            total += self._shown_of(channel, place, sku, name, pieces, terms)
        return Sum(quantity=self._bounded(channel, place, sku, total, row, terms), terms=tuple(terms), as_of_us=oldest)

    # -- what is free at a location

    def _free(
        self, channel: Channel, names: Iterable[str], sku: str, terms: list[Term], *, besides: At
    ) -> dict[str, tuple[int, int]]:
        """By location that was counted: pieces that may be sold, and as of when. What is gone at the place that is worked out
        itself (`besides`) is subtracted there, of what it shows."""
        positions = self._positions(sku)
        taken = self._taken(sku, positions, besides)
        found: dict[str, tuple[int, int]] = {}
        for name in names:
            if name not in positions:
                continue
            policy = self._terms(channel, sku, name)
            told = [*(term_of(one) for one in positions[name]), *taken.get(name, ())]
            terms += told
            available = sum(term.amount for term in told)
            kept = policy.safety_stock + policy.buffer
            if kept:
                terms.append(Term(what=kept_words(policy), amount=-kept, location=name))
            if available < kept:
                terms.append(Term(what=NO_LESS, amount=kept - available, location=name))
            found[name] = (max(0, available - kept), min(one.as_of_us for one in positions[name]))
        return found

    def _positions(self, sku: str) -> dict[str, list[Counted]]:
        """By our location, what its owner counts there, in the order of the file."""
        owner, locations = self._rules.normaliser.owner, self._rules.normaliser.locations
        found: dict[str, list[Counted]] = {name: [] for name in self._rules.inventory.locations}
        for one in self._all_counted(sku):
            if one.location not in locations(one.system, one.place):
                continue  # the folder has taken the place away from the location since
            if owner(sku, one.location) == one.system and not self._is_untold(one):
                found[one.location].append(one)
        return {name: rows for name, rows in found.items() if rows}

    def _is_untold(self, one: Counted) -> bool:
        """Whether its owner has since told everything that there is, and not this: what was known is no count any more, and
        neither is it zero."""
        return one.told_us < self._reading(one.system).listed_us

    def _untold(self, names: Iterable[str], parts: Iterable[str]) -> list[Counted]:
        owner = self._rules.normaliser.owner
        return [
            one
            for part in parts
            for one in self._all_counted(part)
            if one.location in names and owner(part, one.location) == one.system and self._is_untold(one)
        ]

    def _taken(self, sku: str, positions: Mapping[str, list[Counted]], besides: At) -> dict[str, list[Term]]:
        """Unseen sales, and what is gone at other places without an order, by the location that they take from. What the first
        location has not is taken from the next."""
        left = {name: sum(one.available for one in rows) for name, rows in positions.items()}
        found: dict[str, list[Term]] = {}
        for line in self._reserved(sku):
            names = self._locations(line.channel, line.place, positions)
            if names and not self._is_known(line, names[0], positions):
                for name, pieces in _spread(line.quantity - line.seen, names, left):
                    term = term_of_sale(line, pieces, name, positions[name][0].system)
                    found.setdefault(name, []).append(term)
        for gone in self._gone(sku):
            names = self._locations(gone.at[0], gone.at[1], positions) if gone.at != besides else []
            if names and positions[names[0]][0].system != gone.at[0]:
                for name, pieces in _spread(gone.pieces, names, left):
                    found.setdefault(name, []).append(term_of_gone(gone, pieces, name))
        return found

    def _gone(self, sku: str) -> list["Gone"]:
        """Pieces of it that are gone somewhere, by itself or in kits, and that no order has told of: most are sales which will be
        told, and what is sold at one channel no other may sell."""
        if sku not in self._missing:
            normaliser = self._rules.normaliser
            rows = [row for each in (sku, *normaliser.kits_with(sku)) for row in self._work.shown_of(each) if row.missing]
            self._missing[sku] = [
                Gone(
                    at=(row.channel, row.place, row.sku), at_us=row.missing_us,
                    pieces=normaliser.taken(row.channel, row.sku, row.missing).get(sku, 0),
                )
                for row in rows if self._rules.channel(row.channel, row.place)
            ]  # fmt: skip
        return self._missing[sku]

    def _locations(self, channel: str, place: str, positions: Mapping[str, list[Counted]]) -> list[str]:
        """Where a sale takes from, of what is counted: as its channel says, which may be no stock at all, else where it shows
        anything, else anywhere."""
        if place and self._rules.normaliser.is_no_stock(channel, place):
            return []
        said = self._rules.normaliser.locations(channel, place) if place else ()
        shown = [name for one in self._rules.channels.get(channel, ()) for name in one.locations]
        every = ([name for name in names if name in positions] for names in (said, shown, positions))
        return next(filter(None, every), [])

    def _is_known(self, line: Reserved, location: str, positions: Mapping[str, list[Counted]]) -> bool:
        return self._waiting(line, location, positions).known

    def waiting(self, line: Reserved) -> Waiting | None:
        """How it stands between the sale and the owner of where it takes from; None where nobody counts."""
        positions = self._positions(line.sku)
        names = self._locations(line.channel, line.place, positions)
        return self._waiting(line, names[0], positions) if names else None

    def _waiting(self, line: Reserved, location: str, positions: Mapping[str, list[Counted]]) -> Waiting:
        """The owner's count knows of the sale when it was told of it, and has counted since."""
        owner, rows = self._rules.normaliser.owner(line.sku, location), positions[location]
        since_us = self._since_us(line, owner, location)
        counted_us = max(_as_of(rows), self._reading(owner).whole_us)
        return Waiting(
            owner=owner, since_us=since_us, known=line.channel == owner or 0 < since_us < counted_us,
            items=tuple(row.item for row in rows),
        )  # fmt: skip

    def _since_us(self, line: Reserved, owner: str, location: str) -> int:
        by_flow, settle_us = seen_by(self._rules, line.channel, self._rules.group(line.sku), location)
        if not by_flow:
            return line.accepted_us + settle_us
        told_us = self._work.told_owner_us(owner, line.channel, line.sale, line.version)
        return told_us + settle_us if told_us else 0

    def _all_counted(self, sku: str) -> list[Counted]:
        """Asked once for all channels."""
        if sku not in self._counted:
            self._counted[sku] = self._work.counted(sku)
        return self._counted[sku]

    def _reserved(self, sku: str) -> list[Reserved]:
        if sku not in self._unseen:
            self._unseen[sku] = self._work.reserved(sku)
        return self._unseen[sku]

    def _reading(self, system: str) -> Read:
        """How far the system was read."""
        if system not in self._readings:
            self._readings[system] = self._work.reading(system, "levels")
        return self._readings[system]

    def _stale(self, channel: Channel, counted: list[str], parts: Iterable[str]) -> str:
        """Whose silence keeps us from publishing, in words."""
        for name in counted or channel.locations:
            for part in parts:
                owner = self._rules.normaliser.owner(part, name)
                minutes = self._terms(channel, part, name).source_stale_minutes
                fresh_us = self._reading(owner).fresh_us
                silent_us = self._now_us - fresh_us
                if silent_us > minutes * MINUTE_US:
                    since = f"for {silent_us // MINUTE_US} min" if fresh_us else "since the beginning"
                    return f"{owner} has said nothing {since} ({minutes:g} min allowed): nothing is published of it"
        return ""

    # -- what the place shows of it

    def _shown_of(self, channel: Channel, place: str, sku: str, location: str, pieces: int, terms: list[Term]) -> int:
        share = self._terms(channel, sku, location).share
        mine = int(Decimal(pieces) * Decimal(str(share)))
        if mine != pieces:
            terms.append(Term(what=f"share of {share:g} for {channel.system}", amount=mine - pieces, location=location))
        shown, _ = self._rules.normaliser.shown(channel.system, location, sku, mine)
        units = shown.get(place, 0)
        if units != mine:
            terms.append(Term(what=self._units(channel, sku), amount=units - mine, location=location))
        return units

    def _units(self, channel: Channel, sku: str) -> str:
        pack = self._rules.normaliser.pack(channel.system, sku)
        return f"in packs of {pack}, the rest stays" if pack > 1 else "shown at other places of the channel"

    def _bounded(self, channel: Channel, place: str, sku: str, total: int, row: Shown | None, terms: list[Term]) -> int:
        policy = self._rules.terms(channel, sku, place)
        if row is not None and row.missing:
            terms.append(term_of_gone(Gone((channel.system, place, sku), row.missing, row.missing_us), row.missing))
            total -= row.missing
        bounded = max(0, total)
        if total < 0:
            terms.append(Term(what=NO_LESS, amount=-total))
        if policy.cap and bounded > policy.cap:
            terms.append(Term(what=f"never more than {policy.cap}", amount=policy.cap - bounded))
            bounded = policy.cap
        if bounded < policy.floor:
            terms.append(Term(what=f"below {policy.floor} is shown as 0", amount=-bounded))
            bounded = 0
        if bounded > MOST:
            terms.append(Term(what=f"no channel takes more than {MOST}", amount=MOST - bounded))
            bounded = MOST
        return bounded

    def _terms(self, channel: Channel, sku: str, location: str) -> Publish:
        return (
            channel.publish.terms(channel.system, self._rules.group(sku), location)
            if channel.publish.rule
            else channel.publish
        )


def seen_by(rules: StockRules, channel: str, group: str, location: str) -> tuple[bool, int]:
    """Whether the owner of a location is told of this channel's sales by a flow of ours, and how long after that, or else after a
    sale, its counts have it in them, in microseconds: as the flow says that shows the location there, else the first."""
    channels = rules.channels.get(channel, ())
    shows = next((one for one in channels if location in one.locations), channels[0] if channels else None)
    policy = (shows.publish if shows else Publish()).terms(channel, group, location)
    by_flow = bool(policy.sales_seen_by) and rules.source_of(policy.sales_seen_by) == channel
    return by_flow, round(policy.sales_seen_after_minutes * MINUTE_US) or SEEN_AFTER_US


def settled_at_us(row: Shown, terms: Publish, now_us: int) -> int:
    """Before that the place is not written again. A clock that was set back keeps nobody waiting for longer."""
    return min(row.written_us, now_us) + round(terms.settle_seconds * 1e6) if row.written_us else 0


def _as_of(rows: Iterable[Counted]) -> int:
    """Of a clock that is fast: no count holds later than it was told."""
    return min(min(one.as_of_us, one.told_us) for one in rows)


def _spread(pieces: int, names: list[str], left: dict[str, int]) -> Iterator[tuple[str, int]]:
    """From each location what it has left; what none has is the first one's to miss."""
    for name in names if len(names) > 1 else ():
        part = min(pieces, max(0, left[name]))
        if part:
            left[name], pieces = left[name] - part, pieces - part
            yield name, part
    if pieces:
        yield names[0], pieces

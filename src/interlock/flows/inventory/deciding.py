"""What a place should be written now, if anything: its sum beside what it is known to show, what is in doubt, and whom that asks."""

from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from interlock.flows.inventory.publish import Publishing
from interlock.flows.inventory.rules import Channel, StockRules
from interlock.flows.inventory.settling import reference_of
from interlock.flows.inventory.sums import Sum
from interlock.flows.inventory.unshown import units_newly_sold
from interlock.messaging.finished import Finished, Stop, dead, failure_of
from interlock.messaging.releases import Document
from interlock.messaging.stock import Line, Place, Seen
from interlock.messaging.stock_book import FOREIGN, Happened, Shown, StockWork

LOOK_AGAIN_SECONDS: Final = 900.0
"""A place whose source is silent is looked at again so often, at once when that says something: in the midst of a full sync 100,000
of them wait."""
LOOK_SOON_SECONDS: Final = 60.0
"""And one that has a call without an answer or a person's number, which are few, and which nothing wakes."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What one place should show. `line` is what has to be written, None when the channel shows it already (`because`)."""

    line: Line | None
    because: str = ""


class Doubt(NamedTuple):
    """What may have been written: quantities of calls without an answer that may land still. `compares`: one that lands late is
    refused by the channel itself; `lists_late`: what it shows may lack its newest sales."""

    quantities: tuple[int, ...]
    compares: bool
    lists_late: bool = False

    def of(self, row: Shown) -> bool:
        """Whether only a write can tell what the place shows: what was read there may be overtaken."""
        unknown = row.seen is None and (row.written is not None or row.seen_us < 0)  # of what was known once
        return not self.compares and (bool(self.quantities) or unknown)

    def needs_reading(self, row: Shown) -> bool:
        """Whether the place is read before anything is decided. Where an event has said something of it, the compare of the next
        write tells as much, if there is one: mostly it was the echo of our own."""
        if self.quantities or (row.sold and self.compares):
            return True
        is_compared = self.compares and row.seen is not None and row.stocked and row.trouble != FOREIGN
        return row.seen_us == 0 or (row.seen_us < 0 and not is_compared)


class Asked(NamedTuple):
    """A place that a delivery is about. `known` is what we knew of it when its channel was asked; `told`: a person has replayed the
    delivery."""

    channel: Channel
    known: Shown
    doubt: Doubt
    told: bool


class Deciding:
    """In the transaction that keeps what was seen."""

    def __init__(self, work: StockWork, rules: StockRules, asked: Asked, now_us: int) -> None:
        self._work = work
        self._rules = rules
        self._channel, self._known, self._doubt, self._told = asked
        self._now_us = now_us

    def decide(self, seen: Seen | None) -> Document | Stop | None:
        """None, and nothing kept: the place is in doubt, and there is nothing to write."""
        known = self._known
        row = self._work.shown(known.channel, known.place, known.sku)
        if row is None:  # a release has given it another name while it was read
            return shown_no_more(known.channel, known.place, f"no {known.sku}")
        unsure = self._doubt.of(row)
        if seen is not None:
            row, may_fall = self._read(row, seen)
            unsure = unsure or may_fall
        elif row.sold and row.seen is not None:  # a channel that cannot compare may show its own sales late
            row = replace(row, seen=max(0, row.seen - row.sold), sold=0)
        found = Publishing(self._work, self._rules, self._now_us).sum(self._channel, row.place, row.sku, row)
        is_answered = self._told and _is_answered(known, seen)
        if found.suspended:
            return self._suspend(row, found, is_answered=is_answered)
        differs = _differs(row, found, unsure=unsure)
        if not differs and seen is None and row.seen_us <= 0:
            return None
        if row.trouble == FOREIGN and differs and not is_answered:
            return self._ask(row, found)
        row = _decided(row, found.quantity, self._now_us, differs=differs)
        self._work.show(row)
        if differs:
            return Document(value=Wanted(line=_line_of(row, found, seen)), version=row.change)
        words = f"{row.channel} shows {row.seen or 0} already"
        return Document(value=Wanted(line=None, because=words), version=row.change)

    # -- what was read

    def _read(self, row: Shown, seen: Seen) -> tuple[Shown, bool]:
        """The place with what it shows, and whether that may be what it had before its newest sales."""
        asks = self._rules.terms(self._channel, row.sku, row.place).heal == "ask"
        row = _as_written(row, seen, self._doubt)
        sold = 0
        if self._doubt.lists_late:
            sold = units_newly_sold(self._work, self._rules, row.channel, row.sku, self._now_us)
        is_raised = row.seen is not None and seen.quantity > row.seen
        less = seen if is_raised and not asks else _less_sold(self._known, row, seen, sold)
        is_more = row.seen is None or less.quantity > row.seen
        has_not_fallen = less.quantity < seen.quantity and not is_raised  # or it had, and a write of ours went over it
        is_doubtful = is_more or has_not_fallen or self._known.seen_us == 0
        return self._was_seen(row, less, asks=asks), is_doubtful and sold > 0

    def _was_seen(self, row: Shown, seen: Seen, *, asks: bool) -> Shown:
        """What the channel shows now, against what it showed when we looked or wrote last: fewer may be a sale that is not told
        yet and counts as sold until its time is up; more is somebody's hand. A sale that was to go and has not was gone before it
        was told. What was told while the channel was read may be of after that: the place is read again, and a sale is still to be
        expected."""
        known, gone = self._known, 0 if row.seen is None else row.seen - seen.quantity
        missing, missing_us = row.missing, row.missing_us
        if row.seen is not None and gone >= 0:
            missing = max(0, missing - max(0, known.sold - gone))
        if gone > row.sold:
            missing, missing_us = missing + gone - row.sold, self._now_us
        elif gone < 0:
            missing = max(0, missing + gone)
            self._work.happened(Happened(
                at_us=self._now_us, kind="foreign", sku=row.sku, system=row.channel, place=row.place, name="available",
                before=row.seen, after=seen.quantity, why="somebody else wrote it", as_of_us=seen.at_us,
            ))  # fmt: skip
        return replace(
            row, seen=seen.quantity, seen_us=self._now_us if row.seen_us == known.seen_us else row.seen_us,
            sold=max(0, row.sold - max(gone, known.sold)), missing=missing, missing_us=missing_us if missing else 0,
            stocked=seen.stocked, trouble=FOREIGN if gone < 0 and asks else row.trouble,
        )  # fmt: skip

    # -- what keeps it from being written

    def _suspend(self, row: Shown, found: Sum, *, is_answered: bool) -> Stop:
        """Nobody is asked now: a number that somebody else wrote is read, and asked about, later."""
        unasked = row.trouble == FOREIGN and not is_answered
        self._work.show(replace(row, said=found.suspended, seen_us=0 if unasked else row.seen_us))
        soon = row.trouble or self._doubt.quantities
        return suspended(found, self._now_us, LOOK_SOON_SECONDS if soon else LOOK_AGAIN_SECONDS)

    def _ask(self, row: Shown, found: Sum) -> Stop:
        words = f"{row.channel} shows {row.seen}, {found.quantity} is right: somebody else wrote it"
        self._work.show(replace(row, said=words))
        return dead("foreign", FOREIGN, words)


def _differs(row: Shown, found: Sum, *, unsure: bool) -> bool:
    """Whether the place has to be written: what it does not carry needs no zero."""
    if not row.stocked:
        return found.quantity != 0
    return unsure or found.quantity != row.seen


def _is_answered(known: Shown, seen: Seen | None) -> bool:
    """Whether a person who has the delivery replayed answers by that: the question stood, and is about the number that is shown,
    or about one of which something may have been sold since. A number that somebody has put up since is another question."""
    higher = seen is not None and known.seen is not None and seen.quantity > known.seen
    return known.trouble == FOREIGN and known.seen_us != 0 and not higher


def _decided(row: Shown, wanted: int, now_us: int, *, differs: bool) -> Shown:
    """A question is answered by what is written, or by a place that shows the right number; that has no trouble of any kind: what
    was refused there once would keep the next sale's number away."""
    answered = not differs or row.trouble in ("", FOREIGN)
    return replace(
        row, wanted=wanted, wanted_us=now_us, change=row.change + differs,
        trouble="" if answered else row.trouble, said="" if answered else row.said,
    )  # fmt: skip


def _as_written(row: Shown, seen: Seen, doubt: Doubt) -> Shown:
    """A place that shows what a call without an answer wrote, less what was sold since, was written by it: nobody took the rest."""
    ours = [one for one in doubt.quantities if seen.quantity in (one, one - row.sold)]
    return replace(row, seen=ours[-1]) if ours and row.seen is not None else row


def _less_sold(known: Shown, row: Shown, seen: Seen, sold: int) -> Seen:
    """More than is expected, by no more than was sold there a moment ago, is nobody's hand where sales are listed late: it will show
    what we expect."""
    if row.seen is None or not (expected := max(0, row.seen - known.sold)) < seen.quantity <= expected + sold:
        return seen
    return replace(seen, quantity=expected)


def _line_of(row: Shown, found: Sum, seen: Seen | None) -> Line:
    """Compared with what was just read, also where that will come to show another number by itself."""
    shown = row.seen if seen is None else seen.quantity
    return Line(
        place=Place(row.item, row.place), quantity=found.quantity, sku=row.sku, change_from=shown if row.stocked else None,
        activate=not row.stocked, as_of_us=found.as_of_us,
        reference=reference_of(row),
    )  # fmt: skip


def shown_no_more(system: str, place: str, what: str) -> Stop:
    """It was, when the delivery was opened."""
    words = f"the folder shows {what} at {place} of {system} any more"
    return Stop(Finished(state="cancelled", failure=failure_of("no_flow", "STK011", words)))


def suspended(found: Sum, now_us: int, again_seconds: float) -> Stop:
    """Nothing is published now."""
    failure = failure_of("suspended", "STK010", found.suspended)
    return Stop(
        Finished(state="waiting", failure=failure, not_before_ms=now_us // 1_000 + round(again_seconds * 1_000))
    )

"""Why a channel shows another number than it should: the first cause that fits, with its numbers and the next move. Pure."""

from typing import Final

import msgspec

from interlock.flows.inventory.sums import Sum
from interlock.messaging.accuracy import Cause, Known, Work
from interlock.messaging.delivery import OPEN
from interlock.messaging.stock_book import FOREIGN, Shown

YOUNG_MS: Final = 60_000
"""A delivery that is open for no longer than this is on its way; one that is older is late."""
ON_ITS_WAY: Final = ("pending", "running", "uncertain")
IN_PACKS: Final = "in packs of"
NOTHING: Final = "nothing: it is brought right by itself"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one place. `shown` None: the channel does not list it. `work` is its delivery. `lost`: what the source says
    beside what we knew, in words. `set_us`: since when the channel shows that, 0 when it does not say. `grace_us`: how long a
    number that fell may wait for the sale that explains it. `before`: the difference as the last run found it."""

    row: Shown
    shown: int | None
    found: Sum
    now_us: int
    grace_us: int
    pack: int = 1
    work: Work | None = None
    lost: str = ""
    set_us: int = 0
    before: Known | None = None
    unshown: int = 0
    """Units of its newest sales that a channel which compares nothing may not have taken from its listing yet."""
    just_known: bool = False
    """Whether a sale of it is in its owner's count, and was not marked so yet: what is right has changed before anybody worked it out."""

    @property
    def quantity(self) -> int:
        """What a buyer can have there."""
        return self.shown or 0

    @property
    def expected(self) -> int | None:
        """What it showed when we looked or wrote last, less what it has told as sold since."""
        return None if self.row.seen is None else max(0, self.row.seen - self.row.sold)


class Verdict(msgspec.Struct, frozen=True):
    """The cause, in words, and what to do."""

    cause: Cause
    what: str
    next_move: str = NOTHING
    watched: bool = False
    """Of what is in flight: a number that fell, until a sale explains it or its time is up."""


def is_on_its_way(case: Case) -> bool:
    """Whether a write is under way that was opened a moment ago. While nothing is published of the place there is none, whatever its
    delivery does."""
    work = case.work
    if work is None or case.found.suspended or work.state not in ON_ITS_WAY:
        return False
    return case.now_us // 1_000 - work.since_ms < YOUNG_MS


def verdict_of(case: Case) -> Verdict:
    """Of a place that differs."""
    row, work = case.row, case.work
    head = f"{row.channel} shows {'nothing' if case.shown is None else case.shown}, {case.found.quantity} is right"
    if case.found.suspended:
        return Verdict(
            "source_stale", case.found.suspended, "let its source of truth count again; zeros are never written"
        )
    if not row.item or row.trouble in ("STK001", "STK005"):
        return Verdict(
            "unmapped",
            row.said or f"{row.channel} does not list {row.sku}",
            "list it there, or name it in inventory/items.toml",
        )
    if case.lost:
        return Verdict("lost_event", f"{case.lost}: nobody had told of it")
    if row.trouble and row.trouble != FOREIGN:
        return Verdict(
            "refused", f"{head}: it was refused, {row.trouble} {row.said}", "correct it there, then replay its delivery"
        )
    if is_on_its_way(case):
        return Verdict("in_flight", "a write is on its way")
    if work is not None and work.state in OPEN and not _waits_for_nothing(work, case):
        return Verdict(
            "late", f"{head}: its write waits ({work.state}{_why(work)})", "nothing: it goes out as soon as it may"
        )
    return _unexplained(case, head)


def _waits_for_nothing(work: Work, case: Case) -> bool:
    """Whether it waits since its source was silent, and would write nothing: the place was right, as far as we know."""
    return work.reason == "suspended" and case.expected == case.found.quantity


def _unexplained(case: Case, head: str) -> Verdict:
    """No trouble of ours stands behind it."""
    row, expected = case.row, case.expected
    if row.trouble == FOREIGN:
        return Verdict("foreign", row.said or f"{head}: somebody else wrote it", "replay its delivery to write ours")
    if expected is not None and expected < case.quantity <= expected + case.unshown:
        return Verdict("in_flight", f"{head}: its newest sales are perhaps not taken from it yet")
    if case.just_known and case.quantity == expected == row.wanted:
        return Verdict("in_flight", f"{head}: who counts it has a sale in it since a moment ago, and its write follows")
    if _is_other_rounding(case):
        return Verdict("rounding", f"{head}: packs of {case.pack}, rounded otherwise")
    if expected is not None and case.quantity != expected:
        if case.quantity < expected and not _has_waited(case):
            words = f"{head}: fewer than the {expected} it had, perhaps a sale that is not told yet"
            return Verdict("in_flight", words, watched=True)
        return Verdict("foreign", f"{head}: it had {expected}, and no sale explains the difference")
    before = case.before
    if before is not None and before.cause not in ("in_flight", "unknown") and before.shown == case.shown:
        return Verdict(before.cause, f"{head}, as before")
    if case.shown is None and not row.written_us:
        return Verdict("unmapped", f"{head}: it does not carry it there")
    return Verdict("unknown", f"{head}, and nothing explains it", "look at its changes: interlock stock " + row.sku)


def _has_waited(case: Case) -> bool:
    """Whether the sale that would explain it should have been told by now."""
    since_us = case.set_us or (case.before.since_ms * 1_000 if case.before else case.now_us)
    return case.now_us - since_us > case.grace_us


def _is_other_rounding(case: Case) -> bool:
    """Whether it shows our pieces in whole packs, only rounded the other way."""
    if case.pack <= 1:
        return False
    in_packs = sum(term.amount for term in case.found.terms if term.what.startswith(IN_PACKS))
    return abs(case.quantity * case.pack - (case.found.quantity - in_packs)) < case.pack


def _why(work: Work) -> str:
    return f", {work.reason}: {work.error}" if work.reason else ""

"""What is done about a difference: a delivery that brings it right, a question to a person, or nothing; and what to do next, in words."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from interlock.flows.inventory.causes import Verdict
from interlock.flows.inventory.rules import Channel, StockRules
from interlock.flows.inventory.tally import Judged
from interlock.messaging.accuracy import Difference, Healing
from interlock.messaging.delivery import REPLAY
from interlock.messaging.stock_book import FOREIGN, Shown, StockWork, Wish

AS_THE_FLOW_SAYS: Final = ("foreign", "rounding", "unknown")
"""Causes of which `heal` says whether they are brought right or asked about."""
BY_ITSELF: Final = ("late", "lost_event", "in_flight")


class Mending:
    """Of one run. `channels`: who shows each place."""

    def __init__(self, rules: StockRules, channels: Mapping[str, Channel], *, dry: bool) -> None:
        self._rules = rules
        self._channels = channels
        self._dry = dry

    def open(self, work: StockWork, *, judged: Sequence[Judged], now_ms: int) -> int:
        """Read and written by a delivery like any other: it compares, it follows the policy, and it asks where that says so. Returns
        how many were opened."""
        return sum(
            self._open(work, one, now_ms)
            for one in judged
            if self._healing(one) in ("healing", "asked") and _is_ours(one)
        )

    def _open(self, work: StockWork, one: Judged, now_ms: int) -> bool:
        row = work.shown(one.row.channel, one.row.place, one.row.sku)
        if row is None or (row.trouble and row.trouble != FOREIGN):
            return False
        is_asked = self._asks(row) and one.verdict is not None and one.verdict.cause != "in_flight"
        work.show(msgspec.structs.replace(row, seen_us=0, trouble=FOREIGN if is_asked else row.trouble))
        work.wish(
            Wish(flow=row.flow, system=self._channels[row.place].source, channel=row.channel, sku=row.sku, place=row.place,
                 release=self._rules.release, priority=REPLAY),
            now_ms,
        )  # fmt: skip
        return True

    def difference(
        self, one: Judged, verdict: Verdict, *, location: str, group: str, price: tuple[str, str], now_ms: int, run: int
    ) -> Difference:
        """As it is kept; `price` of one, and its currency."""
        row = one.row
        healing: Healing = "found" if self._dry else self._healing(one)
        return Difference(
            channel=row.channel, place=row.place, sku=row.sku, location=location, cause=verdict.cause, what=verdict.what,
            next_move=_next_move(verdict, healing), state=healing, wanted=one.wanted, shown=one.shown, known=row.seen, item=row.item,
            group=group, price=price[0], currency=price[1], since_ms=now_ms, last_ms=now_ms, run=run,
        )  # fmt: skip

    def _healing(self, one: Judged) -> Healing:
        cause = one.verdict.cause if one.verdict else ""
        if cause in AS_THE_FLOW_SAYS:
            return "asked" if self._asks(one.row) else "healing"
        if cause == "refused":
            return "asked"
        return "healing" if cause in BY_ITSELF else "left"

    def _asks(self, row: Shown) -> bool:
        return self._rules.terms(self._channels[row.place], row.sku, row.place).heal == "ask"


def _is_ours(one: Judged) -> bool:
    """Whether a delivery has to be opened: not where one is open, or follows from what the source has told."""
    if one.verdict is None or one.aside or not one.row.item:
        return False
    if one.verdict.watched:
        return one.row.seen_us > 0
    return one.verdict.cause in AS_THE_FLOW_SAYS and one.row.trouble != FOREIGN


def _next_move(verdict: Verdict, healing: Healing) -> str:
    if healing == "asked" and verdict.cause != "refused":
        return "interlock replay its delivery to write our number, or leave theirs until its stock changes"
    if healing == "found" and verdict.cause in (*AS_THE_FLOW_SAYS, "lost_event"):
        return "compare without --dry-run: it is brought right then"
    return verdict.next_move

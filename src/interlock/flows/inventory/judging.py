"""Looks again at what was listed as different: what moved meanwhile is no difference, and what is one gets the first cause that fits.

Whatever differs is read once more, place by place, and counts only when its row in the book stood still meanwhile and no write to it
is on its way.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec

from interlock.clock import Clock
from interlock.flows.inventory.asking import Stocked
from interlock.flows.inventory.causes import Case, Verdict, is_on_its_way, verdict_of
from interlock.flows.inventory.publish import Publishing
from interlock.flows.inventory.recount import Recount
from interlock.flows.inventory.rules import Channel
from interlock.flows.inventory.tally import Judged
from interlock.flows.inventory.unshown import units_newly_sold
from interlock.messaging.accuracy import AccuracyBook, Differs, Known, Run, Work
from interlock.messaging.stock import Place, Seen, lists_late
from interlock.messaging.stock_book import Shown, StockBook, StockWork, key_of

Rows = Mapping[tuple[str, str], Shown]
"""By SKU and place."""


class _Beside(NamedTuple):
    """What is known of places beside their rows: what these were before the second look, what that saw, their deliveries, and their
    differences as the last run found them."""

    before: Rows
    seen: Mapping[Place, Seen]
    works: Mapping[tuple[str, str], Work]
    known: Mapping[tuple[str, str], Known]


class Judging:
    """Of one run. `read` asks its channel; `holds`: whether the release still runs whose rules it compares by."""

    def __init__(
        self, run: Run, release: Stocked, channels: Mapping[str, Channel], *, book: StockBook, accounts: AccuracyBook, clock: Clock,
        recount: Recount, read: Callable[[Sequence[Place]], Awaitable[Sequence[Seen]]], holds: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._channel = run.channel
        self._dry = run.dry
        self._rules = release.stock
        self._channels = channels
        self._lists_late = lists_late(release.stock_channel(run.channel))
        self._book = book
        self._accounts = accounts
        self._clock = clock
        self._recount = recount
        self._read = read
        self._holds = holds

    async def judge(self, rows: Sequence[Differs], *, confirm: bool) -> list[Judged]:
        """What became of each; `confirm`: after it was read again."""
        before = self._book.look(partial(_rows_of, channel=self._channel, rows=rows))
        seen: dict[Place, Seen] = {}
        if confirm:
            places = [Place(row.item, row.place) for row in rows if row.item]
            seen = {one.place: one for one in (await self._read(places) if places else ())}
        await self._recount.told([row.sku for row in rows if not row.moved], apply=not self._dry)
        works = self._accounts.work_of(self._channel, [key_of(row.sku, row.place) for row in rows])
        known = self._accounts.known(self._channel, [(row.sku, row.place) for row in rows])
        return self._book.look(partial(self._all, rows=rows, beside=_Beside(before, seen, works, known)))

    def _all(self, work: StockWork, *, rows: Sequence[Differs], beside: _Beside) -> list[Judged]:
        publishing = Publishing(work, self._rules, self._clock.now_ms() * 1_000)
        now = _rows_of(work, channel=self._channel, rows=rows)
        judged = []
        for each in rows:
            at = each.sku, each.place
            if at not in now or at not in beside.before:
                continue  # the folder has dropped it meanwhile
            row = now[at]
            if row.item and work.unwritable(self._channel, row.item):
                judged.append(Judged(row=row, aside=True))
                continue
            moved = self._moved(each, beside.before[at], row, confirmed=Place(each.item, each.place) in beside.seen)
            judged.append(
                self._ruled(self._case(work, publishing, each, row, beside), moved=moved or not self._holds())
            )
        return judged

    # -- what is known of one

    def _case(self, work: StockWork, publishing: Publishing, each: Differs, row: Shown, beside: _Beside) -> Case:
        channel, again, now_us = (
            self._channels[each.place],
            beside.seen.get(Place(each.item, each.place)),
            self._clock.now_ms() * 1_000,
        )
        policy = self._rules.terms(channel, each.sku, each.place)
        return Case(
            row=row, shown=each.shown if again is None else (again.quantity if again.stocked else None),
            found=publishing.sum(channel, each.place, each.sku, row), now_us=now_us,
            grace_us=round(policy.unexplained_seconds * 1e6), pack=self._rules.normaliser.pack(channel.system, each.sku),
            work=beside.works.get((row.flow, key_of(each.sku, each.place))), lost=self._recount.lost.get(each.sku, ""),
            set_us=again.at_us if again else 0, before=beside.known.get((each.sku, each.place)),
            unshown=self._newly_sold(work, each.sku, now_us), just_known=self._is_just_known(work, publishing, each.sku),
        )  # fmt: skip

    def _newly_sold(self, work: StockWork, sku: str, now_us: int) -> int:
        """Units that a channel which lists late has sold a moment ago: what it lists may be of before (Amazon)."""
        return units_newly_sold(work, self._rules, self._channel, sku, now_us) if self._lists_late else 0

    def _is_just_known(self, work: StockWork, publishing: Publishing, sku: str) -> bool:
        parts = self._rules.normaliser.components(sku) or {sku: 1}
        waiting = (publishing.waiting(line) for part in parts for line in work.reserved(part))
        return any(one is not None and one.known for one in waiting)

    # -- what follows from it

    def _ruled(self, case: Case, *, moved: bool) -> Judged:
        wanted = None if case.found.suspended else case.found.quantity
        told = Judged(row=case.row, shown=case.shown, wanted=case.row.wanted if wanted is None else wanted)
        if case.lost and (self._dry or case.quantity != told.wanted):
            return msgspec.structs.replace(told, verdict=verdict_of(case))
        if moved or is_on_its_way(case):
            return msgspec.structs.replace(told, verdict=Verdict("in_flight", "it moved while it was compared"))
        if case.quantity == told.wanted and case.row.item:
            return told
        return msgspec.structs.replace(told, verdict=verdict_of(case))

    @staticmethod
    def _moved(listed: Differs, before: Shown, now: Shown, *, confirmed: bool) -> bool:
        """Whether it changed while it was looked at: since the second look began, or else since its page was asked for."""
        return _moving(before) != _moving(now) or (listed.moved and not confirmed)


def _rows_of(work: StockWork, *, channel: str, rows: Sequence[Differs]) -> Rows:
    found = {(row.sku, row.place): work.shown(channel, row.place, row.sku) for row in rows}
    return {key: row for key, row in found.items() if row is not None}


def _moving(row: Shown) -> tuple[object, ...]:
    """What changes when a place is counted, read, sold from or written."""
    return row.seen, row.seen_us, row.written_us, row.wanted, row.change, row.sold, row.missing

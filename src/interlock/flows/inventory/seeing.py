"""Sales become known to their owners: whose items are counted again because it was told, and which lines are subtracted no more.

An order is delivered to the owner of what it takes, and from its next count on the owner knows of it (C61). Nobody walks all sales
that wait: those are looked at of which an owner was told since the last look, or whose time has come with what the owner has told
whole, and a few of all the others in turn, for what neither finds (a new release, an owner that has changed).
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Final

import msgspec

from interlock.clock import Clock
from interlock.flows.inventory.desk import StockDesk
from interlock.flows.inventory.publish import Publishing, Waiting, seen_by
from interlock.flows.inventory.rules import StockRules
from interlock.flows.inventory.taking import Taking
from interlock.flows.inventory.upkeep import HUB
from interlock.messaging.stock_book import Read, Reserved, StockBook, StockWork, ToldMark, UnseenMark

AT_ONCE: Final = 200
"""Sales in one transaction: some milliseconds."""
TAKEN_IN_MS: Final = 2_000
"""So long after an order was delivered, its sale has been taken in as well."""
DAY_MS: Final = 86_400_000
"""So long ago begins who has never looked."""
ROUND_EVERY_US: Final = 30_000_000
FIRST: Final = (0, "", "", "", "")
MARKS: Final = "seen/"
"""Before an owner's name, what the hub keeps beside what was read: how far its sales were looked at."""


class Marks(msgspec.Struct):
    """How far sales were looked at for one owner: as it was told of them, and by how long its counts take to have them, as it has
    told whole what was told, or else accepted, before."""

    asked: ToldMark
    told: dict[int, ToldMark] = {}
    accepted: dict[int, UnseenMark] = {}


class Seeing:
    """Looked after twice a second; each look costs what has become known, not what waits."""

    def __init__(self, book: StockBook, desk: StockDesk, clock: Clock) -> None:
        self._book = book
        self._desk = desk
        self._clock = clock
        self._round: UnseenMark = FIRST
        self._round_us = 0

    async def look(self, rules: StockRules, lags: Mapping[str, float]) -> None:
        """`lags`: owners that can be asked for single items, and how many seconds old their levels are when they are read."""
        for owner in sorted(rules.counting):
            await self._look_at(owner, rules, lags)
        await self._look_round(rules, lags)

    async def _look_at(self, owner: str, rules: StockRules, lags: Mapping[str, float]) -> None:
        now_ms = self._clock.now_ms()
        marks, whole_us = self._book.look(partial(_known, owner=owner, now_ms=now_ms))
        by_flow, by_time = _settling(rules)
        while told := self._told(owner, marks.asked, now_ms - TAKEN_IN_MS):
            marks.asked = told[-1]
            await self._settle(rules, _sales(told), lags, owner, marks)
        for settle_us in by_flow:
            last_ms = (whole_us - settle_us - 1) // 1_000
            marks.told.setdefault(settle_us, (last_ms - DAY_MS, "", ""))
            while told := self._told(owner, marks.told[settle_us], last_ms):
                marks.told[settle_us] = told[-1]
                await self._settle_items(rules, _sales(told), owner, marks)
        for settle_us in by_time:
            last_us = whole_us - settle_us - 1
            marks.accepted.setdefault(settle_us, (last_us - DAY_MS * 1_000, "", "", "", ""))
            while lines := self._unseen(marks.accepted[settle_us], last_us):
                marks.accepted[settle_us] = _mark(lines[-1])
                await self._settle_items(rules, _sales_of(lines), owner, marks)

    async def _look_round(self, rules: StockRules, lags: Mapping[str, float]) -> None:
        """A few of all in turn."""
        now_us = self._clock.now_ms() * 1_000
        if 0 <= now_us - self._round_us < ROUND_EVERY_US:
            return
        self._round_us = now_us
        lines = self._unseen(self._round, now_us)
        self._round = _mark(lines[-1]) if len(lines) == AT_ONCE else FIRST
        if lines:
            await self._settle(rules, _sales_of(lines), lags)

    async def _settle(
        self,
        rules: StockRules,
        sales: Collection[tuple[str, str]],
        lags: Mapping[str, float],
        owner: str = "",
        marks: Marks | None = None,
    ) -> None:
        """Lines of these sales, by channel and key, as they are by now."""
        now_us = self._clock.now_ms() * 1_000

        def work(book: StockWork) -> int:
            taking = Taking(book, rules, now_us)
            for waiting in taking.see([line for sale in sales for line in book.reserved_of(*sale)]):
                ask(book, waiting, lags, now_us)
            if marks is not None:
                book.read(HUB, MARKS + owner, Read(cursor=msgspec.json.encode(marks).decode()))
            return taking.finish()

        if await self._book.run(work):
            self._desk.wake()
        await self._clock.sleep(0)  # between transactions others have their turn

    async def _settle_items(
        self, rules: StockRules, sales: Collection[tuple[str, str]], owner: str, marks: Marks
    ) -> None:
        """What these sales took, with all other sales of it: so that it is worked out once and not for each of them."""
        left = sorted(self._book.look(partial(_unseen_items, sales=sales)))
        now_us = self._clock.now_ms() * 1_000

        def work(book: StockWork) -> tuple[int, list[str]]:
            taking, looked, skus = Taking(book, rules, now_us), 0, list(left)
            while skus and looked < AT_ONCE:
                lines = taking.told_of(skus.pop(), owner)
                taking.see(lines)
                looked += len(lines)
            if not skus:
                book.read(HUB, MARKS + owner, Read(cursor=msgspec.json.encode(marks).decode()))
            return taking.finish(), skus

        more = True
        while more:
            opened, left = await self._book.run(work)
            if opened:
                self._desk.wake()
            await self._clock.sleep(0)
            more = bool(left)

    def _told(self, owner: str, after: ToldMark, until_ms: int) -> list[ToldMark]:
        return self._book.look(lambda work: work.told_after(owner, after, until_ms, AT_ONCE))

    def _unseen(self, after: UnseenMark, until_us: int) -> list[Reserved]:
        return self._book.look(lambda work: work.unseen(after, until_us, AT_ONCE))


def ask(work: StockWork, waiting: Waiting, lags: Mapping[str, float], now_us: int) -> None:
    """Have its items read again as soon as the owner's levels have the sale in them."""
    if waiting.owner in lags:
        for item in waiting.items:
            due_us = waiting.since_us + round(lags[waiting.owner] * 1e6) + 1_000
            work.ask(waiting.owner, item, waiting.since_us, max(due_us, now_us))


def ask_of_later(
    work: StockWork, rules: StockRules, owner: str, items: Sequence[str], *, lag: float, asked_us: int, now_us: int
) -> None:
    """Items were read: those that were sold in the meantime, and of which that reading says nothing, are to be read once more, when
    it says something of all these sales: what sells all the time is read now and then."""
    publishing = Publishing(work, rules, now_us)
    for sku in {sku for item in items for sku in work.skus_as(owner, item)}:
        found = [waiting for line in work.reserved_told(sku, owner) if (waiting := publishing.waiting(line))]
        later = [one for one in found if not one.known and one.since_us + round(lag * 1e6) >= asked_us]
        if later:
            ask(work, max(later, key=lambda one: one.since_us), {owner: lag}, now_us)


def _settling(rules: StockRules) -> tuple[set[int], set[int]]:
    """How long the counts of owners take to have a sale in them: after our flow has told them, and after it was accepted."""
    groups = ("", *(group.name for group in rules.inventory.groups))
    found = {seen_by(rules, *place) for place in product(rules.channels, groups, rules.seen_apart)}
    return {settle_us for told, settle_us in found if told}, {settle_us for told, settle_us in found if not told}


def _known(work: StockWork, *, owner: str, now_ms: int) -> tuple[Marks, int]:
    """How far its sales were looked at, and up to when it has told all there is."""
    kept = work.reading(HUB, MARKS + owner).cursor
    marks = msgspec.json.decode(kept, type=Marks) if kept else Marks(asked=(now_ms - DAY_MS, "", ""))
    return marks, work.reading(owner, "levels").whole_us


def _unseen_items(work: StockWork, *, sales: Collection[tuple[str, str]]) -> set[str]:
    return {line.sku for sale in sales for line in work.reserved_of(*sale) if line.quantity > line.seen}


def _sales(told: Sequence[ToldMark]) -> Collection[tuple[str, str]]:
    return dict.fromkeys((channel, sale) for _, channel, sale in told)


def _sales_of(lines: Sequence[Reserved]) -> Collection[tuple[str, str]]:
    return dict.fromkeys((line.channel, line.sale) for line in lines)


def _mark(line: Reserved) -> UnseenMark:
    return line.accepted_us, line.sku, line.channel, line.sale, line.place

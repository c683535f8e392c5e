"""What a new release and time alone change about stock: places are worked out again, what waited too long is settled, the old goes."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import Final

import msgspec

from interlock.clock import Clock
from interlock.flows.inventory.desk import StockDesk
from interlock.flows.inventory.rules import StockRules
from interlock.flows.inventory.signals import sift
from interlock.messaging.stock_book import Read, StockBook, StockWork

HUB: Final = ""
"""In place of a system, what the hub itself has read: the rules that places were worked out by."""
SKUS_AT_ONCE: Final = 200
FORGET_EVERY_SECONDS: Final = 3_600.0
DAY_SECONDS: Final = 86_400.0

_encode = msgspec.json.encode


class StockUpkeep:
    """Looked after twice a second."""

    def __init__(
        self, book: StockBook, desk: StockDesk, clock: Clock, *, retry_halted: Callable[[], Awaitable[None]],
        history_days: Callable[[], float],
    ) -> None:  # fmt: skip
        self._book = book
        self._desk = desk
        self._clock = clock
        self._retry_halted = retry_halted
        self._history_days = history_days
        self._forgot_us = 0

    def is_followed(self, rules: StockRules) -> bool:
        """Whether places were worked out by these rules."""
        return self._book.look(lambda work: work.reading(HUB, "rules")).cursor == rules.release

    async def follow(self, rules: StockRules) -> None:
        """New rules change what places show: every SKU is worked out again, some at a time. Lines that had stopped may be known by
        now; and where a count means another number of pieces than before, or another item, all counts are read again: who tells
        what changed tells no more of them."""
        named = hashlib.sha256(_encode(rules.inventory)).hexdigest()
        if self._book.look(lambda work: work.reading(HUB, "inventory")).cursor != named:
            await self._book.run(partial(_read_anew, systems=rules.counting, named=named))
        await self._retry_halted()
        await sift(self._book, rules, self._clock)
        after = ""
        while skus := self._book.look(partial(_skus_after, after=after)):
            await self._desk.again(skus, behind=True)
            after = skus[-1]
        await self._book.run(partial(_followed, release=rules.release))

    async def forget(self) -> None:
        """Once an hour, what is too old to be asked for."""
        now_us = self._clock.now_ms() * 1_000
        if now_us - self._forgot_us < FORGET_EVERY_SECONDS * 1e6:
            return
        self._forgot_us = now_us
        kept_us = now_us - round(self._history_days() * DAY_SECONDS * 1e6)
        while await self._book.trim(now_us, kept_us):
            await self._clock.sleep(0)  # between transactions others have their turn

    async def settle_overdue(self, rules: StockRules) -> None:
        """What was missing at a channel for too long without an order that explains it."""
        now_us = self._clock.now_ms() * 1_000
        found: set[str] = set()
        for channel, place, sku, missing_us in self._book.look(lambda work: work.overdue(now_us)):
            if (shown := rules.channel(channel, place)) is None:  # the folder shows nothing there any more
                await self._book.run(partial(_waited_out, row=(channel, place, sku)))
            elif now_us - missing_us >= rules.terms(shown, sku, place).unexplained_seconds * 1e6:
                found.add(sku)
        for skus in _batches(sorted(found)):
            await self._desk.again(skus)


def _batches(skus: list[str]) -> Iterator[list[str]]:
    return (skus[begin : begin + SKUS_AT_ONCE] for begin in range(0, len(skus), SKUS_AT_ONCE))


def _skus_after(work: StockWork, *, after: str) -> list[str]:
    """Of what is counted and what is shown, a kit or what nobody counts any more, the next."""
    return sorted({*work.skus(after, SKUS_AT_ONCE), *work.placed(after, SKUS_AT_ONCE)})[:SKUS_AT_ONCE]


def _followed(work: StockWork, *, release: str) -> None:
    work.read(HUB, "rules", Read(cursor=release))


def _read_anew(work: StockWork, *, systems: Iterable[str], named: str) -> None:
    for system in systems:
        work.read(system, "levels", msgspec.structs.replace(work.reading(system, "levels"), cursor="", tried_us=0))
    work.read(HUB, "inventory", Read(cursor=named))


def _waited_out(work: StockWork, *, row: tuple[str, str, str]) -> None:
    work.waited_out(*row)

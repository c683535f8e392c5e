"""Places are looked at anew when a system of truth has told everything, or anything after a silence: nobody tells of them by name.

What it tells no more is suspended then, and what was suspended may be shown. That this has to be done is noted in the transaction
that makes it necessary, and done some SKUs at a time: all of them at once would hold everything else for a minute.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, Protocol

import msgspec

from interlock.flows.inventory.rules import StockRules
from interlock.messaging.stock_book import Read, StockBook, StockWork

ANEW: Final = "anew"
"""Beside what is read of a system: `fresh_us` when it was to be looked at anew last, `tried_us` up to which of these it was."""
SKUS_AT_ONCE: Final = 200


class Again(Protocol):
    """The desk."""

    async def again(self, skus: Iterable[str]) -> int:
        """Work these SKUs out once more."""


class LookingAnew:
    """Looked after twice a second."""

    def __init__(self, book: StockBook, desk: Again) -> None:
        self._book = book
        self._desk = desk

    def due(self, rules: StockRules) -> list[str]:
        """Systems of which there is something to be looked at."""
        return [system for system in sorted(rules.counting) if self._book.look(partial(_is_due, system=system))]

    async def look(self, systems: Sequence[str]) -> None:
        """What a kill breaks off begins anew."""
        for system in systems:
            until_us = self._book.look(partial(_mark, system=system)).fresh_us
            await self._again(_suspended)
            await self._again(partial(_untold, system=system))
            await self._book.run(partial(_looked, system=system, until_us=until_us))

    async def _again(self, some: Callable[..., list[str]]) -> None:
        after = ""
        while skus := self._book.look(partial(some, after=after)):
            await self._desk.again(skus)
            after = skus[-1]


def look_anew(work: StockWork, system: str, now_us: int) -> None:
    """From this transaction on there is something to be looked at."""
    known = _mark(work, system=system)
    work.read(system, ANEW, msgspec.structs.replace(known, fresh_us=max(now_us, known.fresh_us + 1)))


def _mark(work: StockWork, *, system: str) -> Read:
    return work.reading(system, ANEW)


def _is_due(work: StockWork, *, system: str) -> bool:
    mark = _mark(work, system=system)
    return mark.fresh_us != mark.tried_us


def _looked(work: StockWork, *, system: str, until_us: int) -> None:
    work.read(system, ANEW, msgspec.structs.replace(_mark(work, system=system), tried_us=until_us))


def _suspended(work: StockWork, *, after: str) -> list[str]:
    return work.suspended(after, SKUS_AT_ONCE)


def _untold(work: StockWork, *, system: str, after: str) -> list[str]:
    return work.untold(system, work.reading(system, "levels").listed_us, after, SKUS_AT_ONCE)

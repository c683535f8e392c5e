"""The items that a system lists: which id is which SKU there, and what is looked at again when that changes."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final

from interlock.clock import Clock
from interlock.flows.inventory.asking import Stocked, pages
from interlock.flows.inventory.desk import StockDesk
from interlock.flows.inventory.rules import BookCatalogue, StockRules
from interlock.messaging.stock import ItemPage
from interlock.messaging.stock_book import Read, StockBook, StockWork

SKUS_AT_ONCE: Final = 200
HALTED_AT_ONCE: Final = 200
LISTED: Final = "listed/"
"""Before a system's name, among what has to be looked at again: items that it lists otherwise than before."""


class Listing:
    """Reads items page by page. `is_asked` says whether counts are asked for at a system."""

    def __init__(
        self, book: StockBook, desk: StockDesk, catalogue: BookCatalogue, clock: Clock, *,
        release: Callable[[], Stocked], is_asked: Callable[[StockRules, str], bool],
    ) -> None:  # fmt: skip
        self._book = book
        self._desk = desk
        self._catalogue = catalogue
        self._clock = clock
        self._release = release
        self._is_asked = is_asked

    async def read(self, system: str) -> float:
        """All of them; what the listing shows no more is forgotten. Lines that had stopped are tried again."""
        began_us = self._clock.now_ms() * 1_000
        release = self._release()
        sources = system in release.stock.counting
        port = release.stock_source(system) if sources else release.stock_channel(system)
        page: ItemPage
        async for _, page in pages(self._clock, port.items):
            await self._book.run(partial(_list_items, system=system, page=page, began_us=began_us))

        def end(work: StockWork) -> None:
            work.read(system, "items", Read(fresh_us=began_us, tried_us=began_us))
            _note(work, system=system, items=work.drop_items(system, began_us), listing=began_us)

        await self._book.run(end)
        self._catalogue.forget()
        await self.retry_halted()
        await self._relisted(system)
        return 0.0

    async def retry_halted(self) -> None:
        """Lines that had stopped: each once, some at a time."""
        release, now_us = self._release(), self._clock.now_ms() * 1_000
        while lines := self._book.look(lambda work: work.halted(HALTED_AT_ONCE, now_us)):
            await self._desk.take_again(release, lines, now_us)

    async def _relisted(self, system: str) -> None:
        """What is listed, or listed otherwise than before, is worked out again; a count of what is another SKU now is read again."""
        rules, now_us = self._release().stock, self._clock.now_ms() * 1_000
        reads = self._is_asked(rules, system)
        while items := self._book.look(partial(_noted, system=system)):
            touched = self._book.look(partial(_touched, rules=rules, system=system, items=items))
            if skus := {sku for of_item in touched.values() for sku in of_item}:
                await self._desk.again(skus)
            moved = [item for item, of_item in touched.items() if reads and len(of_item) > 1]
            await self._book.run(partial(_looked_at, system=system, items=items, moved=moved, now_us=now_us))


def _list_items(work: StockWork, *, system: str, page: ItemPage, began_us: int) -> None:
    """With a note of what is new: a listing that breaks off, or a hub that does, must not forget it."""
    _note(work, system=system, items=work.list_items(system, page.items, began_us), listing=began_us)


def _note(work: StockWork, *, system: str, items: list[str], listing: int) -> None:
    for item in items:
        work.again(LISTED + system, "item", item, listing, 0)


def _noted(work: StockWork, *, system: str) -> dict[str, int]:
    """Items, with the listing that told of each last."""
    return {item: listing for _, item, listing, _ in work.to_read(LISTED + system, 0, SKUS_AT_ONCE)}


def _looked_at(
    work: StockWork, *, system: str, items: Mapping[str, int], moved: Iterable[str], now_us: int
) -> None:  # fmt: skip
    for item, listing in items.items():
        work.was_read(LISTED + system, "item", item, listing)
    for item in moved:
        work.again(system, "inventory_level", item, 0, now_us)


def _touched(work: StockWork, *, rules: StockRules, system: str, items: Iterable[str]) -> dict[str, set[str]]:
    """By item of a listing: our SKUs that it is, or was, of which anything is counted, said or shown."""
    found: dict[str, set[str]] = {}
    for item in items:
        was, now = work.skus_as(system, item), rules.normaliser.sku(system, item, "", "")
        found[item] = {*was, *work.skus_said(system, item)}
        if isinstance(now, str) and any(work.counted(part) for part in rules.normaliser.components(now) or (now,)):
            found[item].add(now)
    return found

"""When systems are read: items, levels and sales each at its own interval, what has to be read again as soon as it is due."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import msgspec

from interlock.clock import Clock
from interlock.errors import InterlockError, StoreError
from interlock.flows.inventory.again import ReadingAgain
from interlock.flows.inventory.anew import LookingAnew
from interlock.flows.inventory.asking import NotReadError, Stocked, pause_seconds
from interlock.flows.inventory.counts import read_counts
from interlock.flows.inventory.desk import StockDesk
from interlock.flows.inventory.listing import Listing
from interlock.flows.inventory.rules import BookCatalogue, StockRules
from interlock.flows.inventory.sales import read_sales
from interlock.flows.inventory.seeing import Seeing
from interlock.flows.inventory.telling import Telling
from interlock.flows.inventory.upkeep import HUB, StockUpkeep
from interlock.messaging.at_work import AtWork
from interlock.messaging.inbox import Inbox
from interlock.messaging.stock import is_asked, lag_seconds
from interlock.messaging.stock_book import Read, StockBook, StockWork

SEEING: Final = "sales that wait to be seen"
ANEW_PLACES: Final = "places that are looked at anew"
"""Beside the systems, in place of one."""
LOOK_SECONDS: Final = 0.5
ITEMS_EVERY_SECONDS: Final = 6 * 3_600.0
ITEMS_AT_MOST_EVERY_SECONDS: Final = 300.0
"""A line of an unknown item has the items listed anew, no more often than this."""

LOG = logging.getLogger("interlock.flows")


class StockReader:
    """One task per system: their patience is not shared. What was read is taken in before its end is noted as fresh."""

    def __init__(
        self, book: StockBook, inbox: Inbox, desk: StockDesk, catalogue: BookCatalogue, clock: Clock, *,
        release: Callable[[], Stocked], cursor: Callable[[str], Awaitable[int]], history_days: Callable[[], float],
    ) -> None:  # fmt: skip
        self._book = book
        self._clock = clock
        self._release = release
        self._at_work = AtWork[str](clock)
        self._failures: dict[tuple[str, str], int] = {}
        self._rest_until: dict[tuple[str, str], float] = {}
        telling = Telling(inbox, desk, clock, release=release, cursor=cursor)
        listing = Listing(book, desk, catalogue, clock, release=release, is_asked=self._is_asked)
        self._readings: dict[str, Callable[[str], Awaitable[float]]] = {
            "items": listing.read,
            "levels": partial(read_counts, book, telling, clock, release),
            "sales": partial(read_sales, book, telling, clock, release),
            "again": ReadingAgain(book, telling, clock, release=release).read,
        }
        self._seeing = Seeing(book, desk, clock)
        self._anew = LookingAnew(book, desk)
        self._upkeep = StockUpkeep(book, desk, clock, retry_halted=listing.retry_halted, history_days=history_days)

    async def run(self) -> None:
        """Look for ever. A system that cannot be read costs its own freshness, never the hub."""
        await self._at_work.look_for_ever(self.look, LOOK_SECONDS)

    async def look(self) -> None:
        """Begin what is due at each system, and settle what time alone changes."""
        rules = self._release().stock
        self._at_work.settle()
        for system in sorted(rules.systems):
            if system not in self._at_work and (due := self._due(rules, system)):
                self._at_work.begin(system, self._read(system, due))
        if rules.systems:
            await self._upkeep.forget()
            await self._upkeep.settle_overdue(rules)
            if SEEING not in self._at_work:
                self._at_work.begin(SEEING, self._seeing.look(rules, self._lags(rules)))
            if ANEW_PLACES not in self._at_work and (systems := self._anew.due(rules)):
                self._at_work.begin(ANEW_PLACES, self._anew.look(systems))
            if HUB not in self._at_work and not self._upkeep.is_followed(rules):
                self._at_work.begin(HUB, self._upkeep.follow(rules))

    async def read_now(self, system: str, what: str) -> None:
        """Read it to the end now, whatever its schedule. Raises NotReadError."""
        await self._readings[what](system)

    # -- when

    def _due(self, rules: StockRules, system: str) -> list[str]:
        """What is due, in the order in which it has to be read: no level is understood before its item is known."""
        now_us = self._clock.now_ms() * 1_000
        every = min(
            (channel.publish.read_every_seconds for channels in rules.channels.values() for channel in channels),
            default=30.0,
        )
        seconds = {"items": ITEMS_EVERY_SECONDS}
        if self._is_asked(rules, system):
            seconds["levels"] = every
        if system in rules.channels:
            seconds["sales"] = every
        due = [what for what, pause in seconds.items() if self._is_due(system, what, pause, now_us)]
        due = [what for what in due if not self._rests(system, what)]
        if "items" not in due and self._wants_items(system, now_us):
            due.insert(0, "items")
        if "levels" in due and not all(self._state(each, "items").tried_us for each in rules.systems):
            due.remove("levels")  # an item is known when another system lists it
        if not self._rests(system, "again") and self._book.look(lambda work: work.to_read(system, now_us, 1)):
            due.append("again")
        return due

    def _is_asked(self, rules: StockRules, system: str) -> bool:
        """Whether counts are asked for there. One that cannot be opened is asked, and the reading says why not."""
        if system not in rules.counting:
            return False
        try:
            return is_asked(self._release().stock_source(system))
        except StoreError:
            raise
        except InterlockError:
            return True

    def _lags(self, rules: StockRules) -> dict[str, float]:
        """Of who can be asked for single items, how old its levels are when they are read."""
        found: dict[str, float] = {}
        for system in rules.counting:
            try:
                source = self._release().stock_source(system)
            except StoreError:
                raise
            except InterlockError:
                continue  # one that cannot be opened is asked for nothing more
            if is_asked(source):
                found[system] = lag_seconds(source)
        return found

    def _rests(self, system: str, what: str) -> bool:
        """It was read a moment ago, and wants to be left alone for a while."""
        return self._clock.monotonic() < self._rest_until.get((system, what), 0.0)

    def _is_due(self, system: str, what: str, pause: float, now_us: int) -> bool:
        state = self._state(system, what)
        if failures := self._failures.get((system, what), 0):
            pause = pause_seconds(failures)
        return now_us - state.tried_us >= pause * 1e6 or state.tried_us > now_us

    def _wants_items(self, system: str, now_us: int) -> bool:
        """A line stopped because nobody knows its item: perhaps it is new."""
        listed_us = self._state(system, "items").tried_us
        if now_us - listed_us < ITEMS_AT_MOST_EVERY_SECONDS * 1e6:
            return False
        return self._book.look(lambda work: work.has_unknown(listed_us))

    # -- what

    async def _read(self, system: str, due: list[str]) -> None:
        for what in due:
            try:
                rest_seconds = await self._readings[what](system)
            except NotReadError as error:
                LOG.warning("%s of %s could not be read: %s", what, system, error)
                self._rest_until[system, what] = self._clock.monotonic() + error.again_seconds
                await self._failed(system, what, str(error))
            except StoreError:
                raise
            except InterlockError as error:  # a secret that is no more
                await self._failed(system, what, error.what)
            except Exception as error:
                LOG.exception("the connector of %s failed while its %s were read", system, what)
                await self._failed(system, what, f"the connector failed: {type(error).__name__}")
            else:
                self._failures.pop((system, what), None)
                self._rest_until[system, what] = self._clock.monotonic() + rest_seconds

    async def _failed(self, system: str, what: str, words: str) -> None:
        """It was tried; what was known stays."""
        self._failures[system, what] = self._failures.get((system, what), 0) + 1
        now_us = self._clock.now_ms() * 1_000

        def work(book: StockWork) -> None:
            known = book.reading(system, what)
            book.read(system, what, msgspec.structs.replace(known, tried_us=now_us, error=words[:500]))

        await self._book.run(work)

    def _state(self, system: str, what: str) -> Read:
        return self._book.look(lambda work: work.reading(system, what))

"""The stock desk: takes what events say of stock into the book, once and in order, and opens the deliveries that follow."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol

import msgspec

from interlock.clock import Clock
from interlock.errors import IntakeError, MappingError
from interlock.flows.inventory.rules import StockRules
from interlock.flows.inventory.taking import UNREADABLE, Taking
from interlock.messaging.event import Event
from interlock.messaging.full_disk import until_there_is_space
from interlock.messaging.inbox import Inbox
from interlock.messaging.stock import Level, Told
from interlock.messaging.stock_book import (
    CURSOR,
    DIALECT,
    Halted,
    Reading,
    StockBook,
    StockWork,
)

LARGEST_BATCH: Final = 200
LINES_AT_ONCE: Final = 200
"""Levels and sales in one transaction, as many as one event has at most: some tenths of a second, in which nothing else happens."""
IDLE_SECONDS: Final = 5.0
UNDERSTOOD: Final = "its line had stopped, and is understood now"

LOG = logging.getLogger("interlock.flows")

_reading = msgspec.json.Decoder(Reading, strict=False).decode


class Teller(Protocol):
    """What a vendor's webhook says of stock."""

    def told(self, topic: str, body: bytes) -> Told:
        """Pure."""


class Stocked(Protocol):
    """The release that runs, as far as stock is concerned."""

    @property
    def stock(self) -> StockRules:
        """Its rules."""

    def tellers(self, system: str) -> Sequence[Teller]:
        """Who reads what this system tells: as a source, as a channel, or as both."""


class StockDesk:
    """A reader of the inbox beside the router, with a cursor of its own: positions, sales and deliveries move with it in one
    transaction."""

    def __init__(
        self, book: StockBook, inbox: Inbox, clock: Clock, *, release: Callable[[], Stocked],
        cursor: Callable[[str], Awaitable[int]], wake: Callable[[], None],
    ) -> None:  # fmt: skip
        self._book = book
        self._inbox = inbox
        self._clock = clock
        self._release = release
        self._cursor = cursor
        self._wake = wake
        self._news = asyncio.Event()
        self._left: list[Event] = []
        """Of what was read of the inbox, what the last step has not taken."""
        self.taken = asyncio.Event()
        """Set whenever something was taken in: what waits for it may look again."""
        inbox.on_append(self._news.set)

    async def run(self) -> None:
        """Take in for ever; wakes at each commit of the inbox."""
        while True:
            self._news.clear()
            if not self._release().stock.systems:
                await until_there_is_space(self._follow_idly, self._clock)
                await self._clock.sleep(IDLE_SECONDS)
                continue
            while await until_there_is_space(self.step, self._clock):
                pass
            await self._news.wait()

    async def _follow_idly(self) -> None:
        """Without a flow of stock: one that a release brings begins with what comes from about then on."""
        head = await self._inbox.head()
        if await self._cursor(CURSOR) < head:
            await self._book.run(lambda work: work.move(head))

    async def step(self) -> int:
        """Take one batch in; returns how many events it took."""
        cursor = await self._cursor(CURSOR)
        left = [event for event in self._left if event.position > cursor]
        events = left or await self._inbox.read(cursor, LARGEST_BATCH)
        if not events:
            return 0
        release = self._release()
        rules = release.stock
        told = self._some(release, events)
        now_us = self._clock.now_ms() * 1_000

        def work(book: StockWork) -> int:
            taking = Taking(book, rules, now_us)
            for event, said in told:
                if said is not None:
                    taking.take(event, said)
            book.move(events[len(told) - 1].position)
            return taking.finish()

        if await self._book.run(work):
            self._wake()
        self._left = events[len(told) :]
        self.taken.set()
        return len(told)

    def _some(self, release: Stocked, events: Sequence[Event]) -> list[tuple[Event, Told | str | None]]:
        """The first of these events, with what they say of stock: as many as one transaction takes."""
        told: list[tuple[Event, Told | str | None]] = []
        lines = 0
        for event in events:
            said = self._told(release, event) if release.stock.takes(event.system) else None
            lines += len(said.levels) + len(said.sales) if isinstance(said, Told) else 0
            if told and lines > LINES_AT_ONCE:
                break
            told.append((event, said))
        return told

    def wake(self) -> None:
        """Deliveries were opened: let the dispatcher look."""
        self._wake()

    async def again(self, skus: Iterable[str], *, behind: bool = False) -> int:
        """Work these SKUs out once more: a rule, a listing or a freshness has changed; `behind` live changes, when it is about
        all of them. Returns how many deliveries were opened."""
        rules, now_us = self._release().stock, self._clock.now_ms() * 1_000

        def work(book: StockWork) -> int:
            taking = Taking(book, rules, now_us, behind=behind)
            for sku in skus:
                taking.again(sku)
            return taking.finish()

        opened = await self._book.run(work)
        if opened:
            self._wake()
        return opened

    async def take_again(self, release: Stocked, lines: Sequence[Halted], now_us: int) -> None:
        """Lines that had stopped: of a count the line itself, of a sale the event that told of it."""
        events = {line.event: await self._event(line.event) for line in lines if not line.line.quantities}
        told = {event.position: (event, self._told(release, event)) for event in events.values() if event is not None}

        def work(book: StockWork) -> int:
            taking = Taking(book, release.stock, now_us, how=UNDERSTOOD)
            again: dict[int, tuple[Event, Told | str]] = {}
            for halted in lines:
                book.tried(halted, now_us)
                if halted.line.quantities:
                    taking.level(halted.system, halted.line, halted.event, halted.line.as_of_us or halted.last_us)
                elif halted.event in told:
                    again[halted.event] = told[halted.event]
                    if halted.code == UNREADABLE and isinstance(told[halted.event][1], Told):
                        book.resume(halted.system, halted.item, halted.place)
            for event, said in again.values():
                taking.take(event, said)
            return taking.finish()

        if await self._book.run(work):
            self._wake()

    async def _event(self, position: int) -> Event | None:
        """None when it is kept no longer."""
        return next((event for event in await self._inbox.read(position - 1, 1) if event.position == position), None)

    @staticmethod
    def _told(release: Stocked, event: Event) -> Told | str:
        """What the event says, or in words why nobody can say."""
        if event.body is None:
            return "its body is kept no longer, or damaged"
        try:
            if event.dialect == DIALECT:
                reading = _reading(event.body)
                return Told(levels=reading.levels, sales=reading.sales, how=reading.how)
            said = [teller.told(event.topic, event.body) for teller in release.tellers(event.system)]
        except (IntakeError, MappingError, msgspec.ValidationError, msgspec.DecodeError) as error:
            return str(error)
        except Exception as error:  # a client's own mistake is about this event, and every other goes on
            LOG.exception("the connector of %s could not read event %s", event.system, event.position)
            return f"{type(error).__name__} while it was read"
        return Told(
            levels=said[0].levels if len(said) == 1 else _once(said),
            sales=next((each.sales for each in said if each.sales), ()),
            again=tuple(dict.fromkeys(one for each in said for one in each.again)),
            ends=said[0].ends if said else "", ends_us=said[0].ends_us if said else 0,
            telling=said[0].telling if said else "", how=next((each.how for each in said if each.how), ""),
        )  # fmt: skip


def _once(said: Sequence[Told]) -> tuple[Level, ...]:
    """Of a system that is source and channel at once, both readers tell the same levels."""
    found: dict[tuple[str, str], Level] = {}
    for each in said:
        for level in each.levels:
            found.setdefault((level.item, level.location), level)
    return tuple(found.values())

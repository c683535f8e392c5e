"""What has to be read once more: orders and levels whose events said too little, and items that an owner was told sales of."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from interlock.clock import Clock
from interlock.flows.inventory.asking import CALL_SECONDS, NotReadError, Stocked, pause_seconds, persistently
from interlock.flows.inventory.reasons import AGAIN, positions_of, reasons_of, told_us
from interlock.flows.inventory.seeing import ask_of_later
from interlock.flows.inventory.telling import Telling
from interlock.messaging.stock import Level, Told, is_asked, lag_seconds, read_rest_seconds, routing
from interlock.messaging.stock_book import Reading, StockBook, StockWork

AGAIN_AT_ONCE: Final = 100
"""As many items as a source is asked for in one call."""
MOST_AGAIN: Final = 20
MOST_UNROUTED: Final = 4
"""So often an order is read whose channel has not decided yet where it takes from: for half a minute."""
LEVEL: Final = "inventory_level"

Due = tuple[str, str, int, int]
"""Object, key, event and tries."""

LOG = logging.getLogger("interlock.flows")


class ReadingAgain:
    """Reads orders one by one, and the levels of items together."""

    def __init__(self, book: StockBook, telling: Telling, clock: Clock, *, release: Callable[[], Stocked]) -> None:
        self._book = book
        self._telling = telling
        self._clock = clock
        self._release = release
        self._failures: dict[str, int] = {}

    async def read(self, system: str) -> float:
        """What is due. Returns for how many seconds nothing more shall be read there: a system that is down is left alone, and
        is not asked for one order after the other while everything else that is read of it waits."""
        now_us = self._clock.now_ms() * 1_000
        due = self._book.look(lambda work: work.to_read(system, now_us, AGAIN_AT_ONCE))
        levels = [one for one in due if one[0] == LEVEL]
        rest_seconds = await self._items(system, levels) if levels else 0.0
        for one in due:
            if one[0] != LEVEL and (pause := await self._order(system, one)):
                return max(rest_seconds, pause)
        return rest_seconds

    # -- orders

    async def _order(self, system: str, due: Due) -> float:
        asked_ms = self._clock.now_ms()
        try:
            told = await self._told(self._release(), system, due[0], due[1])
        except NotReadError as error:
            return await self._not_read(system, [due], error)
        self._failures.pop(system, None)
        if told.levels or told.sales:
            reading = Reading(levels=told.levels, sales=told.sales, how=AGAIN)
            await self._telling.tell(system, "again", reading, asked_ms=asked_ms)
        if any(sale.unrouted for sale in told.sales) and due[3] < MOST_UNROUTED:
            await self._later(system, [due], for_good=False)
        else:
            await self._book.run(partial(_was_read, system=system, due=[due]))
        return 0.0

    async def _told(self, release: Stocked, system: str, object_name: str, key: str) -> Told:
        if (sales := routing(release.stock_channel(system)) if system in release.stock.channels else None) is not None:
            asked = partial(sales.sale, object_name, key, timeout_seconds=CALL_SECONDS)
            return Told(sales=(await persistently(self._clock, asked, patience_seconds=0.0),))
        body = await persistently(
            self._clock,
            lambda: release.source(system).read(object_name, key, timeout_seconds=CALL_SECONDS),
            patience_seconds=0.0,
        )
        try:
            said = [teller.told(f"{object_name}s/updated", body) for teller in release.tellers(system)]
        except Exception as error:  # what cannot be understood is this object's trouble: the others are read
            LOG.exception("the connector of %s could not read %s %s", system, object_name, key)
            words = f"{type(error).__name__} while {object_name} {key} was read"
            raise NotReadError(words, for_good=True) from error
        return next((each for each in said if each.sales), Told())

    # -- levels

    async def _items(self, system: str, due: list[Due]) -> float:
        """All in one call. One that is refused for a single item is made for each half: the others are read."""
        release = self._release()
        source, asked_ms = release.stock_source(system), self._clock.now_ms()
        if not is_asked(source):
            await self._book.run(partial(_was_read, system=system, due=due))
            return 0.0
        try:
            levels: tuple[Level, ...] = await persistently(
                self._clock,
                partial(source.read, [one[1] for one in due], timeout_seconds=CALL_SECONDS),
                patience_seconds=0.0,
            )
        except NotReadError as error:
            return await self._not_read(system, due, error)
        self._failures.pop(system, None)
        await self._take(system, due, levels, asked_ms=asked_ms, lag=lag_seconds(source))
        return read_rest_seconds(source)

    async def _take(self, system: str, due: list[Due], levels: Sequence[Level], *, asked_ms: int, lag: float) -> None:
        """Into the inbox; what was sold in the meantime is asked for once it was taken in, in one transaction with the end of this.
        Of what was told so short a time ago that levels cannot have it yet, they are read once more when they have."""
        rules, now_us = self._release().stock, self._clock.now_ms() * 1_000
        told = await self._telling.events(positions_of(due))
        if levels:
            why = self._book.look(partial(reasons_of, rules=rules, system=system, due=due, told=told, now_us=now_us))
            named = tuple(msgspec.structs.replace(one, why=why.get(one.item, AGAIN)) for one in levels)
            reading = Reading(levels=named)
            await self._telling.taken_in(await self._telling.tell(system, "again", reading, asked_ms=asked_ms))
        rules, now_us = self._release().stock, self._clock.now_ms() * 1_000
        shown_us = {position: told_us(event) + round(lag * 1e6) for position, event in told.items()}
        early = [one for one in due if shown_us.get(one[2], 0) > asked_ms * 1_000]

        def work(book: StockWork) -> None:
            _was_read(book, system=system, due=[one for one in due if one not in early])
            for object_name, key, event, _ in early:
                book.put_off(system, object_name, key, event, shown_us[event])
            items = [one[1] for one in due]
            ask_of_later(book, rules, system, items, lag=lag, asked_us=asked_ms * 1_000, now_us=now_us)

        await self._book.run(work)

    async def _not_read(self, system: str, due: list[Due], error: NotReadError) -> float:
        if error.for_good and len(due) > 1:
            half = len(due) // 2
            return max(await self._items(system, due[:half]), await self._items(system, due[half:]))
        await self._later(system, due, for_good=error.for_good)
        if error.for_good:
            return 0.0
        self._failures[system] = self._failures.get(system, 0) + 1
        return max(pause_seconds(self._failures[system]), error.again_seconds)

    async def _later(self, system: str, due: Sequence[Due], *, for_good: bool) -> None:
        """Each after a longer pause, until it is left to the next reading. An order that its system may give later is in no
        other reading: it is asked for until it does, however long that is down."""
        given_up = [one for one in due if one[3] >= MOST_AGAIN and (for_good or one[0] == LEVEL)]
        for object_name, key, _, _ in given_up:
            LOG.warning("%s %s of %s could not be read again; the next reading has it", object_name, key, system)
        now_us = self._clock.now_ms() * 1_000

        def work(book: StockWork) -> None:
            _was_read(book, system=system, due=given_up)
            for object_name, key, event, tries in due:
                if (object_name, key, event, tries) not in given_up:
                    book.again(system, object_name, key, event, now_us + round(pause_seconds(tries) * 1e6))

        await self._book.run(work)


def _was_read(work: StockWork, *, system: str, due: Sequence[Due]) -> None:
    for object_name, key, event, _ in due:
        work.was_read(system, object_name, key, event)

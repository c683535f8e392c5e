"""Reads what systems list of items, stock and sales, each at its own interval, and puts it into the inbox like a webhook."""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, Final, Protocol

import msgspec

from interlock.clock import Clock
from interlock.errors import InterlockError, StoreError
from interlock.flows.inventory.desk import StockDesk, Taking
from interlock.flows.inventory.rules import BookCatalogue, StockRules
from interlock.messaging.at_work import AtWork
from interlock.messaging.event import Event
from interlock.messaging.inbox import Inbox
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.stock import ItemPage, LevelPage, SalePage, StockChannel, StockSource, Told, is_asked
from interlock.messaging.stock_book import CURSOR, DIALECT, Read, Reading, StockBook, StockWork
from interlock.messaging.write import Source

LOOK_SECONDS: Final = 0.5
HUB: Final = ""
"""In place of a system, what the hub itself has read: the rules that places were worked out by."""
SKUS_AT_ONCE: Final = 200
CALL_SECONDS: Final = 30.0
ITEMS_EVERY_SECONDS: Final = 6 * 3_600.0
ITEMS_AT_MOST_EVERY_SECONDS: Final = 300.0
"""A line of an unknown item has the items listed anew, no more often than this."""
MOST_TRIES: Final = 6
LONGEST_PAUSE_SECONDS: Final = 300.0
SILENCE_US: Final = 60_000_000
HALTED_AT_ONCE: Final = 1_000
AGAIN_AT_ONCE: Final = 100
FORGET_EVERY_SECONDS: Final = 3_600.0
MOST_AGAIN: Final = 20
DAY_SECONDS: Final = 86_400.0

LOG = logging.getLogger("interlock.flows")
_encode = msgspec.json.Encoder(decimal_format="string").encode

Page = Any


class NotReadError(Exception):
    """A system does not let itself be read now; the words say why."""


class Stocked(Protocol):
    """The release that runs, as far as stock is concerned."""

    id: str

    @property
    def stock(self) -> StockRules:
        """Its rules."""

    def stock_source(self, system: str) -> StockSource:
        """How a system of truth is read."""

    def stock_channel(self, system: str) -> StockChannel:
        """How a channel is read."""

    def source(self, name: str) -> Source:
        """How one order is read."""

    def tellers(self, system: str) -> Any:
        """Who reads what this system tells."""


class StockReader:
    """One task per system: their patience is not shared. What was read is taken in before its end is noted as fresh."""

    def __init__(
        self, book: StockBook, inbox: Inbox, desk: StockDesk, catalogue: BookCatalogue, clock: Clock, *,
        release: Callable[[], Stocked], cursor: Callable[[str], Awaitable[int]], history_days: Callable[[], float],
    ) -> None:  # fmt: skip
        self._book = book
        self._inbox = inbox
        self._desk = desk
        self._catalogue = catalogue
        self._clock = clock
        self._release = release
        self._cursor = cursor
        self._at_work = AtWork[str](clock)
        self._history_days = history_days
        self._forgot_us = 0
        self._failures: dict[tuple[str, str], int] = {}

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
            await self._forget()
            await self._overdue()
            await self._follow_release(rules)

    async def _follow_release(self, rules: StockRules) -> None:
        """New rules change what places show: every SKU is worked out again, some at a time."""
        if self._state(HUB, "rules").cursor == rules.release or HUB in self._at_work:
            return
        self._at_work.begin(HUB, self._work_out_all(rules))

    async def _work_out_all(self, rules: StockRules) -> None:
        """Lines that had stopped may be known by now; and where a count means another number of pieces than before, or another
        item, all counts are read again: who tells what changed tells no more of them."""
        named = hashlib.sha256(_encode(rules.inventory)).hexdigest()
        if self._state(HUB, "inventory").cursor != named:
            await self._book.run(partial(_read_anew, systems=rules.counting, named=named))
        await self._retry_halted()
        after = ""
        while skus := self._book.look(partial(_skus_after, after=after)):
            await self._desk.again(skus, behind=True)
            after = skus[-1]
        await self._book.run(partial(_followed, release=rules.release))

    async def read_now(self, system: str, what: str) -> None:
        """Read it to the end now, whatever its schedule. Raises NotReadError."""
        await self._reading(system, what)

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
        if "items" not in due and self._wants_items(system, now_us):
            due.insert(0, "items")
        if "levels" in due and not all(self._state(each, "items").tried_us for each in rules.systems):
            due.remove("levels")  # an item is known when another system lists it
        if self._book.look(lambda work: work.to_read(system, now_us, 1)):
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

    def _is_due(self, system: str, what: str, pause: float, now_us: int) -> bool:
        state = self._state(system, what)
        if failures := self._failures.get((system, what), 0):
            pause = min(2.0**failures, LONGEST_PAUSE_SECONDS)
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
                await self._reading(system, what)
            except NotReadError as error:
                self._failures[system, what] = self._failures.get((system, what), 0) + 1
                LOG.warning("%s of %s could not be read: %s", what, system, error)
                await self._note(system, what, error=str(error))
            except StoreError:
                raise
            except InterlockError as error:  # a secret that is no more
                self._failures[system, what] = self._failures.get((system, what), 0) + 1
                await self._note(system, what, error=error.what)
            except Exception as error:
                LOG.exception("the connector of %s failed while its %s were read", system, what)
                self._failures[system, what] = self._failures.get((system, what), 0) + 1
                await self._note(system, what, error=f"the connector failed: {type(error).__name__}")
            else:
                self._failures.pop((system, what), None)

    async def _reading(self, system: str, what: str) -> None:
        match what:
            case "items":
                await self._items(system)
            case "levels":
                await self._levels(system)
            case "sales":
                await self._sales(system)
            case _:
                await self._again(system)

    async def _items(self, system: str) -> None:
        """All of them; what the listing shows no more is forgotten. Lines that had stopped are tried again."""
        began_us = self._clock.now_ms() * 1_000
        release, after, news = self._release(), "", list[str]()
        sources = system in release.stock.counting
        port = release.stock_source(system) if sources else release.stock_channel(system)
        while True:
            page: ItemPage = await self._persistently(partial(port.items, after, timeout_seconds=CALL_SECONDS))
            news += await self._book.run(partial(_list_items, system=system, page=page, began_us=began_us))
            if not page.after or page.after == after:
                break
            after = page.after

        def end(work: StockWork) -> list[str]:
            work.read(system, "items", Read(fresh_us=began_us, tried_us=began_us))
            return work.drop_items(system, began_us)

        news += await self._book.run(end)
        self._catalogue.forget()
        await self._retry_halted()
        await self._relisted(system, news)

    async def _relisted(self, system: str, items: list[str]) -> None:
        """What is listed, or listed otherwise than before, is worked out again; a count of what is another SKU now is read again."""
        rules, now_us = self._release().stock, self._clock.now_ms() * 1_000
        reads = self._is_asked(rules, system)
        for begin in range(0, len(items), SKUS_AT_ONCE):
            some = items[begin : begin + SKUS_AT_ONCE]
            touched = self._book.look(partial(_touched, rules=rules, system=system, items=some))
            if skus := {sku for of_item in touched.values() for sku in of_item}:
                await self._desk.again(skus)
            if moved := [item for item, of_item in touched.items() if reads and len(of_item) > 1]:
                await self._book.run(partial(_read_levels, system=system, items=moved, now_us=now_us))

    async def _retry_halted(self) -> None:
        """Each once, some at a time."""
        release, now_us = self._release(), self._clock.now_ms() * 1_000
        while lines := self._book.look(lambda work: work.halted(HALTED_AT_ONCE, now_us)):
            await self._desk.take_again(release, lines, now_us)

    async def _levels(self, system: str) -> None:
        """What changed since the last reading; everything the first time."""
        began_us = self._clock.now_ms() * 1_000
        source = self._release().stock_source(system)
        known = self._state(system, "levels")
        after, cursor, last, complete_us, whole = "", known.cursor, 0, began_us, not known.cursor
        while True:
            asked_ms = self._clock.now_ms()
            if known.cursor:
                page: LevelPage = await self._persistently(
                    partial(source.changed, known.cursor, after, timeout_seconds=CALL_SECONDS)
                )
            else:
                page = await self._persistently(partial(source.levels, after, timeout_seconds=CALL_SECONDS))
            if page.levels:
                last = await self._tell(system, "levels", Reading(levels=page.levels), asked_ms=asked_ms)
            cursor = page.cursor or cursor
            complete_us, whole = page.complete_us or complete_us, whole or page.whole
            if not page.after or page.after == after:
                break
            after = page.after
            if page.rest_seconds:
                await self._clock.sleep(page.rest_seconds)
        await self._taken_in(last)
        now = Read(
            cursor=cursor, fresh_us=began_us, tried_us=began_us, whole_us=complete_us,
            listed_us=began_us if whole else known.listed_us,
        )  # fmt: skip
        await self._book.run(partial(_read_so_far, system=system, known=known, now=now))
        await self._see(system, untold_us=began_us if whole else 0, was_silent=began_us - known.fresh_us > SILENCE_US)

    async def _see(self, system: str, *, untold_us: int, was_silent: bool) -> None:
        """A reading to the end lets sales be seen; one of everything shows what is told no more; after a silence everything that
        was suspended is looked at again."""
        rules, now_us = self._release().stock, self._clock.now_ms() * 1_000

        def work(book: StockWork) -> int:
            taking = Taking(book, rules, now_us)
            taking.see()
            if untold_us:
                taking.touched.update(dict.fromkeys(book.untold(system, untold_us), 0))
            if was_silent:
                taking.touched.update(dict.fromkeys(book.suspended(), 0))
            return taking.finish()

        if await self._book.run(work):
            self._desk.wake()

    async def _sales(self, system: str) -> None:
        """Orders of a channel that tells none by webhook."""
        began_us = self._clock.now_ms() * 1_000
        channel = self._release().stock_channel(system)
        known = self._state(system, "sales")
        after, cursor, last = "", known.cursor, 0
        while True:
            page: SalePage = await self._persistently(
                partial(channel.sales, known.cursor, after, timeout_seconds=CALL_SECONDS)
            )
            if page.sales:
                last = await self._tell(system, "sales", Reading(sales=page.sales))
            cursor = page.cursor or cursor
            if not page.after or page.after == after:
                break
            after = page.after
        await self._taken_in(last)
        await self._book.run(
            lambda work: work.read(system, "sales", Read(cursor=cursor, fresh_us=began_us, tried_us=began_us))
        )

    async def _again(self, system: str) -> None:
        """Objects whose events said too little."""
        now_us = self._clock.now_ms() * 1_000
        release, due = self._release(), self._book.look(lambda work: work.to_read(system, now_us, AGAIN_AT_ONCE))
        for object_name, key, event, tries in due:
            asked_ms = self._clock.now_ms()
            try:
                told = await self._told_again(release, system, object_name, key)
            except NotReadError:
                if tries < MOST_AGAIN:
                    due_us = now_us + round(min(2.0**tries, LONGEST_PAUSE_SECONDS) * 1e6)
                    await self._book.run(
                        partial(_later, system=system, what=(object_name, key), event=event, due_us=due_us)
                    )
                    continue
                LOG.warning("%s %s of %s could not be read again; the next reading has it", object_name, key, system)
                told = Told()
            if told.levels or told.sales:
                await self._tell(system, "again", Reading(levels=told.levels, sales=told.sales), asked_ms=asked_ms)
            await self._book.run(partial(_was_read, system=system, what=(object_name, key), event=event))

    async def _told_again(self, release: Stocked, system: str, object_name: str, key: str) -> Told:
        if object_name == "inventory_level":
            levels = await self._persistently(
                lambda: release.stock_source(system).read([key], timeout_seconds=CALL_SECONDS), tries=1
            )
            return Told(levels=levels)
        body = await self._persistently(
            lambda: release.source(system).read(object_name, key, timeout_seconds=CALL_SECONDS), tries=1
        )
        try:
            said = [teller.told(f"{object_name}s/updated", body) for teller in release.tellers(system)]
        except Exception as error:  # what cannot be understood is this object's trouble: the others are read
            LOG.exception("the connector of %s could not read %s %s", system, object_name, key)
            raise NotReadError(f"{type(error).__name__} while {object_name} {key} was read") from error
        return next((each for each in said if each.sales), Told())

    async def _forget(self) -> None:
        """Once an hour, what is too old to be asked for."""
        now_us = self._clock.now_ms() * 1_000
        if now_us - self._forgot_us < FORGET_EVERY_SECONDS * 1e6:
            return
        self._forgot_us = now_us
        kept_us = now_us - round(self._history_days() * DAY_SECONDS * 1e6)
        while await self._book.trim(now_us, kept_us):
            await self._clock.sleep(0)  # between transactions others have their turn

    async def _overdue(self) -> None:
        """What was missing at a channel for too long without an order that explains it."""
        rules, now_us = self._release().stock, self._clock.now_ms() * 1_000
        found: set[str] = set()
        for channel, place, sku, missing_us in self._book.look(lambda work: work.overdue(now_us)):
            if (shown := rules.channel(channel, place)) is None:  # the folder shows nothing there any more
                await self._book.run(partial(_waited_out, row=(channel, place, sku)))
            elif now_us - missing_us >= rules.terms(shown, sku).unexplained_seconds * 1e6:
                found.add(sku)
        if found:
            await self._desk.again(found)

    # -- how

    async def _tell(self, system: str, what: str, reading: Reading, *, asked_ms: int = 0) -> int:
        """One event of the inbox, as durable as any; returns its position. What says no time of its own held when it was asked
        for, however long the answer took."""
        body, now_ms = _encode(reading), self._clock.now_ms()
        event = Event(
            system=system, dialect=DIALECT, topic=f"stock/{what}", object="inventory_level", key=f"stock/{what}",
            version=now_ms * 1_000, complete=True, received_at_ms=now_ms, triggered_at_ms=asked_ms,
            release=self._release().id, sha256=hashlib.sha256(body).digest(), body=body,
        )  # fmt: skip
        return (await self._inbox.append(event)).position

    async def _taken_in(self, position: int) -> None:
        """Return once the desk has taken this event in."""
        while await self._cursor(CURSOR) < position:
            self._desk.taken.clear()
            if await self._cursor(CURSOR) >= position:
                return
            await self._desk.taken.wait()

    async def _persistently(self, ask: Callable[[], Awaitable[Any]], tries: int = MOST_TRIES) -> Page:
        """Its answer, however often the system asks for patience within reason."""
        for tried in range(tries):
            answer = await ask()
            if isinstance(answer, Refused):
                raise NotReadError(f"{answer.code}: {answer.message}")
            if not isinstance(answer, Retry):
                return answer
            if tried < tries - 1:
                await self._clock.sleep(max(answer.retry_after_seconds, min(2.0**tried, LONGEST_PAUSE_SECONDS)))
        raise NotReadError(f"{answer.code}: {answer.message}")

    def _state(self, system: str, what: str) -> Read:
        return self._book.look(lambda work: work.reading(system, what))

    async def _note(self, system: str, what: str, *, error: str) -> None:
        """It was tried; what was known stays."""
        now_us = self._clock.now_ms() * 1_000

        def work(book: StockWork) -> None:
            known = book.reading(system, what)
            book.read(system, what, msgspec.structs.replace(known, tried_us=now_us, error=error[:500]))

        await self._book.run(work)


def _skus_after(work: StockWork, *, after: str) -> list[str]:
    return work.skus(after, SKUS_AT_ONCE)


def _followed(work: StockWork, *, release: str) -> None:
    work.read(HUB, "rules", Read(cursor=release))


def _read_anew(work: StockWork, *, systems: Iterable[str], named: str) -> None:
    for system in systems:
        work.read(system, "levels", msgspec.structs.replace(work.reading(system, "levels"), cursor="", tried_us=0))
    work.read(HUB, "inventory", Read(cursor=named))


def _read_so_far(work: StockWork, *, system: str, known: Read, now: Read) -> None:
    """Unless it shall be read anew since that reading began."""
    if work.reading(system, "levels").cursor == known.cursor:
        work.read(system, "levels", now)


def _waited_out(work: StockWork, *, row: tuple[str, str, str]) -> None:
    work.waited_out(*row)


def _touched(work: StockWork, *, rules: StockRules, system: str, items: list[str]) -> dict[str, set[str]]:
    """By item of a listing: our SKUs that it is, or was, of which anything is counted or shown."""
    found: dict[str, set[str]] = {}
    for item in items:
        was, now = work.skus_as(system, item), rules.normaliser.sku(system, item, "", "")
        found[item] = set(was)
        if isinstance(now, str) and any(work.counted(part) for part in rules.normaliser.components(now) or (now,)):
            found[item].add(now)
    return found


def _read_levels(work: StockWork, *, system: str, items: list[str], now_us: int) -> None:
    for item in items:
        work.again(system, "inventory_level", item, 0, now_us)


def _list_items(work: StockWork, *, system: str, page: ItemPage, began_us: int) -> list[str]:
    return work.list_items(system, page.items, began_us)


def _later(work: StockWork, *, system: str, what: tuple[str, str], event: int, due_us: int) -> None:
    work.again(system, *what, event, due_us)


def _was_read(work: StockWork, *, system: str, what: tuple[str, str], event: int) -> None:
    work.was_read(system, *what, event)

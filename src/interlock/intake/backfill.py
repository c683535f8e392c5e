"""Carries out backfills: what a system holds of an object comes into the inbox, behind live work and never far ahead of it."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from interlock.clock import Clock
from interlock.errors import InterlockError, StoreError
from interlock.messaging.at_work import AtWork
from interlock.messaging.backfill import AT_WORK, DIALECT, NO_ORDER, Backfill, BackfillBook
from interlock.messaging.delivery import BACKFILL
from interlock.messaging.event import Event
from interlock.messaging.full_disk import until_there_is_space
from interlock.messaging.inbox import Inbox
from interlock.messaging.ledger import Ledger
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.router import CURSOR
from interlock.messaging.source import Bulk, BulkState, Reach, Whole, WholePage

LOG = logging.getLogger("interlock.intake.backfill")

BATCH = 100
"""Objects whose events are committed together, with the place that they end at."""
AHEAD_MOST = 2_000
"""Events that are not routed and deliveries of backfills that are not made, together: the rest waits at the vendor, so
that a hundred thousand bodies need not wait here."""
LOOK_SECONDS = 0.5
"""So late at most does a hub heed a command that another process gave."""
COLLECTING_SECONDS = (0.25, 10.0)
"""Between two looks at a bulk operation that the vendor still works on: a fifth of the time that it has taken, within these."""
COLLECTING_SHARE = 0.2
RETRY_SECONDS = 5.0
"""The least wait after the vendor could not answer, or had no place for one more operation (C74)."""
CANCEL_RETRY_SECONDS = (5.0, 600.0)
"""Between two tries to end an operation that nobody wants, each wait twice the last, within these."""
ROOM_SECONDS = 0.1
CALL_SECONDS = 30.0
BULKS_MOST = 20
"""Operations begun for one backfill; more would hide that the vendor cannot do it."""
WINDOW_TOO_LARGE = "WINDOW-TOO-LARGE"
ACCESS_DENIED = "ACCESS_DENIED"


class Backfills:
    """The rows of the book are the truth: a person changes them, this looks. Each open one has a task of its own.

    `bulk` opens the reading side of a system under the release that runs, whose id `release` says; both may raise
    InterlockError.
    """

    def __init__(
        self, book: BackfillBook, *, inbox: Inbox, ledger: Ledger, bulk: Callable[[str], Bulk],
        release: Callable[[], str], clock: Clock,
    ) -> None:  # fmt: skip
        self._book = book
        self._inbox = inbox
        self._ledger = ledger
        self._bulk = bulk
        self._release = release
        self._clock = clock
        self._at_work = AtWork[int](clock)
        self._cancelling: dict[int, _Cancelling] = {}

    async def run(self) -> None:
        """Look for ever; what is under way when this ends goes on with the next hub from the place it had committed."""
        await self._at_work.look_for_ever(self.step, LOOK_SECONDS)

    async def step(self) -> None:
        """Begin what is not at work here yet, and let the vendor end what somebody has cancelled."""
        self._at_work.settle()
        for row in await self._book.at_work():
            if row.id not in self._at_work:
                self._at_work.begin(row.id, self._work(row.id))
        for row in await self._book.left_behind():
            tried = self._cancelling.get(row.id)
            if tried is None or self._clock.now_ms() >= tried.next_ms:
                await self._end_at_vendor(row)

    async def _work(self, number: int) -> None:
        while (row := await self._book.backfill(number)) is not None and row.state in AT_WORK:
            try:
                await until_there_is_space(partial(self._advance, row), self._clock)
            except StoreError:
                raise
            except Exception as error:
                LOG.warning("backfill %s cannot go on", number, exc_info=not isinstance(error, InterlockError))
                await self._fail_newest(number, error)

    async def _advance(self, row: Backfill) -> None:
        """One step of a backfill, from the row as it was read; a row that was changed meanwhile is left alone."""
        bulk = self._bulk(row.system)
        if row.state == "asked":
            await self._look_first(row, bulk)
        elif row.how == "pages":
            await self._read_pages(row, bulk)
        elif not row.bulk:
            await self._begin(row, bulk)
        else:
            await self._follow(row, bulk)

    # -- before anything starts

    async def _look_first(self, row: Backfill, bulk: Bulk) -> None:
        """What would come, and what would be missing (C76): then it begins, or somebody has to say so."""
        reach = await bulk.reach(row.object, since=row.since_us, until=row.until_us, timeout_seconds=CALL_SECONDS)
        if not isinstance(reach, Reach):
            await self._unanswered(row, reach)
            return
        goes_on = row.go == "anyway" or (row.go == "all" and not reach.missing)
        note = reach.next_move if reach.missing else ""
        state = "waiting" if goes_on else "checked"
        await self._save(row, state=state, expected=reach.count, missing=reach.missing, note=note)

    # -- by a bulk operation

    async def _begin(self, row: Backfill, bulk: Bulk) -> None:
        """The vendor's id is committed before anything else is done with it."""
        if row.bulks >= BULKS_MOST:
            words = f"the vendor has not ended any of {row.bulks} bulk operations; the last said: {row.note}"
            await self._end(row, "failed", words, "BFL003")
            return
        begun = await bulk.begin(row.object, since=row.begin_from_us, until=row.until_us, timeout_seconds=CALL_SECONDS)
        if not isinstance(begun, BulkState):
            await self._unanswered(row, begun)
            return
        started = row.started_ms or self._clock.now_ms()
        saved = await self._save(
            row, state="collecting", bulk=begun.id, bulks=row.bulks + 1, line=0, started_ms=started, note="", code=""
        )
        if saved is None:
            await self._keep_begun(row.id, begun.id)

    async def _keep_begun(self, number: int, bulk_id: str) -> None:
        """Somebody paused or cancelled it while the vendor began: the id goes to the row as that person left it, so that
        it is resumed with this operation, or this operation is cancelled."""
        while (row := await self._book.backfill(number)) is not None:
            if await self._save(row, bulk=bulk_id, bulks=row.bulks + 1, line=0) is not None:
                return

    async def _follow(self, row: Backfill, bulk: Bulk) -> None:
        """Wait until the vendor has collected, then take in what it has."""
        state = await bulk.look(row.bulk, timeout_seconds=CALL_SECONDS)
        if not isinstance(state, BulkState):
            await self._unanswered(row, state)
        elif state.state == "running":
            if state.count != row.collected or row.state != "collecting":
                await self._save(row, state="collecting", collected=state.count, note="")
            least, most = COLLECTING_SECONDS
            taken = (self._clock.now_ms() - row.started_ms) / 1000
            await self._clock.sleep(min(most, max(least, taken * COLLECTING_SHARE)))
        elif state.code == ACCESS_DENIED:
            await self._end(row, "failed", "the vendor denied access while it collected", state.code)
        elif state.url:
            await self._read_result(row, bulk, state)
        elif state.state == "done":
            await self._end(row, "done", "there was nothing")
        else:
            await self._anew(row, state.code or state.state)

    async def _read_result(self, row: Backfill, bulk: Bulk, state: BulkState) -> None:
        saved = await self._save(row, state="reading", collected=max(row.collected, state.count), note="", code="")
        if saved is None:
            return
        row, batch = saved, list[Whole]()
        async with aclosing(bulk.objects(row.object, state, from_line=row.line)) as objects:
            async for item in objects:
                if isinstance(item, Whole):
                    batch.append(item)
                    if len(batch) < BATCH:
                        continue
                taken = await self._take(row, batch, line=batch[-1].line) if batch else row
                if taken is None:
                    return
                row, batch = taken, []
                if isinstance(item, Retry):
                    await self._unanswered(row, item)
                    return
                if isinstance(item, Refused):
                    await self._anew(row, f"the result is there no more: {item.message}")
                    return
        rest = await self._take(row, batch, line=batch[-1].line) if batch else row
        if rest is None:
            return
        if state.state == "done":
            await self._end(rest, "done", "")
        else:
            await self._anew(rest, state.code or state.state)

    async def _anew(self, row: Backfill, why: str) -> None:
        """What came is kept; the rest is asked for again, from the last object on (C74)."""
        await self._save(row, state="waiting", bulk="", line=0, collected=0, note=why, code="")

    # -- a page at a time

    async def _read_pages(self, row: Backfill, bulk: Bulk) -> None:
        """The next page is on its way while one is taken in. The cursor is kept with the time that its query begins at."""
        since, _, after = row.cursor.partition("/") if row.cursor else (str(row.begin_from_us), "", "")

        def ask(cursor: str) -> "asyncio.Task[WholePage | Retry | Refused]":
            page = bulk.page(
                row.object, since=int(since), until=row.until_us, after=cursor, timeout_seconds=CALL_SECONDS
            )
            return asyncio.get_running_loop().create_task(page)

        saved = await self._save(row, state="reading", started_ms=row.started_ms or self._clock.now_ms(), code="")
        coming = ask(after) if saved else None
        try:
            while saved is not None and coming is not None:
                page = await coming
                if not isinstance(page, WholePage):
                    await self._no_page(saved, page, int(since))
                    return
                coming = ask(page.after) if page.after else None
                saved = await self._take(saved, page.items, cursor=f"{since}/{page.after}" if page.after else "")
        finally:
            if coming is not None:
                coming.cancel()
        if saved is not None:
            await self._end(saved, "done", "")

    async def _no_page(self, row: Backfill, answer: Retry | Refused, since: int) -> None:
        """A vendor that pages no deeper (C75) is asked anew, from the last object on."""
        if isinstance(answer, Refused) and answer.code == WINDOW_TOO_LARGE and row.reached_us > since:
            await self._save(row, cursor="", note="the vendor pages no deeper; begun anew from the last object")
        else:
            await self._unanswered(row, answer)

    # -- into the inbox

    async def _take(self, row: Backfill, batch: Sequence[Whole], *, line: int = 0, cursor: str = "") -> Backfill | None:
        """Events first, then the place: a kill between the two reads the batch again, and the inbox knows it (C77)."""
        room = await self._room(row)
        if room is None:
            return None
        known = await self._book.versions(row.system, row.object, [one.subject.key for one in batch])
        appended = await asyncio.gather(*(self._inbox.append(self._event(row, one)) for one in batch))
        new = sum(
            there.new and known.get(one.subject.key, -1) < one.subject.version
            for one, there in zip(batch, appended, strict=True)
        )
        return await self._save(
            room, line=line, cursor=cursor, reached_us=_reached(row, batch), seen=row.seen + len(batch),
            new=row.new + new, note="",
        )  # fmt: skip

    async def _room(self, row: Backfill) -> Backfill | None:
        """Wait until what came before is nearly done; None when somebody stopped it meanwhile."""
        while (ahead := await self._ahead()) >= AHEAD_MOST:
            if not row.note:
                words = f"waits until the destinations have taken what came; {ahead:,} are on their way"
                saved = await self._save(row, note=words)
                if saved is None:
                    return None
                row = saved
            await self._clock.sleep(ROOM_SECONDS)
        now = await self._book.backfill(row.id)
        return row if now is not None and now.revision == row.revision else None

    async def _ahead(self) -> int:
        unrouted = await self._inbox.head() - await self._ledger.cursor(CURSOR)
        return unrouted + await self._book.open_deliveries(AHEAD_MOST)

    def _event(self, row: Backfill, whole: Whole) -> Event:
        subject = whole.subject
        return Event(
            system=row.system, dialect=DIALECT, topic=f"{DIALECT}/{row.object}", object=subject.object, key=subject.key,
            name=subject.name, summary=subject.summary, version=subject.version, complete=subject.complete,
            facts=subject.facts, event_id=f"{DIALECT}-{row.id}", received_at_ms=self._clock.now_ms(),
            release=self._release(), priority=BACKFILL, sha256=hashlib.sha256(whole.body).digest(), body=whole.body,
        )  # fmt: skip

    # -- how it goes on, or ends

    async def _unanswered(self, row: Backfill, answer: Retry | Refused) -> None:
        """A no is the end of it; everything else is waited for."""
        if isinstance(answer, Refused):
            await self._end(row, "failed", answer.message, answer.code)
            return
        if (row.note, row.code) != (answer.message, answer.code):
            await self._save(row, note=answer.message, code=answer.code)
        await self._clock.sleep(max(RETRY_SECONDS, answer.retry_after_seconds))

    async def _end(self, row: Backfill, state: str, note: str, code: str = "") -> None:
        await self._save(row, state=state, note=note, code=code, bulk="", ended_ms=self._clock.now_ms())

    async def _fail_newest(self, number: int, error: Exception) -> None:
        row = await self._book.backfill(number)
        if row is not None and row.state in AT_WORK:
            code = error.code if isinstance(error, InterlockError) else "BFL004"
            await self._end(row, "failed", str(error) or type(error).__name__, code)

    async def _end_at_vendor(self, row: Backfill) -> None:
        """Nobody wants the result; an operation that goes on all the same keeps a place from another. So its id is kept
        until the vendor has said something of it, or nobody knows the system any more."""
        try:
            bulk = self._bulk(row.system)
        except KeyError:
            LOG.warning("backfill %s: its bulk operation was not cancelled: there is no system %s", row.id, row.system)
            await self._forget_at_vendor(row)
            return
        except Exception as error:  # noqa: BLE001  what cannot be opened now must not end the hub
            self._cancel_later(row, str(error) or type(error).__name__)
            return
        answer = await self._cancelled(bulk, row.bulk)
        if isinstance(answer, Retry):
            self._cancel_later(row, answer.message or answer.code, answer.retry_after_seconds)
        else:
            await self._forget_at_vendor(row)

    async def _cancelled(self, bulk: Bulk, bulk_id: str) -> BulkState | Retry | Refused:
        """What the vendor says; an answer that cannot be read is none."""
        try:
            return await bulk.cancel(bulk_id, timeout_seconds=CALL_SECONDS)
        except StoreError:
            raise
        except Exception as error:
            LOG.warning("the answer to a cancellation cannot be read", exc_info=not isinstance(error, InterlockError))
            return Retry(code="BFL004", message=str(error) or type(error).__name__)

    async def _forget_at_vendor(self, row: Backfill) -> None:
        self._cancelling.pop(row.id, None)
        await self._save(row, bulk="")

    def _cancel_later(self, row: Backfill, why: str, at_least_seconds: float = 0.0) -> None:
        LOG.warning("backfill %s: its bulk operation was not cancelled yet: %s", row.id, why)
        least, most = CANCEL_RETRY_SECONDS
        last = self._cancelling.get(row.id)
        wait = min(most, last.wait_seconds * 2) if last else least
        next_ms = self._clock.now_ms() + int(max(wait, at_least_seconds) * 1000)
        self._cancelling[row.id] = _Cancelling(wait_seconds=wait, next_ms=next_ms)

    async def _save(self, row: Backfill, **changes: object) -> Backfill | None:
        return await self._book.save(replace(row, **changes), self._clock.now_ms())


class _Cancelling(Struct, frozen=True, kw_only=True):
    """When the vendor is asked again to end an operation, and the wait until then."""

    wait_seconds: float
    next_ms: int


def _reached(row: Backfill, batch: Sequence[Whole]) -> int:
    """How far is taken in, as long as the objects come in the order of their creation; out of order, that says nothing."""
    reached = row.reached_us
    for one in batch:
        if reached == NO_ORDER or one.created < reached:
            return NO_ORDER
        reached = one.created
    return reached

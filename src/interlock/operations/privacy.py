"""Carries out what people ask of their data: taken from the inbox behind a cursor of its own, each step durable before the next.

A redaction goes asked -> known (what must go is written down, and a line stands in the file of redactions) -> erased (no text or
blob of either store has a trace of it) -> done (nor has any byte of the data folder). Every step can be done again, so a kill
between two of them costs nothing. A copy of the data is handed over by a person, who then says so.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from interlock.clock import Clock
from interlock.errors import StoreError
from interlock.messaging.full_disk import until_there_is_space
from interlock.messaging.privacy import ALARM_DAYS, PrivacyBook, PrivacyRequest, Result
from interlock.messaging.traces import Traces
from interlock.operations.pager import Page, Pager
from interlock.operations.privacy_words import late_sentence, owner_of
from interlock.operations.redaction_file import RedactionFile
from interlock.strategy.model import Strategy

LOOK_SECONDS: Final = 1.0
AGAIN_SECONDS: Final = 60.0
"""After a try that could not end."""
EVENTS_AT_ONCE: Final = 5_000
SEARCHES_MOST: Final = 5
COMPACT_MOST_BYTES: Final = 64_000_000
"""Larger files are compacted before the hub takes events in, at its next start: a second is too long at work."""
LATE, NOT_CALLED, FAILED = "PRV001", "PRV002", "PRV003"

LOG = logging.getLogger("interlock.operations")


class PrivacyDesk:
    """`forget` drops what the process holds in memory of translated objects."""

    def __init__(
        self, book: PrivacyBook, file: RedactionFile, *, strategy: Callable[[], Strategy], pager: Pager, clock: Clock,
        forget: Callable[[], None],
    ) -> None:  # fmt: skip
        self._book = book
        self._file = file
        self._strategy = strategy
        self._pager = pager
        self._clock = clock
        self._forget = forget
        self._not_before: dict[str, float] = {}

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await until_there_is_space(self.look, self._clock)
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """What the inbox has, then everything that is open."""
        while await self._book.take(EVENTS_AT_ONCE) == EVENTS_AT_ONCE:
            pass
        for request in await self._book.open_requests():
            await self._guarded(request, self._alarm(request))
            if request.kind != "export" and self._clock.monotonic() >= self._not_before.get(request.uid, 0.0):
                await self._try(request)

    async def restore(self) -> int:
        """Before the first event is taken in: redactions that this copy of the store does not know, or has undone; how many.

        What was found in free space of large files is compacted here too."""
        again: set[str] = set()
        for one in self._file.lines():
            wanted = one.as_request()
            known = await self._book.request(wanted.uid)
            if known is None or (known.state == "done" and await self._book.holds(wanted)):
                await self._book.ask(wanted, self._clock.now_ms(), again=True)
                again.add(wanted.uid)
        for request in await self._book.open_requests():
            if request.kind != "export" and (request.state == "erased" or request.uid in again):
                await self._try(request, at_start=True)
        return len(again)

    async def _try(self, request: PrivacyRequest, *, at_start: bool = False) -> None:
        """Once a minute at most."""
        if await self._guarded(request, self.carry_out(request, at_start=at_start)):
            self._not_before.pop(request.uid, None)
        else:
            self._not_before[request.uid] = self._clock.monotonic() + AGAIN_SECONDS

    async def _guarded(self, request: PrivacyRequest, work: Awaitable[bool | None]) -> bool:
        """A mistake is logged by its kind alone: its words could tell of the person. It stops no other request."""
        try:
            return bool(await work)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001
            LOG.error("%s request %d failed: %s", FAILED, request.id, type(error).__name__)
            return False

    async def carry_out(self, request: PrivacyRequest, *, at_start: bool = False) -> bool:
        """One try; False when something has to wait, which the row then says."""
        traces = request.traces
        if request.state != "erased":
            erased = await self._erase(request)
            if erased is None:
                return False
            request, traces = erased
        return await self._prove_files(request, traces, at_start=at_start)

    # -- the steps

    async def _erase(self, request: PrivacyRequest) -> tuple[PrivacyRequest, Traces] | None:
        """Asked or known -> erased, with the traces as they were known last. None: something is in the way."""
        found = await self._book.find(request)
        hashes = sorted({*request.hashes, *found.traces.hashes(request.uid)})
        request = msgspec.structs.replace(request, orders=found.orders, traces=found.traces, hashes=tuple(hashes), state="known")
        await self._book.know(request)
        self._file.append(request, self._clock.now_ms())
        removed = await self._book.erase(request, found.place)
        self._forget()
        result = await self._until_nothing_is_found(request, removed)
        kept = await self._book.kept_back(found.place)
        if result.left or kept:
            waits = f"waits for {kept}" if kept else f"still found in {', '.join(result.left)}"
            await self._book.note(request, waits, result)
            return None
        await self._book.erased(request, result)
        return msgspec.structs.replace(request, state="erased", result=result), found.traces

    async def _until_nothing_is_found(self, request: PrivacyRequest, removed: Mapping[str, int]) -> Result:
        """A delivery that was under way may have written something meanwhile: it is looked for again."""
        counts = {**request.result.removed}
        for kind, count in removed.items():
            counts[kind] = counts.get(kind, 0) + count
        for _ in range(SEARCHES_MOST):
            hits, result = await self._book.search(request)
            if not hits:
                break
            changed = await self._book.scrub(request, hits)
            counts["mentions"] = counts.get("mentions", 0) + changed
            if not changed:
                break
        return msgspec.structs.replace(result, removed=counts)

    async def _prove_files(self, request: PrivacyRequest, traces: Traces, *, at_start: bool) -> bool:
        """Erased -> done."""
        if not await self._book.empty_logs():
            await self._book.note(request, "waits for a reader of the store to end")
            return False
        if request.result.namesakes:  # a name is others' too: only what is the person's alone is looked for
            traces = msgspec.structs.replace(traces, names=frozenset())
        left = await self._book.search_files(request, traces)
        if left and await self._book.compact(largest_bytes=1 << 62 if at_start else COMPACT_MOST_BYTES):
            await self._book.empty_logs()
            left = await self._book.search_files(request, traces)
        now_ms = self._clock.now_ms()
        result = msgspec.structs.replace(request.result, left=dict(left), proven_ms=now_ms)
        if left:
            where = ", ".join(left)
            await self._book.note(request, f"still found in free space of {where}: a restart of the hub writes the stores anew", result)
            return False
        await self._book.finish(request.id, by="hub", why="carried out", now_ms=now_ms, result=result)
        return True

    # -- being late

    async def _alarm(self, request: PrivacyRequest) -> None:
        """Once for each day of ALARM_DAYS: a line of the log, and a page to the team that owns the system."""
        day = request.day(self._clock.now_ms())
        due = max((each for each in ALARM_DAYS if each <= day), default=0)
        if due <= request.alarmed_day:
            return
        text = late_sentence(request, self._clock.now_ms())
        LOG.warning("%s %s", LATE, text)
        await self._book.alarmed(request.id, due)
        await self._page(request, text)

    async def _page(self, request: PrivacyRequest, text: str) -> None:
        strategy = self._strategy()
        address = strategy.alerts.teams.get(owner_of(strategy, request), strategy.alerts.webhook)
        if not address:
            return
        words = f"[{strategy.title}, {strategy.environment}] Privacy: {text}. Look: interlock privacy"
        if problem := await self._pager.page(strategy, Page(address, words)):
            LOG.error("%s the page about request %d did not go out: %s", NOT_CALLED, request.id, problem)


"""One sweep: list what changed at a source, compare it with what the hub was told, and tell it what is missing.

Webhooks are never trusted to be complete. What a sweep finds becomes an event in the same inbox, so it takes the same way
as any other, and can double nothing. A sweep ends whatever the listing does (C21).
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from interlock.clock import Clock
from interlock.messaging.event import Event
from interlock.messaging.inbox import Inbox
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.source import Listed, Listing, Page
from interlock.messaging.sweeps import Cause, Kind, Known, Missed, Sweep, SweepBook

DIALECT: Final = "reconcile"
CALL_SECONDS: Final = 20.0
MOST_TRIES: Final = 8
"""Of one page; then the sweep has failed, and the next one begins where the last whole one had ended."""
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0
MOST_PAGES: Final = 10_000
MOST_STALE_PAGES: Final = 100
"""In a row, with nothing but what was there already: a listing that begins anew within a crowded second repeats so many at most."""
SECOND: Final = 1_000_000
SMALLEST_WINDOW: Final = 2 * SECOND
"""Microseconds: a window that is no wider cannot be halved; times at the source have whole seconds."""
TOO_LARGE: Final = "WINDOW-TOO-LARGE"
KEYS_AT_ONCE: Final = 250
LOOKED_FOR_PER_SWEEP: Final = 1_000
"""Known objects that a sweep asks for, to find deleted ones: with one sweep in 15 minutes, 96,000 a day."""
LOOKED_FOR_DAYS: Final = 60
DAY_MS: Final = 86_400_000


class SweepFailedError(Exception):
    """The source does not let itself be listed to the end; the words say why."""


class Sweeper:
    """Sweeps over one object of one source. `routed` returns once everything that is accepted now has been routed;
    `release` is the id that repairs are accepted under."""

    def __init__(
        self, listing: Listing, book: SweepBook, inbox: Inbox, clock: Clock, *, routed: Callable[[], Awaitable[None]],
        release: Callable[[], str], offline_until_ms: int = 0,
    ) -> None:  # fmt: skip
        self._listing = listing
        self._book = book
        self._inbox = inbox
        self._clock = clock
        self._routed = routed
        self._release = release
        self._offline_until_ms = offline_until_ms

    async def run(self, sweep: Sweep) -> Sweep:
        """Make it, which has begun; returns it with its end. A source that does not let itself be listed is written down."""
        reached, looked_at = await self._book.reached(sweep.system, sweep.object)
        try:
            found = await self._windows(sweep, reached)
            looked_at = looked_at if sweep.dry else await self._deleted(sweep, looked_at)
        except SweepFailedError as error:
            await self._book.end(sweep, self._clock.now_ms(), error=str(error))
            return msgspec.structs.replace(sweep, state="failed", error=str(error))
        whole = not reached or sweep.since <= reached  # else something between stays to be compared
        done = sweep.until if whole and not sweep.dry else 0
        await self._book.end(sweep, self._clock.now_ms(), reached=done, looked_at=looked_at)
        return msgspec.structs.replace(sweep, state="done", found=found)

    # -- what changed

    async def _windows(self, sweep: Sweep, reached: int) -> int:
        """The window, in halves where the source cannot page through the whole (C75)."""
        windows, found = [(sweep.since, sweep.until)], 0
        while windows:
            since, until = windows.pop()
            counted = await self._window(sweep, since, until, reached)
            if counted is None:
                windows += self._halves(since, until)
            else:
                found += counted
        return found

    async def _window(self, sweep: Sweep, since: int, until: int, reached: int) -> int | None:
        """All pages of one window; how many were not told of, None when it holds more than the source pages through."""
        after, found, stale = "", 0, 0
        seen, cursors = set[str](), set[str]()
        for _ in range(MOST_PAGES):
            page = await self._page(sweep.object, since, until, after)
            if page is None:
                return None
            fresh = [item for item in page.items if item.subject.key not in seen]
            seen.update(item.subject.key for item in fresh)
            found += await self._compare(sweep, fresh, reached)
            stale = 0 if fresh or not page.items else stale + 1
            if not page.after or (page.after in cursors and not fresh):
                return found  # the end, or the last page again
            if page.after in cursors or stale > MOST_STALE_PAGES:
                raise SweepFailedError("the listing goes round in a circle")
            cursors.add(page.after)
            after = page.after
        raise SweepFailedError(f"the listing has more than {MOST_PAGES} pages")

    @staticmethod
    def _halves(since: int, until: int) -> list[tuple[int, int]]:
        if until - since <= SMALLEST_WINDOW:
            raise SweepFailedError("more objects changed within one second than the source pages through")
        middle = (since + until) // 2
        return [(middle, until), (since, middle)]

    async def _page(self, object_name: str, since: int, until: int, after: str) -> Page | None:
        """None when the window holds more than the source pages through."""

        def ask() -> Awaitable[Page | Retry | Refused]:
            return self._listing.changed(object_name, since=since, until=until, after=after, timeout_seconds=CALL_SECONDS)

        answer = await self._persistently(ask)
        if isinstance(answer, Refused):
            if answer.code == TOO_LARGE:
                return None
            raise SweepFailedError(f"{answer.code}: {answer.message}")
        page: Page = answer
        return page

    async def _persistently(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Its answer, however often the source asks for patience within reason."""
        for tried in range(MOST_TRIES):
            answer = await ask()
            if not isinstance(answer, Retry):
                return answer
            if answer.retry_after_seconds > LONGEST_PAUSE_SECONDS or tried == MOST_TRIES - 1:
                break
            await self._clock.sleep(max(answer.retry_after_seconds, min(FIRST_PAUSE_SECONDS * 2**tried, LONGEST_PAUSE_SECONDS)))
        raise SweepFailedError(f"{answer.code}: {answer.message}")

    async def _compare(self, sweep: Sweep, items: Sequence[Listed], reached: int) -> int:
        await self._routed()
        known = await self._book.known(sweep.system, sweep.object, [item.subject.key for item in items])
        missed = []
        for item in items:
            here = known.get(item.subject.key)
            kind = _kind(here, item)
            if kind is not None:
                event = 0 if sweep.dry else await self._tell(sweep, item)
                missed.append(self._missed(sweep, item, kind, here.version if here else 0, event, reached))
        if items:
            await self._book.note(sweep.id, len(items), missed)
        return len(missed)

    def _missed(self, sweep: Sweep, item: Listed, kind: Kind, known: int, event: int, reached: int) -> Missed:
        subject = item.subject
        return Missed(
            system=sweep.system, object=sweep.object, key=subject.key, name=subject.name, kind=kind, known=known,
            version=subject.version, found_ms=self._clock.now_ms(), event=event,
            cause=self._cause(subject.version, reached),
        )  # fmt: skip

    def _cause(self, version: int, reached: int) -> Cause:
        """What changed after the last sweep of the process before, and before this one came up, nobody could be told of.
        The source counts in whole seconds."""
        after_the_last = 0 < reached // SECOND <= version // SECOND
        return "offline" if after_the_last and version < self._offline_until_ms * 1000 else ""

    async def _tell(self, sweep: Sweep, item: Listed) -> int:
        subject = item.subject
        event = Event(
            system=sweep.system, dialect=DIALECT, topic="", object=subject.object, key=subject.key, name=subject.name,
            summary=subject.summary, version=subject.version, complete=False, facts=subject.facts,
            received_at_ms=self._clock.now_ms(), release=self._release(), flags=(DIALECT,),
            sha256=hashlib.sha256(item.body).digest(), body=item.body,
        )  # fmt: skip
        return (await self._inbox.append(event)).position

    # -- what is gone

    async def _deleted(self, sweep: Sweep, looked_at: int) -> int:
        """Ask for the next of the known objects; the row up to which was asked, 0 after the last of them."""
        seen_after_ms = self._clock.now_ms() - LOOKED_FOR_DAYS * DAY_MS
        for _ in range(LOOKED_FOR_PER_SWEEP // KEYS_AT_ONCE):
            rows = await self._book.next_known(
                sweep.system, sweep.object, after=looked_at, seen_after_ms=seen_after_ms, limit=KEYS_AT_ONCE
            )
            if not rows:
                return 0
            await self._look_for(sweep, rows)
            looked_at = rows[-1][0]
        return looked_at

    async def _look_for(self, sweep: Sweep, rows: Sequence[tuple[int, str, str]]) -> None:
        keys = [key for _, key, _ in rows]
        there = await self._persistently(
            lambda: self._listing.present(sweep.object, keys, timeout_seconds=CALL_SECONDS)
        )
        if isinstance(there, Refused):
            raise SweepFailedError(f"{there.code}: {there.message}")
        gone = [(key, name) for _, key, name in rows if key not in there]
        missed = [
            Missed(
                system=sweep.system, object=sweep.object, key=key, name=name, kind="deleted", known=0, version=0,
                found_ms=self._clock.now_ms(), event=await self._tell_gone(sweep, key, name), cause="deleted",
            )
            for key, name in gone
        ]  # fmt: skip
        if missed:
            await self._book.note(sweep.id, 0, missed)

    async def _tell_gone(self, sweep: Sweep, key: str, name: str) -> int:
        """The story of the object has it. No flow is triggered by it: no connector names a topic of deletions, and reading what
        is gone would only end as a dead letter."""
        body = msgspec.json.encode({"id": key, "deleted": True})
        event = Event(
            system=sweep.system, dialect=DIALECT, topic="", object=sweep.object, key=key, name=name,
            facts=(f"{sweep.object}s/delete",), event_id=f"gone:{sweep.id}", received_at_ms=self._clock.now_ms(),
            release=self._release(), flags=(DIALECT,), sha256=hashlib.sha256(body).digest(), body=body,
        )  # fmt: skip
        return (await self._inbox.append(event)).position


def _kind(known: Known | None, item: Listed) -> Kind | None:
    """What the hub was not told of, if anything."""
    if known is None:
        return "missing"
    if known.version < item.subject.version:
        return "behind"
    same = known.version == item.subject.version
    return "same-instant" if same and _differ(known.summary, item.subject.summary) else None


def _differ(known: str, listed: str) -> bool:
    """Two changes within one second have one version: then what both sides say of total and cancellation decides."""
    if not (known and listed):
        return False
    here, there = _summary(known), _summary(listed)
    return any(here[name] != there[name] for name in here.keys() & there.keys())


def _summary(text: str) -> dict[str, Any]:
    """Amounts as numbers: "10.0" is "10.00"."""
    found: dict[str, Any] = msgspec.json.decode(text)
    return {name: _amount(value) for name, value in found.items()}


def _amount(value: Any) -> Any:
    try:
        return Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        return value

"""Reconciliation of sources: sweeps on a schedule and on demand, and what became of the webhooks that had not come."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from interlock.clock import Clock
from interlock.errors import InterlockError, StoreError
from interlock.intake.sweep import Sweeper
from interlock.messaging.at_work import AtWork
from interlock.messaging.inbox import Inbox
from interlock.messaging.router import CURSOR as ROUTER
from interlock.messaging.source import Listing
from interlock.messaging.sweeps import Cause, Schedule, Sweep, SweepBook

LOOK_SECONDS: Final = 0.5
"""So late at most does a hub heed a command that another process gave."""
EXPLAIN_SECONDS: Final = 30.0
EXPLAINED_AT_ONCE: Final = 500
LOST_AFTER_HOURS: Final = 26.0
"""Shopify's webhooks may be a day late (shopify.dev, webhooks best practices); what did not come by then is lost."""
ROUTED_LOOK_SECONDS: Final = 0.05
LONGEST_FAILURE_MINUTES: Final = 60.0
SCHEDULE: Final = "schedule"
MICRO: Final = 1_000

LOG = logging.getLogger("interlock.intake")


class Sources(Protocol):
    """What the release says of the sources that can be swept."""

    def swept(self) -> Mapping[tuple[str, str], Schedule]:
        """(system, object) that a flow moves and that can be listed, each with its schedule."""

    def listing(self, system: str) -> Listing:
        """How it is listed."""

    @property
    def id(self) -> str:
        """The release that repairs are accepted under."""


class Reconciler:
    """Sweeps one object of a source at a time: its allowance is shared with live work. Sources do not wait for each other."""

    def __init__(
        self, book: SweepBook, inbox: Inbox, clock: Clock, *, sources: Callable[[], Sources],
        cursor: Callable[[str], Awaitable[int]],
    ) -> None:  # fmt: skip
        self._book = book
        self._inbox = inbox
        self._clock = clock
        self._sources = sources
        self._cursor = cursor
        self._started_ms = clock.now_ms()
        self._explained = float("-inf")
        self._explained_until = 0
        self._at_work = AtWork[str](clock)

    async def run(self) -> None:
        """Look for ever. A source that cannot be listed costs its sweep, never the hub."""
        await self._book.interrupted(self._clock.now_ms())
        await self._at_work.look_for_ever(self.look, LOOK_SECONDS)

    async def look(self) -> None:
        """Begin what was asked for and what is due, a system at a time each; then find out what became of webhooks."""
        self._at_work.settle()
        for system, wanted in (await self._wanted()).items():
            if system not in self._at_work:  # one source's patience costs no other's
                self._at_work.begin(system, self._all(wanted))
        if self._clock.monotonic() - self._explained >= EXPLAIN_SECONDS:
            self._explained = self._clock.monotonic()
            await self._explain()

    async def _wanted(self) -> dict[str, list[Sweep]]:
        """By system, what was asked for first."""
        wanted: dict[str, list[Sweep]] = {}
        for asked in await self._book.asked():
            wanted.setdefault(asked.system, []).append(asked)
        for (system, object_name), schedule in self._sources().swept().items():
            if await self._is_due(system, object_name, schedule):
                due = Sweep(id=0, system=system, object=object_name, why=SCHEDULE, dry=False, since=0, until=0)
                wanted.setdefault(system, []).append(due)
        return wanted

    async def _all(self, wanted: Sequence[Sweep]) -> None:
        for sweep in wanted:
            await self._sweep(sweep)

    async def _is_due(self, system: str, object_name: str, schedule: Schedule) -> bool:
        if not schedule.every_minutes:
            return False
        pause = schedule.every_minutes
        if failures := await self._book.failures(system, object_name):
            pause = min(2 ** min(failures, 10), LONGEST_FAILURE_MINUTES, max(pause, 1.0))
        began_ms = await self._book.last_began(system, object_name)
        now_ms = self._clock.now_ms()
        return now_ms - began_ms >= pause * 60_000 or began_ms > now_ms  # a clock that was set back must not stop them

    async def _sweep(self, wanted: Sweep) -> None:
        sources = self._sources()
        schedule = sources.swept().get((wanted.system, wanted.object))
        if schedule is None:
            words = f"no flow moves {wanted.object} of {wanted.system}, or it cannot be listed"
            await self._book.end(wanted, self._clock.now_ms(), error=words)
            return
        sweep = await self._window(wanted, schedule)
        sweep = msgspec.structs.replace(sweep, id=await self._book.begin(sweep, self._clock.now_ms()))
        try:
            ended = await self._made(sweep, sources)
        except StoreError:
            raise
        except InterlockError as error:  # a secret that is no more
            ended = await self._failed(sweep, error.what)
        except Exception as error:
            LOG.exception("the connector of %s failed while %s was compared", wanted.system, wanted.object)
            ended = await self._failed(sweep, f"the connector failed: {type(error).__name__}; the hub's log has the traceback")
        if ended.state == "failed":
            LOG.warning("the sweep over %s of %s failed: %s", ended.object, ended.system, ended.error)
        elif ended.found:
            LOG.info("the sweep over %s of %s found %d that no webhook had told of", ended.object, ended.system, ended.found)

    async def _made(self, sweep: Sweep, sources: Sources) -> Sweep:
        sweeper = Sweeper(
            sources.listing(sweep.system), self._book, self._inbox, self._clock, routed=self.routed,
            release=lambda: self._sources().id, offline_until_ms=self._started_ms,
        )  # fmt: skip
        return await sweeper.run(sweep)

    async def _failed(self, sweep: Sweep, words: str) -> Sweep:
        await self._book.end(sweep, self._clock.now_ms(), error=words)
        return msgspec.structs.replace(sweep, state="failed", error=words)

    async def _window(self, wanted: Sweep, schedule: Schedule) -> Sweep:
        """From a little before the end of the last one until a little before now; the first looks back one overlap.

        What was there before the hub is not missed: a backfill brings it.
        """
        now = self._clock.now_ms() * MICRO
        until = wanted.until or now - round(schedule.settle_minutes * 60e6)
        overlap = round(schedule.overlap_minutes * 60e6)
        reached, _ = await self._book.reached(wanted.system, wanted.object)
        since = wanted.since or (reached or until) - overlap
        return msgspec.structs.replace(wanted, since=min(since, until), until=until)

    async def routed(self) -> None:
        """Return once what has been accepted until now is routed: it is no more to be found missing."""
        head = await self._inbox.head()
        while await self._cursor(ROUTER) < head:
            await self._clock.sleep(ROUTED_LOOK_SECONDS)

    async def _explain(self) -> None:
        """Webhooks that came after all were late; what did not come in a day and two hours was lost. Some at each look."""
        rows = await self._book.unexplained(self._explained_until, EXPLAINED_AT_ONCE)
        self._explained_until = rows[-1].id if len(rows) == EXPLAINED_AT_ONCE else 0
        causes: list[tuple[int, Cause, int]] = []
        for row in rows:
            told_ms = await self._inbox.told_ms(row.system, row.object, row.key, row.version)
            if told_ms:
                causes.append((row.id, "late", told_ms))
            elif self._clock.now_ms() - row.found_ms >= LOST_AFTER_HOURS * 3_600_000:
                causes.append((row.id, "lost", 0))
        if causes:
            await self._book.explain(causes)

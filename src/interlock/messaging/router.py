"""The router: reads the inbox in order and opens deliveries, with its cursor, in one transaction."""

import asyncio
from collections.abc import Callable, Sequence

from interlock.clock import Clock
from interlock.messaging.event import Event
from interlock.messaging.full_disk import until_there_is_space
from interlock.messaging.inbox import Inbox
from interlock.messaging.ledger import Ledger, Routed
from interlock.messaging.releases import Releases

CURSOR = "router"
LARGEST_BATCH = 500
LATE_MS = 15 * 60_000
"""An event that took longer than this to reach us is read again from its source: it may describe yesterday (C05)."""


class Router:
    """Level-triggered: what matters is which keys changed, not how often."""

    def __init__(
        self, inbox: Inbox, ledger: Ledger, releases: Releases, clock: Clock, wake: Callable[[], None]
    ) -> None:
        self._inbox = inbox
        self._ledger = ledger
        self._releases = releases
        self._clock = clock
        self._wake = wake
        self._news = asyncio.Event()
        inbox.on_append(self._news.set)
        self.routed = 0
        self.turn = asyncio.Lock()

    async def run(self) -> None:
        """Route for ever; wakes at each commit of the inbox."""
        while True:
            self._news.clear()
            while await until_there_is_space(self.step, self._clock):
                pass
            await self._news.wait()

    async def step(self) -> int:
        """Route one batch; returns how many events it took. The cursor moves in the same transaction."""
        async with self.turn:
            return await self._step()

    async def _step(self) -> int:
        cursor = await self._ledger.cursor(CURSOR)
        events = await self._inbox.read(cursor, LARGEST_BATCH)
        if not events:
            return 0
        routed = [await self._route(event) for event in events]
        opened = await self._ledger.route(CURSOR, events[-1].position, routed, self._clock.now_ms())
        self.routed += len(events)
        opened += await self._let_go(events)
        if opened:
            self._wake()
        return len(events)

    async def _let_go(self, events: Sequence[Event]) -> int:
        """What was on hold is looked at again when what held it changes; returns how much that is."""
        woken = 0
        for event in events:
            held = (await self._releases.get(event.release)).wakes(event)
            if held:
                woken += await self._ledger.wake_waiting(self._clock.now_ms(), held)
        return woken

    async def _route(self, event: Event) -> Routed:
        origin = await self._ledger.origin_of(event.system, event.object, event.key)
        if origin is not None and origin != (event.system, event.key):
            # A copy that we made is no new object: it keeps its true origin (C18). What was born there is no copy,
            # whatever we wrote on it: our own mark changes nothing elsewhere (C17), a person's change does (C19).
            return Routed(event=event, wants=())
        release = await self._releases.get(event.release)
        late = event.triggered_at_ms > 0 and event.received_at_ms - event.triggered_at_ms > LATE_MS
        return Routed(event=event, wants=tuple(release.wants(event)), late=late)

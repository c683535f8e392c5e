"""Pausing, draining and resuming flows: what the ledger says is shown to the courier, and a drain that is done becomes a pause."""

from collections.abc import Callable

from interlock.clock import Clock
from interlock.messaging.full_disk import until_there_is_space
from interlock.messaging.inbox import Inbox
from interlock.messaging.ledger import Ledger
from interlock.messaging.router import CURSOR
from interlock.messaging.stops import FlowBook, Stop, StopBoard, StopKind

LOOK_SECONDS = 0.5
"""So late at most does a hub heed a command that another process gave."""


class FlowStops:
    """The ledger is the truth: commands write there, and this looks."""

    def __init__(
        self, book: FlowBook, board: StopBoard, *, ledger: Ledger, inbox: Inbox, clock: Clock, wake: Callable[[], None]
    ) -> None:
        self._book = book
        self._board = board
        self._ledger = ledger
        self._inbox = inbox
        self._clock = clock
        self._wake = wake
        self._marks: dict[Stop, int] = {}

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            await until_there_is_space(self.look, self._clock)

    async def look(self) -> None:
        """Take over what the ledger says; what may go on again is due now."""
        stops = await self._book.stops()
        freed = self._board.show(stops)
        for flow in freed:
            await self._ledger.wake_waiting(self._clock.now_ms(), f"flow:{flow}")
        if freed:
            self._wake()
        draining = [stop for stop in stops if stop.kind == "draining"]
        self._marks = {stop: mark for stop, mark in self._marks.items() if stop in draining}
        for stop in draining:
            if await self._is_empty(stop):
                await self._book.drained(stop, self._clock.now_ms())

    async def _is_empty(self, stop: Stop) -> bool:
        """What was accepted when the drain was first seen is routed, and nothing that was received before it is open."""
        if stop not in self._marks:
            self._marks[stop] = await self._inbox.head()
        routed = await self._ledger.cursor(CURSOR) >= self._marks[stop]
        return routed and not await self._book.left(stop)

    async def stop(self, flow: str, kind: StopKind, *, by: str, why: str) -> None:
        """Pause or drain, at once."""
        await self._book.stop(flow, kind, by=by, why=why, now_ms=self._clock.now_ms())
        await self.look()

    async def resume(self, flow: str, *, by: str, why: str) -> bool:
        """Let it run again, at once; False when nobody had stopped it."""
        found = await self._book.resume(flow, by=by, why=why, now_ms=self._clock.now_ms())
        await self.look()
        return found

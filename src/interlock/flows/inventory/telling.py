"""What the hub has read itself goes into the inbox like a webhook, and counts as read once the desk has taken it in."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from interlock.clock import Clock
from interlock.flows.inventory.asking import Stocked
from interlock.flows.inventory.desk import StockDesk
from interlock.messaging.event import Event
from interlock.messaging.inbox import Inbox
from interlock.messaging.stock_book import CURSOR, DIALECT, Reading

_encode = msgspec.json.Encoder(decimal_format="string").encode


class Telling:
    """Between those who read and the desk."""

    def __init__(
        self, inbox: Inbox, desk: StockDesk, clock: Clock, *, release: Callable[[], Stocked],
        cursor: Callable[[str], Awaitable[int]],
    ) -> None:  # fmt: skip
        self._inbox = inbox
        self._desk = desk
        self._clock = clock
        self._release = release
        self._cursor = cursor

    async def tell(self, system: str, what: str, reading: Reading, *, asked_ms: int = 0) -> int:
        """One event of the inbox, as durable as any; returns its position. What says no time of its own held when it was asked
        for, however long the answer took."""
        body, now_ms = _encode(reading), self._clock.now_ms()
        event = Event(
            system=system, dialect=DIALECT, topic=f"stock/{what}", object="inventory_level", key=f"stock/{what}",
            version=now_ms * 1_000, complete=True, received_at_ms=now_ms, triggered_at_ms=asked_ms,
            release=self._release().id, sha256=hashlib.sha256(body).digest(), body=body,
        )  # fmt: skip
        return (await self._inbox.append(event)).position

    async def events(self, positions: Sequence[int]) -> dict[int, Event]:
        """Events of the inbox, without those that are kept no longer."""
        return await self._inbox.get(positions) if positions else {}

    async def taken_in(self, position: int) -> None:
        """Return once the desk has taken this event in."""
        while await self._cursor(CURSOR) < position:
            self._desk.taken.clear()
            if await self._cursor(CURSOR) >= position:
                return
            await self._desk.taken.wait()

"""A channel as the courier writes stock to it: one write that sets a place, or none, and whether a place shows what one would set."""

from typing import Any, Final

import msgspec

from interlock.flows.inventory.writer import ChannelWriter
from interlock.messaging.outcome import Outcome, Refused, Retry
from interlock.messaging.stock import Line
from interlock.messaging.write import Absent, Found, LookUp, Once, Past, Plan, Write

OPERATION: Final = "set_stock"
KEY_MEMORY_SECONDS: Final = 23 * 3_600.0
"""Shopify remembers an idempotency key for 24 h (F41); an hour less, so that the last use is well within it."""
FEED_SECONDS: Final = 900.0
"""A write without an answer may still land for so long: Amazon's feeds are processed within minutes."""

_encode = msgspec.json.Encoder().encode
_line = msgspec.json.Decoder(Line).decode


class ShownDestination:
    """The Destination port over a channel's writer."""

    def __init__(self, writer: ChannelWriter, *, live: bool) -> None:
        self._writer = writer
        self._live = live

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:
        """One write, or none: what has been written before is known better from the book than from the crosswalk."""
        del signal, past
        if document.line is None:
            return Plan(because=document.because)
        line: Line = document.line
        compares = self._writer.channel.compares
        return Plan(writes=(Write(
            operation=OPERATION, once=Once.KEY if compares else Once.UPSERT,
            reference=f"{line.sku}@{line.place.location}", body=_encode(line),
            quiet_period_seconds=0.0 if compares else FEED_SECONDS, memory_seconds=KEY_MEMORY_SECONDS if compares else 0.0,
        ),))  # fmt: skip

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:
        """With the lines of other deliveries."""
        return await self._writer.write(_line(write.body), idempotency_key, timeout_seconds, live=self._live)

    async def look_up(self, write: Write, *, timeout_seconds: float) -> LookUp:
        """Whether the place shows what the write would have set."""
        line = _line(write.body)
        seen = await self._writer.read(line.place, timeout_seconds, live=self._live)
        if isinstance(seen, Retry | Refused):
            return seen
        return (
            Found(external_id=f"{line.place.item}@{line.place.location}")
            if seen.quantity == line.quantity
            else Absent()
        )


def quantity_of(write: Write) -> int:
    """What a write of stock sets."""
    return _line(write.body).quantity

"""Consumers: who used which version of an object, and when last, from what really ran."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Use(Struct, frozen=True):
    """What is written for one version: a flow (`flow`), the mapping that reads its source (`reads`) or the one that writes
    to its destination (`writes`). `system` is whose mapping, for the flow itself its destination."""

    flow: str
    part: str
    system: str
    version: str


class Consumer(Struct, frozen=True, kw_only=True):
    """A use with its times (milliseconds) and the number of deliveries that were tried."""

    version: str
    flow: str
    part: str
    system: str
    first_seen_ms: int
    last_seen_ms: int
    uses: int


class ConsumerBook(Protocol):
    """Where uses are kept."""

    async def note(self, seen: Sequence[Consumer]) -> None:
        """Add these to what is known: later times move on, numbers add up."""

"""The inbox port: the durable append-only queue of events. What `append` returns has been committed with full sync."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from interlock.messaging.event import Event


class Appended(msgspec.Struct, frozen=True, gc=False):
    """Where an event stands. `new` is False when the same fact was there already (its position is returned, a sighting
    is kept)."""

    position: int
    new: bool


class Inbox(Protocol):
    """Every implementation passes tests/conformance/inbox."""

    async def append(self, event: Event) -> Appended:
        """Commit one event (many callers share one commit). Raises StoreError: then its fate is unknown and the sender
        must retry."""

    async def read(self, after: int, limit: int) -> list[Event]:
        """Events with a position above `after`, in order, at most `limit`. One whose body is damaged comes without it:
        it is routed all the same, and the others behind it."""

    async def get(self, positions: Sequence[int]) -> dict[int, Event]:
        """Events by position. A trimmed one has body None. Raises StoreError when a body does not match its SHA-256."""

    async def trim(self, received_before_ms: int, keep_from: int, limit: int) -> int:
        """Forget the bodies (never the keys) of events received before a time, below position `keep_from`; returns how
        many."""

    async def told_ms(self, system: str, object_name: str, key: str, version: int) -> int:
        """When a sender itself first told of this version of an object, 0 when none has: what the hub found out by a sweep
        or a backfill is not counted."""

    async def head(self) -> int:
        """The highest position, 0 when empty."""

    def on_append(self, wake: "Wake") -> None:
        """Call `wake` after each commit that added events."""

    async def close(self) -> None:
        """Finish what is queued and close."""


class Wake(Protocol):
    """Something that runs when there is news."""

    def __call__(self) -> None: ...

"""What sweeps leave behind: how far a source has been compared, and every object that the hub had not been told of."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

Kind = Literal["missing", "behind", "same-instant", "deleted"]
"""The hub knew nothing of the object; an older version; the same version with other content; it is gone at the source."""
Cause = Literal["", "lost", "late", "offline", "deleted"]
"""Not known yet; its webhook never came; it came after the sweep had fetched it; it changed while no hub ran."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """How one system is swept: how often, how far back each sweep begins before the end of the last one, and how long a
    change is left to its webhook first."""

    every_minutes: float
    overlap_minutes: float
    settle_minutes: float

class Sweep(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One comparison. `since` and `until` are microseconds since the epoch; `dry`: it repaired nothing."""

    id: int
    system: str
    object: str
    why: str
    dry: bool
    since: int
    until: int
    began_ms: int = 0
    ended_ms: int = 0
    state: str = "running"
    listed: int = 0
    found: int = 0
    error: str = ""


class Known(msgspec.Struct, frozen=True, gc=False):
    """What the hub was told last of an object."""

    version: int
    summary: str


class Missed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An object in a version that the hub had not been told of, and the event by which it told itself (0: a dry run).
    `held_at`: of one that was deleted, the systems that it was brought to."""

    system: str
    object: str
    key: str
    name: str
    kind: Kind
    known: int
    version: int
    found_ms: int
    event: int
    cause: Cause = ""
    told_ms: int = 0
    sweep: int = 0
    id: int = 0
    held_at: tuple[str, ...] = ()


class SweepBook(Protocol):
    """Durable: a sweep that a crash ends is begun again from where the last whole one had reached."""

    async def reached(self, system: str, object_name: str) -> tuple[int, int]:
        """Until when the source was compared (0: never), and the row up to which deleted ones were looked for."""

    async def known(self, system: str, object_name: str, keys: Sequence[str]) -> dict[str, Known]:
        """What the hub was told of these."""

    async def next_known(
        self, system: str, object_name: str, *, after: int, seen_after_ms: int, limit: int
    ) -> list[tuple[int, str, str]]:
        """(row, key, name) of objects that were told of since, in order, after a row."""

    async def ask(self, wanted: Sweep, *, by: str, now_ms: int) -> int:
        """Let the hub make this sweep soon; its id. Audited."""

    async def asked(self) -> list[Sweep]:
        """Sweeps that somebody asked for."""

    async def begin(self, sweep: Sweep, now_ms: int) -> int:
        """Write down that it runs; its id."""

    async def note(self, sweep: int, listed: int, missed: Sequence[Missed]) -> None:
        """What one page brought."""

    async def end(self, sweep: Sweep, now_ms: int, *, error: str = "", reached: int = 0, looked_at: int = 0) -> None:
        """Done, and how far; or failed with the reason, which moves nothing."""

    async def last_began(self, system: str, object_name: str) -> int:
        """When the last one began that ran or runs, in milliseconds; 0 when none did."""

    async def failures(self, system: str, object_name: str) -> int:
        """How many failed in a row."""

    async def interrupted(self, now_ms: int) -> None:
        """What the last process left running has failed."""

    async def unexplained(self, after: int, limit: int) -> list[Missed]:
        """Repairs whose cause is not known yet."""

    async def explain(self, causes: Sequence[tuple[int, Cause, int]]) -> None:
        """(id, cause, when a webhook came after all)."""

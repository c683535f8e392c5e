"""A backfill: everything that a system holds of one object, read once into the inbox. Its row is the truth about how far it is."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

State = Literal["asked", "checked", "waiting", "collecting", "reading", "paused", "done", "failed", "cancelled"]
"""asked: nobody has looked yet what would come. checked: somebody has to say whether it begins. waiting: for the vendor
to take it. collecting: the vendor gathers. reading: what it gathered comes in."""
How = Literal["bulk", "pages"]
Go = Literal["look", "all", "anyway"]
Action = Literal["begin", "pause", "resume", "cancel"]

OPEN: tuple[State, ...] = ("asked", "checked", "waiting", "collecting", "reading", "paused")
AT_WORK: tuple[State, ...] = ("asked", "waiting", "collecting", "reading")
"""States in which the hub has something to do."""

FROM: dict[Action, tuple[State, ...]] = {
    "begin": ("asked", "checked"),
    "pause": ("asked", "waiting", "collecting", "reading"),
    "resume": ("paused",),
    "cancel": OPEN,
}
TO: dict[Action, State] = {"begin": "waiting", "pause": "paused", "resume": "waiting", "cancel": "cancelled"}

NO_ORDER = -1
DIALECT = "backfill"
"""Of the events that backfills make."""


class Backfill(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table `backfill`; see the migration for what the columns mean."""

    id: int
    system: str
    object: str
    since_us: int
    until_us: int
    how: How
    go: Go
    state: State
    revision: int
    expected: int
    missing: str
    bulk: str
    bulks: int
    collected: int
    line: int
    cursor: str
    reached_us: int
    seen: int
    new: int
    asked_ms: int
    started_ms: int
    ended_ms: int
    by: str
    why: str
    note: str
    code: str

    @property
    def known(self) -> int:
        """Objects that the hub had been told of already, as they are."""
        return self.seen - self.new

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.state in OPEN

    @property
    def begin_from_us(self) -> int:
        """Where a reading begun anew begins: what was created before is taken in, if the results came in order."""
        return max(self.since_us, self.reached_us)

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 to 1; None while nobody knows."""
        if self.state == "done":
            return 1.0
        return min(1.0, self.seen / self.expected) if self.expected else None

    def seconds_left(self, now_ms: int) -> float | None:
        """At the pace so far; None while nobody knows."""
        if self.state != "reading" or not self.seen or not self.expected or not self.started_ms:
            return None
        return max(0.0, (self.expected - self.seen) * (now_ms - self.started_ms) / 1000 / self.seen)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants read. `since_us` 0 is from the beginning."""

    system: str
    object: str
    since_us: int
    until_us: int
    how: How
    go: Go


class BackfillBook(Protocol):
    """Where backfills are kept. What a person does is audited in the transaction that does it."""

    async def ask(self, asked: Asked, *, by: str, why: str, now_ms: int) -> int:
        """A new one; its number. Raises SettingsError BFL001 while one of the same object and system is open."""

    async def steer(self, number: int, action: Action, *, by: str, why: str, now_ms: int) -> bool:
        """Begin, pause, resume or cancel; False when it is in no state for that."""

    async def save(self, changed: Backfill, now_ms: int) -> Backfill | None:
        """Keep what the hub has done, under the next revision; None when somebody changed it meanwhile."""

    async def at_work(self) -> tuple[Backfill, ...]:
        """Those that the hub has to do something for, the oldest first."""

    async def left_behind(self) -> tuple[Backfill, ...]:
        """Cancelled ones whose bulk operation nobody has told the vendor to end."""

    async def backfill(self, number: int) -> Backfill | None:
        """One by its number."""

    async def versions(self, system: str, object_name: str, keys: Sequence[str]) -> dict[str, int]:
        """The newest versions that the hub was told of, of those that it knows."""

    async def open_deliveries(self, most: int) -> int:
        """Deliveries that backfills opened and that may run now, counted up to `most`."""

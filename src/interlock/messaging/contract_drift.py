"""Contract drift: a source's documents have changed for good. The records of it, and the port that keeps them."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

CURSOR = "contract-drift"
HIGH, LOW = "high", "low"


class ProfileKey(Struct, frozen=True):
    """One kind of document. `document` is the object itself (`order`), or the topic of a body that is not the whole object."""

    system: str
    object: str
    document: str
    api_version: str


class Drift(Struct, frozen=True, kw_only=True):
    """One change of one path. `documents` were met with it, of those that were looked at; `severity` is high when a mapping
    reads the path. `reads` are the canonical fields that are made of it, `uses` where those end up.
    """

    system: str
    object: str
    document: str
    api_version: str
    path: str
    change: str
    severity: str
    documents: int
    first_event: int
    last_event: int
    first_seen_ms: int
    last_seen_ms: int
    was: str
    becomes: str
    perhaps: str
    reads: tuple[str, ...]
    uses: tuple[str, ...]


class DriftRow(Drift, frozen=True, kw_only=True):
    """A change as it is kept. `state` is open, accepted (a person said so), or ended (the source is as it was). `key` and
    `name` are of the object that the first document with the change was about.
    """

    id: int
    state: str
    key: str = ""
    name: str = ""
    closed_ms: int = 0
    closed_by: str = ""
    why: str = ""


class LookedAt(Struct, frozen=True, kw_only=True):
    """How much is known of one kind of document."""

    key: ProfileKey
    documents: int
    updated_ms: int


class Accepted(Struct, frozen=True):
    """A change that the profile is to take as how documents are now."""

    id: int
    key: ProfileKey
    path: str
    change: str


class DriftBook(Protocol):
    """What the watch keeps: each call is one durable transaction."""

    async def load(self) -> tuple[int, list[tuple[ProfileKey, bytes]]]:
        """The inbox position that everything was looked at up to, and the profiles."""

    async def save(
        self, *, cursor: int, profiles: Sequence[tuple[ProfileKey, int, bytes]], drift: Sequence[Drift],
        ended: Sequence[int], learned: Sequence[int], now_ms: int,
    ) -> None:  # fmt: skip
        """Profiles (key, documents, bytes), changes and cursor together, so that a crash counts nothing twice."""

    async def to_learn(self) -> list[Accepted]:
        """What persons accepted since the last save. `api_version` of its key is empty: it holds for all."""

    async def open_rows(self) -> list[DriftRow]:
        """Every open record."""


class DriftViews(Protocol):
    """Read-only, for the console and the commands."""

    async def drift(self, *, closed_too: bool = False, limit: int = 500) -> list[DriftRow]:
        """Open records first, high before low."""

    async def looked_at(self) -> list[LookedAt]:
        """How many documents are known of each kind."""

    async def profiles(self) -> list[tuple[ProfileKey, bytes]]:
        """What is known of each kind: see mapping/profile.py."""

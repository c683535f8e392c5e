"""What the console asks about mappings: the tables of what runs, what nobody reads, and where sources' documents drift."""

import asyncio
from typing import Protocol

import msgspec

from interlock.clock import Clock
from interlock.mapping.profile import Profile
from interlock.mapping.tables import MappingTable
from interlock.messaging.contract_drift import DriftRow, DriftViews, LookedAt
from interlock.messaging.sqlite.contract_drift import SqliteDriftBook
from interlock.release.mapping_tables import Unread, tables_of, unread
from interlock.release.shelf import Shelf


class Mappings(Protocol):
    """Tables are of the active release."""

    async def tables(self) -> tuple[MappingTable, ...]:
        """One for each object that is moved."""

    async def unread(self) -> tuple[Unread, ...]:
        """Fields that sources were seen to send and nothing reads."""

    async def looked_at(self) -> list[LookedAt]:
        """How many documents are known of each kind."""

    async def drift(self, *, closed_too: bool = False) -> list[DriftRow]:
        """Open records first, high before low."""

    async def accept(self, id_: int, *, by: str, why: str) -> str:
        """Take a change as it is, audited; returns what it was about, "" when there is no such open one."""


class ReleaseMappings:
    """Over a shelf and a store. Tables are drawn once for each release."""

    def __init__(self, shelf: Shelf, views: DriftViews, book: SqliteDriftBook, clock: Clock) -> None:
        self._shelf = shelf
        self._views = views
        self._book = book
        self._clock = clock
        self._drawn: tuple[str, tuple[MappingTable, ...]] = ("", ())

    async def tables(self) -> tuple[MappingTable, ...]:
        """Of the active release. Drawn beside the loop: it takes a tenth of a second, in which orders would wait."""
        build = self._shelf.current()
        if self._drawn[0] != build.id:
            self._drawn = (build.id, await asyncio.to_thread(tables_of, build))
        return self._drawn[1]

    async def unread(self) -> tuple[Unread, ...]:
        """By what is known of whole objects."""
        profiles = {
            (key.system, key.object): msgspec.msgpack.decode(packed, type=Profile)
            for key, packed in await self._views.profiles()
            if key.document == key.object
        }
        return await asyncio.to_thread(unread, self._shelf.current(), profiles)

    async def looked_at(self) -> list[LookedAt]:
        """How many documents are known of each kind."""
        return await self._views.looked_at()

    async def drift(self, *, closed_too: bool = False) -> list[DriftRow]:
        """Open records first."""
        return await self._views.drift(closed_too=closed_too)

    async def accept(self, id_: int, *, by: str, why: str) -> str:
        """Close it; the watch takes it up at its next pass."""
        return await self._book.accept(id_, by=by, why=why, now_ms=self._clock.now_ms())

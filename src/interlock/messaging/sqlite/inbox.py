"""The inbox on SQLite: one file, one connection, group commit."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import apsw

from interlock.errors import StoreError
from interlock.messaging.event import Event
from interlock.messaging.inbox import Appended
from interlock.messaging.sqlite.connect import open_store
from interlock.messaging.sqlite.group_commit import GroupCommit
from interlock.messaging.sqlite.migrate import migrate
from interlock.messaging.sqlite.packing import UnreadableBodyError, pack, unpack
from interlock.messaging.sqlite.statements import statements

RECENT_EVENTS = 1_000
"""Events kept in memory after their commit, so that the router need not read back what was just written."""
RECENT_BYTES = 8_000_000
"""Fewer when they are large, such as the parts of a dropped file."""


class SqliteInbox:
    """The Inbox port on one SQLite file."""

    def __init__(self, path: Path, now_ms: int, *, vfs: str | None = None, beside: Executor | None = None) -> None:
        connection = open_store(path, vfs=vfs)
        migrate(connection, "inbox", now_ms)
        self._sql = statements("inbox.sql")
        self.group = GroupCommit(connection, "inbox", beside)
        self._recent: OrderedDict[int, Event] = OrderedDict()
        self._recent_bytes = 0

    async def append(self, event: Event) -> Appended:
        """Commit one event; many callers share one commit."""
        appended = await self.group.run(lambda connection: self._append(connection, event))
        if appended.new:
            event.position = appended.position
            self._remember(event)
        return appended

    async def read(self, after: int, limit: int) -> list[Event]:
        """Events above a cursor, from memory when all of them are recent."""
        recent = self._recent_after(after, limit)
        if recent:
            return recent
        rows = self.group.reading.execute(self._sql["read"], (after, limit))
        return [event_or_husk(row) for row in rows]

    async def get(self, positions: Sequence[int]) -> dict[int, Event]:
        """Events by position; recent ones from memory."""
        return {position: event for position in set(positions) if (event := self._one(position)) is not None}

    async def trim(self, received_before_ms: int, keep_from: int, limit: int) -> int:
        """Forget old bodies; the keys stay, so that a late duplicate is known for ever (fault case 8)."""

        def forget(connection: apsw.Connection) -> int:
            connection.execute(self._sql["trim"], (received_before_ms, keep_from, limit))
            return connection.changes()

        forgotten = await self.group.run(forget)
        if forgotten:
            self._recent.clear()
            self._recent_bytes = 0
        return forgotten

    def forget(self, positions: Sequence[int]) -> None:
        """Out of memory: their bodies were removed from the file."""
        for position in positions:
            if (event := self._recent.pop(position, None)) is not None:
                self._recent_bytes -= len(event.body or b"")

    async def told_ms(self, system: str, object_name: str, key: str, version: int) -> int:
        """By the beginning of the de-duplication key."""
        prefix = f"{object_name}/{key}/{version}"
        found = self.group.reading.execute(self._sql["told"], (system, f"{prefix}/", f"{prefix}0")).get  # 0 follows /
        return int(found or 0)

    async def head(self) -> int:
        """The highest position."""
        return int(self.group.reading.execute(self._sql["head"]).get)

    def on_append(self, wake: Callable[[], None]) -> None:
        """Call `wake` after each commit."""
        self.group.after_commit(wake)

    async def close(self) -> None:
        """Close the file; what was committed is on the disk already."""
        await self.group.close()

    def _append(self, connection: apsw.Connection, event: Event) -> Appended:
        dedupe_key = event.dedupe_key
        row = connection.execute(self._sql["append"], _row(event, dedupe_key)).get
        if row is not None:
            return Appended(row, True)
        position, *known = connection.execute(self._sql["known"], (event.system, dedupe_key)).get
        flags = _sighting_flags(event, known)
        connection.execute(
            self._sql["sight"], (position, event.received_at_ms, event.topic, event.event_id, event.webhook_id, flags)
        )
        return Appended(position, False)

    def _remember(self, event: Event) -> None:
        self._recent[event.position] = event
        self._recent_bytes += len(event.body or b"")
        while len(self._recent) > RECENT_EVENTS or self._recent_bytes > RECENT_BYTES:
            self._recent_bytes -= len(self._recent.popitem(last=False)[1].body or b"")

    def _recent_after(self, after: int, limit: int) -> list[Event]:
        """The run of events that directly follows the cursor in memory. Positions have no gaps: nothing is ever
        deleted."""
        found: list[Event] = []
        position = after + 1
        while len(found) < limit and (event := self._recent.get(position)) is not None:
            found.append(event)
            position += 1
        return found

    def _one(self, position: int) -> Event | None:
        recent = self._recent.get(position)
        if recent is not None:
            return recent
        row = self.group.reading.execute(self._sql["get"], (position,)).fetchone()
        try:
            return None if row is None else event_of(row)
        except UnreadableBodyError as error:
            raise _damaged(position) from error


def _sighting_flags(event: Event, known: Sequence[Any]) -> str:
    """What of the unsigned headers differs from the first arrival: a sender that only repeats changes none of it (C10),
    a second subscription the webhook id and the topic, a forger what he likes (fault case 9)."""
    now = (event.event_id, event.webhook_id, event.topic, event.api_version, event.triggered_at_ms)
    names = ("other-event-id", "other-webhook-id", "other-topic", "other-api-version", "other-time")
    flags = [name for name, here, there in zip(names, now, known, strict=True) if here != there]
    return " ".join(flags) or "same-event"


def _row(event: Event, dedupe_key: str) -> tuple[Any, ...]:
    body = event.body or b""
    return (
        event.system, dedupe_key, event.dialect, event.topic, event.object, event.key, event.name, event.summary,
        event.version,
        int(event.complete), " ".join(event.facts), event.event_id, event.webhook_id, event.api_version,
        event.triggered_at_ms,
        event.received_at_ms, event.release, " ".join(event.flags), event.priority, event.sha256, len(body), pack(body),
    )  # fmt: skip


def _damaged(position: int) -> StoreError:
    return StoreError(
        f"the body of event {position} is not the one that was accepted",
        code="STO003",
        why="its SHA-256 differs from the one stored beside it: the file was damaged or edited",
        next_move="run `interlock doctor --deep`; restore the event from a backup or re-read the object from its source",
    )


def event_of(row: tuple[Any, ...]) -> Event:
    """A row of `read` or `get`. Raises UnreadableBodyError when the body is not the one that was accepted."""
    (position, system, dialect, topic, object_name, key, name, summary, version, complete, facts, event_id,
     webhook_id, api_version,
     triggered_at_ms, received_at_ms, release, flags, priority, sha256, size_bytes, stored) = row  # fmt: skip
    return Event(
        position=position, system=system, dialect=dialect, topic=topic, object=object_name, key=key, name=name,
        summary=summary,
        version=version, complete=bool(complete), facts=tuple(facts.split()), event_id=event_id, webhook_id=webhook_id,
        api_version=api_version, triggered_at_ms=triggered_at_ms, received_at_ms=received_at_ms, release=release,
        flags=tuple(flags.split()), priority=priority, sha256=sha256,
        body=None if stored is None else unpack(stored, size_bytes, sha256),
    )  # fmt: skip


def event_or_husk(row: tuple[Any, ...]) -> Event:
    """The event; without its body, when that is damaged or was forgotten in due time."""
    try:
        return event_of(row)
    except UnreadableBodyError:
        return event_of((*row[:-1], None))

"""Backfills on SQLite: durable, and what a person does to one is audited in the transaction that does it."""

from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from interlock.errors import SettingsError
from interlock.messaging.backfill import FROM, TO, Action, Asked, Backfill
from interlock.messaging.sqlite.group_commit import GroupCommit
from interlock.messaging.sqlite.statements import statements

COLUMNS = ", ".join(Backfill.__struct_fields__)


class SqliteBackfillBook:
    """The BackfillBook port, in the ledger's transactions."""

    def __init__(self, group: GroupCommit) -> None:
        self._group = group

    async def ask(self, asked: Asked, *, by: str, why: str, now_ms: int) -> int:
        """A new one."""

        def work(connection: apsw.Connection) -> int:
            there = connection.execute(_sql("open_one"), (asked.system, asked.object)).get
            if there is not None:
                raise _open_already(asked, there)
            named = msgspec.structs.asdict(asked) | {"by": by, "why": why, "now": now_ms}
            number = int(connection.execute(_sql("ask"), named).get)
            connection.execute(_sql("audit"), (now_ms, by, "backfill", f"backfill {number}", why))
            return number

        return await self._group.run(work)

    async def steer(self, number: int, action: Action, *, by: str, why: str, now_ms: int) -> bool:
        """A person's word."""

        def work(connection: apsw.Connection) -> bool:
            found = read_backfill(connection, number)
            if found is None or found.state not in FROM[action]:
                return False
            to = "asked" if action == "resume" and not found.started_ms and found.go != "anyway" else TO[action]
            named = {"id": number, "action": action, "to": to, "was": found.state, "now": now_ms}
            connection.execute(_sql("steer"), named)
            connection.execute(_sql("audit"), (now_ms, by, action, f"backfill {number}", why))
            return True

        return await self._group.run(work)

    async def save(self, changed: Backfill, now_ms: int) -> Backfill | None:
        """The hub's word; the last one, about its end, is audited too."""

        def work(connection: apsw.Connection) -> Backfill | None:
            connection.execute(_sql("save"), msgspec.structs.asdict(changed))
            if not connection.changes():
                return None
            if changed.ended_ms and changed.state in ("done", "failed"):
                words = changed.note or f"{changed.seen} seen, {changed.new} new"
                connection.execute(_sql("audit"), (now_ms, "hub", changed.state, f"backfill {changed.id}", words))
            return msgspec.structs.replace(changed, revision=changed.revision + 1)

        return await self._group.run(work)

    async def at_work(self) -> tuple[Backfill, ...]:
        """What the hub has to do something for."""
        return _rows(self._group.reading, "at_work")

    async def left_behind(self) -> tuple[Backfill, ...]:
        """Cancelled ones whose bulk operation may still run at the vendor."""
        return _rows(self._group.reading, "left_behind")

    async def backfill(self, number: int) -> Backfill | None:
        """One by its number."""
        return read_backfill(self._group.reading, number)

    async def versions(self, system: str, object_name: str, keys: Sequence[str]) -> dict[str, int]:
        """A lookup each, by the key's index."""
        reading = self._group.reading
        found = {key: reading.execute(_sql("version"), (system, object_name, key)).get for key in keys}
        return {key: int(version) for key, version in found.items() if version is not None}

    async def open_deliveries(self, most: int) -> int:
        """How many deliveries of backfills may run now."""
        return int(self._group.reading.execute(_sql("open_deliveries"), (most,)).get)


def read_backfill(connection: apsw.Connection, number: int) -> Backfill | None:
    """One by its number, on any connection."""
    return next(iter(_rows(connection, "one", number)), None)


def read_backfills(connection: apsw.Connection, limit: int) -> tuple[Backfill, ...]:
    """The newest first, on any connection."""
    return _rows(connection, "newest", limit)


def _rows(connection: apsw.Connection, name: str, *values: Any) -> tuple[Backfill, ...]:
    rows = connection.execute(_sql(name), values)
    return tuple(Backfill(**dict(zip(Backfill.__struct_fields__, row, strict=True))) for row in rows)


def _sql(name: str) -> str:
    return statements("backfill.sql")[name].replace("{columns}", COLUMNS)


def _open_already(asked: Asked, number: int) -> SettingsError:
    return SettingsError(
        f"a backfill of {asked.object} from {asked.system} is open already",
        code="BFL001",
        where=f"backfill {number}",
        why="two of the same would read everything twice",
        next_move=f"interlock backfill list; interlock backfill cancel {number}",
    )

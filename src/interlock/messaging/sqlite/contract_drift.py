"""The book of contract drift on the ledger's file: written by the hub's own connection, read by one of its own."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec

from interlock.messaging.contract_drift import CURSOR, Accepted, Drift, DriftRow, LookedAt, ProfileKey
from interlock.messaging.sqlite.connect import open_store
from interlock.messaging.sqlite.group_commit import GroupCommit
from interlock.messaging.sqlite.statements import statements

FILE = "contract_drift.sql"
MOST_OPEN = 100_000
T = TypeVar("T")


class SqliteDriftBook:
    """The DriftBook port; shares the ledger's group commit."""

    def __init__(self, group: GroupCommit) -> None:
        self._group = group
        self._sql = statements(FILE)

    async def load(self) -> tuple[int, list[tuple[ProfileKey, bytes]]]:
        """The cursor, and the profiles, those that were learned from last at the end."""
        reading = self._group.reading
        return int(reading.execute(self._sql["cursor"], (CURSOR,)).get or 0), _profiles(reading, self._sql)

    async def save(
        self, *, cursor: int, profiles: Sequence[tuple[ProfileKey, int, bytes]], drift: Sequence[Drift],
        ended: Sequence[int], learned: Sequence[int], now_ms: int,
    ) -> None:  # fmt: skip
        """All of it in one transaction."""

        def write(connection: apsw.Connection) -> None:
            connection.execute(self._sql["move_cursor"], (CURSOR, cursor))
            for key, documents, packed in profiles:
                row = (key.system, key.object, key.document, key.api_version, documents, packed, now_ms)
                connection.execute(self._sql["save_profile"], row)
            for id_ in learned:
                connection.execute(self._sql["learned"], (id_,))
            for change in drift:
                connection.execute(self._sql["raise"], _values(change))
            for id_ in ended:
                connection.execute(self._sql["end"], (now_ms, id_))

        await self._group.run(write)

    async def to_learn(self) -> list[Accepted]:
        """What persons accepted meanwhile."""
        return _accepted(self._group.reading.execute(self._sql["to_learn"]))

    async def open_rows(self) -> list[DriftRow]:
        """The open records."""
        return _rows(self._group.reading, self._sql, closed_too=False, limit=MOST_OPEN)

    async def accept(self, id_: int, *, by: str, why: str, now_ms: int) -> str:
        """Close an open record as how documents are from now on; returns its subject, "" when there is no such open one.
        Audited in the same transaction.
        """

        def close(connection: apsw.Connection) -> str:
            subject = connection.execute(self._sql["accept"], (now_ms, by, why, id_)).get
            if subject is None:
                return ""
            audit = statements("ledger.sql")["audit"]
            connection.execute(audit, (now_ms, by, "accept drift", f"drift {id_}: {subject}", why, "{}"))
            return str(subject)

        return await self._group.run(close)


class SqliteDriftViews:
    """The DriftViews port. A store that no hub of this version has opened yet has nothing to tell."""

    def __init__(self, ledger: Path, inbox: Path) -> None:
        self._connection = open_store(ledger, read_only=True)
        self._connection.execute("ATTACH ? AS inbox", (str(inbox),))
        self._connection.execute("PRAGMA query_only = 1")
        self._sql = statements(FILE)
        self._one_at_a_time = threading.Lock()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    async def drift(self, *, closed_too: bool = False, limit: int = 500) -> list[DriftRow]:
        """Open records first."""
        return await self._ask(lambda connection: self._drift(connection, closed_too=closed_too, limit=limit), empty=[])

    def _drift(self, connection: apsw.Connection, *, closed_too: bool, limit: int) -> list[DriftRow]:
        rows = _rows(connection, self._sql, closed_too=closed_too, limit=limit)
        first = json.dumps([row.first_event for row in rows])
        about = {int(row[0]): row[1:] for row in connection.execute(self._sql["samples"], (first,))}
        return [_named(row, *about.get(row.first_event, ("", ""))) for row in rows]

    async def looked_at(self) -> list[LookedAt]:
        """How many documents are known of each kind."""
        return await self._ask(lambda connection: _looked_at(connection.execute(self._sql["looked_at"])), empty=[])

    async def profiles(self) -> list[tuple[ProfileKey, bytes]]:
        """What is known of each kind."""
        return await self._ask(lambda connection: _profiles(connection, self._sql), empty=[])

    async def _ask(self, question: Callable[[apsw.Connection], T], *, empty: T) -> T:
        def asked() -> T:
            with self._one_at_a_time:
                there = self._connection.execute(self._sql["there"]).get
                return question(self._connection) if there else empty

        return await asyncio.to_thread(asked)


def _accepted(rows: Iterable[tuple[Any, ...]]) -> list[Accepted]:
    return [
        Accepted(id_, ProfileKey(system, object_name, document, ""), path, change)
        for id_, system, object_name, document, path, change in rows
    ]


def _looked_at(rows: Iterable[tuple[Any, ...]]) -> list[LookedAt]:
    return [LookedAt(key=ProfileKey(*row[:4]), documents=row[4], updated_ms=row[5]) for row in rows]


def _profiles(connection: apsw.Connection, sql: dict[str, str]) -> list[tuple[ProfileKey, bytes]]:
    return [(ProfileKey(*key), packed) for *key, packed in connection.execute(sql["profiles"])]


def _rows(connection: apsw.Connection, sql: dict[str, str], *, closed_too: bool, limit: int) -> list[DriftRow]:
    return [_row(row) for row in connection.execute(sql["rows"], {"all": int(closed_too), "limit": limit})]


def _row(row: tuple[Any, ...]) -> DriftRow:
    (id_, system, object_name, document, api_version, path, change, severity, state, documents, first_event, last_event,
     first_seen_ms, last_seen_ms, was, becomes, perhaps, reads, uses, closed_ms, closed_by, why) = row  # fmt: skip
    return DriftRow(
        id=id_, system=system, object=object_name, document=document, api_version=api_version, path=path, change=change,
        severity=severity, state=state, documents=documents, first_event=first_event, last_event=last_event,
        first_seen_ms=first_seen_ms, last_seen_ms=last_seen_ms, was=was, becomes=becomes, perhaps=perhaps,
        reads=tuple(json.loads(reads)), uses=tuple(json.loads(uses)), closed_ms=closed_ms, closed_by=closed_by, why=why,
    )  # fmt: skip


def _named(row: DriftRow, key: Any, name: Any) -> DriftRow:
    return msgspec.structs.replace(row, key=key, name=name)


def _values(change: Drift) -> dict[str, Any]:
    return msgspec.structs.asdict(change) | {"reads": json.dumps(change.reads), "uses": json.dumps(change.uses)}

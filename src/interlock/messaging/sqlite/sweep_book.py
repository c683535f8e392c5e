"""The book of sweeps on the ledger's file."""

import json
from collections.abc import Sequence

import apsw

from interlock.messaging.sqlite.group_commit import GroupCommit
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.sweeps import Cause, Known, Missed, Sweep

FILE = "sweep_book.sql"
KEPT_DAYS = 90
DAY_MS = 86_400_000


class SqliteSweepBook:
    """The SweepBook port, in the ledger's transactions."""

    def __init__(self, group: GroupCommit) -> None:
        self._group = group
        self._sql = statements(FILE)

    async def reached(self, system: str, object_name: str) -> tuple[int, int]:
        """Nothing yet is (0, 0)."""
        row = self._group.reading.execute(self._sql["reached"], (system, object_name)).fetchone()
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

    async def known(self, system: str, object_name: str, keys: Sequence[str]) -> dict[str, Known]:
        """One query for a page."""
        rows = self._group.reading.execute(self._sql["known"], (system, object_name, json.dumps(list(keys))))
        return {key: Known(version, summary) for key, version, summary in rows}

    async def next_known(
        self, system: str, object_name: str, *, after: int, seen_after_ms: int, limit: int
    ) -> list[tuple[int, str, str]]:
        """Without those that are known to be deleted."""
        values = (system, object_name, after, seen_after_ms, limit)
        return list(self._group.reading.execute(self._sql["next_known"], values))

    async def ask(self, wanted: Sweep, *, by: str, now_ms: int) -> int:
        """A row that the hub finds within half a second."""
        values = (wanted.system, wanted.object, f"{by}: {wanted.why}", int(wanted.dry), wanted.since, wanted.until, now_ms)
        audited = (now_ms, by, "reconcile", f"{wanted.object} of {wanted.system}", wanted.why, "{}")

        def work(connection: apsw.Connection) -> int:
            connection.execute(statements("ledger.sql")["audit"], audited)
            return int(connection.execute(self._sql["ask"], values).get)

        return await self._group.run(work)

    async def asked(self) -> list[Sweep]:
        """In the order in which they were asked for."""
        rows = self._group.reading.execute(self._sql["asked"])
        return [
            Sweep(id=id_, system=system, object=name, why=why, dry=bool(dry), since=since, until=until, state="asked")
            for id_, system, name, why, dry, since, until in rows
        ]

    async def begin(self, sweep: Sweep, now_ms: int) -> int:
        """One that was asked for is taken; another is new."""

        def work(connection: apsw.Connection) -> int:
            if sweep.id:
                connection.execute(self._sql["take"], (now_ms, sweep.since, sweep.until, sweep.id))
                return sweep.id
            values = (sweep.system, sweep.object, sweep.why, int(sweep.dry), sweep.since, sweep.until, now_ms)
            return int(connection.execute(self._sql["begin"], values).get)

        return await self._group.run(work)

    async def note(self, sweep: int, listed: int, missed: Sequence[Missed]) -> None:
        """Counts and rows in one transaction."""

        def work(connection: apsw.Connection) -> None:
            connection.execute(self._sql["progress"], (listed, len(missed), sweep))
            for one in missed:
                connection.execute(
                    self._sql["miss"],
                    (sweep, one.system, one.object, one.key, one.name, one.kind, one.known, one.version, one.found_ms,
                     one.event, one.cause),
                )  # fmt: skip

        await self._group.run(work)

    async def end(self, sweep: Sweep, now_ms: int, *, error: str = "", reached: int = 0, looked_at: int = 0) -> None:
        """The position moves in the transaction that says that all of it was compared."""

        def work(connection: apsw.Connection) -> None:
            connection.execute(self._sql["end"], ("failed" if error else "done", error, now_ms, sweep.id))
            if reached and not error:
                connection.execute(self._sql["reach"], (sweep.system, sweep.object, reached, looked_at))
            connection.execute(self._sql["trim"], (now_ms - KEPT_DAYS * DAY_MS,))
            connection.execute(self._sql["trim_missed"], (now_ms - KEPT_DAYS * DAY_MS,))

        await self._group.run(work)

    async def last_began(self, system: str, object_name: str) -> int:
        """Dry ones do not count: they repair nothing."""
        return int(self._group.reading.execute(self._sql["last_began"], (system, object_name)).get)

    async def failures(self, system: str, object_name: str) -> int:
        """Since the last that was done."""
        return int(self._group.reading.execute(self._sql["failed_since"], (system, object_name)).get)

    async def interrupted(self, now_ms: int) -> None:
        """Asked for ones stay: they had not begun."""
        await self._group.run(lambda connection: connection.execute(self._sql["interrupted"], (now_ms,)))

    async def unexplained(self, after: int, limit: int) -> list[Missed]:
        """Oldest first."""
        rows = self._group.reading.execute(self._sql["unexplained"], (after, limit))
        return [
            Missed(id=id_, system=system, object=name, key=key, name="", kind="missing", known=0, version=version,
                   found_ms=found_ms, event=0)
            for id_, system, name, key, version, found_ms in rows
        ]  # fmt: skip

    async def explain(self, causes: Sequence[tuple[int, Cause, int]]) -> None:
        """All in one transaction."""

        def work(connection: apsw.Connection) -> None:
            for id_, cause, told_ms in causes:
                connection.execute(self._sql["explain"], (cause, told_ms, id_))

        await self._group.run(work)


"""Stops of flows on SQLite: durable, and audited in the transaction that sets them."""

import apsw

from interlock.messaging.sqlite.group_commit import GroupCommit
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.stops import Stop, StopKind

ACTIONS = {"paused": "pause", "draining": "drain"}


class SqliteFlowBook:
    """The FlowBook port, in the ledger's transactions."""

    def __init__(self, group: GroupCommit) -> None:
        self._group = group
        self._sql = statements("flow_book.sql")

    async def stop(self, flow: str, kind: StopKind, *, by: str, why: str, now_ms: int) -> None:
        """Pause or drain."""

        def work(connection: apsw.Connection) -> None:
            connection.execute(self._sql["stop"], (flow, kind, by, why, now_ms))
            connection.execute(self._sql["audit"], (now_ms, by, ACTIONS[kind], f"flow {flow}", why))

        await self._group.run(work)

    async def resume(self, flow: str, *, by: str, why: str, now_ms: int) -> bool:
        """Let it run again."""

        def work(connection: apsw.Connection) -> bool:
            connection.execute(self._sql["resume"], (flow,))
            if found := connection.changes() > 0:
                connection.execute(self._sql["audit"], (now_ms, by, "resume", f"flow {flow}", why))
            return found

        return await self._group.run(work)

    async def stops(self) -> tuple[Stop, ...]:
        """Every stop."""
        return read_stops(self._group.reading)

    async def left(self, stop: Stop) -> dict[str, int]:
        """What was received until the mark and is open."""
        return read_left(self._group.reading, stop)

    async def drained(self, stop: Stop, now_ms: int) -> bool:
        """A drain becomes a pause."""

        def work(connection: apsw.Connection) -> bool:
            connection.execute(self._sql["drained"], (stop.flow, stop.at_ms))
            if found := connection.changes() > 0:
                words = "nothing is left of what was queued; it is paused now"
                connection.execute(self._sql["audit"], (now_ms, "hub", "drained", f"flow {stop.flow}", words))
            return found

        return await self._group.run(work)


def read_stops(connection: apsw.Connection) -> tuple[Stop, ...]:
    """Every stop, on any connection."""
    rows = connection.execute(statements("flow_book.sql")["stops"])
    return tuple(Stop(flow=flow, kind=kind, by=by, why=why, at_ms=at_ms) for flow, kind, by, why, at_ms in rows)


def read_left(connection: apsw.Connection, stop: Stop) -> dict[str, int]:
    """What a drain has still to end, by state."""
    named = {"flow": stop.flow, "at_ms": stop.at_ms}
    return {str(state): int(count) for state, count in connection.execute(statements("flow_book.sql")["left"], named)}

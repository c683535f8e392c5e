"""Silences on SQLite: one open row per flow, with who was called and when."""

import json
from collections.abc import Sequence

import apsw

from interlock.messaging.silences import Finding, Silence
from interlock.messaging.sqlite.group_commit import GroupCommit
from interlock.messaging.sqlite.statements import statements

MINUTE_MS = 60_000
FILE = "silence_book.sql"


class SqliteSilenceBook:
    """The SilenceBook port, in the ledger's transactions."""

    def __init__(self, group: GroupCommit) -> None:
        self._group = group
        self._sql = statements(FILE)

    async def enabled_since(self, flows: Sequence[str], now_ms: int) -> dict[str, int]:
        """Written only when something changed: a look a minute is no reason for a commit."""
        found = _watched(self._group.reading)
        if found.keys() == set(flows):
            return found
        return await self._group.run(lambda connection: self._watch(connection, flows, now_ms))

    def _watch(self, connection: apsw.Connection, flows: Sequence[str], now_ms: int) -> dict[str, int]:
        for flow in flows:
            connection.execute(self._sql["watch"], (flow, now_ms))
        connection.execute(self._sql["unwatch"], (json.dumps(list(flows)),))
        return _watched(connection)

    async def last_success_ms(self, flow: str, destination: str) -> int:
        """The minute is counted whole: a page that comes a minute late is better than one that is wrong."""
        minute = self._group.reading.execute(self._sql["last_success"], (flow, destination)).get
        return 0 if minute is None else (int(minute) + 1) * MINUTE_MS

    async def successes(self, flow: str, destination: str, since_ms: int) -> int:
        """From the minutes."""
        return int(self._group.reading.execute(self._sql["successes"], (flow, destination, since_ms // MINUTE_MS)).get)

    async def open(self, finding: Finding, now_ms: int) -> bool:
        """One open row per flow."""
        words = " ".join(finding.destinations)

        def work(connection: apsw.Connection) -> bool:
            renewed = (finding.kind, words, finding.expected, finding.owner, finding.flow)
            connection.execute(self._sql["renew"], renewed)
            if connection.changes():
                return False
            opened = (finding.flow, finding.owner, finding.kind, words, finding.since_ms, finding.expected, now_ms)
            connection.execute(self._sql["open"], opened)
            return True

        return await self._group.run(work)

    async def end(self, flow: str, because: str, now_ms: int) -> bool:
        """Close the open row."""

        def work(connection: apsw.Connection) -> bool:
            connection.execute(self._sql["end"], (now_ms, because, flow))
            return connection.changes() > 0

        return await self._group.run(work)

    async def silences(self) -> tuple[Silence, ...]:
        """Open ones, and those whose end is still to be told."""
        return read_silences(self._group.reading)

    async def paged(self, silence: int, step: str, problem: str, now_ms: int) -> None:
        """What became of a page."""

        def work(connection: apsw.Connection) -> None:
            connection.execute(self._sql["paged"], (problem[:300], step, now_ms, silence))

        await self._group.run(work)


def _watched(connection: apsw.Connection) -> dict[str, int]:
    return {str(flow): int(str(since)) for flow, since in connection.execute(statements(FILE)["watched"])}


def read_silences(connection: apsw.Connection) -> tuple[Silence, ...]:
    """On any connection."""
    return tuple(
        Silence(
            id=id_, flow=flow, owner=owner, kind=kind, destinations=tuple(destinations.split()), since_ms=since_ms,
            expected=expected, found_ms=found_ms, paged_ms=paged_ms, escalated_ms=escalated_ms, ended_ms=ended_ms,
            ended_because=because, told_ms=told_ms, problem=problem,
        )
        for id_, flow, owner, kind, destinations, since_ms, expected, found_ms, paged_ms, escalated_ms, ended_ms, because,
        told_ms, problem in connection.execute(statements(FILE)["silences"])
    )  # fmt: skip

"""The history of releases, read from the ledger's file: releases, the audit of switches, and the attempts of each."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from interlock.messaging.history import ReleaseRow, Switch, Wrote
from interlock.messaging.sqlite.connect import open_store
from interlock.messaging.sqlite.statements import statements

EVERY_ROW = 1_000_000


class SqliteHistory:
    """The History port. Its own read-only connection; one question at a time."""

    def __init__(self, ledger: Path) -> None:
        self._connection = open_store(ledger, read_only=True)
        self._connection.execute("PRAGMA query_only = 1")
        self._sql = statements("history.sql")
        self._one_at_a_time = threading.Lock()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def active(self) -> str:
        """The id of the active release."""
        return str(self._one("active") or "")

    def files(self, release: str) -> dict[str, bytes] | None:
        """The folder of a release."""
        packed = self._one("files", release)
        return None if packed is None else msgspec.msgpack.decode(packed, type=dict[str, bytes])

    def find(self, start: str) -> Sequence[str]:
        """The ids that begin with this text."""
        return [str(row[0]) for row in self._rows("find", start)]

    def switches(self, limit: int = 200) -> Sequence[Switch]:
        """Every switch, the newest first."""
        return [_switch(*row) for row in self._rows("switches", limit)]

    def releases(self, limit: int = 50) -> Sequence[ReleaseRow]:
        """Those that are kept, the last one switched to first."""
        switches = self.switches(EVERY_ROW)
        last: dict[str, Switch] = {}
        for switch in switches:
            last.setdefault(switch.release, switch)
        rows = [
            ReleaseRow(
                id=id_, first_ms=at_ms, active=bool(active), switch=last.get(id_),
                times=sum(switch.release == id_ for switch in switches),
            )
            for id_, at_ms, active in self._rows("releases")
        ]  # fmt: skip
        return sorted(
            rows, key=lambda row: (row.active, row.switch.at_ms if row.switch else row.first_ms), reverse=True
        )[:limit]

    def wrote(self, releases: Sequence[str], *, since_ms: int = 0, limit: int = 100_000) -> Sequence[Wrote]:
        """What these releases called destinations for."""
        named = json.dumps(list(releases))
        with self._one_at_a_time:
            kept_ms = self._connection.execute(self._sql["first_seen"], (named,)).get
            first = self._first_attempt(max(since_ms, kept_ms or 0))
            values = {"first": first, "releases": named, "limit": limit}
            return [_wrote(row) for row in self._connection.execute(self._sql["wrote"], values)]

    def wrote_counts(self, releases: Sequence[str], *, since_ms: int = 0) -> dict[str, dict[str, int]]:
        """Destination -> kind of object -> how many."""
        rows = self.wrote(releases, since_ms=since_ms, limit=EVERY_ROW)
        found: dict[str, dict[str, int]] = {}
        each = {(row.destination, row.object, row.verdict, row.system, row.key) for row in rows}
        for destination, object_name, verdict, *_ in sorted(each):
            kind = object_name if verdict == "done" else f"{object_name}, {verdict}"
            counts = found.setdefault(destination, {})
            counts[kind] = counts.get(kind, 0) + 1
        return found

    def _first_attempt(self, since_ms: int) -> int:
        """The first attempt that began at a time or later: ids rise with time, and there is no index for it to pay for."""
        low, high = 1, int(self._connection.execute(self._sql["last_attempt"]).get) + 1
        while low < high:
            middle = (low + high) // 2
            begun_ms = self._connection.execute(self._sql["begun"], (middle,)).get
            low, high = (low, middle) if begun_ms is None or begun_ms >= since_ms else (middle + 1, high)
        return low

    def _one(self, name: str, *values: str | int) -> bytes | None:
        with self._one_at_a_time:
            found: bytes | None = self._connection.execute(self._sql[name], values).get
            return found

    def _rows(self, name: str, *values: str | int) -> list[tuple[Any, ...]]:
        with self._one_at_a_time:
            return self._connection.execute(self._sql[name], values).fetchall()


def _switch(release: str, action: str, at_ms: int, who: str, why: str, detail: str) -> Switch:
    more = json.loads(detail) if detail else {}
    return Switch(
        release=release, action=action, at_ms=at_ms, who=who, why=why, before=more.get("before", ""),
        summary=more.get("summary", ""),
    )  # fmt: skip


def _wrote(row: tuple[Any, ...]) -> Wrote:
    release, destination, flow, system, object_name, key, name, operation, verdict, external_id, calls, last_ms, _ = row
    return Wrote(
        release=release, destination=destination, flow=flow, system=system, object=object_name, key=key,
        name=name, operation=operation, verdict=verdict, external_id=external_id, calls=calls, last_ms=last_ms,
    )  # fmt: skip

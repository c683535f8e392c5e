"""What pages and commands ask about sweeps. A store that no hub of this version has opened yet has nothing to tell."""

from collections.abc import Mapping
from typing import Any

import apsw

from interlock.messaging.sqlite.statements import statements
from interlock.messaging.sqlite.sweep_book import FILE
from interlock.messaging.sweeps import Missed, Sweep


def read_sweeps(connection: apsw.Connection, limit: int) -> tuple[Sweep, ...]:
    """The last ones, newest first."""
    return tuple(_sweep(row) for row in _rows(connection, "sweeps", (limit,)))


def read_sweep(connection: apsw.Connection, number: int) -> Sweep | None:
    """One of them."""
    rows = _rows(connection, "sweep", (number,))
    return _sweep(rows[0]) if rows else None


def read_latest(connection: apsw.Connection) -> tuple[Sweep, ...]:
    """The last whole one of each object."""
    return tuple(_sweep(row) for row in _rows(connection, "latest", ()))


def read_missed(
    connection: apsw.Connection, of_sweep: int = 0, since_ms: int = 0, limit: int = 1_000
) -> tuple[Missed, ...]:
    """What was missed, newest first."""
    return tuple(_missed(row) for row in _rows(connection, "missed", (of_sweep, since_ms, limit)))


def read_missed_counts(connection: apsw.Connection, since_ms: int) -> Mapping[tuple[str, str], int]:
    """(kind, cause) -> how many since then."""
    return {(kind, cause): count for kind, cause, count in _rows(connection, "missed_counts", (since_ms,))}


def _rows(connection: apsw.Connection, name: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    sql = statements(FILE)
    return list(connection.execute(sql[name], values)) if connection.execute(sql["there"]).get else []


def _sweep(row: tuple[Any, ...]) -> Sweep:
    id_, system, name, why, dry, since, until, began_ms, ended_ms, state, listed, found, error = row
    return Sweep(
        id=id_, system=system, object=name, why=why, dry=bool(dry), since=since, until=until, began_ms=began_ms,
        ended_ms=ended_ms, state=state, listed=listed, found=found, error=error,
    )  # fmt: skip


def _missed(row: tuple[Any, ...]) -> Missed:
    id_, in_sweep, system, object_name, key, name, kind, known, version, found_ms, event, cause, told_ms, held_at = row
    return Missed(
        id=id_, sweep=in_sweep, system=system, object=object_name, key=key, name=name, kind=kind, known=known,
        version=version, found_ms=found_ms, event=event, cause=cause, told_ms=told_ms,
        held_at=tuple(sorted(held_at.split(","))) if held_at else (),
    )  # fmt: skip

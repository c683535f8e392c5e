"""`doctor --deep`: every byte that the hub promised to keep, read again: pages, bodies against their SHA-256, events that are owed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from interlock.cli.output import Output
from interlock.cli.times import stamp

if TYPE_CHECKING:
    import apsw

FILES = ("inbox.db", "ledger.db")
MOST_PROBLEMS = 20
"""Of integrity_check; more say no more."""
RESTORE = "stop the hub, keep the damaged file aside, and restore it from a backup"
RESEND = "read the object from its source again, or restore inbox.db from a backup: interlock show {key}"

_COUNT = "SELECT count(*) FROM event WHERE body IS NOT NULL"
_EVENTS = """SELECT position, object, key, name, received_at_ms, sha256, size_bytes, body FROM event
WHERE body IS NOT NULL ORDER BY position"""
_OWED = """SELECT d.id, d.object, d.key, d.name, d.destination, d.wanted_event FROM delivery d
WHERE d.state IN ('pending', 'running', 'retrying', 'uncertain', 'waiting', 'held')
AND NOT EXISTS (SELECT 1 FROM inbox.event e WHERE e.position = d.wanted_event)"""
_CURSOR = "SELECT coalesce(max(value), 0) > (SELECT coalesce(max(position), 0) FROM inbox.event) FROM position WHERE name = 'router'"


class Damage(msgspec.Struct, frozen=True):
    """One thing that is not as it was written."""

    check: str
    what: str
    next: str
    position: int = 0


class Verified(msgspec.Struct, frozen=True):
    """How much was read, and what is wrong with it."""

    bodies: int
    damage: tuple[Damage, ...]


def verify(data: Path, out: Output) -> Verified:
    """Read both files and every stored body. Nothing is changed; a hub may run meanwhile."""
    damage = [found for name in FILES for found in _pages(data / name, out)]
    bodies, wrong = _bodies(data / "inbox.db", out)
    return Verified(bodies, (*damage, *wrong, *_between(data)))


def _open(path: Path) -> "apsw.Connection":
    from interlock.messaging.sqlite.connect import open_store

    return open_store(path, read_only=True)


def _pages(path: Path, out: Output) -> Iterator[Damage]:
    """SQLite's own check of every page, index and constraint."""
    out.progress(f"{path.name}: integrity check")
    found = _asked(
        path, lambda connection: [row[0] for row in connection.execute(f"PRAGMA integrity_check({MOST_PROBLEMS})")]
    )
    for problem in found:
        if problem != "ok":
            yield Damage(f"pages of {path.name}", " ".join(str(problem).split()), RESTORE)


def _asked(path: Path, ask: "Callable[[apsw.Connection], list[Any]]") -> list[Any]:
    """What SQLite cannot read at all is a finding too."""
    import apsw

    try:
        connection = _open(path)
        try:
            return ask(connection)
        finally:
            connection.close()
    except apsw.Error as error:
        return [f"cannot be read: {error}"]


def _bodies(path: Path, out: Output) -> tuple[int, list[Damage]]:
    """Each body against the hash that was stored in the same commit, one at a time in memory."""
    import apsw

    wrong: list[Damage] = []
    read = last = 0
    try:
        connection = _open(path)
        try:
            with out.bar(int(connection.execute(_COUNT).get), "bodies") as step:
                for row in connection.execute(_EVENTS):
                    wrong += _compared(*row)
                    read, last = read + 1, row[0]
                    step(1)
        finally:
            connection.close()
    except apsw.Error as error:
        wrong.append(Damage("bodies", f"events after {last} cannot be read: {error}", RESTORE, position=last))
    return read, wrong


def _compared(
    position: int, object_name: str, key: str, name: str, received_ms: int, sha256: bytes, size: int, body: bytes
) -> list[Damage]:
    from interlock.messaging.sqlite.packing import UnreadableBodyError, unpack

    try:
        unpack(body, size, sha256)
    except UnreadableBodyError:
        pass
    else:
        return []
    what = (
        f"event {position}, {object_name} {name or key} received {stamp(received_ms)}: "
        f"its body is not the one that was accepted, {size} bytes with SHA-256 {sha256.hex()[:12]}"
    )
    return [Damage("body", what, RESEND.format(key=key), position=position)]


def _between(data: Path) -> Iterator[Damage]:
    """The two files against each other: one restored from an older backup than the other shows here."""
    ledger, inbox = data / FILES[1], str(data / FILES[0])

    def owed(connection: "apsw.Connection") -> list[Any]:
        connection.execute("ATTACH ? AS inbox", (inbox,))
        rows: list[Any] = list(connection.execute(_OWED))
        return [
            *rows,
            *(["the router's cursor stands behind the newest event"] if connection.execute(_CURSOR).get else []),
        ]

    for row in _asked(ledger, owed):
        what = (
            row
            if isinstance(row, str)
            else f"delivery {row[0]} of {row[1]} {row[3] or row[2]} to {row[4]} wants event {row[5]}, which is not there"
        )
        yield Damage("inbox and ledger", what, "restore both files from the same backup")

"""Numbered migrations with checksums: each runs once, in one transaction; a changed or missing one stops the start."""

import hashlib
from collections.abc import Iterator
from importlib.resources import files

import apsw

from interlock.errors import SettingsError

_BOOK = """CREATE TABLE IF NOT EXISTS migration (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT"""


def migrations(store: str) -> Iterator[tuple[int, str, str]]:
    """Number, name and text of each migration of a store (`inbox`, `ledger`), in order."""
    folder = files(__package__).joinpath("migrations", store)
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".sql"):
            yield int(entry.name[:4]), entry.name, entry.read_text(encoding="utf-8")


def migrate(connection: apsw.Connection, store: str, now_ms: int) -> list[str]:
    """Bring a store to the newest schema; returns the names of the migrations that ran."""
    connection.execute(_BOOK)
    done = {
        number: (name, sha) for number, name, sha in connection.execute("SELECT number, name, sha256 FROM migration")
    }
    known = list(migrations(store))
    _refuse_newer(done, known, store)
    ran = []
    for number, name, text in known:
        sha = hashlib.sha256(text.encode()).hexdigest()
        if number in done:
            _refuse_changed(name, sha, done[number][1])
            continue
        _apply(connection, number, name, sha, text, now_ms)
        ran.append(name)
    return ran


def _apply(connection: apsw.Connection, number: int, name: str, sha: str, text: str, now_ms: int) -> None:
    """Schema and its row in the book in one transaction, so that a kill at any statement leaves either all or
    nothing."""
    with connection:
        connection.execute(text)
        connection.execute("INSERT INTO migration VALUES (?, ?, ?, ?)", (number, name, sha, now_ms))


def _refuse_newer(done: dict[int, tuple[str, str]], known: list[tuple[int, str, str]], store: str) -> None:
    newest = max((number for number, _, _ in known), default=0)
    if done and max(done) > newest:
        raise SettingsError(
            f"the {store} store was written by a newer Interlock (migration {max(done)}, this one knows {newest})",
            code="SET013",
            next_move="start the newer version again, or restore the backup that was taken before the upgrade",
        )


def _refuse_changed(name: str, sha: str, recorded: str) -> None:
    if sha != recorded:
        raise SettingsError(
            f"migration {name} is not the one that made this store",
            code="SET014",
            why=f"its SHA-256 is {sha[:12]}, the store recorded {recorded[:12]}",
            next_move="install an unmodified Interlock; published migrations never change",
        )

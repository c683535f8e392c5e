"""Small values that all processes of a hub share and that may be lost: they are learnt again, so nothing is synced."""

from collections.abc import Callable
from pathlib import Path

import apsw

BUSY_TIMEOUT_MS = 2_000
"""A change takes some ten microseconds, so who waits longer waits for a process that hangs."""


class SqliteSharedState:
    """One file, one row a value. Opened at the first change, so that a command that changes nothing makes no file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: apsw.Connection | None = None

    def change(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        """Replace the value of `name` by what `change` makes of it, in one transaction of all processes."""
        execute = (self._connection or self._open()).execute
        execute("BEGIN IMMEDIATE")
        try:
            row = execute("SELECT value FROM shared WHERE name = ?", (name,)).fetchone()
            value = change(row[0] if row else None)
            execute(
                "INSERT INTO shared (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )
        except BaseException:
            execute("ROLLBACK")
            raise
        execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> apsw.Connection:
        connection = self._connection = apsw.Connection(str(self._path))
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS shared (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
        )
        return connection

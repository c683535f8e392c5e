"""Small values that all processes of a hub share and that may be lost: they are learnt again, so nothing is synced."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import apsw

LOG = logging.getLogger("interlock.shared_state")

BUSY_TIMEOUT_MS = 2_000
"""A change takes some ten microseconds, so who waits longer waits for a process that hangs."""
WAL_AGAIN_SECONDS = 0.005
"""SQLite waits for no one when a new file turns to WAL, which each process does at its first change: they begin together."""
TRY_AGAIN_SECONDS = 30.0
"""So long is a file left alone that failed; each try may take the whole busy timeout."""


class SqliteSharedState:
    """One file, one row a value. Opened at the first change, so that a command that changes nothing makes no file.

    A file that fails (full disk, locked, damaged) stops nobody: values are then kept in memory, for this process alone,
    until the file works again.
    """

    def __init__(
        self, path: Path, monotonic: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._path = path
        self._monotonic = monotonic
        self._sleep = sleep
        self._connection: apsw.Connection | None = None
        self._memory: dict[str, bytes] = {}
        self._alone_until: float | None = None

    def change(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        """Replace the value of `name` by what `change` makes of it, in one transaction of all processes; a transaction
        that fails at its end is made again in memory."""
        if self._alone_until is None or self._monotonic() >= self._alone_until:
            try:
                self._memory[name] = self._change(name, change)
                self._works()
                return
            except (apsw.Error, OSError) as error:
                self._fails(error)
        self._memory[name] = change(self._memory.get(name))

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _change(self, name: str, change: Callable[[bytes | None], bytes]) -> bytes:
        execute = (self._connection or self._open()).execute
        execute("BEGIN IMMEDIATE")
        try:
            row = execute("SELECT value FROM shared WHERE name = ?", (name,)).fetchone()
            value = change(row[0] if row else None)
            execute(
                "INSERT INTO shared (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )
            execute("COMMIT")
        except BaseException:
            if self._connection is not None and self._connection.in_transaction:
                execute("ROLLBACK")
            raise
        return value

    def _works(self) -> None:
        if self._alone_until is not None:
            self._alone_until = None
            LOG.warning("%s works again: its values are shared", self._path.name)

    def _fails(self, error: Exception) -> None:
        """Begin anew with the file the next time: one that was damaged may have been deleted meanwhile."""
        if self._alone_until is None:
            LOG.warning(
                "%s cannot be used (%s): values are kept in memory, and other processes do not see them; it may be deleted "
                "while the hub is stopped", self._path.name, error,
            )  # fmt: skip
        self._alone_until = self._monotonic() + TRY_AGAIN_SECONDS
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(True)

    def _open(self) -> apsw.Connection:
        connection = self._connection = apsw.Connection(str(self._path))
        self._turn_to_wal(connection)
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS shared (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
        )
        return connection

    def _turn_to_wal(self, connection: apsw.Connection) -> None:
        for left in reversed(range(int(BUSY_TIMEOUT_MS / 1000 / WAL_AGAIN_SECONDS))):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except apsw.BusyError:
                if not left:
                    raise
                self._sleep(WAL_AGAIN_SECONDS)

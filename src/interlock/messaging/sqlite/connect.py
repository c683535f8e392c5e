"""Opens a SQLite file so that a commit means "on the disk", reads the settings back, and refuses an engine that can
corrupt."""

from pathlib import Path

import apsw

from interlock.errors import SettingsError

OLDEST_SAFE = (3, 51, 3)
"""Before this the WAL-reset bug can corrupt a file when two connections write and checkpoint at once
(sqlite.org/wal.html#walresetbug)."""

BACKPORTS = ((3, 50, 7), (3, 44, 6))

BUSY_TIMEOUT_MS = 5_000
CACHE_KIB = 32_768


def version_tuple(text: str) -> tuple[int, ...]:
    """`3.54.1` as (3, 54, 1)."""
    return tuple(int(part) for part in text.split("."))


def is_safe(text: str) -> bool:
    """True when this SQLite is free of the WAL-reset bug, by its own number or a backport's."""
    version = version_tuple(text)
    return version >= OLDEST_SAFE or any(version[:2] == fixed[:2] and version >= fixed for fixed in BACKPORTS)


def require_safe_engine(version: str | None = None) -> None:
    """Refuse to start on a SQLite that can lose what it acknowledged."""
    found = version or apsw.sqlite_lib_version()
    if not is_safe(found):
        raise SettingsError(
            f"SQLite {found} can corrupt its own files",
            code="SET010",
            why="versions before 3.51.3 (save 3.50.7 and 3.44.6) have the WAL-reset bug",
            next_move="install a newer apsw, which carries its own SQLite: pip install --upgrade apsw",
        )


def open_store(path: Path, *, vfs: str | None = None, read_only: bool = False) -> apsw.Connection:
    """A connection with WAL and synchronous=FULL, both read back. Raises SettingsError when the file cannot promise
    durability."""
    require_safe_engine()
    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    try:
        connection = apsw.Connection(str(path), flags=flags, vfs=vfs)
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        # Scratch tables of single statements; on disk each costs a file, five times the statement itself.
        connection.execute("PRAGMA temp_store = MEMORY")
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            # What is deleted or emptied is overwritten: a person who asked to be forgotten is in no free page either.
            connection.execute("PRAGMA secure_delete = ON")
    except (apsw.CantOpenError, apsw.ReadOnlyError) as error:
        raise SettingsError(
            f"cannot open the store {path.name}",
            code="SET011",
            where=str(path.parent),
            why=str(error),
            next_move="make the folder writable for this user, or choose another with --data",
        ) from error
    if not read_only:
        _read_back(connection, path)
    return connection


def _read_back(connection: apsw.Connection, path: Path) -> None:
    promised = {"journal_mode": "wal", "synchronous": 2}
    for pragma, wanted in promised.items():
        found = connection.execute(f"PRAGMA {pragma}").get
        if found != wanted:
            raise SettingsError(
                f"the store {path.name} does not keep {pragma} = {wanted} (it says {found!r})",
                code="SET012",
                where=str(path),
                why="without it a power cut can lose events that were acknowledged",
                next_move="put the store on a local disk; network file systems cannot do WAL",
            )

"""The data folder of a hub: where it lies, which process holds it, where that listens, and the console's token."""

import fcntl
import os
import secrets
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from interlock.errors import SettingsError

STRATEGY_FILE = "strategy.toml"
DEFAULT = "data"
LOCK_FILE = "interlock.lock"
TOKEN_FILE = "console-token"  # noqa: S105  a file's name
URL_FILE = "hub-url"
"""Written by `interlock run` and `interlock demo` while they serve, so that other commands find the hub."""


def data_folder(folder: Path) -> Path:
    """Where the store of this strategy folder is. Read before the folder is checked as a whole: of one that cannot be read it is the
    default place, and what is wrong is told by the loader."""
    try:
        engine = tomllib.loads((folder / STRATEGY_FILE).read_text(encoding="utf-8")).get("engine", {})
        name = engine.get("folder", DEFAULT)
    except (OSError, ValueError, AttributeError):
        return folder / DEFAULT
    return folder / name if isinstance(name, str) else folder / DEFAULT


def make(data: Path) -> None:
    """Raises SettingsError SET021 when it cannot be written."""
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(data, error, "make the folder writable, or choose another") from error


def lock_store(data: Path) -> IO[str]:
    """Refuse a second process on the same store: it would deliver everything twice (fault case 62)."""
    try:
        file = (data / LOCK_FILE).open("a+")
    except OSError as error:
        raise _unwritable(data, error, "make the folder writable") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise SettingsError(
            "another hub runs on this folder",
            code="SET022",
            where=str(data / LOCK_FILE),
            why=f"process {holder} holds the lock; two hubs would deliver twice",
            next_move="stop the other one, or use another folder",
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def lock_holder(data: Path) -> str:
    """The process id of the hub that runs on this store, '' when none does. The lock itself is asked, not the file's text."""
    try:
        with (data / LOCK_FILE).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read().strip() or "unknown"
    except OSError:
        return ""
    return ""


def hub_url(data: Path) -> str:
    """The address of the running hub, '' when none runs or it has not said."""
    try:
        return (data / URL_FILE).read_text(encoding="ascii").strip() if lock_holder(data) else ""
    except OSError:
        return ""


@contextmanager
def announced(data: Path, url: str) -> Iterator[None]:
    """While it lasts, other commands find the hub's address."""
    file = data / URL_FILE
    file.write_text(url, encoding="ascii")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def console_token(data: Path) -> str:
    """The console's token, made once, readable by the owner of the folder alone."""
    path = data / TOKEN_FILE
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24), encoding="ascii")
    return path.read_text(encoding="ascii").strip()


def _unwritable(data: Path, error: OSError, next_move: str) -> SettingsError:
    return SettingsError(f"cannot write to {data}", code="SET021", why=str(error), next_move=next_move)

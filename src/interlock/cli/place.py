"""Where a command works: the strategy folder, its store, and who holds the store's lock."""

import fcntl
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

VARIABLE = "INTERLOCK_FOLDER"
LOCK_FILE = "interlock.lock"
URL_FILE = "hub-url"
"""Written by `interlock run` while it serves, so that other commands find it."""

_kind = click.Path(path_type=Path, file_okay=False)


def folder_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--folder`, by default INTERLOCK_FOLDER, else the current directory."""
    option = click.option("--folder", type=_kind, default=".", envvar=VARIABLE, help="The strategy folder (default: here).")
    return option(command)


def folder_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """`[FOLDER]`, with the same default."""
    return click.argument("folder", type=_kind, default=".", envvar=VARIABLE)(command)


def data_folder(folder: Path) -> Path:
    """Where the store of this folder is; a folder that cannot be read has the default place."""
    try:
        engine = tomllib.loads((folder / "strategy.toml").read_text(encoding="utf-8")).get("engine", {})
        name = engine.get("folder", "data")
    except (OSError, ValueError, AttributeError):
        return folder / "data"
    return folder / name if isinstance(name, str) else folder / "data"


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

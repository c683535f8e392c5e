"""Where a command works: the strategy folder, its store, and who holds the store's lock."""

import fcntl
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

VARIABLE = "INTERLOCK_FOLDER"
LOCK_FILE = "interlock.lock"
TOKEN_FILE = "console-token"  # noqa: S105  a file's name
URL_FILE = "hub-url"
"""Written by `interlock run` and `interlock demo` while they serve, so that other commands find the hub."""
DEMO_FOLDER = "interlock-demo"
DEMO_MARK = ".demo"
STRATEGY_FILE = "strategy.toml"

_kind = click.Path(path_type=Path, file_okay=False)


def folder_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--folder`, by default INTERLOCK_FOLDER, else the current directory, else the demo in it."""
    option = click.option(
        "--folder", type=_kind, default=Path(), envvar=VARIABLE, callback=_or_the_demo,
        help="The strategy folder (default: here, else ./interlock-demo).",
    )  # fmt: skip
    return option(command)


def folder_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """`[FOLDER]`, by default INTERLOCK_FOLDER, else the current directory."""
    return click.argument("folder", type=_kind, default=Path(), envvar=VARIABLE)(command)


def changed_folder_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """`[FOLDER]` of a command about a changed folder: as `--folder`, the demo in the current directory included."""
    argument = click.argument("folder", type=_kind, default=Path(), envvar=VARIABLE, callback=_or_the_demo)
    return argument(command)


def _or_the_demo(ctx: click.Context, parameter: click.Parameter, folder: Path) -> Path:
    """Beside a demo that runs in ./interlock-demo, its commands need no --folder."""
    given = ctx.get_parameter_source(parameter.name or "") is not click.core.ParameterSource.DEFAULT
    demo = Path(DEMO_FOLDER)
    if given or Path(STRATEGY_FILE).exists() or not (demo / STRATEGY_FILE).exists():
        return folder
    if ctx.meta.setdefault(f"{__name__}.demo", demo) is demo:
        click.echo(f"in ./{demo}", err=True)  # once, where a group of commands and its command both have a folder
    return demo


def data_folder(folder: Path) -> Path:
    """Where the store of this folder is; a folder that cannot be read has the default place."""
    try:
        engine = tomllib.loads((folder / STRATEGY_FILE).read_text(encoding="utf-8")).get("engine", {})
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


def needs_a_hub(folder: Path, why: str) -> None:
    """Raises SettingsError SET032 when no hub runs on this folder; `why` says what one is needed for."""
    from interlock.errors import SettingsError

    if not lock_holder(data_folder(folder)):
        next_move = start_command(folder)
        raise SettingsError("no hub runs on this folder", code="SET032", where=str(folder), why=why, next_move=next_move)


def start_command(folder: Path) -> str:
    """What starts the hub of this folder: a demo's needs its twins."""
    return f"interlock demo {folder}" if (folder / DEMO_MARK).exists() else f"interlock run {folder}"


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

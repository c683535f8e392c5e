"""Where a command works: the strategy folder that is meant, and whether a hub runs on it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from interlock.data_folder import STRATEGY_FILE, data_folder, lock_holder

VARIABLE = "INTERLOCK_FOLDER"
DEMO_FOLDER = "interlock-demo"
DEMO_MARK = ".demo"

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


def needs_a_hub(folder: Path, why: str) -> None:
    """Raises SettingsError SET032 when no hub runs on this folder; `why` says what one is needed for."""
    from interlock.errors import SettingsError

    if not lock_holder(data_folder(folder)):
        next_move = start_command(folder)
        raise SettingsError("no hub runs on this folder", code="SET032", where=str(folder), why=why, next_move=next_move)


def start_command(folder: Path) -> str:
    """What starts the hub of this folder: a demo's needs its twins."""
    return f"interlock demo {folder}" if (folder / DEMO_MARK).exists() else f"interlock run {folder}"

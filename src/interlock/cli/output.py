"""What a command says: rows and a last summary line on stdout, progress and suggestions on stderr; as text or JSON lines."""

import functools
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from interlock.errors import InterlockError, SettingsError, StoreError

FAILED = 1
BUG = 70
"""EX_SOFTWARE of sysexits.h: a mistake of ours."""
STORE_FAILED = 74
"""EX_IOERR of sysexits.h: a supervisor must not restart blindly on a broken disk."""
INTERRUPTED = 130
PROGRAM = "interlock"
BAR_DRAWN = 200
"""A bar is drawn so often at most; a terminal is slower than a store."""
TRACEBACK_VARIABLE = "INTERLOCK_TRACEBACK"

FOLDER_LAST = ("check", "run", "plan", "apply")
"""Commands that take the folder as an argument; the others take --folder, and these none at all:"""
NO_FOLDER = ("demo", "init", "schemas", "twin up")

STATE_COLOURS = {
    "done": "green",
    "open": "red",
    "probing": "yellow",
    "dead": "red",
    "retrying": "yellow",
    "uncertain": "yellow",
    "waiting": "yellow",
    "held": "cyan",
}


class Output:
    """One command's voice. With `as_json`, stdout holds one JSON object per line and nothing else.

    `folder` is what the person named with --folder, so that a suggested command works as it stands.
    """

    def __init__(self, *, as_json: bool, folder: str = "") -> None:
        self.as_json = as_json
        self.folder = folder

    def row(self, text: str, /, **fields: Any) -> None:
        """One result, as a line of text or as an object."""
        click.echo(_json(fields) if self.as_json else text)

    def progress(self, text: str) -> None:
        """What is being done now, for a person who waits."""
        click.echo(text, err=True)

    @contextmanager
    def bar(self, length: int, label: str) -> Iterator[Callable[[int], None]]:
        """A progress bar on stderr when a person watches; yields what takes the steps made."""
        quiet = not sys.stderr.isatty()
        steps = max(1, length // BAR_DRAWN)
        with click.progressbar(
            length=length, label=label, file=sys.stderr, hidden=quiet, show_pos=True, update_min_steps=steps
        ) as shown:
            yield shown.update

    def summary(self, text: str, /, *next_moves: str, **fields: Any) -> None:
        """The last line of stdout, after the suggestions of what to do next."""
        moves = [self.here(move) for move in next_moves]
        if self.as_json:
            click.echo(_json({"summary": text, **fields, "next": moves}))
            return
        for move in moves:
            click.echo(f"next: {move}", err=True)
        click.echo(text)

    def error(self, error: InterlockError) -> None:
        """Code, what, where, why and next move, never a traceback."""
        if self.as_json:
            click.echo(_json({"error": self._parts(error)}))
            return
        error.next_move = self.here(error.next_move)
        click.echo(str(error), err=True)

    def _parts(self, error: InterlockError) -> dict[str, Any]:
        """An error that holds several (a folder with mistakes) lists them under `findings`."""
        next_move = self.here(error.next_move)
        parts = {"code": error.code, "what": error.what, "where": error.where, "why": error.why, "next": next_move}
        findings = [self._parts(one) for one in getattr(error, "findings", ())]
        return parts | ({"findings": findings} if findings else {})

    def here(self, move: str) -> str:
        """A suggested command, with the folder that this one was given."""
        before, found, command = move.rpartition("interlock ")
        placed = "--folder" in command or command.endswith(self.folder)
        if not found:
            return move
        if self.folder and not placed and not command.startswith(NO_FOLDER):
            last = command.partition(" ")[0] in FOLDER_LAST
            command = f"{command} {'' if last else '--folder '}{self.folder}"
        return f"{before}{program()} {command}"


def fields_of(row: Any) -> dict[str, Any]:
    """A row of the store as data, bytes as they are."""
    import msgspec

    fields: dict[str, Any] = msgspec.to_builtins(row, builtin_types=(bytes,))
    return fields


def program() -> str:
    """How this command is called: by its name where the shell finds it, else by its path (`scripts/demo` sets up no PATH)."""
    called = Path(sys.argv[0])
    if called.name != PROGRAM or not called.exists():
        return PROGRAM
    found = shutil.which(PROGRAM)
    return PROGRAM if found and Path(found).samefile(called) else str(called.absolute())


def coloured(state: str, width: int = 0) -> str:
    """A delivery's state, in colour on a terminal."""
    return click.style(f"{state:<{width}}", fg=STATE_COLOURS.get(state))


def counted(number: int, word: str, words: str = "") -> str:
    """`1 order`, `2 orders`."""
    return f"{number} {word if number == 1 else words or f'{word}s'}"


def fail(code: int = FAILED) -> NoReturn:
    """End the command with this exit code; everything is said already."""
    raise click.exceptions.Exit(code)


def speaks(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--json` and an Output named `out`; turn errors into words and an exit code."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON object per line on stdout.")
    @functools.wraps(command)
    def spoken(*arguments: Any, as_json: bool, **options: Any) -> None:
        out = Output(as_json=as_json, folder=_named_folder(options))
        try:
            command(*arguments, out=out, **options)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            out.progress("interrupted")
            fail(INTERRUPTED)
        except Exception as error:  # noqa: BLE001  told in words; the traceback is there when it is asked for
            if os.environ.get(TRACEBACK_VARIABLE):
                traceback.print_exc()
            found = _in_words(error)
            out.error(found)
            fail(_exit_code(found))

    return spoken


def _named_folder(options: dict[str, Any]) -> str:
    context = click.get_current_context(silent=True)
    if context is None or "folder" not in options:
        return ""
    named = context.get_parameter_source("folder") is click.core.ParameterSource.COMMANDLINE
    return str(options["folder"]) if named else ""


def _in_words(error: Exception) -> InterlockError:
    """What SQLite and the operating system say, as an error with a code and a next move."""
    if isinstance(error, InterlockError):
        return error
    engine = sys.modules.get("apsw")
    if engine is not None and isinstance(error, engine.Error):
        return StoreError(
            "the store cannot be read", code="STO004", why=f"SQLite says: {error}",
            next_move="look closer, and restore it from a backup if it is damaged: interlock doctor --deep",
        )  # fmt: skip
    if isinstance(error, OSError):
        return SettingsError(
            "the operating system refused", code="SET026", where=str(error.filename or ""), why=error.strerror or str(error),
            next_move="make the place readable and writable for this user, or name another",
        )  # fmt: skip
    return InterlockError(
        f"a mistake in Interlock: {type(error).__name__}", why=str(error),
        next_move=f"report it with the traceback, which {TRACEBACK_VARIABLE}=1 shows",
    )  # fmt: skip


def _exit_code(error: InterlockError) -> int:
    if isinstance(error, StoreError):
        return STORE_FAILED
    return BUG if type(error) is InterlockError and error.code == InterlockError.default_code else FAILED


def _json(fields: dict[str, Any]) -> str:
    return json.dumps(fields, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)

"""What a command says: rows and a last summary line on stdout, progress and suggestions on stderr; as text or JSON lines."""

import functools
import json
from collections.abc import Callable
from typing import Any, NoReturn

import click

from interlock.errors import InterlockError, StoreError

FAILED = 1
STORE_FAILED = 74
"""EX_IOERR of sysexits.h: a supervisor must not restart blindly on a broken disk."""


class Output:
    """One command's voice. With `as_json`, stdout holds one JSON object per line and nothing else."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def row(self, text: str, **fields: Any) -> None:
        """One result, as a line of text or as an object."""
        click.echo(json.dumps(fields, default=str) if self.as_json else text)

    def progress(self, text: str) -> None:
        """What is being done now, for a person who waits."""
        click.echo(text, err=True)

    def summary(self, text: str, *next_moves: str, **fields: Any) -> None:
        """The last line of stdout, after the suggestions of what to do next."""
        if self.as_json:
            click.echo(json.dumps({"summary": text, **fields, "next": list(next_moves)}, default=str))
            return
        for move in next_moves:
            click.echo(f"next: {move}", err=True)
        click.echo(text)

    def error(self, error: InterlockError) -> None:
        """Code, what, where, why and next move, never a traceback."""
        if self.as_json:
            parts = {"code": error.code, "what": error.what, "where": error.where, "why": error.why, "next": error.next_move}
            click.echo(json.dumps({"error": parts}))
        else:
            click.echo(str(error), err=True)


def fail(code: int = FAILED) -> NoReturn:
    """End the command with this exit code; everything is said already."""
    raise click.exceptions.Exit(code)


def speaks(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--json` and an Output named `out`; turn errors into words and an exit code."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON object per line on stdout.")
    @functools.wraps(command)
    def spoken(*arguments: Any, as_json: bool, **options: Any) -> None:
        out = Output(as_json=as_json)
        try:
            command(*arguments, out=out, **options)
        except InterlockError as error:
            out.error(error)
            fail(STORE_FAILED if isinstance(error, StoreError) else FAILED)

    return spoken

"""Calls the command, in this process or as a program of its own, and reads what it says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner, Result

from interlock.cli import main

INTERLOCK = (sys.executable, "-c", "from interlock.cli import main; main()")
START_SECONDS = 180


def call(*arguments: object) -> Result:
    """The command in this process."""
    return CliRunner().invoke(main, [str(one) for one in arguments])


def said(result: Result) -> list[dict[str, Any]]:
    """The lines of a command's JSON."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def interlock(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command as a program of its own."""
    command = [*INTERLOCK, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, check=False)


class Living(NamedTuple):
    """A demo that runs: its folder, its process, and the lines it has said."""

    folder: Path
    process: "subprocess.Popen[str]"
    lines: list[dict[str, Any]]

    def at(self, event: str) -> dict[str, Any]:
        """The line of an event."""
        return next(line for line in self.lines if line.get("event") == event)

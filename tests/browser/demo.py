"""`interlock demo` as a program of its own: its hub, its console, its four twins, and the folder that somebody edits beside it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from click.testing import CliRunner, Result
from person import wait_until

from interlock.cli import main

COMMAND = "from interlock.cli import main; main()"


class Demo:
    """The address with its token, and the twins' own addresses."""

    def __init__(self, folder: Path, process: "subprocess.Popen[bytes]") -> None:
        self.folder = folder
        self.process = process
        self.link, self.twins = "", {}
        assert process.stdout is not None
        while not self.link:
            line = process.stdout.readline()
            assert line, "the demo ended before its console was up"
            facts: dict[str, Any] = json.loads(line)
            self.twins = facts.get("urls", self.twins)
            if "token" in facts:
                self.link = f"{facts['url']}/?token={facts['token']}"
        self.console = self.link.partition("/?")[0]

    def told(self, *arguments: object) -> Result:
        """A command given beside the running demo, in its folder."""
        with chdir(self.folder):
            return CliRunner().invoke(main, [str(each) for each in arguments])

    def effects(self, vendor: str) -> dict[str, Any]:
        """What a twin itself says that was done to it."""
        with urlopen(f"{self.twins[vendor]}/_twin/effects/summary", timeout=30) as answer:
            return dict(json.loads(answer.read()))

    def asks(self, vendor: str, method: str, fault: dict[str, Any] | None = None) -> None:
        """Adds a fault to a twin, or takes all away."""
        body = json.dumps(fault).encode() if fault else None
        with urlopen(Request(f"{self.twins[vendor]}/_twin/faults", data=body, method=method), timeout=30) as answer:
            answer.read()

    def has(self, vendor: str, kind: str, count: int) -> None:
        """Waits until a twin has that many, each once."""
        wait_until(
            lambda: self.effects(vendor)["by_kind"].get(kind, 0) >= count, lambda: f"{count}: {self.effects(vendor)}"
        )
        own = self.effects(vendor)
        assert (own["by_kind"][kind], own["duplicates"]) == (count, [])


@contextmanager
def running(folder: Path, *, orders: int = 1) -> Iterator[Demo]:
    """Starts the demo in a folder, which may have been written and edited before; ends it as Ctrl-C does."""
    command = [sys.executable, "-c", COMMAND, "demo", str(folder), "--orders", str(orders), "--port", "0", "--json"]
    with (folder / "demo.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
    try:
        yield Demo(folder, process)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        process.stdout.close()
        process.wait(60)

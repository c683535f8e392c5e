"""Stores for the commands: one that a demo filled and left, to be copied and spoiled, and one with its demo still running."""

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commandline import INTERLOCK, START_SECONDS, Living, interlock


@pytest.fixture(scope="session")
def left(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A folder in which a demo of three orders has ended, and what that said. Not to be changed."""
    folder = tmp_path_factory.mktemp("left") / "demo"
    return folder, interlock("demo", folder, "--orders", 3, "--exit", "--json", "--port", 0)


@pytest.fixture
def filled(left: tuple[Path, object], tmp_path: Path) -> Path:
    """A copy of the folder that a demo has left, to be changed."""
    return Path(shutil.copytree(left[0], tmp_path / "demo"))


@pytest.fixture(scope="session")
def living(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    """A running demo with two orders delivered."""
    folder = tmp_path_factory.mktemp("living") / "demo"
    command = [*INTERLOCK, "demo", str(folder), "--orders", "2", "--json", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        lines: list[dict[str, Any]] = []
        while not lines or lines[-1].get("event") != "arrived":
            line = process.stdout.readline()
            assert line, f"the demo ended: {lines}"
            lines.append(json.loads(line))
        yield Living(folder, process, lines)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=START_SECONDS)

"""How long `interlock check` takes over a large folder: reading, checking, and the whole command as a person waits for it.

    python -m bench.check [ROUNDS]

40 systems, 200 flows and 60 contracts of the folder's own, without a store. A first run is not counted: it leaves the compiled modules
that an installed package has.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.sizes import Size
from bench.strategy_folder import write_large_folder
from bench.table import Figure, Section
from interlock.connectors.registry import facts
from interlock.operations.checklist import judged
from interlock.strategy import Strategy, load, read_folder

TARGET_SECONDS = 1.0
SYSTEMS, FLOWS, CONTRACTS = 40, 200, 60
ROUNDS = {"small": 3, "full": 11}
LOAD, ITEMS, COMMAND = "read, parse and check it", "judge the eight items", "the whole command"
_COMMAND = "import sys; from interlock.cli import main; main(sys.argv[1:])"


async def measure(size: Size) -> Section:
    """Medians of a few rounds."""
    return await asyncio.to_thread(_measured, ROUNDS.get(size.name, ROUNDS["small"]))


def _measured(rounds: int) -> Section:
    with tempfile.TemporaryDirectory() as made:
        folder = write_large_folder(Path(made) / "large", systems=SYSTEMS, flows=FLOWS, contracts=CONTRACTS)
        strategy = loaded(folder)
        seconds = {
            LOAD: timed(lambda: loaded(folder), rounds),
            ITEMS: timed(lambda: asyncio.run(judged(strategy, folder, None, time.time_ns() // 1_000_000)), rounds),
            COMMAND: timed(lambda: command(folder, Path(made) / "modules"), rounds),
        }
    figures = [
        Figure(name=name, value=taken, unit="s", better="lower", target=None if name == ITEMS else TARGET_SECONDS)
        for name, taken in seconds.items()
    ]
    return Section(
        title=f"interlock check over {SYSTEMS} systems, {FLOWS} flows, {CONTRACTS} contracts", figures=figures
    )


def loaded(folder: Path) -> Strategy:
    """The folder, checked."""
    return load(read_folder(folder), connectors=facts())


def command(folder: Path, modules: Path) -> None:
    """What a person types. Compiled modules are kept, as an installed package keeps them."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environ["PYTHONPYCACHEPREFIX"] = str(modules)
    subprocess.run([sys.executable, "-c", _COMMAND, "check", str(folder)], check=True, capture_output=True, env=environ)


def timed(call: Callable[[], object], rounds: int) -> float:
    """The median of the rounds, in seconds, after one that is not counted."""
    call()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    for figure in _measured(int(sys.argv[1]) if sys.argv[1:] else ROUNDS["small"]).figures:
        print(f"{figure.name:<28}{figure.value:>8.3f} {figure.unit}")

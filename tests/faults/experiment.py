"""How big a fault case runs, from which seed, and the one line it prints: seed, faults that really happened, control, bound."""

import os
import random
from typing import Any

import pytest

NIGHTLY = os.environ.get("INTERLOCK_TIER", "suite") == "nightly"
"""`scripts/nightly` sets it: every case then runs at the number of the table of fault cases."""


class Experiment:
    """One fault case. `size` is the number of faults (or trials) of this run: `suite` in the suite, `table` at night."""

    def __init__(self, case: str, *, suite: int, table: int, capsys: pytest.CaptureFixture[str]) -> None:
        self.case = case
        self.size = table if NIGHTLY else suite
        self.table = table
        self.seed = int(os.environ.get("INTERLOCK_SEED", "20261123"))
        self.chance = random.Random(f"{case}/{self.seed}")
        self._capsys = capsys

    def report(self, *, faults: int, trials: int, control: str, **figures: Any) -> None:
        """Print the line of the case; a run in which fewer faults happened than were asked for proves nothing and fails.

        `faults`: how many really happened. `trials`: independent chances to fail, for the 95 % bound 3/n on the rate
        of a failure never seen. `control`: what the broken or naive version did in the same run.
        """
        bound = f"{3 / trials:.3%}" if trials else "none"
        said = " ".join(f"{name}={value}" for name, value in figures.items())
        with self._capsys.disabled():
            print(
                f"\ncase {self.case}: seed {self.seed}; faults {faults} (this run {self.size}, table {self.table}); "
                f"{said}; control: {control}; bound 3/n = {bound}"
            )
        assert faults >= self.size, f"void: {faults} faults happened, {self.size} were asked for"

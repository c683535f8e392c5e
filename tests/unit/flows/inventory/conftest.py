"""Lets the tests of stock use the engine in memory of tests/unit/messaging."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "messaging"))

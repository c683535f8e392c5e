"""Lets the fault cases use the engine in memory of tests/unit/messaging."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "unit" / "messaging"))

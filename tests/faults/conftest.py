"""Lets the fault cases use the engine in memory of tests/unit/messaging, and the book of stock of tests/unit/flows/inventory."""

import sys
from pathlib import Path

UNIT = Path(__file__).parent.parent / "unit"

sys.path[:0] = [str(UNIT / "messaging"), str(UNIT / "flows" / "inventory")]

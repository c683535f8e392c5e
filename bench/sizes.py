"""How much of everything: `small` to see that all programmes work, `full` for figures that are worth quoting."""

from typing import Final

import msgspec


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of load, and numbers of things. Each measure says what it takes from here."""

    name: str
    seconds: float
    """Length of one span of load."""
    connections: int = 48
    fsyncs: int
    events: int
    """Orders pushed through the whole way, each to three destinations."""
    pace_per_second: float = 50.0
    waiting_few: int = 1_000
    waiting_many: int
    claims: int
    """Deliveries claimed from each backlog. No more than `waiting_few`."""
    drain_seconds: float
    rows: int
    kill_after_seconds: float
    mapping_rounds: int
    planned_orders: int
    """Recorded orders that a plan is tried on."""
    backfill_orders: int
    """Orders in the shop: more than are read in the time."""
    backfill_seconds: float
    points_per_second: int
    """What the shop's plan restores: 100 is Standard, 1,000 is Plus."""


SIZES: Final = {
    "small": Size(
        name="small", seconds=2.0, fsyncs=500, events=1_000, waiting_many=10_000, claims=512, drain_seconds=2.0, rows=50_000,
        kill_after_seconds=1.5, mapping_rounds=10, planned_orders=1_000, backfill_orders=400, backfill_seconds=15.0, points_per_second=100,
    ),
    "full": Size(
        name="full", seconds=10.0, fsyncs=5_000, events=10_000, waiting_many=100_000, claims=960, drain_seconds=8.0, rows=1_000_000,
        kill_after_seconds=4.0, mapping_rounds=60, planned_orders=10_000, backfill_orders=15_000, backfill_seconds=60.0, points_per_second=1_000,
    ),
}  # fmt: skip

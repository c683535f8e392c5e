"""What a SIGKILL in the midst of load loses: orders that were answered with 2xx and never arrive, at Interlock and at Node-RED."""

from bench import node_red, way
from bench.sizes import Size
from bench.table import Figure, Section, absent

SOME_PER_SECOND = 150.0
"""A load that either bears with ease."""
NOTHING_KEPT_SECONDS = 3.0
"""How long to wait after the restart for one that keeps nothing."""


async def measure(size: Size) -> Section:
    """Each twice: under a load that it bears with ease, and under as much as it takes."""
    figures = []
    for name, start, quiet in (
        ("Interlock", way.hub, way.QUIET_SECONDS),
        (f"Node-RED {node_red.VERSION}", node_red.start, NOTHING_KEPT_SECONDS),
    ):
        for load, per_second in ((f"{SOME_PER_SECOND:.0f} orders/s", SOME_PER_SECOND), ("as many as it takes", None)):
            figures.append(await _lost(f"{name}, {load}", start, size, per_second, quiet))
    return Section(
        title="Answered with 2xx, then SIGKILL and a restart: orders that never arrive everywhere", figures=figures
    )


async def _lost(name: str, start: way.Start, size: Size, per_second: float | None, quiet: float) -> Figure:
    try:
        found = await way.killed(start, size, per_second, quiet)
    except (RuntimeError, OSError) as error:
        return absent(name, "lost", str(error))
    note = (
        f"of {found.accepted:,} accepted, {found.deliveries_lost:,} deliveries missing, {found.created_twice} orders created twice; "
        f"ready again after {found.back_seconds:.1f} s"
    )
    target = 0.0 if start is way.hub else None
    return Figure(name=name, value=found.lost, unit="orders lost", better="lower", target=target, note=note)

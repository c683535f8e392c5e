"""What a SIGKILL in the midst of load loses: orders that were answered with 2xx and never arrive, at Interlock and at Node-RED."""

from functools import partial

from bench import node_red, way
from bench.sizes import Size
from bench.table import Figure, Section, absent

ORDERS_PER_SECOND = 150.0
"""A load that either bears with ease while the destinations do."""
CALLS_PER_SECOND = 60
"""What slow destinations take: less than comes, as in any sale."""
NOTHING_KEPT_SECONDS = 3.0
"""How long to wait after the restart for one that keeps nothing."""
PEER = f"Node-RED {node_red.VERSION}"


async def measure(size: Size) -> Section:
    """Each twice: with destinations that answer at once, and with ones that take 60 calls a second, so that a queue is held."""
    quick, slow = "quick destinations", f"destinations that take {CALLS_PER_SECOND} calls/s"
    hub = partial(way.hub, calls_per_second=CALLS_PER_SECOND)
    peer = partial(node_red.start, calls_per_second=CALLS_PER_SECOND)
    figures = [
        await _lost(f"Interlock, {quick}", way.hub, size, way.QUIET_SECONDS),
        await _lost(f"Interlock, {slow}", hub, size, way.QUIET_SECONDS),
        await _lost(f"{PEER}, {quick}", node_red.start, size, NOTHING_KEPT_SECONDS),
        await _lost(f"{PEER}, {slow}", peer, size, NOTHING_KEPT_SECONDS),
    ]
    for figure in figures[:2]:
        figure.target = 0.0
    title = f"{ORDERS_PER_SECOND:.0f} orders/s answered with 2xx, SIGKILL, restart: orders that never arrive everywhere"
    return Section(title=title, figures=figures)


async def _lost(name: str, start: way.Start, size: Size, quiet_seconds: float) -> Figure:
    try:
        found = await way.killed(start, size, ORDERS_PER_SECOND, quiet_seconds)
    except (RuntimeError, OSError) as error:
        return absent(name, "orders lost", str(error))
    note = (
        f"of {found.accepted:,} accepted, {found.deliveries_lost:,} deliveries missing, {found.created_twice} orders created twice; "
        f"ready again after {found.back_seconds:.1f} s"
    )
    return Figure(name=name, value=found.lost, unit="orders lost", better="lower", note=note)

"""From the webhook's sending to the arrival at the last destination, at 50 events a second, by the clock of sender and destinations."""

from bench import handwritten, way
from bench.sizes import Size
from bench.table import Figure, Section, absent


async def measure(size: Size) -> Section:
    """The whole hub; the hand-written handler shows what the path costs when nothing is stored."""
    figures: list[Figure] = []
    for name, start in (("hub", way.hub), ("FastAPI + aiohttp, nothing stored", handwritten.start)):
        try:
            values = await way.paced(start, size)
        except (RuntimeError, OSError) as error:
            figures.append(absent(name, "ms", str(error)))
        else:
            figures += way.waits(name, values, f"{len(values):,} orders")
    return Section(title=f"Webhook sent to last of three arrived, {size.pace_per_second:.0f} events/s", figures=figures)

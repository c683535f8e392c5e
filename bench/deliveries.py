"""Deliveries a second: the engine and the whole hub, everything durable, beside handlers that store nothing."""

import asyncio
import re
import sys

from bench import handwritten, node_red, way
from bench.machine import AROUND, MEASURED, ROOT, Program, scratch
from bench.sizes import Size
from bench.table import Figure, Section, absent, beside

PER_SECOND_TARGET = 4_000
LINE = re.compile(r"^(interlock|bare).*?(\d+) deliveries/s", re.MULTILINE)
ENGINE, BARE, WRITTEN = "engine, all durable", "bare aiohttp calls, nothing stored", "FastAPI + aiohttp, nothing stored"


async def measure(size: Size) -> Section:
    """The engine leads, since the target is its; the whole hub takes the orders over HTTP as well, as the handlers do."""
    found = await _engine(size)
    engine = Figure(name=ENGINE, value=found.get("interlock"), unit="deliveries/s", target=PER_SECOND_TARGET)
    engine.note = (
        f"{size.events:,} events from the inbox on; mapping, intent, outcome and link committed (bench/dispatch.py)"
    )
    others = [
        Figure(name=BARE, value=found.get("bare"), unit="deliveries/s", note="no HTTP in, no mapping, no signature"),
        await pushed("the whole hub, HTTP in to HTTP out", way.hub, size),
        await pushed(WRITTEN, handwritten.start, size),
        await pushed(f"Node-RED {node_red.VERSION}, nothing stored", node_red.start, size),
    ]
    return Section(title="An event to three destinations, one process", figures=beside(engine, *others))


async def pushed(name: str, start: way.Start, size: Size) -> Figure:
    """The figure, or a row that says why there is none."""
    try:
        return await way.pushed(name, start, size)
    except (RuntimeError, OSError) as error:
        return absent(name, "deliveries/s", str(error))


async def _engine(size: Size) -> dict[str, float]:
    """bench/dispatch.py says its own figures. Its destinations are a program of its own, so it is given both cores; its stores are on the disk."""
    cores = {core for core in (MEASURED, AROUND) if core is not None}
    command = [sys.executable, str(ROOT / "bench" / "dispatch.py"), str(size.events)]
    with scratch("engine") as folder:
        program = Program(command, core=cores or None, environ={"TMPDIR": str(folder)})
        assert program.process.stdout is not None
        said = (await asyncio.to_thread(program.process.stdout.read)).decode()
        program.stop()
    return {name: float(number) for name, number in LINE.findall(said)}

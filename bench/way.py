"""The whole way, from the webhook's first byte to the third destination, through any program that offers it."""

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from bench.folder import UNLIMITED, write_folder
from bench.load import Load, percentile
from bench.machine import Program, free_ports, scratch
from bench.orders import Orders
from bench.sinks import Sinks
from bench.sizes import Size
from bench.table import Figure

QUIET_SECONDS = 30.0
"""When nothing has arrived for so long, nothing more will."""
SETTLE_SECONDS = 300.0
WARM_EVENTS = 100
WARM_QUIET_SECONDS = 10.0


INTERLOCK = (sys.executable, "-c", "from interlock.cli import main; main()")
"""The command, of this checkout."""


class Server(msgspec.Struct):
    """A started program and where it takes orders."""

    program: Program
    port: int
    path: str


Start = Callable[[Path, Sinks], Awaitable[Server]]
"""Start a program in a folder of its own, with these destinations; started again there, it takes up what it left."""


async def hub(folder: Path, sinks: Sinks, calls_per_second: int = UNLIMITED) -> Server:
    """Interlock, whole; it may call each destination so many times a second."""
    home = folder / "strategy"
    if not home.exists():
        write_folder(home, sinks.urls, calls_per_second)
    (port,) = free_ports(1)
    program = Program([*INTERLOCK, "run", str(home), "--port", str(port)], log=folder / "hub.log")
    await program.listening(port, "/healthz")
    return Server(program, port, "/intake/shopify")


class Way(msgspec.Struct):
    """A running program between a load and three destinations."""

    server: Server
    load: Load
    sinks: Sinks


@asynccontextmanager
async def running(start: Start, folder: Path, connections: int) -> AsyncIterator[Way]:
    """Started, connected and warm."""
    async with Sinks() as sinks:
        server = await start(folder, sinks)
        load = Load(server.port, Orders(server.port, server.path))
        try:
            await load.open(connections)
            await load.send(WARM_EVENTS)
            if not await sinks.settled(load.accepted_keys(), WARM_QUIET_SECONDS, SETTLE_SECONDS):
                raise RuntimeError(
                    f"of {WARM_EVENTS} orders only {sinks.delivered()} deliveries came; refused: {load.refused}"
                )
            yield Way(server, load, sinks)
        finally:
            load.close()
            server.program.stop()


async def pushed(name: str, start: Start, size: Size) -> Figure:
    """Deliveries a second: so many orders as fast as they are taken, until the last has arrived at the last destination."""
    with scratch("pushed") as folder:
        async with running(start, folder, size.connections) as way:
            way.load.orders.sign(WARM_EVENTS + size.events)
            calls, used = sum(one.calls for one in way.sinks.destinations), way.server.program.cpu_seconds()
            began = time.monotonic()
            await way.load.send(size.events)
            taken = time.monotonic() - began
            await way.sinks.settled(way.load.accepted_keys(), QUIET_SECONDS, SETTLE_SECONDS)
            took, delivered = way.sinks.last() - began, way.sinks.delivered() - 3 * WARM_EVENTS
            calls = sum(one.calls for one in way.sinks.destinations) - calls
            each_us = 1e6 * (way.server.program.cpu_seconds() - used) / max(1, delivered)
    note = (
        f"{size.events:,} orders taken in {taken:.1f} s, {delivered:,} deliveries with {calls:,} calls in {took:.1f} s; "
        f"{each_us:.0f} us of processor a delivery"
    )
    return Figure(name=name, value=delivered / took, unit="deliveries/s", note=note)


async def paced(start: Start, size: Size) -> list[float]:
    """Seconds from the sending of an order to its arrival at the last of the three, at a steady pace."""
    with scratch("paced") as folder:
        async with running(start, folder, 8) as way:
            first = len(way.load.sent)
            way.load.orders.sign(first + round(2 * size.pace_per_second * size.seconds))
            await way.load.pace(size.pace_per_second, size.seconds, random.Random(2))
            numbers = [number for number in way.load.accepted if number >= first]
            await way.sinks.settled(way.load.accepted_keys(), QUIET_SECONDS, SETTLE_SECONDS)
            key = way.load.orders.key
            return [way.sinks.complete_at(key(number)) - way.load.sent[number] for number in numbers]


class Killed(msgspec.Struct):
    """What came of a SIGKILL in the midst of load. `lost` orders were answered with 2xx and are missing somewhere for ever."""

    accepted: int
    lost: int
    deliveries_lost: int
    created_twice: int
    back_seconds: float


async def killed(start: Start, size: Size, per_second: float, quiet_seconds: float = QUIET_SECONDS) -> Killed:
    """Kill the program under a load of so many orders a second, start it again, wait until it has nothing more to bring, count."""
    with scratch("killed") as folder:
        async with running(start, folder, size.connections) as way:
            load, sinks = way.load, way.sinks
            load.orders.sign(WARM_EVENTS + round(per_second * size.kill_after_seconds))
            sending = asyncio.ensure_future(load.pace(per_second, 2 * size.kill_after_seconds, random.Random(3)))
            await asyncio.sleep(size.kill_after_seconds)
            way.server.program.kill()
            load.close()
            await sending
            began = time.monotonic()
            again = await start(folder, sinks)
            back = time.monotonic() - began
            try:
                await sinks.settled(load.accepted_keys(), quiet_seconds, SETTLE_SECONDS)
            finally:
                again.program.stop()
            missing = [sinks.missing(key) for key in load.accepted_keys()]
            twice = next(one.again for one in sinks.destinations if one.name == "shipbob")
    return Killed(len(missing), sum(map(bool, missing)), sum(missing), twice, back)


def waits(name: str, values: list[float], note: str = "") -> list[Figure]:
    """The median and the 99th percentile as figures."""
    return [
        Figure(
            name=f"{name}, p{round(100 * share)}",
            value=percentile(values, share) * 1000,
            unit="ms",
            better="lower",
            note=text,
        )
        for share, text in ((0.50, ""), (0.99, note))
    ]

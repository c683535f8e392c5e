"""Intake of signed orders: durable before the answer, beside the same server without storing and beside a bare log with fsync."""

import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.folder import write_folder
from bench.load import Load, Span, percentile
from bench.machine import Program, free_ports, python, scratch
from bench.orders import Orders
from bench.sample import ORDER_BYTES, order
from bench.sizes import Size
from bench.table import Figure, Section, beside

PER_SECOND_TARGET = 6_000
P99_MS_TARGET = 50
SIGNED_PER_SECOND = 8_000
"""Signatures made ahead for each second of load; beyond them the generator signs as it sends."""
GROUP = 16
NOBODY = dict.fromkeys(("netsuite", "shipbob", "klaviyo"), "http://127.0.0.1:9")
"""Nothing is delivered here, so no destination need listen."""
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


async def measure(size: Size) -> Section:
    """Saturation and half load with the store, saturation without it, the log, and the generator's own limit."""
    with scratch("intake") as folder:
        async with _hub(folder / "stored", "stored", size) as (program, load):
            stored = await _saturated("orders made durable", program, load, size)
            half = await load.pace(stored.value / 2, size.seconds, random.Random(1)) if stored.value else None
        async with _hub(folder / "unstored", "unstored", size) as (program, load):
            unstored = await _saturated("same server, nothing stored", program, load, size)
        single, grouped = await _log(folder, size.fsyncs)
    stored.target = PER_SECOND_TARGET
    figures = beside(
        stored,
        unstored,
        Figure(name=f"bare log, fsync each {GROUP}", value=grouped, unit="orders/s"),
        Figure(name="bare log, fsync each one", value=single, unit="orders/s"),
        Figure(
            name="the load generator's limit",
            value=await _generator(size),
            unit="orders/s",
            note="against a server that only answers",
        ),
    )
    return Section(
        title=f"Intake of signed orders of {ORDER_BYTES / 1000:.0f} KB, one core", figures=[*figures, *_waits(half)]
    )


@asynccontextmanager
async def _hub(folder: Path, what: str, size: Size) -> AsyncIterator[tuple[Program, Load]]:
    """A hub without router and dispatcher, and connections to its intake."""
    (port,) = free_ports(1)
    orders = Orders(port, "/intake/shopify")
    orders.sign(round(size.seconds * SIGNED_PER_SECOND))
    program = Program(python("hub", write_folder(folder, NOBODY), port, what))
    load = Load(port, orders)
    try:
        await program.line()
        await load.open(size.connections)
        yield program, load
    finally:
        load.close()
        program.stop()


async def _saturated(name: str, program: Program, load: Load, size: Size) -> Figure:
    used, before = program.cpu_seconds(), len(load.accepted)
    span = await load.saturate(size.seconds)
    each_us = 1e6 * (program.cpu_seconds() - used) / max(1, len(load.accepted) - before)
    note = f"{size.connections} connections, {each_us:.0f} us of processor each, {span.refused} refused"
    return Figure(name=name, value=span.per_second, unit="orders/s", note=note)


def _waits(half: Span | None) -> list[Figure]:
    if half is None:
        return []
    late_ms = 1000 * percentile(half.lags, 0.99)
    note = f"{half.per_second:,.0f} orders/s at random moments, {half.refused} refused; generator late by {late_ms:.1f} ms at p99"
    return [
        Figure(name="wait at half load, p50", value=half.wait_ms(0.50), unit="ms", better="lower"),
        Figure(
            name="wait at half load, p99",
            value=half.wait_ms(0.99),
            unit="ms",
            better="lower",
            target=P99_MS_TARGET,
            note=note,
        ),
    ]


# -- a bare log: what the disk alone allows


async def _log(folder: Path, fsyncs: int) -> tuple[float, float]:
    """Orders a second that a log takes, one fsync each and one fsync per group."""
    rates = []
    for group in (1, GROUP):
        program = Program(python("intake", "log", folder / f"log-{group}", fsyncs // group + 1, group))
        rates.append(float(await program.line()))
        program.stop()
    return rates[0], rates[1]


def append(path: Path, fsyncs: int, group: int) -> float:
    """Write orders to a file, `group` to each fsync; returns orders a second."""
    body = order()
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    began = time.perf_counter()
    for _ in range(fsyncs):
        for _ in range(group):
            os.write(file, body)
        os.fdatasync(file)
    took = time.perf_counter() - began
    os.close(file)
    return fsyncs * group / took


# -- the generator against a server that does nothing


class _Answerer(asyncio.Protocol):
    """Answers when as many bytes as an order has have come, without looking at them."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._got = 0

    def data_received(self, data: bytes) -> None:
        self._got += len(data)
        if self._got > ORDER_BYTES and data.endswith(b"}"):
            self._got = 0
            self._transport.write(ANSWER)


async def _generator(size: Size) -> float:
    (port,) = free_ports(1)
    orders = Orders(port, "/")
    orders.sign(round(2 * size.seconds * SIGNED_PER_SECOND))
    program = Program(python("intake", "answer", port))
    load = Load(port, orders)
    try:
        await program.line()
        await load.open(size.connections)
        return (await load.saturate(size.seconds)).per_second
    finally:
        load.close()
        program.stop()


async def answer(port: int) -> None:
    """Serve until killed."""
    await asyncio.get_running_loop().create_server(_Answerer, "127.0.0.1", port)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["log", path, fsyncs, group]:
            print(append(Path(path), int(fsyncs), int(group)), flush=True)
        case ["answer", port]:
            asyncio.run(answer(int(port)))

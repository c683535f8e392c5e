"""Many waiting deliveries and many rows: how fast claims are, how much memory the hub takes, how soon it is ready again."""

import asyncio
import os
import sys
import time
from pathlib import Path

import apsw

from bench import way
from bench.folder import write_folder
from bench.load import Load
from bench.machine import Program, python, scratch
from bench.orders import Orders
from bench.sinks import Sinks
from bench.sizes import Size
from bench.table import Figure, Section, beside
from interlock.messaging.delivery import Want
from interlock.messaging.event import Event
from interlock.messaging.ledger import Routed
from interlock.messaging.sqlite.inbox import SqliteInbox
from interlock.messaging.sqlite.ledger import SqliteLedger

CLAIM = 32
"""Deliveries asked for in one claim, about what an outlet with room for 64 calls asks for."""
RSS_MB_TARGET = 200
READY_SECONDS_TARGET = 5
SAME_SHARE = 0.8
"""Claims that keep this share of their speed have not become slower: one run differs as much from the next."""
TRANSACTION_ROWS = 50_000


async def measure(size: Size) -> Section:
    """Claims from a short and a long backlog; memory with the long one, live; a start on a million rows after a kill."""
    few, many = [await _claims(count, size.claims) for count in (size.waiting_few, size.waiting_many)]
    many.target = SAME_SHARE * (few.value or 0)
    memory = await _memory(size)
    ready = await _restart(size)
    return Section(title="Backlog", figures=[*beside(many, few), *memory, ready])


# -- claims


async def _claims(waiting: int, claims: int) -> Figure:
    with scratch("claims") as folder:
        program = Program(python("backlog", "claims", folder / "ledger.db", waiting, claims))
        rate = float(await program.line())
        program.stop()
    return Figure(
        name=f"claims with {waiting:,} waiting",
        value=rate,
        unit="deliveries/s",
        note=f"{CLAIM} at once, each claim committed",
    )


async def claims(path: Path, waiting: int, wanted: int) -> float:
    """Deliveries claimed a second, from a ledger in which so many wait for one destination."""
    ledger = SqliteLedger(path, 0)
    want = (Want(flow="order-to-erp", destination="netsuite"),)
    for start in range(0, waiting, 1_000):
        routed = [Routed(event=_event(number), wants=want) for number in range(start, min(waiting, start + 1_000))]
        await ledger.route("router", start + len(routed), routed, 1)
    await ledger.checkpoint()
    taken, began = 0, time.perf_counter()
    while taken < wanted:
        taken += len(await ledger.claim("netsuite", worker="bench", limit=CLAIM, now_ms=2, lease_ms=60_000))
    took = time.perf_counter() - began
    await ledger.close()
    return taken / took


def _event(number: int) -> Event:
    return Event(
        position=number + 1, system="shopify", dialect="shopify", topic="orders/create", object="order", key=str(10**17 + number),
        name=f"#{number}", version=1, complete=True, facts=("orders/create",), received_at_ms=1, release="bench", sha256=b"0" * 32, body=None,
    )  # fmt: skip


# -- memory of a live hub whose destinations are all down, then up again


async def _memory(size: Size) -> list[Figure]:
    with scratch("memory") as folder:
        sinks = Sinks()
        server = await way.hub(folder, sinks)
        events = -(-size.waiting_many // 3)
        load = Load(server.port, Orders(server.port, server.path))
        load.orders.sign(events)
        await load.open(size.connections)
        await load.send(events)
        load.close()
        waiting = await _routed(folder / "strategy", 3 * events)
        down = Figure(
            name=f"memory with {waiting:,} waiting", value=server.program.rss_mb(), unit="MB", better="lower", target=RSS_MB_TARGET,
            note=f"three destinations down; {server.program.rss_mb(peak=True):.0f} MB at most while they came in",
        )  # fmt: skip
        server.program.kill()
        return [down, await _drained(folder, sinks, load.accepted_keys(), size)]


async def _drained(folder: Path, sinks: Sinks, orders: list[int], size: Size) -> Figure:
    """Started again with the destinations up: memory and speed while the backlog is worked off."""
    async with sinks:
        began = time.monotonic()
        server = await way.hub(folder, sinks)
        ready = time.monotonic()
        await sinks.settled(orders, 5.0, size.drain_seconds)
        rate = sinks.delivered() / (sinks.last() - ready)
        peak = server.program.rss_mb(peak=True)
        server.program.kill()
    note = f"{sinks.delivered():,} at {rate:,.0f} a second; it was ready {ready - began:.1f} s after its start"
    return Figure(
        name="memory while it works them off", value=peak, unit="MB", better="lower", target=RSS_MB_TARGET, note=note
    )


async def _routed(folder: Path, wanted: int) -> int:
    """Wait until so many deliveries stand in the store; returns how many."""
    ledger = apsw.Connection(str(folder / "data" / "ledger.db"), flags=apsw.SQLITE_OPEN_READONLY)
    deadline = time.monotonic() + way.SETTLE_SECONDS
    while (found := ledger.execute("SELECT count(*) FROM delivery").get) < wanted and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    ledger.close()
    return int(found)


# -- a start on many rows


async def _restart(size: Size) -> Figure:
    with scratch("rows") as folder:
        async with Sinks() as sinks:
            home = write_folder(folder / "strategy", sinks.urls)
            first = await way.hub(folder, sinks)  # makes the store and the release
            first.program.stop()
            filler = Program(python("backlog", "rows", home / "data", size.rows))
            await filler.line()
            filler.kill()
            stored = sum(file.stat().st_size for file in (home / "data").iterdir()) / 1e6
            began = time.monotonic()
            server = await way.hub(folder, sinks)
            ready = time.monotonic() - began
            memory = server.program.rss_mb()
            server.program.kill()
    note = f"after a kill, so with a log to recover; {stored:,.0f} MB of store, {memory:.0f} MB of memory"
    return Figure(
        name=f"ready with {size.rows:,} rows",
        value=ready,
        unit="s",
        better="lower",
        target=READY_SECONDS_TARGET,
        note=note,
    )


COPIES = """
INSERT INTO {table} ({columns})
WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
SELECT {values} FROM n CROSS JOIN (SELECT * FROM {table} ORDER BY rowid LIMIT 1) AS first
"""
STATE = "CASE WHEN i % 100 = 0 THEN 'retrying' WHEN i % 20000 = 1 THEN 'running' ELSE 'done' END"
"""One delivery in a hundred is due tomorrow, some were running when the process was killed, the others are done."""
CHANGES = {
    "event": {"position": "i", "dedupe_key": "'order/' || i", "key": "i", "name": "'#' || i", "sha256": "randomblob(32)"},
    "object": {"id": "i", "key": "i", "name": "'#' || i", "event": "i", "sha256": "randomblob(32)"},
    "delivery": {
        "id": "i", "key": "i", "name": "'#' || i", "opened": "i", "wanted_event": "i", "state": STATE, "head": f"{STATE} <> 'done'",
        "token": "1", "due_ms": "due_ms + 86400000",
    },
}  # fmt: skip
"""What differs from row to row; all else is copied from a first row that came in by the ports."""


async def fill(data: Path, rows: int) -> None:
    """So many events in the inbox, and as many objects and deliveries in the ledger, in large transactions."""
    inbox, ledger = SqliteInbox(data / "inbox.db", 0), SqliteLedger(data / "ledger.db", 0)
    event = _event(0)
    event.release = str(ledger.group.connection.execute("SELECT id FROM release WHERE active = 1").get)
    event.received_at_ms = round(time.time() * 1000)
    await inbox.append(event)
    wants = (Want(flow="order-to-erp", destination="netsuite"),)
    await ledger.route("router", rows, [Routed(event=event, wants=wants)], event.received_at_ms)
    for first in range(2, rows + 1, TRANSACTION_ROWS):
        stop = min(rows + 1, first + TRANSACTION_ROWS)
        _copy(inbox.group.connection, ("event",), first, stop)
        _copy(ledger.group.connection, ("object", "delivery"), first, stop)


def _copy(connection: apsw.Connection, tables: tuple[str, ...], first: int, stop: int) -> None:
    with connection:
        for table in tables:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            values = ", ".join(CHANGES[table].get(column, f"first.{column}") for column in columns)
            connection.execute(COPIES.format(table=table, columns=", ".join(columns), values=values), (first, stop))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["claims", path, waiting, wanted]:
            print(asyncio.run(claims(Path(path), int(waiting), int(wanted))), flush=True)
        case ["rows", data, rows]:
            asyncio.run(fill(Path(data), int(rows)))
            print("filled", flush=True)
            os.kill(os.getpid(), 9)  # the log stays as a killed process leaves it

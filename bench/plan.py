"""How long a plan takes over recorded orders: the whole of it, from two folders and a store to the last line.

    python -m bench.plan [ORDERS]

Each recorded order is another one, with customer and lines, read from the inbox's file. With one row of NetSuite's mapping
changed, the other two destinations provably get the same and are left alone; with a row on the way in changed, everything
is translated twice and compared.
"""

import asyncio
import hashlib
import json
import sys
import time
from pathlib import Path

from bench.machine import Program, python, scratch
from bench.orders import Orders
from bench.sizes import Size
from bench.table import Figure, Section
from interlock.connectors.registry import dialects
from interlock.console.hiding import hiding
from interlock.messaging.event import Envelope, Event
from interlock.messaging.sqlite.inbox import SqliteInbox
from interlock.messaging.sqlite.recorded import newest_events
from interlock.release.plan import Plan, plan
from interlock.strategy.snapshot import read_folder, snapshot_of
from interlock.strategy.starter import write_starter

TARGET_SECONDS = 5.0
TARGET_ORDERS = 10_000
BATCH = 500
OUT = {"mappings/netsuite.toml": '[order.out.salesOrder]\nmessage = "note"\n'}
IN = {"mappings/shopify.toml": '[order.in]\nnote = "name"\n'}
CASES = {"a row of one destination": OUT, "a row on the way in, everything compared": IN}


async def record(inbox_file: Path, count: int) -> None:
    """So many orders, as the intake keeps them."""
    inbox, made, dialect = SqliteInbox(inbox_file, 0), Orders(1, "/"), dialects("shopify")[0]
    try:
        for first in range(0, count, BATCH):
            events = [_event(dialect, made.body(number)) for number in range(first, min(first + BATCH, count))]
            await asyncio.gather(*(inbox.append(event) for event in events))
    finally:
        await inbox.close()


def _event(dialect: object, body: bytes) -> Event:
    subject = dialect.subject(Envelope(dialect=dialect.name, topic="orders/create"), body)  # type: ignore[attr-defined]
    return Event(
        system="shopify", dialect=dialect.name, topic="orders/create", object=subject.object, key=subject.key,  # type: ignore[attr-defined]
        name=subject.name, version=subject.version, complete=subject.complete, facts=subject.facts,
        received_at_ms=time.time_ns() // 1_000_000, release="", sha256=hashlib.sha256(body).digest(), body=body,
    )  # fmt: skip


def timed(folder: Path, count: int) -> dict[str, float]:
    """Seconds of each case. Raises ValueError when a plan does not see what was changed: then it was not at work."""
    write_starter(folder)
    inbox = folder / "inbox.db"
    asyncio.run(record(inbox, count))
    running, found = read_folder(folder), {}
    for name, changed in CASES.items():
        wanted = snapshot_of(running.files | {path: text.encode() for path, text in changed.items()})
        began = time.perf_counter()
        made = plan(running, wanted, newest_events(inbox, count), hiding)
        found[name] = time.perf_counter() - began
        _require_work(made, count)
    return found


def _require_work(made: Plan, count: int) -> None:
    if (made.effect.objects, made.effect.differ) != (count, count):
        raise ValueError(f"the plan saw {made.effect.differ} of {made.effect.objects} orders, not all {count}")


async def measure(size: Size) -> Section:
    """In a process of its own, on the measured core."""
    program = Program(python("plan", size.planned_orders, "json"))
    found: dict[str, float] = json.loads(await program.line())
    program.stop()
    target = TARGET_SECONDS * size.planned_orders / TARGET_ORDERS
    figures = [
        Figure(
            name=name,
            value=seconds,
            unit="s",
            better="lower",
            target=target,
            note=f"{seconds / size.planned_orders * 1e6:.0f} us an order",
        )
        for name, seconds in found.items()
    ]
    return Section(title=f"Plan over {size.planned_orders:,} recorded orders of 9 KB", figures=figures)


def main(count: int = TARGET_ORDERS, form: str = "text") -> None:
    """Print as a table, or as one line of JSON."""
    with scratch("plan") as folder:
        found = timed(folder / "acme", count)
    if form == "json":
        print(json.dumps(found), flush=True)
        return
    for name, seconds in found.items():
        met = "met" if seconds <= TARGET_SECONDS * count / TARGET_ORDERS else "NOT met"
        print(f"{name:<44}{seconds:>7.2f} s  {seconds / count * 1e6:>5.0f} us an order  {met}")


if __name__ == "__main__":
    main(*(int(given) if given.isdigit() else given for given in sys.argv[1:]))  # type: ignore[arg-type]

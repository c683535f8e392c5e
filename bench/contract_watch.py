"""What the watch for contract drift takes of the processor beside the deliveries.

    python -m bench.contract_watch

Orders of the twin's everyday mix (about 10 KB each) lie in an inbox on the disk; the watch reads them pass by pass, learns, judges and
writes down. Its share of one core is what a pass takes of the second between two passes, however many events arrive.
"""

import asyncio
import hashlib
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.sizes import Size
from bench.table import Figure, Section, write_table
from interlock.clock import SystemClock
from interlock.messaging.event import Event
from interlock.messaging.sqlite.contract_drift import SqliteDriftBook
from interlock.messaging.sqlite.inbox import SqliteInbox
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.operations.contract_drift import PASS_SECONDS, ContractWatch
from interlock.release.cautions import Cautions
from interlock.release.paper import PaperBuild, on_paper
from interlock.strategy import snapshot_of
from interlock.strategy.starter import starter_files
from interlock.twins.shopify.orders import make_order

TARGET_PERCENT = 1.0
ORDERS = 1_000


class Shelf:
    """All that the watch asks of one: the starter folder's release."""

    def __init__(self, build: PaperBuild) -> None:
        self._build = build
        self.cautions = Cautions()

    def current(self) -> PaperBuild:
        return self._build


async def measure(_size: Size) -> Section:
    """One run; it takes a few seconds."""
    with tempfile.TemporaryDirectory() as folder:
        return await watched(Path(folder), ORDERS)


async def watched(folder: Path, orders: int) -> Section:
    """The share of a core, and what it is made of."""
    inbox, ledger = SqliteInbox(folder / "inbox.db", 0), SqliteLedger(folder / "ledger.db", 0)
    build = on_paper(snapshot_of({path: text.encode() for path, text in starter_files().items()}))
    shelf: Any = Shelf(build)
    await asyncio.gather(*(inbox.append(event) for event in events(orders)))
    await inbox.close()
    inbox = SqliteInbox(folder / "inbox.db", 0)  # nothing is in memory any more
    watch = ContractWatch(inbox, SqliteDriftBook(ledger.group), shelf, SystemClock())
    documents = passes = 0
    began = time.process_time()
    while looked := await watch.step():
        documents, passes = documents + looked, passes + 1
    taken = time.process_time() - began
    await inbox.close()
    await ledger.close()
    share = Figure(
        name="at its fastest pace",
        value=taken / passes / PASS_SECONDS * 100,
        unit="% of a core",
        better="lower",
        target=TARGET_PERCENT,
    )
    each = Figure(name="one order", value=taken / documents * 1e6, unit="us of processor time", better="lower")
    return Section(title=f"Watch for contract drift over {documents} orders", figures=[share, each])


def events(count: int) -> list[Event]:
    """Orders as events."""
    chance = random.Random(5)
    return [event(number, json.dumps(make_order(chance, number)).encode()) for number in range(1, count + 1)]


def event(number: int, body: bytes) -> Event:
    """One of them."""
    return Event(
        system="shopify", dialect="shopify", topic="orders/create", object="order", key=str(number), complete=True, received_at_ms=1,
        release="r", api_version="2026-07", sha256=hashlib.sha256(body).digest(), body=body,
    )  # fmt: skip


async def _main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_table([await watched(Path(folder), ORDERS)], sys.stdout)


if __name__ == "__main__":
    asyncio.run(_main())

"""A whole comparison of stock: what a channel shows at every place beside what it should, and what that costs beside its listing.

    python -m bench.stock_compare

The ledger has a row for every place (full: 100,000 SKUs x 20 locations); the channel yields its listing as pages out of memory, and the
time that it takes for them is reported apart. One place in a thousand differs: each is read again, judged and corrected by a
delivery. The comparison runs in a process of its own, whose peak memory is what it says. Beside it the bare SQL: the
same join over a table that is filled already.
"""

import asyncio
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw

from bench.sizes import Size
from bench.table import Figure, Section, beside, write_table
from interlock.clock import SystemClock
from interlock.flows.inventory.accuracy import AccuracyKeeper
from interlock.flows.inventory.rules import BookCatalogue, StockRules
from interlock.messaging.accuracy import Run
from interlock.messaging.sqlite.accuracy_book import SqliteAccuracyBook
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.sqlite.stock_book import SqliteStockBook
from interlock.messaging.sqlite.stock_side import beside as side_of
from interlock.messaging.stock import Place, Seen, SeenPage
from interlock.messaging.stock_book import Read
from interlock.strategy.inventory import Inventory, Location, Publish

SHOP, WMS, FLOW = "shop", "wms", "stock-to-shop"
PLACES = 20
SKUS = {"small": 5_000, "full": 100_000}
PAGE = 1_000
DIFFERS_EVERY = 1_000
SHOWN_MODULUS = 90
TARGET_SECONDS, TARGET_MB = 15.0, 150.0
SEED = 5


def items(skus: int) -> list[str]:
    """The channel's id of each SKU: in another order than the SKUs, as it is in life."""
    found = [str(44_000_000_000_000 + number * 7) for number in range(skus)]
    random.Random(SEED).shuffle(found)
    return found


def place(number: int) -> str:
    """The channel's id of a location."""
    return str(65_544_000 + number)


class PagedChannel:
    """Lists what the ledger has, but for one place in a thousand; `listing_seconds` is what that took it."""

    lines_per_write = 250
    compares = True

    def __init__(self, skus: int) -> None:
        self.rows = sorted((item, number) for number, item in enumerate(items(skus)))
        self._skus = dict(self.rows)
        self.listing_seconds = 0.0

    def shows(self, number: int, at: int) -> int:
        """Of a SKU at a place."""
        position = number * PLACES + at
        return number % SHOWN_MODULUS + (position % DIFFERS_EVERY == 0)

    async def listing(self, after: str, *, timeout_seconds: float) -> SeenPage:
        del timeout_seconds
        began = time.perf_counter()
        first, each = int(after or 0), PAGE // PLACES
        seen = tuple(
            Seen(place=Place(item, place(at)), quantity=self.shows(number, at))
            for item, number in self.rows[first : first + each] for at in range(PLACES)
        )  # fmt: skip
        more = str(first + each) if first + each < len(self.rows) else ""
        self.listing_seconds += time.perf_counter() - began
        return SeenPage(seen=seen, after=more)

    async def read(self, places: Sequence[Place], *, timeout_seconds: float) -> tuple[Seen, ...]:
        del timeout_seconds
        return tuple(
            Seen(place=one, quantity=self.shows(self._skus[one.item], int(one.location) - 65_544_000)) for one in places
        )


def fill(folder: Path, skus: int) -> None:
    """A ledger as it is when all is shown rightly; counts lie there only of what will differ, nothing else is read of them."""
    SqliteLedger(folder / "ledger.db", 0).group.connection.close()
    ids = items(skus)
    with apsw.Connection(str(folder / "ledger.db")) as store:
        for at in range(PLACES):
            store.executemany(
                "INSERT INTO stock_place (channel, place, sku, flow, item, wanted, wanted_us, seen, seen_us, written, written_us) "
                "VALUES (?, ?, ?, ?, ?, ?, 1, ?, 1, ?, 1)",
                ((SHOP, place(at), f"SKU-{n:06d}", FLOW, ids[n], *[n % SHOWN_MODULUS] * 3) for n in range(skus)),
            )  # fmt: skip
        store.executemany(
            "INSERT INTO stock_position (sku, location, system, place, item, available, as_of_us, told_us, event) "
            "VALUES (?, ?, ?, ?, ?, ?, 1, 1, 0)",
            (
                (f"SKU-{n:06d}", f"loc-{at}", WMS, place(at), f"w-{n}", n % SHOWN_MODULUS)
                for n in range(skus) for at in range(PLACES) if any((n * PLACES + each) % DIFFERS_EVERY == 0 for each in range(PLACES))
            ),
        )  # fmt: skip


async def compared(folder: Path, skus: int) -> dict[str, float]:
    """In this process: one comparison, with nothing else in it."""
    clock, channel = SystemClock(), PagedChannel(skus)
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ledger = SqliteLedger(folder / "ledger.db", clock.now_ms())
    book = SqliteStockBook(ledger.group)
    flow = SimpleNamespace(name=FLOW, source=WMS, destinations=[SHOP], publish=Publish())
    locations = {f"loc-{at}": Location(WMS, {WMS: [place(at)], SHOP: [place(at)]}) for at in range(PLACES)}
    strategy: Any = SimpleNamespace(release="r", flows={FLOW: flow}, inventory=Inventory(locations=locations))
    source = SimpleNamespace(only_tells=True)
    release: Any = SimpleNamespace(
        id="r",
        stock=StockRules(strategy, BookCatalogue(book)),
        stock_channel=lambda _: channel,
        stock_source=lambda _: source,
    )
    now_us = clock.now_ms() * 1_000
    await book.run(
        lambda work: work.read(WMS, "levels", Read(cursor="c", fresh_us=now_us, tried_us=now_us, whole_us=now_us))
    )
    nobody: Any = SimpleNamespace(wake=lambda: None)
    keeper = AccuracyKeeper(
        SqliteAccuracyBook(ledger.group), book, nobody, nobody, clock, release=lambda: release, side=side_of(folder)
    )
    log_before = _log_bytes(folder)
    began = time.perf_counter()
    run = await keeper.compare(Run(id=0, kind="compare", channel=SHOP, why="bench"))
    seconds = time.perf_counter() - began
    assert run.state == "done", run.error
    log = _log_bytes(folder) - log_before
    await ledger.close()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "seconds": seconds, "listing": channel.listing_seconds, "peak_mb": peak_mb, "before_mb": before_mb, "compared": run.compared,
        "different": run.different, "opened": run.opened, "log_mb": log / 1e6,
    }  # fmt: skip


def bare(folder: Path, skus: int) -> float:
    """Seconds of the join alone, over a table that holds the listing already."""
    with apsw.Connection(str(folder / "bare.db")) as store:
        store.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384")
        store.execute(
            "CREATE TABLE listed (place TEXT, item TEXT, quantity INTEGER, PRIMARY KEY (place, item)) WITHOUT ROWID"
        )
        store.executemany("INSERT INTO listed VALUES (?, ?, ?)", _listed(skus))
        store.execute("ATTACH ? AS ledger", (str(folder / "ledger.db"),))
    began = time.perf_counter()
    found = store.execute(
        "SELECT count(*) FROM ledger.stock_place p LEFT JOIN listed l ON l.place = p.place AND l.item = p.item "
        "WHERE p.channel = ? AND l.quantity IS NOT p.wanted", (SHOP,),
    ).get  # fmt: skip
    seconds = time.perf_counter() - began
    assert found == skus * PLACES // DIFFERS_EVERY
    store.close()
    return seconds


def _listed(skus: int) -> Iterator[tuple[str, str, int]]:
    channel = PagedChannel(skus)
    for at in range(PLACES):
        for item, number in channel.rows:
            yield place(at), item, channel.shows(number, at)


def _log_bytes(folder: Path) -> int:
    log = folder / "ledger.db-wal"
    return log.stat().st_size if log.exists() else 0


async def measure(size: Size) -> Section:
    """Fill, compare in a process of its own, and the bare join."""
    skus = SKUS["full" if size.name == "full" else "small"]
    with tempfile.TemporaryDirectory() as name:
        return await asyncio.to_thread(_section, Path(name), skus)


def _section(folder: Path, skus: int) -> Section:
    fill(folder, skus)
    command = [sys.executable, "-m", "bench.stock_compare", "--in", str(folder), str(skus)]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    own = said["seconds"] - said["listing"]
    note = f"{said['different']} of {said['compared']} differ, {said['opened']} corrected; its log grew by {said['log_mb']:.1f} MB"
    lead = Figure(
        name="whole comparison, without the listing",
        value=own,
        unit="s",
        better="lower",
        target=TARGET_SECONDS,
        note=note,
    )
    rest = beside(
        lead, Figure(name="bare SQL join of the same rows", value=bare(folder, skus), unit="s", better="lower")
    )
    listing = Figure(name="the channel's own listing", value=said["listing"], unit="s", better="lower")
    words = f"{said['before_mb']:.0f} MB of it before it began: the interpreter, and the channel's ids in memory"
    memory = Figure(name="peak memory", value=said["peak_mb"], unit="MB", better="lower", target=TARGET_MB, note=words)
    return Section(
        title=f"Stock compared: {skus} SKUs x {PLACES} locations x 1 channel", figures=[*rest, listing, memory]
    )


def main() -> None:
    """The child's side of `_section`, or a measure on its own."""
    if "--in" in sys.argv:
        folder, skus = sys.argv[sys.argv.index("--in") + 1 :][:2]
        print(json.dumps(asyncio.run(compared(Path(folder), int(skus)))))
        return
    with tempfile.TemporaryDirectory() as name:
        write_table([_section(Path(name), SKUS["small" if "small" in sys.argv else "full"])], sys.stdout)


if __name__ == "__main__":
    main()

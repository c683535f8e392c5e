"""A backfill within the limit of points: how much of the shop's allowance it uses, and what live orders wait meanwhile.

The shop is the Shopify twin as a program, which counts the points itself. Its bucket begins full, so what is measured
begins when the backfill has come down to what it leaves to live work; the bucket is smaller than a shop's, so that this
does not take as long as the measure.
"""

import asyncio
import json
import random
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import apsw

from bench import way
from bench.folder import write_folder
from bench.load import Load, percentile
from bench.machine import Program, free_ports, python, scratch
from bench.orders import Orders
from bench.sinks import Sinks
from bench.sizes import Size
from bench.table import Figure, Section

SHARE_TARGET = 0.9
LIVE_SECONDS_TARGET = 2.0
LIVE_PER_SECOND = 5.0
PLACED_AT_ONCE = 100
BUCKET_SECONDS, BUCKET_POINTS_MIN = 5, 2_000
COME_DOWN_SECONDS = 30.0
"""A machine that cannot read faster than the points come back never comes down: its figure says so."""
SETTLED_WITHIN_SECONDS = 120.0
LEFT_TO_LIVE, PAGE_POINTS = 0.5, 900
"""A backfill asks for a page while this share of the bucket stays free; one that comes down to both has to wait."""


async def measure(size: Size) -> Section:
    """As many orders as are read in the time, at the limit of the plan; live orders come in beside."""
    with scratch("backfill") as folder:
        async with Sinks() as sinks:
            shop, url = await _shop(folder, size.backfill_orders, size.points_per_second)
            try:
                return await _measured(folder, sinks, url, size)
            finally:
                shop.stop()


async def _measured(folder: Path, sinks: Sinks, url: str, size: Size) -> Section:
    home = write_folder(folder / "strategy", sinks.urls)
    systems = home / "systems" / "shopify.toml"
    systems.write_text(systems.read_text("utf-8").replace("http://127.0.0.1:1", url), "utf-8")
    hub = await way.hub(folder, sinks)
    command = [*way.INTERLOCK, "backfill", "orders", "--how", "pages", "--anyway", "--json", "--folder", str(home)]
    asked = Program(command, log=folder / "backfill.log", core=None)
    load = Load(hub.port, Orders(hub.port, hub.path))
    try:
        await load.open(4)
        await _come_down(url)
        began, seen = await _record(url), _seen(home)
        load.orders.sign(round(2 * LIVE_PER_SECOND * size.backfill_seconds))
        await load.pace(LIVE_PER_SECOND, size.backfill_seconds, random.Random(2))
        ended, read = await _record(url), _seen(home)
        await sinks.settled(load.accepted_keys(), way.QUIET_SECONDS, SETTLED_WITHIN_SECONDS)
        waits = [sinks.complete_at(load.orders.key(number)) - load.sent[number] for number in load.accepted]
    finally:
        load.close()
        asked.stop()
        hub.program.stop()
    return _section(began, ended, read - seen, waits, size)


def _section(began: dict[str, Any], ended: dict[str, Any], read: int, waits: list[float], size: Size) -> Section:
    seconds = ended["elapsed_seconds"] - began["elapsed_seconds"]
    used = ended["used_points"] - began["used_points"]
    saved = began["currentlyAvailable"] - ended["currentlyAvailable"]  # what was there before is no allowance of this time
    each = used / read if read else 0.0
    note = f"{read:,} orders in {seconds:.0f} s, {each:.1f} points each; at this pace 100,000 orders take "
    note += f"{100_000 * each / ended['restoreRate'] / 60:.0f} min" if read else "for ever"
    return Section(
        title=f"Backfill, {size.points_per_second} points a second",
        figures=[
            Figure(name="share of the allowance used", value=(used - saved) / (seconds * ended["restoreRate"]), unit="", target=SHARE_TARGET, note=note),
            Figure(name="calls over the limit", value=ended["throttled"], unit="", better="lower", target=0),
            Figure(
                name="live orders meanwhile, p99", value=percentile(waits, 0.99), unit="s", better="lower", target=LIVE_SECONDS_TARGET,
                note=f"{len(waits)} webhooks, {LIVE_PER_SECOND:g} a second, until the last of three destinations had each",
            ),
        ],
    )  # fmt: skip


async def _shop(folder: Path, orders: int, points_per_second: float) -> tuple[Program, str]:
    """The twin, with orders from before."""
    (port,) = free_ports(1)
    bucket = max(BUCKET_POINTS_MIN, BUCKET_SECONDS * points_per_second)
    config = folder / "shop.json"
    config.write_text(json.dumps({"points_per_second": points_per_second, "bucket_points": bucket}), encoding="utf-8")
    command = [*python("backfill")[:2], "interlock.twins", "shopify", "--port", str(port), "--data", str(folder / "shop")]
    shop = Program([*command, "--config", str(config)], log=folder / "shop.log", core=None)
    await shop.listening(port, "/_twin/state")
    url = f"http://127.0.0.1:{port}"
    for placed in range(0, orders, PLACED_AT_ONCE):
        await _ask(f"{url}/_twin/orders", {"count": min(PLACED_AT_ONCE, orders - placed), "scenario": "plain"})
    return shop, url


async def _come_down(url: str) -> None:
    """Until the bucket that was full at the beginning is used."""
    deadline = time.monotonic() + COME_DOWN_SECONDS
    while time.monotonic() < deadline:
        found = await _record(url)
        waits = found["currentlyAvailable"] <= LEFT_TO_LIVE * found["maximumAvailable"] + PAGE_POINTS
        if waits and found["documents"] > 2:
            return
        await asyncio.sleep(0.2)


async def _record(url: str) -> dict[str, Any]:
    found: dict[str, Any] = await _ask(f"{url}/_twin/throttle")
    return found


def _seen(home: Path) -> int:
    """Orders that the backfill has taken in."""
    with suppress(apsw.Error):
        ledger = apsw.Connection(str(home / "data" / "ledger.db"), flags=apsw.SQLITE_OPEN_READONLY)
        return int(ledger.execute("SELECT coalesce(max(seen), 0) FROM backfill").get)
    return 0


async def _ask(url: str, body: Any = None) -> Any:
    def call() -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(url, data=data, headers={"content-type": "application/json"}), timeout=60) as answer:
            return json.loads(answer.read())

    return await asyncio.to_thread(call)

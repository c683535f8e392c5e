"""`interlock demo`: a made-up shop, four vendors' twins and the hub, living on this machine until it is stopped."""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from interlock.cli.twin_world import DESTINATIONS, TwinWorld, write_secrets
from interlock.errors import SettingsError
from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.strategy.starter import write_starter

SETTLE_SECONDS = 120.0
LOOK_SECONDS = 0.05
ORDERS_AT_FIRST = 3
TITLES = {"netsuite": "ERP", "shipbob": "WMS", "klaviyo": "CRM"}
MARKS = {"done": "ok", "dead": "DEAD", "retrying": "retrying", "uncertain": "uncertain", "waiting": "waiting"}
SETTLED = frozenset({"done", "dead", "superseded", "cancelled"})
_LIMITS = {
    "systems/netsuite.toml": ("concurrency = 5 ", "rate_per_second = 200\nconcurrency = 5 "),
    "systems/shipbob.toml": ("[credentials]", "[limits]\nrate_per_second = 200\n\n[credentials]"),
    "systems/klaviyo.toml": ("[credentials]", "[limits]\nrate_per_second = 200\n\n[credentials]"),
    "systems/shopify.toml": ("[intake]", "[limits]\nrate_per_second = 200\n\n[intake]"),
}
"""The twins are not the vendors: the demo need not wait for their real limits."""


class Teller:
    """Says what happens: words for people, or one JSON object a line."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._began = time.monotonic()

    def step(self, text: str, **facts: Any) -> None:
        """One thing that is done, with the seconds since the start."""
        seconds = round(time.monotonic() - self._began, 2)
        if self.as_json:
            self.line({"event": "step", "text": text, "seconds": seconds, **facts})
        else:
            self.text(f"  [{seconds:5.2f} s] {text}")

    def line(self, facts: dict[str, Any]) -> None:
        """A JSON line, only when those are asked for."""
        if self.as_json:
            sys.stdout.write(json.dumps(facts) + "\n")
            sys.stdout.flush()

    def text(self, text: str) -> None:
        """A line for people, only when those read."""
        if not self.as_json:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()


async def run_demo(folder: Path, *, orders: int | None, leave: bool, as_json: bool, port: int) -> int:
    """Run until interrupted, or with `leave` until the orders have settled. Returns the exit status: 1 when something is lost."""
    tell = Teller(as_json=as_json)
    world = TwinWorld(folder)
    hub = Hub(folder, demo=world)
    try:
        files = write_project(folder, world)
        world.start(write_secrets(folder))
        tell.step(f"project {'written' if files else 'found'} in {folder}", files=files)
        await hub.open()
        tell.step("store opened: SQLite, write-ahead log, full sync", release=hub.release.id[:12])
        await world.wait()
        tell.step("twins up: Shopify, NetSuite, ShipBob, Klaviyo", urls=world.urls)
        await hub.serve(port=port)
        topics = sorted({topic for flow in hub.release.strategy.flows.values() for topic in flow.trigger})
        await hub.release.source("shopify").subscribe(topics, f"{hub.url}/intake/shopify")  # type: ignore[attr-defined]
        tell.step(f"{len(topics)} webhook topics subscribed, signatures checked with the shop's secret")
        tell.step(f"console: {hub.url}/?token={hub.token}", url=hub.url, token=hub.token)
        return await _live(hub, world, tell, ORDERS_AT_FIRST if orders is None else orders, leave=leave)
    finally:
        if hub.url:
            await hub.close()
        world.stop()


async def _live(hub: Hub, world: TwinWorld, tell: Teller, orders: int, *, leave: bool) -> int:
    placed = await world.place(orders)
    for order in placed:
        tell.line({"event": "placed", "order": order["name"], "id": order["id"]})
    tell.text(f"\n  {len(placed)} orders placed in the Shopify twin:")
    await _watch(hub, tell, placed)
    summary = await _summary(hub, world, placed)
    if leave:
        tell.text(_words(summary))
        tell.line(summary)
        return 0 if summary["lost"] == summary["duplicates"] == summary["dead"] == 0 else 1
    tell.text(_words(summary))
    tell.text(f"\n  Open {hub.url}/?token={hub.token}")
    tell.text("  There: open an order's story, break NetSuite, place 50 orders, repair, replay. Ctrl-C ends it.\n")
    await _until_interrupted(hub)
    tell.text(
        f"\n  Stopped. The data is in {hub.folder}; delete that folder to forget it.\n  next: interlock init mystore"
    )
    return 0


async def _watch(hub: Hub, tell: Teller, placed: list[dict[str, str]]) -> None:
    """A line per order as soon as all its deliveries have settled."""
    open_orders = {order["id"]: order["name"] for order in placed}
    deadline = time.monotonic() + SETTLE_SECONDS
    while open_orders and time.monotonic() < deadline:
        await asyncio.sleep(LOOK_SECONDS)
        for id_ in list(open_orders):
            rows = await hub.views.deliveries(Filter(object="order", key=id_))
            if {row.destination for row in rows} >= set(DESTINATIONS) and all(row.state in SETTLED for row in rows):
                _tell_order(tell, open_orders.pop(id_), rows)
    for name in open_orders.values():
        tell.text(f"  {name}  not settled within {SETTLE_SECONDS:g} s")


def _tell_order(tell: Teller, name: str, rows: Any) -> None:
    parts, facts = [], {}
    for destination in DESTINATIONS:
        mine = [row for row in rows if row.destination == destination]
        state = next((row.state for row in mine if row.state != "done"), "done")
        took = max((row.done_ms - row.received_ms for row in mine if row.done_ms), default=0)
        facts[destination] = {"state": state, "ms": took}
        parts.append(f"{TITLES[destination]} {MARKS.get(state, state)} {took:4d} ms")
    tell.line({"event": "settled", "order": name, "destinations": facts})
    tell.text(f"  {name}   " + "   ".join(parts))


async def _summary(hub: Hub, world: TwinWorld, placed: list[dict[str, str]]) -> dict[str, Any]:
    arrivals = await world.arrivals([order["id"] for order in placed])
    dead = (await hub.ledger.preview(Filter(states=("dead",)))).count
    return {
        "orders": len(placed),
        **arrivals,
        "dead": dead,
        "duplicates_refused": hub.intake.duplicates,
        "url": hub.url,
    }


def _words(summary: dict[str, Any]) -> str:
    delivered = ", ".join(f"{name} {count}" for name, count in summary["delivered"].items())
    return (
        f"\n  {summary['orders']} orders; by the vendors' own books: {delivered}; "
        f"lost {summary['lost']}, duplicates {summary['duplicates']}, dead letters {summary['dead']}"
    )


async def _until_interrupted(hub: Hub) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    waiting = asyncio.ensure_future(stop.wait())
    serving = asyncio.ensure_future(hub.wait())
    await asyncio.wait((waiting, serving), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if serving.done():
        await serving
    serving.cancel()


def write_project(folder: Path, world: TwinWorld) -> int:
    """Write the starter folder with the twins' addresses; an existing demo is taken up as it is. Returns the files written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        urls = world.prepare()
    except OSError as error:
        raise SettingsError(
            f"cannot write to {folder}",
            code="SET021",
            why=str(error),
            next_move="choose a folder that you may write to: interlock demo DIR",
        ) from error
    if (folder / "strategy.toml").exists():
        return 0
    values = {f"{vendor}_url": url for vendor, url in urls.items()}
    written = write_starter(
        folder, {**values, "shipbob_channel_id": "100", "environment": "demo", "title": "Acme (demo)"}
    )
    for path, (old, new) in _LIMITS.items():
        file = folder / path
        file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    netsuite = folder / "systems/netsuite.toml"
    netsuite.write_text(
        netsuite.read_text(encoding="utf-8").replace("[settings]", '[settings]\nalgorithm = "ES256"', 1),
        encoding="utf-8",
    )
    shipbob = folder / "systems/shipbob.toml"
    shipbob.write_text(
        shipbob.read_text(encoding="utf-8").replace("[settings]", "[settings]\nquiet_period_seconds = 5", 1),
        encoding="utf-8",
    )
    return len(written)

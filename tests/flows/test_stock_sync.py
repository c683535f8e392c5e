"""Stock compared and synced end to end: a number that somebody wrote unheard is found and put right; a first sync outlives a kill."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from stack import TOPICS, KillableHub, running, until
from stock_stack import LOCATION, WMS_PLACE, control, shown, stocked, with_stock

from interlock.cli import main
from interlock.cli.twin_world import TwinWorld, _free_ports, write_secrets
from interlock.messaging.sqlite.connect import open_store

PRODUCTS = 30
FEW_LINES = """
from interlock.connectors.shopify.stock import ShopifyStock
ShopifyStock.lines_per_write = 5
"""
"""Many small calls, so that a kill falls between them."""


class RecordingWorld(TwinWorld):
    """A shop that writes down who changed what."""

    def configs(self, public_key: str) -> dict[str, dict[str, Any]]:
        found = super().configs(public_key)
        found["shopify"] |= {"stock_history": True}
        return found


async def _said(*arguments: object) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and lines of a command that runs beside the hub."""
    asked = [*map(str, arguments), "--json"]
    result = await asyncio.to_thread(CliRunner().invoke, main, asked)
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_what_somebody_wrote_unheard_is_found_and_put_right(tmp_path: Path) -> None:
    """The store shows another number and no webhook told of it: the command finds it and names it, a delivery puts it right, and a
    second comparison says 100 % (C69)."""

    async def run() -> None:
        world = TwinWorld(tmp_path)
        with_stock(tmp_path, world)
        world.start(write_secrets(tmp_path))
        try:
            await world.wait()
            await stocked(world, **{"SUN-AVI": 50})
            async with running(tmp_path, world) as hub:

                async def right() -> bool:
                    return (
                        await shown(world, "SUN-AVI") == 50 and not (await hub.views.stock_sync_preview("shopify")).open
                    )

                await until(right)
                unheard = {"item": "SUN-AVI", "location": int(LOCATION), "set": 57, "by": "human", "told": False}
                await control(world.urls["shopify"], "/stock", unheard)
                command = ("reconcile", "inventory", "--folder", tmp_path)
                _, lines = await _said(*command, "--sku", "SUN-*", "--dry-run")
                found = next(line for line in lines if line.get("sku") == "SUN-AVI")
                assert (found["cause"], found["wanted"], found["shown"], found["state"]) == ("foreign", 50, 57, "found")
                assert await shown(world, "SUN-AVI") == 57
                code, lines = await _said(*command)
                assert (code, lines[-1]["different"], lines[-1]["opened"]) == (0, 1, 1), lines
                await until(right)
                code, lines = await _said(*command)
                assert (code, lines[-1]["different"]) == (0, 0), lines
                (whole,) = [one for one in await hub.views.stock_accuracy() if not one.place]
                assert whole.share == 1.0 and whole.compared >= 1
                code, lines = await _said("sync", "inventory", "--folder", tmp_path)
                assert (code, lines[-1]["opened"]) == (0, 0), lines  # all of it is known to be right
        finally:
            world.stop()

    asyncio.run(run())


def test_a_first_full_sync_outlives_a_kill_and_writes_nothing_twice(tmp_path: Path) -> None:
    """A hub that is killed in the middle of its first sync goes on, also when a full sync is asked for meanwhile: by the shop's own
    history every number was written once."""

    async def run() -> None:
        world = RecordingWorld(tmp_path)
        with_stock(tmp_path, world)
        world.start(write_secrets(tmp_path))
        hub = KillableHub(tmp_path, _free_ports(1)[0], topics=TOPICS, first=FEW_LINES)
        try:
            await world.wait()
            items = await _assorted(world)
            await hub.start()
            await until(lambda: _wrote(world, items, 1))
            hub.kill()
            at_first = len(await _writes(world, items))
            await hub.start()
            await _said("sync", "inventory", "--folder", tmp_path, "--no-wait")
            await until(lambda: _ended(tmp_path))
            assert await _wrote(world, items, at_first + 1)
            assert {items[item] for item in await _writes(world, items)} == set(items.values()) & _right(tmp_path)
            assert len(items) - 10 < len(await _writes(world, items)) and at_first < len(items)
        finally:
            hub.kill()
            world.stop()

    asyncio.run(run())


async def _assorted(world: TwinWorld) -> dict[str, str]:
    """Inventory item -> SKU of what both have; the warehouse counts a number that the shop does not show."""
    url = world.urls["shopify"]
    await control(url, "/assortment", {"products": PRODUCTS})
    there = {str(row["item"]) for row in (await control(url, "/stock"))["levels"] if str(row["location"]) == LOCATION}
    rows = await control(url, "/records?kind=inventory_item")
    items = {str(row["id"]): row["sku"] for row in rows if str(row["id"]) in there and row["sku"]}
    await control(world.urls["shipbob"], "/stock", {"items": [
        {"sku": sku, "locations": {WMS_PLACE: 2_000 + number}} for number, sku in enumerate(items.values())
    ]})  # fmt: skip
    return items


async def _writes(world: TwinWorld, items: dict[str, str]) -> Counter[str]:
    history = await control(world.urls["shopify"], "/records?kind=stock_change")
    return Counter(
        str(row["item"]) for row in history
        if str(row["item"]) in items and str(row["location"]) == LOCATION and row["by"] not in ("human", "buyer")
    )  # fmt: skip


async def _wrote(world: TwinWorld, items: dict[str, str], least: int) -> bool:
    """So many at least, and none twice."""
    writes = await _writes(world, items)
    assert max(writes.values(), default=0) <= 1, writes.most_common(3)
    return len(writes) >= least


def _right(folder: Path) -> set[str]:
    """SKUs that the hub knows to be shown rightly; others are derived by the store itself."""
    store = open_store(folder / "data" / "ledger.db", read_only=True)
    try:
        return {sku for (sku,) in store.execute("SELECT sku FROM stock_place WHERE seen = wanted AND said = ''")}
    finally:
        store.close()


async def _ended(folder: Path) -> bool:
    """The sync that was asked for has ended, and nothing of it is open."""
    store = open_store(folder / "data" / "ledger.db", read_only=True)
    try:
        run = store.execute("SELECT state FROM stock_run WHERE kind = 'sync'").get
        left = store.execute(
            "SELECT count(*) FROM delivery WHERE destination = 'stock:shopify' AND state IN ('pending', 'running', 'retrying')"
        ).get
    finally:
        store.close()
    return run == "done" and left == 0

"""A first full sync that is killed on its way goes on, and by the shop's own history writes every number once."""

import asyncio
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from experiment import NIGHTLY, Experiment

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
from click.testing import CliRunner
from stack import TOPICS, KillableHub, until
from stock_stack import LOCATION, WMS_PLACE, control, with_stock
from vendors import PatientShop, stored

from interlock.cli import main
from interlock.cli.twin_world import TwinWorld, _free_ports, write_secrets

PRODUCTS = 33_000 if NIGHTLY else 30
EVERY_SECONDS = 1.0 if NIGHTLY else 0.02
"""To count a hundred thousand places fifty times a second takes the machine from the hub that writes them."""
LEFT_TO_THE_SHOP = 10
"""Items that are right already, or kits whose number the shop derives."""
KILLED_AT = (0.2, 0.6)
"""When so large a part of the items is written."""
MOST_SECONDS = 1_800.0 if NIGHTLY else 120.0
SMALL_CALLS = """
from interlock.connectors.shopify.stock import ShopifyStock
ShopifyStock.lines_per_write = 5
"""
"""Many calls for few items, so that a kill falls between them."""


class RecordingWorld(PatientShop):
    """A shop that writes down who changed what."""

    def configs(self, public_key: str) -> dict[str, dict[str, Any]]:
        found = super().configs(public_key)
        found["shopify"] |= {"stock_history": True}
        return found


def test_a_first_full_sync_outlives_kills_and_writes_nothing_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hub that is killed twice in its first sync goes on where it was, also when a full sync is asked for meanwhile. Control: a
    script that begins anew after the same kill writes twice, and the measure says so."""
    experiment = Experiment("25, first sync", suite=len(KILLED_AT), table=len(KILLED_AT), capsys=capsys)

    async def run() -> tuple[int, list[int], int]:
        world = RecordingWorld(tmp_path)
        with_stock(tmp_path, world)
        world.start(write_secrets(tmp_path))
        hub = KillableHub(tmp_path, _free_ports(1)[0], topics=TOPICS, first="" if NIGHTLY else SMALL_CALLS)
        try:
            await world.wait()
            items = await assorted(world)
            killed: list[int] = []
            for part in KILLED_AT:
                await hub.start()
                least = round(part * len(items))
                await until(partial(_has_written, tmp_path, least), MOST_SECONDS, every_seconds=EVERY_SECONDS)
                hub.kill()
                killed.append(_written(tmp_path))
            await hub.start()
            asked = ["sync", "inventory", "--folder", str(tmp_path), "--no-wait", "--json"]
            await asyncio.to_thread(CliRunner().invoke, main, asked)
            await until(partial(_has_ended, tmp_path), MOST_SECONDS, every_seconds=EVERY_SECONDS)
            hub.kill()
            found = await writes(world, items)
            assert max(found.values()) == 1, found.most_common(3)
            assert {items[item] for item in found} == set(items.values()) & right(tmp_path)
            assert len(items) - LEFT_TO_THE_SHOP < len(found)
            return len(found), killed, await _by_a_script(world, items, killed[0])
        finally:
            if hub.process is not None and hub.process.poll() is None:
                hub.kill()
            world.stop()

    once, killed, twice = asyncio.run(run())
    assert 0 < killed[0] < killed[1] < once and twice == killed[0]
    experiment.report(
        faults=len(killed), trials=once, written_once=once, written_twice=0, killed_at=killed,
        control=f"a script that begins anew writes {twice} twice",
    )  # fmt: skip


async def assorted(world: TwinWorld) -> dict[str, str]:
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


async def writes(world: TwinWorld, items: dict[str, str]) -> Counter[str]:
    """By inventory item, how often its number was written by a program."""
    history = await control(world.urls["shopify"], "/records?kind=stock_change")
    return Counter(
        str(row["item"]) for row in history
        if str(row["item"]) in items and str(row["location"]) == LOCATION and row["by"] not in ("human", "buyer")
    )  # fmt: skip


def right(folder: Path) -> set[str]:
    """SKUs that the hub knows to be shown rightly; others are derived by the store itself."""
    return {sku for (sku,) in stored(folder, "SELECT sku FROM stock_place WHERE seen = wanted AND said = ''")}


async def _by_a_script(world: TwinWorld, items: dict[str, str], count: int) -> int:
    """Write the first numbers once more, as what has kept no record of them does; returns what the measure finds."""
    for item in list(await writes(world, items))[:count]:
        asked = {"item": item, "location": int(LOCATION), "set": 1, "by": "script", "told": False}
        await control(world.urls["shopify"], "/stock", asked)
    return sum(times > 1 for times in (await writes(world, items)).values())


def _written(folder: Path) -> int:
    return int(stored(folder, "SELECT count(*) FROM stock_place WHERE written_us > 0")[0][0])


async def _has_written(folder: Path, least: int) -> bool:
    return bool(least <= _written(folder))


async def _has_ended(folder: Path) -> bool:
    """The sync that was asked for has ended, and nothing of it is open."""
    ((run,),) = stored(folder, "SELECT coalesce((SELECT state FROM stock_run WHERE kind = 'sync'), '')")
    ((left,),) = stored(
        folder,
        "SELECT count(*) FROM delivery WHERE destination = 'stock:shopify' AND state IN ('pending', 'running', 'retrying')",
    )
    return bool(run == "done" and left == 0)

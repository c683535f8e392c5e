"""The starter folder with a flow of stock: the warehouse counts, the store shows; and what people do to the twins' stock."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from stack import written

from interlock.cli.twin_world import SHOP_TOKEN, TwinWorld

LOCATION, WMS_PLACE = "655441491", "8"

FLOW = """\
title = "Stock to the store"
source = "shipbob"
trigger = ["stock/levels"]
object = "inventory_level.v1"
destinations = ["shopify"]
pattern = "event-driven"
rationale = "Every change of stock is news for each channel, each at its own pace; the newest state is all that counts."
impact = "high"
complexity = "medium"
owner = "warehouse"
runbook = "stock-to-store.md"

[publish]
read_every_seconds = 0.2
settle_seconds = 0.1
sales_seen_by = "order-to-wms"

[slo]
silence_after_minutes = 1440

[rollback]
how = "interlock rollback"
"""


def with_stock(folder: Path, world: TwinWorld, *, publish: str = "", items: str = "") -> None:
    """The starter folder and one flow of stock."""
    written(folder, world)
    (folder / "flows/stock-to-shopify.toml").write_text(FLOW + publish, encoding="utf-8")
    (folder / "inventory").mkdir(exist_ok=True)
    places = f'[cicero]\nowner = "shipbob"\nplaces = {{ shipbob = ["{WMS_PLACE}"], shopify = ["{LOCATION}"] }}\n'
    (folder / "inventory/locations.toml").write_text(places, encoding="utf-8")
    if items:
        (folder / "inventory/items.toml").write_text(items, encoding="utf-8")
    runbook = (folder / "runbooks/erp-refusals.md").read_text(encoding="utf-8")
    (folder / "runbooks/stock-to-store.md").write_text(runbook, encoding="utf-8")


async def control(url: str, path: str, body: Any = None, *, method: str = "") -> Any:
    """Ask a twin's control side."""

    def call() -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", "x-shopify-access-token": SHOP_TOKEN}
        request = Request(
            f"{url}/_twin{path}", data=data, headers=headers, method=method or ("POST" if data else "GET")
        )
        with urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    return await asyncio.to_thread(call)


async def shown(world: TwinWorld, sku: str, location: str = LOCATION) -> int | None:
    """What the store shows of a SKU."""
    found = await control(world.urls["shopify"], f"/stock?item={quote(sku)}")
    return next((row["available"] for row in found["levels"] if str(row["location"]) == location), None)


async def count(world: TwinWorld, sku: str, on_hand: int) -> None:
    """Somebody in the warehouse counts."""
    await control(world.urls["shipbob"], f"/stock/{quote(sku)}", {"location": int(WMS_PLACE), "on_hand": on_hand})


async def stocked(world: TwinWorld, **on_hand: int) -> None:
    """The warehouse has these items from now on."""
    items = [{"sku": sku, "locations": {WMS_PLACE: units}} for sku, units in on_hand.items()]
    await control(world.urls["shipbob"], "/stock", {"items": items})

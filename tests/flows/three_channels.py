"""One warehouse and three channels: the twins of Shopify, Amazon and Square with the same goods, and the folder that joins them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from channel_twins import add_amazon, add_square, edit, show_at, vendor
from stack import twins
from stock_stack import LOCATION, WMS_PLACE, control, with_stock

from interlock.cli.twin_world import TwinWorld
from interlock.twins.shopify.load.assortment import FIRST_STOCK

PLENTY = [1_000, 1_000]
PLANS = dict.fromkeys(("searchOrders", "patchListingsItem", "searchListingsItems", "createFeed", "getFeeds"), PLENTY)


class Goods:
    """The same SKUs at the warehouse and at all channels, and the addresses of the twins."""

    def __init__(self, folder: Path, world: TwinWorld, items: dict[str, str], amazon: str, square: str) -> None:
        self.folder, self.world, self.items, self.amazon, self.square = folder, world, items, amazon, square

    @property
    def skus(self) -> list[str]:
        return list(self.items.values())

    async def shown(self) -> dict[str, tuple[int, int, int]]:
        """By SKU, what Shopify, Amazon and Square show."""
        levels = (await control(self.world.urls["shopify"], "/stock"))["levels"]
        web = {self.items.get(str(row["item"])): row["available"] for row in levels if str(row["location"]) == LOCATION}
        market = {row["sku"]: row["quantity"] for row in await control(self.amazon, "/records?kind=item")}
        rows = (await control(self.square, "/counts"))["counts"]
        tills = {row["sku"]: int(row["quantity"]) for row in rows if row["state"] == "IN_STOCK"}
        return {sku: (web[sku], market[sku], tills.get(sku, 0)) for sku in self.skus}


@asynccontextmanager
async def three_channels(
    folder: Path, pieces: Sequence[int], *, amazon: dict[str, Any] | None = None
) -> AsyncIterator[Goods]:
    """So many pieces of each SKU in the warehouse; the channels show other numbers yet."""
    async with twins(folder / "acme") as world:
        url = world.urls["shopify"]
        await control(url, "/assortment", {"products": len(pieces)})
        levels = (await control(url, "/stock"))["levels"]
        there = {
            str(row["item"])
            for row in levels
            if str(row["location"]) == LOCATION and row["available"] == FIRST_STOCK[0]
        }
        rows = await control(url, "/records?kind=inventory_item")
        items = dict([(str(row["id"]), row["sku"]) for row in rows if str(row["id"]) in there][: len(pieces)])
        seeds = [
            {"sku": sku, "locations": {WMS_PLACE: count}} for sku, count in zip(items.values(), pieces, strict=True)
        ]
        await control(world.urls["shipbob"], "/stock", {"items": seeds})
        market = {
            "items": [{"sku": sku, "quantity": 0} for sku in items.values()],
            "orders_settled_seconds": 0,
            "usage_plans": PLANS,
        }
        tills = {"items": list(items.values()), "rate_per_second": 0}
        with (
            vendor("amazon", folder / "amazon", market | (amazon or {})) as marketplace,
            vendor("square", folder / "square", tills) as seller,
        ):
            urls = marketplace(), seller()
            _join(folder / "acme", world, *urls)
            yield Goods(folder / "acme", world, items, *urls)


def publish(folder: Path, text: str) -> None:
    """The terms of all channels."""
    file = folder / "flows/stock-to-shopify.toml"
    head, _, rest = file.read_text(encoding="utf-8").partition("[publish]\n")
    file.write_text(f"{head}[publish]\n{text}\n{rest[rest.index('[slo]') :]}", encoding="utf-8")


def _join(folder: Path, world: TwinWorld, amazon: str, square: str) -> None:
    with_stock(folder, world)
    fast = "\n[limits]\nrate_per_second = 500\n"
    add_amazon(folder, amazon, more=fast)
    add_square(folder, square, "http://127.0.0.1:9/intake/square", more=fast)
    show_at(folder, amazon="DEFAULT", square="L1")
    lag = "[settings]\nlevels_lag_seconds = 0\nchanged_overlap_seconds = 5\n"
    edit(folder / "systems/shipbob.toml", "[settings]\n", lag)

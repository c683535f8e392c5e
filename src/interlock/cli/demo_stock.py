"""The demo's stock: the warehouse holds what the shop sells, in two places, and one day somebody changes a number in the shop."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from interlock.cli.twin_world import TwinWorld, ask_twin

if TYPE_CHECKING:
    from interlock.hub import Hub
    from interlock.messaging.stock_views import StockLook

LOCATIONS: Final = """\
# Where stock lies, who counts it there, and what each system calls the place. An unknown place stops its lines; it is never zero.
[cicero]
owner = "shipbob"
places = { shipbob = ["8"], shopify = ["655441491"] }

[ottawa]
owner = "shipbob"
places = { shipbob = ["9"], shopify = ["655441492"] }
"""
ITEMS: Final = """\
# Exceptions only: an item with the same SKU everywhere, counted in pieces, needs no entry. Every key: docs/guides/stock.md
[[group]]
name = "apparel"
skus = ["SWT-*", "JKT-*", "SOCK-*", "SHOE-*", "SUN-*", "P0001-*", "P0002-*"]

[[group]]
name = "kitchen"
skus = ["MUG-*", "BTL-*", "COF-*"]

[[group]]
name = "home-and-desk"
skus = ["LAMP-*", "NB-*", "TOTE-*"]
"""
SHOP_PLACES: Final = (655_441_491, 655_441_492)
ON_HAND: Final = {"catalogue": (1_000, 100), "more": (50_000, 2_000)}
"""As many as the shop's twin has of each item on its first day, at the first two of its locations."""
MORE_PRODUCTS: Final = 2
"""Beside the catalogue that the demo's orders are drawn from: items that only `interlock twin load` sells."""
MISCOUNTED: Final = "P0002-1"
SURPLUS: Final = 40
LOOK_SECONDS: Final = 0.2
WHY: Final = "the demo: is the stock that the shop shows true?"


def write_inventory(folder: Path) -> None:
    """Two places and a few groups, in place of the starter's one."""
    (folder / "inventory/locations.toml").write_text(LOCATIONS, encoding="utf-8")
    (folder / "inventory/items.toml").write_text(ITEMS, encoding="utf-8")


async def stock_up(world: TwinWorld) -> None:
    """Put what the shop sells into the warehouse's twin, so that both agree. What is there already stays as it is."""
    from interlock.twins.shopify.catalogue import PRODUCTS
    from interlock.twins.shopify.load.assortment import assortment

    more = await _ask(world, "shopify", "assortment", {"products": MORE_PRODUCTS, "seed": 7})
    assert "variants" in more, "the shop's twin takes an assortment"
    goods = {"catalogue": PRODUCTS, "more": assortment(7, MORE_PRODUCTS).variants}
    items = [
        {"sku": one.sku, "name": one.name, "locations": dict(zip(("8", "9"), ON_HAND[kind], strict=True))}
        for kind, variants in goods.items()
        for one in variants
    ]
    await _ask(world, "shipbob", "stock", {"items": items})


async def miscount(world: TwinWorld, hub: "Hub") -> None:
    """Once the shop shows what the warehouse counts, somebody there types in another number, and the webhook of it is lost: only
    a comparison finds it. It only looks, so that a person may see the cause and press Fix. Once in the life of a demo."""
    while (known := await hub.views.stock(_known)) is None or known == "unread":
        await hub.clock.sleep(LOOK_SECONDS)
    if known == "touched" or await hub.views.stock_runs(limit=1):
        return
    units = ON_HAND["more"][1] + SURPLUS
    change = {"item": MISCOUNTED, "location": SHOP_PLACES[1], "set": units, "by": "human", "told": False}
    await _ask(world, "shopify", "stock", change)
    await hub.operator.ask_stock_run("compare", "shopify", dry=True, by="demo", why=WHY)


def _known(look: "StockLook") -> str:
    row = look.shown("shopify", str(SHOP_PLACES[1]), MISCOUNTED)
    if any(one.kind in ("foreign", "written") for one in look.changes(MISCOUNTED, 100)):
        return "touched"
    return "read" if row is not None and row.seen_us else "unread"


async def _ask(world: TwinWorld, vendor: str, path: str, body: dict[str, object]) -> dict[str, object]:
    answer: dict[str, object] = await asyncio.to_thread(ask_twin, f"{world.urls[vendor]}/_twin/{path}", "POST", body)
    return answer

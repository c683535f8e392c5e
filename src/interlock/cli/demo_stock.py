"""The demo's stock: the warehouse holds what the shop sells, so that both agree until somebody changes a number."""

import asyncio

from interlock.cli.twin_world import TwinWorld, ask_twin

ON_HAND = 1_000
"""As many as the shop's twin shows of each item on its first day."""


async def stock_warehouse(world: TwinWorld) -> int:
    """Put what the shop sells into the warehouse's twin; returns how many items. What is there already stays as it is."""
    from interlock.twins.shopify.catalogue import PRODUCTS

    items = [{"sku": one.sku, "name": one.name, "on_hand": ON_HAND} for one in PRODUCTS]
    await asyncio.to_thread(ask_twin, f"{world.urls['shipbob']}/_twin/stock", "POST", {"items": items})
    return len(items)

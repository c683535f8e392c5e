"""The connector runs against the previous, the pinned and the next version of the Admin API: an upgrade is no surprise (C78)."""

import asyncio
import time
from pathlib import Path

import pytest
from shop import Shop
from stack import twins, until

from interlock.connectors import registry
from interlock.hub import Hub
from interlock.messaging.sweeps import Sweep

PINNED = registry.manifest("shopify").connector.api_version
VERSIONS = ("2026-04", "2026-07", "2026-10")


def test_the_pinned_version_has_neighbours() -> None:
    """Whoever moves the pin moves what is tried."""
    assert VERSIONS[1] == PINNED


def speaks(folder: Path, version: str) -> None:
    file = folder / "systems/shopify.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(f'api_version = "{PINNED}"', f'api_version = "{version}"'), encoding="utf-8")


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_carries_an_order(version: str, tmp_path: Path) -> None:
    """Subscriptions are made, an order is read, its refund is read, a sweep lists both: over GraphQL of that version, and
    answered by no other."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world:
            speaks(folder, version)
            hub = Hub(folder, demo=world)
            await hub.open()
            try:
                await hub.serve()
                await hub.subscription_keeper.look()
                kept = await hub.views.subscriptions()
                assert kept and {one.state for one in kept} == {"there"}
                shop = Shop(world)
                told = await shop.place()
                silent = await shop.place_silently()
                await shop.change(told, "refund", lines={"0": 1})
                wanted = Sweep(id=0, system="shopify", object="order", why="test", dry=False, since=int(time.time() - 600) * 10**6, until=0)
                began = int(time.time())
                await until(lambda: later_than(began))
                number = await hub.operator.compare(wanted, by="test")

                async def all_there() -> bool:
                    sweep = await hub.views.sweep(number)
                    return sweep is not None and sweep.state == "done" and (await world.arrivals([told, silent]))["lost"] == 0

                await until(all_there)
                source = hub.release.source("shopify")
                for name, key in (("order", told), ("customer", await customer_of(shop, told))):
                    assert isinstance(await source.read(name, key, timeout_seconds=10), bytes)
                assert not hub.shelf.observations.other_versions("shopify")
            finally:
                await hub.close()

    asyncio.run(story())


async def later_than(second: int) -> bool:
    """The shop counts in whole seconds."""
    return int(time.time()) > second


async def customer_of(shop: Shop, order: str) -> str:
    import json

    return str(json.loads(await shop.present(order))["customer"]["id"])

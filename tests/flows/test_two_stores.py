"""Two stores into one hub: equal names and equal ids stay two orders everywhere, and one store's trouble is its own (C47)."""

import asyncio
import time
from pathlib import Path
from typing import Any

import books
from shop import Shop, still
from stack import post, signed, until
from two_stores import SECRET, US, Store, two_stores

from interlock.cli.twin_world import TwinWorld
from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.messaging.sweeps import Sweep

SYSTEMS = ("netsuite", "shipbob", "klaviyo")


async def all_quiet(hub: Hub, world: TwinWorld, store: Store) -> None:
    """Neither store has a webhook to send, and the hub has nothing to do."""

    async def told() -> bool:
        return not (await store.command("GET", "state"))["webhooks_pending"]

    await until(told)
    await still(hub, world)


async def states(hub: Hub, order: str, system: str) -> dict[str, str]:
    """Destination -> state of the level-triggered deliveries of one store's order."""
    rows = await hub.views.deliveries(Filter(object="order", key=order))
    return {row.destination: row.state for row in rows if not row.signal and row.system == system}


def references(world: TwinWorld, order: str) -> dict[str, list[str]]:
    """What each destination calls the orders of this id: two, one for each store."""
    found: dict[str, list[str]] = {
        "netsuite": [str(row["externalId"]) for row in books.records(world, "netsuite", "salesOrder")],
        "shipbob": [str(row["reference_id"]) for row in books.records(world, "shipbob", "order")],
        "klaviyo": [f"{row['_once']}/{row['event_properties']['OrderId']}" for row in books.records(world, "klaviyo", "event")],
    }
    return {name: sorted({one for one in rows if order in one}) for name, rows in found.items()}


def test_equal_names_and_ids_are_two_orders_everywhere(tmp_path: Path) -> None:
    """C47: order #1001 of each store, with the same id even, arrives as two records at each destination, and so do the customers.
    The control is the id alone: without the origin both have one reference."""

    async def story() -> None:
        async with two_stores(tmp_path / "shop") as (world, store, hub):
            first = await Shop(world).place()
            second, name = await store.place()
            assert (second, name) == (first, "#1001"), "the stores number alike"
            await all_quiet(hub, world, store)
            found = references(world, first)
            assert found["netsuite"] == [f"{US}-{first}", f"shopify-{first}"]
            assert found["shipbob"] == [f"{US}-{first}", f"shopify-{first}"]
            assert len({one.partition("/")[2] for one in found["klaviyo"]}) == 1
            assert len(found["klaviyo"]) == 2, found
            assert {one.removeprefix(f"{US}-").removeprefix("shopify-") for one in found["netsuite"]} == {first}, "the control collides"
            customers = [str(row["externalId"]) for row in books.records(world, "netsuite", "customer")]
            assert sorted({one.partition("-customer-")[0] for one in customers}) == [US, "shopify"]
            for system in ("shopify", US):
                assert await states(hub, first, system) == {"netsuite": "done", "shipbob": "done"}
            (hit,) = (hit for hit in await hub.views.search("#1001") if hit.object == "order")
            assert (hit.key, hit.systems) == (first, (US, "shopify")), "the search says which stores"

    asyncio.run(story())


def test_one_stores_trouble_is_its_own(tmp_path: Path) -> None:
    """C47: while one store takes no token, and answers nothing, the other's orders are read and written; afterwards both are there. The
    doors are apart too: one store's signature opens no other store's door."""

    async def story() -> None:
        async with two_stores(tmp_path / "shop") as (world, store, hub):
            shop = Shop(world)
            await store.command("POST", "faults", {"kind": "status", "status": 401, "match": {"path": "/admin/api/2026-07/graphql.json"}})
            first = await shop.place()
            await still(hub, world)
            second, _ = await store.place()
            await shop.change(first, "edit", add=[{"sku": "MUG-W", "quantity": 2}])
            await store.command("POST", f"orders/{second}/edit", {"add": [{"sku": "MUG-W", "quantity": 2}]})
            await comes_to(hub, first, "shopify", "done")
            await waits(hub, second)
            await comes_to(hub, first, "shopify", "done")  # told of once more meanwhile, it ends again
            await store.command("POST", "repair", {})
            await hub.reload()
            await comes_to(hub, second, US, "done")
            body = await shop.present(first)
            status, _ = await post(f"{hub.url}/intake/{US}", body, signed(body, "orders/updated"))
            assert status == 401
            status, _ = await post(f"{hub.url}/intake/shopify", body, signed(body, "orders/updated", secret=SECRET.encode()))
            assert status == 401

    asyncio.run(story())


async def comes_to(hub: Hub, order: str, system: str, state: str) -> None:
    async def there() -> bool:
        return set((await states(hub, order, system)).values()) == {state}

    await until(there)


async def waits(hub: Hub, order: str) -> None:
    """Some delivery of the broken store's order cannot be read."""

    async def there() -> bool:
        return bool({"waiting", "retrying"} & set((await states(hub, order, US)).values()))

    await until(there)


def test_each_store_is_compared_for_itself(tmp_path: Path) -> None:
    """C47, C75: a comparison of one store finds what that store did not tell, and takes nothing of the other for it. Positions and
    buckets of points are the stores' own."""

    async def story() -> None:
        async with two_stores(tmp_path / "shop") as (world, store, hub):
            shop = Shop(world)
            for one in (shop, store):
                for topic in ("orders/create", "orders/updated", "orders/paid"):
                    await one.command("POST", "faults", {"kind": "webhook_drop", "match": {"topic": topic}})
            first, (second, _) = await shop.place(), await store.place()
            await all_quiet(hub, world, store)
            assert references(world, first)["netsuite"] == []
            await compare(hub, US)
            await all_quiet(hub, world, store)
            assert references(world, second)["netsuite"] == [f"{US}-{second}"]
            await compare(hub, "shopify")
            await all_quiet(hub, world, store)
            assert references(world, first)["netsuite"] == [f"{US}-{first}", f"shopify-{first}"]
            assert hub.release.source(US).admin.bucket != hub.release.source("shopify").admin.bucket  # type: ignore[attr-defined]

    asyncio.run(story())


async def compare(hub: Hub, system: str) -> Any:
    """One sweep over a store's orders, to its end; what changed in the second that has begun would be the next one's."""
    second = int(time.time())

    async def passed() -> bool:
        return int(time.time()) > second

    await until(passed)
    number = await hub.operator.compare(
        Sweep(id=0, system=system, object="order", why="C47", dry=False, since=0, until=0), by="test"
    )

    async def ended() -> bool:
        found = await hub.views.sweep(number)
        return found is not None and found.state in ("done", "failed")

    await until(ended)
    found = await hub.views.sweep(number)
    assert found is not None
    assert (found.state, found.listed) == ("done", 1), found

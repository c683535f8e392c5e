"""What webhooks did not tell is found: refunds, fulfilments, cancellations and customers, each brought where it belongs, once."""

import asyncio
import time
from typing import Any

import books
from shop import Shop, Stage, still
from stack import until
from test_customer_changes import FLOW as CUSTOMERS

from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.messaging.sweeps import Sweep

EVERY_TOPIC = (
    "orders/create", "orders/updated", "orders/edited", "orders/paid", "orders/cancelled", "orders/fulfilled", "refunds/create",
    "fulfillments/create", "fulfillments/update", "customers/create", "customers/update", "order_transactions/create",
)  # fmt: skip
REFUND_FLOW = """
title = "Refunds to the ERP"
source = "shopify"
trigger = ["refunds/create"]
object = "refund.v1"
destinations = ["netsuite"]
pattern = "event-driven"
rationale = "A refund has an id and a life of its own."
impact = "medium"
complexity = "medium"
owner = "finance-systems"
runbook = "erp-refusals.md"
[rollback]
how = "interlock rollback"
"""


def with_more_flows(stage: Stage) -> None:
    """The starter's flows, and one for refunds and one for customers."""
    flows = stage._template / "flows"
    (flows / "refund-to-erp.toml").write_text(REFUND_FLOW, "utf-8")
    (flows / "customer-to-all.toml").write_text(CUSTOMERS, "utf-8")


async def compared(hub: Hub, *objects: str) -> dict[str, Sweep]:
    """A comparison of each, to its end, up to the second before."""
    second = int(time.time())

    async def passed() -> bool:
        return int(time.time()) > second

    await until(passed)
    numbers = {}
    for name in objects:
        since = (second - 900) * 1_000_000
        wanted = Sweep(id=0, system="shopify", object=name, why="test", dry=False, since=since, until=0)
        numbers[name] = await hub.operator.compare(wanted, by="test")

    async def ended() -> bool:
        found = [await hub.views.sweep(number) for number in numbers.values()]
        return all(sweep is not None and sweep.state in ("done", "failed") for sweep in found)

    await until(ended)
    found = {name: await hub.views.sweep(number) for name, number in numbers.items()}
    assert {sweep.state for sweep in found.values() if sweep} == {"done"}, found
    return {name: sweep for name, sweep in found.items() if sweep is not None}


async def rows(hub: Hub, **which: Any) -> list[tuple[str, str, str]]:
    return [(row.destination, row.state, row.code) for row in await hub.views.deliveries(Filter(**which))]


def test_lost_changes_of_orders(stage: Stage) -> None:
    """Fault case 15, C43, C53: from one moment on nothing is told. An order is refunded, one is shipped, one cancelled, one is
    new: the comparison finds each, the refund moves by its own id, and marketing hears of the parcel."""
    with_more_flows(stage)

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            refunded, shipped, cancelled = [await shop.place() for _ in range(3)]
            await still(hub, world)
            assert (await world.arrivals([refunded, shipped, cancelled]))["lost"] == 0
            await shop.go_wrong("webhook_drop", *EVERY_TOPIC)
            await shop.change(refunded, "refund", lines={"0": 1})
            await shop.change(shipped, "fulfil")
            await shop.change(cancelled, "cancel")
            new = await shop.place()
            sweep = (await compared(hub, "order"))["order"]
            assert sweep.found == 4
            found = {row.key: row.kind for row in await hub.views.missed(of_sweep=sweep.id)}
            assert found.keys() == {refunded, shipped, cancelled, new}
            assert found[new] == "missing", "the others are behind, or differ within the second of their making"
            await still(hub, world)
            assert "Fulfilled Order" in books.events(world, shipped)
            refund = await refund_of(shop, refunded)
            assert await rows(hub, object="refund", key=refund) != [], "the refund has a delivery of its own"
            assert (await world.arrivals([new]))["lost"] == 0
            assert books.sales_order(world, f"shopify-{cancelled}")["status"]  # type: ignore[index]
            before = await world.arrivals([refunded, shipped, cancelled, new])
            again = (await compared(hub, "order"))["order"]
            assert (again.found, before["duplicates"]) == (0, 0)

    asyncio.run(story())


async def refund_of(shop: Shop, order: str) -> str:
    import json

    return str(json.loads(await shop.present(order))["refunds"][0]["id"])


def test_lost_changes_of_a_customer(stage: Stage) -> None:
    """Fault case 15: a customer whose change nobody told of is found and reaches ERP and marketing."""
    with_more_flows(stage)

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            order = await shop.place()
            await still(hub, world)
            assert (await world.arrivals([order]))["lost"] == 0
            await shop.go_wrong("webhook_drop", *EVERY_TOPIC)
            sweep = (await compared(hub, "customer"))["customer"]
            assert sweep.listed >= 1
            found = await hub.views.missed(of_sweep=sweep.id)
            assert {row.kind for row in found} == {"missing"}, "its own webhook was never sent"

            async def there() -> bool:
                states = await rows(hub, object="customer", key=found[0].key)
                return len(states) == 2 and {state for _, state, _ in states} == {"done"}

            await until(there)
            assert (await compared(hub, "customer"))["customer"].found == 0

    asyncio.run(story())

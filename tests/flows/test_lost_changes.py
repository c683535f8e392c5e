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


async def next_second() -> int:
    """A second that is new: the shop counts in whole ones, and its other stories' changes are of before."""
    second = int(time.time())

    async def passed() -> bool:
        return int(time.time()) > second

    await until(passed)
    return second + 1


async def compared(hub: Hub, name: str, since: int) -> Sweep:
    """A comparison of what changed from that second on, to its end, up to the second before."""
    await next_second()
    wanted = Sweep(id=0, system="shopify", object=name, why="test", dry=False, since=since * 1_000_000, until=0)
    number = await hub.operator.compare(wanted, by="test")

    async def ended() -> bool:
        found = await hub.views.sweep(number)
        return found is not None and found.state in ("done", "failed")

    await until(ended)
    found = await hub.views.sweep(number)
    assert found is not None and found.state == "done", found
    return found


async def rows(hub: Hub, **which: Any) -> list[tuple[str, str, str]]:
    return [(row.destination, row.state, row.code) for row in await hub.views.deliveries(Filter(**which))]


def test_lost_changes_of_orders(stage: Stage) -> None:
    """Fault case 15, C43, C53: from one moment on nothing is told. An order is refunded, one is shipped, one cancelled, one is
    new: the comparison finds each, the refund moves by its own id, and marketing hears of the parcel."""
    with_more_flows(stage)

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            began = await next_second()
            refunded, shipped, cancelled = [await shop.place() for _ in range(3)]
            await still(hub, world)
            assert (await world.arrivals([refunded, shipped, cancelled]))["lost"] == 0
            await shop.go_wrong("webhook_drop", *EVERY_TOPIC)
            await shop.change(refunded, "refund", lines={"0": 1})
            await shop.change(shipped, "fulfil")
            await shop.change(cancelled, "cancel")
            new = await shop.place()
            sweep = await compared(hub, "order", began)
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
            again = await compared(hub, "order", began)
            assert (again.found, before["duplicates"]) == (0, 0)

    asyncio.run(story())


async def refund_of(shop: Shop, order: str) -> str:
    import json

    return str(json.loads(await shop.present(order))["refunds"][0]["id"])


def test_lost_changes_of_a_customer(stage: Stage) -> None:
    """Fault case 15: a customer of whom nobody told is found and reaches ERP and marketing."""
    with_more_flows(stage)

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            began = await next_second()
            await shop.go_wrong("webhook_drop", *EVERY_TOPIC)
            await shop.place()
            sweep = await compared(hub, "customer", began)
            (found,) = await hub.views.missed(of_sweep=sweep.id)
            assert (sweep.found, found.kind) == (1, "missing")
            await still(hub, world)
            states = await rows(hub, object="customer", key=found.key)
            assert len(states) == 2 and {state for _, state, _ in states} == {"done"}
            assert (await compared(hub, "customer", began)).found == 0

    asyncio.run(story())

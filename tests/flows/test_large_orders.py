"""An order with more of everything than a page holds: read over GraphQL it is the order that the webhook tells (C39)."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import books
from shop import Shop, Stage, still

from interlock.connectors.shopify.order_shape import order_body
from interlock.connectors.shopify.whole import KINDS, Reading
from interlock.hub import Hub

LINES, PARTS, REFUNDED = 300, 12, 120


async def grow(shop: Shop, order: str) -> None:
    """Twelve fulfilment orders, and one refund of 120 lines."""
    for place in range(PARTS - 1):
        await shop.change(order, "split", fulfillment_order=0, lines={str(LINES - 1 - place): 1})
    await shop.change(order, "refund", lines={str(at): 1 for at in range(REFUNDED)}, shipping=False)


async def read(hub: Hub, name: str, key: str) -> Any:
    body = await hub.release.source("shopify").read(name, key, timeout_seconds=30)
    assert isinstance(body, bytes), body
    return json.loads(body)


def canonical(hub: Hub, name: str, body: Any) -> Any:
    return hub.release.document("shopify", name, json.dumps(body).encode()).value


def test_every_page_of_a_large_order_is_read(stage: Stage) -> None:
    """C39: 300 lines, 12 fulfilment orders and 120 refund lines, read in pages, are those of the webhook, for the order and for its
    refund; and that many rows reach the books. The control reads first pages only, and lacks most of it."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            order = await shop.place_silently("lines_300")
            await grow(shop, order)
            told, found = json.loads(await shop.present(order)), await read(hub, "order", order)
            counts = (len(found["line_items"]), len(found["fulfillment_orders"]), len(found["refunds"][0]["refund_line_items"]))
            assert counts == (LINES, PARTS, REFUNDED)
            assert [line["id"] for line in found["line_items"]] == [line["id"] for line in told["line_items"]]
            assert canonical(hub, "order", found) == canonical(hub, "order", told)
            (refund,) = told["refunds"]
            lines = [line["id"] for line in (await read(hub, "refund", str(refund["id"])))["refund_line_items"]]
            assert sorted(lines) == sorted(line["id"] for line in refund["refund_line_items"])
            await still(hub, world)
            booked = books.sales_order(world, f"shopify-{order}")
            left = [line for line in told["line_items"] if line["current_quantity"]]
            assert booked is not None
            assert len(booked["item"]) >= len(left)
            assert sum(row["amount"] for row in booked["item"]) == Decimal(told["current_total_price"])
            await lacks_without_pages(hub, order)

    asyncio.run(story())


async def lacks_without_pages(hub: Hub, order: str) -> None:
    """The control: what a reader of first pages takes for the order."""
    source: Any = hub.release.source("shopify")
    reading = Reading(source.admin, hub.clock, timeout_seconds=20)
    node = (await reading.ask("order", {"id": f"gid://shopify/Order/{order}"}))[KINDS["order"].name]
    first = order_body(node | {"refunds": []})
    assert len(first["line_items"]) < LINES
    assert len(first["fulfillment_orders"]) < PARTS

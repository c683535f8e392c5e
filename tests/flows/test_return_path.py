"""Returns and exchanges on the whole path: goods come back, others go out, and NetSuite's books stay as they were invoiced."""

import asyncio
import json
from decimal import Decimal
from typing import Any
from urllib.error import HTTPError

import pytest
from books import Record, sales_order
from refund_flow import FLOW, add_refund_flow, bill, credits_of, erp_state, settled, written
from shop import Shop, Stage
from stack import until

from interlock.cli.twin_world import TwinWorld
from interlock.hub import Hub
from interlock.messaging.ledger import Filter

DEARER = "JKT-RED-S"


@pytest.fixture
def returns(stage: Stage) -> Stage:
    """The starter folder with a flow that moves refunds to the ERP."""
    if not (stage._template / FLOW).exists():
        add_refund_flow(stage._template)
    return stage


async def shipped(world: TwinWorld, hub: Hub, shop: Shop, *, billed: bool) -> str:
    """An order that is at NetSuite, went out, and perhaps was invoiced."""
    order = await shop.place("tax_excluded")
    await until(lambda: written(world, order))
    await shop.change(order, "fulfil")
    await settled(hub, world)
    if billed:
        await bill(hub, order)
    return order


async def total_now(shop: Shop, order: str) -> Decimal:
    return Decimal(json.loads(await shop.present(order))["current_total_price"])


def booked(world: TwinWorld, order: str) -> Record:
    found = sales_order(world, f"shopify-{order}")
    assert found is not None
    return found


def plugs(documents: list[Record]) -> list[Any]:
    """Lines that no part of the order explains."""
    lines = [line for document in documents for line in document["item"]]
    return [line for line in lines if str(line.get("description", "")).startswith("Difference")]


def test_a_dearer_replacement_after_the_invoice(returns: Stage) -> None:
    """C42: what came back is credited, the invoice stays, and the order says what the customer still owes: invoice less
    credit plus what is to be invoiced is the shop's total, with no line that plugs a gap. (It waits for ten minutes, then a
    person is asked: tests/conformance/connectors/test_netsuite_refunds.py.)"""

    async def story() -> None:
        async with returns.play() as (world, hub, shop):
            order = await shipped(world, hub, shop, billed=True)
            before = booked(world, order)
            await shop.change(order, "return", lines={"0": 1}, exchange=[{"sku": DEARER}])
            await shop.change(order, "process_return", refund=False)
            await settled(hub, world)
            (memo,) = credits_of(world, order)
            after = booked(world, order)
            owed = await total_now(shop, order) - (after["total"] - memo["total"])
            assert after["total"] == before["total"] and memo["total"] > 0 and owed > memo["total"]
            assert plugs([after, memo]) == []
            assert await erp_state(hub, "refund") == [("done", "")]
            assert await erp_state(hub, "order", order) == [("waiting", "BOOKED_ORDER_DIFFERS")]
            assert f"credit memo of {owed} in NetSuite" in await words(hub, order)

    asyncio.run(story())


async def words(hub: Hub, order: str) -> str:
    (row,) = await hub.views.deliveries(Filter(object="order", key=order, destination="netsuite"))
    return row.error


def test_a_replacement_before_the_invoice(returns: Stage) -> None:
    """C42: nothing is invoiced, so the sales order follows: the old piece is gone, the new one there, nothing is credited."""

    async def story() -> None:
        async with returns.play() as (world, hub, shop):
            order = await shipped(world, hub, shop, billed=False)
            await shop.change(order, "return", lines={"0": 1}, exchange=[{"sku": DEARER}])
            await shop.change(order, "process_return", refund=False)
            await settled(hub, world)
            assert credits_of(world, order) == []
            after = booked(world, order)
            assert after["total"] == await total_now(shop, order)
            assert plugs([after]) == []

    asyncio.run(story())


def test_a_return_that_is_closed_after_the_goods_came(returns: Stage) -> None:
    """C56: what was received is credited once, closing the return changes nothing, and the shop takes back no return whose
    goods arrived. A return that is cancelled before anything came leaves NetSuite as it was."""

    async def story() -> None:
        async with returns.play() as (world, hub, shop):
            order = await shipped(world, hub, shop, billed=True)
            before = booked(world, order)
            await shop.change(order, "return", lines={"0": 1})
            await shop.change(order, "cancel_return")
            await settled(hub, world)
            assert (booked(world, order), credits_of(world, order)) == (before, [])
            await shop.change(order, "return", lines={"0": 1})
            await shop.change(order, "process_return", **{"return": 1})
            await settled(hub, world)
            (memo,) = credits_of(world, order)
            assert before["total"] - memo["total"] == await total_now(shop, order)
            with pytest.raises(HTTPError) as refused:
                await shop.change(order, "cancel_return", **{"return": 1})
            refused.value.close()
            await shop.change(order, "close_return", **{"return": 1})
            await settled(hub, world)
            assert (booked(world, order)["item"], credits_of(world, order)) == (before["item"], [memo])

    asyncio.run(story())

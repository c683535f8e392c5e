"""A refund on the whole path: the shop pays back, the hub reads the refund by its id, and NetSuite has one credit memo."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from books import sales_order
from refund_flow import FLOW, add_refund_flow, bill, credits_of, erp_state, payouts_of, settled, written
from shop import Shop, Stage
from stack import until

from interlock.connectors.shopify import client
from interlock.connectors.shopify.source import ShopifySource
from interlock.messaging.ledger import Filter


@pytest.fixture
def refunds(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The starter folder with a flow that moves refunds to the ERP; the shop is read over GraphQL."""
    monkeypatch.setattr(client, "source", ShopifySource)
    if not (stage._template / FLOW).exists():
        add_refund_flow(stage._template)
    return stage


def test_a_refund_after_the_invoice(refunds: Stage) -> None:
    """C41, C53, C57: one credit memo of the amount that went back, the sales order as it was invoiced, and both add up."""

    async def story() -> None:
        async with refunds.play() as (world, hub, shop):
            order = await shop.place("tax_excluded")
            await until(lambda: written(world, order))
            await settled(hub, world)
            before = sales_order(world, f"shopify-{order}")
            assert before is not None
            await bill(hub, order)
            await refund_twice_told(shop, order)
            await settled(hub, world)
            (memo,) = credits_of(world, order)
            now = json.loads(await shop.present(order))
            assert before["total"] - memo["total"] == Decimal(now["current_total_price"])
            assert await erp_state(hub, "refund") == [("done", "")]
            await shop.change(order, "note", note="thank you")
            await settled(hub, world)
            assert await erp_state(hub, "order", order) == [("done", "")]
            after = sales_order(world, f"shopify-{order}")
            assert after is not None and after["total"] == before["total"]

    asyncio.run(story())


def test_a_refund_before_the_invoice(refunds: Stage) -> None:
    """C55: the sales order goes down with the order; there is nothing to credit, and the delivery says why."""

    async def story() -> None:
        async with refunds.play() as (world, hub, shop):
            order = await shop.place("tax_excluded")
            await until(lambda: written(world, order))
            await settled(hub, world)
            await refund_twice_told(shop, order)
            await settled(hub, world)
            assert credits_of(world, order) == []
            now = json.loads(await shop.present(order))
            found = sales_order(world, f"shopify-{order}")
            assert found is not None and found["total"] == Decimal(now["current_total_price"])
            assert await erp_state(hub, "refund") == [("done", "")]

    asyncio.run(story())


ACCOUNTS = """
[settings.refund_accounts]
shopify_payments = "210"
gift_card = "260"

[credentials]"""
PAID_OUT = ("systems/netsuite.toml", "\n[credentials]", ACCOUNTS)


def test_the_money_of_a_refund_goes_out_of_its_credit_memo(refunds: Stage) -> None:
    """C34, C57: told twice and replayed there is one customer refund, on the gateway's account; the credit memo is closed
    by it to the cent, and the sales order less its credit is what the shop says."""

    async def story() -> None:
        async with refunds.play(PAID_OUT) as (world, hub, shop):
            order = await shop.place("tax_excluded")
            await until(lambda: written(world, order))
            await settled(hub, world)
            await bill(hub, order)
            await refund_twice_told(shop, order)
            await settled(hub, world)
            (memo,), (payout,) = credits_of(world, order), payouts_of(world, order)
            assert (payout["account"]["id"], payout["total"]) == ("210", memo["total"])
            assert (memo["amountRemaining"], payout["apply"][0]["doc"]["id"]) == (0, memo["id"])
            chosen = Filter(object="refund", destination="netsuite")
            await hub.operator.replay(chosen, by="finance", why="to see that it changes nothing", version="same")
            await settled(hub, world)
            assert (credits_of(world, order), payouts_of(world, order)) == ([memo], [payout])
            assert await erp_state(hub, "refund") == [("done", "")]

    asyncio.run(story())


def test_a_gateway_that_nobody_gave_an_account_stops_the_refund(refunds: Stage) -> None:
    """C34: the delivery is a dead letter that names the gateway; neither the credit memo nor a payment is booked."""

    async def story() -> None:
        async with refunds.play((*PAID_OUT[:2], ACCOUNTS.replace("shopify_payments", "paypal"))) as (world, hub, shop):
            order = await shop.place("tax_excluded")
            await until(lambda: written(world, order))
            await settled(hub, world)
            await bill(hub, order)
            await shop.change(order, "refund", lines={"0": 1})
            await settled(hub, world)
            assert await erp_state(hub, "refund") == [("dead", "MAP003")]
            assert credits_of(world, order) == payouts_of(world, order) == []

    asyncio.run(story())


SCENARIOS = (
    "plain",
    "tax_included",
    "multi_currency",
    "duties",
    "discount_order",
    "jpy",
    "gift_card_line",
    "discount_shipping",
)


def test_a_refund_that_is_read_is_the_refund_that_was_told(refunds: Stage) -> None:
    """C32, C53: what GraphQL answers and what the webhook says become the same refund, in both currencies."""

    async def story() -> None:
        async with refunds.play() as (world, hub, shop):
            for scenario in SCENARIOS:
                order = await shop.place(scenario)
                await shop.change(order, "refund", lines={"0": 1}, shipping=True)
                now = json.loads(await shop.present(order))
                (told,) = now["refunds"]
                read = await hub.release.source("shopify").read("refund", str(told["id"]), timeout_seconds=10)
                assert isinstance(read, bytes), read
                one = hub.release.document("shopify", "refund", read).value
                told |= {"taxes_included": now["taxes_included"]}
                other = hub.release.document("shopify", "refund", json.dumps(told).encode()).value
                assert {name: getattr(one, name) for name in MONEY} == {name: getattr(other, name) for name in MONEY}, (
                    scenario
                )
                assert [amounts(line) for line in one.lines] == [amounts(line) for line in other.lines]
                assert [amounts(part) for part in one.adjustments] == [amounts(part) for part in other.adjustments]
            await settled(hub, world)

    asyncio.run(story())


MONEY = ("currency", "presentment_currency", "shipping", "duties", "difference", "total")


def amounts(part: Any) -> tuple[Any, Any]:
    return part.net, part.tax


async def refund_twice_told(shop: Shop, order: str) -> None:
    """The shop pays one piece back and tells of it twice."""
    await shop.go_wrong("webhook_duplicate", "refunds/create")
    topics = await shop.change(order, "refund", lines={"0": 1})
    assert "refunds/create" in topics
    await shop.go_right()

"""Returns as objects of their own: the shop agrees to take goods back, NetSuite expects them, and hears how it ends (C56)."""

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from books import sales_order
from refund_flow import RETURN_FLOW, add_return_flow, erp_state, returns_of, settled, written
from shop import Shop, Stage
from stack import until

from interlock.cli.twin_world import TwinWorld
from interlock.connectors.netsuite import returning
from interlock.connectors.shopify import client
from interlock.connectors.shopify.source import ShopifySource
from interlock.hub import Hub
from interlock.messaging.ledger import Filter

DEARER = "JKT-RED-S"


@pytest.fixture
def returns(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The starter folder with a flow that moves returns to the ERP; the shop is read over GraphQL."""
    monkeypatch.setattr(client, "source", ShopifySource)
    if not (stage._template / RETURN_FLOW).exists():
        add_return_flow(stage._template)
    return stage


async def shipped(world: TwinWorld, hub: Hub, shop: Shop, scenario: str = "tax_excluded") -> str:
    """An order that is at NetSuite and went out."""
    order = await shop.place(scenario)
    await until(lambda: written(world, order))
    await shop.change(order, "fulfil")
    await settled(hub, world)
    return order


async def received(hub: Hub, order: str, return_id: str) -> None:
    """The warehouse takes the goods in, in NetSuite."""
    netsuite = hub.release.destination("netsuite", "shopify")
    path = f"/returnAuthorization/eid:shopify-{order}-return-{return_id}/!transform/itemReceipt"
    answer = await netsuite.call("POST", path, b"{}", 10.0)  # type: ignore[attr-defined]
    assert answer.status == 204, answer.body


async def returned(hub: Hub) -> str:
    """The id of the one return that the hub knows."""
    (row,) = await hub.views.deliveries(Filter(object="return", destination="netsuite"))
    return row.key


def test_a_return_is_announced_and_closed_and_a_replay_changes_nothing(returns: Stage) -> None:
    """C56: asked for: pending approval; agreed: pending receipt, with pieces and prices, of the sales order; closed in the shop:
    nothing is expected any more. Each webhook came twice, and a replay finds the same record."""

    async def story() -> None:
        async with returns.play() as (world, hub, shop):
            order = await shipped(world, hub, shop)
            await shop.go_wrong("webhook_duplicate", "returns/request", "returns/approve", "returns/close")
            await shop.change(order, "return", lines={"0": 1}, request=True)
            await settled(hub, world)
            (asked,) = returns_of(world, order)
            assert asked["status"]["refName"] == "Pending Approval"
            await shop.change(order, "approve_return")
            await settled(hub, world)
            (agreed,) = returns_of(world, order)
            booked = sales_order(world, f"shopify-{order}")
            assert booked is not None and agreed["createdFrom"]["id"] == booked["id"]
            assert agreed["entity"]["id"] == booked["entity"]["id"] and agreed["currency"] == booked["currency"]
            assert agreed["status"]["refName"] == "Pending Receipt"
            (line,) = agreed["item"]
            sold = booked["item"][0]
            assert (line["item"], line["quantity"]) == (sold["item"], 1)
            assert line["amount"] == sold["amount"] / sold["quantity"]
            await shop.change(order, "close_return")
            await settled(hub, world)
            (closed,) = returns_of(world, order)
            assert closed["status"]["refName"] == "Closed" and closed["id"] == asked["id"]
            chosen = Filter(object="return", destination="netsuite")
            await hub.operator.replay(chosen, by="finance", why="to see that it changes nothing", version="same")
            await settled(hub, world)
            assert returns_of(world, order) == [closed]
            assert await erp_state(hub, "return") == [("done", "")]

    asyncio.run(story())


def test_a_return_that_is_opened_again_is_expected_again(returns: Stage) -> None:
    """C56: the same content after a close is written anew; the record is the same."""

    async def story() -> None:
        async with returns.play() as (world, hub, shop):
            order = await shipped(world, hub, shop)
            for kind, said in (
                ("return", "Pending Receipt"),
                ("close_return", "Closed"),
                ("reopen_return", "Pending Receipt"),
                ("close_return", "Closed"),
            ):
                await shop.change(order, kind, **({"lines": {"0": 1}} if kind == "return" else {}))
                await settled(hub, world)
                (found,) = returns_of(world, order)
                assert found["status"]["refName"] == said
            assert len(returns_of(world, order)) == 1

    asyncio.run(story())


def test_a_return_that_is_cancelled_before_anything_came(returns: Stage) -> None:
    """C56: its lines are closed. One that is declined before NetSuite heard of it is never written."""

    async def story() -> None:
        async with returns.play() as (world, hub, shop):
            order = await shipped(world, hub, shop)
            await shop.change(order, "return", lines={"0": 1})
            await settled(hub, world)
            await shop.change(order, "cancel_return")
            await settled(hub, world)
            (found,) = returns_of(world, order)
            assert found["status"]["refName"] == "Closed"
            assert await erp_state(hub, "return") == [("done", "")]

    asyncio.run(story())


def test_a_return_that_is_cancelled_after_the_warehouse_received_it(returns: Stage) -> None:
    """C56: the goods are in NetSuite's stock, so nothing is closed in silence: a person is asked, in words with the numbers."""

    async def story() -> None:
        async with returns.play() as (world, hub, shop):
            order, before = await in_the_warehouse(world, hub, shop)
            await shop.change(order, "cancel_return")
            await settled(hub, world)
            assert await erp_state(hub, "return") == [("dead", "RETURN_RECEIVED")]
            (row,) = await hub.views.deliveries(Filter(object="return", destination="netsuite"))
            assert "the warehouse has received 1 of 1 lines" in row.error
            assert returns_of(world, order) == [before]

    asyncio.run(story())


def test_control_without_a_look_at_what_was_received_it_is_closed_in_silence(
    returns: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control for C56: a connector that does not ask what came says done, and nobody hears that goods lie there."""
    monkeypatch.setattr(returning._Return, "received", property(lambda _: []))

    async def story() -> None:
        async with returns.play() as (world, hub, shop):
            order, _ = await in_the_warehouse(world, hub, shop)
            await shop.change(order, "cancel_return")
            await settled(hub, world)
            assert await erp_state(hub, "return") == [("done", "")]

    asyncio.run(story())


async def in_the_warehouse(world: TwinWorld, hub: Hub, shop: Shop) -> tuple[str, dict[str, Any]]:
    """A return that NetSuite has received and the shop has not looked at."""
    order = await shipped(world, hub, shop)
    await shop.change(order, "return", lines={"0": 1})
    await settled(hub, world)
    await received(hub, order, await returned(hub))
    (found,) = returns_of(world, order)
    assert found["status"]["refName"] == "Pending Refund"
    return order, found


def test_what_goes_out_instead_is_a_line_of_the_order(returns: Stage) -> None:
    """C42, C56: the exchange is no line of the return authorization; the sales order, which is not invoiced, gets it."""

    async def story() -> None:
        async with returns.play() as (world, hub, shop):
            order = await shop.place("tax_excluded")
            await until(lambda: written(world, order))
            await shop.change(order, "fulfil")
            await settled(hub, world)
            await shop.change(order, "return", lines={"0": 1}, exchange=[{"sku": DEARER}])
            await settled(hub, world)
            await shop.change(order, "process_return", refund=False)
            await settled(hub, world)
            (found,) = returns_of(world, order)
            assert len(found["item"]) == 1
            now, booked = json.loads(await shop.present(order)), sales_order(world, f"shopify-{order}")
            assert booked is not None and booked["total"] == Decimal(now["current_total_price"])
            assert any(row["item"].get("externalId") == DEARER for row in booked["item"])

    asyncio.run(story())


@pytest.mark.parametrize(
    ("scenario", "apart"), [("tax_included", "0"), ("multi_currency", "0"), ("discount_order", "0.01")]
)
def test_what_the_pieces_were_sold_for_is_without_tax_and_after_discounts(
    returns: Stage, scenario: str, apart: str
) -> None:
    """C28, C32: in both currencies, what is announced is what the same pieces are paid back with; of a discount over several
    pieces the shop rounds the share of one in two ways."""

    async def story() -> None:
        async with returns.play() as (world, hub, shop):
            order = await shipped(world, hub, shop, scenario)
            await shop.change(order, "return", lines={"0": 1})
            await settled(hub, world)
            source = hub.release.source("shopify")
            body = await source.read("return", await returned(hub), timeout_seconds=10)
            assert isinstance(body, bytes), body
            announced = hub.release.document("shopify", "return", body).value.lines[0].net
            await shop.change(order, "process_return")
            (told,) = json.loads(await shop.present(order))["refunds"]
            read = await source.read("refund", str(told["id"]), timeout_seconds=10)
            assert isinstance(read, bytes), read
            paid = hub.release.document("shopify", "refund", read).value.lines[0].net
            difference = announced - paid
            assert abs(difference.shop.amount) <= Decimal(apart) and abs(difference.presentment.amount) <= Decimal(
                apart
            )
            await settled(hub, world)

    asyncio.run(story())

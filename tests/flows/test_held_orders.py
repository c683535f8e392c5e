"""Orders that the shop holds back are not released to the warehouse: they wait, visibly, and go on by themselves (C36, C46)."""

import asyncio
import datetime as dt
import json

import books
import pytest
from shop import BIRTH, Shop, Stage, knock, said
from stack import until

from interlock.hub import Hub
from interlock.messaging.ledger import Filter

WMS, ERP = "flows/order-to-wms.toml", "flows/order-to-erp.toml"
DOES_NOT_WAIT = (WMS, 'waits_for = ["holds", "risk"]', "")
WAITS_FOR_TAXES = (ERP, 'object = "order.v1"', 'object = "order.v1"\nwaits_for = ["final_taxes"]')
RELEASED = "fulfillment_orders/hold_released"


async def tell(hub: Hub, shop: Shop, order: str) -> None:
    """The shop's webhook of the order as it is now."""
    assert await knock(hub, await shop.present(order), "orders/create") == 200


async def state(hub: Hub, order: str, destination: str) -> str:
    return next(iter(await said(hub, order, destination)), ("", ""))[0]


async def comes_to(hub: Hub, order: str, destination: str, wanted: str) -> str:
    """Wait for a state; the words that stand beside it."""

    async def there() -> bool:
        return await state(hub, order, destination) == wanted

    await until(there)
    return (await said(hub, order, destination))[0][1]


@pytest.mark.parametrize("reason", ["HIGH_RISK_OF_FRAUD", "AWAITING_PAYMENT"])
def test_an_order_on_hold_is_packed_when_the_hold_is_released(stage: Stage, reason: str) -> None:
    """C46: the warehouse waits and says why, the books do not; the shop's word of the release lets it go, no person does. The
    control is an order without a hold, which is packed meanwhile."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            assert RELEASED in {one.topic for one in hub.release.wanted_subscriptions()["shopify"]}
            await hub.release.source("shopify").subscribe([RELEASED], f"{hub.url}/intake/shopify")  # type: ignore[attr-defined]
            order, free = await shop.place_silently(), await shop.place_silently()
            await shop.change(order, "hold", reason=reason)
            await tell(hub, shop, order)
            await tell(hub, shop, free)
            assert reason in await comes_to(hub, order, "shipbob", "waiting")
            await comes_to(hub, order, "netsuite", "done")
            await comes_to(hub, free, "shipbob", "done")
            assert books.parcels(world, f"shopify-{order}") == []
            assert not await hub.views.dead_letters(Filter(object="order", key=order))
            await shop.change(order, "release")
            await comes_to(hub, order, "shipbob", "done")
            assert len(books.parcels(world, f"shopify-{order}")) == 1

    asyncio.run(story())


def test_advice_against_an_order_holds_it_until_a_person_has_looked(stage: Stage) -> None:
    """C46: what Shopify advises to investigate or to cancel waits; a tag lets it go. The control, without the key, packs it at once."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            order = await shop.place_silently()
            await shop.change(order, "risk", level="HIGH")
            await tell(hub, shop, order)
            assert "risk-reviewed" in await comes_to(hub, order, "shipbob", "waiting")
            await shop.change(order, "note", tag="risk-reviewed")
            await tell(hub, shop, order)
            await comes_to(hub, order, "shipbob", "done")
            assert len(books.parcels(world, f"shopify-{order}")) == 1

    asyncio.run(story())


def test_a_flow_that_does_not_wait_packs_what_is_on_hold(stage: Stage) -> None:
    """C46, the control: this is what everybody did who only read the webhook, which tells of no hold."""

    async def story() -> None:
        async with stage.play(DOES_NOT_WAIT) as (_world, hub, shop):
            order = await shop.place_silently()
            await shop.change(order, "hold", reason="HIGH_RISK_OF_FRAUD")
            body = await shop.present(order)
            assert "fulfillment_holds" not in json.loads(body)
            await knock(hub, body, "orders/create")
            await comes_to(hub, order, "shipbob", "done")

    asyncio.run(story())


def test_an_order_cancelled_on_hold_is_never_packed(stage: Stage) -> None:
    """C46, C44: a cancellation does not wait for a release that never comes."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            order = await shop.place_silently()
            await shop.change(order, "hold", reason="HIGH_RISK_OF_FRAUD")
            await tell(hub, shop, order)
            await comes_to(hub, order, "shipbob", "waiting")
            await shop.go_wrong("webhook_drop", *BIRTH, "orders/cancelled")
            await shop.change(order, "cancel")
            await tell(hub, shop, order)
            await comes_to(hub, order, "shipbob", "done")
            assert books.parcels(world, f"shopify-{order}") == []

    asyncio.run(story())


def test_estimated_taxes_are_booked_when_they_are_final(stage: Stage) -> None:
    """C36: the books wait for the final tax where the flow says so, the warehouse does not."""

    async def story() -> None:
        async with stage.play(WAITS_FOR_TAXES) as (world, hub, shop):
            order = await shop.place_silently("estimated_taxes")
            await tell(hub, shop, order)
            assert "final" in await comes_to(hub, order, "netsuite", "waiting")
            await comes_to(hub, order, "shipbob", "done")
            final = json.loads(await shop.present(order)) | {"estimated_taxes": False}
            final["updated_at"] = (dt.datetime.fromisoformat(final["updated_at"]) + dt.timedelta(minutes=1)).isoformat()
            body = json.dumps(final).encode()
            books.keep_in_shop(world, order, body)
            assert await knock(hub, body, "orders/updated") == 200
            await comes_to(hub, order, "netsuite", "done")
            assert books.sales_order(world, f"shopify-{order}") is not None

    asyncio.run(story())

"""Orders that change: every destination ends in the latest state, what was sold over the counter is not packed, cancelled is cancelled."""

import asyncio
import json
from decimal import Decimal

from books import events, parcels, rows_of, sales_order
from shop import Stage, effects_of, knock, routed, said, still
from stack import until

from interlock.cli.twin_world import TwinWorld
from interlock.hub import Hub
from interlock.messaging.ledger import Filter

WMS_CONDITION = """when = "order.source != 'pos' or order.shipping_address != null"\n"""


REFUSAL = {"o:errorDetails": [{"o:errorCode": "USER_ERROR", "detail": "Please enter a class"}]}


def live_parcels(world: TwinWorld, order: str) -> list[dict[str, int]]:
    """Units by SKU of each parcel that the warehouse is to send."""
    return [
        {line["reference_id"]: int(line["quantity"]) for line in parcel["products"]}
        for parcel in parcels(world, f"shopify-{order}")
        if parcel["status"] == "Processing"
    ]


def test_every_destination_ends_in_the_latest_state(stage: Stage) -> None:
    """Edited, noted, refunded in part, cancelled: after each change all three systems show the order as it then is."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            order = await shop.place("plain")
            await still(hub, world)
            before = sales_order(world, f"shopify-{order}")
            assert before is not None
            (packed,) = live_parcels(world, order)

            assert "orders/edited" in await shop.change(order, "edit", add=[{"sku": "TOTE-01", "quantity": 2}])
            await still(hub, world)
            edited = sales_order(world, f"shopify-{order}")
            assert edited is not None
            assert ("TOTE-01", Decimal(2)) in [(item, quantity) for item, quantity, _ in rows_of(edited)]
            assert edited["total"] > before["total"]
            (repacked,) = live_parcels(world, order)
            assert repacked["TOTE-01"] == packed.get("TOTE-01", 0) + 2

            await shop.change(order, "note", note="ring twice")
            await still(hub, world)
            noted = sales_order(world, f"shopify-{order}")
            assert noted is not None
            assert noted["memo"] == "ring twice"

            await shop.change(order, "cancel")
            await still(hub, world)
            closed = sales_order(world, f"shopify-{order}")
            assert closed is not None
            assert all(row["isClosed"] for row in closed["item"])
            assert live_parcels(world, order) == []
            assert {"Placed Order", "Cancelled Order"} <= events(world, order).keys()
            assert (await world.arrivals([order]))["duplicates"] == 0
            assert await hub.views.dead_letter_groups(Filter(), now_ms=hub.clock.now_ms()) == ()

    asyncio.run(story())


def test_edited_order_is_found_by_the_id_inside(stage: Stage) -> None:
    """C13: only orders/edited comes, which names the order in order_edit.order_id and does not contain it; it is read and written."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            order = await shop.place("plain")
            await still(hub, world)
            await shop.go_wrong("webhook_drop", "orders/updated")
            topics = await shop.change(order, "edit", add=[{"sku": "TOTE-01", "quantity": 3}])
            assert topics == ["orders/edited", "orders/updated"]
            await still(hub, world)
            found = sales_order(world, f"shopify-{order}")
            assert found is not None
            assert ("TOTE-01", Decimal(3)) in [(item, quantity) for item, quantity, _ in rows_of(found)]
            (packed,) = live_parcels(world, order)
            assert packed["TOTE-01"] >= 3

    asyncio.run(story())


def test_edited_order_control(stage: Stage) -> None:
    """C13, control: a strategy that does not listen to orders/edited leaves ERP and warehouse with the order as it was."""

    async def story() -> None:
        deaf = [(f"flows/order-to-{flow}.toml", '"orders/edited", ', "") for flow in ("erp", "wms")]
        async with stage.play(*deaf) as (world, hub, shop):
            order = await shop.place("plain")
            await still(hub, world)
            await shop.go_wrong("webhook_drop", "orders/updated")
            await shop.change(order, "edit", add=[{"sku": "TOTE-01", "quantity": 3}])
            await still(hub, world)
            assert effects_of(world, "netsuite", order).count("salesOrder.update") == 0

    asyncio.run(story())


def test_sold_over_the_counter_is_not_packed(stage: Stage) -> None:
    """The starter's warehouse flow takes no till order, and says why; ERP has it, on the guest account (C22)."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            order, online = await shop.place("pos"), await shop.place("plain")
            await still(hub, world)
            assert sales_order(world, f"shopify-{order}") is not None
            assert effects_of(world, "shipbob", order) == []
            ((state, words),) = await said(hub, order, "shipbob")
            assert (state, "condition does not hold" in words) == ("cancelled", True)
            assert effects_of(world, "shipbob", online) == ["order.create"]

    asyncio.run(story())


def test_sold_over_the_counter_control(stage: Stage) -> None:
    """Control: without the condition the till order is planned for the warehouse, and ends as somebody's work."""

    async def story() -> None:
        async with stage.play(("flows/order-to-wms.toml", WMS_CONDITION, "")) as (world, hub, shop):
            order = await shop.place("pos")
            await still(hub, world)
            ((state, words),) = await said(hub, order, "shipbob")
            assert state == "dead", words

    asyncio.run(story())


def test_sold_over_the_counter_to_be_sent_is_packed(stage: Stage) -> None:
    """A till order with an address to send to is the warehouse's after all."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            order = await shop.place_silently()
            body = json.dumps(json.loads(await shop.present(order)) | {"source_name": "pos"}).encode()
            assert await knock(hub, body, "orders/create") == 200
            await still(hub, world)
            assert effects_of(world, "shipbob", order) == ["order.create"]

    asyncio.run(story())


def test_cancelled_before_anything_was_written(stage: Stage) -> None:
    """C43: ERP and warehouse are down from the order to its cancellation; afterwards neither has ever heard of it."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            for system in ("netsuite", "shipbob"):
                await world.break_system(system, "429")
            order = await shop.place("plain")
            await until(lambda: in_states(hub, order, 2, "retrying"))
            await shop.change(order, "cancel")
            await until(lambda: routed(hub, world))
            for system in ("netsuite", "shipbob"):
                await world.repair_system(system)
            await still(hub, world)
            assert effects_of(world, "netsuite", order) == effects_of(world, "shipbob", order) == []
            assert {words for _, words in await said(hub, order, "netsuite")} == {"cancelled before it was created"}

    asyncio.run(story())


def test_cancelled_after_it_was_written(stage: Stage) -> None:
    """C43: the ERP's order is closed and the parcel stopped, once; replayed, nothing happens again."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            order = await shop.place("plain")
            await still(hub, world)
            await shop.change(order, "cancel")
            await still(hub, world)
            closed = sales_order(world, f"shopify-{order}")
            assert closed is not None
            assert all(row["isClosed"] for row in closed["item"])
            assert effects_of(world, "shipbob", order) == ["order.create", "order.cancel"]
            before = [effects_of(world, vendor, order) for vendor in ("netsuite", "shipbob", "klaviyo")]
            await hub.operator.replay(Filter(key=order), by="test", why="again", version="same")
            await still(hub, world)
            assert [effects_of(world, vendor, order) for vendor in ("netsuite", "shipbob", "klaviyo")] == before

    asyncio.run(story())


def test_cancelled_control(stage: Stage) -> None:
    """C43, control: when nobody tells of the cancellation, the checks above see an open sales order and a live parcel."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            order = await shop.place("plain")
            await still(hub, world)
            await shop.go_wrong("webhook_drop", "orders/cancelled", "orders/updated", "refunds/create")
            await shop.change(order, "cancel")
            await still(hub, world)
            found = sales_order(world, f"shopify-{order}")
            assert found is not None
            assert not any(row.get("isClosed") for row in found["item"])
            assert len(live_parcels(world, order)) == 1

    asyncio.run(story())


def test_cancelled_after_the_invoice(stage: Stage) -> None:
    """C43: finance has billed it; the order is not closed under the invoice, finance gets an issue that says what to do instead."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            order = await shop.place("plain")
            await still(hub, world)
            await bill(hub, order)
            before = effects_of(world, "netsuite", order)
            await shop.change(order, "cancel")
            await still(hub, world)
            (group,) = await hub.views.dead_letter_groups(Filter(), now_ms=hub.clock.now_ms())
            assert (group.destination, group.code, group.owner) == ("netsuite", "ALREADY_BILLED", "finance-systems")
            assert "credit memo" in group.error
            assert effects_of(world, "netsuite", order) == before
            assert effects_of(world, "shipbob", order) == ["order.create", "order.cancel"]

    asyncio.run(story())


def test_cancelled_after_the_parcel_left(stage: Stage) -> None:
    """C43: the shop does not know yet that the parcel left; the warehouse's refusal becomes one issue with its owner and next move."""

    async def story() -> None:
        async with stage.play() as (world, hub, shop):
            order = await shop.place("plain")
            await still(hub, world)
            await world._control("shipbob", "POST", f"orders/shopify-{order}/fulfill", {})
            await shop.change(order, "cancel")
            await still(hub, world)
            (group,) = await hub.views.dead_letter_groups(Filter(), now_ms=hub.clock.now_ms())
            assert (group.destination, group.reason, group.owner, group.count) == (
                "shipbob",
                "conflict",
                "warehouse",
                1,
            )
            assert "treat it as a return" in group.error
            assert "order.cancel" not in effects_of(world, "shipbob", order)
            assert all(row["isClosed"] for row in (sales_order(world, f"shopify-{order}") or {})["item"])

    asyncio.run(story())


async def refused_then_cancelled(stage: Stage, *, told: bool) -> tuple[list[str], list[str]]:
    """An order that ERP and warehouse refused, cancelled while it is a dead letter, then replayed; what both really did."""
    async with stage.play() as (world, hub, shop):
        for system in ("netsuite", "shipbob"):
            rule = {"kind": "status", "status": 400, "match": {"path": "rder"}, "body": REFUSAL}
            await world._control(system, "POST", "faults", rule)
        order = await shop.place_silently()
        await knock(hub, await shop.present(order), "orders/create")
        await until(lambda: in_states(hub, order, 2, "dead"))
        if not told:
            await shop.go_wrong("webhook_drop", "orders/cancelled", "orders/updated", "refunds/create")
        await shop.change(order, "cancel")
        await still(hub, world)
        for system in ("netsuite", "shipbob"):
            await world.repair_system(system)
        await hub.operator.replay(Filter(key=order), by="test", why="they take orders again", version="same")
        await still(hub, world)
        return effects_of(world, "netsuite", order), effects_of(world, "shipbob", order)


def test_replay_of_a_dead_create_after_the_cancellation(stage: Stage) -> None:
    """C44: the order was cancelled while its create lay in the dead letters; replaying them makes no live order anywhere."""
    assert asyncio.run(refused_then_cancelled(stage, told=True)) == ([], [])


def test_replay_of_a_dead_create_control(stage: Stage) -> None:
    """C44, control: a hub that was never told of the cancellation replays what it has, and the check sees the live orders."""
    erp, wms = asyncio.run(refused_then_cancelled(stage, told=False))
    assert ("salesOrder.create" in erp, "order.create" in wms) == (True, True)


async def in_states(hub: Hub, order: str, count: int, state: str) -> bool:
    return (await hub.views.states(Filter(key=order, object="order"))).get(state) == count


async def bill(hub: Hub, order: str) -> None:
    """Finance turns the sales order into an invoice, by hand in NetSuite."""
    client = hub.release.destination("netsuite", "shopify")
    path = f"/salesOrder/eid:shopify-{order}/!transform/invoice"
    answer = await client.call("POST", path, b"{}", 10.0)  # type: ignore[attr-defined]
    assert answer.status == 204, answer.body

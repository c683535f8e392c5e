"""Shopify Flow: a merchant's workflow sends an order to the ERP by an action of ours, once for each run."""

import asyncio
from typing import Any

from books import effects, sales_order
from shop import Shop, Stage, still
from stack import until

TRIGGER = """trigger = [
  "orders/create", "orders/updated", "orders/edited", "orders/paid", "orders/cancelled", "orders/fulfilled", "refunds/create",
]"""
BY_WORKFLOW = ("flows/order-to-erp.toml", TRIGGER, 'trigger = ["flow/send-to-erp"]')


async def run(shop: Shop, hub: Any, order: str, run_id: str) -> dict[str, Any]:
    """A workflow runs the action; the run with the answers that it got, once one came."""
    asked = {
        "address": f"{hub.url}/intake/shopify",
        "handle": "send-to-erp",
        "properties": {"order_id": order},
        "action_run_id": run_id,
    }
    number = (await shop.command("POST", "flow_actions", asked))["flow_action"]["id"]
    found: list[dict[str, Any]] = []

    async def answered() -> bool:
        rows = (await shop.command("GET", "flow_actions"))["flow_actions"]
        found[:] = [row for row in rows if row["id"] == number and row["attempts"]]
        return bool(found)

    await until(answered)
    return found[0]


def test_an_action_of_a_workflow_moves_its_order_once(stage: Stage) -> None:
    """Placing an order alone moves nothing here; the action does, and the same run sent again does nothing more (F78).

    The control: without the action the order is not at the ERP when all is quiet.
    """

    async def story() -> None:
        async with stage.play(BY_WORKFLOW) as (world, hub, shop):
            order = await shop.place()
            await still(hub, world)
            assert sales_order(world, f"shopify-{order}") is None
            for _ in range(2):
                done = await run(shop, hub, order, "run-1")
                assert [each["status"] for each in done["attempts"]] == [200]
            await still(hub, world)
            assert sales_order(world, f"shopify-{order}") is not None
            assert len(effects(world, "netsuite", f"shopify-{order}")) == 1
            assert hub.intake.duplicates >= 1

    asyncio.run(story())


OWN_SOURCE = (
    (
        "flows/order-to-marketing.toml",
        'trigger = ["orders/create", "orders/fulfilled", "orders/cancelled", "refunds/create", "fulfillments/create"]',
        'trigger = ["orders/create", "orders/cancelled"]',
    ),
    ("flows/order-to-marketing.toml", 'destinations = ["klaviyo"]', 'destinations = ["shopify"]'),
    (
        "systems/shopify.toml",
        '[settings]\napi_version = "2026-07"',
        '[settings]\napi_version = "2026-07"\nflow_trigger_handles = { order = "order-news", "orders/cancelled" = "order-gone" }',
    ),
)


async def triggers(shop: Shop, order: str) -> list[str]:
    """The handles that workflows were started by for an order, in order; the id is a number, exact."""
    rows = (await shop.command("GET", "flow_triggers"))["flow_triggers"]
    return [row["handle"] for row in rows if row["payload"] == {"order_id": int(order)}]


def test_a_fact_starts_the_workflows_of_its_trigger_once(stage: Stage) -> None:
    """News of an order go back to its own store as a trigger: once for each fact, however often the fact is told (F78).

    A workflow that changes the order tells of the change; that starts nothing, so it ends. The control is the cancellation, which
    is a fact of its own and does start something.
    """

    async def story() -> None:
        async with stage.play(*OWN_SOURCE) as (world, hub, shop):
            await shop.go_wrong("webhook_duplicate", "orders/create")
            order = await shop.place()
            await still(hub, world)
            assert await triggers(shop, order) == ["order-news"]
            await shop.change(order, "note", note="what a workflow wrote")
            await still(hub, world)
            assert await triggers(shop, order) == ["order-news"]
            await shop.change(order, "cancel")
            await still(hub, world)
            assert await triggers(shop, order) == ["order-news", "order-gone"]

    asyncio.run(story())

"""Refunds and returns to the ERP: the flows that a folder needs for them, what finance does before them, and what is there afterwards."""

import json
import time
from pathlib import Path

from books import Record, choose, records, sales_order
from shop import routed
from stack import until

from interlock.cli.twin_world import TwinWorld
from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.messaging.views import DeliveryRow

SETTLED = {"done", "waiting", "dead", "superseded", "cancelled"}
FLOW = "flows/refund-to-erp.toml"
LONG_AGO = json.dumps({"createdDate": "2020-01-01T00:00:00Z"}).encode()


def add_refund_flow(folder: Path) -> None:
    """A flow of refunds beside that of orders, and the item that their adjustments are booked to."""
    text = (folder / "flows/order-to-erp.toml").read_text("utf-8")
    start, end = text.index("trigger = ["), text.index("]\n") + 2
    text = text[:start] + 'trigger = ["refunds/create"]\n' + text[end:]
    text = text.replace('object = "order.v1"', 'object = "refund.v1"')
    (folder / FLOW).write_text(text.replace("Orders to the ERP", "Refunds to the ERP"), "utf-8")
    if "refund_adjustment_item" not in (folder / "systems/netsuite.toml").read_text("utf-8"):
        choose(folder, ("systems/netsuite.toml", "[settings]", '[settings]\nrefund_adjustment_item = "5"'))


RETURN_FLOW = "flows/return-to-erp.toml"
RETURN_TOPICS = ("request", "approve", "decline", "update", "process", "cancel", "close", "reopen")


def add_return_flow(folder: Path) -> None:
    """A flow of returns beside that of orders."""
    text = (folder / "flows/order-to-erp.toml").read_text("utf-8")
    start, end = text.index("trigger = ["), text.index("]\n") + 2
    topics = ", ".join(f'"returns/{name}"' for name in RETURN_TOPICS)
    text = text[:start] + f"trigger = [{topics}]\n" + text[end:]
    text = text.replace('object = "order.v1"', 'object = "return.v1"')
    (folder / RETURN_FLOW).write_text(text.replace("Orders to the ERP", "Returns to the ERP"), "utf-8")
    choose(folder, ("systems/shopify.toml", '"order", "customer", "refund"]', '"order", "customer", "refund", "return"]'))


async def bill(hub: Hub, order: str) -> None:
    """Finance turns the sales order into an invoice; it is dated before any refund."""
    netsuite = hub.release.destination("netsuite", "shopify")
    path = f"/salesOrder/eid:shopify-{order}/!transform/invoice"
    answer = await netsuite.call("POST", path, LONG_AGO, 10.0)  # type: ignore[attr-defined]
    assert answer.status == 204, answer.body


async def written(world: TwinWorld, order: str) -> bool:
    """The order is at NetSuite."""
    return sales_order(world, f"shopify-{order}") is not None


async def settled(hub: Hub, world: TwinWorld) -> None:
    """All webhooks are in, and each delivery has ended or waits for something that it names and that has not come yet."""

    async def at_rest() -> bool:
        if not await routed(hub, world):
            return False
        rows = await hub.views.deliveries(Filter())
        return all(row.state in SETTLED and (row.state != "waiting" or waits(row)) for row in rows)

    def waits(row: DeliveryRow) -> bool:
        return bool(row.waiting_for) and row.due_ms > time.time() * 1000  # what was woken is due

    await until(at_rest)


def credits_of(world: TwinWorld, order: str) -> list[Record]:
    return [
        row for row in records(world, "netsuite", "creditMemo") if row["externalId"].startswith(f"shopify-{order}-")
    ]


def payouts_of(world: TwinWorld, order: str) -> list[Record]:
    rows = records(world, "netsuite", "customerRefund")
    return [row for row in rows if row["externalId"].startswith(f"shopify-{order}-")]


def returns_of(world: TwinWorld, order: str) -> list[Record]:
    rows = records(world, "netsuite", "returnAuthorization")
    return [row for row in rows if row["externalId"].startswith(f"shopify-{order}-")]


async def erp_state(hub: Hub, kind: str, key: str = "") -> list[tuple[str, str]]:
    which = Filter(object=kind, destination="netsuite", key=key) if key else Filter(object=kind, destination="netsuite")
    return [(row.state, row.code) for row in await hub.views.deliveries(which)]

"""Refunds to the ERP: the flow that a folder needs for them, and what finance does before them."""

import json
from pathlib import Path

from books import choose

from interlock.hub import Hub

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


async def bill(hub: Hub, order: str) -> None:
    """Finance turns the sales order into an invoice; it is dated before any refund."""
    netsuite = hub.release.destination("netsuite", "shopify")
    path = f"/salesOrder/eid:shopify-{order}/!transform/invoice"
    answer = await netsuite.call("POST", path, LONG_AGO, 10.0)  # type: ignore[attr-defined]
    assert answer.status == 204, answer.body

"""Opens an order for a change and closes it again: a copy, new ids, its sums, its statuses, its time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from interlock.twins.shopify.indexes import IDS_PER_ORDER
from interlock.twins.shopify.json_copy import copied
from interlock.twins.shopify.money import Currencies, currencies_of
from interlock.twins.shopify.orders import timestamp
from interlock.twins.shopify.totals import net_received, settle

Order = dict[str, Any]


class ChangeRefused(ValueError):  # noqa: N818 - reads as what happened
    """Shopify would answer 422: this order cannot be changed like that. The text says why."""


def refuse_if(refused: bool, why: str) -> None:
    if refused:
        raise ChangeRefused(why)


def checked(order: Order, wanted: Mapping[int, int], limit: str) -> dict[int, int]:
    """The units per line, refused when a line is unknown or has fewer."""
    lines = {line["id"]: line for line in order["line_items"]}
    for line_id, units in wanted.items():
        refuse_if(line_id not in lines, f"Line item {line_id} is not on the order")
        left = lines[line_id][limit]
        refuse_if(not 0 <= units <= left, f"Quantity {units} of line item {line_id} is not between 0 and {left}")
    return {line_id: units for line_id, units in wanted.items() if units}


def opened(order: Order) -> tuple[Order, Currencies, Callable[[], int]]:
    """A copy to write on, its currencies, and new ids above all those it holds."""
    order = copied(order)
    last: int = max(_ids(order, order["id"]))
    last += (order["id"] - last) % 7  # the ids between two of these are the book's

    def new_id() -> int:
        nonlocal last
        last += 7
        return last

    return order, currencies_of(order), new_id


def touch(order: Order, at: datetime) -> None:
    """Move updated_at, in whole seconds, never back (a twin's clock may step)."""
    if datetime.fromisoformat(order["updated_at"]) < at:
        order["updated_at"] = timestamp(at)


def close(order: Order, money: Currencies, received: Decimal, at: datetime) -> None:
    """Write every sum and status after a change; `received` is what the shop keeps of the payments, in shop money."""
    settle(order, money, received)
    order["financial_status"] = _financial_status(order)
    settle_fulfilment(order)
    touch(order, at)


def settle_fulfilment(order: Order) -> None:
    """Write the fulfilment statuses of lines and order from what was shipped and what is still to ship."""
    shipped = {line["id"]: 0 for line in order["line_items"]}
    for parcel in order["fulfillments"]:
        for row in parcel["line_items"] if parcel["status"] == "success" else ():
            shipped[row["id"]] = shipped.get(row["id"], 0) + row["quantity"]
    for line in order["line_items"]:
        if shipped[line["id"]]:
            line["fulfillment_status"] = "partial" if line["fulfillable_quantity"] else "fulfilled"
        else:
            line["fulfillment_status"] = None
    rest = any(line["fulfillable_quantity"] for line in order["line_items"])
    if any(shipped.values()):
        order["fulfillment_status"] = "partial" if rest else "fulfilled"
    elif order["fulfillment_status"] != "restocked":
        order["fulfillment_status"] = None


def paid_back(order: Order) -> bool:
    """Whether any money went back."""
    return any(one["status"] == "success" for record in order["refunds"] for one in record["transactions"])


def _financial_status(order: Order) -> str:
    received, outstanding = net_received(order), Decimal(order["total_outstanding"])
    if paid_back(order):
        return "refunded" if received <= 0 else "partially_refunded"
    if received <= 0 < outstanding:
        return order["financial_status"] if order["financial_status"] in {"authorized", "voided"} else "pending"
    return "partially_paid" if outstanding > 0 else "paid"


def _ids(value: Any, order_id: int) -> list[int]:
    """Every id in the order's own range (products and shops have other ranges)."""
    found = []
    if isinstance(value, dict):
        own = isinstance(value.get("id"), int) and 0 <= value["id"] - order_id < IDS_PER_ORDER
        found = [value["id"]] if own else []
        found += [one for part in value.values() if isinstance(part, dict | list) for one in _ids(part, order_id)]
    elif isinstance(value, list):
        found = [one for part in value for one in _ids(part, order_id)]
    return found

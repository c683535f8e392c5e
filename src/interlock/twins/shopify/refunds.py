"""Refund records in REST shape: what went back, line by line, and what was paid back for it.

Shapes follow the published refunds/create sample (2026-07). Shipping is refunded through refund_shipping_lines (since
2024-10); order_adjustments only hold what was paid back beyond the calculated amount (changelog "Exposing the order
adjustments connection on a Refund").
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from interlock.twins.shopify.json_copy import copied
from interlock.twins.shopify.money import Bag, Currencies, read_set, total
from interlock.twins.shopify.orders import gid
from interlock.twins.shopify.totals import current_duties, current_net, current_shipping_tax, current_tax

Order = dict[str, Any]
NewId = Callable[[], int]
ONLY_ON_ORDERS = {"attributed_staffs", "current_quantity", "sales_line_item_group_id"}


def line_snapshot(line: dict[str, Any]) -> dict[str, Any]:
    """A line as refunds and fulfillments repeat it: without the fields that only orders carry."""
    return {key: copied(value) for key, value in line.items() if key not in ONLY_ON_ORDERS}


def take_off(
    order: Order, taken: dict[int, int], money: Currencies, restock: str | Mapping[int, str], new_id: NewId
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Lower current quantities in place; returns (refund_line_items, duties) for what was taken off."""
    rows, duties = [], []
    for line in order["line_items"]:
        quantity = taken.get(line["id"], 0)
        if quantity:
            before = current_net(line, money), current_tax(line, money), current_duties(line, money)
            how = restock if isinstance(restock, str) else restock[line["id"]]
            line["current_quantity"] -= quantity
            waiting = line["fulfillable_quantity"] - (quantity if how == "cancel" else 0)
            line["fulfillable_quantity"] = max(0, min(waiting, line["current_quantity"]))
            net, tax = before[0] - current_net(line, money), before[1] - current_tax(line, money)
            rows.append(_refund_line_item(line, quantity, net, tax, money, how, new_id()))
            duties += _refunded_duties(line, before[2], money)
    return rows, duties


def take_goods_off(
    record: dict[str, Any],
    order: Order,
    taken: dict[int, int],
    money: Currencies,
    restock: str | Mapping[int, str],
    new_id: NewId,
) -> None:
    """The same, written into a refund's record with the sum of the duties that go back."""
    rows, duties = take_off(order, taken, money, restock, new_id)
    back = total(read_set(row["amount_set"]) for row in duties)
    record |= {"refund_line_items": rows, "duties": duties, "total_duties_set": money.as_set(back)}


def _refund_line_item(
    line: dict[str, Any], quantity: int, net: Bag, tax: Bag, money: Currencies, restock: str, row_id: int
) -> dict[str, Any]:
    return {
        "id": row_id,
        "quantity": quantity,
        "line_item_id": line["id"],
        "location_id": None,
        "restock_type": restock,
        "subtotal": float(net.shop),  # REST writes these two as JSON numbers
        "total_tax": float(tax.shop),
        "subtotal_set": money.as_set(net),
        "total_tax_set": money.as_set(tax),
        "line_item": line_snapshot(line),
    }


def _refunded_duties(line: dict[str, Any], before: list[Bag], money: Currencies) -> list[dict[str, Any]]:
    """Each duty of the line goes back with its own amount; `before` is what was owed of each."""
    owed = zip(line["duties"], before, current_duties(line, money), strict=True)
    return [{"duty_id": duty["id"], "amount_set": money.as_set(was - now)} for duty, was, now in owed]


def take_off_shipping(order: Order, money: Currencies, new_id: NewId, part: Bag | None = None) -> list[dict[str, Any]]:
    """Refund what is left of every shipping price, or `part` of it, in place; returns the refund_shipping_lines."""
    rows = []
    for line in order["shipping_lines"]:
        left = read_set(line["current_discounted_price_set"])
        gone = left if part is None else Bag(min(left.shop, part.shop), min(left.presentment, part.presentment))
        if gone:
            before = current_shipping_tax(order, money)
            line["current_discounted_price_set"] = money.as_set(left - gone)
            tax = before - current_shipping_tax(order, money)
            amounts = {"subtotal_amount_set": money.as_set(gone), "tax_amount_set": money.as_set(tax)}
            rows.append({"id": new_id(), "shipping_line": copy.deepcopy(line), **amounts})
            part = None if part is None else part - gone
    return rows


def take_off_extras(order: Order, money: Currencies, refund_id: int, new_id: NewId) -> list[dict[str, Any]]:
    """Refund fees and tip of a whole order; the tip has no field of its own, so it is an order adjustment."""
    if order["current_total_additional_fees_set"] is not None:
        order["current_total_additional_fees_set"] = money.as_set(Bag())
    earlier = [row for refund in order["refunds"] for row in refund["order_adjustments"]]
    tip = Decimal(order["total_tip_received"])
    if not tip or total(read_set(row["amount_set"]) for row in earlier):
        return []
    return [discrepancy(order, refund_id, Bag(-tip, -tip), money, new_id())]


def discrepancy(order: Order, refund_id: int, amount: Bag, money: Currencies, number: int) -> dict[str, Any]:
    """The order adjustment of what was paid back beyond the calculated amount (negative) or below it."""
    return {
        "id": number,
        "order_id": order["id"],
        "refund_id": refund_id,
        "amount": money.text(amount.shop),
        "tax_amount": money.text(Decimal(0)),
        "kind": "refund_discrepancy",
        "reason": "Refund discrepancy",
        "amount_set": money.as_set(amount),
        "tax_amount_set": money.as_set(Bag()),
    }


def transaction(
    order: Order, paid_back: Bag, money: Currencies, at: str, number: int, *, status: str = "success"
) -> dict[str, Any]:
    """The money going back; `amount` is in the currency that the customer paid in."""
    return {
        "id": number,
        "order_id": order["id"],
        "kind": "refund",
        "gateway": order["payment_gateway_names"][-1] if order["payment_gateway_names"] else "manual",
        "status": status,
        "message": None,
        "created_at": at,
        "test": order["test"],
        "authorization": None,
        "location_id": order["location_id"],
        "user_id": None,
        "parent_id": None,
        "processed_at": at,
        "device_id": None,
        "error_code": None,
        "source_name": order["source_name"],
        "receipt": {},
        "amount": money.as_set(paid_back)["presentment_money"]["amount"],
        "currency": money.presentment,
        "payment_id": f"{order['name']}.{len(order['refunds']) + 1}",
        "total_unsettled_set": {
            "presentment_money": {"amount": "0.0", "currency": money.presentment},
            "shop_money": {"amount": "0.0", "currency": money.shop},
        },
        "manual_payment_gateway": False,
        "amount_rounding": None,
        "admin_graphql_api_id": gid("OrderTransaction", number),
    }


def refund_record(order: Order, refund_id: int, at: str, note: str | None, money: Currencies) -> dict[str, Any]:
    """A refund with nothing in it yet."""
    return {
        "id": refund_id,
        "order_id": order["id"],
        "created_at": at,
        "note": note,
        "user_id": None,
        "processed_at": at,
        "duties": [],
        "total_duties_set": money.as_set(Bag()),
        "return": None,
        "refund_shipping_lines": [],
        "restock": False,
        "admin_graphql_api_id": gid("Refund", refund_id),
        "order_adjustments": [],
        "refund_line_items": [],
        "transactions": [],
    }

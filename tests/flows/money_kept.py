"""A money case as an order that the twin's shop keeps: the body of the webhook, and around it what GraphQL shows besides."""

import json
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from money_cases import Case, Writer, pair

from interlock.twins.shopify.companies import payment_terms
from interlock.twins.shopify.orders import make_order, timestamp

SAMPLE = make_order(random.Random("kept"), 1, "plain")
"""A whole order of the twin: each member that a case says nothing of."""
APPLICATION = {
    "type": "manual", "value": "0.0", "value_type": "fixed_amount", "target_type": "line_item", "target_selection": "all",
    "allocation_method": "across", "title": "Discount", "description": "Discount",
}  # fmt: skip
DUTY = {"id": "1", "harmonized_system_code": "6110.11", "country_code_of_origin": "CN", "tax_lines": []}
PAYMENT = {
    "test": False,
    "error_code": None,
    "payment_id": None,
    "manual_payment_gateway": False,
    "amount_rounding": None,
}
NET_30 = payment_terms(1, 4, ("Order", 1), "0.00", "USD", datetime.now(UTC), None)
REFUND_AFTER = 10
"""From an order's id to that of its refund; what an order has lies in the range of ids that begins with its own."""
Order = dict[str, Any]


def numbered(case: Case, number: int) -> Order:
    """The case as an order of its own."""
    named = {"id": number, "name": f"#{number}", "admin_graphql_api_id": f"gid://shopify/Order/{number}"}
    return json.loads(Writer(case).order()) | named  # type: ignore[no-any-return]


def kept(case: Case, number: int) -> Order:
    """The same as a shop has it; nobody's, and of today, as an app sees the orders of 60 days only (F28)."""
    order = SAMPLE | numbered(case, number)
    order |= dict.fromkeys(("created_at", "processed_at", "updated_at"), timestamp(datetime.now(UTC)))
    order |= {"customer": None, "discount_applications": [APPLICATION]}
    order["tax_lines"] = [_priced(row) for row in order["tax_lines"]]
    order["line_items"] = [_line(row) for row in order["line_items"]]
    order["shipping_lines"] = [_discounted(SAMPLE["shipping_lines"][0] | row) for row in order["shipping_lines"]]
    order["payment_terms"] = _agreed(order["payment_terms"])
    tips = [row for row in order["line_items"] if row["title"] == "Tip"]
    if tips:
        received = (Decimal(row["price_set"]["shop_money"]["amount"]) * row["quantity"] for row in tips)
        order["total_tip_received"] = str(sum(received, Decimal(0)))
    return order


def sold_before(case: Case) -> Case:
    """An order that is worth a hundred times the refund of a case, in the same ratio of its two currencies."""
    told = case["refund"]
    parts = [row["subtotal"] for row in (*told.get("lines", ()), *told.get("shipping", ()))]
    parts += [row["amount"] if isinstance(row, dict) else row for row in told.get("payments", ())]
    price = " / ".join(str(abs(amount) * 100) for amount in pair(max(parts, key=lambda text: pair(text)[0])))
    codes = {name: case[name] for name in ("currency", "presentment") if name in case}
    return {
        "lines": [{"price": price}],
        "says": {"subtotal": price, "total": price},
        "included": told["included"],
        **codes,
    }


def refunded(case: Case, number: int) -> Order:
    """That order as the shop keeps it after the refund of a case; parts have ids of their own."""
    order, refund = kept(sold_before(case), number), json.loads(Writer(case).refund())
    refund |= {"id": number + REFUND_AFTER, "admin_graphql_api_id": f"gid://shopify/Refund/{number + REFUND_AFTER}"}
    refund |= {"order_id": number, "restock": False, "user_id": None}
    for row in refund["refund_line_items"]:
        row["line_item"] = order["line_items"][0] | row["line_item"]
    for row in refund["refund_shipping_lines"]:
        row["shipping_line"] = SAMPLE["shipping_lines"][0]
    refund["duties"] = [{"duty_id": "1", "amount_set": refund["total_duties_set"]}]
    for at, row in enumerate(refund["transactions"], 1):
        now = dict.fromkeys(("created_at", "processed_at"), order["created_at"])
        row |= (
            PAYMENT
            | now
            | {"id": number + REFUND_AFTER + at, "order_id": number, "currency": order["presentment_currency"]}
        )
        row["admin_graphql_api_id"] = f"gid://shopify/OrderTransaction/{row['id']}"
    return order | {"refunds": [refund]}


def _line(row: Order) -> Order:
    """GraphQL marks no tip: there it is a line named Tip, of no product (C34)."""
    line = _discounted(SAMPLE["line_items"][0] | row) | {"admin_graphql_api_id": f"gid://shopify/LineItem/{row['id']}"}
    line["duties"] = [DUTY | {"admin_graphql_api_id": "gid://shopify/Duty/1"} | one for one in row["duties"]]
    if row["tip"]:
        line |= {"title": "Tip", "product_id": None, "variant_id": None}
    return line


def _agreed(terms: Order | None) -> Order | None:
    """The terms of a case with what else a shop has of them."""
    if terms is None:
        return None
    schedules = [NET_30["payment_schedules"][0] | one for one in terms["payment_schedules"]]
    return NET_30 | terms | {"payment_schedules": schedules}


def _discounted(row: Order) -> Order:
    allocations = [one | {"discount_application_index": 0} for one in row["discount_allocations"]]
    return row | {"discount_allocations": allocations, "tax_lines": [_priced(one) for one in row["tax_lines"]]}


def _priced(tax: Order) -> Order:
    return tax | {"price": tax["price_set"]["shop_money"]["amount"]}

"""A return that was read, in small letters and numbers as the bodies of returns/* are, with the lines that these leave out.

A return does not say when it changed: `updated_at` is that of its order, which a return changes (F56). What pieces were
sold for is after discounts, with the tax where the prices of the order contain it; `net_set` is without.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from interlock.canonical.money import quantum
from interlock.connectors.shopify.shape import Node, identity, money_set, number, number_of, optional_set, word

SIDES = ("shopMoney", "presentmentMoney")


def return_body(node: Node, order: Node) -> dict[str, Any]:
    """`order` is the return's own: id, name, updatedAt, taxesIncluded."""
    decline = node["decline"]
    return {
        **identity(node),
        "name": node["name"],
        "status": word(node["status"]),
        "order_id": number(order["id"]),
        "order_name": order["name"],
        "created_at": node["createdAt"],
        "updated_at": order["updatedAt"],
        "closed_at": node["closedAt"],
        "decline": None if decline is None else {"reason": word(decline["reason"]), "note": decline["note"]},
        "return_line_items": [_line(one, order) for one in node["returnLineItems"]["nodes"]],
        "exchange_line_items": [_exchange(one) for one in node["exchangeLineItems"]["nodes"]],
    }


def _line(node: Node, order: Node) -> dict[str, Any]:
    """Pieces that nobody can tell the order line of have no fulfilment line: their item and price are unknown."""
    sent = node.get("fulfillmentLineItem")
    line = None if sent is None else sent["lineItem"]
    reason, fee = node["returnReasonDefinition"], node.get("restockingFee")
    return {
        **identity(node),
        "line_item_id": number_of(line),
        "sku": None if line is None else line["sku"],
        "title": None if line is None else line["title"],
        "quantity": node["quantity"],
        "processed_quantity": node["processedQuantity"],
        "refunded_quantity": node["refundedQuantity"],
        "return_reason": "unknown" if reason is None else reason["handle"],
        "return_reason_note": node["returnReasonNote"] or None,
        "customer_note": node["customerNote"] or None,
        "net_set": None if line is None else _net(node, line, included=order["taxesIncluded"]),
        "restocking_fee_set": None if fee is None else optional_set(fee["amountSet"]),
    }


def _net(node: Node, line: Node, *, included: bool) -> dict[str, Any]:
    """What the pieces were sold for without tax; the tax of the line in proportion to the pieces."""
    sold = node["withCodeDiscountedTotalPriceSet"]
    if not included:
        return money_set(sold)
    taxes = [row["priceSet"] for row in line["taxLines"]]
    return money_set({side: _without(sold[side], (row[side] for row in taxes), node, line) for side in SIDES})


def _without(sold: Node, taxes: Iterable[Node], node: Node, line: Node) -> dict[str, Any]:
    code = sold["currencyCode"]
    tax = sum((Decimal(row["amount"]) for row in taxes), Decimal(0)) * node["quantity"] / line["quantity"]
    net = Decimal(sold["amount"]) - tax.quantize(quantum(code), ROUND_HALF_UP)
    return {"amount": net, "currencyCode": code}


def _exchange(node: Node) -> dict[str, Any]:
    """The line on the order exists when the exchange was processed; before that there is the variant alone."""
    lines = node["lineItems"] or ()
    return {
        **identity(node),
        "variant_id": number(node["variantId"]),
        "sku": next((one["sku"] for one in lines), None),
        "quantity": node["quantity"],
        "line_item_ids": [number(one["id"]) for one in lines],
    }

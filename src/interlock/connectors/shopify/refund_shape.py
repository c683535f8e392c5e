"""A refund that was read, as the body of refunds/create; it tells more: taxes_included, order_name, both currencies."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from interlock.connectors.shopify.shape import Node, amount, identity, money_set, number, number_of, price, word

REST_KIND = "refund_discrepancy"
"""The one kind of adjustment that is left: shipping comes back through refund_shipping_lines since 2024-10
(shopify.dev/changelog, "Exposing the order adjustments connection on a Refund")."""

KEPT = frozenset({"NO_RESTOCK", None})


def refund_body(node: Node, order: Node) -> dict[str, Any]:
    """`order` is the refund's own: id, name, taxesIncluded, both currencies. A line's sums are numbers."""
    return {
        **identity(node),
        "order_id": number(order["id"]),
        "order_name": order["name"],
        "taxes_included": order["taxesIncluded"],
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "processed_at": node["processedAt"],
        "note": node["note"],
        "return": None if node.get("return") is None else identity(node["return"]),
        "total_refunded_set": money_set(node["totalRefundedSet"]),
        "restock": any(one["restockType"] not in KEPT for one in node["refundLineItems"]["nodes"]),
        "total_duties_set": _duties(node["duties"] or (), order),
        "duties": [_duty(one) for one in node["duties"] or ()],
        "refund_line_items": [_line(one) for one in node["refundLineItems"]["nodes"]],
        "refund_shipping_lines": [_shipping(one) for one in node["refundShippingLines"]["nodes"]],
        "order_adjustments": [_adjustment(one, node, order) for one in node["orderAdjustments"]["nodes"]],
        "transactions": [transaction(one, order) for one in node["transactions"]["nodes"]],
    }


def _duties(duties: Iterable[Node], order: Node) -> dict[str, Any]:
    sides = {"shopMoney": order["currencyCode"], "presentmentMoney": order["presentmentCurrencyCode"]}
    bags = [one["amountSet"] for one in duties]
    sums = {side: sum((Decimal(bag[side]["amount"]) for bag in bags), Decimal(0)) for side in sides}
    return money_set({side: {"amount": sums[side], "currencyCode": code} for side, code in sides.items()})


def transaction(node: Node, order: Node) -> dict[str, Any]:
    """`amount` is in the currency that the customer paid in."""
    paid = node["amountSet"]["presentmentMoney"]
    return {
        **identity(node),
        "order_id": number(order["id"]),
        "parent_id": number_of(node["parentTransaction"]),
        "kind": word(node["kind"]),
        "status": word(node["status"]),
        "gateway": node["gateway"],
        "test": node["test"],
        "amount": amount(paid),
        "currency": paid["currencyCode"],
        "amount_set": money_set(node["amountSet"]),
        "created_at": node["createdAt"],
        "processed_at": node["processedAt"],
        "error_code": word(node["errorCode"]),
        "payment_id": node["paymentId"],
        "manual_payment_gateway": node["manualPaymentGateway"],
    }


def _line(node: Node) -> dict[str, Any]:
    line = node["lineItem"]
    return {
        "id": number(node["id"] or line["id"]),
        "line_item_id": number(line["id"]),
        "quantity": node["quantity"],
        "restock_type": word(node["restockType"]),
        "location_id": number_of(node.get("location")),
        "subtotal": Decimal(price(node["subtotalSet"])),
        "subtotal_set": money_set(node["subtotalSet"]),
        "total_tax": Decimal(price(node["totalTaxSet"])),
        "total_tax_set": money_set(node["totalTaxSet"]),
        "line_item": {
            **identity(line),
            "sku": line["sku"],
            "title": line["title"],
            "variant_title": line["variantTitle"],
            "quantity": line["quantity"],
        },
    }


def _shipping(node: Node) -> dict[str, Any]:
    line = node["shippingLine"]
    return {
        "id": number(node["id"]),
        "subtotal_amount_set": money_set(node["subtotalAmountSet"]),
        "tax_amount_set": money_set(node["taxAmountSet"]),
        "shipping_line": {"id": number(line["id"]), "title": line["title"]},
    }


def _adjustment(node: Node, refund: Node, order: Node) -> dict[str, Any]:
    reason = node["reason"]
    return {
        "id": number(node["id"]),
        "order_id": number(order["id"]),
        "refund_id": number(refund["id"]),
        "kind": REST_KIND,
        "reason": None if reason is None else reason.replace("_", " ").capitalize(),
        "amount": price(node["amountSet"]),
        "amount_set": money_set(node["amountSet"]),
        "tax_amount": price(node["taxAmountSet"]),
        "tax_amount_set": money_set(node["taxAmountSet"]),
    }


def _duty(node: Node) -> dict[str, Any]:
    return {"duty_id": _text(number_of(node["originalDuty"])), "amount_set": money_set(node["amountSet"])}


def _text(number: int | None) -> str | None:
    """The id of a duty is text, unlike that of all else."""
    return None if number is None else str(number)

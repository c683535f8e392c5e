"""SuggestedRefund: what Shopify would pay back for lines and shipping, worked out on a copy of the order."""

from __future__ import annotations

from typing import Any

from interlock.twins.shopify import payments
from interlock.twins.shopify.admin.context import ShopContext
from interlock.twins.shopify.admin.rest_shape import bag, bag_of, desk, number_of
from interlock.twins.shopify.money import Bag, read_set, total
from interlock.twins.shopify.refunding import Back, give_back
from interlock.twins.shopify.totals import net_received


def suggested(
    shop: ShopContext, order: dict[str, Any], book: dict[str, Any], arguments: dict[str, Any]
) -> dict[str, Any]:
    """The SuggestedRefund for `refundLineItems`, `refundShipping` or `suggestFullRefund`."""
    life = desk(shop).open(order)
    whole = bool(arguments.get("suggestFullRefund"))
    asked = {number_of(row["lineItemId"]): row["quantity"] for row in arguments.get("refundLineItems") or []}
    everything = {line["id"]: line["current_quantity"] for line in order["line_items"] if line["current_quantity"]}
    back = Back(units=everything if whole else asked, shipping=whole or bool(arguments.get("refundShipping")))
    record, amounts = give_back(life.order, back, life.now, life.money, life.new_id)
    amount = total(read_set(one) for one in amounts.values())
    goods = total(read_set(row["subtotal_set"]) for row in record["refund_line_items"])
    tax = total(read_set(row["total_tax_set"]) for row in record["refund_line_items"])
    freight = total(read_set(row["subtotal_amount_set"]) for row in record["refund_shipping_lines"])
    parent = payments.payment_to_refund(book)
    return {
        "amountSet": bag_of(amount, life.money),
        "subtotalSet": bag_of(goods, life.money),
        "discountedSubtotalSet": bag_of(goods, life.money),
        "totalTaxSet": bag_of(tax, life.money),
        "totalDutiesSet": bag_of(total(read_set(row["amount_set"]) for row in record["duties"]), life.money),
        "totalCartDiscountAmountSet": bag_of(Bag(), life.money),
        "maximumRefundableSet": bag_of(life.money.bag(net_received(order)), life.money),
        "shipping": {"amountSet": bag_of(freight, life.money), "maximumRefundableSet": bag_of(freight, life.money)},
        "refundLineItems": [{"rest": row, "order": order} for row in record["refund_line_items"]],
        "refundDuties": [{"amountSet": bag(row["amount_set"]), "originalDuty": None} for row in record["duties"]],
        "suggestedTransactions": _transactions(parent, amount, life.money),
        "suggestedRefundMethods": [],
    }


def _transactions(parent: dict[str, Any] | None, amount: Bag, money: Any) -> list[dict[str, Any]]:
    if parent is None or not amount:
        return []
    return [
        {
            "amountSet": bag_of(amount, money),
            "gateway": parent["gateway"],
            "kind": "SUGGESTED_REFUND",
            "parentTransaction": None,
            "accountNumber": None,
            "formattedGateway": parent["gateway"],
            "paymentDetails": None,
        }
    ]

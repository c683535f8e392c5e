"""Refund as GraphQL shows it, and refundCreate."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from interlock.twins.shopify import payments
from interlock.twins.shopify.admin.connections import connection
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid
from interlock.twins.shopify.admin.fulfillments import place
from interlock.twins.shopify.admin.order_parts import duty, line_item, shipping_line
from interlock.twins.shopify.admin.rest_shape import bag, bag_of, constant, desk, mutation, number_of, shows, upper
from interlock.twins.shopify.admin.transactions import transaction
from interlock.twins.shopify.desk import Life, Refused
from interlock.twins.shopify.money import Bag, currencies_of, read_set, total
from interlock.twins.shopify.refunding import Back, give_back
from interlock.twins.shopify.totals import net_received

Parent = dict[str, Any]
REASONS = {"Refund discrepancy": "REFUND_DISCREPANCY"}


def refund(order: dict[str, Any], row: dict[str, Any]) -> Parent:
    """What the resolvers of Refund read."""
    return {"__typename": "Refund", "rest": row, "order": order}


def _book(shop: ShopContext, parent: Parent) -> dict[str, Any]:
    return desk(shop).book(parent["order"])


def _total(shop: ShopContext, parent: Parent, _: Any) -> Any:
    """What went back: its successful transactions (Refund.totalRefundedSet)."""
    book = _book(shop, parent)
    rows = [one for one in parent["rest"]["transactions"] if one["status"] == "success"]
    return bag_of(total(payments.amount_of(book, one) for one in rows), currencies_of(parent["order"]))


def _lines(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    order = parent["order"]
    return connection(parent["rest"]["refund_line_items"], arguments, show=lambda row: {"rest": row, "order": order})


def _shipping(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    return connection(
        parent["rest"]["refund_shipping_lines"],
        arguments,
        show=lambda row: {
            "id": gid("RefundShippingLine", row["id"]),
            "shippingLine": shipping_line(parent["order"], row["shipping_line"]),
            "subtotalAmountSet": bag(row["subtotal_amount_set"]),
            "taxAmountSet": bag(row["tax_amount_set"]),
        },
    )


def _adjustments(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    return connection(
        parent["rest"]["order_adjustments"],
        arguments,
        show=lambda row: {
            "id": gid("OrderAdjustment", row["id"]),
            "reason": REASONS.get(row["reason"], "REFUND_DISCREPANCY"),
            "amountSet": bag(row["amount_set"]),
            "taxAmountSet": bag(row["tax_amount_set"]),
        },
    )


def _transactions(shop: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    book = _book(shop, parent)
    return connection(
        parent["rest"]["transactions"], arguments, show=lambda one: transaction(parent["order"], book, one)
    )


def _duties(_: ShopContext, parent: Parent, __: Any) -> Any:
    by_id = {row["id"]: row for line in parent["order"]["line_items"] for row in line["duties"]}
    return [
        {
            "amountSet": bag(row["amount_set"]),
            "originalDuty": duty(by_id[row["duty_id"]]) if row["duty_id"] in by_id else None,
        }
        for row in parent["rest"]["duties"]
    ]


def _return(shop: ShopContext, parent: Parent, _: Any) -> Any:
    found = parent["rest"]["return"]
    return None if found is None else shop.node(gid("Return", found["id"]))


FIELDS: dict[str, str | Resolver] = {
    "id": "admin_graphql_api_id",
    "legacyResourceId": "id",
    "createdAt": "created_at",
    "updatedAt": "created_at",
    "processedAt": "processed_at",
    "note": "note",
    "order": lambda shop, parent, _: shop.node(gid("Order", parent["order"]["id"])),
    "return": _return,
    "totalRefundedSet": _total,
    "refundLineItems": _lines,
    "refundShippingLines": _shipping,
    "orderAdjustments": _adjustments,
    "transactions": _transactions,
    "duties": _duties,
    "staffMember": constant(None),
}


def _line(_: ShopContext, parent: Parent, __: Any) -> Any:
    """The line as it is on the order now; the refund's own copy when the order has it no more."""
    found = next((one for one in parent["order"]["line_items"] if one["id"] == parent["rest"]["line_item_id"]), None)
    return line_item(parent["order"], found or parent["rest"]["line_item"])


def _price(_: ShopContext, parent: Parent, __: Any) -> Any:
    return bag(parent["rest"]["line_item"]["price_set"])


LINE_FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("RefundLineItem", parent["rest"]["id"]),
    "quantity": "quantity",
    "restockType": lambda _, parent, __: upper(parent["rest"]["restock_type"]),
    "restocked": lambda _, parent, __: parent["rest"]["restock_type"] != "no_restock",
    "location": lambda shop, parent, _: place(shop, parent["rest"]["location_id"]),
    "lineItem": _line,
    "priceSet": _price,
}
LINE_MONEY = {"subtotalSet": "subtotal_set", "totalTaxSet": "total_tax_set"}


def find(shop: ShopContext, number: str) -> Parent | None:
    order = shop.store.owner(number_of(number))
    row = next((one for one in order["refunds"] if str(one["id"]) == number), None) if order else None
    return None if row is None or order is None else refund(order, row)


def _create(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    given = arguments["input"]
    order = shop.store.order(str(number_of(given["orderId"])))
    if order is None:
        raise Refused("Order does not exist", "orderId")
    life = desk(shop).open(order)
    record = create(life, given)
    desk(shop).keep("refund", life)
    return {"refund": find(shop, str(record["id"])), "order": shop.node(given["orderId"])}


def create(life: Life, given: dict[str, Any]) -> dict[str, Any]:
    """Carry out a RefundInput; emits refunds/create and orders/updated. Raises Refused."""
    paid, parent = _payment(life, given)
    units, restocks, locations = _units(life, given.get("refundLineItems") or [])
    back = Back(
        units=units,
        restock="no_restock",
        restocks=restocks,
        locations=locations,
        shipping=_shipping_part(life, given.get("shipping")),
        paid=paid,
        gateway=parent["gateway"] if parent else None,
        parent_id=parent["id"] if parent else None,
        note=given.get("note"),
    )
    record, amounts = give_back(life.order, back, life.now, life.money, life.new_id)
    life.book["amounts"].update(amounts)
    life.tell(("refunds/create", record), "orders/updated")
    return record


def _units(life: Life, rows: list[dict[str, Any]]) -> tuple[dict[int, int], dict[int, str], dict[int, int | None]]:
    units: dict[int, int] = {}
    restocks: dict[int, str] = {}
    locations: dict[int, int | None] = {}
    for index, row in enumerate(rows):
        line = life.line(number_of(row["lineItemId"]))
        if line is None:
            raise Refused("Line item does not exist", "refundLineItems", str(index), "lineItemId")
        units[line["id"]] = units.get(line["id"], 0) + row["quantity"]
        if units[line["id"]] > line["current_quantity"]:
            text = "Quantity cannot refund more items than were purchased"
            raise Refused(text, "refundLineItems", str(index), "quantity")
        restocks[line["id"]] = (row.get("restockType") or "NO_RESTOCK").lower()
        locations[line["id"]] = number_of(row["locationId"]) if row.get("locationId") else None
    return units, restocks, locations


def _shipping_part(life: Life, given: dict[str, Any] | None) -> bool | Bag:
    if not given:
        return False
    if given.get("fullRefund"):
        return True
    amount = Decimal(given.get("amount") or 0)
    left = total(read_set(row["current_discounted_price_set"]) for row in life.order["shipping_lines"])
    if amount > left.presentment:
        raise Refused("Refund shipping amount is greater than what is left of the shipping price", "shipping", "amount")
    return Bag(life.money.to_shop(amount), amount) if amount else False


def _payment(life: Life, given: dict[str, Any]) -> tuple[Bag, dict[str, Any] | None]:
    """What the transactions pay back, and the payment they go back to."""
    amount, parent = Decimal(0), None
    for row in given.get("transactions") or []:
        if row["kind"] != "REFUND":
            raise Refused(f"Kind {row['kind'].lower()} is not a valid transaction")
        number = number_of(row.get("parentId"))
        parent = next((one for one in life.book["transactions"] if one["id"] == number), None)
        if parent is None:
            raise Refused("Transactions require a parent_id associated with the order", "transactions")
        amount += Decimal(row["amount"])
    for row in given.get("refundMethods") or []:
        amount += Decimal(row["storeCreditRefund"]["amount"]["amount"])
    net = life.money.bag(net_received(life.order)).presentment
    if amount > net and not given.get("allowOverRefunding"):
        sign = "$" if life.money.presentment in {"USD", "CAD", "AUD"} else ""
        raise Refused(f"Refund amount {sign}{amount} is greater than net payment received {sign}{net}")
    return Bag(life.money.to_shop(amount), amount), parent


RESOLVERS: dict[str, Resolver] = {
    **shows("Refund", FIELDS),
    **shows("RefundLineItem", LINE_FIELDS),
    **shows("RefundLineItem", LINE_MONEY, bag),
    "QueryRoot.refund": lambda shop, _, arguments: shop.node(arguments["id"]),
    "Mutation.refundCreate": mutation(_create, "refund", "order"),
}
NODES = {"Refund": find}

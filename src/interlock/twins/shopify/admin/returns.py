"""Return, its lines, exchanges and reverse fulfilment orders as GraphQL shows them, and what moves them on."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from interlock.twins.shopify import returns as rules
from interlock.twins.shopify.admin.connections import connection
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid
from interlock.twins.shopify.admin.fulfillments import fulfillment_line, place
from interlock.twins.shopify.admin.order_parts import line_item
from interlock.twins.shopify.admin.refunds import refund
from interlock.twins.shopify.admin.rest_shape import bag, bag_of, constant, desk, mutation, number_of, shows
from interlock.twins.shopify.catalogue import PRODUCTS
from interlock.twins.shopify.desk import Life, Refused
from interlock.twins.shopify.draft import DraftLine
from interlock.twins.shopify.money import Bag, currencies_of
from interlock.twins.shopify.totals import gross, line_discount

Parent = dict[str, Any]
BY_VARIANT = {product.variant_id: product for product in PRODUCTS}


def shown_return(order: dict[str, Any], book: dict[str, Any], one: dict[str, Any]) -> Parent:
    """What the resolvers of Return read."""
    return {"__typename": "Return", "rest": one, "order": order, "book": book}


def return_status(book: dict[str, Any]) -> str:
    """Order.returnStatus (recorded: a request outweighs what is open, that outweighs what is closed)."""
    states = {one["status"] for one in book["returns"]}
    if "REQUESTED" in states:
        return "RETURN_REQUESTED"
    if "OPEN" in states:
        return "IN_PROGRESS"
    return "RETURNED" if "CLOSED" in states else "NO_RETURN"


def _lines(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    show = lambda row: {"__typename": "ReturnLineItem", "rest": row, "return": parent}  # noqa: E731
    return connection(parent["rest"]["lines"], arguments, show=show)


def _exchanges(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    return connection(
        parent["rest"]["exchange_lines"], arguments, show=lambda row: {"rest": row, "order": parent["order"]}
    )


def _reverse(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    rows = parent["rest"]["reverse_fulfillment_orders"]
    return connection(rows, arguments, show=lambda row: {"rest": row, "return": parent})


def _refunds(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    rows = [one for one in parent["order"]["refunds"] if one["id"] in parent["rest"]["refund_ids"]]
    return connection(rows, arguments, show=lambda row: refund(parent["order"], row))


def _fees(_: ShopContext, parent: Parent, __: Any) -> Any:
    fee = parent["rest"]["shipping_fee"]
    if fee is None:
        return []
    return [{"id": gid("ReturnShippingFee", fee["id"]), "amountSet": bag(fee["amount_set"])}]


FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("Return", parent["rest"]["id"]),
    "name": "name",
    "status": "status",
    "createdAt": "created_at",
    "closedAt": "closed_at",
    "requestApprovedAt": "request_approved_at",
    "decline": "decline",
    "totalQuantity": lambda _, parent, __: sum(row["quantity"] for row in parent["rest"]["lines"]),
    "order": lambda shop, parent, _: shop.node(gid("Order", parent["order"]["id"])),
    "returnLineItems": _lines,
    "exchangeLineItems": _exchanges,
    "reverseFulfillmentOrders": _reverse,
    "refunds": _refunds,
    "returnShippingFees": _fees,
}


def _taken(parent: Parent, number: int) -> dict[str, Any]:
    return next(row for one in parent["book"]["shipments"] for row in one["taken"] if row["id"] == number)


def _parcel_line(_: ShopContext, parent: Parent, __: Any) -> Any:
    back = parent["return"]
    return fulfillment_line(back["order"], _taken(back, parent["rest"]["fulfillment_line_id"]))


def _line_total(_: ShopContext, parent: Parent, __: Any) -> Any:
    order = parent["return"]["order"]
    line = next(one for one in order["line_items"] if one["id"] == parent["rest"]["line_item_id"])
    money, units = currencies_of(order), parent["rest"]["quantity"]
    return bag_of(gross(line, units) - money.prorated(line_discount(line), units, line["quantity"]), money)


def _open_units(parent: Parent) -> int:
    return int(parent["rest"]["quantity"] - parent["rest"]["processed"])


def _reason(reason: str) -> Parent:
    """The definition of a reason; its id and the form of its handle are from memory."""
    number = int.from_bytes(reason.encode()[:4], "big")
    name = reason.replace("_", " ").capitalize()
    return {
        "id": gid("ReturnReasonDefinition", number),
        "handle": reason.lower().replace("_", "-"),
        "name": name,
        "deleted": False,
    }


LINE_FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("ReturnLineItem", parent["rest"]["id"]),
    "quantity": "quantity",
    "processedQuantity": "processed",
    "unprocessedQuantity": lambda _, parent, __: _open_units(parent),
    "processableQuantity": lambda _, parent, __: _open_units(parent),
    "refundedQuantity": "processed",
    "refundableQuantity": lambda _, parent, __: _open_units(parent),
    "returnReason": "reason",
    "returnReasonDefinition": lambda _, parent, __: _reason(parent["rest"]["reason"]),
    "returnReasonNote": "note",
    "customerNote": "customer_note",
    "fulfillmentLineItem": _parcel_line,
    "withCodeDiscountedTotalPriceSet": _line_total,
    "restockingFee": constant(None),
}


def _exchange_order_lines(_: ShopContext, parent: Parent, __: Any) -> Any:
    made = [one for one in parent["order"]["line_items"] if one["id"] in parent["rest"]["line_item_ids"]]
    return [line_item(parent["order"], one) for one in made] or None


EXCHANGE_FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("ExchangeLineItem", parent["rest"]["id"]),
    "quantity": "quantity",
    "processedQuantity": "processed",
    "unprocessedQuantity": lambda _, parent, __: _open_units(parent),
    "processableQuantity": lambda _, parent, __: _open_units(parent),
    "variantId": lambda _, parent, __: gid("ProductVariant", parent["rest"]["product"]["variant_id"]),
    "lineItems": _exchange_order_lines,
}


def _reverse_rows(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    return connection(parent["rest"]["lines"], arguments, show=lambda row: _reverse_row(parent["return"], row))


def _reverse_row(back: Parent, row: dict[str, Any]) -> Parent:
    return {"__typename": "ReverseFulfillmentOrderLineItem", "rest": row, "return": back}


def _dispositions(shop: ShopContext, parent: Parent, _: Any) -> Any:
    return [
        {
            "id": gid("ReverseFulfillmentOrderDisposition", row["id"]),
            "type": row["type"],
            "quantity": row["quantity"],
            "createdAt": row["created_at"],
            "location": place(shop, row["location_id"]),
        }
        for row in parent["rest"]["dispositions"]
    ]


REVERSE_FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("ReverseFulfillmentOrder", parent["rest"]["id"]),
    "status": "status",
    "order": lambda shop, parent, _: shop.node(gid("Order", parent["return"]["order"]["id"])),
    "lineItems": _reverse_rows,
}
REVERSE_ROW_FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("ReverseFulfillmentOrderLineItem", parent["rest"]["id"]),
    "totalQuantity": "quantity",
    "fulfillmentLineItem": _parcel_line,
    "dispositions": _dispositions,
}


def find(shop: ShopContext, number: str) -> Parent | None:
    order = shop.store.owner(number_of(number))
    if order is None:
        return None
    book = desk(shop).book(order)
    one = next((one for one in book["returns"] if str(one["id"]) == number), None)
    return None if one is None else shown_return(order, book, one)


def find_reverse(shop: ShopContext, number: str) -> Parent | None:
    order = shop.store.owner(number_of(number))
    if order is None:
        return None
    book = desk(shop).book(order)
    for one in book["returns"]:
        for row in one["reverse_fulfillment_orders"]:
            if str(row["id"]) == number:
                return {"rest": row, "return": shown_return(order, book, one)}
    return None


def _wanted(rows: list[dict[str, Any]], name: str) -> list[rules.Wanted]:
    wanted = []
    for index, row in enumerate(rows):
        where = (name, "returnLineItems", str(index))
        reason = row.get("returnReason") or ("OTHER" if row.get("returnReasonDefinitionId") else None)
        if reason is None and name == "input":
            raise Refused("Return reason can't be blank", *where, "returnReason", code="BLANK")
        if reason is None:
            text = "Return line items Either return reason or return reason definition must be provided"
            raise Refused(text, *where, code="NOT_FOUND")
        note = row.get("returnReasonNote") or ""
        if reason == "OTHER" and not note and name == "returnInput" and not row.get("returnReasonDefinitionId"):
            text = 'Return line items return reason note The note is required when the return reason is "Other"'
            raise Refused(text, *where, "returnReasonNote", code="BLANK")
        number = number_of(row["fulfillmentLineItemId"])
        wanted.append(rules.Wanted(number, row["quantity"], reason, note, row.get("customerNote")))
    return wanted


def _fee(life: Life, given: dict[str, Any] | None) -> Bag | None:
    if not given:
        return None
    amount = Decimal(given["amount"]["amount"])
    return Bag(life.money.to_shop(amount), amount)


def _exchange(rows: list[dict[str, Any]] | None) -> list[DraftLine]:
    found = []
    for index, row in enumerate(rows or []):
        product = BY_VARIANT.get(number_of(row.get("variantId")))
        if product is None:
            text = "The variant does not exist in the shop."
            raise Refused(text, "returnInput", "exchangeLineItems", str(index), "variantId", code="NOT_FOUND")
        found.append(DraftLine(product, row["quantity"]))
    return found


def _begin(name: str) -> Callable[[ShopContext, dict[str, Any]], dict[str, Any]]:
    """returnRequest (input) or returnCreate (returnInput)."""

    def run(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
        given = arguments[name]
        order = shop.store.order(str(number_of(given["orderId"])))
        if order is None:
            raise Refused("Order does not exist", name, "orderId", code="NOT_FOUND")
        life = desk(shop).open(order)
        wanted, fee = _wanted(given["returnLineItems"], name), _fee(life, given.get("returnShippingFee"))
        if name == "input":
            made = rules.request(life, wanted, fee=fee)
        else:
            made = rules.create(life, wanted, _exchange(given.get("exchangeLineItems")), fee=fee)
        life.tell("orders/updated")
        desk(shop).keep("return", life)
        return {"return": find(shop, str(made["id"]))}

    return run


def _step(effect: str, work: Callable[[Life, dict[str, Any], dict[str, Any]], Any], *path: str) -> Resolver:
    """A mutation on one return, whose id lies at `path` of the arguments."""

    def run(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
        given: Any = arguments
        for name in path:
            given = given[name]
        number = number_of(given)
        order = shop.store.owner(number)
        life = desk(shop).open(order) if order else None
        one = rules.find(life, number) if life else None
        if life is None or one is None:
            raise Refused("Return not found.", *path, code="NOT_FOUND")
        work(life, one, arguments.get("input") or arguments)
        desk(shop).keep(effect, life)
        return {"return": find(shop, str(number))}

    return mutation(run, "return")


def _process(life: Life, one: dict[str, Any], given: dict[str, Any]) -> None:
    processed = [
        rules.Processed(
            number_of(row["id"]),
            row["quantity"],
            tuple(
                (
                    how["dispositionType"],
                    how["quantity"],
                    number_of(how["locationId"]) if how.get("locationId") else None,
                )
                for how in row.get("dispositions") or []
            ),
        )
        for row in given.get("returnLineItems") or []
    ]
    exchanges = {number_of(row["id"]): row["quantity"] for row in given.get("exchangeLineItems") or []}
    issue = (given.get("financialTransfer") or {}).get("issueRefund")
    amount, parent = Decimal(0), None
    for row in (issue or {}).get("orderTransactions") or []:
        amount += Decimal(row["transactionAmount"]["amount"])
        parent = next((each for each in life.book["transactions"] if each["id"] == number_of(row["parentId"])), None)
        if parent is None:
            raise Refused("Transactions require a parent_id associated with the order", "input", code="INVALID")
    shipping = given.get("refundShipping") or {}
    rules.process(
        life,
        one,
        processed,
        exchanges,
        paid=Bag(life.money.to_shop(amount), amount) if amount else None,
        parent_id=parent["id"] if parent else None,
        gateway=parent["gateway"] if parent else None,
        shipping=bool(shipping.get("fullRefund")),
        note=given.get("note"),
    )


def _remove(life: Life, one: dict[str, Any], given: dict[str, Any]) -> None:
    rules.remove(
        life, one, {number_of(row["returnLineItemId"]): row["quantity"] for row in given["returnLineItems"] or []}
    )


def _dispose(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    given = arguments["dispositionInputs"]
    if not given:
        raise Refused("The array cannot be empty.", "dispositionInputs", code="BLANK")
    numbers = [number_of(row["reverseFulfillmentOrderLineItemId"]) for row in given]
    order = shop.store.owner(numbers[0])
    life = desk(shop).open(order) if order else None
    rows = {
        row["id"]: (one, reverse["id"])
        for one in (life.book["returns"] if life else [])
        for reverse in one["reverse_fulfillment_orders"]
        for row in reverse["lines"]
    }
    if life is None or len({rows.get(number, (None, None))[1] for number in numbers} | {None}) != 2:
        text = "Cannot dispose items from more than one reverse fulfillment order."
        raise Refused(text, "dispositionInputs", code="INVALID")
    one = rows[numbers[0]][0]
    dispositions = [
        (
            number,
            row["dispositionType"],
            row["quantity"],
            number_of(row["locationId"]) if row.get("locationId") else None,
        )
        for number, row in zip(numbers, given, strict=True)
    ]
    touched = rules.dispose(life, one, dispositions)
    desk(shop).keep("dispose", life)
    back = find(shop, str(one["id"])) or {}
    return {"reverseFulfillmentOrderLineItems": [_reverse_row(back, row) for row in touched]}


RESOLVERS: dict[str, Resolver] = {
    **shows("Return", FIELDS),
    **shows("ReturnLineItem", LINE_FIELDS),
    **shows("ExchangeLineItem", EXCHANGE_FIELDS),
    **shows("ReverseFulfillmentOrder", REVERSE_FIELDS),
    **shows("ReverseFulfillmentOrderLineItem", REVERSE_ROW_FIELDS),
    "QueryRoot.return": lambda shop, _, arguments: shop.node(arguments["id"]),
    "QueryRoot.reverseFulfillmentOrder": lambda shop, _, arguments: shop.node(arguments["id"]),
    "Mutation.returnRequest": mutation(_begin("input"), "return"),
    "Mutation.returnCreate": mutation(_begin("returnInput"), "return"),
    "Mutation.returnApproveRequest": _step(
        "approve_return", lambda life, one, _: rules.approve(life, one), "input", "id"
    ),
    "Mutation.returnDeclineRequest": _step(
        "decline_return",
        lambda life, one, given: rules.decline(life, one, given["declineReason"], given.get("declineNote")),
        "input",
        "id",
    ),
    "Mutation.returnCancel": _step("cancel_return", lambda life, one, _: rules.cancel(life, one), "id"),
    "Mutation.returnClose": _step("close_return", lambda life, one, _: rules.close_return(life, one), "id"),
    "Mutation.returnReopen": _step("reopen_return", lambda life, one, _: rules.reopen(life, one), "id"),
    "Mutation.returnProcess": _step("process_return", _process, "input", "returnId"),
    "Mutation.removeFromReturn": _step("remove_from_return", _remove, "returnId"),
    "Mutation.reverseFulfillmentOrderDispose": mutation(_dispose, "reverseFulfillmentOrderLineItems"),
}
NODES = {"Return": find, "ReverseFulfillmentOrder": find_reverse}

"""FulfillmentOrder as GraphQL shows it, the queries that find them, and everything that can be done with one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interlock.twins.shopify import fulfillment_orders as rules
from interlock.twins.shopify.admin.connections import connection
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid
from interlock.twins.shopify.admin.fulfillments import fulfillment, place
from interlock.twins.shopify.admin.order_parts import line_item
from interlock.twins.shopify.admin.rest_shape import bag, constant, desk, mutation, number_of, shows
from interlock.twins.shopify.admin.search import Searched, search
from interlock.twins.shopify.desk import Life, Refused
from interlock.twins.shopify.routing import LIVE

Parent = dict[str, Any]
Work = Callable[[Life, dict[str, Any], dict[str, Any]], Any]


def fulfillment_order(order: dict[str, Any], book: dict[str, Any], one: dict[str, Any]) -> Parent:
    """What the resolvers of FulfillmentOrder read."""
    return {"__typename": "FulfillmentOrder", "rest": one, "order": order, "book": book}


def display_status(order: dict[str, Any], book: dict[str, Any]) -> str:
    """Order.displayFulfillmentStatus, from what was shipped and how what is left stands."""
    if order["fulfillment_status"] == "fulfilled":
        return "FULFILLED"
    if order["fulfillment_status"] == "partial":
        return "PARTIALLY_FULFILLED"
    live = {one["status"] for one in book["fulfillment_orders"] if one["status"] in LIVE}
    if any(one["request_status"] == "REJECTED" for one in book["fulfillment_orders"]):
        return "REQUEST_DECLINED"
    return live.pop() if len(live) == 1 and live <= {"ON_HOLD", "SCHEDULED", "IN_PROGRESS"} else "UNFULFILLED"


def _rows(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    return connection(parent["rest"]["lines"], arguments, show=lambda row: _row(parent, row))


def _row(parent: Parent, row: dict[str, Any]) -> Parent:
    line = next(one for one in parent["order"]["line_items"] if one["id"] == row["line_item_id"])
    return {"__typename": "FulfillmentOrderLineItem", "rest": row, "line": line, "order": parent["order"]}


def _parcels(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    taken = {
        one["fulfillment_id"]
        for one in parent["book"]["shipments"]
        if any(row["fulfillment_order_id"] == parent["rest"]["id"] for row in one["taken"])
    }
    rows = [one for one in parent["order"]["fulfillments"] if one["id"] in taken]
    return connection(rows, arguments, show=lambda one: fulfillment(parent["order"], one))


def _assigned(shop: ShopContext, parent: Parent, _: Any) -> Any:
    number = parent["rest"]["assigned_location_id"]
    found = place(shop, number)
    name = found.get("name") or found.get("rest", {}).get("name") or "Shop location"
    return {"location": found, "name": name, "countryCode": "US", **dict.fromkeys(ADDRESS_PARTS)}


ADDRESS_PARTS = ("address1", "address2", "city", "phone", "province", "zip")


def _destination(_: ShopContext, parent: Parent, __: Any) -> Any:
    sent_to = parent["order"]["shipping_address"]
    if sent_to is None:
        return None
    return {
        "id": gid("FulfillmentOrderDestination", parent["rest"]["id"]),
        "firstName": sent_to["first_name"],
        "lastName": sent_to["last_name"],
        "company": sent_to["company"],
        "address1": sent_to["address1"],
        "address2": sent_to["address2"],
        "city": sent_to["city"],
        "zip": sent_to["zip"],
        "province": sent_to["province"],
        "countryCode": sent_to["country_code"],
        "phone": sent_to["phone"],
        "email": parent["order"]["contact_email"],
        "location": None,
    }


def hold(row: dict[str, Any], app_id: str | None) -> Parent:
    """A FulfillmentHold, as the app that asks sees it."""
    return {
        "id": gid("FulfillmentHold", row["id"]),
        "reason": row["reason"],
        "reasonNotes": row["reason_notes"],
        "displayReason": row["reason"].replace("_", " ").capitalize(),
        "handle": row["handle"],
        "heldByApp": None,
        "heldByRequestingApp": row["app_id"] is not None and row["app_id"] == app_id,
    }


FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("FulfillmentOrder", parent["rest"]["id"]),
    "status": "status",
    "requestStatus": "request_status",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "fulfillAt": "fulfill_at",
    "fulfillBy": "fulfill_by",
    "order": lambda shop, parent, _: shop.node(gid("Order", parent["order"]["id"])),
    "orderId": lambda _, parent, __: gid("Order", parent["order"]["id"]),
    "orderName": lambda _, parent, __: parent["order"]["name"],
    "orderProcessedAt": lambda _, parent, __: parent["order"]["processed_at"],
    "assignedLocation": _assigned,
    "destination": _destination,
    "deliveryMethod": lambda _, parent, __: {
        "id": gid("DeliveryMethod", parent["rest"]["id"]),
        "methodType": parent["rest"]["method"],
    },
    "supportedActions": lambda _, parent, __: [
        {"action": one, "externalUrl": None} for one in rules.supported_actions(parent["book"], parent["rest"])
    ],
    "fulfillmentHolds": lambda shop, parent, _: [hold(one, shop.app.client_id) for one in parent["rest"]["holds"]],
    "merchantRequests": lambda _, parent, arguments: connection(
        parent["rest"]["merchant_requests"],
        arguments,
        show=lambda one: {
            "id": gid("FulfillmentOrderMerchantRequest", one["id"]),
            "kind": one["kind"],
            "message": one["message"],
            "sentAt": one["sent_at"],
            "fulfillmentOrder": parent,
        },
    ),
    "lineItems": _rows,
    "fulfillments": _parcels,
    "internationalDuties": constant(None),
    "channelId": constant(None),
}


def _of_line(name: str) -> Resolver:
    return lambda _, parent, __: parent["line"][name]


ROW_FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("FulfillmentOrderLineItem", parent["rest"]["id"]),
    "totalQuantity": "total",
    "remainingQuantity": "remaining",
    "lineItem": lambda _, parent, __: line_item(parent["order"], parent["line"]),
    "productTitle": _of_line("title"),
    "variantTitle": _of_line("variant_title"),
    "sku": _of_line("sku"),
    "vendor": _of_line("vendor"),
    "requiresShipping": _of_line("requires_shipping"),
    "weight": lambda _, parent, __: {"value": float(parent["line"]["grams"]), "unit": "GRAMS"},
    "originalUnitPriceSet": lambda _, parent, __: bag(parent["line"]["price_set"]),
    "inventoryItemId": constant(None),
    "variant": lambda shop, parent, _: (
        shop.node(gid("ProductVariant", parent["line"]["variant_id"])) if parent["line"]["variant_id"] else None
    ),
    "warnings": constant([]),
}


def find(shop: ShopContext, number: str) -> Parent | None:
    order = shop.store.owner(number_of(number))
    if order is None:
        return None
    book = desk(shop).book(order)
    one = next((one for one in book["fulfillment_orders"] if str(one["id"]) == number), None)
    return None if one is None else fulfillment_order(order, book, one)


SEARCHED = {
    "id": Searched(lambda parent: parent["rest"]["id"], "id"),
    "status": Searched(lambda parent: parent["rest"]["status"]),
    "assigned_location_id": Searched(lambda parent: parent["rest"]["assigned_location_id"], "id"),
    "updated_at": Searched(lambda parent: parent["rest"]["updated_at"], "time"),
    "order_id": Searched(lambda parent: parent["order"]["id"], "id"),
}


def _all(shop: ShopContext, wanted: Callable[[Parent], bool], arguments: dict[str, Any]) -> Any:
    """Every fulfilment order of the shop that is wanted: a walk over the orders, so for small shops."""
    found = []
    for number in shop.store.by_id:
        order = shop.store.order(str(number))
        if order is not None:
            book = desk(shop).book(order)
            rows = (fulfillment_order(order, book, one) for one in book["fulfillment_orders"])
            found += [one for one in rows if wanted(one)]
    return connection(found, arguments, key=lambda one: [one["order"]["id"], one["rest"]["id"]])


def _list(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    query = search(arguments.get("query"), SEARCHED, shop=shop, path="fulfillmentOrders")
    closed = bool(arguments.get("includeClosed"))
    return _all(shop, lambda one: query.wanted(one) and (closed or one["rest"]["status"] in LIVE), arguments)


def _held(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    query = search(arguments.get("query"), SEARCHED, shop=shop, path="manualHoldsFulfillmentOrders")
    return _all(shop, lambda one: query.wanted(one) and bool(one["rest"]["holds"]), arguments)


def _changes(effect: str, work: Work, name: str = "id", **results: str) -> Resolver:
    """A mutation on one fulfilment order; `results` says where the payload's other fulfilment orders come from."""

    def run(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
        number = number_of(arguments[name])
        order = shop.store.owner(number)
        if order is None:
            raise Refused(rules.NOT_THERE, name, code="FULFILLMENT_ORDER_NOT_FOUND")
        life = desk(shop).open(order)
        one = rules.find(life, number, name)
        made = work(life, one, arguments) or {}
        desk(shop).keep(effect, life)
        shown = {key: _shown(shop, value) for key, value in made.items()}
        return {"fulfillmentOrder": find(shop, str(number)), **shown}

    return mutation(run, "fulfillmentOrder", *results)


def _shown(shop: ShopContext, value: Any) -> Any:
    """A fulfilment order of the books as it is now; anything else as it is."""
    if isinstance(value, dict) and "request_status" in value:
        return find(shop, str(value["id"]))
    return value


def _units(rows: list[dict[str, Any]] | None) -> dict[int, int] | None:
    return {number_of(row["id"]): row["quantity"] for row in rows} if rows else None


def _hold(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    number, given = number_of(arguments["id"]), arguments["fulfillmentHold"]
    rows = given.get("fulfillmentOrderLineItems") or []
    where = ("fulfillmentHold", "fulfillmentOrderLineItems")
    if len({row["id"] for row in rows}) < len(rows):
        raise Refused("must contain unique line item ids", *where, code="DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS")
    for index, row in enumerate(rows):
        if row["quantity"] <= 0:
            text = "You must select at least one item to place on partial hold."
            raise Refused(text, *where, str(index), "quantity", code="GREATER_THAN_ZERO")
    order = shop.store.owner(number)
    if order is None:
        raise Refused(rules.NOT_THERE, "id", code="FULFILLMENT_ORDER_NOT_FOUND")
    life = desk(shop).open(order)
    made, rest = rules.hold(
        life,
        rules.find(life, number, "id"),
        given["reason"],
        notes=given.get("reasonNotes"),
        handle=given.get("handle") or "",
        external_id=given.get("externalId"),
        app_id=shop.app.client_id,
        units=_units(rows),
    )
    desk(shop).keep("hold", life)
    return {
        "fulfillmentHold": hold(made, shop.app.client_id),
        "fulfillmentOrder": find(shop, str(number)),
        "remainingFulfillmentOrder": find(shop, str(rest["id"])) if rest else None,
    }


def _release(life: Life, one: dict[str, Any], arguments: dict[str, Any]) -> None:
    ids = arguments.get("holdIds")
    rules.release(life, one, None if ids is None else [number_of(each) for each in ids])


def _move(life: Life, one: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    units = _units(arguments.get("fulfillmentOrderLineItems"))
    moved, stayed = rules.move(life, one, number_of(arguments["newLocationId"]), units)
    return {"movedFulfillmentOrder": moved, "originalFulfillmentOrder": one, "remainingFulfillmentOrder": stayed}


def _submit(life: Life, one: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    rest = rules.submit(life, one, arguments.get("message"), _units(arguments.get("fulfillmentOrderLineItems")))
    return {"originalFulfillmentOrder": one, "submittedFulfillmentOrder": one, "unsubmittedFulfillmentOrder": rest}


def _split(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    """All splits or none: every one is checked before any is kept (recorded: fulfillment-order-batch-atomicity)."""
    lives: dict[int, Life] = {}
    pairs = []
    for index, given in enumerate(arguments["fulfillmentOrderSplits"]):
        rows = given["fulfillmentOrderLineItems"]
        where = ("fulfillmentOrderSplits", str(index), "fulfillmentOrderLineItems")
        if not rows:
            text = "There must be at least one item selected in this fulfillment to split it."
            raise Refused(text, *where, code="NO_LINE_ITEMS_PROVIDED_TO_SPLIT")
        for place_, row in enumerate(rows):
            if row["quantity"] <= 0:
                text = "You must select at least one item to split into a new fulfillment order."
                raise Refused(text, *where, str(place_), "quantity", code="GREATER_THAN")
        life, one = _opened(shop, lives, number_of(given["fulfillmentOrderId"]))
        pairs.append((one, rules.split(life, one, _units(rows) or {})))
    for life in lives.values():
        desk(shop).keep("split", life)
    return {
        "fulfillmentOrderSplits": [
            {
                "fulfillmentOrder": find(shop, str(one["id"])),
                "remainingFulfillmentOrder": find(shop, str(made["id"])),
                "replacementFulfillmentOrder": None,
            }
            for one, made in pairs
        ]
    }


def _merge(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    lives: dict[int, Life] = {}
    kept = []
    for given in arguments["fulfillmentOrderMergeInputs"]:
        opened = [_opened(shop, lives, number_of(one["fulfillmentOrderId"])) for one in given["mergeIntents"]]
        if len({id(life) for life, _ in opened}) > 1:
            raise Refused("Fulfillment orders of one order only can be merged.")
        kept.append(rules.merge(opened[0][0], [one for _, one in opened]))
    for life in lives.values():
        desk(shop).keep("merge", life)
    return {"fulfillmentOrderMerges": [{"fulfillmentOrder": find(shop, str(one["id"]))} for one in kept]}


def _opened(shop: ShopContext, lives: dict[int, Life], number: int) -> tuple[Life, dict[str, Any]]:
    order = shop.store.owner(number)
    if order is None:
        raise Refused(rules.NOT_THERE, code="FULFILLMENT_ORDER_NOT_FOUND")
    life = lives.get(order["id"]) or lives.setdefault(order["id"], desk(shop).open(order))
    return life, rules.find(life, number)


def _answer(kind: str) -> Work:
    return lambda life, one, arguments: rules.answer_request(life, one, kind, arguments.get("message"))


def _cancel(life: Life, one: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
    return {"replacementFulfillmentOrder": rules.cancel(life, one)}


def _progress(life: Life, one: dict[str, Any], arguments: dict[str, Any]) -> None:
    rules.report_progress(life, one, (arguments.get("progressReport") or {}).get("reasonNotes"))


RESOLVERS: dict[str, Resolver] = {
    **shows("FulfillmentOrder", FIELDS),
    **shows("FulfillmentOrderLineItem", ROW_FIELDS),
    "QueryRoot.fulfillmentOrder": lambda shop, _, arguments: shop.node(arguments["id"]),
    "QueryRoot.fulfillmentOrders": _list,
    "QueryRoot.manualHoldsFulfillmentOrders": _held,
    "Mutation.fulfillmentOrderHold": mutation(
        _hold, "fulfillmentHold", "fulfillmentOrder", "remainingFulfillmentOrder"
    ),
    "Mutation.fulfillmentOrderReleaseHold": _changes("release_hold", _release),
    "Mutation.fulfillmentOrderMove": _changes(
        "move", _move, movedFulfillmentOrder="", originalFulfillmentOrder="", remainingFulfillmentOrder=""
    ),
    "Mutation.fulfillmentOrderSplit": mutation(_split, "fulfillmentOrderSplits"),
    "Mutation.fulfillmentOrderMerge": mutation(_merge, "fulfillmentOrderMerges"),
    "Mutation.fulfillmentOrderOpen": _changes("open", lambda life, one, _: rules.mark_open(life, one)),
    "Mutation.fulfillmentOrderClose": _changes(
        "close_fulfillment_order", lambda life, one, given: rules.close_incomplete(life, one, given.get("message"))
    ),
    "Mutation.fulfillmentOrderCancel": _changes("cancel_fulfillment_order", _cancel, replacementFulfillmentOrder=""),
    "Mutation.fulfillmentOrderReportProgress": _changes("progress", _progress),
    "Mutation.fulfillmentOrderReschedule": _changes(
        "reschedule", lambda life, one, given: rules.reschedule(life, one, given["fulfillAt"])
    ),
    "Mutation.fulfillmentOrderSubmitFulfillmentRequest": _changes(
        "request",
        _submit,
        originalFulfillmentOrder="",
        submittedFulfillmentOrder="",
        unsubmittedFulfillmentOrder="",
    ),
    "Mutation.fulfillmentOrderAcceptFulfillmentRequest": _changes("accept", _answer("accept")),
    "Mutation.fulfillmentOrderRejectFulfillmentRequest": _changes("reject", _answer("reject")),
    "Mutation.fulfillmentOrderSubmitCancellationRequest": _changes(
        "request_cancellation", lambda life, one, given: rules.ask_cancellation(life, one, given.get("message"))
    ),
    "Mutation.fulfillmentOrderAcceptCancellationRequest": _changes(
        "accept_cancellation", _answer("accept_cancellation")
    ),
    "Mutation.fulfillmentOrderRejectCancellationRequest": _changes(
        "reject_cancellation", _answer("reject_cancellation")
    ),
}
NODES = {"FulfillmentOrder": find}

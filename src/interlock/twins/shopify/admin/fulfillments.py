"""Fulfillment as GraphQL shows it, and the mutations that make, correct and undo parcels."""

from __future__ import annotations

from typing import Any

from interlock.twins.shopify import shipments
from interlock.twins.shopify.admin.connections import connection
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid
from interlock.twins.shopify.admin.order_parts import line_item
from interlock.twins.shopify.admin.rest_shape import bag_of, constant, desk, mutation, number_of, shows, upper
from interlock.twins.shopify.desk import Refused
from interlock.twins.shopify.money import currencies_of
from interlock.twins.shopify.totals import gross, line_discount

Parent = dict[str, Any]
DISPLAY = {"success": "FULFILLED", "cancelled": "CANCELED", "pending": "SUBMITTED", "failure": "FAILURE"}
MOST_TRACKING = 250


def fulfillment(order: dict[str, Any], row: dict[str, Any]) -> Parent:
    """What the resolvers of Fulfillment read."""
    return {"__typename": "Fulfillment", "rest": row, "order": order}


def fulfillment_line(order: dict[str, Any], taken: dict[str, Any]) -> Parent:
    """A FulfillmentLineItem from what a parcel took."""
    line = next(one for one in order["line_items"] if one["id"] == taken["line_item_id"])
    return {"__typename": "FulfillmentLineItem", "taken": taken, "rest": line, "order": order}


def parcel_lines(shop: ShopContext, parent: Parent) -> list[dict[str, Any]]:
    """What a parcel took, one row for each order line of each fulfilment order."""
    book = desk(shop).book(parent["order"])
    booked = next((one for one in book["shipments"] if one["fulfillment_id"] == parent["rest"]["id"]), None)
    return booked["taken"] if booked else []


def _lines(shop: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    order = parent["order"]
    return connection(parcel_lines(shop, parent), arguments, show=lambda row: fulfillment_line(order, row))


def _fulfillment_orders(shop: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    numbers = sorted({row["fulfillment_order_id"] for row in parcel_lines(shop, parent)})
    return connection(numbers, arguments, show=lambda one: shop.node(gid("FulfillmentOrder", one)) or {})


def _tracking(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    rest = parent["rest"]
    numbers, urls = rest["tracking_numbers"], rest["tracking_urls"]
    rows = [
        {
            "company": rest["tracking_company"],
            "number": numbers[place] if place < len(numbers) else None,
            "url": urls[place] if place < len(urls) else None,
        }
        for place in range(max(len(numbers), len(urls)))
    ]
    return rows[: arguments.get("first") or MOST_TRACKING]


FIELDS: dict[str, str | Resolver] = {
    "id": "admin_graphql_api_id",
    "legacyResourceId": "id",
    "name": "name",
    "status": lambda _, parent, __: upper(parent["rest"]["status"]),
    "displayStatus": lambda _, parent, __: (
        upper(parent["rest"]["shipment_status"]) or DISPLAY[parent["rest"]["status"]]
    ),
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "deliveredAt": constant(None),
    "inTransitAt": constant(None),
    "estimatedDeliveryAt": constant(None),
    "requiresShipping": lambda _, parent, __: any(row["requires_shipping"] for row in parent["rest"]["line_items"]),
    "totalQuantity": lambda _, parent, __: sum(row["quantity"] for row in parent["rest"]["line_items"]),
    "trackingInfo": _tracking,
    "location": lambda shop, parent, _: place(shop, parent["rest"]["location_id"]),
    "order": lambda shop, parent, _: shop.node(gid("Order", parent["order"]["id"])),
    "fulfillmentLineItems": _lines,
    "fulfillmentOrders": _fulfillment_orders,
    "originAddress": constant(None),
    "service": constant(None),
}


def place(shop: ShopContext, number: int | None) -> Any:
    """The Location of an id; a place that the shop does not know is named all the same."""
    if number is None:
        return None
    unknown = {
        "id": gid("Location", number),
        "legacyResourceId": number,
        "name": "Shop location",
        "rest": {"id": number},
    }
    return shop.node(gid("Location", number)) or unknown


def _line_money(work: Any) -> Resolver:
    return lambda _, parent, __: bag_of(work(parent), currencies_of(parent["order"]))


def _discounted(parent: Parent) -> Any:
    line, units = parent["rest"], parent["taken"]["quantity"]
    off = currencies_of(parent["order"]).prorated(line_discount(line), units, line["quantity"])
    return gross(line, units) - off


LINE_FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("FulfillmentLineItem", parent["taken"]["id"]),
    "quantity": lambda _, parent, __: parent["taken"]["quantity"],
    "lineItem": lambda _, parent, __: line_item(parent["order"], parent["rest"]),
    "originalTotalSet": _line_money(lambda parent: gross(parent["rest"], parent["taken"]["quantity"])),
    "discountedTotalSet": _line_money(_discounted),
}


def find(shop: ShopContext, number: str) -> Parent | None:
    order = shop.store.owner(number_of(number))
    row = next((one for one in order["fulfillments"] if str(one["id"]) == number), None) if order else None
    return None if row is None or order is None else fulfillment(order, row)


def _follow(given: dict[str, Any] | None) -> shipments.Tracking:
    given = given or {}
    numbers = given.get("numbers") or ([given["number"]] if given.get("number") else [])
    urls = given.get("urls") or ([given["url"]] if given.get("url") else None)
    if urls is None and given.get("company") not in CARRIERS_WITH_URLS:
        urls = []
    return shipments.Tracking(given.get("company"), numbers, urls)


CARRIERS_WITH_URLS = frozenset({"UPS", None})


def _create(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    given = arguments["fulfillment"]
    groups = []
    for place_, group in enumerate(given["lineItemsByFulfillmentOrder"]):
        rows = group.get("fulfillmentOrderLineItems")
        for row_place, row in enumerate(rows or []):
            if row["quantity"] <= 0:
                where = ("lineItemsByFulfillmentOrder", str(place_), "fulfillmentOrderLineItems", str(row_place))
                raise Refused("Quantity must be greater than 0", "fulfillment", *where, "quantity")
        units = {number_of(row["id"]): row["quantity"] for row in rows} if rows else None
        groups.append(shipments.Group(number_of(group["fulfillmentOrderId"]), units))
    owners = [shop.store.owner(group.fulfillment_order_id) for group in groups]
    found = {one["id"]: one for one in owners if one}
    if not groups or len([one for one in owners if one]) < len(groups):
        raise Refused("Fulfillment order does not exist.", "fulfillment")
    if len(found) > 1:
        ids = sorted(found)
        text = f"All fulfillment orders must belong to the same order. Multiple orders with ids {ids} were found."
        raise Refused(text, "fulfillment")
    life = desk(shop).open(next(iter(found.values())))
    parcel = shipments.create(life, groups, _follow(given.get("trackingInfo")))
    desk(shop).keep("fulfil", life)
    return {"fulfillment": find(shop, str(parcel["id"]))}


def _update_tracking(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    number = number_of(arguments["fulfillmentId"])
    life, parcel = _opened(shop, number, "Fulfillment does not exist.", "fulfillmentId")
    shipments.update_tracking(life, parcel, _follow(arguments["trackingInfoInput"]))
    desk(shop).keep("tracking", life)
    return {"fulfillment": find(shop, str(number))}


def _cancel(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    number = number_of(arguments["id"])
    life, parcel = _opened(shop, number, "Fulfillment not found.", "id")
    shipments.cancel(life, parcel)
    desk(shop).keep("cancel_fulfillment", life)
    return {"fulfillment": find(shop, str(number))}


def _opened(shop: ShopContext, number: int, missing: str, *path: str) -> Any:
    order = shop.store.owner(number)
    life = desk(shop).open(order) if order else None
    parcel = shipments.find(life, number) if life else None
    if parcel is None:
        raise Refused(missing, *path)
    return life, parcel


RESOLVERS: dict[str, Resolver] = {
    **shows("Fulfillment", FIELDS),
    **shows("FulfillmentLineItem", LINE_FIELDS),
    "QueryRoot.fulfillment": lambda shop, _, arguments: shop.node(arguments["id"]),
    "Mutation.fulfillmentCreate": mutation(_create, "fulfillment"),
    "Mutation.fulfillmentTrackingInfoUpdate": mutation(_update_tracking, "fulfillment"),
    "Mutation.fulfillmentCancel": mutation(_cancel, "fulfillment"),
}
NODES = {"Fulfillment": find}

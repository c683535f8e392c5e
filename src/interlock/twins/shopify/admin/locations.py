"""Locations of the Admin API: read, opened and closed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.twins.shopify.admin.connections import connection
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid, split_gid, user_error
from interlock.twins.shopify.admin.search import Searched, search
from interlock.twins.shopify.goods import locations, stock
from interlock.twins.shopify.goods.stock import Movement
from interlock.twins.shopify.orders import timestamp

Row = Mapping[str, Any]
SEARCHED = {
    "id": Searched(lambda row: row["id"], "id"),
    "location_id": Searched(lambda row: row["id"], "id"),
    "name": Searched(lambda row: row["name"]),
    "active": Searched(lambda row: row["active"], "flag"),
    "legacy": Searched(lambda row: row["legacy"], "flag"),
    "created_at": Searched(lambda row: row["created_at"], "time"),
    **{
        name: Searched(lambda row, name=name: row[name])  # type: ignore[misc]
        for name in ("address1", "address2", "city", "country", "province", "zip")
    },
}


def view(row: Row, *, primary: bool = False) -> dict[str, Any]:
    """A record as the schema's Location."""
    lines = [row["name"], row["address1"], f"{row['city']} {row['province_code']} {row['zip']}", row["country_name"]]
    return {
        "__typename": "Location",
        "id": gid("Location", row["id"]),
        "legacyResourceId": row["id"],
        "name": row["name"],
        "isActive": row["active"],
        "isPrimary": primary,
        "isFulfillmentService": bool(row.get("fulfillment_service")),
        "fulfillsOnlineOrders": True,
        "shipsInventory": True,
        "activatable": True,
        "deactivatable": row["active"] and not primary,
        "deletable": False,
        "addressVerified": True,
        "deactivatedAt": row.get("deactivated_at"),
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "fulfillmentService": None,
        "address": {
            "address1": row["address1"],
            "address2": row["address2"],
            "city": row["city"],
            "country": row["country_name"],
            "countryCode": row["country_code"],
            "province": row["province"],
            "provinceCode": row["province_code"],
            "zip": row["zip"],
            "phone": row["phone"],
            "latitude": None,
            "longitude": None,
            "formatted": lines[1:],
        },
    }


def load(shop: ShopContext, number: str) -> dict[str, Any] | None:
    """A Location by its number."""
    row = locations.find(shop.world, number)
    return None if row is None else view(row, primary=row["id"] == shop.shop.location_id)


def one(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    """location(id); without an id the shop's primary one."""
    return shop.node(arguments.get("id") or gid("Location", shop.shop.location_id))


def listed(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    """locations: the active ones unless includeInactive."""
    found = search(arguments.get("query"), SEARCHED, default=("name", "city"), shop=shop, path="locations")
    inactive_too = bool(arguments.get("includeInactive"))
    return connection(
        sorted(locations.every(shop.world), key=_by_name),
        arguments,
        key=_by_name,
        wanted=lambda row: (row["active"] or inactive_too) and found.wanted(row),
        show=lambda row: view(row, primary=row["id"] == shop.shop.location_id),
    )


def activate(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """locationActivate."""
    row = _found(shop, arguments["locationId"])
    if row is None:
        wrong = user_error("Location not found.", "locationId", code="LOCATION_NOT_FOUND")
        return {"location": None, "locationActivateUserErrors": [wrong]}
    if not row["active"]:
        row = _switched(shop, row, active=True)
    return {"location": load(shop, str(row["id"])), "locationActivateUserErrors": []}


def deactivate(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """locationDeactivate: stock goes to the destination, without which a location that holds any stays open."""
    row = _found(shop, arguments["locationId"])
    asked = arguments.get("destinationLocationId")
    target = _found(shop, asked) if asked else None
    wrong = _cannot_deactivate(shop, row, asked, target)
    if wrong or row is None:
        return {"location": None if row is None else load(shop, str(row["id"])), "locationDeactivateUserErrors": wrong}
    if row["active"]:
        if target is not None:
            _relocate(shop, row, target)
        _switched(shop, row, active=False)
    return {"location": load(shop, str(row["id"])), "locationDeactivateUserErrors": []}


def has_active_inventory(shop: ShopContext, parent: Any, _: dict[str, Any]) -> bool:
    return _holds(shop, parent["legacyResourceId"], "on_hand")


def has_unfulfilled_orders(shop: ShopContext, parent: Any, _: dict[str, Any]) -> bool:
    return _holds(shop, parent["legacyResourceId"], "committed")


def _cannot_deactivate(shop: ShopContext, row: Any, asked: Any, target: Any) -> list[dict[str, Any]]:
    if row is None:
        return [user_error("Location not found.", "locationId", code="LOCATION_NOT_FOUND")]
    if row["id"] == shop.shop.location_id:
        message = "Location either has a fulfillment service or is the only location with a shipping address."
        return [user_error(message, "locationId", code="PERMANENTLY_BLOCKED_FROM_DEACTIVATION_ERROR")]
    if asked and (target is None or not target["active"]):
        message = "Destination location is not found or inactive."
        code = "DESTINATION_LOCATION_NOT_FOUND_OR_INACTIVE"
        return [user_error(message, "destinationLocationId", code=code)]
    if target is not None and target["id"] == row["id"]:
        message = "Destination location is the same as the location to be deactivated."
        return [user_error(message, "destinationLocationId", code="DESTINATION_LOCATION_IS_THE_SAME_LOCATION")]
    if target is None and _holds(shop, row["id"], "committed"):
        message = "Location could not be deactivated because it has pending orders."
        return [user_error(message, "locationId", code="HAS_FULFILLMENT_ORDERS_ERROR")]
    if target is None and _holds(shop, row["id"], "on_hand"):
        message = "Location could not be deactivated without specifying where to relocate inventory at the location."
        return [user_error(message, "locationId", code="HAS_ACTIVE_INVENTORY_ERROR")]
    return []


def _relocate(shop: ShopContext, row: Row, target: Row) -> None:
    """Move all that lies at a location to another one."""
    movements = [
        Movement(level["item"], place, name, sign * level[name])
        for level in stock.levels(shop.world, location=row["id"])
        for name in stock.KEPT
        for place, sign in ((row["id"], -1), (target["id"], 1))
        if level[name]
    ]
    changed = stock.applied(shop.world, movements, timestamp(shop.store.now()))
    shop.world.remember(*stock.records(changed), *shop.store.history.of(changed, shop.app.client_id, "relocated"))
    for one_level in changed:
        shop.emit("inventory_levels/update", stock.body(one_level))


def _switched(shop: ShopContext, row: Any, *, active: bool) -> Any:
    changed = locations.set_active(shop.world, row, timestamp(shop.store.now()), active=active)
    for topic in (f"locations/{'activate' if active else 'deactivate'}", "locations/update"):
        shop.emit(topic, locations.body(changed))
    return changed


def _holds(shop: ShopContext, location: int, name: str) -> bool:
    return any(stock.quantity(one, name) for one in stock.levels(shop.world, location=location) if one["active"])


def _found(shop: ShopContext, asked: str) -> Any:
    kind, number = split_gid(asked)
    return locations.find(shop.world, number) if kind == "Location" else None


def _by_name(row: Any) -> Any:
    return (row["name"], row["id"])


RESOLVERS: dict[str, Resolver] = {
    "QueryRoot.location": one,
    "QueryRoot.locations": listed,
    "Mutation.locationActivate": activate,
    "Mutation.locationDeactivate": deactivate,
    "Location.hasActiveInventory": has_active_inventory,
    "Location.hasUnfulfilledOrders": has_unfulfilled_orders,
}
NODES = {"Location": load}

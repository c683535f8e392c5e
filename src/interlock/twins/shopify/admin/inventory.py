"""Inventory of the Admin API: items, levels, and where they are read; what changes them is in inventory_changes.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from interlock.twins.shopify.admin.connections import connection, count
from interlock.twins.shopify.admin.context import AdminError, Resolver, ShopContext, gid, split_gid
from interlock.twins.shopify.admin.search import Searched, search
from interlock.twins.shopify.goods import stock

Row = Mapping[str, Any]
QUANTITY_IDS = "InventoryQuantity"
ITEM_SEARCH = {
    "created_at": Searched(lambda row: row["created_at"], "time"),
    "updated_at": Searched(lambda row: row["updated_at"], "time"),
    "id": Searched(lambda row: row["id"], "id"),
    "sku": Searched(lambda row: row["sku"]),
}
LEVEL_SEARCH = {
    "created_at": Searched(lambda row: row["created_at"], "time"),
    "updated_at": Searched(lambda row: row["updated_at"], "time"),
    "id": Searched(lambda row: row["location"], "id"),
    "inventory_item_id": Searched(lambda row: row["item"], "id"),
}


def item_view(row: Row) -> dict[str, Any]:
    """An InventoryItem without what hangs on it."""
    return {
        "__typename": "InventoryItem",
        "_row": row,
        "id": gid("InventoryItem", row["id"]),
        "legacyResourceId": row["id"],
        "sku": row["sku"],
        "tracked": row["tracked"],
        "requiresShipping": row["requires_shipping"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "countryCodeOfOrigin": row["country_code_of_origin"],
        "provinceCodeOfOrigin": row["province_code_of_origin"],
        "harmonizedSystemCode": row["harmonized_system_code"],
        "measurement": {
            "id": gid("InventoryItemMeasurement", row["id"]),
            "weight": {"unit": "GRAMS", "value": float(row["grams"])},
        },
    }


def level_view(row: Row) -> dict[str, Any]:
    """An InventoryLevel without what hangs on it."""
    return {
        "__typename": "InventoryLevel",
        "_row": row,
        "id": stock.level_gid(dict(row)),
        "isActive": row["active"],
        "canDeactivate": row["committed"] == 0,
        "deactivationAlert": None,
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
    }


def find_item(shop: ShopContext, asked: str) -> dict[str, Any] | None:
    """An item's record by gid."""
    kind, number = split_gid(asked)
    return shop.world.get("inventory_item", number) if kind == "InventoryItem" else None


def find_level(shop: ShopContext, asked: str) -> dict[str, Any] | None:
    """A level's record by gid: gid://shopify/InventoryLevel/<location>?inventory_item_id=<item>."""
    kind, location = split_gid(asked)
    item = asked.partition("?inventory_item_id=")[2]
    return stock.level(shop.world, item, location) if kind == "InventoryLevel" else None


def item(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    row = find_item(shop, arguments["id"])
    return None if row is None else item_view(row)


def level(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    row = find_level(shop, arguments["id"])
    return None if row is None else level_view(row)


def items(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    found = search(arguments.get("query"), ITEM_SEARCH, shop=shop, path="inventoryItems")
    rows = shop.memory.setdefault("inventory items", sorted(_all(shop, "inventory_item"), key=_id))
    return connection(rows, arguments, key=_id, wanted=found.wanted, show=item_view)


def item_level(shop: ShopContext, parent: Any, arguments: dict[str, Any]) -> Any:
    row = stock.level(shop.world, parent["_row"]["id"], split_gid(arguments["locationId"])[1])
    return level_view(row) if row is not None and (row["active"] or arguments.get("includeInactive")) else None


def item_levels(shop: ShopContext, parent: Any, arguments: dict[str, Any]) -> Any:
    rows = list(stock.levels(shop.world, item=parent["_row"]["id"]))
    return _levels(rows, arguments, lambda row: row["location"])


def location_level(shop: ShopContext, parent: Any, arguments: dict[str, Any]) -> Any:
    row = stock.level(shop.world, split_gid(arguments["inventoryItemId"])[1], parent["legacyResourceId"])
    return level_view(row) if row is not None and (row["active"] or arguments.get("includeInactive")) else None


def location_levels(shop: ShopContext, parent: Any, arguments: dict[str, Any]) -> Any:
    number = parent["legacyResourceId"]
    known = shop.memory.setdefault(f"levels of {number}", [])
    if not known:
        known += sorted(stock.levels(shop.world, location=number), key=lambda row: row["item"])
    return _levels(known, arguments, lambda row: row["item"])


def quantities(_: ShopContext, parent: Any, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """InventoryLevel.quantities(names). An unknown name is an error of the whole field."""
    row = parent["_row"]
    for name in arguments["names"]:
        if name not in stock.NAMES:
            raise AdminError(f"The quantity name '{name}' is invalid.", "INVALID_FIELD_ARGUMENTS")
    return [
        {
            "id": f"{gid(QUANTITY_IDS, row['location'])}?inventory_item_id={row['item']}&name={name}",
            "name": name,
            "quantity": stock.quantity(row, name),
            "updatedAt": row["updated_at"],
        }
        for name in arguments["names"]
    ]


def properties(_: ShopContext, __: Any, ___: dict[str, Any]) -> dict[str, Any]:
    """inventoryProperties: the names there are, and what on_hand is made of."""
    return {
        "quantityNames": [
            {
                "name": name,
                "displayName": name.replace("_", " ").capitalize(),
                "isInUse": True,
                "belongsTo": ["on_hand"] if name in stock.HELD else [],
                "comprises": list(stock.HELD) if name == "on_hand" else [],
            }
            for name in stock.NAMES
        ]
    }


def unit_cost(shop: ShopContext, parent: Any, _: dict[str, Any]) -> Any:
    cost = parent["_row"]["cost"]
    return None if cost is None else {"amount": cost, "currencyCode": shop.shop.currency}


def locations_count(shop: ShopContext, parent: Any, _: dict[str, Any]) -> Any:
    return count(sum(row["active"] for row in stock.levels(shop.world, item=parent["_row"]["id"])))


def level_item(shop: ShopContext, parent: Any, _: dict[str, Any]) -> Any:
    return shop.node(gid("InventoryItem", parent["_row"]["item"]))


def level_location(shop: ShopContext, parent: Any, _: dict[str, Any]) -> Any:
    return shop.node(gid("Location", parent["_row"]["location"]))


def item_variant(shop: ShopContext, parent: Any, _: dict[str, Any]) -> Any:
    return shop.node(gid("ProductVariant", parent["_row"]["variant_id"]))


def _levels(rows: list[Any], arguments: dict[str, Any], key: Callable[[Any], Any]) -> dict[str, Any]:
    found = search(arguments.get("query"), LEVEL_SEARCH)
    inactive_too = bool(arguments.get("includeInactive"))
    return connection(
        rows,
        arguments,
        key=key,
        wanted=lambda row: (row["active"] or inactive_too) and found.wanted(row),
        show=level_view,
    )


def _all(shop: ShopContext, kind: str) -> list[Any]:
    return [row for _, row in shop.world.rows(kind)]


def _id(row: Any) -> int:
    return int(row["id"])


def _load_item(shop: ShopContext, number: str) -> Any:
    row = shop.world.get("inventory_item", number)
    return None if row is None else item_view(row)


RESOLVERS: dict[str, Resolver] = {
    "QueryRoot.inventoryItem": item,
    "QueryRoot.inventoryItems": items,
    "QueryRoot.inventoryLevel": level,
    "QueryRoot.inventoryProperties": properties,
    "InventoryItem.inventoryLevel": item_level,
    "InventoryItem.inventoryLevels": item_levels,
    "InventoryItem.unitCost": unit_cost,
    "InventoryItem.locationsCount": locations_count,
    "InventoryItem.variant": item_variant,
    "InventoryLevel.quantities": quantities,
    "InventoryLevel.item": level_item,
    "InventoryLevel.location": level_location,
    "Location.inventoryLevel": location_level,
    "Location.inventoryLevels": location_levels,
}
NODES = {"InventoryItem": _load_item}

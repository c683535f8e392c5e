"""The mutations that change stock: set, adjust, move, stock an item at a location or take it away. All lines or none.

Error codes and rules: enums and input descriptions of the schema 2026-07 (F40-F45, F93). The text for a line without
`changeFromQuantity` is the platform's; the list of reasons is that of its page on quantities and states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from interlock.twins.shopify.admin.context import AdminError, Resolver, ShopContext, gid, split_gid, user_error
from interlock.twins.shopify.admin.inventory import find_item, find_level, item_view, level_view
from interlock.twins.shopify.goods import locations, products, stock
from interlock.twins.shopify.goods.stock import Movement
from interlock.twins.shopify.orders import timestamp

LINES_MAX = 250
TOTAL_MAX = 1_000_000_000
DELTA_MAX = 2_000_000_000
LEDGERS_MAX = 2
SETTABLE = frozenset({"available", "on_hand"})
ADJUSTABLE = frozenset({"available", "incoming", "reserved", "damaged", "safety_stock", "quality_control"})
REASONS = frozenset(
    {
        "correction", "cycle_count_available", "damaged", "movement_canceled", "movement_created", "movement_received",
        "movement_updated", "other", "promotion", "quality_control", "received", "reservation_created",
        "reservation_deleted", "reservation_updated", "restock", "safety_stock", "shrinkage",
    }
)  # fmt: skip
TEXTS = {
    "CHANGE_FROM_QUANTITY_STALE": "The changeFromQuantity argument no longer matches the persisted quantity.",
    "DIFFERENT_LOCATIONS": "The quantities can't be moved between different locations.",
    "INTERNAL_LEDGER_DOCUMENT": "Internal (gid://shopify/) ledger documents are not allowed to be adjusted via API.",
    "INVALID_AVAILABLE_DOCUMENT": "A ledger document URI is not allowed when adjusting available.",
    "INVALID_INVENTORY_ITEM": "The specified inventory item could not be found.",
    "INVALID_LEDGER_DOCUMENT": "The specified ledger document is invalid.",
    "INVALID_LOCATION": "The specified location could not be found.",
    "INVALID_NAME": "The quantity name must be either 'available' or 'on_hand'.",
    "INVALID_QUANTITY_DOCUMENT": "A ledger document URI is required except when adjusting available.",
    "INVALID_QUANTITY_NAME": "The specified quantity name is invalid.",
    "INVALID_QUANTITY_NEGATIVE": "The quantity can't be negative.",
    "INVALID_REASON": "The specified reason is invalid.",
    "INVALID_REFERENCE_DOCUMENT": "The specified reference document is invalid.",
    "ITEM_NOT_STOCKED_AT_LOCATION": "The specified inventory item is not stocked at the location.",
    "MAXIMUM_LEDGER_DOCUMENT_URIS": "Only a maximum of 2 ledger document URIs across all changes is allowed.",
    "MAX_ONE_LEDGER_DOCUMENT": "All changes must have the same ledger document URI or, in the case of adjusting "
    "available, no ledger document URI.",
    "NON_MUTABLE_INVENTORY_ITEM": "The specified inventory item is not allowed to be adjusted via API. Example: if the "
    "inventory item is a parent bundle.",
    "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR": "The combination of inventoryItemId and locationId must be unique.",
    "SAME_QUANTITY_NAME": "The quantity names for each change can't be the same.",
}
TOO_MUCH = {
    "set": ("INVALID_QUANTITY_TOO_HIGH", "The total quantity can't be higher than 1,000,000,000."),
    "adjust": ("INVALID_QUANTITY_TOO_HIGH", "The quantity can't be higher than 2,000,000,000."),
}
TOO_LITTLE = {
    "set": ("INVALID_QUANTITY_TOO_LOW", "The total quantity can't be lower than -1,000,000,000."),
    "adjust": ("INVALID_QUANTITY_TOO_LOW", "The quantity can't be lower than -2,000,000,000."),
}

Asked = Mapping[str, Any]
Errors = list[dict[str, Any]]


class Step(NamedTuple):
    """One planned change, the ledger document it names, and the level before it."""

    movement: Movement
    ledger: str | None


def set_quantities(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """inventorySetQuantities: absolute values of `available` or `on_hand`, each compared with what was expected."""
    asked = arguments["input"]
    lines = _lines(asked["quantities"], "InventoryQuantityInput")
    errors = _wrong_head(asked)
    if asked["name"] not in SETTABLE:
        errors.append(_error("INVALID_NAME", "input", "name"))
    seen: set[tuple[str, str]] = set()
    steps: list[Step] = []
    for number, line in enumerate(lines):
        path = ("input", "quantities", str(number))
        pair = (line["inventoryItemId"], line["locationId"])
        if pair in seen:
            errors.append(_error("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", *path, "locationId"))
            continue
        seen.add(pair)
        errors += _out_of_range(line["quantity"], TOTAL_MAX, "set", *path, "quantity")
        level = _level(shop, *pair, path, errors)
        if level is not None and asked["name"] in SETTABLE:
            before = stock.quantity(level, asked["name"])
            errors += _stale(line, before, path)
            movement = Movement(level["item"], level["location"], asked["name"], line["quantity"] - before)
            steps.append(Step(movement, None))
    return _done(shop, "inventory.set", asked, steps, errors)


def adjust_quantities(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """inventoryAdjustQuantities: so many more or less of one quantity."""
    asked = arguments["input"]
    lines, name = _lines(asked["changes"], "InventoryChangeInput"), asked["name"]
    errors = _wrong_head(asked)
    if name not in ADJUSTABLE:
        errors.append(_error("INVALID_QUANTITY_NAME", "input", "name"))
    if len({line.get("ledgerDocumentUri") for line in lines}) > 1:
        errors.append(_error("MAX_ONE_LEDGER_DOCUMENT", "input", "changes"))
    steps: list[Step] = []
    for number, line in enumerate(lines):
        path = ("input", "changes", str(number))
        errors += _out_of_range(line["delta"], DELTA_MAX, "adjust", *path, "delta")
        errors += _wrong_ledger(line.get("ledgerDocumentUri"), name, path)
        level = _level(shop, line["inventoryItemId"], line["locationId"], path, errors)
        if level is not None and name in ADJUSTABLE:
            before = stock.quantity(level, name)
            errors += _stale(line, before, path)
            errors += _out_of_range(before + line["delta"], DELTA_MAX, "adjust", *path, "delta")
            movement = Movement(level["item"], level["location"], name, line["delta"])
            steps.append(Step(movement, line.get("ledgerDocumentUri")))
    return _done(shop, "inventory.adjust", asked, steps, errors)


def move_quantities(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """inventoryMoveQuantities: from one quantity to another of an item at one location."""
    asked = arguments["input"]
    lines = asked["changes"]
    for line in lines:
        _lines([line["from"], line["to"]], "InventoryMoveQuantityTerminalInput")
    _lines(lines, None)
    errors = _wrong_head(asked)
    ledgers = {end.get("ledgerDocumentUri") for line in lines for end in (line["from"], line["to"])} - {None}
    if len(ledgers) > LEDGERS_MAX:
        errors.append(_error("MAXIMUM_LEDGER_DOCUMENT_URIS", "input", "changes"))
    steps: list[Step] = []
    for number, line in enumerate(lines):
        steps += _move(shop, line, ("input", "changes", str(number)), errors)
    return _done(shop, "inventory.move", asked, steps, errors)


def _move(shop: ShopContext, line: Asked, path: tuple[str, ...], errors: Errors) -> list[Step]:
    source, target = line["from"], line["to"]
    if source["locationId"] != target["locationId"]:
        errors.append(_error("DIFFERENT_LOCATIONS", *path))
    if source["name"] == target["name"]:
        errors.append(_error("SAME_QUANTITY_NAME", *path))
    if line["quantity"] < 0:
        errors.append(_error("INVALID_QUANTITY_NEGATIVE", *path, "quantity"))
    errors += _out_of_range(line["quantity"], DELTA_MAX, "adjust", *path, "quantity")
    level = _level(shop, line["inventoryItemId"], source["locationId"], path, errors)
    steps = []
    for end, sign, where in ((source, -1, "from"), (target, 1, "to")):
        if end["name"] not in ADJUSTABLE:
            errors.append(_error("INVALID_QUANTITY_NAME", *path, where, "name"))
        elif level is not None:
            errors += _wrong_ledger(end.get("ledgerDocumentUri"), end["name"], (*path, where))
            errors += _stale(end, stock.quantity(level, end["name"]), (*path, where))
            movement = Movement(level["item"], level["location"], end["name"], sign * line["quantity"])
            steps.append(Step(movement, end.get("ledgerDocumentUri")))
    return steps


def activate(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """inventoryActivate: stock an item at a location, with first quantities if asked."""
    item, number = find_item(shop, arguments["inventoryItemId"]), split_gid(arguments["locationId"])[1]
    place = locations.find(shop.world, number)
    available, on_hand = arguments.get("available"), arguments.get("onHand")
    level = None if item is None else stock.level(shop.world, item["id"], number)
    wrong = _cannot_activate(item, place, level, available, on_hand)
    if wrong or item is None:
        return {"inventoryLevel": None, "userErrors": wrong}
    if level is not None and level["active"]:
        return {"inventoryLevel": level_view(level), "userErrors": []}
    units = available if available is not None else on_hand or 0
    level = stock.new_level(item["id"], int(number), _now(shop), available=units)
    shop.world.apply("inventory.activate", stock.key_of(item["id"], number), *_records(shop, [level], "activated"))
    shop.emit("inventory_levels/connect", stock.body(level))
    shop.emit("inventory_levels/update", stock.body(level))
    return {"inventoryLevel": level_view(level), "userErrors": []}


def _cannot_activate(item: Any, place: Any, level: Any, available: int | None, on_hand: int | None) -> Errors:
    if item is None:
        return [user_error("The product couldn't be stocked because it wasn't found.", "inventoryItemId")]
    if place is None or not place["active"] or place.get("fulfillment_service"):
        return [user_error("The product couldn't be stocked because the location wasn't found.", "locationId")]
    if level is not None and level["active"] and (available is not None or on_hand is not None):
        message = "Not allowed to set available quantity when the item is already active at the location."
        return [user_error(message, "available" if available is not None else "onHand")]
    if available is not None and on_hand is not None:
        return [user_error("Only one of available and on hand can be set.", "available")]
    return []


def deactivate(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """inventoryDeactivate: an item is no longer stocked at a location; its last location and committed units stay."""
    level = find_level(shop, arguments["inventoryLevelId"])
    if level is None:
        return {"userErrors": [user_error("The product couldn't be unstocked because it wasn't found.")]}
    others = [row for row in stock.levels(shop.world, item=level["item"]) if row["active"] and row != level]
    if not others:
        message = "The product couldn't be unstocked because products need to be stocked at a minimum of 1 location."
        return {"userErrors": [user_error(message)]}
    if level["committed"] or level["incoming"]:
        message = "The product couldn't be unstocked because it has committed or incoming inventory at the location."
        return {"userErrors": [user_error(message)]}
    gone = {**level, **dict.fromkeys(stock.KEPT, 0), "active": False, "updated_at": _now(shop)}
    records = _records(shop, [gone], "deactivated")
    shop.world.apply("inventory.deactivate", stock.key_of(level["item"], level["location"]), *records)
    shop.emit("inventory_levels/disconnect", {"inventory_item_id": level["item"], "location_id": level["location"]})
    return {"userErrors": []}


def update_item(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """inventoryItemUpdate: sku, cost, tracked, requiresShipping, origin."""
    row = find_item(shop, arguments["id"])
    if row is None:
        message = "The product couldn't be updated because it does not exist."
        return {"inventoryItem": None, "userErrors": [user_error(message, "id")]}
    asked = arguments["input"]
    changed = {**row, **{mine: asked[theirs] for theirs, mine in ITEM_INPUT.items() if theirs in asked}}
    changed["updated_at"] = _now(shop)
    changes: list[Any] = [("inventory_item", str(row["id"]), changed)]
    variant = shop.world.get("variant", str(row["variant_id"]))
    if variant is not None and changed["sku"] != row["sku"]:
        changes.append(("variant", str(variant["id"]), {**variant, "sku": changed["sku"]}))
    shop.world.apply("inventoryItem.update", str(row["id"]), *changes)
    shop.emit("inventory_items/update", products.item_body(changed))
    return {"inventoryItem": item_view(changed), "userErrors": []}


ITEM_INPUT = {
    "sku": "sku",
    "cost": "cost",
    "tracked": "tracked",
    "requiresShipping": "requires_shipping",
    "countryCodeOfOrigin": "country_code_of_origin",
    "provinceCodeOfOrigin": "province_code_of_origin",
    "harmonizedSystemCode": "harmonized_system_code",
}


def _lines(lines: list[Any], input_type: str | None) -> list[Any]:
    """The lines, refused as a whole when there are too many or one leaves out what must be said."""
    if len(lines) > LINES_MAX:
        message = f"The input array size of {len(lines)} is greater than the maximum allowed of {LINES_MAX}."
        raise AdminError(message, "MAX_INPUT_SIZE_EXCEEDED")
    if input_type and any("changeFromQuantity" not in line for line in lines):
        message = f"{input_type} must include the following argument: changeFromQuantity."
        raise AdminError(message, "INVALID_FIELD_ARGUMENTS")
    return lines


def _wrong_head(asked: Asked) -> Errors:
    """What is wrong with the reason and the reference document."""
    errors = [] if asked["reason"] in REASONS else [_error("INVALID_REASON", "input", "reason")]
    uri = asked.get("referenceDocumentUri")
    if uri is not None and not _is_uri(uri):
        errors.append(_error("INVALID_REFERENCE_DOCUMENT", "input", "referenceDocumentUri"))
    return errors


def _wrong_ledger(uri: str | None, name: str, path: Iterable[str]) -> Errors:
    place = (*path, "ledgerDocumentUri")
    if name == "available":
        return [_error("INVALID_AVAILABLE_DOCUMENT", *place)] if uri is not None else []
    if uri is None:
        return [_error("INVALID_QUANTITY_DOCUMENT", *place)]
    if uri.startswith("gid://shopify/"):
        return [_error("INTERNAL_LEDGER_DOCUMENT", *place)]
    return [] if _is_uri(uri) else [_error("INVALID_LEDGER_DOCUMENT", *place)]


def _is_uri(text: str) -> bool:
    scheme, mark, content = text.partition("://")
    return bool(mark and scheme and content)


def _level(shop: ShopContext, item_gid: str, location_gid: str, path: Iterable[str], errors: Errors) -> Any:
    """The level that a line means; None, with the error noted, when it must not be changed."""
    item = find_item(shop, item_gid)
    kind, number = split_gid(location_gid)
    place = locations.find(shop.world, number) if kind == "Location" else None
    if item is None:
        errors.append(_error("INVALID_INVENTORY_ITEM", *path, "inventoryItemId"))
        return None
    if place is None or not place["active"] or place.get("fulfillment_service"):
        errors.append(_error("INVALID_LOCATION", *path, "locationId"))
        return None
    variant = shop.world.get("variant", str(item["variant_id"])) or {}
    if variant.get("requires_components"):
        errors.append(_error("NON_MUTABLE_INVENTORY_ITEM", *path, "inventoryItemId"))
        return None
    level = stock.level(shop.world, item["id"], number)
    if level is None or not level["active"]:
        errors.append(_error("ITEM_NOT_STOCKED_AT_LOCATION", *path, "locationId"))
        return None
    return level


def _stale(line: Asked, before: int, path: Iterable[str]) -> Errors:
    expected = line["changeFromQuantity"]
    if expected is None or expected == before:
        return []
    return [_error("CHANGE_FROM_QUANTITY_STALE", *path, "changeFromQuantity")]


def _out_of_range(value: int, limit: int, kind: str, *path: str) -> Errors:
    code, text = TOO_MUCH[kind] if value > limit else TOO_LITTLE[kind]
    return [user_error(text, *path, code=code)] if abs(value) > limit else []


def _done(shop: ShopContext, kind: str, asked: Asked, steps: list[Step], errors: Errors) -> dict[str, Any]:
    """Keep all steps and tell of them, or nothing when one is wrong."""
    if errors:
        return {"inventoryAdjustmentGroup": None, "userErrors": errors}
    changed = stock.applied(shop.world, (one.movement for one in steps), _now(shop))
    after = {(one["item"], one["location"]): one for one in changed}
    key = shop.world.next_id("adjustment")
    group = {
        "id": gid("InventoryAdjustmentGroup", key),
        "reason": asked["reason"],
        "referenceDocumentUri": asked.get("referenceDocumentUri"),
        "createdAt": _now(shop),
        "_changes": [_change(one, after) for one in steps if one.movement.delta],
    }
    detail = {"lines": len(steps), "referenceDocumentUri": asked.get("referenceDocumentUri")}
    records = _records(shop, changed, asked.get("referenceDocumentUri") or "")
    shop.world.apply(kind, key, *records, ("adjustment", key, group), detail=detail)
    for one in changed:
        shop.emit("inventory_levels/update", stock.body(one))
    return {"inventoryAdjustmentGroup": group, "userErrors": []}


def _records(shop: ShopContext, changed: list[Any], why: str) -> list[Any]:
    """Levels with what the history keeps of them: which app changed them, and why."""
    return [*stock.records(changed), *shop.store.history.of(changed, shop.app.client_id, why)]


def _change(step: Step, after: Mapping[tuple[int, int], Any]) -> dict[str, Any]:
    movement = step.movement
    level = after[movement.item, movement.location]
    return {
        "_item": movement.item,
        "_location": movement.location,
        "name": movement.name,
        "delta": movement.delta,
        "quantityAfterChange": stock.quantity(level, movement.name),
        "ledgerDocumentUri": step.ledger,
    }


def group_changes(_: ShopContext, parent: Any, arguments: dict[str, Any]) -> Any:
    """InventoryAdjustmentGroup.changes, by item, location and name if asked."""
    filters: tuple[tuple[str, Callable[[Any], Any]], ...] = (
        ("inventoryItemIds", lambda row: gid("InventoryItem", row["_item"])),
        ("locationIds", lambda row: gid("Location", row["_location"])),
        ("quantityNames", lambda row: row["name"]),
    )
    rows = parent["_changes"]
    for name, of in filters:
        wanted = arguments.get(name)
        rows = [row for row in rows if wanted is None or of(row) in wanted]
    return rows


def _now(shop: ShopContext) -> str:
    return timestamp(shop.store.now())


def _error(code: str, *path: str) -> dict[str, Any]:
    return user_error(TEXTS[code], *path, code=code)


RESOLVERS: dict[str, Resolver] = {
    "Mutation.inventorySetQuantities": set_quantities,
    "Mutation.inventoryAdjustQuantities": adjust_quantities,
    "Mutation.inventoryMoveQuantities": move_quantities,
    "Mutation.inventoryActivate": activate,
    "Mutation.inventoryDeactivate": deactivate,
    "Mutation.inventoryItemUpdate": update_item,
    "InventoryAdjustmentGroup.changes": group_changes,
    "InventoryChange.item": lambda shop, parent, _: shop.node(gid("InventoryItem", parent["_item"])),
    "InventoryChange.location": lambda shop, parent, _: shop.node(gid("Location", parent["_location"])),
}

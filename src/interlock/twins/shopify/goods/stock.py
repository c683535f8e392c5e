"""Stock: how much of an item lies at a location, in Shopify's eight quantities, and every way in which that changes.

Facts F40 and F41: on_hand = available + committed + reserved + damaged + safety_stock + quality_control, `incoming` is
outside of it; an order moves units from available to committed, a parcel takes them out of committed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from interlock.twins.shopify.orders import gid
from interlock.twins.world import Change, World

KIND = "stock"
Level = dict[str, Any]
Order = Mapping[str, Any]

HELD = ("available", "committed", "reserved", "damaged", "safety_stock", "quality_control")
"""What on_hand is the sum of."""
NAMES = (*HELD, "incoming", "on_hand")
KEPT = (*HELD, "incoming")
RESTOCKED = frozenset({"return", "cancel", "legacy_restock"})
ITEM_DISTANCE = 2_000_000_000_000
"""An inventory item's id is its variant's and this."""


class Movement(NamedTuple):
    """So many units more (or less) of one quantity, of an item at a location."""

    item: int
    location: int
    name: str
    delta: int


def key_of(item: int | str, location: int | str) -> str:
    """The key of a level's record."""
    return f"{location}:{item}"


def new_level(item: int, location: int, at: str, **quantities: int) -> Level:
    """An active level with nothing in it but `quantities`."""
    return {
        "item": item,
        "location": location,
        "active": True,
        "created_at": at,
        "updated_at": at,
        **dict.fromkeys(KEPT, 0),
        **quantities,
    }


def level(world: World, item: int | str, location: int | str) -> Level | None:
    """What lies of an item at a location; None where it was never stocked."""
    return world.get(KIND, key_of(item, location))


def levels(world: World, *, item: int | None = None, location: int | None = None) -> Iterator[Level]:
    """Levels of one item (over the few locations), or of one location (over all stock)."""
    if item is not None:
        places = [location] if location is not None else [row["id"] for _, row in world.rows("location")]
        found = (level(world, item, place) for place in places)
        return (one for one in found if one is not None)
    return (row for _, row in world.rows(KIND) if location in (None, row["location"]))


def quantity(one: Level, name: str) -> int:
    """One of the eight quantities."""
    return sum(one[part] for part in HELD) if name == "on_hand" else int(one[name])


def available(world: World, item: int) -> int:
    """What can be sold, over all active levels."""
    return sum(one["available"] for one in levels(world, item=item) if one["active"])


def applied(world: World, movements: Iterable[Movement], at: str) -> list[Level]:
    """The levels as they would be after all movements; nothing is kept yet. Units of on_hand are units of available."""
    changed: dict[str, Level] = {}
    for one in movements:
        key = key_of(one.item, one.location)
        before = changed.get(key) or world.get(KIND, key) or new_level(one.item, one.location, at)
        name = "available" if one.name == "on_hand" else one.name
        changed[key] = {**before, name: before[name] + one.delta, "updated_at": at}
    return list(changed.values())


def records(changed: Iterable[Level]) -> list[Change]:
    """Levels as changes of the world's records."""
    return [(KIND, key_of(one["item"], one["location"]), one) for one in changed]


def order_movements(before: Order | None, after: Order, location: int) -> list[Movement]:
    """What a change of an order does to stock (F41), worked out from the order before and after it.

    Units that wait are committed; units that an order adds leave `available`; restocked units of a refund come back to
    the refund's location. Lines that stock is not kept for (gift cards, deleted products) move nothing.
    """
    old = {line["id"]: line for line in before["line_items"]} if before else {}
    found: list[Movement] = []
    items: dict[int, int] = {}
    for line in after["line_items"]:
        if line["variant_inventory_management"] != "shopify" or line["variant_id"] is None:
            continue
        item = items[line["id"]] = line["variant_id"] + ITEM_DISTANCE
        was = old.get(line["id"])
        if was is None:
            found.append(Movement(item, location, "available", -line["quantity"]))
        waited = was["fulfillable_quantity"] if was else 0
        found.append(Movement(item, location, "committed", line["fulfillable_quantity"] - waited))
    found += _shipped_elsewhere(before, after, location, items)
    found += _restocked(before, after, location, items)
    return [one for one in found if one.delta]


def _shipped_elsewhere(
    before: Order | None, after: Order, location: int, items: Mapping[int, int]
) -> Iterator[Movement]:
    """Units were committed at one location and left another: the first has them for sale again."""
    known = {parcel["id"] for parcel in before["fulfillments"]} if before else set()
    for parcel in after["fulfillments"]:
        if parcel["id"] in known or parcel["location_id"] in (None, location):
            continue
        for row in parcel["line_items"]:
            if row["id"] in items:
                yield Movement(items[row["id"]], location, "available", row["quantity"])
                yield Movement(items[row["id"]], parcel["location_id"], "available", -row["quantity"])


def _restocked(before: Order | None, after: Order, location: int, items: Mapping[int, int]) -> Iterator[Movement]:
    known = {refund["id"] for refund in before["refunds"]} if before else set()
    for refund in after["refunds"]:
        for row in refund["refund_line_items"] if refund["id"] not in known else ():
            if row["restock_type"] in RESTOCKED and row["line_item_id"] in items:
                place = row["location_id"] or location
                yield Movement(items[row["line_item_id"]], place, "available", row["quantity"])


def moved(
    world: World,
    before: Order | None,
    after: Order,
    location: int,
    at: str,
    remembered: Callable[[list[Level]], list[Change]] = lambda _: [],
) -> list[dict[str, Any]]:
    """Book what an order's change does to stock; returns the bodies of the inventory_levels/update webhooks. `remembered`
    gives what to keep of the changed levels beside them.

    What happens where an item is not stocked counts at the primary `location`; items that are gone are left alone.
    """
    merged: dict[tuple[int, int, str], int] = defaultdict(int)
    for one in order_movements(before, after, location):
        place = one.location if level(world, one.item, one.location) else location
        if level(world, one.item, place):
            merged[one.item, place, one.name] += one.delta
    changed = applied(world, (Movement(*key, delta) for key, delta in merged.items() if delta), at)
    if changed:
        world.remember(*records(changed), *remembered(changed))
    return [body(one) for one in changed]


def body(one: Level) -> dict[str, Any]:
    """The body of inventory_levels/update and /connect (published sample, 2026-07)."""
    return {
        "inventory_item_id": one["item"],
        "location_id": one["location"],
        "available": one["available"],
        "updated_at": one["updated_at"],
        "admin_graphql_api_id": level_gid(one),
    }


def level_gid(one: Level) -> str:
    """gid://shopify/InventoryLevel/655441491?inventory_item_id=46870000000000."""
    return f"{gid('InventoryLevel', one['location'])}?inventory_item_id={one['item']}"

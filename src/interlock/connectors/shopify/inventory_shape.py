"""The stock of an item at a location that was read, as the body of inventory_levels/update; it tells more states."""

from typing import Any

from interlock.connectors.shopify.shape import Node, number


def level_body(item: Node) -> dict[str, Any]:
    """A node of documents/inventory_level.graphql. `available` is what the webhook tells; null is never said here."""
    level = item["inventoryLevel"]
    quantities = {one["name"]: one["quantity"] for one in level["quantities"]}
    return {
        "admin_graphql_api_id": level["id"],
        "inventory_item_id": number(item["id"]),
        "location_id": number(level["location"]["id"]),
        "sku": item["sku"],
        "updated_at": level["updatedAt"],
        "is_active": level["isActive"],
        **quantities,
    }

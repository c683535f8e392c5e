"""A fulfilment that was read, as the body of fulfillments/create."""

from typing import Any

from interlock.connectors.shopify.shape import Node, identity, number, number_of, word

TRACKED = frozenset({
    "LABEL_PURCHASED", "LABEL_PRINTED", "READY_FOR_PICKUP", "CONFIRMED", "CARRIER_PICKED_UP", "IN_TRANSIT", "DELAYED",
    "OUT_FOR_DELIVERY", "ATTEMPTED_DELIVERY", "DELIVERED", "FAILURE",
})  # fmt: skip
"""What a carrier has told (FulfillmentEventStatus, Admin GraphQL 2026-07). The other words of displayStatus are said while
nothing was told, where the webhook says null."""
MANUAL = "manual"


def fulfillment_body(node: Node, order: Node) -> dict[str, Any]:
    """`order` is the fulfilment's own: id, name and email. A line tells how many of it went with this parcel."""
    tracking = node["trackingInfo"]
    numbers = [one["number"] for one in tracking if one["number"]]
    urls = [one["url"] for one in tracking if one["url"]]
    return {
        **identity(node),
        "order_id": number(order["id"]),
        "name": node["name"],
        "email": order["email"],
        "status": word(node["status"]),
        "shipment_status": word(node["displayStatus"]) if node["displayStatus"] in TRACKED else None,
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "service": MANUAL if node["service"] is None else node["service"]["handle"],
        "location_id": number_of(node.get("location")),
        "tracking_company": next((one["company"] for one in tracking if one["company"]), None),
        "tracking_number": next(iter(numbers), None),
        "tracking_numbers": numbers,
        "tracking_url": next(iter(urls), None),
        "tracking_urls": urls,
        "line_items": [_line(one) for one in node["fulfillmentLineItems"]["nodes"]],
    }


def _line(node: Node) -> dict[str, Any]:
    line = node["lineItem"]
    return {**identity(line), "sku": line["sku"], "title": line["title"], "quantity": node["quantity"]}

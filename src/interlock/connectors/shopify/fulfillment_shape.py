"""A fulfilment that was read, as the body of fulfillments/create."""

from typing import Any

from interlock.connectors.shopify.shape import Node, identity, number, number_of, word


def fulfillment_body(node: Node, order: Node) -> dict[str, Any]:
    """`order` is the fulfilment's own: id and name. A line tells how many of it went with this parcel."""
    tracking = node["trackingInfo"]
    numbers = [one["number"] for one in tracking if one["number"]]
    urls = [one["url"] for one in tracking if one["url"]]
    return {
        **identity(node),
        "order_id": number(order["id"]),
        "name": node["name"],
        "status": word(node["status"]),
        "shipment_status": word(node["displayStatus"]),
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "service": None if node["service"] is None else node["service"]["handle"],
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

"""Where an order of the store is taken from: by its fulfilment orders, in every state of their lives, and read from the twin."""

from __future__ import annotations

from typing import Any

import pytest
from stock_shop import MAIN, STORE, Shop

from interlock.connectors.contract import Refused, stock
from interlock.connectors.shopify.stock_sale import sale_of

LINE = "gid://shopify/LineItem/1"


def part(place: str | None, waiting: int, sent: int = 0, *, status: str = "OPEN", line: str = LINE) -> dict[str, Any]:
    """A fulfilment order of one line."""
    row = {"totalQuantity": waiting + sent, "remainingQuantity": waiting, "lineItem": {"id": line}}
    assigned = None if place is None else {"id": f"gid://shopify/Location/{place}"}
    return {"status": status, "assignedLocation": {"location": assigned}, "lineItems": {"nodes": [row]}}


def order(takes: int, *parts: dict[str, Any], shop: str = "", **more: Any) -> dict[str, Any]:
    """An order of one line; `shop`: it was made at a till there."""
    variant = {"id": "gid://shopify/ProductVariant/5", "inventoryItem": {"tracked": True}}
    line = {"id": LINE, "sku": "TEE", "currentQuantity": takes, "isGiftCard": False, "variant": variant}
    return {
        "id": "gid://shopify/Order/7", "name": "#7", "createdAt": "2026-07-02T00:00:00Z", "updatedAt": "2026-07-02T00:00:01Z",
        "cancelledAt": None, "retailLocation": {"id": f"gid://shopify/Location/{shop}"} if shop else None,
        "lineItems": {"nodes": [{**line, **more.pop("line", {})}]}, "fulfillmentOrders": {"nodes": list(parts)}, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("node", "places", "unrouted"),
    [
        (order(3), {"": 3}, True),
        (order(3, part("11", 3)), {"11": 3}, False),
        (order(3, part("11", 2), part("12", 1)), {"11": 2, "12": 1}, False),
        (order(3, part("11", 2)), {"11": 2, "": 1}, True),
        (order(3, part("11", 3, status="CANCELLED"), part("12", 3)), {"12": 3}, False),
        (order(3, part("11", 1, 2, status="CLOSED"), part("12", 1)), {"11": 2, "12": 1}, False),
        (order(2, part("11", 1, 2, status="IN_PROGRESS")), {"11": 2}, False),
        (order(2, part("11", 0, 2, status="CLOSED"), part("12", 1)), {"12": 1, "11": 1}, False),
        (order(3, part(None, 3)), {"": 3}, True),
        (order(1, part("12", 1), shop="11"), {"12": 1}, False),
        (order(1, shop="11"), {"11": 1}, True),
        (order(1, shop="11", fulfillmentOrders=None), {"11": 1}, False),
        (order(3, part("11", 3), cancelledAt="2026-07-03T00:00:00Z"), {}, False),
        (order(0, part("11", 0)), {}, False),
        (order(1, part("11", 1), line={"isGiftCard": True}), {}, False),
        (order(1, part("11", 1), line={"variant": None}), {}, False),
        (order(1, part("11", 1), line={"variant": {"id": "x", "inventoryItem": {"tracked": False}}}), {}, False),
    ],
    ids=[
        "not routed yet", "at one", "at two", "half", "replaced", "sent and moved", "sent in part", "sent and refunded",
        "at no place any more", "sold at a till, sent from elsewhere", "a till", "a till, may not look", "cancelled", "refunded",
        "gift card", "deleted", "not counted",
    ],
)  # fmt: skip
def test_where_an_order_is_taken_from(node: dict[str, Any], places: dict[str, int], unrouted: bool) -> None:
    """What waits lies where it is assigned, what was sent lay where it left, and what came back of it is taken no more; a fulfilment
    order that was cancelled or closed has others in its place (C61, F50). Of the rest nothing is told, or only the till."""
    sale = sale_of(node)
    assert {line.location: line.quantity for line in sale.lines} == places
    assert sale.unrouted is unrouted
    assert all((line.item, line.sku) == ("5", "TEE") for line in sale.lines)
    assert (sale.key, sale.name, sale.version - sale.accepted_us) == ("7", "#7", 1_000_000)


def read(shop: Shop, key: str, name: str = "order") -> Any:
    return shop.use(lambda channel: channel.sale(name, key, timeout_seconds=10))


def placed(shop: Shop, scenario: str = "plain") -> str:
    return str(shop.call("POST", "/_twin/orders", {"scenario": scenario})["orders"][0]["id"])


def places(sale: stock.Sale) -> set[str]:
    return {line.location for line in sale.lines}


def test_an_order_is_followed_to_where_it_is_moved(shop: Shop) -> None:
    """Assigned to the main location, then moved: found again by the order, and by the fulfilment order that the webhook names."""
    key = placed(shop)
    before = read(shop, key)
    assert isinstance(before, stock.Sale) and (places(before), before.unrouted) == ({MAIN}, False)
    shop.call("POST", f"/_twin/orders/{key}/move", {"location_id": int(STORE)})
    after = read(shop, key)
    assert places(after) == {STORE} and sum(one.quantity for one in after.lines) == sum(one.quantity for one in before.lines)
    asked = "query($id: ID!) { order(id: $id) { fulfillmentOrders(first: 1) { nodes { id } } } }"
    (one,) = shop.admin(asked, id=f"gid://shopify/Order/{key}")["data"]["order"]["fulfillmentOrders"]["nodes"]
    assert read(shop, one["id"].rpartition("/")[2], "fulfillment_order") == after


def test_an_order_of_three_hundred_lines_takes_all_of_them(shop: Shop) -> None:
    """More lines than one query holds: each is taken, where as far as the query says (C39)."""
    key = placed(shop, "lines_300")
    lines = shop.call("GET", f"/admin/api/2026-07/orders/{key}.json")["order"]["line_items"]
    sale = read(shop, key)
    assert sum(one.quantity for one in sale.lines) == sum(line["current_quantity"] for line in lines)
    assert MAIN in places(sale) and not sale.unrouted, "it is not read over and over"


@pytest.mark.parametrize(("name", "key"), [("order", "1"), ("fulfillment_order", "1"), ("order", "x"), ("refund", "1")])
def test_what_there_is_not_is_refused(shop: Shop, name: str, key: str) -> None:
    """Never taken for an order that takes nothing."""
    assert isinstance(read(shop, key, name), Refused)

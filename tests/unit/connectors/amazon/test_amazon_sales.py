"""What shoppers bought at Amazon: read by a cursor that loses nothing, told by notifications, and Amazon's published samples."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any

import msgspec
import pytest

from interlock.connectors.amazon import orders
from interlock.connectors.amazon.listings import Listing
from interlock.connectors.amazon.notifications import told
from interlock.connectors.contract import MappingError, Retry, stock

FIXTURES = files("interlock.connectors.amazon") / "fixtures"
SECONDS = 60.0


def now_us() -> int:
    return round(datetime.now(UTC).timestamp() * 1_000_000)


def sales(seller: Any, cursor: str = "") -> tuple[list[stock.Sale], str]:
    """Everything since a cursor, and the cursor to save."""

    async def story(channel: Any) -> Any:
        found, after = [], ""
        while True:
            page = await channel.sales(cursor, after, timeout_seconds=SECONDS)
            found += page.sales
            if not (after := page.after):
                return found, page.cursor

    result: tuple[list[stock.Sale], str] = seller.run(story)
    return result


def test_sales_are_what_orders_still_take(sellers: Any) -> None:
    """C61: each order with its lines, the version of its last change, and no lines once it is cancelled."""
    seller = sellers(orders_settled_seconds=0)
    before = now_us()
    two = {"lines": [{"sku": "MUG", "quantity": 2}, {"sku": "CUP/1"}]}
    first, second = (seller.call("POST", "/_twin/sales", body) for body in (two, {"sku": "MUG"}))
    found, cursor = sales(seller)
    assert [(sale.key, [(one.sku, one.quantity, one.location) for one in sale.lines]) for sale in found] == [
        (first["orderId"], [("MUG", 2, "DEFAULT"), ("CUP/1", 1, "DEFAULT")]),
        (second["orderId"], [("MUG", 1, "DEFAULT")]),
    ]
    assert before <= found[0].accepted_us == found[0].version <= now_us()
    seller.call("POST", f"/_twin/orders/{first['orderId']}/cancel", {})
    seller.call("POST", f"/_twin/orders/{second['orderId']}/ship", {})
    again = {sale.key: sale for sale in sales(seller, cursor)[0]}
    assert again[first["orderId"]].lines == ()
    assert again[first["orderId"]].version > found[0].version
    assert len(again[second["orderId"]].lines) == 1  # sent, and perhaps not seen by the source yet


def test_all_pages_are_read_with_the_parameters_of_the_first(sellers: Any) -> None:
    """A hundred orders are a page; each comes once."""
    seller = sellers(orders_settled_seconds=0, items=[{"sku": "MUG", "quantity": 1000}])
    placed = [seller.call("POST", "/_twin/sales", {"sku": "MUG"})["orderId"] for _ in range(105)]
    assert [sale.key for sale in sales(seller)[0]] == placed


def test_an_order_that_is_told_late_is_not_lost(seller: Any) -> None:
    """Amazon tells nothing of the last two minutes: the saved cursor is no later than what was told. Control: now, which a
    reader of its own clock would save, is later than the order, and loses it."""
    order = seller.call("POST", "/_twin/sales", {"sku": "MUG"})
    placed = datetime.fromisoformat(order["createdTime"]).timestamp() * 1_000_000
    found, cursor = sales(seller)
    assert found == []
    assert int(cursor) < placed < now_us()
    assert int(cursor) > placed - 2 * 120_000_000 - orders.OVERLAP_US


def test_orders_are_asked_for_within_their_plan(seller: Any) -> None:
    """One call in three minutes, twenty at once: the next says when it may be made, instead of waiting for it."""

    async def story(channel: Any) -> list[Any]:
        return [await channel.sales("", "", timeout_seconds=2.0) for _ in range(22)]

    found = seller.run(story)
    refused = [page for page in found if isinstance(page, Retry)]
    assert 15 <= len(found) - len(refused) <= 20
    assert all(one.code == "USAGE-PLAN" and one.retry_after_seconds > 60 for one in refused)


def test_a_quantity_notification_is_a_level() -> None:
    """What the listing shows now, as of the time of the event."""
    body = {
        "NotificationType": "LISTINGS_ITEM_MFN_QUANTITY_CHANGE", "EventTime": "2026-11-23T18:59:30.194Z",
        "Payload": {"SellerId": "A", "FulfillmentChannelCode": "DEFAULT", "Sku": "MUG", "Quantity": 99},
    }  # fmt: skip
    (level,) = told(json.dumps(body).encode()).levels
    assert (level.item, level.location, level.quantities) == ("MUG", "DEFAULT", {"available": Decimal(99)})
    assert level.as_of_us == 1_795_460_370_194_000


def test_the_published_order_notification_is_a_sale() -> None:
    """Amazon's own example: ten of one SKU, changed when its trigger says."""
    (sale,) = told((FIXTURES / "notification.OrderChangeNotification.json").read_bytes()).sales
    assert (sale.key, [(one.sku, one.quantity) for one in sale.lines]) == (
        "903-8868176-2219830",
        [("SellerSKUID1", 10)],
    )
    assert sale.accepted_us < sale.version == 1_669_750_924_284_000


def test_an_order_without_times_of_its_own_has_those_of_its_notification() -> None:
    """Amazon's schema lets both be null: the sale counts all the same, as of when it was told."""
    document = json.loads((FIXTURES / "notification.OrderChangeNotification.json").read_bytes())
    order = document["Payload"]["OrderChangeNotification"]
    order["OrderChangeTrigger"]["TimeOfOrderChange"] = order["Summary"]["PurchaseDate"] = None
    document["EventTime"] = "2026-11-24T01:00:00.5Z"
    (sale,) = told(json.dumps(document).encode()).sales
    assert sale.lines and sale.version == sale.accepted_us == 1_795_482_000_500_000


@pytest.mark.parametrize(("changed", "sales_told", "lines"), [("Canceled", 1, 0), ("Unshipped", 1, 1)])
def test_a_cancelled_order_takes_nothing_any_more(changed: str, sales_told: int, lines: int) -> None:
    """And an order from Amazon's warehouses never did."""
    document = json.loads((FIXTURES / "notification.OrderChangeNotification.json").read_bytes())
    summary = document["Payload"]["OrderChangeNotification"]["Summary"]
    summary["OrderStatus"] = changed
    found = told(json.dumps(document).encode()).sales
    assert (len(found), len(found[0].lines)) == (sales_told, lines)
    summary["FulfillmentType"] = "AFN"
    assert told(json.dumps(document).encode()).sales == ()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b'{"NotificationType": "ORDER_CHANGE", "EventTime": "x", "Payload": {}}',
        (b'{"NotificationType": "LISTINGS_ITEM_MFN_QUANTITY_CHANGE", "EventTime": "yesterday", "Payload": '
        b'{"Sku": "A", "FulfillmentChannelCode": "DEFAULT", "Quantity": 1}}'),
    ],
)  # fmt: skip
def test_a_notification_that_cannot_be_read_is_an_error(body: bytes) -> None:
    """Never silence; another kind of notification says nothing of stock, and is no error."""
    with pytest.raises(MappingError):
        told(body)
    assert told(b'{"NotificationType": "FEE_PROMOTION", "EventTime": "x", "Payload": {}}') == stock.Told()


def test_amazons_sandbox_answers_are_read() -> None:
    """The published answers of the three operations that are read, through the same structs as live ones."""
    cases = json.loads((FIXTURES / "listingsItems.sandbox-cases.json").read_bytes())
    good = [case["response"] for case in cases if case["method"] == "GET" and case["status"] == "200"]
    read = [msgspec.convert(item, Listing) for answer in good for item in answer.get("items", [answer])]
    shown = [one for listing in read for one in listing.seen()]
    assert any(one.place == stock.Place("GM-ZDPI-9B4E", "DEFAULT") and one.quantity == 100 for one in shown)
    listed = json.loads((FIXTURES / "orders.sandbox-cases.json").read_bytes())
    pages = [case["response"] for case in listed if case["path"].endswith("/orders") and case["status"] == "200"]
    found = [orders._sale(order) for page in pages for order in msgspec.convert(page, orders._Found).orders]
    assert len(found) >= 3
    assert all(sale.version >= sale.accepted_us > 0 for sale in found)

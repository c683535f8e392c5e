"""The ShipBob twin keeps ShipBob's rules: one order for each reference id, cancellation, stock, rate limit."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.twins.shipbob_schema import problems_of

ORDERS = "/2026-01/order"
HEADERS = {"authorization": "Bearer twin-token", "shipbob_channel_id": "100"}
UNLIMITED = {"rate_per_minute": 0}


def order(reference: str = "R1", **changes: Any) -> dict[str, Any]:
    return {
        "reference_id": reference,
        "shipping_method": "Standard",
        "type": "DTC",
        "recipient": {"name": "Ann Lee", "address": {"address1": "1 Way", "city": "Gotham", "country": "US"}},
        "products": [{"reference_id": "TShirtBlueM", "quantity": 2}],
    } | changes


def test_a_reference_id_makes_one_order(start_twin: Any) -> None:
    """The second POST is 422 with ShipBob's own text, and the order is found by its reference: once-only by look-up."""
    twin = start_twin("shipbob", headers=HEADERS)
    first = twin.send("POST", ORDERS, order())
    assert first.status == 201
    again = twin.send("POST", ORDERS, order())
    assert (again.status, again.json) == (422, {"": ["Cannot insert order with existing ReferenceId"]})
    found = twin.send("GET", f"{ORDERS}?ReferenceIds=R1,R2").json
    assert [row["id"] for row in found] == [first.json["id"]]
    assert twin.send("GET", f"{ORDERS}/{first.json['id']}").json == first.json
    assert twin.summary()["duplicates"] == []


def test_without_the_check_a_naive_client_duplicates(start_twin: Any) -> None:
    """Control: the vendor's check off, a retried POST is two orders, and the summary shows it."""
    twin = start_twin("shipbob", {"unique_reference": False}, HEADERS)
    assert [twin.send("POST", ORDERS, order()).status for _ in range(2)] == [201, 201]
    assert twin.summary()["duplicates"] == [{"key": "R1", "kind": "order.create", "count": 2}]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"shipping_method": None}, "shipping_method"),
    ({"type": "Gift"}, "type"),
    ({"products": []}, "products"),
    ({"products": [{"reference_id": "X", "quantity": 0}]}, "products[0].quantity"),
    ({"products": [{"quantity": 1}]}, "products[0]"),
    ({"products": [{"reference_id": "X", "quantity": "1"}]}, "products[0].quantity"),
    ({"recipient": {"name": "Ann", "address": {"address1": "1", "country": "US"}}}, "recipient.address.city"),
    ({"gift_message": "x" * 501}, "gift_message"),
    ({"referenceId": "typo"}, "referenceId"),
]


@pytest.mark.parametrize(("change", "path"), WRONG)
def test_bodies_are_checked_against_the_schema(change: dict[str, Any], path: str) -> None:
    """Each wrong member is named by its path."""
    assert list(problems_of(order(**change))) == [path]
    assert problems_of(order()) == {}


def test_wrong_body_is_400_and_makes_nothing(start_twin: Any) -> None:
    """The check stands before the effect."""
    twin = start_twin("shipbob", headers=HEADERS)
    change, path = WRONG[0]
    answer = twin.send("POST", ORDERS, order(**change))
    assert (answer.status, list(answer.json)) == (400, [path])
    assert twin.summary()["total"] == 0


def test_unknown_product_needs_a_name(start_twin: Any) -> None:
    """A SKU that ShipBob does not know becomes a product when it has a name, else the order is refused."""
    twin = start_twin("shipbob", {"products": ["KNOWN"]}, HEADERS)
    line = {"reference_id": "NEW", "quantity": 1}
    refused = twin.send("POST", ORDERS, order(products=[line]))
    assert (refused.status, list(refused.json)) == (400, ["products[0].name"])
    assert twin.send("POST", ORDERS, order(products=[line | {"name": "New"}])).status == 201


def test_authentication_and_channel(start_twin: Any) -> None:
    """401 without a token, 403 for another's channel, 400 when a create names no channel."""
    twin = start_twin("shipbob")
    assert twin.send("GET", ORDERS).status == 401
    assert twin.send("POST", ORDERS, order(), HEADERS | {"shipbob_channel_id": "1"}).status == 403
    assert twin.send("POST", ORDERS, order(), {"authorization": "Bearer twin-token"}).status == 400


def test_stock_follows_create_cancel_and_fulfil(start_twin: Any) -> None:
    """Committed stock is held by an open order and freed by cancelling; a fulfilled order leaves the shelf."""
    config = UNLIMITED | {"products": [{"reference_id": "TShirtBlueM", "on_hand": 10}]}
    twin = start_twin("shipbob", config, HEADERS)

    def stock() -> tuple[int, int, int]:
        row = twin.send("GET", "/2026-01/inventory-level").json["items"][0]
        return row["total_on_hand_quantity"], row["total_committed_quantity"], row["total_sellable_quantity"]

    one = twin.send("POST", ORDERS, order("R1")).json
    twin.send("POST", ORDERS, order("R2"))
    assert stock() == (10, 4, 6)
    cancelled = twin.send("POST", f"{ORDERS}/{one['id']}:cancel").json
    assert (cancelled["status"], cancelled["order"]["status"]) == ("Success", "Cancelled")
    assert stock() == (10, 2, 8)
    assert twin.send("POST", f"{ORDERS}/{one['id']}:cancel").status == 422
    done = twin.send("POST", "/_twin/orders/R2/fulfill").json
    assert done["shipments"][0]["tracking"]["tracking_number"].startswith("9400")
    assert stock() == (8, 0, 8)
    twin.stop()
    twin.start()
    assert stock() == (8, 0, 8)


def test_sliding_rate_limit(start_twin: Any) -> None:
    """150 a minute by default; ShipBob's own headers count down and say when to come back."""
    twin = start_twin("shipbob", {"rate_per_minute": 2}, HEADERS)
    assert [twin.send("GET", ORDERS).headers["x-remaining-calls"] for _ in range(2)] == ["1", "0"]
    refused = twin.send("GET", ORDERS)
    assert (refused.status, refused.json["statusCode"]) == (429, 429)
    assert 0 < int(refused.headers["x-retry-after"]) <= 60


def test_pages(start_twin: Any) -> None:
    """A list has pages, and says so in a header."""
    twin = start_twin("shipbob", UNLIMITED, HEADERS)
    for number in range(3):
        twin.send("POST", ORDERS, order(f"R{number}"))
    first = twin.send("GET", f"{ORDERS}?Limit=2")
    assert [row["reference_id"] for row in first.json] == ["R0", "R1"]
    second = twin.send("GET", first.headers["next-page"])
    assert [row["reference_id"] for row in second.json] == ["R2"]
    assert "next-page" not in second.headers

"""Keeps fulfilment orders in line with their order: who ships which units of which line, and what is left to ship.

Recorded at Shopify (2026-04, airhorns/shopify-draft-proxy, fixtures/conformance): units taken off by an edit leave the
line of the fulfilment order and its total; a line that an edit adds gets a fulfilment order of its own; one whose units
all left is CLOSED; a parcel that took a part leaves it IN_PROGRESS. From memory: a cancelled order's are CANCELLED.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from interlock.twins.shopify.orders import gid

Order = dict[str, Any]
Book = dict[str, Any]
FulfillmentOrder = dict[str, Any]
NewId = Callable[[], int]

LIVE = frozenset({"OPEN", "IN_PROGRESS", "SCHEDULED", "ON_HOLD", "INCOMPLETE"})


def follow(order: Order, book: Book, location_id: int, new_id: NewId) -> None:
    """Book new parcels, then give or take units until every line's live remainder is its fulfillable quantity."""
    first = not book["fulfillment_orders"]
    for fulfillment in order["fulfillments"]:
        if first:
            break  # there is nothing yet that a parcel could have been taken from: see _history
        _book_parcel(book, fulfillment, new_id)
    missing: list[tuple[dict[str, Any], int]] = []
    for line in order["line_items"]:
        waiting = sum(row["remaining"] for _, row in live_rows(book, line["id"]))
        if waiting > line["fulfillable_quantity"]:
            _take_off(book, line["id"], waiting - line["fulfillable_quantity"])
        elif waiting < line["fulfillable_quantity"]:
            missing.append((line, line["fulfillable_quantity"] - waiting))
    _assign(order, book, missing, location_id, new_id)
    if first:
        _history(order, book, location_id, new_id)
    _close(order, book)


def live_rows(book: Book, line_id: int) -> Iterator[tuple[FulfillmentOrder, dict[str, Any]]]:
    """(fulfilment order, its row) of an order line, where units may still wait; what is held comes last."""
    live = (one for one in book["fulfillment_orders"] if one["status"] in LIVE)
    for one in sorted(live, key=lambda one: one["status"] == "ON_HOLD"):
        for row in one["lines"]:
            if row["line_item_id"] == line_id:
                yield one, row


def new_fulfillment_order(order: Order, location_id: int, method: str, new_id: NewId) -> FulfillmentOrder:
    """An open fulfilment order without lines; `method` is SHIPPING, RETAIL, NONE, PICK_UP or LOCAL."""
    return {
        "id": new_id(),
        "status": "OPEN",
        "request_status": "UNSUBMITTED",
        "assigned_location_id": location_id,
        "method": method,
        "created_at": order["updated_at"],
        "updated_at": order["updated_at"],
        "fulfill_at": order["created_at"],
        "fulfill_by": None,
        "holds": [],
        "merchant_requests": [],
        "lines": [],
    }


def new_row(line_item_id: int, units: int, new_id: NewId) -> dict[str, Any]:
    """A line of a fulfilment order: what it was given and what is left to ship."""
    return {"id": new_id(), "line_item_id": line_item_id, "total": units, "remaining": units}


def method_of(order: Order, line: dict[str, Any]) -> str:
    """How a line reaches the customer."""
    if not line["requires_shipping"]:
        return "NONE"
    return "RETAIL" if order["source_name"] == "pos" else "SHIPPING"


def _assign(
    order: Order, book: Book, missing: list[tuple[dict[str, Any], int]], location_id: int, new_id: NewId
) -> None:
    """New fulfilment orders for units that none has, one for each way of delivery."""
    opened: dict[str, FulfillmentOrder] = {}
    for line, units in missing:
        method = method_of(order, line)
        if method not in opened:
            opened[method] = new_fulfillment_order(order, location_id, method, new_id)
            book["fulfillment_orders"].append(opened[method])
        opened[method]["lines"].append(new_row(line["id"], units, new_id))


def _history(order: Order, book: Book, location_id: int, new_id: NewId) -> None:
    """For an order that came with its history: every parcel as a closed fulfilment order of its own."""
    for fulfillment in order["fulfillments"]:
        where = fulfillment["location_id"] or location_id
        one = new_fulfillment_order(order, where, "SHIPPING", new_id)
        one["lines"] = [new_row(line["id"], line["quantity"], new_id) for line in fulfillment["line_items"]]
        book["fulfillment_orders"].append(one)
        _book_parcel(book, fulfillment, new_id)


def _book_parcel(book: Book, fulfillment: dict[str, Any], new_id: NewId) -> None:
    """Take a parcel's units from the fulfilment orders at its location first, unless that was done already."""
    if any(one["fulfillment_id"] == fulfillment["id"] for one in book["shipments"]):
        return
    taken = []
    for line in fulfillment["line_items"]:
        wanted = line["quantity"]
        rows = sorted(
            live_rows(book, line["id"]), key=lambda pair: pair[0]["assigned_location_id"] != fulfillment["location_id"]
        )
        for one, row in rows:
            units = min(wanted, row["remaining"])
            if units:
                taken.append(take_units(one, row, units, new_id))
                wanted -= units
    book["shipments"].append({"fulfillment_id": fulfillment["id"], "taken": taken})


def take_units(one: FulfillmentOrder, row: dict[str, Any], units: int, new_id: NewId) -> dict[str, Any]:
    """Ship units of a row; returns what the parcel's books say of them (`id` is the FulfillmentLineItem's)."""
    row["remaining"] -= units
    if one["status"] in {"OPEN", "SCHEDULED"}:
        one["status"] = "IN_PROGRESS"
    return {
        "id": new_id(),
        "fulfillment_order_id": one["id"],
        "row_id": row["id"],
        "line_item_id": row["line_item_id"],
        "quantity": units,
    }


def _take_off(book: Book, line_id: int, units: int) -> None:
    """Units that will not be shipped any more."""
    for one, row in reversed(list(live_rows(book, line_id))):
        gone = min(units, row["remaining"])
        row["remaining"] -= gone
        row["total"] -= gone
        units -= gone
        one["lines"] = [kept for kept in one["lines"] if kept["total"]] or one["lines"]


def _close(order: Order, book: Book) -> None:
    """End what has nothing left to ship."""
    for one in book["fulfillment_orders"]:
        if one["status"] not in LIVE or any(row["remaining"] for row in one["lines"]):
            continue
        cancelled = order["cancelled_at"] is not None and not was_shipped_from(book, one)
        one["status"] = "CANCELLED" if cancelled else "CLOSED"
        one["holds"] = []
        one["updated_at"] = order["updated_at"]


def was_shipped_from(book: Book, one: FulfillmentOrder) -> bool:
    """Whether a parcel took units of it."""
    return any(row["fulfillment_order_id"] == one["id"] for parcel in book["shipments"] for row in parcel["taken"])


def named(one: FulfillmentOrder, **more: Any) -> dict[str, Any]:
    """A fulfilment order as the bodies of its webhooks name it: gid and status in small letters."""
    return {"id": gid("FulfillmentOrder", one["id"]), "status": one["status"].lower(), **more}

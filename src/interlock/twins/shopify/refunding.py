"""Pays back: units, shipping and extras leave an order, and money goes back for them, at once or later.

RefundLineItemRestockType (Admin API 2026-07): CANCEL lowers what can be fulfilled, RETURN and NO_RESTOCK leave it. What
is paid beyond or below the calculated amount becomes an order adjustment (changelog "Exposing the order adjustments
connection on a Refund"). From memory: a refund without any transaction leaves what is owed as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from interlock.twins.shopify import refunds
from interlock.twins.shopify.money import Bag, Currencies, read_set
from interlock.twins.shopify.order_writing import close
from interlock.twins.shopify.orders import gid, timestamp
from interlock.twins.shopify.totals import net_received, settle

Order = dict[str, Any]


@dataclass(frozen=True)
class Back:
    """What is paid back: `units` per line, how each is restocked, shipping (all of it, or an amount), fees and tip.

    `paid` None pays what is due for it and what was owed before; a bag pays exactly that much.
    """

    units: Mapping[int, int] = field(default_factory=dict)
    restock: str = "return"
    restocks: Mapping[int, str] = field(default_factory=dict)
    locations: Mapping[int, int | None] = field(default_factory=dict)
    shipping: bool | Bag = False
    extras: bool = False
    paid: Bag | None = None
    pending: bool = False
    gateway: str | None = None
    parent_id: int | None = None
    note: str | None = None
    return_id: int | None = None


def give_back(
    order: Order, back: Back, at: datetime, money: Currencies, new_id: Callable[[], int]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Write a refund onto the order in place; returns its record and the amounts of its transactions."""
    received, owed = net_received(order), max(Decimal(0), -Decimal(order["total_outstanding"]))
    before = read_set(order["current_total_price_set"])
    record = _record(order, back, timestamp(at), money, new_id)
    order["refunds"].append(record)
    settle(order, money, received)
    given = before - read_set(order["current_total_price_set"])
    paid = _capped(given, owed, received, money) if back.paid is None else back.paid
    if back.paid is not None and paid:
        _adjust(order, record, given, money.bag(owed), paid, money, new_id)
    amounts = {}
    if paid:
        status = "pending" if back.pending else "success"
        made = refunds.transaction(order, paid, money, timestamp(at), new_id(), status=status)
        made["gateway"], made["parent_id"] = back.gateway or made["gateway"], back.parent_id
        record["transactions"] = [made]
        amounts = {str(made["id"]): money.as_set(paid)}
    close(order, money, received - (Decimal(0) if back.pending else paid.shop), at)
    return record, amounts


def _record(order: Order, back: Back, at: str, money: Currencies, new_id: Callable[[], int]) -> dict[str, Any]:
    """The refund's record, and what it takes off the order."""
    record = refunds.refund_record(order, new_id(), at, back.note, money)
    how = {line: back.restocks.get(line, back.restock) for line in back.units}
    refunds.take_goods_off(record, order, dict(back.units), money, how, new_id)
    rows = record["refund_line_items"]
    for row in rows:
        row["location_id"] = back.locations.get(row["line_item_id"])
    record["restock"] = any(row["restock_type"] != "no_restock" for row in rows)
    if back.shipping:
        part = back.shipping if isinstance(back.shipping, Bag) else None
        record["refund_shipping_lines"] = refunds.take_off_shipping(order, money, new_id, part)
    if back.extras:
        record["order_adjustments"] = refunds.take_off_extras(order, money, record["id"], new_id)
    if back.return_id is not None:
        record["return"] = {
            "id": back.return_id,
            "admin_graphql_api_id": gid("Return", back.return_id),
        }
    return record


def _adjust(
    order: Order,
    record: dict[str, Any],
    given: Bag,
    owed: Bag,
    paid: Bag,
    money: Currencies,
    new_id: Callable[[], int],
) -> None:
    """Note what was paid beyond the value given back and what was owed, or less than that value."""
    most = given + owed
    if paid.shop > most.shop:
        difference = most - paid
    elif paid.shop < given.shop:
        difference = given - paid
    else:
        return
    record["order_adjustments"].append(refunds.discrepancy(order, record["id"], difference, money, new_id()))


def _capped(given: Bag, owed: Decimal, received: Decimal, money: Currencies) -> Bag:
    """What is paid back: the refunded value and what was owed from earlier, at most what was received."""
    wanted = given + money.bag(owed)
    if wanted.shop <= received:
        return wanted
    return money.bag(max(received, Decimal(0)))

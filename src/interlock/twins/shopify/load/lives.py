"""What becomes of an order after it was placed, drawn by chance: shipped in one parcel or two, edited, refunded, cancelled, paid."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from interlock.twins.shopify import changes
from interlock.twins.shopify.catalogue import PRODUCTS
from interlock.twins.shopify.draft import DraftLine
from interlock.twins.shopify.order_writing import ChangeRefused

Order = dict[str, Any]
HOUR = 3_600.0
PARCEL_IDS_AT = 7 * 2_000
"""Ids of a parcel of the past, beyond those of the order's other parts; all are at distances of 7 from its own."""


class Step(NamedTuple):
    """One change (a command of the twin), so many seconds after the order was placed."""

    after_seconds: float
    kind: str
    asked: dict[str, Any]


def drawn(rng: random.Random, order: Mapping[str, Any]) -> list[Step]:
    """The steps of a life, in their order."""
    return sorted(_steps(rng, order))


def _steps(rng: random.Random, order: Mapping[str, Any]) -> Iterator[Step]:
    if rng.random() < 0.03:
        yield Step(rng.uniform(0.1, 20) * HOUR, "cancel", {"reason": rng.choice(("customer", "inventory", "fraud"))})
        return
    if order["financial_status"] == "pending":
        yield Step(rng.uniform(2, 70) * HOUR, "pay", {})
    if order["financial_status"] == "authorized":
        yield Step(rng.uniform(1, 20) * HOUR, "capture", {})
    if rng.random() < 0.03:
        yield Step(rng.uniform(0.1, 0.9) * HOUR, "edit", {})
    shipped_after = rng.uniform(1, 60) * HOUR
    if rng.random() < 0.94:
        yield from _parcels(rng, order, shipped_after)
    if rng.random() < 0.07:
        lines = {"0": 1} if rng.random() < 0.7 else None
        yield Step(shipped_after + rng.uniform(48, 600) * HOUR, "refund", {"lines": lines} if lines else {})


def _parcels(rng: random.Random, order: Mapping[str, Any], after: float) -> Iterator[Step]:
    lines = order["line_items"]
    if len(lines) > 1 and rng.random() < 0.25:
        yield Step(after, "fulfil", {"lines": {"0": lines[0]["quantity"]}})
        after += rng.uniform(4, 90) * HOUR
    yield Step(after, "fulfil", {})


def lived(order: Order, steps: list[Step], placed_at: datetime, until: datetime, rng: random.Random) -> Order:
    """The order as its life up to a moment left it. Steps that the shop would refuse do not happen."""
    for step in steps:
        at = placed_at + timedelta(seconds=step.after_seconds)
        if at > until:
            break
        try:
            order = PAST[step.kind](order, step.asked, at, rng)
        except ChangeRefused:
            continue
    return order


def _shipped(order: Order, asked: dict[str, Any], at: datetime, rng: random.Random) -> Order:
    """In place: copying an order costs as much as making one."""
    if order["cancelled_at"] is not None:
        raise ChangeRefused("The order is cancelled")
    lines = order["line_items"]
    wanted = asked.get("lines") or {str(place): line["fulfillable_quantity"] for place, line in enumerate(lines)}
    units = {
        lines[int(place)]["id"]: min(count, lines[int(place)]["fulfillable_quantity"])
        for place, count in wanted.items()
    }
    if not any(units.values()):
        raise ChangeRefused("There is nothing to fulfil")
    number = order["id"] + PARCEL_IDS_AT + 7 * len(order["fulfillments"])
    where = order["location_id"] or 655_441_491
    changes.ship(order, units, at, number, numbers=[f"1Z{rng.getrandbits(40):012X}"], location_id=where)
    if order["fulfillment_status"] == "fulfilled" and order["financial_status"] == "paid":
        order["closed_at"] = order["updated_at"]
    return order


def _refunded(order: Order, asked: dict[str, Any], at: datetime, _: random.Random) -> Order:
    lines = {order["line_items"][0]["id"]: 1} if asked else None
    return changes.refund(order, at, lines=lines).order


def _captured(order: Order, _: dict[str, Any], at: datetime, __: random.Random) -> Order:
    return changes.pay(order, at).order


PAST = {
    "fulfil": _shipped,
    "refund": _refunded,
    "cancel": lambda order, asked, at, _: changes.cancel(order, at, reason=asked["reason"]).order,
    "edit": lambda order, _, at, rng: changes.edit(order, rng, at, add=[DraftLine(rng.choice(PRODUCTS))]).order,
    "pay": _captured,
    "capture": _captured,
}
"""Of the past only what changes left on the order is kept; its book is worked out from it."""

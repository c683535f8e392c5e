"""Stock follows orders (F41): committed while they wait, gone when they ship, back when a refund restocks."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.twins.shopify import changes
from interlock.twins.shopify.catalogue import PRODUCTS
from interlock.twins.shopify.draft import DraftLine
from interlock.twins.shopify.goods.stock import order_movements
from interlock.twins.shopify.orders import make_order

HERE = 655_441_491
AT = datetime(2026, 7, 2, tzinfo=UTC)


def sums(*movements: Any) -> dict[str, int]:
    """Units by quantity over all items."""
    found: dict[str, int] = {}
    for one in (one for some in movements for one in some):
        found[one.name] = found.get(one.name, 0) + one.delta
    return {name: units for name, units in found.items() if units}


@pytest.fixture
def order() -> dict[str, Any]:
    return make_order(random.Random(5), 1, "same_sku_twice")


def units_of(order: dict[str, Any]) -> int:
    return sum(line["quantity"] for line in order["line_items"])


def test_placing_commits(order: dict[str, Any]) -> None:
    """An order takes from `available` and holds as much in `committed`: on_hand stays."""
    units = units_of(order)
    assert sums(order_movements(None, order, HERE)) == {"available": -units, "committed": units}


def test_shipping_takes_out_of_committed(order: dict[str, Any]) -> None:
    """A parcel ends the commitment; on_hand falls by it, available does not."""
    shipped = changes.fulfil(order, AT).order
    assert sums(order_movements(order, shipped, HERE)) == {"committed": -units_of(order)}


def test_a_parcel_from_another_location_takes_its_units_there(order: dict[str, Any]) -> None:
    """C48: committed at the primary location, shipped from the second: the first may sell its units again."""
    shipped = changes.fulfil(order, AT).order
    shipped["fulfillments"][0]["location_id"] = HERE + 1
    found = order_movements(order, shipped, HERE)
    units = units_of(order)
    assert sums(one for one in found if one.location == HERE) == {"available": units, "committed": -units}
    assert sums(one for one in found if one.location == HERE + 1) == {"available": -units}


def test_cancelling_gives_back(order: dict[str, Any]) -> None:
    """What was never shipped is for sale again; without restock it is gone."""
    units = units_of(order)
    back = changes.cancel(order, AT).order
    assert sums(order_movements(order, back, HERE)) == {"available": units, "committed": -units}
    lost = changes.cancel(order, AT, restock=False).order
    assert sums(order_movements(order, lost, HERE)) == {"committed": -units}


def test_a_return_after_shipping_comes_back_once(order: dict[str, Any]) -> None:
    """A restocked refund adds to `available`; reading the same order again moves nothing."""
    shipped = changes.fulfil(order, AT).order
    line = shipped["line_items"][0]
    returned = changes.refund(shipped, AT, lines={line["id"]: 1}).order
    assert sums(order_movements(shipped, returned, HERE)) == {"available": 1}
    assert sums(order_movements(returned, returned, HERE)) == {}


def test_an_edit_commits_what_it_adds(order: dict[str, Any]) -> None:
    """A line that an edit adds is committed like one of the order's own."""
    edited = changes.edit(order, random.Random(1), AT, add=[DraftLine(PRODUCTS[3], 2)]).order
    assert sums(order_movements(order, edited, HERE)) == {"available": -2, "committed": 2}


def test_everything_that_left_is_either_shipped_or_back() -> None:
    """Over many orders and changes: on_hand falls by what shipped and was not brought back, and by nothing else."""
    for number in range(1, 60):
        rng = random.Random(number)
        order = make_order(rng, number)
        tracked = {row["id"] for row in order["line_items"] if row["variant_inventory_management"] == "shopify"}
        steps = [order_movements(None, order, HERE)]
        try:
            shipped = changes.fulfil(order, AT).order
            steps.append(order_movements(order, shipped, HERE))
            returned = changes.refund(shipped, AT).order
            steps.append(order_movements(shipped, returned, HERE))
        except changes.ChangeRefused:
            continue
        back = sum(
            row["quantity"]
            for refund in returned["refunds"]
            for row in refund["refund_line_items"]
            if row["line_item_id"] in tracked
        )
        gone = sum(row["quantity"] for row in order["line_items"] if row["id"] in tracked)
        total = sums(*steps)
        assert total.get("committed", 0) == 0
        assert total.get("available", 0) == back - gone

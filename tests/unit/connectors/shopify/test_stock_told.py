"""What webhooks say of stock: the published samples, and orders of the twin in every state of their lives."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from interlock.connectors.contract import IntakeError, stock
from interlock.connectors.registry import text_of
from interlock.connectors.shopify.body import subject_of
from interlock.connectors.shopify.stock_told import told
from interlock.twins.shopify import changes
from interlock.twins.shopify.orders import make_order

AT = datetime(2026, 7, 2, tzinfo=UTC)
BIG = 2**53 + 1
FIXTURES = Path(__file__).parents[3] / "fixtures" / "shopify"


def sample(topic: str) -> Any:
    return json.loads(text_of("shopify", f"fixtures/webhook.{topic}.json"))


def of(body: Any) -> stock.Told:
    return told(json.dumps(body).encode())


def order(scenario: str = "plain") -> dict[str, Any]:
    return json.loads(json.dumps(make_order(random.Random(5), 1, scenario), default=str))


def taken(body: Any) -> Counter[str]:
    """Units by SKU that an order takes."""
    (sale,) = of(json.loads(json.dumps(body, default=str))).sales
    units: Counter[str] = Counter()
    for line in sale.lines:
        units[line.sku] += line.quantity
    return units


def test_a_level_as_its_webhook_tells_it() -> None:
    """The published sample, and ids beyond 2^53 to the last digit."""
    (level,) = of(sample("inventory_levels.update")).levels
    assert (level.item, level.location) == ("271878346596884015", "24826418")
    assert level.quantities == {"available": Decimal(10)} and level.as_of_us == 1_640_995_200_000_000
    (exact,) = of({"inventory_item_id": BIG, "location_id": BIG + 2, "available": -3}).levels
    assert (exact.item, exact.location, exact.quantities["available"]) == (str(BIG), str(BIG + 2), -3)


@pytest.mark.parametrize("more", [{"available": None}, {}])
def test_a_level_without_a_number_is_no_zero(more: dict[str, Any]) -> None:
    """Not stocked there any more (inventory_levels/disconnect), or not tracked: it says nothing (C66)."""
    assert of({"inventory_item_id": 7, "location_id": 8, **more}) == stock.Told()


def test_an_order_takes_what_it_was_placed_for() -> None:
    """C61: every line of a variant whose stock is kept, by the variant's id; when it was accepted, and as of when."""
    body = order()
    (sale,) = of(body).sales
    assert (sale.key, sale.name, sale.lines[0].location, sale.unrouted) == (str(body["id"]), body["name"], "", True)
    assert taken(body) == Counter({line["sku"]: line["quantity"] for line in body["line_items"]})
    assert sale.lines[0].item == str(body["line_items"][0]["variant_id"])
    assert sale.version == sale.accepted_us == int(datetime.fromisoformat(body["created_at"]).timestamp()) * 1_000_000


def test_one_sku_in_two_lines_is_one_line_of_the_sale() -> None:
    """A place is subtracted from once."""
    body = order("same_sku_twice")
    (sale,) = of(body).sales
    assert len(sale.lines) < len(body["line_items"])
    assert sum(taken(body).values()) == sum(line["quantity"] for line in body["line_items"])


def test_parcels_and_refunds_and_cancellations() -> None:
    """What was sent is still taken, until who counts the goods says so; what was refunded or removed is not (F50); a
    cancelled order takes nothing, whatever its lines say. The control: the same order before it was cancelled."""
    body = order()
    sent = changes.fulfil(body, AT).order
    assert taken(sent) == taken(body)
    line = body["line_items"][0]
    less = changes.refund(body, AT, lines={line["id"]: 1}).order
    assert sum(taken(less).values()) == sum(taken(body).values()) - 1
    cancelled = {**body, "cancelled_at": "2026-07-02T00:00:00Z"}
    assert of(cancelled).sales[0].lines == () and of(body).sales[0].lines != ()
    assert not of(cancelled).sales[0].unrouted, "what takes nothing is taken from nowhere"


def test_lines_that_take_no_stock() -> None:
    """Gift cards, what has no variant, and what the store does not count. What was read over GraphQL does not say whether it
    is counted, so it counts."""
    line = {"variant_id": 5, "sku": "A", "quantity": 2, "variant_inventory_management": "shopify"}
    lines = [
        line, {**line, "gift_card": True}, {**line, "variant_id": None}, {**line, "variant_inventory_management": None},
        {"variant_id": 6, "sku": "B", "quantity": 3, "current_quantity": 1}, {"variant_id": 7, "sku": None, "quantity": 0},
    ]  # fmt: skip
    assert taken({"id": 1, "line_items": lines}) == Counter({"A": 2, "B": 1})


def test_the_till_names_its_location() -> None:
    """A sale in a shop takes from that shop's shelf."""
    line = {"variant_id": 5, "sku": "A", "quantity": 1, "current_quantity": 1}
    (sale,) = of({"id": 1, "location_id": 655441492, "line_items": [line]}).sales
    assert sale.lines == (stock.SaleLine(item="5", sku="A", quantity=1, location="655441492"),)


@pytest.mark.parametrize(
    ("topic", "again"),
    [
        ("orders.edited", ("gid://shopify/Order/820982911946154500",)),
        ("refunds.create", ("gid://shopify/Order/820982911946154500",)),
        ("fulfillments.create", ()), ("products.update", ()), ("customers.create", ()), ("bulk_operations.finish", ()),
    ],
)  # fmt: skip
def test_what_does_not_say_enough(topic: str, again: tuple[str, ...]) -> None:
    """F13: an edit and a refund name an order and not what it takes now. The others say nothing of stock."""
    found = of(sample(topic))
    assert (found.levels, found.sales, found.again) == ((), (), again)


def test_what_was_moved_names_no_order() -> None:
    """The published body of fulfillment_orders/moved: whose it is has to be asked, by the part that is elsewhere now."""
    body = json.loads((FIXTURES / "webhooks.order_life.json").read_text())["fulfillment_orders/moved"]
    assert of(body) == stock.Told(again=("gid://shopify/FulfillmentOrder/2",))
    subject = subject_of(json.dumps(body).encode(), "fulfillment_orders/moved")
    assert (subject.object, subject.key) == ("fulfillment_order", "2")


@pytest.mark.parametrize("topic", ["orders.create", "orders.updated", "orders.cancelled"])
def test_published_orders_are_sales(topic: str) -> None:
    """The samples are of a cancelled order with lines of no variant: they take nothing, and are sales all the same."""
    (sale,) = of(sample(topic)).sales
    assert (sale.key, sale.lines) == ("820982911946154508", ())


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"line_items": 5}', b'{"inventory_item_id": "x", "location_id": 1}', b"\xff"]
)
def test_what_cannot_be_read_is_said(body: bytes) -> None:
    """Never taken for nothing."""
    with pytest.raises(IntakeError) as found:
        told(body)
    assert found.value.code == "INT011"


def test_every_sample_is_read() -> None:
    """No published body of any topic here makes it stumble."""
    folder = Path(__file__).parents[4] / "src" / "interlock" / "connectors" / "shopify" / "fixtures"
    for file in folder.glob("webhook.*.json"):
        if file.name not in {"webhook.headers.json", "webhook.hmac-vector.json"}:
            told(file.read_bytes())

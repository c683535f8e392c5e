"""Shopify orders: the published sample with every amount, and all scenarios of the twin's generator."""

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.canonical import load_contracts
from interlock.errors import MappingError
from interlock.mapping import Context, Items, compile_in, compile_out, connector_functions, connector_mapping
from interlock.twins.shopify.orders import make_order
from interlock.twins.shopify.scenarios import SCENARIOS

FIXTURES = Path(__file__).parents[2] / "fixtures" / "shopify"
CONTRACTS = load_contracts()
SHOPIFY, NETSUITE = connector_mapping("shopify"), connector_mapping("netsuite")
READ = compile_in(SHOPIFY.table_in("order"), CONTRACTS["order.v1"], connector_functions("shopify"))
READ_CUSTOMER = compile_in(SHOPIFY.table_in("customer"), CONTRACTS["customer.v1"], connector_functions("shopify"))
WRITE = compile_out(NETSUITE.table_out("order", "salesOrder"), CONTRACTS["order.v1"], connector_functions("netsuite"))
SHOP = Context(system="shopify", timezone=ZoneInfo("America/New_York"))
PLUS = ("items", "shipping", "tax", "tips", "gift_cards", "duties", "additional_fees", "cash_rounding", "difference")
LEDGER = ("shipping", "tax", "channel_tax", "tip", "duty", "fee", "rounding", "difference", "gift_card")
CODES = ("USD", "EUR", "SEK", "ISK", "JPY", "KWD", "CAD")


def sample(topic: str) -> bytes:
    return (FIXTURES / f"webhook.{topic}.json").read_bytes()


def shop_amounts(part: Any) -> dict[str, str]:
    return {name: str(getattr(part, name).shop.amount) for name in part.__struct_fields__}


def books(side: str) -> Context:
    given = {f"{name}_item": name for name in LEDGER} | {
        "guest_entity": "1",
        "currencies": {code: code for code in CODES},
    }
    items = Items(rule="variant", generic_item="999", system="netsuite")
    return Context(system="netsuite", settings=NETSUITE.settings_with({**given, "order_currency": side}), items=items)


@pytest.mark.parametrize("topic", ["orders.create", "orders.updated", "orders.cancelled"])
def test_the_published_sample_maps_with_every_amount_right(topic: str) -> None:
    """Hand-checked: 89.99 + 19.99 + 24.99 + 159.99 + 119.99 = 414.95; ordered as 414.95 - 20.00 + 10.00 = 404.95."""
    order = READ(sample(topic), SHOP)
    zero = dict.fromkeys([*PLUS, "discounts", "payment_rounding", "channel_tax"], "0.00")
    assert shop_amounts(order.components) == {**zero, "items": "414.95", "total": "414.95"}
    assert order.components.total.shop == order.components.total.presentment
    assert str(order.original_total.shop.amount) == "404.95"
    assert [str(line.net.shop.amount) for line in order.lines] == ["89.99", "19.99", "24.99", "159.99", "119.99"]
    assert [line.product_exists for line in order.lines] == [True, False, False, True, True]
    assert (order.id, order.customer.id) == ("820982911946154508", "115310627314723954")
    assert order.lines[3].id == "976318377106520349"
    assert (order.tags, order.test, order.cancel_reason) == (("tag1", "tag2"), True, "customer")
    assert order.shipping[0].net.shop.amount == 0


def test_the_published_sample_as_a_sales_order() -> None:
    """The whole way: bytes of the webhook to bytes for NetSuite, deterministic, exact."""
    order = READ(sample("orders.create"), SHOP)
    netsuite = Context(
        system="netsuite",
        settings=NETSUITE.settings_with({"currencies": {"USD": "1"}}),
        items=Items(rule="sku", system="netsuite"),
        timezone=SHOP.timezone,
    )
    body = WRITE(order, netsuite)
    document = json.loads(body, parse_float=Decimal)
    assert body == WRITE(order, netsuite)
    assert document["externalId"] == "shopify-820982911946154508"
    assert document["entity"] == {"externalId": "shopify-customer-115310627314723954"}
    assert document["tranDate"] == "2021-12-31"
    assert sum(row["amount"] for row in document["item"]["items"]) == Decimal("414.95")
    assert b'"amount":89.99}' in body


def test_a_customer_without_default_address_keeps_the_first_one() -> None:
    """C23: Shopify sends default_address = null for customers that have addresses."""
    document = json.loads(sample("customers.create"))
    default = document.pop("default_address")
    document |= {"default_address": None, "addresses": [{**default, "city": "Hull"}, default]}
    assert READ_CUSTOMER(json.dumps(document).encode(), SHOP).address.city == "Hull"
    document["addresses"] = []
    assert READ_CUSTOMER(json.dumps(document).encode(), SHOP).address is None
    assert READ_CUSTOMER(sample("customers.create"), SHOP).address.city == "Ottawa"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_components_of_every_scenario_add_up(scenario: str) -> None:
    """Invariant 9, C28-C35: what the twin's generator makes adds up here without a difference, in both currencies."""
    for seed in range(3):
        order, document = READ(body_of(scenario, seed), SHOP), order_of(scenario, seed)
        assert not order.components.difference
        assert order.components.tax.shop.amount == Decimal(document["current_total_tax"])
        assert order.components.discounts.shop.amount == Decimal(document["current_total_discounts"])
        check_sums(order)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(set(SCENARIOS) - {"lines_300"})), st.integers(0, 10_000), st.data())
def test_any_edit_still_adds_up(scenario: str, seed: int, data: st.DataObject) -> None:
    """C40, invariant 9: whatever quantities are left, lines and parts agree, and the rest is a visible difference."""
    document = order_of(scenario, seed)
    for line in document["line_items"]:
        line["current_quantity"] = data.draw(st.integers(0, line["quantity"]))
    order = READ(json.dumps(document).encode(), SHOP)
    assert [line.id for line in order.lines] == [str(line["id"]) for line in document["line_items"]]
    check_sums(order)


def check_sums(order: Any) -> None:
    """Named parts make the total; lines and shipping make the parts; the sales order makes the total."""
    parts = order.components
    for side in ("shop", "presentment"):
        total = getattr(parts.total, side)
        summed = (
            sum(getattr(getattr(parts, name), side).amount for name in PLUS) - getattr(parts.discounts, side).amount
        )
        assert summed == total.amount
        goods = [getattr(row.net, side).amount for row in (*order.lines, *order.shipping)]
        sold = ("items", "gift_cards", "shipping")
        expected = (
            sum(getattr(getattr(parts, name), side).amount for name in sold) - getattr(parts.discounts, side).amount
        )
        assert sum(goods) == expected
        rows = json.loads(WRITE(order, books(side)), parse_float=Decimal)["item"]["items"]
        dropped = sum(getattr(row.net, side).amount for row in order.lines if not row.current_quantity)
        assert sum(row["amount"] for row in rows) == total.amount - dropped
        assert dropped == 0


def test_a_total_worked_out_with_floats_is_a_cent_off() -> None:
    """Control: the same sum with floats fails, so the sums above can."""
    prices = [line["price"] for line in json.loads(sample("orders.create"))["line_items"]]
    assert sum(map(Decimal, prices)) == Decimal("414.95")
    assert sum(map(Decimal, map(float, prices))) != Decimal("414.95")
    assert int(float("1.15") * 100) == 114


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity", "abc"])
@pytest.mark.parametrize(
    "place",
    [
        ("line_items", 2, "price_set", "shop_money"),
        ("current_total_price_set", "shop_money"),
        ("total_price_set", "presentment_money"),
    ],
)
def test_an_amount_that_is_no_number_is_told_with_its_path(bad: str, place: tuple[Any, ...]) -> None:
    """NaN would pass every comparison and poison every sum."""
    document = json.loads(sample("orders.create"))
    amount = document
    for step in place:
        amount = amount[step]
    amount["amount"] = bad
    with pytest.raises(MappingError) as raised:
        READ(json.dumps(document).encode(), SHOP)
    path = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    assert (path + ".amount").startswith(raised.value.path)
    assert raised.value.path != "$"


def test_warnings_name_ambiguous_items() -> None:
    """C27: the order is written by variant id, and a person is told that its SKU is not unique."""
    order = READ(body_of("two_variants_one_sku", 1), SHOP)
    assert any("is on variants" in text for text in WRITE.warnings(order, books("shop")))
    assert not WRITE.warnings(READ(body_of("plain", 1), SHOP), Context(system="netsuite"))


def test_warnings_name_money_that_no_part_explains() -> None:
    """C31: a difference is booked by name, and a person is told of it, in the currency of the books; a connector asks the bound
    writer. A mapping that books no difference has nothing to say of one."""
    document = order_of("multi_currency", 1)
    document["current_total_price_set"]["presentment_money"]["amount"] = "1.00"
    order = READ(json.dumps(document).encode(), SHOP)
    assert WRITE.bound(books("shop")).warnings(order) == ()
    (told,) = WRITE.bound(books("presentment")).warnings(order)
    difference = order.components.difference.presentment.amount
    assert difference < 0 and told == f"{difference} of the total is explained by no part of the order"
    assert WRITE.bound(books("shop"))(order) == WRITE(order, books("shop"))
    parcel = compile_out(
        connector_mapping("shipbob").table_out("order", "order"), CONTRACTS["order.v1"], connector_functions("shipbob")
    )
    assert parcel.warnings(order, Context(system="shipbob", settings={"order_currency": "presentment"})) == ()


def order_of(scenario: str, seed: int) -> dict[str, Any]:
    return make_order(random.Random(seed), seed + 1, scenario)


def body_of(scenario: str, seed: int) -> bytes:
    return json.dumps(order_of(scenario, seed)).encode()

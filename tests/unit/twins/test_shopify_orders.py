"""The order generator: whatever it makes, and whatever is done to it, the money adds up in both currencies."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.twins.shopify import changes
from interlock.twins.shopify.catalogue import PRODUCTS, Shop
from interlock.twins.shopify.draft import DraftLine
from interlock.twins.shopify.orders import make_order
from interlock.twins.shopify.scenarios import SCENARIOS

FIXTURES = Path(__file__).parents[2] / "fixtures" / "shopify"
SIDES = ("shop_money", "presentment_money")
AT = datetime(2026, 7, 1, 18, 0, tzinfo=UTC)


def sample(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text())


def amount(money_set: dict[str, Any] | None, side: str) -> Decimal:
    return Decimal(money_set[side]["amount"]) if money_set else Decimal(0)


def prorated(value: Decimal | int, line: dict[str, Any], digits: Decimal) -> Decimal:
    return (Decimal(value) * line["current_quantity"] / line["quantity"]).quantize(digits, rounding="ROUND_HALF_UP")


def unallocated(order: dict[str, Any], side: str) -> Decimal:
    """Discounts that the order has and its lines do not: the one difference a reader of lines must find."""
    carried = sum(
        amount(row["amount_set"], side)
        for line in [*order["line_items"], *order["shipping_lines"]]
        for row in line["discount_allocations"]
    )
    return amount(order["total_discounts_set"], side) - carried


def assert_adds_up(order: dict[str, Any]) -> None:
    """An independent sum over the parts, as an accountant would make it."""
    for side in SIDES:
        lines, shipping = order["line_items"], order["shipping_lines"]
        goods = sum((amount(line["price_set"], side) * line["quantity"] for line in lines), Decimal(0))
        freight = sum((amount(row["price_set"], side) for row in shipping), Decimal(0))
        tax_lines = [tax for row in [*lines, *shipping] for tax in row["tax_lines"]]
        taxes = sum((amount(tax["price_set"], side) for tax in tax_lines), Decimal(0))
        duty = sum((Decimal(row[side]["amount"]) for line in lines for row in line["duties"]), Decimal(0))
        extras = Decimal(order["total_tip_received"]) + amount(order["original_total_additional_fees_set"], side)
        discounts = amount(order["total_discounts_set"], side)
        total = goods - discounts + freight + duty + extras + (0 if order["taxes_included"] else taxes)
        assert amount(order["total_price_set"], side) == total
        assert amount(order["total_line_items_price_set"], side) == goods
        assert amount(order["total_tax_set"], side) == taxes
        assert sum((amount(tax["price_set"], side) for tax in order["tax_lines"]), Decimal(0)) == taxes
        assert amount(order["total_shipping_price_set"], side) == freight
        assert amount(order["original_total_duties_set"], side) == duty
        assert_current_adds_up(order, side)


def assert_current_adds_up(order: dict[str, Any], side: str) -> None:
    digits = Decimal(order["total_price_set"][side]["amount"])
    parts = amount(order["current_subtotal_price_set"], side) + amount(order["current_shipping_price_set"], side)
    parts += amount(order["current_total_duties_set"], side) + Decimal(order["total_tip_received"])
    parts += amount(order["current_total_additional_fees_set"], side)
    parts += 0 if order["taxes_included"] else amount(order["current_total_tax_set"], side)
    parts += sum(amount(row["amount_set"], side) for refund in order["refunds"] for row in refund["order_adjustments"])
    assert amount(order["current_total_price_set"], side) == parts
    left = [amount(line["price_set"], side) * line["current_quantity"] for line in order["line_items"]]
    off = [
        prorated(sum(amount(row["amount_set"], side) for row in line["discount_allocations"]), line, digits)
        for line in order["line_items"]
    ]
    missing = sum(left) - sum(off) - amount(order["current_subtotal_price_set"], side)
    assert 0 <= missing <= unallocated(order, side)


def assert_refunds_add_up(order: dict[str, Any]) -> None:
    """Ordered = current + taken off: refund lines, shipping and adjustments explain the whole difference."""
    for side in SIDES:
        back = Decimal(0)
        for refund in order["refunds"]:
            for row in refund["refund_line_items"]:
                back += amount(row["subtotal_set"], side)
                back += 0 if order["taxes_included"] else amount(row["total_tax_set"], side)
            for row in refund["refund_shipping_lines"]:
                back += amount(row["subtotal_amount_set"], side)
                back += 0 if order["taxes_included"] else amount(row["tax_amount_set"], side)
            back += sum(amount(row["amount_set"], side) for row in refund["duties"])
            back -= sum(amount(row["amount_set"], side) for row in refund["order_adjustments"])
        fees = amount(order["original_total_additional_fees_set"], side)
        back += fees - amount(order["current_total_additional_fees_set"], side)
        gone = amount(order["total_price_set"], side) - amount(order["current_total_price_set"], side)
        assert 0 <= back - gone <= unallocated(order, side)


def test_scenarios_cover_the_cases() -> None:
    """Cases C22-C40 name these oddities; a missing scenario would leave a case untested."""
    assert len(SCENARIOS) >= 30
    assert sum(scenario.weight for scenario in SCENARIOS.values()) > 0


@given(st.sampled_from(sorted(SCENARIOS)), st.integers(0, 2**32), st.integers(1, 10**6))
@settings(max_examples=150, deadline=None)
def test_every_order_adds_up(scenario: str, seed: int, number: int) -> None:
    """C31-C33: totals equal the sum of their parts in shop and presentment currency, whatever the currency."""
    assert_adds_up(make_order(random.Random(seed), number, scenario))


@pytest.mark.parametrize("side", SIDES)
def test_the_sums_of_this_file_can_fail(side: str) -> None:
    """Control of the two tests around it: a cent too much in either currency must be noticed."""
    order = make_order(random.Random(1), 1, "multi_currency")
    money = order["total_price_set"][side]
    money["amount"] = str(Decimal(money["amount"]) + 1)
    with pytest.raises(AssertionError):
        assert_adds_up(order)


def one_change(order: dict[str, Any], rng: random.Random, at: datetime) -> changes.Change:
    """A random change with random units; may be refused."""
    units = {line["id"]: rng.randint(0, line["current_quantity"]) for line in order["line_items"]}
    match rng.choice(("edit", "edit", "refund", "refund_all", "fulfil", "cancel", "pay", "note")):
        case "edit":
            add = [DraftLine(rng.choice(PRODUCTS), rng.randint(1, 3))] if rng.random() < 0.5 else []
            return changes.edit(order, rng, at, add=add, remove=units)
        case "refund":
            return changes.refund(order, at, lines=units, shipping=rng.random() < 0.3)
        case "refund_all":
            return changes.refund(order, at)
        case "fulfil":
            return changes.fulfil(order, at, lines=units)
        case "cancel":
            return changes.cancel(order, at)
        case "pay":
            return changes.pay(order, at)
        case _:
            return changes.annotate(order, at, note="n", tag="t")


@given(st.sampled_from(sorted(set(SCENARIOS) - {"lines_300"})), st.integers(0, 2**32), st.integers(1, 6))
@settings(max_examples=200, deadline=None)
def test_orders_still_add_up_after_any_changes(scenario: str, seed: int, steps: int) -> None:
    """C30, C31, C40: edits, refunds and cancellation in any order leave no cent unexplained."""
    rng = random.Random(seed)
    order = make_order(rng, 1, scenario)
    for step in range(steps):
        try:
            change = one_change(order, rng, AT + timedelta(seconds=step))
        except changes.ChangeRefused:
            continue
        assert change.order["updated_at"] >= order["updated_at"]
        order = change.order
        assert_adds_up(order)
        assert_refunds_add_up(order)
        assert len({line["id"] for line in order["line_items"]}) == len(order["line_items"])


def missing_keys(wanted: dict[str, Any], made: dict[str, Any], where: str = "order") -> list[str]:
    """Keys of a published sample that a generated value lacks; lists are compared by their first members."""
    found = [f"{where}.{key}" for key in wanted if key not in made]
    for key, value in wanted.items():
        other = made.get(key)
        if isinstance(value, list) and value and other:
            value, other = value[0], other[0]
        if isinstance(value, dict) and isinstance(other, dict):
            found += missing_keys(value, other, f"{where}.{key}")
    return found


def test_orders_have_every_field_of_the_published_sample() -> None:
    """A twin that lacks a field lets a connector pass that would fail at Shopify."""
    order = make_order(random.Random(1), 1, "plain")
    assert missing_keys(sample("webhook.orders.create.json"), order) == []
    assert set(order) == set(sample("webhook.orders.create.json"))
    assert order["admin_graphql_api_id"] == f"gid://shopify/Order/{order['id']}"


def test_the_check_of_fields_can_fail() -> None:
    """Control of the test above: it must notice a field missing deep inside."""
    order = make_order(random.Random(1), 1, "plain")
    del order["line_items"][0]["price_set"]["presentment_money"]["currency_code"]
    assert missing_keys(sample("webhook.orders.create.json"), order) == [
        "order.line_items.price_set.presentment_money.currency_code"
    ]


def test_refund_fulfilment_and_edit_have_every_field_of_their_samples() -> None:
    """C13: consumers read these bodies by the published names."""
    order = make_order(random.Random(1), 1, "discount_order")
    shipped = changes.fulfil(order, AT)
    assert missing_keys(sample("webhook.fulfillments.create.json"), shipped.events[0][1]) == []
    refunded = changes.refund(order, AT)
    assert missing_keys(sample("webhook.refunds.create.json"), refunded.events[0][1]) == []
    edited = changes.edit(order, random.Random(1), AT, add=[DraftLine(PRODUCTS[0])])
    assert missing_keys(sample("webhook.orders.edited.json"), edited.events[0][1]) == []
    assert edited.events[0][1]["order_edit"]["order_id"] == order["id"]


def test_discount_is_taken_before_tax() -> None:
    """C29: $100 less $20 with 10 % tax is $88, not $90."""
    assert make_order(random.Random(5), 1, "discount_100")["total_price"] == "88.00"


@pytest.mark.parametrize(
    ("scenario", "pattern"), [("jpy", r"^\d+$"), ("kwd", r"^\d+\.\d{3}$"), ("plain", r"^\d+\.\d\d$")]
)
def test_amounts_have_the_digits_of_their_currency(scenario: str, pattern: str) -> None:
    """C33: zero-decimal and three-decimal currencies."""
    import re

    order = make_order(random.Random(2), 1, scenario)
    assert re.match(pattern, order["total_price_set"]["shop_money"]["amount"])


def test_cash_rounding_changes_what_is_paid_and_not_the_total() -> None:
    """C35: the order says 12.43, the till took 12.45."""
    order = make_order(random.Random(2), 1, "cash_rounding")
    paid = Decimal(order["total_price"]) + amount(order["total_cash_rounding_payment_adjustment_set"], "shop_money")
    assert (order["total_price"], paid % Decimal("0.05")) == ("12.43", 0)


def test_late_night_is_the_next_day_in_utc() -> None:
    """C38: the shop's day and the UTC day differ."""
    placed = datetime.fromisoformat(make_order(random.Random(2), 1, "late_night")["created_at"])
    assert (placed.hour, placed.minute) == (23, 30)
    assert placed.date() != placed.astimezone(UTC).date()


def test_shape_of_the_other_oddities() -> None:
    """C22-C27, C39: each scenario shows the oddity it is named after."""
    made = {name: make_order(random.Random(4), 1, name) for name in SCENARIOS}
    assert made["guest"]["customer"] is None
    assert made["pos"]["billing_address"] is None and made["pos"]["location_id"] and not made["pos"]["shipping_lines"]
    assert made["default_address_null"]["customer"]["default_address"] is None
    assert made["deleted_product"]["line_items"][-1]["variant_id"] is None
    assert made["empty_sku"]["line_items"][0]["sku"] == ""
    first, second = made["two_variants_one_sku"]["line_items"]
    assert first["sku"] == second["sku"] and first["variant_id"] != second["variant_id"]
    assert made["same_sku_twice"]["line_items"][0]["sku"] == made["same_sku_twice"]["line_items"][-1]["sku"]
    assert len(made["lines_300"]["line_items"]) == 300
    assert made["big_ids"]["id"] > 2**53 and made["big_ids"]["id"] != int(float(made["big_ids"]["id"]))
    assert made["test_order"]["test"] is True
    assert not (made["non_ascii"]["note"] or "").isascii()
    assert made["discount_everything"]["total_price"] == "0.00"
    assert unallocated(made["discount_order_unallocated"], "shop_money") == 4


def test_generation_is_reproducible_and_ids_never_meet() -> None:
    """A fault run prints a seed that must replay it; two orders sharing an id would hide duplicates."""
    assert make_order(random.Random(9), 3) == make_order(random.Random(9), 3)
    ids = [line["id"] for n in range(50) for line in make_order(random.Random(n), n)["line_items"]]
    assert len(ids) == len(set(ids))


def test_a_shop_may_have_only_ids_above_two_to_the_53() -> None:
    """C12: a float cannot hold these."""
    order = make_order(random.Random(1), 1, shop=Shop(id_base=820_982_911_946_000_000))
    assert min(order["id"], order["line_items"][0]["id"]) > 2**53


def test_cancelling_follows_the_recorded_order() -> None:
    """C43: current sums go to zero, totals stay, money goes back, the order is closed."""
    order = make_order(random.Random(6), 1, "discount_order")
    gone = changes.cancel(order, AT).order
    assert gone["current_total_price"] == gone["current_subtotal_price"] == gone["current_total_tax"] == "0.00"
    assert gone["current_total_discounts"] == gone["total_outstanding"] == "0.00"
    assert gone["total_price"] == order["total_price"]
    assert (gone["financial_status"], gone["cancel_reason"]) == ("refunded", "customer")
    assert gone["closed_at"] == gone["cancelled_at"] == gone["updated_at"]
    assert gone["refunds"][0]["transactions"][0]["amount"] == order["total_price"]
    assert {line["current_quantity"] for line in gone["line_items"]} == {0}


def test_an_unpaid_order_is_voided() -> None:
    """C43: nothing was received, so nothing is paid back."""
    gone = changes.cancel(make_order(random.Random(6), 1, "pending_payment"), AT).order
    assert gone["financial_status"] == "voided"
    assert gone["refunds"][0]["transactions"] == []


def test_changes_within_a_second_share_updated_at() -> None:
    """C04: updated_at alone cannot order two changes of one second, so a fence on it must allow equals."""
    order = make_order(random.Random(6), 1, "plain")
    first = changes.annotate(order, AT, note="a").order
    second = changes.annotate(first, AT + timedelta(milliseconds=700), note="b").order
    assert first["updated_at"] == second["updated_at"] and first["note"] != second["note"]


def test_an_edit_that_adds_goods_leaves_the_order_partially_paid() -> None:
    """C40, C41: the difference is owed by the customer, not silently paid."""
    order = make_order(random.Random(6), 1, "plain")
    edited = changes.edit(order, random.Random(1), AT, add=[DraftLine(PRODUCTS[1])]).order
    assert edited["financial_status"] == "partially_paid"
    owed = Decimal(edited["current_total_price"]) - Decimal(order["total_price"])
    assert Decimal(edited["total_outstanding"]) == owed > 0
    assert changes.pay(edited, AT).order["financial_status"] == "paid"

"""Refunds of Shopify in their canonical form: the published sample, what contradicts itself, and payments told in one currency only."""

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from interlock.canonical import load_contracts
from interlock.errors import MappingError
from interlock.mapping import Context, compile_in, connector_functions, connector_mapping

SAMPLE = Path(__file__).parents[2] / "fixtures" / "shopify" / "webhook.refunds.create.json"
READ = compile_in(
    connector_mapping("shopify").table_in("refund"), load_contracts()["refund.v1"], connector_functions("shopify")
)
SHOP = Context(system="shopify", timezone=ZoneInfo("America/New_York"))


def sample(**changed: Any) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(json.loads(SAMPLE.read_bytes()))
    return document | changed


def read(document: dict[str, Any]) -> Any:
    return READ(json.dumps(document).encode(), SHOP)


def abroad(document: dict[str, Any], code: str, rate: str) -> dict[str, Any]:
    """The same refund of a customer who paid in another currency."""
    if document.keys() == {"amount", "currency_code"}:
        return document
    told = {}
    for name, value in document.items():
        if name == "presentment_money":
            told[name] = {"amount": str(Decimal(value["amount"]) * Decimal(rate)), "currency_code": code}
        elif isinstance(value, dict):
            told[name] = abroad(value, code, rate)
        elif isinstance(value, list):
            told[name] = [abroad(one, code, rate) if isinstance(one, dict) else one for one in value]
        else:
            told[name] = value
    return told


def test_the_published_sample_maps_with_every_amount_right() -> None:
    """Hand-checked: 89.99 + 19.99 + 24.99 + 159.99 + 119.99 = 414.95 come back, 75.00 + 10.00 of it in money."""
    refund = READ(SAMPLE.read_bytes(), SHOP)
    assert (refund.id, refund.order_id, refund.return_id) == ("890088186047892319", "820982911946154500", None)
    assert [str(line.net.shop.amount) for line in refund.lines] == ["89.99", "19.99", "24.99", "159.99", "119.99"]
    assert {line.restock_type for line in refund.lines} == {"no_restock"}
    assert (refund.total.shop.amount, refund.difference.shop.amount) == (Decimal("414.95"), Decimal(0))
    assert [str(payment.amount.shop.amount) for payment in refund.transactions] == ["75.00", "10.00"]
    assert refund.updated_at == refund.created_at


def test_a_void_and_a_failed_payment_pay_nothing_back() -> None:
    """C54: an authorization that is dropped is no money, and neither is what failed; change handed back is."""
    document = sample(refund_line_items=[])
    kinds = [("void", "success", "5.00"), ("refund", "failure", "7.00"), ("change", "success", "0.50")]
    template = document["transactions"][0]
    document["transactions"] = [
        template | {"kind": kind, "status": status, "amount": amount} for kind, status, amount in kinds
    ]
    assert read(document).total.shop.amount == Decimal("0.50")


def test_a_status_that_is_not_final_counts_as_pending() -> None:
    """C54: what awaits an answer may still fail; an unknown status is never taken for paid."""
    document = sample()
    for payment, status in zip(document["transactions"], ("awaiting_response", "unknown"), strict=True):
        payment["status"] = status
    assert {payment.status for payment in read(document).transactions} == {"pending"}


def test_payments_told_in_the_customers_currency_only() -> None:
    """C32: 85.00 USD is 850.00 SEK of 4149.50 SEK; the shop's side is the parts' own rate, to the cent and without a rest."""
    document = abroad(sample(), "SEK", "10")
    for payment in document["transactions"]:
        payment["amount"] = str(Decimal(payment["amount"]) * 10)
    refund = read(document)
    assert (refund.currency, refund.presentment_currency) == ("USD", "SEK")
    pairs = [(payment.amount.shop.amount, payment.amount.presentment.amount) for payment in refund.transactions]
    assert pairs == [(Decimal("75.00"), Decimal("750.00")), (Decimal("10.00"), Decimal("100.00"))]


def test_payments_without_a_rate_stop() -> None:
    """C32: with no part in both currencies the shop's amount could only be guessed."""
    document = abroad(sample(refund_line_items=[]), "SEK", "10")
    with pytest.raises(MappingError) as raised:
        read(document)
    assert (raised.value.code, raised.value.path) == ("MAP001", "$.transactions")


def test_shipping_that_is_told_twice_counts_once() -> None:
    """C30: shipping came back as an adjustment until 2024-10 and by its line since; a document with both pays it once."""
    money = {
        "shop_money": {"amount": "5.00", "currency_code": "USD"},
        "presentment_money": {"amount": "5.00", "currency_code": "USD"},
    }
    less = {side: {"amount": "-5.00", "currency_code": "USD"} for side in money}
    nothing = {side: {"amount": "0.00", "currency_code": "USD"} for side in money}
    old = {
        "id": 1,
        "kind": "shipping_refund",
        "reason": "Shipping refund",
        "amount_set": less,
        "tax_amount_set": nothing,
    }
    line = {"id": 2, "subtotal_amount_set": money, "tax_amount_set": nothing}
    document = sample(refund_line_items=[], transactions=[], order_adjustments=[old])
    assert read(document).total.shop.amount == Decimal("5.00")
    assert read(document | {"refund_shipping_lines": [line]}).total.shop.amount == Decimal("5.00")


def test_a_kind_of_adjustment_that_is_new_is_a_discrepancy() -> None:
    """A word that Shopify adds must not stop a refund: its money counts, under the word that fits."""
    amount = {side: {"amount": "2.00", "currency_code": "USD"} for side in ("shop_money", "presentment_money")}
    row = {"id": 1, "kind": "loyalty", "reason": None, "amount_set": amount, "tax_amount_set": amount}
    refund = read(sample(order_adjustments=[row]))
    assert [(part.kind, part.net.shop.amount) for part in refund.adjustments] == [
        ("refund_discrepancy", Decimal("-2.00"))
    ]
    assert refund.total.shop.amount == Decimal("410.95")


@pytest.mark.parametrize(("amount", "code", "error"), [("NaN", "USD", "MAP001"), ("1.00", "EUR", "MAP002")])
def test_an_amount_that_is_none_or_in_another_currency_stops(amount: str, code: str, error: str) -> None:
    """C32: no amount of one currency under the code of another, and nothing that is no number."""
    document = sample()
    document["refund_line_items"][0]["subtotal_set"]["shop_money"] = {"amount": amount, "currency_code": code}
    with pytest.raises(MappingError) as raised:
        read(document)
    assert raised.value.code == error


def test_a_refund_without_any_currency_stops() -> None:
    """Neither the sum of duties nor that of what was paid: the next move is to read it."""
    with pytest.raises(MappingError) as raised:
        read(sample(total_duties_set=None, transactions=[]))
    assert raised.value.path == "$.total_refunded_set"

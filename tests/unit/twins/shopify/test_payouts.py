"""Payouts of the Shopify twin: fees, transactions that learn their payout later, failed payouts, disputes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from admin_bench import Bench

from interlock.twins.shopify import changes
from interlock.twins.shopify.payouts import PayoutBook

LOOK = """{ shopifyPaymentsAccount { defaultCurrency balance { amount currencyCode }
  payouts(first: 9) { nodes { id status transactionType net { amount currencyCode }
    summary { chargesGross { amount } chargesFee { amount } refundsFeeGross { amount } adjustmentsGross { amount } } } }
  balanceTransactions(first: 50) { nodes { id type sourceType amount { amount } fee { amount } net { amount currencyCode }
    associatedOrder { id name } associatedPayout { id status } sourceOrderTransactionId } }
  disputes(first: 5) { nodes { id status type amount { amount } reasonDetails { reason } } } } }"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


def book(bench: Bench, currency: str = "USD", rate: str = "1") -> PayoutBook:
    return PayoutBook(bench.world, bench.store, bench.emit, currency, Decimal(rate))


def account(bench: Bench) -> dict[str, Any]:
    return dict(bench.data(LOOK)["shopifyPaymentsAccount"])


def test_a_transaction_gets_its_payout_later(bench: Bench) -> None:
    """C92: seen before its payout exists, it is PENDING without an id; afterwards it names the payout."""
    order = bench.store.place("plain")
    payouts = book(bench)
    payouts.settle()
    (before,) = account(bench)["balanceTransactions"]["nodes"]
    assert before["associatedPayout"] == {"id": None, "status": "PENDING"}
    assert before["associatedOrder"]["name"] == order["name"]
    assert Decimal(account(bench)["balance"][0]["amount"]) == Decimal(before["net"]["amount"])
    payout = payouts.pay_out()
    assert payout is not None and payouts.settle() == [] and payouts.pay_out() is None
    (after,) = account(bench)["balanceTransactions"]["nodes"]
    assert after["associatedPayout"] == {
        "id": f"gid://shopify/ShopifyPaymentsPayout/{payout['id']}",
        "status": "SCHEDULED",
    }
    assert Decimal(account(bench)["balance"][0]["amount"]) == 0


def test_money_adds_up(bench: Bench) -> None:
    """Net is amount less fee, a payout is the sum of its transactions, and gross less fees is its net."""
    for _ in range(20):
        order = bench.store.place(None)
        try:
            bench.store.change("refund", changes.refund(order, bench.store.now()))
        except changes.ChangeRefused:
            continue
    payouts = book(bench)
    payouts.settle()
    payouts.adjust(Decimal("-12.34"), "a fee of the month")
    payouts.pay_out()
    found = account(bench)
    rows = found["balanceTransactions"]["nodes"]
    assert {"CHARGE", "REFUND", "ADJUSTMENT"} <= {one["type"] for one in rows}
    for one in rows:
        assert Decimal(one["net"]["amount"]) == Decimal(one["amount"]["amount"]) - Decimal(one["fee"]["amount"])
    (payout,) = found["payouts"]["nodes"]
    assert Decimal(payout["net"]["amount"]) == sum(Decimal(one["net"]["amount"]) for one in rows)
    parts = {name: Decimal(one["amount"]) for name, one in payout["summary"].items()}
    gross = parts["chargesGross"] + parts["refundsFeeGross"] + parts["adjustmentsGross"]
    assert gross - parts["chargesFee"] == Decimal(payout["net"]["amount"])


def test_only_what_was_paid_through_shopify_payments_is_here(bench: Bench) -> None:
    """F60: cash and bank deposits never appear; of a gift card order only the card's part does."""
    for scenario in ("pos", "pending_payment", "test_order"):
        bench.store.place(scenario)
    assert book(bench).settle() == []
    order = bench.store.place("gift_card_payment")
    (charge,) = book(bench).settle()
    assert Decimal(charge["amount"]) == Decimal(order["total_price"]) - 25


def test_a_payout_can_fail_or_be_cancelled(bench: Bench) -> None:
    """C92: a failed payout keeps its transactions; a cancelled one gives them back to the next."""
    bench.store.place("plain")
    payouts = book(bench)
    payouts.settle()
    first = payouts.pay_out()
    assert first is not None
    for step, status in (("transit", "IN_TRANSIT"), ("fail", "FAILED"), ("cancel", "CANCELED")):
        payouts.turn(first["id"], step)
        assert account(bench)["payouts"]["nodes"][0]["status"] == status
    (row,) = account(bench)["balanceTransactions"]["nodes"]
    assert row["associatedPayout"]["status"] == "PENDING"
    second = payouts.pay_out()
    assert second is not None and second["net"] == first["net"]
    assert payouts.turn("1", "pay") is None


def test_fees_and_payouts_in_another_currency(tmp_path: Path) -> None:
    """C92: a shop in dollars that is paid in euros sees its transactions, fees and payouts in euros."""
    with Bench(tmp_path, payout_currency="EUR") as bench:
        order = bench.store.place("plain")
        (charge,) = book(bench, "EUR", "0.92").settle()
        assert Decimal(charge["amount"]) == (Decimal(order["total_price"]) * Decimal("0.92")).quantize(Decimal("0.01"))
        found = account(bench)
        assert found["defaultCurrency"] == "EUR"
        assert found["balanceTransactions"]["nodes"][0]["net"]["currencyCode"] == "EUR"


def test_a_dispute_takes_money_and_a_win_brings_it_back(bench: Bench) -> None:
    """F59: the withdrawal and its fee are transactions; winning reverses both; each step sends its webhook."""
    order = bench.store.place("plain")
    payouts = book(bench)
    dispute = payouts.dispute(order, Decimal("10.00"), "FRAUDULENT", "CHARGEBACK")
    assert account(bench)["disputes"]["nodes"][0]["reasonDetails"] == {"reason": "FRAUDULENT"}
    assert payouts.balance() == Decimal("-25.00")
    payouts.decide(str(dispute["id"]), "win")
    assert payouts.balance() == 0
    assert payouts.decide(str(dispute["id"]), "lose") is None
    assert bench.topics == ["disputes/create", "disputes/update"]
    assert bench.events[-1][1]["status"] == "won"

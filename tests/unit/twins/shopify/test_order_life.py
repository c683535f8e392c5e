"""The life of an order in the Shopify twin: whatever happens to it, its books say one thing."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from order_bench import OrderBench, assert_books_agree

from interlock.twins.shopify import refunds, routing
from interlock.twins.shopify.catalogue import PRODUCTS
from interlock.twins.shopify.desk import Refused
from interlock.twins.shopify.money import currencies_of, read_set, total
from interlock.twins.shopify.order_writing import ChangeRefused
from interlock.twins.shopify.scenarios import SCENARIOS
from interlock.twins.shopify.totals import current_duty

ELSEWHERE = 655_441_492
SCENARIO_NAMES = sorted(set(SCENARIOS) - {"lines_300"})


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[OrderBench]:
    with closing(OrderBench(tmp_path)) as made:
        yield made


def any_change(order: dict[str, Any], book: dict[str, Any], rng: random.Random) -> tuple[str, dict[str, Any]]:
    """A random change; may be refused."""
    lines = {str(line["id"]): rng.randint(0, line["quantity"]) for line in order["line_items"]}
    one = rng.randrange(max(1, len(book["fulfillment_orders"])))
    choices: list[tuple[str, dict[str, Any]]] = [
        ("edit", {"add": [{"sku": rng.choice(PRODUCTS).sku, "quantity": rng.randint(1, 2)}]}),
        ("edit", {"remove": lines}),
        ("refund", {"lines": lines, "restock": rng.choice(["return", "cancel", "no_restock"])}),
        ("refund", {"lines": {}, "amount": "1.00", "pending": rng.random() < 0.5}),
        ("settle_refund", {"status": rng.choice(["success", "failure"])}),
        ("fulfil", {"lines": lines}),
        ("fulfil", {"fulfillment_order": one}),
        ("pay", {}),
        ("hold", {"fulfillment_order": one}),
        ("release", {"fulfillment_order": one}),
        ("move", {"fulfillment_order": one, "location_id": rng.choice([ELSEWHERE, 655_441_491])}),
        ("move", {"fulfillment_order": one, "location_id": ELSEWHERE, "lines": lines}),
        ("split", {"fulfillment_order": one, "lines": lines}),
        ("progress", {"fulfillment_order": one}),
        ("unship", {}),
        ("return", {"lines": lines, "exchange": [{"sku": "MUG-W"}] if rng.random() < 0.5 else []}),
        ("process_return", {"return": len(book["returns"]) - 1, "refund": rng.random() < 0.5}),
        ("capture", {}),
        ("cancel", {}),
    ]
    return rng.choice(choices)


@given(st.sampled_from(SCENARIO_NAMES), st.integers(0, 2**32), st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_the_books_agree_whatever_happens(scenario: str, seed: int, steps: int) -> None:
    """C39-C57: what is left to ship, what came back and what was paid add up after any life of an order."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, closing(OrderBench(Path(folder), seed)) as bench:
        order = bench.place(scenario)
        assert_books_agree(order, bench.book(order))
        for _ in range(steps):
            kind, asked = any_change(order, bench.book(order), rng)
            try:
                order = bench.run(order, kind, **asked)
            except (Refused, ChangeRefused, IndexError, KeyError):
                continue
            assert_books_agree(order, bench.book(order))


def test_the_sums_of_the_books_can_fail(bench: OrderBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control of the test above: a desk that forgets to take shipped units off must be caught."""
    order = bench.place("plain")
    bench.run(order, "note", note="so that the book is kept")
    monkeypatch.setattr(routing, "follow", lambda *_: None)
    order = bench.run(order, "fulfil")
    with pytest.raises(AssertionError):
        assert_books_agree(order, bench.book(order))


def test_a_hold_stops_the_parcel_until_it_is_released(bench: OrderBench) -> None:
    """C46, C50: what is on hold cannot be shipped, and the webhook says why it is held."""
    order = bench.place("plain")
    bench.run(order, "hold", reason="HIGH_RISK_OF_FRAUD", notes="look first")
    held = bench.body("fulfillment_orders/placed_on_hold")
    assert held["fulfillment_order"]["status"] == "on_hold"
    assert held["created_fulfillment_hold"]["reason"] == "high_risk_of_fraud"
    with pytest.raises(Refused, match="unfulfillable status= on_hold"):
        bench.run(order, "fulfil", fulfillment_order=0)
    bench.run(order, "release")
    assert bench.run(order, "fulfil", fulfillment_order=0)["fulfillment_status"] == "fulfilled"


def test_units_moved_to_another_location_leave_in_a_parcel_of_their_own(bench: OrderBench) -> None:
    """C48, C50: a move of a part makes a second fulfilment order at the other location; both names are told."""
    order = bench.place("same_sku_twice")
    first = str(order["line_items"][0]["id"])
    bench.run(order, "move", location_id=ELSEWHERE, lines={first: 1})
    moved = bench.body("fulfillment_orders/moved")
    assert moved["original_fulfillment_order"]["id"] != moved["moved_fulfillment_order"]["id"]
    assert moved["moved_fulfillment_order"]["assigned_location_id"] == f"gid://shopify/Location/{ELSEWHERE}"
    order = bench.run(order, "fulfil", fulfillment_order=1)
    assert (order["fulfillment_status"], order["fulfillments"][0]["location_id"]) == ("partial", ELSEWHERE)


def test_a_cancelled_parcel_waits_again_in_a_new_fulfilment_order(bench: OrderBench) -> None:
    """C52: recorded at Shopify: the old fulfilment order stays closed, a new one has the units."""
    order = bench.place("plain")
    bench.run(order, "fulfil")
    order = bench.run(order, "unship")
    assert order["fulfillment_status"] is None
    assert [one["status"] for one in bench.book(order)["fulfillment_orders"]] == ["CLOSED", "OPEN"]
    assert bench.topics()[-2:] == ["fulfillments/update", "orders/updated"]


def test_a_dearer_exchange_leaves_the_difference_to_be_paid(bench: OrderBench) -> None:
    """C42: the returned line leaves, the exchange joins, and what is outstanding is their difference."""
    order = bench.place("discount_100")
    bench.run(order, "fulfil")
    order = bench.run(order, "return", exchange=[{"sku": "JKT-RED-S"}])
    assert order["line_items"][-1]["sku"] != "JKT-RED-S"
    order = bench.run(order, "process_return", refund=False)
    assert [(line["sku"], line["current_quantity"]) for line in order["line_items"]][-1] == ("JKT-RED-S", 1)
    assert order["total_outstanding"] == "119.90"  # 189.00 with 10 % tax, less the 88.00 that were paid
    assert bench.body("refunds/create")["return"]["id"] == bench.book(order)["returns"][0]["id"]
    assert "returns/process" in bench.topics()


def test_a_pending_refund_is_no_money_yet(bench: OrderBench) -> None:
    """C54: until the transaction ends well, nothing went back and no order_transactions/create is sent."""
    order = bench.place("plain")
    order = bench.run(order, "refund", pending=True)
    assert order["financial_status"] == "paid"
    assert "order_transactions/create" not in bench.topics()
    order = bench.run(order, "settle_refund")
    assert order["financial_status"] == "refunded"
    assert bench.body("order_transactions/create")["kind"] == "refund"


def test_a_refund_of_more_than_the_goods_is_a_discrepancy(bench: OrderBench) -> None:
    """C53: what is paid back beyond the calculated amount is an order adjustment, below zero."""
    order = bench.place("plain")
    order = bench.run(order, "refund", lines={}, amount="2.50")
    assert order["refunds"][0]["order_adjustments"][0]["amount"] == "-2.50"
    assert order["total_outstanding"] == "0.00"


def test_authorized_money_is_captured_in_parts(bench: OrderBench) -> None:
    """F58: an authorization, then captures with it as their parent; paid when nothing is left."""
    order = bench.place("authorized")
    order = bench.run(order, "capture", amount="5.00")
    assert order["financial_status"] == "partially_paid"
    order = bench.run(order, "capture")
    kinds = [(one["kind"], one["parent_id"] is None) for one in bench.book(order)["transactions"]]
    assert kinds == [("authorization", True), ("capture", False), ("capture", False)]
    assert order["financial_status"] == "paid" and "orders/paid" in bench.topics()


def test_a_deleted_order_is_gone_for_good(bench: OrderBench) -> None:
    """Deletions reach consumers by a body that is nothing but an id."""
    order = bench.place("plain")
    bench.run(order, "note", note="n") and bench.desk.forget(bench.now(order))
    assert bench.store.order(str(order["id"])) is None
    assert bench.body("orders/delete") == {"id": order["id"]}
    assert bench.customers.find(order["customer"]["id"]) is None


def test_books_outlive_the_process(tmp_path: Path) -> None:
    """A twin that was killed goes on with the same holds, returns and payments."""
    first = OrderBench(tmp_path)
    order = first.place("plain")
    first.run(order, "hold")
    before = first.book(order)
    first.close()
    again = OrderBench(tmp_path)
    owner = again.store.owner(before["fulfillment_orders"][0]["id"])
    assert again.book(order) == before
    assert owner is not None and owner["id"] == order["id"]
    again.close()


def test_merged_customers_leave_one_with_the_orders_of_both(bench: OrderBench) -> None:
    """customerMerge: the orders name whom is left, who went is told of, tags of both stay."""
    one, two = bench.place("plain"), bench.place("plain")
    first, second = one["customer"]["id"], two["customer"]["id"]
    bench.customers.tag(first, ["vip"], [])
    kept = bench.customers.merge(first, second, {"customerIdOfEmailToKeep": f"gid://shopify/Customer/{second}"})
    assert bench.now(one)["customer"]["id"] == bench.now(two)["customer"]["id"] == kept == second
    assert bench.customers.find(first) is None
    found = bench.customers.find(kept)
    assert found is not None and found["tags"] == ["vip"]
    assert bench.body("customers/merge")["admin_graphql_api_customer_deleted_id"].endswith(f"/{first}")
    with pytest.raises(Refused, match="associated orders"):
        bench.customers.delete(kept)


def test_the_order_of_a_changed_customer_says_so_without_being_changed(bench: OrderBench) -> None:
    """A webhook of the order carries the customer as it is; the order's own updated_at does not move."""
    order = bench.place("plain")
    bench.customers.update(order["customer"]["id"], {"firstName": "Renamed"})
    after = bench.now(order)
    assert (after["customer"]["first_name"], after["updated_at"]) == ("Renamed", order["updated_at"])
    assert bench.body("customers/update")["first_name"] == "Renamed"


def test_each_duty_of_a_line_goes_back_with_its_own_amount(bench: OrderBench) -> None:
    """C34: a line may owe two duties; the whole amount beside each would pay both back twice. They add up at every step."""
    order = bench.place("duties")
    money = currencies_of(order)
    line = next(one for one in order["line_items"] if one["duties"])
    line["quantity"] = line["current_quantity"] = 3
    first, second = (
        {"shop_money": "10.00", "presentment_money": "113.75"},
        {"shop_money": "0.50", "presentment_money": "5.69"},
    )
    line["duties"] = [
        line["duties"][0]
        | {"id": number}
        | {side: line["duties"][0][side] | {"amount": text} for side, text in amounts.items()}
        for number, amounts in (("1", first), ("2", second))
    ]
    back: dict[str, Decimal] = {"1": Decimal(0), "2": Decimal(0)}
    for _ in range(3):
        owed = current_duty(line, money)
        _, rows = refunds.take_off(order, {line["id"]: 1}, money, "no_restock", lambda: 1)
        assert total(read_set(row["amount_set"]) for row in rows) == owed - current_duty(line, money)
        for row in rows:
            back[row["duty_id"]] += read_set(row["amount_set"]).shop
    assert back == {"1": Decimal("10.00"), "2": Decimal("0.50")}

"""Mutations on orders in the Shopify twin, one story each: payments, fulfilment services, returns, customers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from admin_bench import Bench

from interlock.twins.shopify import commands
from interlock.twins.shopify.desk import Desk

TRANSACTIONS = """query($id: ID!) { order(id: $id) { displayFinancialStatus totalCapturableSet { shopMoney { amount } }
  transactions { id kind status parentTransaction { id } } } }"""
CAPTURE = """mutation($id: ID!, $parent: ID!, $amount: Money!) {
  orderCapture(input: {id: $id, parentTransactionId: $parent, amount: $amount}) {
    transaction { kind amountSet { shopMoney { amount } } } userErrors { field message } } }"""
VOID = "mutation($id: ID!) { transactionVoid(parentTransactionId: $id) { transaction { kind } userErrors { message code } } }"
FULFILLMENT_ORDER_STATES = (
    """query($id: ID!) { order(id: $id) { fulfillmentOrders(first: 5) { nodes { status requestStatus } } } }"""
)
FULFILLMENT_ORDER = "query($id: ID!) { order(id: $id) { fulfillmentOrders(first: 5) { nodes { id } } } }"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


def placed(bench: Bench, scenario: str = "plain") -> str:
    return str(bench.store.place(scenario)["admin_graphql_api_id"])


def transactions(bench: Bench, order: str) -> list[dict[str, Any]]:
    return list(bench.data(TRANSACTIONS, id=order)["order"]["transactions"])


def test_an_authorization_is_captured_or_voided_never_both(bench: Bench) -> None:
    """F58: captures name their authorization, more than it holds is refused, and what was captured cannot be voided."""
    order = placed(bench, "authorized")
    held = transactions(bench, order)[0]["id"]
    answer = bench.data(CAPTURE, id=order, parent=held, amount="99999")["orderCapture"]
    assert answer["userErrors"][0]["message"].startswith("Cannot capture more than the authorized")
    made = bench.data(CAPTURE, id=order, parent=held, amount="1.00")["orderCapture"]["transaction"]
    assert made == {"kind": "CAPTURE", "amountSet": {"shopMoney": {"amount": "1.0"}}}
    assert transactions(bench, order)[1]["parentTransaction"] == {"id": held}
    assert bench.data(VOID, id=held)["transactionVoid"]["userErrors"][0]["code"] == "AUTH_NOT_VOIDABLE"
    other = placed(bench, "authorized")
    bench.data(VOID, id=transactions(bench, other)[0]["id"])
    read = bench.data(TRANSACTIONS, id=other)["order"]
    assert (read["displayFinancialStatus"], read["totalCapturableSet"]["shopMoney"]["amount"]) == ("VOIDED", "0.0")


def test_a_bank_deposit_is_awaited_until_it_is_marked_as_paid(bench: Bench) -> None:
    """F60: a payment by hand is a pending sale, and the one that came in names it."""
    order = placed(bench, "pending_payment")
    awaited = transactions(bench, order)[0]
    assert (awaited["kind"], awaited["status"]) == ("SALE", "PENDING")
    mark = "mutation($id: ID!) { orderMarkAsPaid(input: {id: $id}) { userErrors { message } } }"
    assert bench.data(mark, id=order)["orderMarkAsPaid"]["userErrors"] == []
    assert transactions(bench, order)[1]["parentTransaction"] == {"id": awaited["id"]}
    again = bench.data(mark, id=order)["orderMarkAsPaid"]["userErrors"]
    assert again == [{"message": "Order cannot be marked as paid."}]


def test_a_fulfilment_service_answers_requests(bench: Bench) -> None:
    """F53: submitted, accepted, asked to stop, stopped; a wrong step is refused and nothing changes."""
    order = placed(bench)
    one = bench.data(FULFILLMENT_ORDER, id=order)["order"]["fulfillmentOrders"]["nodes"][0]["id"]
    steps = [
        ("ReportProgress", "IN_PROGRESS", "UNSUBMITTED"),
        ("Open", "OPEN", "UNSUBMITTED"),
        ("SubmitFulfillmentRequest", "OPEN", "SUBMITTED"),
        ("AcceptFulfillmentRequest", "IN_PROGRESS", "ACCEPTED"),
        ("SubmitCancellationRequest", "IN_PROGRESS", "CANCELLATION_REQUESTED"),
        ("AcceptCancellationRequest", "CANCELLED", "CANCELLATION_ACCEPTED"),
    ]
    for step, status, request in steps:
        name = "submittedFulfillmentOrder" if step == "SubmitFulfillmentRequest" else "fulfillmentOrder"
        document = f"mutation($id: ID!) {{ fulfillmentOrder{step}(id: $id) {{ {name} {{ status requestStatus }} userErrors {{ message }} }} }}"
        answer = bench.data(document, id=one)[f"fulfillmentOrder{step}"]
        assert answer == {name: {"status": status, "requestStatus": request}, "userErrors": []}
    close = "mutation($id: ID!) { fulfillmentOrderClose(id: $id) { fulfillmentOrder { id } userErrors { message } } }"
    refused = bench.data(close, id=one)["fulfillmentOrderClose"]
    assert refused["userErrors"] == [
        {"message": "The fulfillment order's assigned fulfillment service must be of api type"}
    ]
    left = bench.data(FULFILLMENT_ORDER_STATES, id=order)["order"]["fulfillmentOrders"]["nodes"]
    assert {"status": "OPEN", "requestStatus": "UNSUBMITTED"} in left, "what was not shipped waits in a replacement"
    sent = [topic.rpartition("/")[2] for topic in bench.topics]
    assert sent == [
        "progress_reported",
        "manually_reported_progress_stopped",
        "fulfillment_request_submitted",
        "fulfillment_request_accepted",
        "cancellation_request_submitted",
        "cancellation_request_accepted",
    ]


def test_a_return_is_asked_for_declined_and_refused_twice(bench: Bench) -> None:
    """F56: only what was shipped can come back, and a decision is made once; texts as recorded."""
    order = placed(bench)
    desk = Desk(bench.world, bench.store, bench.emit)
    commands.run(desk, bench.store.order(order.rpartition("/")[2]) or {}, "fulfil", {})
    read = "query($id: ID!) { order(id: $id) { returnStatus fulfillments { fulfillmentLineItems(first: 1) { nodes { id } } } } }"
    line = bench.data(read, id=order)["order"]["fulfillments"][0]["fulfillmentLineItems"]["nodes"][0]["id"]
    ask = """mutation($input: ReturnRequestInput!) { returnRequest(input: $input) {
      return { id name status } userErrors { field message code } } }"""
    row = {"fulfillmentLineItemId": line, "quantity": 99, "returnReason": "DEFECTIVE"}
    refused = bench.data(ask, input={"orderId": order, "returnLineItems": [row]})["returnRequest"]["userErrors"]
    text = "Return line item has an invalid quantity."
    assert refused == [{"field": ["input", "returnLineItems", "0", "quantity"], "message": text, "code": "INVALID"}]
    asked = bench.data(ask, input={"orderId": order, "returnLineItems": [{**row, "quantity": 1}]})["returnRequest"]
    assert asked["return"]["name"].endswith("-R1")
    assert bench.data(read, id=order)["order"]["returnStatus"] == "RETURN_REQUESTED"
    decline = """mutation($id: ID!) { returnDeclineRequest(input: {id: $id, declineReason: OTHER, declineNote: "no"}) {
      return { status decline { reason note } } userErrors { message code } } }"""
    made = bench.data(decline, id=asked["return"]["id"])["returnDeclineRequest"]["return"]
    assert made == {"status": "DECLINED", "decline": {"reason": "OTHER", "note": "no"}}
    again = bench.data(decline, id=asked["return"]["id"])["returnDeclineRequest"]["userErrors"]
    assert again == [{"message": "The return is already declined.", "code": "INVALID_STATE"}]
    assert bench.data(read, id=order)["order"]["returnStatus"] == "NO_RETURN"


def test_a_cancelled_order_pays_back_and_cannot_be_cancelled_again(bench: Bench) -> None:
    """C43: orderCancel answers a job; money goes back when asked for; the second call is told why it is refused."""
    order = placed(bench)
    cancel = """mutation($id: ID!, $refund: Boolean) {
      orderCancel(orderId: $id, reason: FRAUD, refund: $refund, restock: true, staffNote: "n") {
        job { id done } orderCancelUserErrors { field message code } } }"""
    assert bench.data(cancel, id=order, refund=True)["orderCancel"]["orderCancelUserErrors"] == []
    read = bench.data(
        "query($id: ID!) { order(id: $id) { cancelReason displayFinancialStatus cancellation { staffNote } } }",
        id=order,
    )["order"]
    expected = {"cancelReason": "FRAUD", "displayFinancialStatus": "REFUNDED", "cancellation": {"staffNote": "n"}}
    assert read == expected
    text = "Cannot cancel an order that has already been canceled"
    again = bench.data(cancel, id=order, refund=True)["orderCancel"]["orderCancelUserErrors"]
    assert again == [{"field": ["orderId"], "message": text, "code": "INVALID"}]
    unpaid_back = placed(bench)
    bench.data(cancel, id=unpaid_back, refund=False)
    query = "query($id: ID!) { order(id: $id) { displayFinancialStatus totalOutstandingSet { shopMoney { amount } } } }"
    owed = bench.data(query, id=unpaid_back)["order"]
    assert owed["displayFinancialStatus"] == "PAID"
    assert owed["totalOutstandingSet"]["shopMoney"]["amount"].startswith("-")


def test_an_erased_customer_is_named_by_no_order(bench: Bench) -> None:
    """C91: after the deletion neither the customer nor the orders know the person."""
    order = bench.store.place("plain")
    customer = order["customer"]["admin_graphql_api_id"]
    desk = Desk(bench.world, bench.store, bench.emit)
    assert commands.run(desk, order, "delete_customer", {}) == ["customers/delete"]
    query = (
        "query($order: ID!, $customer: ID!) { order(id: $order) { customer { id } } customer(id: $customer) { id } }"
    )
    read = bench.data(query, order=order["admin_graphql_api_id"], customer=customer)
    assert read == {"order": {"customer": None}, "customer": None}

"""Orders over GraphQL in the Shopify twin: what is read is what the webhook's body says, and mutations refuse as recorded."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from admin_bench import Bench

from interlock.connectors.shopify.documents import document
from interlock.twins.shopify import commands
from interlock.twins.shopify.admin.context import App
from interlock.twins.shopify.admin.orders import MONEY
from interlock.twins.shopify.admin.scopes import all_scopes
from interlock.twins.shopify.desk import Desk
from interlock.twins.shopify.scenarios import SCENARIOS

BAG = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
LINE_MONEY = {"originalUnitPriceSet": "price_set", "totalDiscountSet": "total_discount_set"}
ORDER = f"""query($id: ID!) {{ order(id: $id) {{
  {" ".join(f"{name} {BAG}" for name in MONEY)} totalOutstandingSet {BAG} netPaymentSet {BAG} totalTipReceivedSet {BAG}
  taxLines {{ title rate priceSet {BAG} }}
  lineItems(first: 250) {{ nodes {{ id quantity currentQuantity unfulfilledQuantity
    {" ".join(f"{name} {BAG}" for name in LINE_MONEY)}
    discountAllocations {{ allocatedAmountSet {BAG} }} taxLines {{ priceSet {BAG} }} duties {{ price {BAG} }} }} }}
  shippingLines(first: 10) {{ nodes {{ originalPriceSet {BAG} currentDiscountedPriceSet {BAG} }} }}
  refunds {{ id totalRefundedSet {BAG} refundLineItems(first: 250) {{ nodes {{ quantity subtotalSet {BAG} }} }} }}
  transactions {{ kind status amountSet {BAG} }}
}} }}"""
LIVES: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "untouched": [],
    "shipped and partly refunded": [("fulfil", {}), ("refund", {"lines": {"0": 1}})],
    "edited and cancelled": [("edit", {}), ("cancel", {})],
}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


def same(bag: Any, money_set: Any) -> bool:
    """Whether a MoneyBag and a REST money set are one amount, in both currencies; GraphQL drops zeros at the end."""
    if bag is None or money_set is None:
        return bag is None and money_set is None
    return all(
        Decimal(bag[one]["amount"]) == Decimal(money_set[other]["amount"])
        and bag[one]["currencyCode"] == money_set[other]["currency_code"]
        for one, other in (("shopMoney", "shop_money"), ("presentmentMoney", "presentment_money"))
    )


def differences(read: dict[str, Any], rest: dict[str, Any]) -> list[str]:
    """The amounts of a read order that are not those of its webhook's body."""
    found = [name for name, member in MONEY.items() if not same(read[name], rest[member])]
    if Decimal(read["totalOutstandingSet"]["shopMoney"]["amount"]) != Decimal(rest["total_outstanding"]):
        found.append("totalOutstandingSet")
    for seen, line in zip(read["lineItems"]["nodes"], rest["line_items"][:250], strict=True):
        found += [f"line.{name}" for name, member in LINE_MONEY.items() if not same(seen[name], line[member])]
        pairs = [
            *zip((one["priceSet"] for one in seen["taxLines"]), line["tax_lines"], strict=True),
            *zip(
                (one["allocatedAmountSet"] for one in seen["discountAllocations"]),
                line["discount_allocations"],
                strict=True,
            ),
        ]
        found += [
            f"line.{seen['id']}" for bag, row in pairs if not same(bag, row.get("price_set") or row.get("amount_set"))
        ]
        if (seen["quantity"], seen["currentQuantity"]) != (line["quantity"], line["current_quantity"]):
            found.append("line.quantity")
    for seen, line in zip(read["shippingLines"]["nodes"], rest["shipping_lines"], strict=True):
        found += [] if same(seen["originalPriceSet"], line["price_set"]) else ["shippingLine"]
    for seen, refund in zip(read["refunds"], rest["refunds"], strict=True):
        rows = zip(seen["refundLineItems"]["nodes"], refund["refund_line_items"][:250], strict=True)
        found += ["refund.line" for one, row in rows if not same(one["subtotalSet"], row["subtotal_set"])]
        back = sum((Decimal(one["amount"]) for one in refund["transactions"]), Decimal(0))
        if Decimal(seen["totalRefundedSet"]["presentmentMoney"]["amount"]) != back:
            found.append("refund.totalRefundedSet")
    return found


def live(bench: Bench, order: dict[str, Any], life: str) -> dict[str, Any]:
    """Lead an order through one of LIVES."""
    desk = Desk(bench.world, bench.store, bench.emit)
    for kind, asked in LIVES[life]:
        commands.run(desk, bench.store.order(str(order["id"])) or {}, kind, asked)
    return bench.store.order(str(order["id"])) or {}


@pytest.mark.parametrize("life", LIVES)
def test_graphql_tells_the_money_of_the_webhooks_body(bench: Bench, life: str) -> None:
    """C28-C36, F50, F51: for every kind of order, read after any life, both currencies agree to the last unit."""
    for scenario in SCENARIOS:
        order = bench.store.place(scenario)
        try:
            rest = live(bench, order, life)
        except ValueError:
            continue  # an order of 0.00 has nothing to refund
        read = bench.data(ORDER, id=rest["admin_graphql_api_id"])["order"]
        assert differences(read, rest) == [], scenario


def test_the_comparison_can_fail(bench: Bench) -> None:
    """Control of the test above: a cent more in the customer's currency alone must be seen."""
    rest = bench.store.place("multi_currency")
    read = bench.data(ORDER, id=rest["admin_graphql_api_id"])["order"]
    read["currentTotalPriceSet"]["presentmentMoney"]["amount"] += "1"
    assert differences(read, rest) == ["currentTotalPriceSet"]


def test_discounts_have_pages(bench: Bench) -> None:
    """What the connector asks for tells all discounts, in order; the control: the first page of its order lacks most."""
    rest = bench.store.place("discount_order")
    rest["discount_applications"] *= 63
    bench.store.rewrite(rest)
    order = {"id": rest["admin_graphql_api_id"]}
    page = bench.data(document("order").text, **order)["order"]["discountApplications"]
    assert (len(page["nodes"]), page["pageInfo"]["hasNextPage"]) == (10, True)
    found = page["nodes"]
    while page["pageInfo"]["hasNextPage"]:
        after = page["pageInfo"]["endCursor"]
        page = bench.data(document("order_discounts_page").text, after=after, **order)["order"]["discountApplications"]
        found += page["nodes"]
    assert [one["index"] for one in found] == list(range(63))
    assert {one["code"] for one in found} == {"SUMMER15"}


FULFIL = """mutation($fulfillment: FulfillmentInput!) { fulfillmentCreate(fulfillment: $fulfillment) {
  fulfillment { id status trackingInfo { number company } location { id } } userErrors { field message } } }"""
FULFILLMENT_ORDERS = """query($id: ID!) { order(id: $id) { displayFulfillmentStatus fulfillmentOrders(first: 10) { nodes {
  id status supportedActions { action } assignedLocation { location { id } }
  lineItems(first: 10) { nodes { id totalQuantity remainingQuantity } } } } } }"""
MOVE = """mutation($id: ID!, $to: ID!, $rows: [FulfillmentOrderLineItemInput!]) {
  fulfillmentOrderMove(id: $id, newLocationId: $to, fulfillmentOrderLineItems: $rows) {
    movedFulfillmentOrder { id } remainingFulfillmentOrder { id } userErrors { field message code } } }"""
REFUND = """mutation($input: RefundInput!, $key: String = "k") { refundCreate(input: $input) @idempotent(key: $key) {
  refund { id totalRefundedSet { shopMoney { amount } } } userErrors { field message } } }"""


def fulfillment_orders(bench: Bench, order: dict[str, Any]) -> list[dict[str, Any]]:
    read = bench.data(FULFILLMENT_ORDERS, id=order["admin_graphql_api_id"])
    return list(read["order"]["fulfillmentOrders"]["nodes"])


def shipped(bench: Bench, *ids: str, **more: Any) -> dict[str, Any]:
    groups = [{"fulfillmentOrderId": one} for one in ids]
    asked = {"lineItemsByFulfillmentOrder": groups, "trackingInfo": {"number": "1Z9", "company": "UPS"}, **more}
    return dict(bench.data(FULFIL, fulfillment=asked)["fulfillmentCreate"])


def test_a_parcel_leaves_from_one_location(bench: Bench) -> None:
    """C48, F54: fulfilment orders of two locations are two fulfillmentCreate calls, and the first refusal says why."""
    order = bench.store.place("same_sku_twice")
    first = fulfillment_orders(bench, order)[0]
    rows = [{"id": first["lineItems"]["nodes"][0]["id"], "quantity": 1}]
    bench.data(MOVE, id=first["id"], to="gid://shopify/Location/655441492", rows=rows)
    one, other = (found["id"] for found in fulfillment_orders(bench, order))
    refused = shipped(bench, one, other)
    text = "All fulfillment orders must be assigned to a single location. Multiple locations with ids"
    assert refused["fulfillment"] is None
    assert refused["userErrors"][0]["message"].startswith(text)
    assert shipped(bench, one)["userErrors"] == []
    made = shipped(bench, other)["fulfillment"]
    assert made["location"]["id"].endswith("655441492")
    assert made["trackingInfo"] == [{"number": "1Z9", "company": "UPS"}]


def test_a_second_parcel_of_the_same_units_is_refused(bench: Bench) -> None:
    """C51: an export that is repeated finds the fulfilment order closed, in Shopify's own words."""
    order = bench.store.place("plain")
    one = fulfillment_orders(bench, order)[0]["id"]
    shipped(bench, one)
    number = one.rpartition("/")[2]
    assert shipped(bench, one)["userErrors"] == [
        {"field": ["fulfillment"], "message": f"Fulfillment order {number} has an unfulfillable status= closed."}
    ]
    assert bench.topics.count("fulfillments/create") == 1


def test_supported_actions_are_those_recorded(bench: Bench) -> None:
    """F53: what is legal now, in the order in which Shopify lists it."""
    order = bench.store.place("lines_300")
    one = fulfillment_orders(bench, order)[0]
    expected = ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD", "SPLIT"]
    assert [each["action"] for each in one["supportedActions"]] == expected


def test_a_refund_pays_no_more_than_was_received(bench: Bench) -> None:
    """C57: the refusal names both amounts; nothing is written."""
    order = bench.store.place("plain")
    query = "query($id: ID!) { order(id: $id) { transactions { id gateway } } }"
    sale = bench.data(query, id=order["admin_graphql_api_id"])["order"]["transactions"][0]
    payment = {
        "orderId": order["admin_graphql_api_id"],
        "parentId": sale["id"],
        "gateway": sale["gateway"],
        "kind": "REFUND",
    }
    asked = {"orderId": order["admin_graphql_api_id"], "transactions": [{**payment, "amount": "9999.00"}]}
    answer = bench.data(REFUND, input=asked)["refundCreate"]
    text = f"Refund amount $9999.00 is greater than net payment received ${order['total_price']}"
    assert answer["userErrors"] == [{"field": None, "message": text}]
    asked["transactions"] = [{**payment, "amount": "1.00"}]
    made = bench.data(REFUND, input=asked, key="another")["refundCreate"]["refund"]
    assert made["totalRefundedSet"]["shopMoney"]["amount"] == "1.0"
    assert bench.topics[-3:] == ["order_transactions/create", "refunds/create", "orders/updated"]


def test_orders_are_found_by_when_they_changed(bench: Bench) -> None:
    """C20: a sweep by updated_at sees what changed since, oldest first, a page at a time."""
    placed = [bench.store.place("plain") for _ in range(5)]
    bench.now += 3600
    live(bench, placed[1], "edited and cancelled")
    query = """query($q: String, $after: String) { orders(first: 2, after: $after, query: $q, sortKey: UPDATED_AT) {
      nodes { name } pageInfo { hasNextPage endCursor } } ordersCount(query: $q) { count } }"""
    first = bench.data(query)["orders"]
    second = bench.data(query, after=first["pageInfo"]["endCursor"])["orders"]
    third = bench.data(query, after=second["pageInfo"]["endCursor"])["orders"]
    names = [one["name"] for page in (first, second, third) for one in page["nodes"]]
    assert names == ["#1001", "#1003", "#1004", "#1005", "#1002"] and not third["pageInfo"]["hasNextPage"]
    since = "updated_at:>='2026-06-21T00:30:00Z'"
    found = bench.data(query, q=since)
    assert ([one["name"] for one in found["orders"]["nodes"]], found["ordersCount"]["count"]) == (["#1002"], 1)
    cancelled = bench.data(query, q="status:cancelled")["orders"]["nodes"]
    assert [one["name"] for one in cancelled] == ["#1002"]


def test_a_metafield_is_kept_beside_the_order_without_changing_it(bench: Bench) -> None:
    """C17: our own mark on an order must not look like a change of the order."""
    order = bench.store.place("plain")
    owner = order["admin_graphql_api_id"]
    write = """mutation($rows: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $rows) {
      metafields { namespace key value jsonValue } userErrors { field message code } } }"""
    row = {"ownerId": owner, "namespace": "erp", "key": "lines", "type": "number_integer"}
    made = bench.data(write, rows=[{**row, "value": "3"}])["metafieldsSet"]["metafields"]
    assert made == [{"namespace": "erp", "key": "lines", "value": "3", "jsonValue": 3}]
    refused = bench.data(write, rows=[{**row, "value": "three"}])["metafieldsSet"]["userErrors"]
    assert refused[0]["code"] == "INVALID_VALUE"
    read = """query($id: ID!) { order(id: $id) { updatedAt metafield(namespace: "erp", key: "lines") { value }
      metafields(first: 5) { nodes { key } } } }"""
    found = bench.data(read, id=owner)["order"]
    assert (found["metafield"], found["metafields"]["nodes"]) == ({"value": "3"}, [{"key": "lines"}])
    assert bench.topics == []


def test_order_edits_are_staged_shown_and_committed_at_once(bench: Bench) -> None:
    """C40, F52: nothing changes before the commit; then line, quantity, discount and shipping change together."""
    order = bench.store.place("discount_order")
    begun = """mutation($id: ID!) { orderEditBegin(id: $id) { calculatedOrder { id lineItems(first: 9) { nodes { id quantity } } }
      userErrors { message } } }"""
    session = bench.data(begun, id=order["admin_graphql_api_id"])["orderEditBegin"]["calculatedOrder"]
    first, second = (one["id"] for one in session["lineItems"]["nodes"][:2])
    staged = """mutation($id: ID!, $first: ID!, $second: ID!) {
      orderEditSetQuantity(id: $id, lineItemId: $first, quantity: 0) { userErrors { message } }
      orderEditAddCustomItem(id: $id, title: "Engraving", quantity: 1, price: {amount: "5.00", currencyCode: USD}) {
        calculatedLineItem { title quantity } userErrors { message } }
      orderEditAddLineItemDiscount(id: $id, lineItemId: $second, discount: {percentValue: 10, description: "Sorry"}) {
        userErrors { message } }
      orderEditAddShippingLine(id: $id, shippingLine: {title: "Express", price: {amount: "9.00", currencyCode: USD}}) {
        calculatedOrder { totalPriceSet { shopMoney { amount } } } userErrors { message } } }"""
    done = bench.data(staged, id=session["id"], first=first, second=second)
    assert all(payload["userErrors"] == [] for payload in done.values())
    assert bench.store.order(str(order["id"])) == order and bench.topics == []
    shown = done["orderEditAddShippingLine"]["calculatedOrder"]["totalPriceSet"]["shopMoney"]["amount"]
    commit = """mutation($id: ID!) { orderEditCommit(id: $id) { order { edited currentTotalPriceSet { shopMoney { amount } }
      originalTotalPriceSet { shopMoney { amount } } } successMessages userErrors { message } } }"""
    after = bench.data(commit, id=session["id"])["orderEditCommit"]
    assert after["order"]["edited"] and after["successMessages"] == ["Order updated"]
    assert after["order"]["currentTotalPriceSet"]["shopMoney"]["amount"] == shown
    assert Decimal(after["order"]["originalTotalPriceSet"]["shopMoney"]["amount"]) == Decimal(order["total_price"])
    assert bench.topics == ["orders/edited", "orders/updated"]
    told = bench.events[0][1]["order_edit"]
    assert (len(told["line_items"]["additions"]), len(told["line_items"]["removals"])) == (1, 1)
    again = bench.data(commit, id=session["id"])["orderEditCommit"]["userErrors"]
    assert again == [{"message": "The calculated order does not exist."}]


def test_an_app_without_read_all_orders_sees_sixty_days(bench: Bench) -> None:
    """C76, F28: older orders are not there, and nothing says so; with the scope they are."""
    bench.store.place("plain")
    bench.now += 61 * 86_400
    bench.store.place("plain")
    asked = {"query": "{ orders(first: 5) { nodes { name } } ordersCount { count } }"}
    sees: dict[bool, Any] = {}
    for every in (True, False):
        scopes = all_scopes("2026-07") | {"read_all_orders"} if every else all_scopes("2026-07") - {"read_all_orders"}
        shop = bench.engine.context("2026-07", App("twin-client", frozenset(scopes)))
        data = bench.engine.execute(shop, asked)["data"]
        sees[every] = ([one["name"] for one in data["orders"]["nodes"]], data["ordersCount"]["count"])
    assert sees == {True: (["#1001", "#1002"], 2), False: (["#1002"], 1)}

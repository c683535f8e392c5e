"""The computed cost of a query is what stores answered, to the point."""

from typing import Any

import pytest
from graphql import parse, validate
from shopify_schema.full import Full

from interlock.connectors.shopify import cost

RECORDED: list[tuple[str, dict[str, Any], int, str]] = [
    ("{ ordersCount { count precision } }", {}, 10, "github.com/airhorns/shopify-draft-proxy: counts at the root"),
    (
        "query ($id: ID!) { product(id: $id) { variants(first: 250) { nodes { inventoryItem { id } } } } }",
        {},
        25,
        "community.shopify.dev/t/23101: requestedQueryCost of a store's answer",
    ),
    (
        """{ orders(first: 25) { pageInfo { hasNextPage } edges { cursor node {
        channel { name } customAttributes { key } risk { assessments { riskLevel } } displayAddress { zip }
        shippingAddress { zip } billingAddress { zip } totalTaxSet { shopMoney { amount } } taxLines { rate }
        purchasingEntity { ... on PurchasingCompany { company { id } } } } } } }""",
        {},
        68,
        "github.com/microsoft/BCApps, Shopify connector, GetOrdersToImport: its declared cost",
    ),
    *(
        (
            """query ($first: Int!) { order(id: "gid://shopify/Order/1") { lineItems(first: $first) { nodes {
            product { id } variant { id } customAttributes { key } duties { price { shopMoney { amount } } taxLines { rate } }
            fulfillmentService { location { id } } discountAllocations { allocatedAmountSet { shopMoney { amount } } }
            taxLines { priceSet { presentmentMoney { amount } } } } } } }""",
            {"first": first},
            points,
            "github.com/microsoft/BCApps pull request 8545: GetOrderLines with 3 and with 10 lines a page",
        )
        for first, points in ((3, 23), (10, 43))
    ),
    (
        """{ order(id: "gid://shopify/Order/1") { fulfillments { location { id } trackingInfo { number } service { type }
        fulfillmentLineItems(first: 10) { nodes { originalTotalSet { shopMoney { amount } } lineItem { id } } } } } }""",
        {},
        15,
        "github.com/microsoft/BCApps, Shopify connector, GetOrderFulfillment",
    ),
    (
        'mutation { draftOrderComplete(id: "gid://shopify/DraftOrder/1") { draftOrder { order { id } } userErrors { field } } }',
        {},
        11,
        "github.com/microsoft/BCApps, Shopify connector, DraftOrderComplete",
    ),
    (
        'mutation { orderMarkAsPaid(input: { id: "gid://shopify/Order/1" }) { order { fullyPaid } userErrors { field } } }',
        {},
        10,
        "github.com/microsoft/BCApps, Shopify connector, MarkOrderAsPaid",
    ),
]
"""(query, variables, points, where the figure was published); the queries are written anew, with the same objects."""


@pytest.mark.parametrize(("text", "variables", "points", "source"), RECORDED)
def test_the_cost_is_what_was_published(
    text: str, variables: dict[str, Any], points: int, source: str, pinned: Full
) -> None:
    """The allowance is planned with this figure: one too low is throttled, one too high wastes what was paid for (C70)."""
    tree = parse(text)
    assert validate(pinned.schema, tree) == []
    assert cost.price(tree, pinned.schema).points(variables) == points, source


def test_the_rule_that_people_quote_would_be_found_wrong() -> None:
    """The control: size times objects says 502 for what costs 24 (F91)."""
    assert 2 + 250 * 2 == 502
    assert cost.Connection(size=250, objects=cost.Cost(points=2)).of({}) == 24


def test_a_fragment_costs_once_and_an_abstract_type_its_dearest(pinned: Full) -> None:
    """Fields that are selected twice are read once; of several types only one can come."""
    twice = """{ shop { plan { shopifyPlus } ...f } } fragment f on Shop { plan { partnerDevelopment } }"""
    assert cost.price(parse(twice), pinned.schema).points({}) == 2
    either = """{ node(id: "gid://shopify/Order/1") { id ... on Order { customer { id } }
        ... on Product { featuredMedia { id preview { status } } } } }"""
    assert cost.price(parse(either), pinned.schema).points({}) == 3


@pytest.mark.parametrize(
    ("mutation", "points"),
    [
        ("""fulfillmentTrackingInfoUpdate(fulfillmentId: "gid://shopify/Fulfillment/1", trackingInfoInput: {})
        { fulfillment { id } userErrors { field } }""", 50),
        ("""refundCreate(input: { orderId: "gid://shopify/Order/1" }) { refund { id } userErrors { field } }""", 20),
        ("""orderCapture(input: { id: "gid://shopify/Order/1", parentTransactionId: "gid://shopify/OrderTransaction/1",
        amount: "1.00" }) { transaction { id } userErrors { field } }""", 20),
        ("""flowTriggerReceive(handle: "a", payload: {}) { userErrors { field } }""", 1),
    ],
)  # fmt: skip
def test_some_mutations_have_their_own_price(mutation: str, points: int, pinned: Full) -> None:
    """Shopify sets the price of some fields by hand: as recorded in github.com/airhorns/shopify-draft-proxy (F91)."""
    tree = parse(f"mutation {{ {mutation} }}")
    assert validate(pinned.schema, tree) == []
    assert cost.price(tree, pinned.schema).points({}) == points


@pytest.mark.parametrize(("size", "times"), [(1, 1), (2, 1), (3, 2), (10, 4), (25, 6), (250, 11)])
def test_a_page_counts_by_the_logarithm_of_its_size(size: int, times: int) -> None:
    """The published figures pin the rule at these sizes."""
    assert cost.scale(size) == times

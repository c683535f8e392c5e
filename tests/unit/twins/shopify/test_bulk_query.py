"""The rules of bulk queries, and that what is read in bulk is what a query of the same selection answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from admin_bench import Bench

from interlock.twins.shopify import changes
from interlock.twins.shopify.admin.bulk_query import BulkReader
from interlock.twins.shopify.admin.bulk_rules import BulkQueryRefused, checked
from interlock.twins.shopify.admin.context import App
from interlock.twins.shopify.admin.resolvers import merged
from interlock.twins.shopify.admin.scopes import all_scopes

VARIANT = (
    "id sku price selectedOptions { name value } inventoryItem { id tracked measurement { weight { value unit } } }"
)
PRODUCT = "id title kind: status tags priceRangeV2 { minVariantPrice { amount currencyCode } } ...Named"
FRAGMENT = "fragment Named on Product { handle options { name values } __typename }"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


def node(inside: str) -> str:
    return f"{{ edges {{ node {{ {inside} }} }} }}"


def refusal(text: str) -> list[str]:
    with pytest.raises(BulkQueryRefused) as caught:
        checked("2026-07", text)
    return caught.value.messages


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Invalid bulk query: syntax error, unexpected end of file"),
        ("mutation { productDelete(input: {id: 1}) { deletedProductId } }", "Only `query` operations are supported."),
        ("{ products { edges { node { nonsense } } } }", "Field 'nonsense' doesn't exist on type 'Product'"),
        ("{ inventoryProperties { quantityNames { name } } }", "Bulk queries must contain at least one connection."),
        ("{ products(first: 5) { nodes { id } } }", "Selecting via 'nodes' is not supported."),
        ('{ node(id: "gid://shopify/Product/1") { id } }', "Bulk queries cannot contain a top level `node` field."),
        (f"{{ products {node('title variants ' + node('id'))} }}", "Connection fields without 'id': variants."),
        (f"{{ products {node('id: title variants ' + node('sku'))} }}", "Connection fields without 'id': variants."),
        (
            "{ products " + node("id variants " + node(
                "id inventoryItem { id inventoryLevels " + node("id location { id inventoryLevels " + node("id") + "}") + "}"
            )) + "}",
            "nesting depth greater than 2.",
        ),
        (
            "{ products " + node("id " + " ".join(f"v{n}: variants {node('id')}" for n in range(5))) + " }",
            "Bulk queries cannot contain more than 5 connections.",
        ),
        (f"{{ products {node('id')} locations {node('id')} }}", "exactly one top level field"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, message: str) -> None:
    """The rules of the bulk operations page; a query that breaks one is told so before it runs."""
    assert message in " ".join(refusal(text))


def test_three_connections_deep_below_one_another_are_allowed() -> None:
    """Products, their variants, and the stock of each: two nested below the top one."""
    deep = node("id variants " + node("id inventoryItem { inventoryLevels " + node("id") + " }"))
    assert checked("2026-07", f"{{ products {deep} }}").node is not None


def bulk(bench: Bench, text: str) -> list[dict[str, Any]]:
    """Every line, children behind their parent."""
    shop = bench.engine.context("2026-07", App("twin-client", all_scopes("2026-07")))
    reader = BulkReader(checked("2026-07", text), shop, merged().resolvers, ())
    found: list[dict[str, Any]] = []

    def walk(connection: Any, parent: Any, above: dict[str, Any] | None) -> None:
        for one in reader.nodes(connection, parent):
            line, met = reader.line(connection, one)
            found.append(line if above is None else {**line, "__parentId": above["id"]})
            for inner, value in met:
                walk(inner, value, line)

    walk(reader.root, {}, None)
    return found


def test_bulk_equals_the_engine(bench: Bench) -> None:
    """The proof of the compiled reading: products and variants, aliases, fragments and lists, field by field."""
    text = "{ products " + node(f"{PRODUCT} variants {node(VARIANT)}") + " } " + FRAGMENT
    lines = bulk(bench, text)
    asked = f"{{ products(first: 250) {{ nodes {{ {PRODUCT} variants(first: 250) {{ nodes {{ {VARIANT} }} }} }} }} }} {FRAGMENT}"
    expected: list[dict[str, Any]] = []
    for product in bench.data(asked)["products"]["nodes"]:
        variants = product.pop("variants")["nodes"]
        expected += [product, *({**one, "__parentId": product["id"]} for one in variants)]
    assert json.loads(json.dumps(lines)) == json.loads(json.dumps(expected))
    assert len(lines) == 28


def test_a_bulk_query_reads_past_every_page(bench: Bench) -> None:
    """Connections are read to their end without `first`; with it, that many are read."""
    put = """mutation($i: ProductSetInput!) { productSet(input: $i) { product { id } userErrors { message } } }"""
    values = [str(n) for n in range(600)]
    variants = [{"optionValues": [{"optionName": "Size", "name": one}], "sku": one} for one in values]
    options = [{"name": "Size", "values": [{"name": one} for one in values]}]
    bench.data(put, i={"title": "Wide", "productOptions": options, "variants": variants})
    lines = bulk(bench, '{ products(query: "title:Wide") ' + node("id variants " + node("id sku")) + " }")
    assert [one["sku"] for one in lines[1:]] == values
    assert len(bulk(bench, "{ products(first: 3) " + node("id") + " }")) == 3


ORDER = """id name updatedAt tags displayFinancialStatus totalPriceSet { shopMoney { amount currencyCode } }
  customer { id firstName defaultEmailAddress { emailAddress } } shippingAddress { city countryCodeV2 }
  refunds { id totalRefundedSet { presentmentMoney { amount } } } transactions { id kind status gateway }"""
LINE = "id name quantity currentQuantity sku variant { id } taxLines { title rate } discountAllocations { discountApplication { index } }"


def test_orders_in_bulk_equal_orders_one_by_one(bench: Bench) -> None:
    """The same over drawn orders with refunds: money, customers, lists inside and connections below."""
    for number in range(40):
        order = bench.store.place(None)
        if number % 3 == 0 and order["financial_status"] == "paid":
            bench.store.change("refund", changes.refund(order, bench.store.now()))
    lines = bulk(bench, "{ orders " + node(f"{ORDER} lineItems {node(LINE)}") + " }")
    one = f"query($id: ID!) {{ order(id: $id) {{ {ORDER} lineItems(first: 250) {{ nodes {{ {LINE} }} }} }} }}"
    expected: list[dict[str, Any]] = []
    for line in lines:
        if "__parentId" not in line:
            order = bench.data(one, id=line["id"])["order"]
            items = order.pop("lineItems")["nodes"]
            expected += [order, *({**item, "__parentId": order["id"]} for item in items)]
    assert sum("__parentId" not in line for line in lines) == 40
    assert lines == expected

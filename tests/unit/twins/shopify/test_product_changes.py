"""Products of the Shopify twin: made, priced, replaced and deleted, each with the webhooks that Shopify sends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from admin_bench import SUNGLASSES_PRODUCT, Bench, codes
from shopify_harness import sample

VARIANTS = (
    "variants(first: 50) { nodes { id title price sku position inventoryQuantity selectedOptions { name value } } }"
)
PUT = f"""mutation($input: ProductSetInput!, $id: ProductSetIdentifiers) {{ productSet(input: $input, identifier: $id) {{
  product {{ id handle {VARIANTS} }} userErrors {{ code message field }} }} }}"""
TOUCH = 'mutation($id: ID!) { productUpdate(product: {id: $id, vendor: "N"}) { userErrors { message } } }'
PRICES = f"""mutation($id: ID!, $variants: [ProductVariantsBulkInput!]!, $partial: Boolean) {{
  productVariantsBulkUpdate(productId: $id, variants: $variants, allowPartialUpdates: $partial) {{
    productVariants {{ price }} product {{ {VARIANTS} }} userErrors {{ code message field }} }} }}"""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


def sized(*sizes: str, **members: Any) -> dict[str, Any]:
    """A productSet input of one option."""
    variants = [
        {"optionValues": [{"optionName": "Size", "name": size}], "price": "10", "sku": f"T-{size}"} for size in sizes
    ]
    options = [{"name": "Size", "values": [{"name": size} for size in sizes]}]
    return {"title": "Tent", "productOptions": options, "variants": variants, **members}


def test_product_set_replaces_the_list_of_variants(bench: Bench) -> None:
    """productSet: variants that are left out go, those that stay keep their ids; other members stay as they are."""
    made = bench.data(PUT, input=sized("S", "M"))["productSet"]["product"]
    assert [(one["title"], one["price"]) for one in made["variants"]["nodes"]] == [("S", "10.00"), ("M", "10.00")]
    assert bench.topics[0] == "products/create" and bench.topics.count("inventory_items/create") == 2
    bench.events.clear()
    again = bench.data(PUT, input=sized("M", "L", title="Tent 2"), id={"id": made["id"]})["productSet"]["product"]
    ids = {one["title"]: one["id"] for one in made["variants"]["nodes"]}
    assert [one["title"] for one in again["variants"]["nodes"]] == ["M", "L"]
    assert (again["variants"]["nodes"][0]["id"], again["handle"]) == (ids["M"], "tent")
    assert {"products/update", "inventory_items/delete", "inventory_items/create"} <= set(bench.topics)


def test_2048_variants_and_no_more(bench: Bench) -> None:
    """F27: the limit is 2,048 variants a product."""
    (error,) = bench.ask(PUT, input=sized(*(str(n) for n in range(2048)), "last"))["errors"][:1]
    assert error["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"
    made = bench.data(PUT, input=sized(*(str(n) for n in range(2048))))["productSet"]
    assert codes(made) == []
    one_more = """mutation($id: ID!, $v: [ProductVariantsBulkInput!]!) { productVariantsBulkCreate(productId: $id, variants: $v)
      { userErrors { message } } }"""
    variant = {"optionValues": [{"optionName": "Size", "name": "last"}]}
    refused = bench.data(one_more, id=made["product"]["id"], v=[variant])["productVariantsBulkCreate"]
    assert "2048" in refused["userErrors"][0]["message"]


def test_prices_change_together_or_not_at_all(bench: Bench) -> None:
    """One wrong price stops the batch; with allowPartialUpdates the right ones are kept."""
    product = bench.data(PUT, input=sized("S", "M"))["productSet"]["product"]
    small, middle = (one["id"] for one in product["variants"]["nodes"])
    batch = [{"id": small, "price": "12.5"}, {"id": middle, "price": "-1"}]
    bench.events.clear()
    refused = bench.data(PRICES, id=product["id"], variants=batch, partial=False)["productVariantsBulkUpdate"]
    assert codes(refused) == ["GREATER_THAN_OR_EQUAL_TO"] and refused["userErrors"][0]["field"] == [
        "variants",
        "1",
        "price",
    ]
    assert bench.events == []
    kept = bench.data(PRICES, id=product["id"], variants=batch, partial=True)["productVariantsBulkUpdate"]
    assert [one["price"] for one in kept["product"]["variants"]["nodes"]] == ["12.50", "10.00"]
    assert bench.topics == ["products/update"]


@pytest.mark.parametrize(
    ("product", "variant", "code"),
    [
        ("gid://shopify/Product/1", {"id": "gid://shopify/ProductVariant/1"}, "PRODUCT_DOES_NOT_EXIST"),
        (SUNGLASSES_PRODUCT, {"id": "gid://shopify/ProductVariant/1"}, "PRODUCT_VARIANT_DOES_NOT_EXIST"),
        (SUNGLASSES_PRODUCT, {"price": "5"}, "PRODUCT_VARIANT_ID_MISSING"),
    ],
)
def test_refusals_of_prices(bench: Bench, product: str, variant: dict[str, Any], code: str) -> None:
    """Codes of ProductVariantsBulkUpdateUserErrorCode."""
    assert codes(bench.data(PRICES, id=product, variants=[variant], partial=False)["productVariantsBulkUpdate"]) == [
        code
    ]


def test_a_deleted_product_leaves_a_trace(bench: Bench) -> None:
    """F79: a reader that missed products/delete finds it among the deletion events."""
    delete = "mutation($id: ID!) { productDelete(input: {id: $id}) { deletedProductId userErrors { message } } }"
    assert bench.data(delete, id=SUNGLASSES_PRODUCT)["productDelete"]["deletedProductId"] == SUNGLASSES_PRODUCT
    assert bench.topics == ["products/delete", "inventory_items/delete"]
    found = bench.data("{ deletionEvents(first: 5, subjectTypes: [PRODUCT]) { nodes { subjectId subjectType } } }")
    assert found["deletionEvents"]["nodes"] == [{"subjectId": SUNGLASSES_PRODUCT, "subjectType": "PRODUCT"}]
    assert bench.data("query($id: ID!) { product(id: $id) { id } }", id=SUNGLASSES_PRODUCT) == {"product": None}
    assert (
        bench.data(delete, id=SUNGLASSES_PRODUCT)["productDelete"]["userErrors"][0]["message"]
        == "Product does not exist"
    )


def test_creating_and_updating(bench: Bench) -> None:
    """productCreate makes one variant of the first values; productUpdate changes what it is given."""
    create = """mutation($p: ProductCreateInput!) { productCreate(product: $p) { product { id handle status
      variants(first: 5) { nodes { title } } } userErrors { message } } }"""
    options = [{"name": "Colour", "values": [{"name": "Red"}, {"name": "Blue"}]}]
    made = bench.data(create, p={"title": "Aviator sunglasses", "productOptions": options})["productCreate"]["product"]
    assert (made["handle"], made["variants"]["nodes"]) == ("aviator-sunglasses-1", [{"title": "Red"}])
    update = """mutation($p: ProductUpdateInput!) { productUpdate(product: $p) { product { title status tags }
      userErrors { message } } }"""
    done = bench.data(update, p={"id": made["id"], "status": "ARCHIVED", "tags": ["b", "a"]})["productUpdate"]
    assert done["product"] == {"title": "Aviator sunglasses", "status": "ARCHIVED", "tags": ["a", "b"]}
    assert bench.data(create, p={"title": " "})["productCreate"]["userErrors"][0]["message"] == "Title can't be blank"


def test_searching_and_sorting(bench: Bench) -> None:
    """Products are found by the sku of a variant, and by updated_at, which is how a reconciliation asks."""
    found = bench.data('{ products(first: 5, query: "sku:SUN-AVI") { nodes { id } } }')["products"]["nodes"]
    assert found == [{"id": SUNGLASSES_PRODUCT}]
    bench.now += 60
    bench.data(TOUCH, id=SUNGLASSES_PRODUCT)
    last = (
        '{ products(first: 1, sortKey: UPDATED_AT, reverse: true, query: "updated_at:>=2026-06-01") { nodes { id } } }'
    )
    assert bench.data(last)["products"]["nodes"] == [{"id": SUNGLASSES_PRODUCT}]


def test_a_page_by_id_costs_its_own_length(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred thousand variants are read in hundreds of pages: each looks at its own rows, whatever came and went before. The
    pages together are the list as it is read at once."""
    bench.world.ids("variant")  # kept until one comes or goes
    bench.data(PUT, input=sized(*(str(number) for number in range(30))))
    ids, looked_at, get = [], 0, bench.world.get
    listed = """query($q: String!) { productVariants(first: 7, sortKey: ID, query: $q) { nodes { id } pageInfo { hasNextPage } } }"""

    def counting(kind: str, key: str) -> Any:
        nonlocal looked_at
        looked_at += kind == "variant"
        return get(kind, key)

    monkeypatch.setattr(bench.world, "get", counting)
    after, more = "0", True
    while more:
        looked_at = 0
        page = bench.data(listed, q=f"id:>{after}")["productVariants"]
        more, found = page["pageInfo"]["hasNextPage"], [node["id"].rpartition("/")[2] for node in page["nodes"]]
        assert looked_at <= 2 * 7 + 2
        ids, after = ids + found, found[-1]
    assert ids == [str(number) for number in sorted(int(key) for key, _ in bench.world.rows("variant"))]


def test_webhook_bodies_have_the_members_of_the_published_samples(bench: Bench) -> None:
    """What the hub reads from products/update and inventory_levels/update must be there under Shopify's names."""
    bench.data(TOUCH, id=SUNGLASSES_PRODUCT)
    ((_, body),) = bench.events
    published = sample("webhook.products.update.json")
    assert set(published) - set(body) == set()
    assert set(published["variants"][0]) - set(body["variants"][0]) == set()

"""The webhooks of goods and disputes have the members of Shopify's published samples, no more and no fewer."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from admin_bench import MAIN, STORE, SUNGLASSES, SUNGLASSES_PRODUCT, Bench
from shopify_harness import sample

from interlock.twins.shopify.payouts import PayoutBook

CAUSES: dict[str, tuple[str, dict[str, Any]]] = {
    "inventory_items/update": (
        'mutation($id: ID!) { inventoryItemUpdate(id: $id, input: {cost: "4.50"}) { userErrors { message } } }',
        {"id": SUNGLASSES},
    ),
    "inventory_items/delete": (
        "mutation($id: ID!) { productDelete(input: {id: $id}) { userErrors { message } } }",
        {"id": SUNGLASSES_PRODUCT},
    ),
    "inventory_levels/disconnect": (
        "mutation($id: ID!) { inventoryDeactivate(inventoryLevelId: $id) { userErrors { message } } }",
        {"id": f"{STORE.replace('Location', 'InventoryLevel')}?inventory_item_id={SUNGLASSES.rpartition('/')[2]}"},
    ),
    "inventory_levels/update": (
        """mutation($i: InventorySetQuantitiesInput!) { inventorySetQuantities(input: $i) @idempotent(key: "g") {
          userErrors { message } } }""",
        {
            "i": {
                "name": "available",
                "reason": "correction",
                "quantities": [
                    {"inventoryItemId": SUNGLASSES, "locationId": MAIN, "quantity": 1, "changeFromQuantity": None}
                ],
            }
        },
    ),
    "locations/update": (
        """mutation($id: ID!, $to: ID!) { locationDeactivate(locationId: $id, destinationLocationId: $to)
          @idempotent(key: "h") { locationDeactivateUserErrors { message } } }""",
        {"id": STORE, "to": MAIN},
    ),
    "products/update": (
        'mutation($id: ID!) { productUpdate(product: {id: $id, vendor: "N"}) { userErrors { message } } }',
        {"id": SUNGLASSES_PRODUCT},
    ),
}


@pytest.mark.parametrize("topic", sorted(CAUSES))
def test_bodies_have_the_members_of_the_samples(tmp_path: Path, topic: str) -> None:
    """F11: what a hub reads from a body must be there under Shopify's names, with values of the same kind."""
    query, variables = CAUSES[topic]
    with Bench(tmp_path) as bench:
        bench.data(query, **variables)
        body = next(body for told, body in bench.events if told == topic)
    published = sample(f"webhook.{topic.replace('/', '.')}.json")
    assert set(body) ^ set(published) == set()
    for name, value in published.items():
        if value is not None and body[name] is not None:
            assert type(body[name]) is type(value), name


def test_a_dispute_has_the_members_of_the_sample(tmp_path: Path) -> None:
    """The same for disputes/create, which a command causes."""
    with Bench(tmp_path) as bench:
        book = PayoutBook(bench.world, bench.store, bench.emit, "USD", Decimal(1))
        book.dispute(bench.store.place("plain"), None, "FRAUDULENT", "CHARGEBACK")
        ((_, body),) = bench.events
    assert set(body) == set(sample("webhook.disputes.create.json"))

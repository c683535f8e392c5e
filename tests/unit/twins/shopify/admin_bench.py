"""The Admin API of a Shopify twin without HTTP: documents in, answers out, webhooks collected, the clock in hand."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from interlock.twins.shopify.admin.bulk_operations import reader
from interlock.twins.shopify.admin.bulk_run import BulkRunner
from interlock.twins.shopify.admin.context import App
from interlock.twins.shopify.admin.engine import Engine
from interlock.twins.shopify.admin.scopes import all_scopes
from interlock.twins.shopify.catalogue import Shop
from interlock.twins.shopify.goods.opening import open_shop
from interlock.twins.shopify.store import Store
from interlock.twins.world import World

NOON = 1_782_000_000.0
MAIN, STORE, RETURNS = (f"gid://shopify/Location/{655_441_491 + number}" for number in range(3))
SUNGLASSES = "gid://shopify/InventoryItem/46870000000000"
TOTE = f"gid://shopify/InventoryItem/{46_870_000_000_000 + 3 * 32_768}"
BUNDLE = "gid://shopify/InventoryItem/46898000000000"
SUNGLASSES_PRODUCT = "gid://shopify/Product/7880000000000"


class Bench:
    """A shop on its first day. `events` are the webhooks that were sent, as (topic, body)."""

    def __init__(self, directory: Path, **config: Any) -> None:
        self.now = NOON
        self.keys = 0
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.world = World(directory, seed=7)
        self.store = Store(self.world, Shop(), lambda: self.now)
        open_shop(self.world, self.store.shop, self.store.now())
        self.engine = Engine(self.store, self.world, lambda: self.now, self.emit, config)
        self.bulk = BulkRunner(
            self.world,
            open_query=lambda row: reader(self.engine, row),
            emit=self.emit,
            base_url=lambda: "http://twin",
            clock=lambda: self.now,
            objects_per_second=1e9,
        )

    def emit(self, topic: str, body: dict[str, Any]) -> None:
        self.events.append((topic, body))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.world.close()

    def ask(self, query: str, /, version: str = "2026-07", **variables: Any) -> dict[str, Any]:
        """The whole answer, errors and all; a document with a `$key` gets a new one for each call."""
        if "$key" in query:
            self.keys += 1
            variables = {"key": f"key-{self.keys}", **variables}
        shop = self.engine.context(version, App("twin-client", all_scopes("2026-07")))
        return self.engine.execute(shop, {"query": query, "variables": variables})

    def data(self, query: str, /, **variables: Any) -> Any:
        """The data of an answer without errors."""
        answer = self.ask(query, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    @property
    def topics(self) -> list[str]:
        return [topic for topic, _ in self.events]

    def units(self, item: str, location: str = MAIN) -> dict[str, int]:
        """All eight quantities of an item at a location."""
        query = """query($item: ID!, $location: ID!, $names: [String!]!) {
          inventoryItem(id: $item) { inventoryLevel(locationId: $location) { quantities(names: $names) { name quantity } } }
        }"""
        names = [
            "available", "committed", "reserved", "damaged", "safety_stock", "quality_control", "incoming", "on_hand"
        ]  # fmt: skip
        level = self.data(query, item=item, location=location, names=names)["inventoryItem"]["inventoryLevel"]
        return {one["name"]: one["quantity"] for one in level["quantities"]}


def codes(payload: dict[str, Any]) -> list[str]:
    """The codes of a payload's userErrors."""
    return [one["code"] for one in payload["userErrors"]]

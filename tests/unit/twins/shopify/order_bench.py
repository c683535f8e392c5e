"""A shop's desk in memory for tests of an order's life, and the sums that must hold whatever happened to it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from interlock.twins.shopify import commands, payments
from interlock.twins.shopify.catalogue import Shop
from interlock.twins.shopify.customers import Customers
from interlock.twins.shopify.desk import Desk
from interlock.twins.shopify.money import read_set
from interlock.twins.shopify.routing import LIVE
from interlock.twins.shopify.store import Store
from interlock.twins.shopify.totals import net_received
from interlock.twins.world import World

Order = dict[str, Any]


class OrderBench:
    """A desk over a world in `directory`; `events` are the webhooks that were sent."""

    def __init__(self, directory: Path, seed: int = 7) -> None:
        self.world = World(directory, seed)
        self.store = Store(self.world, Shop())
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.desk = Desk(self.world, self.store, self._sent)
        self.customers = Customers(self.world, self.store, self._sent)

    def close(self) -> None:
        self.world.close()

    def place(self, scenario: str = "plain") -> Order:
        return self.store.place(scenario)

    def run(self, order: Order, kind: str, **asked: Any) -> Order:
        """Let a change happen and return the order as it is then."""
        commands.run(self.desk, self.now(order), kind, asked)
        return self.now(order)

    def now(self, order: Order) -> Order:
        found = self.store.order(str(order["id"]))
        assert found is not None
        return found

    def book(self, order: Order) -> dict[str, Any]:
        return self.desk.book(self.now(order))

    def topics(self) -> list[str]:
        return [topic for topic, _ in self.events]

    def body(self, topic: str) -> dict[str, Any]:
        """The last webhook of a topic."""
        return next(body for name, body in reversed(self.events) if name == topic)

    def _sent(self, topic: str, body: dict[str, Any]) -> None:
        self.events.append((topic, json.loads(json.dumps(body))))


def units_by_line(order: Order, book: dict[str, Any]) -> dict[int, int]:
    """Units that live fulfilment orders still have to ship, by order line."""
    left = dict.fromkeys((line["id"] for line in order["line_items"]), 0)
    for one in book["fulfillment_orders"]:
        for row in one["lines"] if one["status"] in LIVE else ():
            left[row["line_item_id"]] += row["remaining"]
    return left


def assert_books_agree(order: Order, book: dict[str, Any]) -> None:
    """What is left to ship, what was shipped, what was given back and what was paid are said alike everywhere."""
    assert units_by_line(order, book) == {line["id"]: line["fulfillable_quantity"] for line in order["line_items"]}
    taken = {one["fulfillment_id"]: sum(row["quantity"] for row in one["taken"]) for one in book["shipments"]}
    sent = {one["id"]: sum(row["quantity"] for row in one["line_items"]) for one in order["fulfillments"]}
    assert taken == sent
    gone = dict.fromkeys((line["id"] for line in order["line_items"]), 0)
    for row in (row for refund in order["refunds"] for row in refund["refund_line_items"]):
        gone[row["line_item_id"]] += row["quantity"]
    assert gone == {line["id"]: line["quantity"] - line["current_quantity"] for line in order["line_items"]}
    assert payments.received(book).shop - payments.refunded(order, book).shop == net_received(order)
    for one in payments.all_transactions(order, book):
        assert read_set(book["amounts"][str(one["id"])]).presentment == Decimal(one["amount"])
    for back in book["returns"]:
        assert all(0 <= row["processed"] <= row["quantity"] for row in back["lines"])

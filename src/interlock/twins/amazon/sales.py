"""Shoppers: they buy what they see, cancel, and the seller learns of it from the Orders API.

Facts: orders_2026-01-01.json (@34dc93f): searchOrders by lastUpdatedAfter, its end at least two minutes before the request,
pages of 100, items within the orders, statuses of fulfilment. An order takes its units from what is shown at once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.twins.amazon.shelf import Shelf
from interlock.twins.world import Change, Record, World

SETTLED_SECONDS = 120
"""searchOrders tells nothing of the last two minutes; "orders_settled_seconds" of the configuration."""


class Sales:
    """The orders of one seller at one marketplace."""

    def __init__(self, world: World, shelf: Shelf, marketplace: str, settled_seconds: float) -> None:
        self._world = world
        self._shelf = shelf
        self._marketplace = marketplace
        self._settled_seconds = settled_seconds

    def buy(self, lines: list[Record], status: str = "UNSHIPPED") -> Record | str:
        """An order of [{"sku", "quantity"}], or why nothing was sold: shoppers cannot buy more than they see."""
        wanted: dict[str, int] = {}
        for line in lines:
            wanted[line["sku"]] = wanted.get(line["sku"], 0) + int(line.get("quantity", 1))
        for sku, quantity in wanted.items():
            item = self._shelf.item(sku)
            if item is None or item["quantity"] < quantity:
                return f"{sku}: {item['quantity'] if item else 'no listing'}, asked for {quantity}"
        order = self._new(lines, status)
        self._write("order.create", order, {sku: -quantity for sku, quantity in wanted.items()})
        return order

    def cancel(self, key: str) -> Record | None:
        """The whole order; its units are shown again. None when there is nothing to cancel."""
        order = self._world.get("order", key)
        if order is None or order["fulfillment"]["fulfillmentStatus"] in ("CANCELLED", "SHIPPED"):
            return None
        back: dict[str, int] = {}
        for item in order["orderItems"]:
            sku = item["product"]["sellerSku"]
            back[sku] = back.get(sku, 0) + item["quantityOrdered"]
        order = self._changed(order, "CANCELLED")
        self._write("order.cancel", order, back)
        return order

    def ship(self, key: str) -> Record | None:
        """The seller sent it; what is shown stays."""
        order = self._world.get("order", key)
        if order is None or order["fulfillment"]["fulfillmentStatus"] != "UNSHIPPED":
            return None
        order = self._changed(order, "SHIPPED")
        self._write("order.ship", order, {})
        return order

    def updated(self, after: str, before: str | None) -> tuple[list[Record], str]:
        """Orders with after <= lastUpdatedTime <= before, in the order of their updates, and the end that was used."""
        latest = (datetime.now(UTC) - timedelta(seconds=self._settled_seconds)).isoformat()
        end = min(before, latest) if before else latest
        found = [order for _, order in self._world.rows("order") if after <= order["lastUpdatedTime"] <= end]
        return sorted(found, key=lambda order: (order["lastUpdatedTime"], order["orderId"])), end

    def order(self, key: str) -> Record | None:
        """One order, as it is now."""
        return self._world.get("order", key)

    def _new(self, lines: list[Record], status: str) -> Record:
        number = int(self._world.next_id("order"))
        now = self._world.now()
        return {
            "orderId": f"114-{number // 10**6:07}-{number:07}"[:19],
            "createdTime": now,
            "lastUpdatedTime": now,
            "salesChannel": {"channelName": "AMAZON", "marketplaceId": self._marketplace},
            "fulfillment": {"fulfillmentStatus": status, "fulfilledBy": "MERCHANT"},
            "orderItems": [self._item(line, int(line.get("quantity", 1)), status) for line in lines],
        }

    def _item(self, line: Record, quantity: int, status: str) -> Record:
        item = self._shelf.item(line["sku"]) or {"asin": ""}
        sent = quantity if status == "SHIPPED" else 0
        return {
            "orderItemId": self._world.next_id("orderItem"),
            "quantityOrdered": quantity,
            "product": {"sellerSku": line["sku"], "asin": item["asin"], "title": line["sku"]},
            "fulfillment": {"quantityFulfilled": sent, "quantityUnfulfilled": quantity - sent},
        }

    def _changed(self, order: Record, status: str) -> Record:
        items = order["orderItems"]
        if status == "SHIPPED":
            items = [
                {**item, "fulfillment": {"quantityFulfilled": item["quantityOrdered"], "quantityUnfulfilled": 0}}
                for item in items
            ]
        fulfillment = {**order["fulfillment"], "fulfillmentStatus": status}
        return {**order, "orderItems": items, "fulfillment": fulfillment, "lastUpdatedTime": self._world.now()}

    def _write(self, kind: str, order: Record, moved: dict[str, int]) -> None:
        """The order and the units it moves, in one effect that says from what to what."""
        changes: list[Change] = [("order", order["orderId"], order)]
        told: list[dict[str, Any]] = []
        for sku, quantity in moved.items():
            after, change = self._shelf.moved(sku, quantity)
            changes.append(change)
            told.append({"sku": sku, "from": after["quantity"] - quantity, "to": after["quantity"]})
        self._world.apply(kind, order["orderId"], *changes, once=True, detail={"moved": told})

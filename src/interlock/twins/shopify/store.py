"""The shop's books: its orders, its webhook subscriptions and its app's secrets, all kept in the world.

An order is kept as its JSON text with a few columns beside it: twenty thousand of them fit, and a read is a copy.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from interlock.twins.shopify.catalogue import Shop
from interlock.twins.shopify.changes import Change
from interlock.twins.shopify.goods.stock_history import StockHistory
from interlock.twins.shopify.indexes import IdsInRanges, SortedIds, seconds
from interlock.twins.shopify.orders import gid, make_order, timestamp
from interlock.twins.shopify.scenarios import SCENARIOS, drawn
from interlock.twins.world import Change as Record
from interlock.twins.world import World

ORDER_COLUMNS = (
    "id",
    "name",
    "number",
    "created_at",
    "updated_at",
    "currency",
    "presentment_currency",
    "total_price",
    "current_total_price",
    "current_total_price_set",
    "financial_status",
    "fulfillment_status",
    "cancelled_at",
    "closed_at",
    "test",
)
SECRET_LAG_SECONDS = 3600  # after a rotation Shopify may sign with the old secret for up to an hour (verify-deliveries)


class Store:
    """Reads and changes the shop's records; every change of an order is an effect."""

    def __init__(self, world: World, shop: Shop, clock: Callable[[], float] = time.time) -> None:
        self._world, self._clock = world, clock
        self.shop = shop
        self._zone = ZoneInfo(shop.iana_timezone)
        self.history = StockHistory(world, clock)
        self.on_change: Callable[[dict[str, Any] | None, dict[str, Any]], None] = lambda *_: (
            None
        )  # stock follows orders
        self._last_number = max((row["number"] for row in self.orders()), default=0)
        self.by_updated_at, self.by_created_at, self.by_id = SortedIds(), SortedIds(), IdsInRanges()
        self.orders_of: dict[int, list[int]] = {}  # a customer's orders
        self.customers = SortedIds()  # by updated_at
        for key, kept in self._world.rows("customer"):
            self.customer_changed(int(key), kept["rest"]["updated_at"])
        self._kept: set[int] = set()  # orders whose parts may have ids outside of the order's range
        for row in self.orders():
            self._index(row)

    def now(self) -> datetime:
        """The time in the shop's zone."""
        return datetime.fromtimestamp(self._clock(), UTC).astimezone(self._zone)

    def place(self, scenario: str | None) -> dict[str, Any]:
        """Place the next order. It depends on seed and number alone, so a restart does not change what follows."""
        number = self._last_number + 1
        rng = random.Random(f"{self._world.seed}:order:{number}")
        scenario = scenario or drawn(rng)
        order = make_order(rng, number, scenario, shop=self.shop, placed_at=self.now())
        self._last_number = number
        self._save("order.create", order, {"scenario": scenario})
        self.on_change(None, order)
        return order

    def place_draft(self, written: Callable[[int], dict[str, Any]], scenario: str = "draft_order") -> dict[str, Any]:
        """Place the next order as somebody wrote it; `written` gets its number."""
        order = written(self._last_number + 1)
        self._last_number += 1
        self._save("order.create", order, {"scenario": scenario})
        self.on_change(None, order)
        return order

    def remember_past(self, written: Iterable[Callable[[int], dict[str, Any]]], scenario: str) -> int:
        """Keep orders that were there before: no effects, no webhooks, one line of the journal. Returns how many."""
        rows = []
        for one in written:
            order = one(self._last_number + 1)
            self._last_number += 1
            rows.append(_row(order, _text(order), scenario, 0))
        self._world.remember(*(("order", str(row["id"]), row) for row in rows))
        for row in rows:
            self._index(row)
        return len(rows)

    def change(self, kind: str, change: Change, *beside: Record) -> dict[str, Any]:
        """Keep the outcome of a change; `kind` such as "edit" names its effect, `beside` is kept in the same breath."""
        before = self.order(str(change.order["id"]))
        self._save(f"order.{kind}", change.order, {"updated_at": change.order["updated_at"]}, "", *beside)
        self.on_change(before, change.order)
        return change.order

    def delete(self, order: dict[str, Any], *beside: Record) -> None:
        """Forget an order for good."""
        number = str(order["id"])
        self.by_updated_at.drop(order["id"])
        self.by_created_at.drop(order["id"])
        self.by_id.drop(order["id"])
        self._kept.discard(order["id"])
        owner = customer_id(order)
        if owner is not None:
            self.orders_of[owner].remove(order["id"])
        self._world.apply("order.delete", number, ("order", number, None), *beside)

    def rewrite(self, order: dict[str, Any]) -> None:
        """Keep an order whose customer changed: no change of the order itself, so no effect and the same updated_at."""
        number = str(order["id"])
        before = self._world.get("order", number) or {}
        row = {**before, "json": _text(order), "customer_id": customer_id(order)}
        self._forget_customer(before)
        self._world.remember(("order", number, row))
        self._index(row)

    def keep(self, text: str) -> dict[str, Any]:
        """Keep an order as the text that it is: a later read answers these very bytes. Raises ValueError, KeyError."""
        order = dict(json.loads(text))
        self._save("order.keep", order, {"updated_at": order["updated_at"]}, text)
        return order

    def find(self, reference: str) -> dict[str, Any] | None:
        """The columns and JSON text of an order by its id, its name (#1001) or its order number."""
        row = self._world.get("order", reference)
        if row is not None:
            return row
        name = "#" + reference.removeprefix("#")
        return next((row for _, row in self._world.rows("order") if row["name"] == name), None)

    def owner(self, part: int) -> dict[str, Any] | None:
        """The order whose range of ids holds a part's id; for one that was kept as a text, the order that has it."""
        number = self.by_id.owner(part)
        if number is not None:
            return self.order(str(number))
        orders = (self.order(str(one)) for one in self._kept)
        return next((order for order in orders if order and has_id(order, part)), None)

    def order(self, reference: str) -> dict[str, Any] | None:
        """An order as REST shows it, ready to be changed."""
        row = self.find(reference)
        return None if row is None else msgspec.json.decode(row["json"])

    def orders(self) -> Iterator[dict[str, Any]]:
        """Columns and JSON text of every order, in the order of placing."""
        return (row for _, row in self._world.rows("order"))

    def customer_changed(self, number: int, updated_at: str) -> None:
        """Keep the list of customers in the order of their changes."""
        self.customers.put(number, seconds(updated_at))

    def subscriptions(self) -> list[dict[str, Any]]:
        """The webhook subscriptions there are."""
        return [row for _, row in self._world.rows("webhook")]

    def subscribe(self, topic: str, address: str, dialect: str, name: str, api_version: str) -> dict[str, Any]:
        """Keep a new subscription and return it in the shape of REST."""
        number = int(self._world.next_id("webhook")) + 1_059_176_000_000
        at = timestamp(self.now())
        row = {
            "id": number,
            "address": address,
            "topic": topic,
            "created_at": at,
            "updated_at": at,
            "format": "json",
            "fields": [],
            "metafield_namespaces": [],
            "api_version": api_version,
            "private_metafield_namespaces": [],
            "name": name,
            "dialect": dialect,
            "admin_graphql_api_id": gid("WebhookSubscription", number),
        }
        self._world.apply("webhook.create", str(number), ("webhook", str(number), row), detail={"topic": topic})
        return row

    def unsubscribe(self, number: str, why: str) -> bool:
        """Remove a subscription; False when there is none."""
        if self._world.get("webhook", number) is None:
            return False
        self._world.apply("webhook.delete", number, ("webhook", number, None), detail={"why": why})
        return True

    def secrets(self, first: str) -> list[str]:
        """The app's secrets, newest first; `first` is the one it began with."""
        row = self._world.get("app", "app") or {"secrets": [first]}
        return list(row["secrets"])

    def rotate(self, first: str, lag_seconds: float) -> dict[str, Any]:
        """Make a new secret; the old one goes on signing for the lag. Both open the API."""
        new = format(random.Random(f"{self._world.seed}:{self._clock()}").getrandbits(256), "064x")
        secrets = [new, *self.secrets(first)][:2]
        row = {"secrets": secrets, "switch_at": self._clock() + lag_seconds}
        self._world.remember(("app", "app", row))
        return row

    def signing_secret(self, first: str) -> str:
        """The secret that deliveries are signed with now."""
        row = self._world.get("app", "app")
        if row is None:
            return first
        switched = self._clock() >= float(row["switch_at"])
        return str(row["secrets"][0] if switched else row["secrets"][-1])

    def _save(self, kind: str, order: dict[str, Any], detail: dict[str, Any], text: str = "", *beside: Record) -> None:
        number = str(order["id"])
        before = self._world.get("order", number)
        scenario = detail.get("scenario") or (before or {}).get("scenario")
        row = _row(order, text or _text(order), scenario, before["changes"] + 1 if before else 0)
        self._forget_customer(before or {})
        self._world.apply(kind, number, ("order", number, row), *beside, detail=detail)
        self._index(row)

    def _index(self, row: dict[str, Any]) -> None:
        number = int(row["id"])
        self.by_updated_at.put(number, seconds(row["updated_at"]))
        self.by_created_at.put(number, seconds(row["created_at"]))
        self.by_id.put(number)
        if row["scenario"] is None:
            self._kept.add(number)
        owner = row.get("customer_id")
        if owner is not None and owner not in self.customers:
            self.customers.put(owner, seconds(row["created_at"]))
        if owner is not None and number not in self.orders_of.setdefault(owner, []):
            self.orders_of[owner].append(number)

    def _forget_customer(self, row: dict[str, Any]) -> None:
        owner = row.get("customer_id")
        if owner is not None and row["id"] in self.orders_of.get(owner, ()):
            self.orders_of[owner].remove(row["id"])


def _row(order: dict[str, Any], text: str, scenario: str | None, changes: int) -> dict[str, Any]:
    """What is kept of an order: the columns that lists need, and its JSON text."""
    columns = {name: order[name] for name in ORDER_COLUMNS}
    return {**columns, "json": text, "customer_id": customer_id(order), "scenario": scenario, "changes": changes}


def _text(order: dict[str, Any]) -> str:
    return msgspec.json.encode(order).decode()


def customer_id(order: dict[str, Any]) -> int | None:
    """Who bought, if anybody is named."""
    customer = order.get("customer")
    return None if customer is None else int(customer["id"])


def has_id(value: Any, number: int) -> bool:
    """Whether a JSON value has an object with this id anywhere in it."""
    if isinstance(value, dict):
        return value.get("id") == number or any(has_id(part, number) for part in value.values())
    return isinstance(value, list) and any(has_id(part, number) for part in value)


def known_scenario(name: str | None) -> bool:
    return name is None or name in SCENARIOS


def truth(row: dict[str, Any]) -> dict[str, Any]:
    """What GET /_twin/orders says of an order: its columns, the id as text."""
    shown = {
        name: value for name, value in row.items() if name not in {"json", "current_total_price_set", "customer_id"}
    }
    total = row["current_total_price_set"]["presentment_money"]["amount"]
    return shown | {
        "id": str(row["id"]),
        "current_total": row["current_total_price"],
        "current_total_presentment": total,
    }

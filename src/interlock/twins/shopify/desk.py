"""Where orders and their books are opened, changed together, kept in one breath and told of by webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from interlock.twins.shopify import payments
from interlock.twins.shopify.books import BOOK, Book, follow, numbering
from interlock.twins.shopify.changes import Change
from interlock.twins.shopify.money import Currencies
from interlock.twins.shopify.order_writing import opened, touch
from interlock.twins.shopify.orders import timestamp
from interlock.twins.shopify.routing import named
from interlock.twins.shopify.store import Store
from interlock.twins.world import World

Order = dict[str, Any]
Emit = Callable[[str, dict[str, Any]], Any]
Event = tuple[str, dict[str, Any] | None]
"""(topic, body); None stands for the order as it is when the change is kept."""

TOLD_OF = frozenset({"success", "failure", "error"})
"""order_transactions/create comes for these statuses only (description of the topic, 2026-07)."""


class Refused(ValueError):  # noqa: N818 - reads as what happened
    """The shop says no in one of Shopify's user errors: its message, the input it is about, and a code where it has one."""

    def __init__(self, message: str, *path: str, code: str | None = None) -> None:
        super().__init__(message)
        self.path, self.code = path, code


@dataclass
class Life:
    """One order and its book, opened for change: work on them in place, add events, then `Desk.keep`."""

    order: Order
    book: Book
    now: datetime
    new_id: Callable[[], int]
    """For parts of the order's JSON."""
    money: Currencies
    events: list[Event] = field(default_factory=list)

    @property
    def at(self) -> str:
        return timestamp(self.now)

    @property
    def book_id(self) -> Callable[[], int]:
        """For what the book holds."""
        return numbering(self.book)

    def tell(self, *events: Event | str) -> None:
        """Add webhooks; a topic alone is about the order."""
        self.events += [(one, None) if isinstance(one, str) else one for one in events]

    def take(self, change: Change) -> None:
        """Go on with the outcome of a change of the order."""
        events = [(topic, None if body is change.order else body) for topic, body in change.events]
        self.order, self.events = change.order, self.events + events
        self.book["amounts"].update(change.amounts)
        _, self.money, self.new_id = opened(self.order)

    def line(self, line_id: int) -> dict[str, Any] | None:
        return next((line for line in self.order["line_items"] if line["id"] == line_id), None)


class Desk:
    """Opens and keeps the lives of orders."""

    def __init__(self, world: World, store: Store, emit: Emit) -> None:
        self.world, self.store, self.emit = world, store, emit

    def book(self, order: Order) -> Book:
        """The book beside an order, to be read: the kept one, or the one that the order implies."""
        kept = self.world.get(BOOK, str(order["id"]))
        return kept if kept is not None else follow(order, None, self.store.shop.location_id)

    def open(self, order: Order | None) -> Life:
        """An order and its book as copies to be changed. Raises Refused when there is no such order."""
        if order is None:
            raise Refused("Order does not exist", "id", code="NOT_FOUND")
        book = follow(order, self.book(order), self.store.shop.location_id)
        copied, money, new_id = opened(order)
        return Life(copied, book, self.store.now(), new_id, money)

    def keep(self, kind: str, life: Life) -> Order:
        """Keep order and book as one effect ("order.<kind>") and send the webhooks of the change."""
        touch(life.order, life.now)
        before = self._statuses(life.order)
        book = follow(life.order, life.book, self.store.shop.location_id)
        payments.name_parents(life.order, book)
        number = str(life.order["id"])
        self.store.change(kind, Change(life.order, []), (BOOK, number, book))
        for topic, body in [*self._payments(before, life.order, book), *life.events]:
            self.emit(topic, life.order if body is None else body)
        return life.order

    def change(self, kind: str, order: Order, change: Change) -> Order:
        """Keep a change that was worked out on the order alone."""
        life = self.open(order)
        life.take(change)
        return self.keep(kind, life)

    def placed(self, order: Order, listens: Callable[[str], bool]) -> Iterator[tuple[str, dict[str, Any]]]:
        """What Shopify sends beside orders/create; worked out only for topics that somebody listens to."""
        if listens("order_transactions/create"):
            yield from self._payments({}, order, self.book(order))
        if listens("fulfillment_orders/order_routing_complete"):
            for one in self.book(order)["fulfillment_orders"]:
                yield "fulfillment_orders/order_routing_complete", {"fulfillment_order": named(one)}

    def forget(self, order: Order) -> None:
        """Delete an order with its book; orders/delete names only the id."""
        self.store.delete(order, (BOOK, str(order["id"]), None))
        self.emit("orders/delete", {"id": order["id"]})

    def _statuses(self, order: Order) -> dict[int, str]:
        """What each transaction's status was before the change."""
        kept = self.store.order(str(order["id"]))
        if kept is None:
            return {}
        return {one["id"]: one["status"] for one in payments.all_transactions(kept, self.book(kept))}

    def _payments(self, before: dict[int, str], order: Order, book: Book) -> Iterator[tuple[str, dict[str, Any]]]:
        for one in payments.all_transactions(order, book):
            if one["status"] in TOLD_OF and before.get(one["id"]) != one["status"]:
                yield "order_transactions/create", payments.told(one)

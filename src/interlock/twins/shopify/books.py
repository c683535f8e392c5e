"""The books beside an order: fulfilment orders, what each parcel took from them, payments, returns, risk.

The order's REST JSON stays the truth of money and of quantities. A book that nothing happened to yet is not kept: it is
worked out from the order, the same each time. `follow` brings a book in line with its order after any change, so that
what is left to ship and what was received are said once.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from interlock.twins.shopify import payments, routing

Book = dict[str, Any]
Order = dict[str, Any]

BOOK = "order_book"
"""The kind of its records in the world; the key is the order's id."""


def blank(order: Order) -> Book:
    """A book with nothing in it. `last_id` numbers what it holds; every id lies in the order's own range."""
    return {
        "last_id": order["id"] + 3,  # the order's own parts are at distances of 7 from its id, these beside them
        "fulfillment_orders": [],
        "shipments": [],
        "transactions": [],
        "amounts": {},
        "returns": [],
        "risks": [],
        "staff_note": None,
        "edited": False,
        "original_total_price_set": order["total_price_set"],
    }


def numbering(book: Book) -> Callable[[], int]:
    """Gives out the book's ids, in place."""

    def new_id() -> int:
        book["last_id"] += 7
        return int(book["last_id"])

    return new_id


def follow(order: Order, book: Book | None, location_id: int) -> Book:
    """A book in line with its order: a copy of the old one, or a new one."""
    book = blank(order) if book is None else copy.deepcopy(book)
    new_id = numbering(book)
    routing.follow(order, book, location_id, new_id)
    payments.follow(order, book, new_id)
    return book

"""Cancels an order: what is authorized is let go, what was paid goes back when asked for, nothing is shipped any more.

Rules: description of orderCancel (Admin API 2026-07); texts: answers recorded at Shopify (2026-04,
airhorns/shopify-draft-proxy fixtures/conformance, orders/orderCancel-*). "Outstanding fulfillments" are parcels under
way; from memory: what was delivered before stays delivered, so a fulfilled order can not be cancelled.
"""

from __future__ import annotations

from typing import Any

from interlock.twins.shopify import changes, payments
from interlock.twins.shopify.desk import Life, Refused

LONGEST_NOTE = 255


def cancel(life: Life, reason: str, *, restock: bool, pay_back: bool, note: str | None = None) -> None:
    """Cancel in place; emits orders/cancelled, orders/updated, refunds/create. Raises Refused."""
    order = life.order
    if order["cancelled_at"] is not None:
        raise Refused("Cannot cancel an order that has already been canceled", "orderId", code="INVALID")
    if note and len(note) > LONGEST_NOTE:
        text = f"Staff note is too long. Maximum length is {LONGEST_NOTE} characters."
        raise Refused(text, "staffNote", code="INVALID")
    if order["fulfillment_status"] is not None:
        raise Refused("Cannot cancel an order that has outstanding fulfillments", "orderId", code="INVALID")
    if any(one["status"] in {"OPEN", "REQUESTED"} for one in life.book["returns"]):
        raise Refused("Cannot cancel an order that has active returns", "orderId", code="INVALID")
    for held in [one for one in life.book["transactions"] if one["kind"] == "authorization"]:
        _let_go(life, held)
    life.take(changes.cancel(order, life.now, reason=reason, restock=restock, pay_back=pay_back))
    life.book["staff_note"] = note


def _let_go(life: Life, held: dict[str, Any]) -> None:
    left = payments.left_of(life.book, held)
    if left:
        parent, gateway = held["id"], held["gateway"]
        payments.record(life.order, life.book, "void", left, life.book_id, parent_id=parent, gateway=gateway)

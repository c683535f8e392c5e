"""What the body of a Square webhook says: the counts that changed; of an order only that it changed, so that it is read.

Facts: api.json InventoryCountUpdatedEvent, OrderCreatedEvent, OrderUpdatedEvent; up to 100 counts in an event, and
two of one place where goods changed their state (before and after): developer.squareup.com/docs/inventory-api/webhooks.
"""

from __future__ import annotations

from typing import Final

import msgspec

from interlock.connectors.contract import IntakeError, Subject, stock
from interlock.connectors.square.counts import IN_STOCK, Count, level_of, moment_us
from interlock.connectors.square.sales import Order, sale_of

COUNTED: Final = "inventory.count.updated"
ORDERS: Final = ("order.created", "order.updated")


class _Kind(msgspec.Struct):
    event_id: str = ""
    location_id: str = ""


class _Changed(msgspec.Struct):
    order_id: str
    created_at: str = ""
    updated_at: str = ""


class _Object(msgspec.Struct):
    inventory_counts: list[Count] | None = None
    order_created: _Changed | None = None
    order_updated: _Changed | None = None


class _Data(msgspec.Struct):
    id: str = ""
    object: _Object | None = None


class Event(msgspec.Struct):
    """Any event; what stands in `data` depends on its type."""

    type: str
    event_id: str
    merchant_id: str = ""
    created_at: str = ""
    data: _Data = msgspec.field(default_factory=_Data)


def event_of(body: bytes) -> Event:
    """The event of a body. Raises IntakeError 400."""
    try:
        return msgspec.json.decode(body, type=Event)
    except (ValueError, RecursionError) as error:  # not JSON, not this shape, or not UTF-8
        raise IntakeError(
            f"no event of Square's: {error}", status=400, code="INT010", next_move="send what Square sends"
        ) from error


def told(_topic: str, body: bytes) -> stock.Told:
    """The type in the signed body counts, not the topic of a header. An order's event has no lines: the order is read, and
    what was read is told here too. A sale at the till has no event of its order; it is found by the listing."""
    order = _read_order(body)
    if order is not None:
        return stock.Told(sales=(sale_of(order),))
    event = event_of(body)
    if event.type in ORDERS:
        return stock.Told(again=(subject_of(body).key,))
    counts = (event.data.object.inventory_counts if event.data.object else None) or []
    return stock.Told(levels=tuple(level_of(one) for one in counts if one.state == IN_STOCK))


def _read_order(body: bytes) -> Order | None:
    """What orders.py has read, which is no event: it has no event's id."""
    try:
        kind = msgspec.json.decode(body, type=_Kind)
        return msgspec.json.decode(body, type=Order) if kind.location_id and not kind.event_id else None
    except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
        return None


def subject_of(body: bytes) -> Subject:
    """What an event is about. Raises IntakeError 400."""
    event = event_of(body)
    counts = (event.data.object.inventory_counts if event.data.object else None) or []
    order = (event.data.object.order_created or event.data.object.order_updated) if event.data.object else None
    if event.type == COUNTED and counts:
        places = {one.place for one in counts}
        key = f"{counts[0].catalog_object_id}:{counts[0].location_id}" if len(places) == 1 else event.data.id
        version = max(one.at_us for one in counts)
        return _subject("inventory_level", key, version, event)
    if event.type in ORDERS and order is not None:
        return _subject("order", order.order_id, _moment(order.updated_at or order.created_at), event)
    return _subject(event.type.partition(".")[0], event.data.id or event.event_id, 0, event)


def _subject(kind: str, key: str, version: int, event: Event) -> Subject:
    """The type is signed, so it is a fact."""
    return Subject(object=kind, key=key, version=version, facts=(event.type,), shop=event.merchant_id)


def _moment(text: str) -> int:
    try:
        return moment_us(text)
    except ValueError:
        return 0

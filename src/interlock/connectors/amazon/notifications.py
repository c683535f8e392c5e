"""What Amazon's notifications say of stock: the quantity of a listing, and what an order takes.

Amazon sends them to a queue of the seller's AWS account (SQS or EventBridge), not to an address; who wants them here forwards
their bodies. Facts: schemas/notifications/ListingsItemMfnQuantityChange.json and OrderChangeNotification.json @34dc93f: of an
order, the times of its purchase and of its change may be null.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

import msgspec

from interlock.connectors.amazon.moments import micros
from interlock.connectors.contract import MappingError, stock

QUANTITY_CHANGE: Final = "LISTINGS_ITEM_MFN_QUANTITY_CHANGE"
ORDER_CHANGE: Final = "ORDER_CHANGE"
MERCHANT: Final = "DEFAULT"


class _Envelope(msgspec.Struct, rename="pascal"):
    notification_type: str
    event_time: str
    payload: msgspec.Raw


class _Quantity(msgspec.Struct, rename="pascal"):
    sku: str
    fulfillment_channel_code: str
    quantity: int


class _Item(msgspec.Struct):
    sku: str = msgspec.field(name="SellerSKU")
    quantity: int = msgspec.field(name="Quantity")
    status: str = msgspec.field(name="OrderItemStatus", default="")


class _Summary(msgspec.Struct, rename="pascal"):
    order_status: str
    purchase_date: str | None
    order_items: list[_Item]
    fulfillment_type: str = ""


class _Trigger(msgspec.Struct, rename="pascal"):
    time_of_order_change: str | None


class _Order(msgspec.Struct, rename="pascal"):
    amazon_order_id: str
    order_change_trigger: _Trigger
    summary: _Summary


class _OrderChange(msgspec.Struct, rename="pascal"):
    order_change_notification: _Order


def told(body: bytes) -> stock.Told:
    """What it says; nothing for a notification of another kind. Raises MappingError for a body that cannot be read."""
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
        read = READERS.get(envelope.notification_type)
        return read(envelope) if read is not None else stock.Told()
    except (ValueError, RecursionError) as error:
        path = str(error).rpartition("at `")[2].rstrip("`") if "at `" in str(error) else "$"
        raise MappingError(
            "a notification of Amazon cannot be read", path=path, code="MAP001", why=str(error),
            next_move="compare it with the schema in amzn/selling-partner-api-models schemas/notifications",
        ) from error  # fmt: skip


def _quantity(envelope: _Envelope) -> stock.Told:
    found = msgspec.json.decode(envelope.payload, type=_Quantity)
    level = stock.Level(
        item=found.sku, sku=found.sku, location=found.fulfillment_channel_code,
        quantities={"available": Decimal(found.quantity)}, as_of_us=micros(envelope.event_time),
    )  # fmt: skip
    return stock.Told(levels=(level,))


def _order(envelope: _Envelope) -> stock.Told:
    order = msgspec.json.decode(envelope.payload, type=_OrderChange).order_change_notification
    if order.summary.fulfillment_type == "AFN":  # from Amazon's warehouses
        return stock.Told()
    gone = order.summary.order_status == "Canceled"
    items = (
        [] if gone else [item for item in order.summary.order_items if item.status != "Canceled" and item.quantity > 0]
    )
    changed = order.order_change_trigger.time_of_order_change or envelope.event_time
    sale = stock.Sale(
        key=order.amazon_order_id, name=order.amazon_order_id, version=micros(changed),
        accepted_us=micros(order.summary.purchase_date or changed),
        lines=tuple(
            stock.SaleLine(item=item.sku, sku=item.sku, quantity=item.quantity, location=MERCHANT) for item in items
        ),
    )  # fmt: skip
    return stock.Told(sales=(sale,))


READERS: Final[dict[str, Callable[[_Envelope], stock.Told]]] = {QUANTITY_CHANGE: _quantity, ORDER_CHANGE: _order}

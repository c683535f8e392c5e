"""Reads the orders that shoppers placed, as what they take of the stock.

Facts: orders_2026-01-01.json @34dc93f: `lastUpdatedAfter` is "at or after"; nothing of the last two minutes is told, and
`lastUpdatedBefore` of the answer says where it ended; pages of 100, whose token needs the same parameters; one call in three
minutes. Orders fulfilled by Amazon are left out: they take nothing of the seller's own stock.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec

from interlock.connectors.amazon.moments import EPOCH, micros, moment
from interlock.connectors.amazon.selling_partner import SellingPartner
from interlock.connectors.contract import Refused, Retry, stock

ORDERS: Final = "/orders/2026-01-01/orders"
OVERLAP_US: Final = 300_000_000
"""So much is read again: what is told late by Amazon's index is found by the next reading."""
FIRST_DAYS: Final = dt.timedelta(days=1)
MERCHANT: Final = "DEFAULT"


class _Status(msgspec.Struct):
    fulfillmentStatus: str = ""  # noqa: N815 - Amazon's name


class _Product(msgspec.Struct):
    sellerSku: str = ""  # noqa: N815


class _Cancellation(msgspec.Struct):
    cancellationExecution: dict[str, object] | None = None  # noqa: N815


class _Item(msgspec.Struct):
    orderItemId: str  # noqa: N815
    quantityOrdered: int  # noqa: N815
    product: _Product
    cancellation: _Cancellation | None = None


class _Order(msgspec.Struct):
    orderId: str  # noqa: N815
    createdTime: str  # noqa: N815
    lastUpdatedTime: str  # noqa: N815
    orderItems: list[_Item]  # noqa: N815
    fulfillment: _Status | None = None


class _Pagination(msgspec.Struct):
    nextToken: str = ""  # noqa: N815


class _Found(msgspec.Struct):
    orders: list[_Order]
    lastUpdatedBefore: str = ""  # noqa: N815
    pagination: _Pagination | None = None


class _Stand(msgspec.Struct, frozen=True, array_like=True):
    """Since when a reading asks, and the token of its next page."""

    since: str
    token: str = ""


class Orders:
    """The orders of one seller at one marketplace."""

    def __init__(self, api: SellingPartner) -> None:
        self._api = api

    async def changed(self, cursor: str, after: str, *, ends: float) -> stock.SalePage | Retry | Refused:
        """Orders that were updated since a cursor, which is microseconds since the epoch; "" is the last day."""
        stand = msgspec.json.decode(after, type=_Stand) if after else _Stand(self._since(cursor))
        query = {
            "marketplaceIds": self._api.marketplace, "lastUpdatedAfter": stand.since, "fulfilledBy": "MERCHANT",
            "includedData": "FULFILLMENT,CANCELLATION", "maxResultsPerPage": "100",
            **({"paginationToken": stand.token} if stand.token else {}),
        }  # fmt: skip
        found: _Found | Retry | Refused = await self._api.ask("searchOrders", ORDERS, _Found, ends=ends, query=query)
        if not isinstance(found, _Found):
            return found
        token = found.pagination.nextToken if found.pagination else ""
        following = msgspec.json.encode(_Stand(stand.since, token)).decode() if token else ""
        sales = tuple(_sale(order) for order in found.orders)
        return stock.SalePage(sales=sales, after=following, cursor=cursor if token else _cursor(found, stand))

    def _since(self, cursor: str) -> str:
        begin = (
            EPOCH + dt.timedelta(microseconds=int(cursor)) if cursor else moment(self._api.now_ms * 1000) - FIRST_DAYS
        )
        return f"{begin:%Y-%m-%dT%H:%M:%S}Z"


def _cursor(found: _Found, stand: _Stand) -> str:
    """Where the next reading begins: not at our now, but where this one ended by Amazon's clock."""
    end = micros(found.lastUpdatedBefore or stand.since)
    return str(max(micros(stand.since), end - OVERLAP_US))


def _sale(order: _Order) -> stock.Sale:
    gone = order.fulfillment is not None and order.fulfillment.fulfillmentStatus == "CANCELLED"
    return stock.Sale(
        key=order.orderId, name=order.orderId, version=micros(order.lastUpdatedTime), accepted_us=micros(order.createdTime),
        lines=() if gone else tuple(_line(item) for item in order.orderItems if _takes(item)),
    )  # fmt: skip


def _takes(item: _Item) -> bool:
    """Whether an item still takes stock: some were ordered, and nobody cancelled it."""
    cancelled = item.cancellation is not None and item.cancellation.cancellationExecution is not None
    return item.quantityOrdered > 0 and bool(item.product.sellerSku) and not cancelled


def _line(item: _Item) -> stock.SaleLine:
    sku = item.product.sellerSku
    return stock.SaleLine(item=sku, sku=sku, quantity=item.quantityOrdered, location=MERCHANT)

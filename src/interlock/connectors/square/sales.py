"""What the tills sold, found by the time of the orders' last change: a sale at the till sends no webhook of its order.

Facts: api.json OrderCreatedEvent and OrderUpdatedEvent (not for orders of the Point of Sale app), SearchOrders (at most 10
location_ids; a range of updated_at needs the sort by it; both ends count; a till that was offline may tell up to 72 hours
later), Order.state, OrderLineItem.quantity (a decimal text). Stock is taken when an order is completed
(developer.squareup.com/docs/inventory-api/how-it-works).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from interlock.connectors.contract import Refused, Retry, stock
from interlock.connectors.square.calls import Body, Calls
from interlock.connectors.square.counts import moment_us, text_of

PATH: Final = "/v2/orders/search"
LOCATIONS_PATH: Final = "/v2/locations"
PAGE: Final = 500
LOCATIONS_A_CALL: Final = 10
MILLISECOND_US: Final = 1000
FIRST_LOOK_US: Final = 24 * 3600 * 1_000_000
STATES: Final = ("OPEN", "COMPLETED", "CANCELED")


class _Line(msgspec.Struct):
    quantity: Decimal
    catalog_object_id: str | None = None

    def __post_init__(self) -> None:
        if not self.quantity.is_finite():
            raise ValueError("a quantity that is no number")


class _Tender(msgspec.Struct):
    pass


class Order(msgspec.Struct):
    """As much of an order as stock needs. Raises ValueError when its times are none."""

    id: str
    location_id: str
    state: str = ""
    created_at: str = ""
    updated_at: str = ""
    line_items: list[_Line] | None = None
    tenders: list[_Tender] | None = None

    def __post_init__(self) -> None:
        for moment in (self.created_at, self.updated_at):
            moment_us(moment)


class _Page(msgspec.Struct):
    orders: list[Order] | None = None
    cursor: str | None = None


class _Location(msgspec.Struct):
    id: str


class _Locations(msgspec.Struct):
    locations: list[_Location] | None = None


class _Reading(msgspec.Struct, array_like=True):
    """Where a reading stands: since when, until when, the newest change that it met, the groups of locations that are left,
    and Square's cursor within the first of them."""

    since: int
    until: int
    newest: int
    groups: list[list[str]]
    cursor: str = ""


class Sales:
    """One seller's orders, of some locations or of all."""

    def __init__(self, calls: Calls, locations: Sequence[str], overlap_us: int) -> None:
        self._calls, self._locations, self._overlap_us = calls, list(locations), overlap_us

    async def page(self, cursor: str, after: str, timeout_seconds: float) -> stock.SalePage | Retry | Refused:
        """One page of what changed since the cursor, which is a time in microseconds."""
        deadline = self._calls.deadline(timeout_seconds)
        if after:
            reading = msgspec.json.decode(after, type=_Reading)
        else:
            locations = await self._known_locations(timeout_seconds)
            if not isinstance(locations, list):
                return locations
            reading = self._begun(cursor, locations)
        if not reading.groups:
            return stock.SalePage(sales=(), cursor=str(reading.newest))
        found = await self._calls.read("POST", PATH, self._query(reading), _Page, deadline)
        return self._paged(reading, found) if isinstance(found, _Page) else found

    def _begun(self, cursor: str, locations: list[str]) -> _Reading:
        now = self._calls.now_us() + MILLISECOND_US  # our clock counts in whole ones: what was just changed counts
        newest = int(cursor) if cursor else now - FIRST_LOOK_US
        groups = [locations[n : n + LOCATIONS_A_CALL] for n in range(0, len(locations), LOCATIONS_A_CALL)]
        return _Reading(newest - self._overlap_us, now, newest, groups)

    async def _known_locations(self, timeout_seconds: float) -> list[str] | Retry | Refused:
        if self._locations:
            return self._locations
        found = await self._calls.read("GET", LOCATIONS_PATH, None, _Locations, self._calls.deadline(timeout_seconds))
        return [one.id for one in found.locations or ()] if isinstance(found, _Locations) else found

    def _query(self, reading: _Reading) -> Body:
        times = {"start_at": text_of(reading.since), "end_at": text_of(reading.until)}
        wanted = {"date_time_filter": {"updated_at": times}, "state_filter": {"states": list(STATES)}}
        query = {"filter": wanted, "sort": {"sort_field": "UPDATED_AT", "sort_order": "ASC"}}
        body: Body = {"location_ids": reading.groups[0], "query": query, "limit": PAGE}
        return body | {"cursor": reading.cursor} if reading.cursor else body

    def _paged(self, reading: _Reading, found: _Page) -> stock.SalePage:
        """What is saved at the end is the newest change that was met, never a time of our own clock."""
        orders = found.orders or []
        reading.newest = max([reading.newest, *(moment_us(one.updated_at) for one in orders)])
        reading.cursor = found.cursor or ""
        if not reading.cursor:
            reading.groups = reading.groups[1:]
        sales = tuple(sale_of(order) for order in orders)
        if not reading.groups:
            return stock.SalePage(sales=sales, cursor=str(reading.newest))
        return stock.SalePage(sales=sales, after=msgspec.json.encode(reading).decode())


def sale_of(order: Order) -> stock.Sale:
    """What an order takes: all of it once it is completed or paid, nothing before, and nothing when it was cancelled."""
    takes = order.state == "COMPLETED" or (order.state == "OPEN" and bool(order.tenders))
    lines = (one for one in (order.line_items or ()) if takes and one.catalog_object_id and one.quantity > 0)
    return stock.Sale(
        key=order.id, version=moment_us(order.updated_at), accepted_us=moment_us(order.created_at),
        lines=tuple(_taken(one, order.location_id) for one in lines),
    )  # fmt: skip


def _taken(line: _Line, location: str) -> stock.SaleLine:
    """A part of a piece takes the piece."""
    whole = int(line.quantity.to_integral_value(rounding="ROUND_CEILING"))
    return stock.SaleLine(item=line.catalog_object_id or "", quantity=whole, location=location)

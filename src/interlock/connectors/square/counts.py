"""What Square counts: the quantity of a variation at a location that is IN_STOCK, and when the change came in that made it.

Facts: api.json BatchRetrieveInventoryCounts (newest first by calculated_at, updated_after exclusive, 1000 a page and 1000
catalog_object_ids), InventoryCount (quantity a decimal text; a place that was never counted has none).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from interlock.connectors.contract import Refused, Retry, stock
from interlock.connectors.square.calls import Body, Calls, Deadline

PATH: Final = "/v2/inventory/counts/batch-retrieve"
IN_STOCK: Final = "IN_STOCK"
PAGE: Final = 1000
EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND: Final = dt.timedelta(microseconds=1)


class Count(msgspec.Struct, frozen=True, gc=False):
    """One InventoryCount. Raises ValueError when its numbers are none."""

    catalog_object_id: str
    location_id: str
    state: str = IN_STOCK
    quantity: Decimal = Decimal(0)
    calculated_at: str = ""

    def __post_init__(self) -> None:
        if not self.quantity.is_finite():
            raise ValueError("a quantity that is no number")
        moment_us(self.calculated_at)

    @property
    def place(self) -> stock.Place:
        """Where it is."""
        return stock.Place(self.catalog_object_id, self.location_id)

    @property
    def at_us(self) -> int:
        """When the change came in that made it so, by Square's clock; 0 when it does not say."""
        return moment_us(self.calculated_at)

    @property
    def whole(self) -> int:
        """In whole pieces: what is left of a piece cannot be sold (C64)."""
        return int(self.quantity.to_integral_value(rounding="ROUND_FLOOR"))


class _Page(msgspec.Struct):
    counts: list[Count] | None = None
    cursor: str | None = None


class CountPage(msgspec.Struct, frozen=True):
    """Some counts; `cursor` of the next page, "" at the end."""

    counts: list[Count]
    cursor: str = ""


async def page_of(calls: Calls, body: Body, cursor: str, deadline: Deadline) -> CountPage | Retry | Refused:
    """One page of what is in stock, by Square's own filters in `body`."""
    asked = body | {"states": [IN_STOCK], "limit": PAGE} | ({"cursor": cursor} if cursor else {})
    found = await calls.read("POST", PATH, asked, _Page, deadline)
    if not isinstance(found, _Page):
        return found
    return CountPage([one for one in found.counts or () if one.state == IN_STOCK], found.cursor or "")


async def counts_of(
    calls: Calls, items: Sequence[str], locations: Sequence[str], deadline: Deadline
) -> dict[stock.Place, Count] | Retry | Refused:
    """The counts of some variations, at some locations or (none named) at all."""
    body: Body = {"catalog_object_ids": sorted(set(items))}
    if locations:
        body["location_ids"] = sorted(set(locations))
    found: dict[stock.Place, Count] = {}
    cursor = ""
    while True:
        page = await page_of(calls, body, cursor, deadline)
        if not isinstance(page, CountPage):
            return page
        found |= {one.place: one for one in page.counts}
        if not (cursor := page.cursor):
            return found


def level_of(count: Count) -> stock.Level:
    """A count as a source tells it."""
    return stock.Level(
        item=count.catalog_object_id, location=count.location_id, quantities={"available": count.quantity},
        as_of_us=count.at_us, version=count.calculated_at,
    )  # fmt: skip


def seen_of(place: stock.Place, count: Count | None) -> stock.Seen:
    """A count as a channel shows it; a place that was never counted is not stocked."""
    if count is None:
        return stock.Seen(place=place, stocked=False)
    return stock.Seen(place=place, quantity=count.whole, at_us=count.at_us)


def moment_us(text: str) -> int:
    """Microseconds of an RFC 3339 time, of which Square gives up to nine digits; 0 for "". Raises ValueError."""
    if not text:
        return 0
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return (moment - EPOCH) // MICROSECOND


def text_of(moment: int) -> str:
    """RFC 3339 of microseconds."""
    return (EPOCH + moment * MICROSECOND).isoformat(timespec="microseconds").replace("+00:00", "Z")

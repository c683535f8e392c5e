"""The store as a channel of stock: what it sells, what each place shows, and how that is set (the port: messaging/stock.py).

Facts F24, F29, F30, F40-F45. What is read and written is `available`; the other quantities are the store's own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from interlock.connectors.contract import Connection, Refused, Retry, declared_manifest, stock
from interlock.connectors.shopify import stock_told
from interlock.connectors.shopify.graphql import Admin
from interlock.connectors.shopify.shape import number
from interlock.connectors.shopify.stock_lines import LINES_MAX, gid, is_id
from interlock.connectors.shopify.stock_listing import StockListing, seen_at
from interlock.connectors.shopify.stock_sale import StockSales
from interlock.connectors.shopify.stock_writing import StockWrite

ANSWERS_AT_ONCE: Final = Retry(
    code="NO-RECEIPT", message="the store answers a write of stock at once; nothing is under way"
)


class ShopifyStock:
    """One store's stock, as one app."""

    lines_per_write = LINES_MAX
    compares = True

    def __init__(self, connection: Connection) -> None:
        self._admin = Admin(connection)
        self._clock = connection.clock
        self._manifest = declared_manifest(connection)
        self._sales = StockSales(self._admin, connection.clock)
        self._listing = StockListing(self._admin, connection.http, connection.settings["stock_listing"])

    async def items(self, after: str, *, timeout_seconds: float) -> stock.ItemPage | Retry | Refused:
        """All variants by their ids; the next page begins behind the last id, so that no cursor grows old or too long."""
        asked = {"query": f"id:>{after}" if after else "id:>0"}
        said = await self._admin.run("stock_items_page", asked, timeout_seconds=timeout_seconds)
        if not isinstance(said, dict):
            return said
        nodes, more = said["productVariants"]["nodes"], said["productVariants"]["pageInfo"]["hasNextPage"]
        return stock.ItemPage(
            items=tuple(_item(node, said["shop"]["currencyCode"]) for node in nodes),
            after=str(number(nodes[-1]["id"])) if more and nodes else "",
        )

    async def read(
        self, places: Sequence[stock.Place], *, timeout_seconds: float
    ) -> tuple[stock.Seen, ...] | Retry | Refused:
        """One call for each location among the places. By ids: the search index is late, and stock is compared with this."""
        ends = self._clock.monotonic() + timeout_seconds
        found: dict[stock.Place, stock.Seen] = {}
        for location, items in _by_location(places).items():
            left = ends - self._clock.monotonic()
            if left <= 0:
                return Retry(code="NO-TIME", message="no time was left to read all locations")
            asked = {"items": [gid("InventoryItem", item) for item in items], "location": gid("Location", location)}
            said = await self._admin.run("stock_levels_read", asked, timeout_seconds=left)
            if not isinstance(said, dict):
                return said
            for item, node in zip(items, said["nodes"], strict=True):
                place = stock.Place(item, location)
                found[place] = seen_at(place, node and node.get("inventoryLevel"))
        return tuple(found.get(place) or seen_at(place, None) for place in places)

    async def listing(self, after: str, *, timeout_seconds: float) -> stock.SeenPage | Retry | Refused:
        """What all places show. The first page of a bulk listing is empty, and Retry says that the store works on it."""
        return await self._listing.page(after, timeout_seconds)

    async def write(
        self, lines: Sequence[stock.Line], *, key: str, timeout_seconds: float, first: bool = False  # noqa: ARG002
    ) -> stock.LineOutcomes:  # fmt: skip
        """Set these places; each line has its own outcome (stock_writing.py)."""
        assert len(lines) <= LINES_MAX, f"{len(lines)} lines are more than a call takes"
        return await StockWrite(self._admin, self._manifest, self._clock, lines, key, timeout_seconds).outcomes()

    async def look(self, receipt: str, lines: Sequence[stock.Line], *, timeout_seconds: float) -> Retry:  # noqa: ARG002
        """Never asked: a write answers at once."""
        return ANSWERS_AT_ONCE

    async def sales(self, cursor: str, after: str, *, timeout_seconds: float) -> stock.SalePage:  # noqa: ARG002
        """None: orders come as events, and what webhooks left out as their backfill."""
        return stock.SalePage(sales=(), cursor=cursor)

    async def sale(self, object_name: str, key: str, *, timeout_seconds: float) -> stock.Sale | Retry | Refused:
        """An order with the locations that it is assigned to (stock_sale.py)."""
        return await self._sales.sale(object_name, key, timeout_seconds=timeout_seconds)

    def told(self, topic: str, body: bytes) -> stock.Told:  # noqa: ARG002
        """Levels of inventory_levels/update, sales of orders/*; the topic is not signed, so the body decides."""
        return stock_told.told(body)


def _item(node: dict[str, Any], currency: str) -> stock.Item:
    return stock.Item(
        item=str(number(node["inventoryItem"]["id"])),
        sku=node["sku"] or "",
        barcode=node["barcode"] or "",
        variant=str(number(node["id"])),
        tracked=node["inventoryItem"]["tracked"],
        kit=node["requiresComponents"],
        price=Decimal(node["price"]),
        currency=currency,
    )


def _by_location(places: Sequence[stock.Place]) -> dict[str, list[str]]:
    """The items to ask for at each location, each once; what can be no id is not asked for."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for place in places:
        if is_id(place.item) and is_id(place.location):
            found[place.location][place.item] = None
    return {location: list(items) for location, items in found.items()}

"""An order as it takes stock, with the location that each piece is taken from: a webhook tells of none, and Shopify may move it.

"After an order is created, a background worker performs the order routing process which determines which locations will be
responsible": descriptions of FulfillmentOrder, of its assignedLocation and of fulfillmentOrderMove, Admin GraphQL 2026-07
(https://shopify.dev/docs/api/admin-graphql/2026-07/objects/FulfillmentOrder). An app sees the fulfilment orders that its scopes
allow: of what it does not see no location is told.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from interlock.connectors.contract import Clock, Refused, Retry, stock
from interlock.connectors.shopify.body import gid_parts, micros
from interlock.connectors.shopify.graphql import Admin
from interlock.connectors.shopify.shape import number_of
from interlock.connectors.shopify.stock_lines import gid, is_id
from interlock.connectors.shopify.whole import KINDS, NotRead, Reading, gone

ORDER, MOVED = "order", "fulfillment_order"
MOST: Final = {"lines": 250, "parts": 50, "rows": 250}
"""What is asked of an order that the first, small pages do not hold. Of a larger one all lines are read, and where they are taken
from as far as this says."""
CANCELLED: Final = "CANCELLED"
CLOSED: Final = "CLOSED"

Node = Mapping[str, Any]


class StockSales:
    """Orders of one store, read one by one."""

    def __init__(self, admin: Admin, clock: Clock) -> None:
        self._admin = admin
        self._clock = clock

    async def sale(
        self, object_name: str, key: str, *, timeout_seconds: float
    ) -> stock.Sale | Retry | Refused:  # fmt: skip
        """The order, or the one whose fulfilment order has that key."""
        if object_name not in (ORDER, MOVED) or not is_id(key):
            return Refused(reason="validation", code="READ", message=f"no sale is {object_name!r} {key[:30]!r}")
        reading = Reading(self._admin, self._clock, timeout_seconds=timeout_seconds)
        try:
            node = await _order(reading, object_name, key)
            sale = sale_of(node)
            return sale if _is_whole(node) else msgspec.structs.replace(sale, unrouted=False)  # nor will it be told later
        except NotRead as stopped:
            return stopped.outcome
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            words = f"the answer is no order as its document asks for: {type(error).__name__}"
            return Retry(code="ANSWER_NOT_UNDERSTOOD", message=words, status=200)


async def _order(reading: Reading, object_name: str, key: str) -> Node:
    asked = gid("Order", key) if object_name == ORDER else await _order_of(reading, gid("FulfillmentOrder", key))
    node = (await reading.ask("stock_sale", {"id": asked}))["order"]
    if node is not None and not _is_whole(node):
        node = (await reading.ask("stock_sale", {"id": asked, **MOST}))["order"]
    if node is None:
        raise NotRead(gone(asked))
    if node["lineItems"]["pageInfo"]["hasNextPage"]:
        lines = (await reading.whole(KINDS["order"], asked))["lineItems"]
        node = {**node, "lineItems": lines}
    return node  # type: ignore[no-any-return]


async def _order_of(reading: Reading, part: str) -> str:
    found = (await reading.ask("stock_sale_moved", {"id": part}))["fulfillmentOrder"]
    if found is None:
        raise NotRead(gone(part))
    return str(found["orderId"])


def _is_whole(node: Node) -> bool:
    parts = node.get("fulfillmentOrders")
    pages = [node["lineItems"], *((parts, *(one["lineItems"] for one in parts["nodes"])) if parts else ())]
    return not any(page["pageInfo"]["hasNextPage"] for page in pages)


def sale_of(node: Node) -> stock.Sale:
    """A node of documents/stock_sale.graphql. A line of more pieces than fulfilment orders are told of takes the rest where the order
    was made, if that was in a shop."""
    units: dict[tuple[str, str, str], int] = defaultdict(int)
    hint, parts = _place(node.get("retailLocation")), node.get("fulfillmentOrders")
    placed, unplaced = _placed(parts["nodes"] if parts else ()), 0
    for line in node["lineItems"]["nodes"] if node["cancelledAt"] is None else ():
        left = takes(line)
        item = gid_parts((line["variant"] or {}).get("id"))[1]
        for place, pieces in placed.get(line["id"], ()):
            part = min(left, pieces)
            left -= part
            units[item, line["sku"] or "", place] += part
        units[item, line["sku"] or "", hint] += left
        unplaced += left
    return stock.Sale(
        key=gid_parts(node["id"])[1], name=node["name"] or "",
        version=_micros(node["updatedAt"]), accepted_us=_micros(node["createdAt"]),
        lines=tuple(
            stock.SaleLine(item=item, sku=sku, quantity=pieces, location=place)
            for (item, sku, place), pieces in units.items() if pieces
        ),
        unrouted=parts is not None and unplaced > 0,
    )  # fmt: skip


def takes(line: Node) -> int:
    """So many units: as ordered, less what was removed and refunded (F50); none of what the store does not count."""
    variant = line["variant"]
    if variant is None or line["isGiftCard"] or not variant.get("inventoryItem", {}).get("tracked", True):
        return 0
    return max(0, int(line["currentQuantity"]))


def _placed(parts: Iterable[Node]) -> Mapping[str, list[tuple[str, int]]]:
    """By line, locations with their pieces: first what waits there, then what has left it, of which some may have come back."""
    rows = [row for part in parts for row in _rows(part)]
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for line, place, waiting, _ in rows:
        found[line].append((place, waiting))
    for line, place, _, sent in rows:
        found[line].append((place, sent))
    return found


def _rows(part: Node) -> Iterator[tuple[str, str, int, int]]:
    """Line, location, pieces that wait there and pieces that have left it. What a closed one has not sent, another one has."""
    place = _place((part.get("assignedLocation") or {}).get("location"))
    for row in part["lineItems"]["nodes"] if place and part["status"] != CANCELLED else ():
        waiting = row["remainingQuantity"]
        sent = max(0, row["totalQuantity"] - waiting)
        yield row["lineItem"]["id"], place, 0 if part["status"] == CLOSED else waiting, sent


def _place(node: Node | None) -> str:
    number = number_of(node)
    return "" if number is None else str(number)


def _micros(text: str) -> int:
    return micros(dt.datetime.fromisoformat(text))

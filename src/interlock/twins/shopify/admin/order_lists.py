"""orders and ordersCount: found by Shopify's search, sorted, a page at a time, at most 60 days back for most apps."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from math import inf
from typing import Any

from interlock.twins.shopify.admin.connections import connection, count
from interlock.twins.shopify.admin.context import Resolver, ShopContext
from interlock.twins.shopify.admin.orders import order
from interlock.twins.shopify.admin.rest_shape import tag_list
from interlock.twins.shopify.admin.search import Query, Searched, search
from interlock.twins.shopify.admin.window import oldest_order
from interlock.twins.shopify.indexes import Key, SortedIds, seconds

Row = dict[str, Any]


def _status(row: Row) -> list[str]:
    """open, closed, cancelled, not_closed: an order can be several."""
    states = [] if row["cancelled_at"] is None else ["cancelled"]
    return [*states, "closed"] if row["closed_at"] else [*states, "not_closed", *([] if states else ["open"])]


def _of_json(name: str) -> Callable[[Row], Any]:
    """A member that is not among the columns of the store."""
    return lambda row: json.loads(row["json"]).get(name)


SEARCHED = {
    "id": Searched(lambda row: row["id"], "id"),
    "name": Searched(lambda row: [row["name"], row["name"].removeprefix("#")]),
    "status": Searched(_status),
    "financial_status": Searched(lambda row: row["financial_status"]),
    "fulfillment_status": Searched(lambda row: FULFILMENT_WORDS[row["fulfillment_status"]]),
    "created_at": Searched(lambda row: row["created_at"], "time"),
    "processed_at": Searched(lambda row: row["created_at"], "time"),
    "updated_at": Searched(lambda row: row["updated_at"], "time"),
    "test": Searched(lambda row: row["test"], "flag"),
    "customer_id": Searched(lambda row: row.get("customer_id"), "id"),
    "current_total_price": Searched(lambda row: row["current_total_price"], "number"),
    "email": Searched(_of_json("contact_email")),
    "po_number": Searched(_of_json("po_number")),
    "source_name": Searched(_of_json("source_name")),
    "confirmation_number": Searched(_of_json("confirmation_number")),
    "location_id": Searched(_of_json("location_id"), "id"),
    "tag": Searched(lambda row: tag_list(json.loads(row["json"])["tags"])),
    "sku": Searched(lambda row: [line["sku"] for line in json.loads(row["json"])["line_items"]]),
    "gateway": Searched(_of_json("payment_gateway_names")),
    "discount_code": Searched(lambda row: [one["code"] for one in json.loads(row["json"])["discount_codes"]]),
}
FULFILMENT_WORDS: dict[str | None, list[str]] = {
    None: ["unfulfilled", "unshipped"],
    "partial": ["partial"],
    "fulfilled": ["fulfilled", "shipped"],
    "restocked": ["restocked"],
}
DEFAULT = ("name", "email")


def _query(shop: ShopContext, arguments: dict[str, Any], path: str) -> Query:
    return search(arguments.get("query"), SEARCHED, default=DEFAULT, shop=shop, path=path)


def _since(shop: ShopContext) -> float:
    """Where the window of the app begins."""
    oldest = oldest_order(shop)
    return -inf if oldest is None else oldest.timestamp()


def _keys(shop: ShopContext, query: Query, sort_key: str) -> Sequence[Key]:
    """The keys of the orders in ascending order of the sort key, narrowed where an index can."""
    index, name = _index(shop, sort_key)
    if index is None:
        return [(0.0, number) for number in shop.store.by_id] if name == "id" else _sorted(shop, name)
    least, most = query.bounds.get(name, (None, None))
    return index.between(least.timestamp() if least else -inf, most.timestamp() if most else inf)


def _index(shop: ShopContext, sort_key: str) -> tuple[SortedIds | None, str]:
    if sort_key == "UPDATED_AT":
        return shop.store.by_updated_at, "updated_at"
    if sort_key in {"CREATED_AT", "PROCESSED_AT"}:
        return shop.store.by_created_at, "created_at"
    return None, COLUMNS.get(sort_key, "id")


COLUMNS = {"TOTAL_PRICE": "total_price", "CURRENT_TOTAL_PRICE": "current_total_price", "ORDER_NUMBER": "number"}


def _sorted(shop: ShopContext, name: str) -> list[Key]:
    return sorted((float(row[name]), int(row["id"])) for row in shop.store.orders())


def _wanted(shop: ShopContext, query: Query, *, searched: bool) -> Callable[[Key], bool] | None:
    since = _since(shop)
    if not searched and since == -inf:
        return None

    def wanted(key: Key) -> bool:
        row = shop.store.find(str(key[1]))
        return row is not None and seconds(row["created_at"]) >= since and (not searched or query.wanted(row))

    return wanted


def _show(shop: ShopContext, key: Key) -> dict[str, Any]:
    return order(shop.store.order(str(key[1])) or {})


def _list(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    query = _query(shop, arguments, "orders")
    keys = _keys(shop, query, arguments.get("sortKey") or "PROCESSED_AT")
    wanted = _wanted(shop, query, searched=bool(arguments.get("query")))
    return connection(keys, arguments, key=list, wanted=wanted, show=lambda key: _show(shop, key))


def _count(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    query = _query(shop, arguments, "ordersCount")
    wanted = _wanted(shop, query, searched=bool(arguments.get("query")))
    keys = _keys(shop, query, "UPDATED_AT" if "updated_at" in query.bounds else "CREATED_AT")
    return count(len(keys) if wanted is None else sum(map(wanted, keys)), arguments.get("limit", 10_000))


RESOLVERS: dict[str, Resolver] = {"QueryRoot.orders": _list, "QueryRoot.ordersCount": _count}

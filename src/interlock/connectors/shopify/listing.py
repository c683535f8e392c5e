"""Lists what changed in a store, oldest change first: what webhooks did not tell of is found here.

The search index follows the objects with a delay, and counts in whole seconds: the caller's windows overlap (C20).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from interlock.connectors.contract import Connection, Lane, Listed, Page, Refused, Retry
from interlock.connectors.shopify.body import EPOCH, gid_parts, micros, subject_of
from interlock.connectors.shopify.graphql import Admin

DOCUMENTS: Final = {"order": "orders_changed", "customer": "customers_changed", "product": "products_changed"}
KINDS: Final = {"order": "Order", "customer": "Customer", "product": "Product"}
OBJECTS_PER_CURSOR: Final = 20_000
"""A connection is paged through for 25,000 objects at most (F24); before that the listing begins anew at the time that it
has come to (C75)."""
MICROSECONDS: Final = 1_000_000
PARTS_LISTED: Final = 50
"""Refunds and fulfillments of one order that documents/orders_changed.graphql asks for."""


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a listing stands: since when its cursor counts, how many objects it has passed, and the cursor."""

    since: int
    passed: int
    cursor: str


class ShopifyListing:
    """One store's listings, behind live work in the app's allowance."""

    listable = frozenset(DOCUMENTS)

    def __init__(self, connection: Connection) -> None:
        self._admin = Admin(connection)

    async def changed(
        self, object_name: str, *, since: int, until: int, after: str, timeout_seconds: float
    ) -> Page | Retry | Refused:
        """One page of what changed in [since, until), each with the little that tells what must have happened to it."""
        document = DOCUMENTS.get(object_name)
        if document is None:
            return Refused(reason="validation", code="LIST", message=f"{object_name} cannot be listed by its changes")
        place = msgspec.json.decode(after, type=_Place) if after else _Place(since, 0, "")
        variables = {"query": _window(place.since, until), "after": place.cursor or None}
        data = await self._admin.run(document, variables, timeout_seconds=timeout_seconds, lane=Lane.BACKFILL)
        if not isinstance(data, dict):
            return data
        connection = next(iter(data.values()))
        items = tuple(_listed(object_name, node) for node in connection["nodes"])
        return _page(items, place, connection["pageInfo"])

    async def present(
        self, object_name: str, keys: Sequence[str], *, timeout_seconds: float
    ) -> dict[str, int] | Retry | Refused:
        """The versions of those that there still are."""
        ids = [f"gid://shopify/{KINDS[object_name]}/{key}" for key in keys if key.isdecimal()]
        data = await self._admin.run("present", {"ids": ids}, timeout_seconds=timeout_seconds, lane=Lane.BACKFILL)
        if not isinstance(data, dict):
            return data
        found = (node for node in data["nodes"] if node is not None)
        there = {gid_parts(node["id"])[1]: _version(node["updatedAt"]) for node in found}
        if object_name == "order" and len(there) < len(keys) and not await self._sees_all_orders(timeout_seconds):
            return dict.fromkeys(keys, 0) | there
        return there

    async def _sees_all_orders(self, timeout_seconds: float) -> bool:
        """Without the scope an order older than 60 days looks as if it were deleted (F28): then nobody can tell."""
        data = await self._admin.run("access_scopes", {}, timeout_seconds=timeout_seconds, lane=Lane.BACKFILL)
        scopes = data["currentAppInstallation"]["accessScopes"] if isinstance(data, dict) else []
        return any(scope["handle"] == "read_all_orders" for scope in scopes)


def _page(items: tuple[Listed, ...], place: _Place, info: Mapping[str, Any]) -> Page | Refused:
    passed = place.passed + len(items)
    if not info["hasNextPage"]:
        return Page(items=items)
    following = _Place(place.since, passed, info["endCursor"])
    if passed >= OBJECTS_PER_CURSOR and items:
        reached = items[-1].subject.version
        if reached - place.since < MICROSECONDS:
            words = f"more than {OBJECTS_PER_CURSOR} objects changed within a second"
            return Refused(reason="validation", code="WINDOW-TOO-LARGE", message=words)
        following = _Place(reached, 0, "")
    return Page(items=items, after=msgspec.json.encode(following).decode())


def _window(since: int, until: int) -> str:
    """Search syntax: shopify.dev/docs/api/usage/search-syntax. Whole seconds, the first one whole."""
    begin, end = (EPOCH + dt.timedelta(microseconds=at) for at in (since, until))
    return f"updated_at:>='{begin:%Y-%m-%dT%H:%M:%SZ}' AND updated_at:<'{end:%Y-%m-%dT%H:%M:%SZ}'"


def _listed(object_name: str, node: Mapping[str, Any]) -> Listed:
    body = msgspec.json.encode(_order(node) if object_name == "order" else _plain(node))
    subject = subject_of(body, "")
    if object_name == "order":
        subject = msgspec.structs.replace(subject, summary=_summary(node))
    return Listed(subject=msgspec.structs.replace(subject, complete=False), body=body)


def _plain(node: Mapping[str, Any]) -> dict[str, Any]:
    """What every webhook's body says of its object."""
    return {"id": int(gid_parts(node["id"])[1]), "admin_graphql_api_id": node["id"], "updated_at": node["updatedAt"]}


def _order(node: Mapping[str, Any]) -> dict[str, Any]:
    """In the webhook's words, without lines: so nobody takes it for the whole order."""
    return _plain(node) | {
        "name": node["name"],
        "cancelled_at": node["cancelledAt"],
        "financial_status": (node["displayFinancialStatus"] or "").lower() or None,
        "fulfillment_status": "fulfilled" if node["displayFulfillmentStatus"] == "FULFILLED" else None,
        "refunds": [_part(refund) for refund in node["refunds"]],
        "fulfillments": [_part(fulfillment) for fulfillment in node["fulfillments"]],
    }


def _part(node: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": int(gid_parts(node["id"])[1]), "admin_graphql_api_id": node["id"]}


def _summary(node: Mapping[str, Any]) -> str:
    """As a list shows it, and as the webhook of the same state is summed up."""
    shown = {
        "total": node["currentTotalPriceSet"]["shopMoney"]["amount"],
        "currency": node["currencyCode"],
        "test": node["test"],
        "cancelled": bool(node["cancelledAt"]),
    }
    for name, parts in (("refunds", node["refunds"]), ("parcels", node["fulfillments"])):
        if len(parts) < PARTS_LISTED:  # else there may be more
            shown[name] = len(parts)
    return msgspec.json.encode(shown).decode()


def _version(text: str) -> int:
    return micros(dt.datetime.fromisoformat(text))

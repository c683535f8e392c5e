"""Reads one whole object over GraphQL: the first page, all further pages, and the parts that have documents of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from interlock.connectors.contract import Clock, Lane, Refused, Retry
from interlock.connectors.shopify.graphql import Admin, Data

PAGES_MAX: Final = 200
"""No object has more: 2,048 variants are 21 pages (F27). A cursor that goes in circles ends here (C21)."""
READINGS_MAX: Final = 3
"""An object that changes while its pages are read is begun anew so often."""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """How an object is read: its document, whose one root field has the same name as in `pages`; and for each of its
    connections the document of the pages after the first."""

    name: str
    gid: str
    pages: Mapping[str, str] = {}


KINDS: Final = {
    "order": Kind(name="order", gid="Order", pages={
        "lineItems": "order_lines_page",
        "shippingLines": "order_shipping_page",
        "discountApplications": "order_discounts_page",
        "fulfillmentOrders": "order_fulfillment_orders_page",
    }),
    "refund": Kind(name="refund", gid="Refund", pages={"refundLineItems": "refund_lines_page"}),
    "return": Kind(name="return", gid="Return", pages={
        "returnLineItems": "return_lines_page",
        "exchangeLineItems": "return_exchanges_page",
    }),
    "fulfillment": Kind(name="fulfillment", gid="Fulfillment", pages={"fulfillmentLineItems": "fulfillment_lines_page"}),
    "customer": Kind(name="customer", gid="Customer"),
    "product": Kind(name="product", gid="Product", pages={"variants": "product_variants_page"}),
}  # fmt: skip


class NotRead(Exception):  # noqa: N818 - an outcome, not a defect
    """What stopped a reading."""

    def __init__(self, outcome: Retry | Refused) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


class Reading:
    """The reading of one object and its parts within one time limit. Every method raises NotRead."""

    def __init__(self, admin: Admin, clock: Clock, *, timeout_seconds: float, lane: Lane = Lane.LIVE) -> None:
        self._admin = admin
        self._clock = clock
        self._ends = clock.monotonic() + timeout_seconds
        self._lane = lane

    async def ask(self, document: str, variables: Mapping[str, Any]) -> Data:
        """One call, in what is left of the time."""
        left = self._ends - self._clock.monotonic()
        if left <= 0:
            raise NotRead(Retry(code="NO-TIME", message=f"no time is left for {document}"))
        data = await self._admin.run(document, variables, timeout_seconds=left, lane=self._lane)
        if not isinstance(data, dict):
            raise NotRead(data)
        return data

    async def whole(self, kind: Kind, gid: str) -> dict[str, Any]:
        """The node with all its pages, as it was at one moment."""
        for _ in range(READINGS_MAX):
            node = (await self.ask(kind.name, {"id": gid}))[kind.name]
            if node is None:
                raise NotRead(gone(gid))
            if await self._complete(kind, gid, node):
                return dict(node)
        raise NotRead(Retry(code="CHANGING", message="it changed whenever its next page was read"))

    async def order(self, gid: str) -> dict[str, Any]:
        """An order with its refunds and parcels, each whole."""
        node = await self.whole(KINDS["order"], gid)
        node["refunds"] = [await self.whole(KINDS["refund"], refund["id"]) for refund in node["refunds"]]
        node["fulfillments"] = [await self._parcel(parcel) for parcel in node["fulfillments"]]
        return node

    async def _parcel(self, parcel: Mapping[str, Any]) -> Mapping[str, Any]:
        if not parcel["fulfillmentLineItems"]["pageInfo"]["hasNextPage"]:
            return parcel
        return await self.whole(KINDS["fulfillment"], parcel["id"])

    async def _complete(self, kind: Kind, gid: str, node: Mapping[str, Any]) -> bool:
        """Append all further pages; False when the object changed between two of them."""
        for field, document in kind.pages.items():
            connection = node.get(field)  # absent: the app may not read it
            pages = 0
            while connection is not None and connection["pageInfo"]["hasNextPage"]:
                pages += 1
                if pages > PAGES_MAX:
                    raise NotRead(Retry(code="ENDLESS", message=f"more than {PAGES_MAX} pages of {field}"))
                variables = {"id": gid, "after": connection["pageInfo"]["endCursor"]}
                page = (await self.ask(document, variables))[kind.name]
                if page is None or changed_at(page) != changed_at(node):
                    return False
                connection["nodes"] += page[field]["nodes"]
                connection["pageInfo"] = page[field]["pageInfo"]
        return True


def changed_at(node: Mapping[str, Any]) -> str:
    """When an object changed last; a return does not say, its order does."""
    return str(node["updatedAt"] if "updatedAt" in node else node["order"]["updatedAt"])


def gone(gid: str) -> Refused:
    """What null means where an object was asked for by its id."""
    kind = gid.removeprefix("gid://shopify/").partition("/")[0]
    old = ", or it is older than 60 days and the app lacks read_all_orders" if kind == "Order" else ""
    return Refused(reason="gone", code="NOT_FOUND", message=f"there is no such {kind}: it was deleted{old}", status=404)

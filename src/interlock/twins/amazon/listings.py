"""The Listings Items API of the twin: one listing, a patch of it, and the search that pages through at most 1,000.

Facts: listingsItems_2021-08-01.json (@34dc93f): 20 identifiers and 20 results at most, sorting, `pagination`, "the maximum
number of items that can be returned and paged through is 1000". A patch for a SKU without a listing is accepted: "expected
behavior", amzn/selling-partner-api-docs issue 3748.
"""

from __future__ import annotations

import base64
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from interlock.twins.amazon.errors import SpApiError
from interlock.twins.amazon.patches import Wanted, wanted_of
from interlock.twins.amazon.shelf import Shelf
from interlock.twins.vendor import answer, read_json
from interlock.twins.world import Record, World

PAGE_DEFAULT, PAGE_MAX = 10, 20
IDENTIFIERS_MAX = 20
REACH_MAX = 1000
"""Deeper into a search nobody pages."""
DATA_SETS = frozenset(
    (
        "summaries",
        "attributes",
        "issues",
        "offers",
        "fulfillmentAvailability",
        "procurement",
        "relationships",
        "productTypes",
    )
)
SORTS = {"sku": "sku", "createdDate": "created", "lastUpdatedDate": "updated"}


class Listings:
    """Handlers of the Listings Items API for one seller at one marketplace."""

    def __init__(self, world: World, shelf: Shelf, marketplace: str) -> None:
        self._world = world
        self._shelf = shelf
        self._marketplace = marketplace

    async def get(self, request: Request) -> Response:
        """getListingsItem."""
        wanted = _data_sets(request)
        sku = request.path_params["sku"]
        item = self._shelf.item(sku)
        if item is None:
            raise SpApiError(404, message=f"SKU '{sku}' not found in marketplace {self._marketplace}")
        return answer(self._shown(item, wanted))

    async def patch(self, request: Request) -> Response:
        """patchListingsItem: 200 with ACCEPTED or INVALID and the issues; with VALIDATION_PREVIEW nothing is changed."""
        sku = request.path_params["sku"]
        try:
            body = await read_json(request)
        except ValueError as error:
            raise SpApiError(400, f"The body is not JSON: {error}") from error
        wanted = wanted_of(body, self._shelf.item(sku))
        if any(issue["code"] == "BAD_REQUEST" for issue in wanted.issues):
            raise SpApiError(400, "Invalid parameters provided.")
        preview = request.query_params.get("mode") == "VALIDATION_PREVIEW"
        submission = uuid.UUID(int=self._world.random.getrandbits(128)).hex
        if not wanted.issues and not preview:
            self._shelf.accept(sku, wanted, by="patch", submission=submission)
        return answer(
            {"sku": sku, "status": _status(wanted, preview), "submissionId": submission, "issues": wanted.issues}
        )

    async def search(self, request: Request) -> Response:
        """searchListingsItems."""
        wanted, size = _data_sets(request), _page_size(request)
        begin = _begin(request.query_params.get("pageToken"))
        found = self._found(request)
        reach = found[:REACH_MAX]
        pagination = {}
        if begin + size < len(reach):
            pagination["nextToken"] = _token(begin + size)
        if begin:
            pagination["previousToken"] = _token(max(0, begin - size))
        items = [self._shelf.item(sku) for sku in reach[begin : begin + size]]
        rows = [self._shown(item, wanted) for item in items if item is not None]
        return answer({"numberOfResults": len(found), "pagination": pagination, "items": rows})

    def _found(self, request: Request) -> list[str]:
        """The SKUs that a search means, sorted."""
        query = request.query_params
        if (query.get("identifiers") is None) != (query.get("identifiersType") is None):
            raise SpApiError(400, "identifiers and identifiersType belong together")
        if query.get("identifiers") is not None:
            return self._identified(query["identifiers"].split(","), query["identifiersType"])
        skus = self._shelf.created_from(query.get("createdAfter", ""))
        if (sort := query.get("sortBy", "lastUpdatedDate")) not in SORTS:
            raise SpApiError(400, f"sortBy: {sort}")
        if sort != "createdDate":
            skus.sort(key=lambda sku: (self._shelf.item(sku) or {}).get(SORTS[sort], ""))
        return skus if query.get("sortOrder", "DESC") == "ASC" else skus[::-1]

    def _identified(self, identifiers: list[str], kind: str) -> list[str]:
        if len(identifiers) > IDENTIFIERS_MAX:
            raise SpApiError(400, f"identifiers: at most {IDENTIFIERS_MAX}")
        if kind != "SKU":
            raise SpApiError(400, f"identifiersType {kind} is not imitated")
        return [sku for sku in dict.fromkeys(identifiers) if self._shelf.item(sku) is not None]

    def _shown(self, item: Record, wanted: frozenset[str]) -> Record:
        sets: dict[str, Any] = {
            "summaries": [self._summary(item)] if item["asin"] else [],
            "attributes": {"fulfillment_availability": [self._availability(item)]},
            "issues": [],
            "offers": self._offers(item),
            "fulfillmentAvailability": [_available(item)],
            "productTypes": [{"marketplaceId": self._marketplace, "productType": item["product_type"]}],
        }
        return {"sku": item["sku"], **{name: value for name, value in sets.items() if name in wanted}}

    def _summary(self, item: Record) -> Record:
        return {
            "marketplaceId": self._marketplace,
            "asin": item["asin"],
            "productType": item["product_type"],
            "conditionType": "new_new",
            "status": ["BUYABLE", "DISCOVERABLE"] if item["quantity"] else ["DISCOVERABLE"],
            "itemName": f"Item {item['sku']}",
            "createdDate": item["created"],
            "lastUpdatedDate": item["updated"],
        }

    def _offers(self, item: Record) -> list[Record]:
        """To shoppers, when the listing has a price."""
        if not item.get("price"):
            return []
        price = {"amount": item["price"], "currencyCode": item["currency"]}
        return [{"marketplaceId": self._marketplace, "offerType": "B2C", "price": price}]

    def _availability(self, item: Record) -> Record:
        return {
            "fulfillment_channel_code": item["channel"], "quantity": item["quantity"], **item["fields"],
            "marketplace_id": self._marketplace,
        }  # fmt: skip


def _available(item: Record) -> Record:
    """What Amazon's own warehouses hold is told elsewhere."""
    told = {"fulfillmentChannelCode": item["channel"]}
    return told if item["channel"].startswith("AMAZON_") else {**told, "quantity": item["quantity"]}


def _status(wanted: Wanted, preview: bool) -> str:
    if wanted.issues:
        return "INVALID"
    return "VALID" if preview else "ACCEPTED"


def _data_sets(request: Request) -> frozenset[str]:
    wanted = frozenset(request.query_params.get("includedData", "summaries").split(","))
    if wanted - DATA_SETS:
        raise SpApiError(400, f"includedData: {', '.join(sorted(wanted - DATA_SETS))}")
    return wanted


def _page_size(request: Request) -> int:
    text = request.query_params.get("pageSize", str(PAGE_DEFAULT))
    if not text.isdecimal() or not 1 <= int(text) <= PAGE_MAX:
        raise SpApiError(400, f"pageSize must be 1 to {PAGE_MAX}")
    return int(text)


def _token(begin: int) -> str:
    return base64.urlsafe_b64encode(f"from {begin}".encode()).decode()


def _begin(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("from "))
    except ValueError:
        raise SpApiError(400, "pageToken") from None

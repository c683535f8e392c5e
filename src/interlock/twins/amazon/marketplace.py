"""The Selling Partner API of one seller: who may call, how often, and what each path does.

Facts: the models of amzn/selling-partner-api-models @34dc93f (listingsItems_2021-08-01, feeds_2021-06-30, orders_2026-01-01).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.amazon.errors import SpApiError
from interlock.twins.amazon.feeds import LISTINGS_FEED, Feeds
from interlock.twins.amazon.listings import Listings
from interlock.twins.amazon.sales import SETTLED_SECONDS, Sales
from interlock.twins.amazon.shelf import Shelf
from interlock.twins.amazon.tokens import TOKEN_PATH, TokenError, Tokens
from interlock.twins.amazon.usage import UsagePlans
from interlock.twins.faults import FaultPlan
from interlock.twins.vendor import Vendor, answer, read_json
from interlock.twins.world import Record, World

SELLER, MARKETPLACE = "A2TWINSELLER", "ATVPDKIKX0DER"
LISTINGS, FEEDS, ORDERS = "/listings/2021-08-01/items", "/feeds/2021-06-30", "/orders/2026-01-01/orders"
DOCUMENTS = "/documents-of-feeds"
"""Where the presigned URLs lead; with Amazon it is a bucket of S3."""
BUSY_SECONDS, IDLE_SECONDS = 0.02, 0.5
"""How soon what is due is looked for without a request."""
ORDERS_PAGE_MAX = 100

Handler = Callable[[Request], Awaitable[Response]]


class Amazon(Vendor):
    """Configuration, all optional: "seller", "marketplace", and those of tokens, usage plans, shelf and feeds; besides
    "orders_settled_seconds" (120): what happened later is not told by searchOrders.
    """

    name = "amazon"

    def __init__(self, world: World, faults: FaultPlan, config: Mapping[str, Any]) -> None:
        self._seller = str(config.get("seller", SELLER))
        self._marketplace = str(config.get("marketplace", MARKETPLACE))
        self._tokens = Tokens(world, config)
        self._usage = UsagePlans(config)
        self._shelf = Shelf(world, config)
        self._feeds = Feeds(world, self._shelf, self._seller, config)
        settled = float(config.get("orders_settled_seconds", SETTLED_SECONDS))
        self._sales = Sales(world, self._shelf, self._marketplace, settled)
        self._listings = Listings(world, self._shelf, self._marketplace)
        self._working: asyncio.Task[None] | None = None
        super().__init__(world, faults, config)

    def routes(self) -> list[BaseRoute]:
        """Tokens, listings, feeds with their documents, orders."""
        one, documents = f"{LISTINGS}/{{seller}}/{{sku:path}}", f"{DOCUMENTS}/{{id}}"
        return [
            Route(TOKEN_PATH, self._token, methods=["POST"]),
            Route(
                f"{LISTINGS}/{{seller}}", self._guarded("searchListingsItems", self._listings.search), methods=["GET"]
            ),
            Route(one, self._guarded("getListingsItem", self._listings.get), methods=["GET"]),
            Route(one, self._guarded("patchListingsItem", self._listings.patch), methods=["PATCH"]),
            Route(f"{FEEDS}/documents", self._guarded("createFeedDocument", self._create_document), methods=["POST"]),
            Route(f"{FEEDS}/documents/{{id}}", self._guarded("getFeedDocument", self._document), methods=["GET"]),
            Route(f"{FEEDS}/feeds", self._guarded("createFeed", self._create_feed), methods=["POST"]),
            Route(f"{FEEDS}/feeds", self._guarded("getFeeds", self._list_feeds), methods=["GET"]),
            Route(f"{FEEDS}/feeds/{{id}}", self._guarded("getFeed", self._feed), methods=["GET"]),
            Route(f"{FEEDS}/feeds/{{id}}", self._guarded("cancelFeed", self._cancel_feed), methods=["DELETE"]),
            Route(ORDERS, self._guarded("searchOrders", self._search_orders), methods=["GET"]),
            Route(f"{ORDERS}/{{id}}", self._guarded("getOrder", self._order), methods=["GET"]),
            Route(documents, self._upload, methods=["PUT"]),
            Route(documents, self._download, methods=["GET"]),
        ]

    def control_routes(self) -> list[BaseRoute]:
        """What sellers, shoppers and Amazon's own delays do."""
        return [
            Route("/sales", self._buy, methods=["POST"]),
            Route("/orders/{id}/{what}", self._change_order, methods=["POST"]),
            Route("/quantity", self._set_by_hand, methods=["POST"]),
            Route("/items", self._add_item, methods=["POST"]),
            Route("/delays", self._delay, methods=["POST"]),
            Route("/feeds/{what}", self._steer_feeds, methods=["POST"]),
            Route("/tokens/end", self._end_tokens, methods=["POST"]),
        ]

    def error_body(self, status: int) -> Any:
        """Amazon's errors for an injected status."""
        return SpApiError(status).body()

    def state(self) -> dict[str, Any]:
        """What is on its way, tokens given, and how often each usage plan was exceeded."""
        return {
            "writes_not_seen": self._shelf.waiting, "feeds_unfinished": self._feeds.unfinished,
            "tokens_given": self._tokens.given, "refused_by_usage_plan": self._usage.refused,
        }  # fmt: skip

    async def start(self) -> None:
        """Let what is due happen, also while nobody asks."""
        self._working = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """End the work."""
        if self._working is not None:
            self._working.cancel()
            with suppress(asyncio.CancelledError):
                await self._working

    async def _work(self) -> None:
        while True:
            self._settle()
            await asyncio.sleep(BUSY_SECONDS if self._shelf.waiting or self._feeds.unfinished else IDLE_SECONDS)

    def _settle(self) -> None:
        self._feeds.settle()
        self._shelf.settle()

    # -- who may call

    def _guarded(self, operation: str, handler: Handler) -> Handler:
        """A handler behind the token, the usage plan of its operation, the seller and the marketplace."""

        async def guarded(request: Request) -> Response:
            self._settle()
            known = {"x-amzn-RequestId": f"{self.world.random.getrandbits(128):032x}"}
            try:
                self._tokens.check(request.headers.get("x-amz-access-token"))
                if not self._usage.take(operation):
                    raise SpApiError(429)
                known |= self._usage.header(operation)
                self._check_place(request)
                response = await handler(request)
            except SpApiError as refusal:
                response = answer(refusal.body(), refusal.status)
            response.headers.update(known)
            return response

        return guarded

    def _check_place(self, request: Request) -> None:
        if request.path_params.get("seller", self._seller) != self._seller:
            raise SpApiError(403)
        if request.url.path.startswith(LISTINGS) and request.query_params.get("marketplaceIds") != self._marketplace:
            raise SpApiError(400, "marketplaceIds")

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        try:
            return answer(self._tokens.exchange(form))
        except TokenError as refusal:
            return answer({"error": refusal.code, "error_description": str(refusal)}, refusal.status)

    # -- feeds

    async def _create_document(self, request: Request) -> Response:
        body = await _json(request)
        if not isinstance(body.get("contentType"), str):
            raise SpApiError(400, "contentType")
        document = self._feeds.new_document(body["contentType"])
        return answer({"feedDocumentId": document["id"], "url": self._presigned(document)}, 201)

    async def _document(self, request: Request) -> Response:
        document = self._feeds.reachable(request.path_params["id"])
        packed = {"compressionAlgorithm": "GZIP"} if document["packed"] else {}
        return answer({"feedDocumentId": document["id"], "url": self._presigned(document), **packed})

    def _presigned(self, document: Record) -> str:
        return f"{self.url}{DOCUMENTS}/{document['id']}?X-Amz-Expires=300&X-Amz-Signature={document['signature']}"

    async def _upload(self, request: Request) -> Response:
        signature = request.query_params.get("X-Amz-Signature", "")
        try:
            self._feeds.upload(
                request.path_params["id"], signature, request.headers.get("content-type", ""), await request.body()
            )
        except SpApiError as refusal:
            return _of_the_bucket(refusal)
        return Response(b"", 200)

    async def _download(self, request: Request) -> Response:
        signature = request.query_params.get("X-Amz-Signature", "")
        try:
            return Response(self._feeds.download(request.path_params["id"], signature), 200)
        except SpApiError as refusal:
            return _of_the_bucket(refusal)

    async def _create_feed(self, request: Request) -> Response:
        body = await _json(request)
        if body.get("feedType") != LISTINGS_FEED or body.get("marketplaceIds") != [self._marketplace]:
            raise SpApiError(400, f"feedType {LISTINGS_FEED} for marketplaceIds [{self._marketplace}]")
        feed = self._feeds.create(body["feedType"], body["marketplaceIds"], str(body.get("inputFeedDocumentId")))
        return answer({"feedId": feed}, 202)

    async def _list_feeds(self, request: Request) -> Response:
        query = request.query_params
        if "feedTypes" not in query:
            raise SpApiError(400, "Either feedTypes or nextToken is required")
        kinds, statuses = (
            query["feedTypes"].split(","),
            [one for one in query.get("processingStatuses", "").split(",") if one],
        )
        rows = self._feeds.listed(kinds, statuses, query.get("createdSince", ""))
        return answer({"feeds": rows[: int(query.get("pageSize", 10))]})

    async def _feed(self, request: Request) -> Response:
        return answer(self._feeds.feed(request.path_params["id"]))

    async def _cancel_feed(self, request: Request) -> Response:
        self._feeds.cancel(request.path_params["id"])
        return answer({})

    # -- orders

    async def _search_orders(self, request: Request) -> Response:
        query = request.query_params
        after, token = query.get("lastUpdatedAfter", ""), query.get("paginationToken", "0@")
        size = int(query.get("maxResultsPerPage", ORDERS_PAGE_MAX))
        if not after or not 1 <= size <= ORDERS_PAGE_MAX:
            raise SpApiError(400, "lastUpdatedAfter is needed, and maxResultsPerPage of 1 to 100")
        begin, _, fixed = token.partition("@")
        found, end = self._sales.updated(after.replace("Z", "+00:00"), fixed or query.get("lastUpdatedBefore"))
        more = int(begin) + size < len(found)
        body: Record = {"orders": found[int(begin) : int(begin) + size], "lastUpdatedBefore": end}
        return answer(body | ({"pagination": {"nextToken": f"{int(begin) + size}@{end}"}} if more else {}))

    async def _order(self, request: Request) -> Response:
        order = self._sales.order(request.path_params["id"])
        if order is None:
            raise SpApiError(404)
        return answer({"order": order})

    # -- the control API

    async def _buy(self, request: Request) -> Response:
        """{"lines": [{"sku", "quantity"}], "status"} or {"sku", "quantity"}: 201 with the order, 409 with why not."""
        body = await read_json(request)
        self._settle()
        sold = self._sales.buy(body.get("lines") or [body], str(body.get("status", "UNSHIPPED")))
        return answer({"error": sold}, 409) if isinstance(sold, str) else answer(sold, 201)

    async def _change_order(self, request: Request) -> Response:
        """POST /_twin/orders/{id}/cancel or /ship."""
        change = {"cancel": self._sales.cancel, "ship": self._sales.ship}.get(request.path_params["what"])
        changed = change(request.path_params["id"]) if change else None
        return answer(changed) if changed else answer({"error": "no such order, or it cannot be changed so"}, 404)

    async def _set_by_hand(self, request: Request) -> Response:
        body = await read_json(request)
        self._settle()
        self._shelf.set_by_hand(body["sku"], int(body["quantity"]))
        return answer(self._shelf.item(body["sku"]))

    async def _add_item(self, request: Request) -> Response:
        return answer(self._shelf.add(await read_json(request)), 201)

    async def _delay(self, request: Request) -> Response:
        """{"visible_after_seconds", "feed_queue_seconds", "feed_seconds"}, those that are to change."""
        body = await read_json(request)
        self._shelf.visible_after_seconds = float(body.get("visible_after_seconds", self._shelf.visible_after_seconds))
        self._feeds.queue_seconds = float(body.get("feed_queue_seconds", self._feeds.queue_seconds))
        self._feeds.work_seconds = float(body.get("feed_seconds", self._feeds.work_seconds))
        return answer(body)

    async def _steer_feeds(self, request: Request) -> Response:
        """/feeds/hold, /feeds/release, or /feeds/next with how the next one ends."""
        what = request.path_params["what"]
        if what == "next":
            self._feeds.fates.append(await read_json(request))
        else:
            self._feeds.held = what == "hold"
        self._settle()
        return answer({"held": self._feeds.held, "next": self._feeds.fates})

    async def _end_tokens(self, _: Request) -> Response:
        return answer({"ended": self._tokens.end_all()})


def _of_the_bucket(refusal: SpApiError) -> Response:
    """S3 says no in XML."""
    body = f"<Error><Code>{refusal.details.partition(':')[0]}</Code></Error>".encode()
    return Response(body, refusal.status, media_type="application/xml")


async def _json(request: Request) -> Record:
    try:
        body = await read_json(request)
    except ValueError as error:
        raise SpApiError(400, f"The body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise SpApiError(400, "The body is no object")
    return body

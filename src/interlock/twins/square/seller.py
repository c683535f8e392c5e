"""One Square seller: the API behind its tokens, scopes and rate limit, and the levers of its control API."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.faults import FaultPlan
from interlock.twins.limits import SlidingWindow
from interlock.twins.square.catalog import Catalog
from interlock.twins.square.changes import Changes
from interlock.twins.square.errors import SquareError, injected_body, refused
from interlock.twins.square.inventory import Inventory, shown_count
from interlock.twins.square.moments import Moments
from interlock.twins.square.sales import SaleError, Sales
from interlock.twins.square.stock import Count, Stock
from interlock.twins.square.tokens import TOKEN_PATH, Tokens
from interlock.twins.square.webhooks import COUNTS_IN_AN_EVENT, Webhooks
from interlock.twins.vendor import Vendor, answer, read_json
from interlock.twins.world import Record, World

VERSION = "2025-08-20"
VERSION_FORM = re.compile(r"20\d\d-\d\d-\d\d")
MERCHANT = "TWINMERCHANT1"
RATE_PER_SECOND = 10
"""Square has limits and does not publish them (its staff, developer.squareup.com/forums/t/449): this is the one number that was
put to its staff, for all requests of a merchant (square/connect-nodejs-sdk issue 68)."""

Handler = Callable[[Request], Awaitable[Response]]
Read = Callable[[Mapping[str, Any]], Record]


class Square(Vendor):
    """Configuration, all optional.

    "merchant_id"; "locations": ids or {"id", "name", "status"}; "items": SKUs or {"sku", "id", "upc", "track_inventory",
    "stockable", "locations", "overrides": {location: {"track_inventory"}}, "price_money"}; "counts": {sku: {location: quantity}} to begin
    with; "rate_per_second" (10; 0 is no limit); "webhooks": subscriptions; "time_scale"; and those of tokens.Tokens and
    changes.Changes.
    """

    name = "square"

    def __init__(self, world: World, faults: FaultPlan, config: Mapping[str, Any]) -> None:
        merchant_id = str(config.get("merchant_id", MERCHANT))
        self.stock = Stock(world)
        self.moments = Moments(last_us=self.stock.last_us())
        self.catalog = Catalog(world, self.moments)
        self._tokens = Tokens(world, config, merchant_id)
        self._window = SlidingWindow(int(config.get("rate_per_second", RATE_PER_SECOND)), 1)
        self.webhooks = Webhooks(world, faults, self.moments, merchant_id, float(config.get("time_scale", 1)))
        changes = Changes(world, self.stock, self.catalog, self.moments, config)
        self.inventory = Inventory(world, self.stock, changes, self._counted)
        self.sales = Sales(world, self.stock, self.catalog, self.inventory, self.moments, self._sold)
        super().__init__(world, faults, config)
        self._open(config)

    def routes(self) -> list[BaseRoute]:
        """The endpoints that stock needs."""

        def post(path: str, scope: str, read: Read) -> Route:
            return Route(path, self._guarded(scope, self._json(read)), methods=["POST"])

        return [
            Route(TOKEN_PATH, self._plain(self._json(self._tokens.exchange)), methods=["POST"]),
            post("/v2/inventory/changes/batch-create", "INVENTORY_WRITE", self.inventory.change),
            post("/v2/inventory/changes/batch-retrieve", "INVENTORY_READ", self.inventory.history),
            post("/v2/inventory/counts/batch-retrieve", "INVENTORY_READ", self.inventory.counts),
            post("/v2/catalog/search", "ITEMS_READ", self.catalog.search_page),
            post("/v2/orders/search", "ORDERS_READ", self.sales.search),
            post(
                "/v2/orders/batch-retrieve", "ORDERS_READ", lambda body: self.sales.batch(body.get("order_ids") or [])
            ),
            Route("/v2/catalog/list", self._guarded("ITEMS_READ", self._list_catalog), methods=["GET"]),
            Route("/v2/locations", self._guarded("MERCHANT_PROFILE_READ", self._locations), methods=["GET"]),
        ]

    def control_routes(self) -> list[BaseRoute]:
        """What people do at the tills and in the dashboard; see docs/reference/twins.md."""
        return [
            Route("/items", self._command(self._add_item), methods=["POST"]),
            Route("/items/{id}", self._delete_item, methods=["DELETE"]),
            Route("/sell", self._command(self.sales.sell), methods=["POST"]),
            Route("/orders/{id}/complete", self._order(lambda key, _: self.sales.complete(key)), methods=["POST"]),
            Route("/orders/{id}/cancel", self._order(lambda key, _: self.sales.cancel(key)), methods=["POST"]),
            Route("/orders/{id}/return", self._order(self._return), methods=["POST"]),
            Route("/recount", self._command(self._recount), methods=["POST"]),
            Route("/counts", self._all_counts, methods=["GET"]),
            Route("/webhooks", self._command(self.webhooks.subscribe), methods=["POST"]),
            Route("/deliveries", self._deliveries, methods=["GET"]),
            Route("/tokens/end", self._command(lambda _: {"ended": self._tokens.end_all()}), methods=["POST"]),
        ]

    def error_body(self, status: int) -> Any:
        """Square's body for an injected status."""
        return injected_body(status)

    def state(self) -> dict[str, Any]:
        """How many webhooks are still to be sent."""
        return {"webhooks_pending": self.webhooks.pending, "webhook_attempts": len(self.webhooks.attempts)}

    async def start(self) -> None:
        await self.webhooks.start()

    async def stop(self) -> None:
        await self.webhooks.stop()

    # -- the front of every endpoint

    def _guarded(self, scope: str, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            if not self._window.take().allowed:
                return answer(injected_body(429), 429)
            self._tokens.check(request.headers.get("authorization", ""), scope)
            version = request.headers.get("square-version", VERSION)
            if not VERSION_FORM.fullmatch(version):
                raise refused("INVALID_SQUARE_VERSION_FORMAT", f"`{version}` is no version.")
            response = await handler(request)
            response.headers["square-version"] = version
            return response

        return self._plain(guarded)

    def _plain(self, handler: Handler) -> Handler:
        async def plain(request: Request) -> Response:
            try:
                return await handler(request)
            except SquareError as error:
                return error.answer()

        return plain

    def _json(self, read: Read) -> Handler:
        async def json(request: Request) -> Response:
            try:
                body = await read_json(request)
            except ValueError:
                body = None
            if not isinstance(body, dict):
                raise refused("EXPECTED_JSON_BODY", "The request body must be a JSON object.")
            return answer(read(body))

        return json

    async def _list_catalog(self, request: Request) -> Response:
        return answer(self.catalog.list_page(request.query_params))

    async def _locations(self, _: Request) -> Response:
        return answer({"locations": self.catalog.locations()})

    # -- what is told

    def _counted(self, counts: list[Count]) -> None:
        for begin in range(0, len(counts), COUNTS_IN_AN_EVENT):
            rows = [shown_count(count) for count in counts[begin : begin + COUNTS_IN_AN_EVENT]]
            self.webhooks.publish("inventory.count.updated", "", {"inventory_counts": rows}, "inventory_counts")

    def _sold(self, event: str, order: Record) -> None:
        name = event.replace(".", "_")
        told = {"order_id": order["id"]} | {
            member: order[member] for member in ("version", "location_id", "state", "created_at")
        }
        if event == "order.updated":
            told["updated_at"] = order["updated_at"]
        self.webhooks.publish(event, order["id"], {name: told}, name)

    # -- the control API

    def _open(self, config: Mapping[str, Any]) -> None:
        """The first run begins with what the configuration says; later ones go on."""
        self.catalog.open(config)
        if not any(True for _ in self.world.rows("change")):
            for sku, places in config.get("counts", {}).items():
                row = self.catalog.by_sku(sku)
                for location, quantity in places.items() if row else ():
                    self.sales.recount(row["id"], location, str(quantity))  # type: ignore[index]
        if not any(True for _ in self.world.rows("subscription")):
            for given in config.get("webhooks", ()):
                self.webhooks.subscribe(given)

    def _command(self, do: Callable[[Mapping[str, Any]], Record]) -> Handler:
        return self._order(lambda _, body: do(body))

    def _order(self, do: Callable[[str, Mapping[str, Any]], Record]) -> Handler:
        """A command with its body; 409 and why, when it cannot be obeyed."""

        async def command(request: Request) -> Response:
            body = await read_json(request) if await request.body() else {}
            try:
                return answer(do(request.path_params.get("id", ""), body))
            except (SaleError, SquareError) as error:
                return answer({"error": str(error)}, 409)

        return command

    def _add_item(self, body: Mapping[str, Any]) -> Record:
        row = self.catalog.add(body)
        for location, quantity in (body.get("counts") or {}).items():
            self.sales.recount(row["id"], location, str(quantity))
        return self.catalog.shown(row)

    def _return(self, key: str, body: Mapping[str, Any]) -> Record:
        return self.sales.give_back(key, restock=bool(body.get("restock", True)))

    def _recount(self, body: Mapping[str, Any]) -> Record:
        row = self.catalog.by_sku(str(body["sku"])) if "sku" in body else self.catalog.get(str(body["item"]))
        if row is None:
            raise SaleError("there is no such item")
        location = str(body.get("location") or self.catalog.locations()[0]["id"])
        return self.sales.recount(row["id"], location, str(body["quantity"]))

    async def _delete_item(self, request: Request) -> Response:
        row = self.catalog.delete(request.path_params["id"])
        return answer(self.catalog.shown(row)) if row else answer({"error": "there is no such item"}, 404)

    async def _all_counts(self, _: Request) -> Response:
        rows = (self.catalog.get(count.item) for count in self.stock.newest_first(None))
        skus = [row["sku"] if row else "" for row in rows]
        counts = zip(skus, self.stock.newest_first(None), strict=True)
        return answer({"counts": [{"sku": sku, **shown_count(count)} for sku, count in counts]})

    async def _deliveries(self, _: Request) -> Response:
        return answer({"attempts": self.webhooks.attempts, "pending": self.webhooks.pending})

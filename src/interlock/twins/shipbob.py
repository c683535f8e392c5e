"""The ShipBob twin: orders by reference id, cancellation, inventory levels and channels of API version 2026-01.

Facts: brianzinn/shipbob-node-sdk openapi-2026-01.json and README.md (the 422 body); developer.shipbob.com/rate-limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.faults import FaultPlan
from interlock.twins.limits import SlidingWindow, Verdict
from interlock.twins.shipbob_schema import problems_of
from interlock.twins.vendor import Vendor, answer, read_json
from interlock.twins.world import Record, World, content_hash

VERSION = "/2026-01"
RATE_PER_MINUTE = 150  # sliding window per user and application
DEFAULT_TOKEN = "twin-token"
DEFAULT_CHANNEL = "100"
DEFAULT_ON_HAND = 1000
DUPLICATE = {"": ["Cannot insert order with existing ReferenceId"]}
PAGE_LIMIT, PAGE_DEFAULT = 250, 50
LOCATION = {"id": 8, "name": "Cicero (IL)"}

Handler = Callable[[Request], Awaitable[Response]]


class ShipBob(Vendor):
    """Configuration, all optional.

    "tokens": accepted bearer tokens. "channels": accepted channel ids. "rate_per_minute": 150; 0 is no limit.
    "unique_reference": false lets one reference id make several orders, for tests of naive clients.
    "products": "any" or a list of SKUs or {"reference_id", "id", "name", "on_hand"}; with a list, an unknown SKU must
    come with a name, and then becomes a product.
    """

    name = "shipbob"

    def __init__(self, world: World, faults: FaultPlan, config: Mapping[str, Any]) -> None:
        self._tokens = frozenset(config.get("tokens", (DEFAULT_TOKEN,)))
        self._channels = frozenset(str(channel) for channel in config.get("channels", (DEFAULT_CHANNEL,)))
        self._window = SlidingWindow(int(config.get("rate_per_minute", RATE_PER_MINUTE)), 60)
        super().__init__(world, faults, config)
        self._by_reference: dict[tuple[str, str], str] = {}
        self._products = {row["reference_id"]: key for key, row in world.rows("product")}
        self._committed: Counter[str] = Counter()
        for key, order in world.rows("order"):
            self._note(key, order)
        listed = config.get("products", "any")
        for entry in listed if isinstance(listed, list) else ():
            self._add_product(entry if isinstance(entry, dict) else {"reference_id": entry})

    def routes(self) -> list[BaseRoute]:
        """Orders, inventory levels and channels."""
        return [
            Route(f"{VERSION}/order", self._guarded(self._list), methods=["GET"]),
            Route(f"{VERSION}/order", self._guarded(self._create), methods=["POST"]),
            Route(f"{VERSION}/order/{{id:int}}", self._guarded(self._get), methods=["GET"]),
            Route(f"{VERSION}/order/{{id:int}}:cancel", self._guarded(self._cancel), methods=["POST"]),
            Route(f"{VERSION}/order/{{id:int}}/shipment", self._guarded(self._shipments), methods=["GET"]),
            Route(f"{VERSION}/inventory-level", self._guarded(self._levels), methods=["GET"]),
            Route(f"{VERSION}/channel", self._guarded(self._list_channels), methods=["GET"]),
        ]

    def control_routes(self) -> list[BaseRoute]:
        """POST /_twin/orders/{reference}/fulfill ships an order, with a tracking number."""
        return [Route("/orders/{reference}/fulfill", self._fulfill, methods=["POST"])]

    def error_body(self, status: int) -> Any:
        """ShipBob's body for an injected status."""
        if status == 429:
            return _too_many(Verdict(False, 0, 25))
        return {"statusCode": status, "message": "The service cannot answer now."}

    def _guarded(self, handler: Handler) -> Handler:
        """A handler behind the rate limit and authentication."""

        async def guarded(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or token not in self._tokens:
                return answer(None, 401)
            verdict = self._window.take()
            if not verdict.allowed:
                headers = {"x-retry-after": str(verdict.wait_seconds), "x-remaining-calls": "0"}
                return answer(_too_many(verdict), 429, headers)
            channel = request.headers.get("shipbob_channel_id")
            if channel is not None and channel not in self._channels:
                return answer(None, 403)
            response = await handler(request)
            response.headers["x-remaining-calls"] = str(verdict.remaining)
            return response

        return guarded

    async def _create(self, request: Request) -> Response:
        channel = request.headers.get("shipbob_channel_id")
        if channel is None:
            return answer({"shipbob_channel_id": ["The shipbob_channel_id field is required."]}, 400)
        try:
            body = await read_json(request)
        except ValueError as error:
            return answer({"": [f"The body is not JSON: {error}"]}, 400)
        problems = problems_of(body) or self._unknown_products(body)
        if problems:
            return answer(problems, 400)
        if (channel, body["reference_id"]) in self._by_reference and self.config.get("unique_reference", True):
            return answer(DUPLICATE, 422)
        return answer(self._apply(channel, body), 201)

    def _apply(self, channel: str, body: Record) -> Record:
        products = [self._product(line) for line in body["products"]]
        key = self.world.next_id("order")
        shipment = {"id": int(self.world.next_id("shipment")), "order_id": int(key), "status": "Processing"}
        now = self.world.now()
        order = {
            **body,
            "id": int(key),
            "channel": {"id": int(channel), "name": f"channel {channel}"},
            "created_date": now,
            "order_number": body.get("order_number") or body["reference_id"],
            "products": products,
            "status": "Processing",
            "shipments": [{**shipment, "created_date": now, "location": LOCATION, "tracking": None}],
        }
        self.world.apply(
            "order.create", body["reference_id"], ("order", key, order), digest=content_hash(body), detail={"id": key}
        )
        self._note(key, order)
        return order

    def _note(self, key: str, order: Record) -> None:
        self._by_reference[str(order["channel"]["id"]), order["reference_id"]] = key
        if order["status"] == "Processing":
            for line in order["products"]:
                self._committed[line["reference_id"]] += line["quantity"]

    def _release(self, order: Record) -> None:
        for line in order["products"]:
            self._committed[line["reference_id"]] -= line["quantity"]

    def _unknown_products(self, body: Record) -> dict[str, list[str]]:
        """A SKU ShipBob does not know must come with a name (the spec's text on products)."""
        if self.config.get("products", "any") == "any":
            return {}
        ids = set(self._products.values())
        problems: dict[str, list[str]] = {}
        for n, line in enumerate(body["products"]):
            reference = line.get("reference_id")
            if reference is None and str(line.get("product_id", line.get("id"))) not in ids:
                problems[f"products[{n}].id"] = ["The product does not exist."]
            elif reference is not None and reference not in self._products and not line.get("name"):
                problems[f"products[{n}].name"] = ["The name field is required for a product that does not exist."]
        return problems

    def _product(self, line: Record) -> Record:
        """An order line with its product, which is made when it is new."""
        if line.get("reference_id") is None:
            key = str(line.get("product_id", line.get("id")))
            known = self.world.get("product", key) or {"reference_id": key}
            return {**line, "id": int(key), "reference_id": known["reference_id"], "sku": known["reference_id"]}
        reference = line["reference_id"]
        key = self._products.get(reference) or self._add_product(line)
        return {**line, "id": int(key), "sku": line.get("sku", reference)}

    def _add_product(self, entry: Record) -> str:
        reference = entry["reference_id"]
        if reference in self._products:
            return self._products[reference]
        key = str(entry.get("id") or self.world.next_id("product"))
        row = {"reference_id": reference, "name": entry.get("name") or reference, "id": int(key)}
        self.world.remember(("product", key, {**row, "on_hand": entry.get("on_hand", DEFAULT_ON_HAND)}))
        self._products[reference] = key
        return key

    async def _get(self, request: Request) -> Response:
        order = self.world.get("order", str(request.path_params["id"]))
        return answer(order) if order else answer(None, 404)

    async def _shipments(self, request: Request) -> Response:
        order = self.world.get("order", str(request.path_params["id"]))
        return answer(order["shipments"]) if order else answer(None, 404)

    async def _list(self, request: Request) -> Response:
        query = request.query_params
        limit, page = int(query.get("Limit", PAGE_DEFAULT)), int(query.get("Page", 1))
        if not 1 <= limit <= PAGE_LIMIT or page < 1:
            return answer({"Limit": [f"The field Limit must be between 1 and {PAGE_LIMIT}."]}, 400)
        rows = self._found(query.get("ReferenceIds"), query.get("IDs"), request.headers.get("shipbob_channel_id"))
        begin = (page - 1) * limit
        more = {"next-page": f"{VERSION}/order?Page={page + 1}&Limit={limit}"} if begin + limit < len(rows) else {}
        return answer(rows[begin : begin + limit], headers=more)

    def _found(self, references: str | None, ids: str | None, channel: str | None) -> list[Record]:
        wanted = set(references.split(",")) if references else None
        numbers = set(ids.split(",")) if ids else None
        return [
            order
            for key, order in self.world.rows("order")
            if (wanted is None or order["reference_id"] in wanted)
            and (numbers is None or key in numbers)
            and (channel is None or str(order["channel"]["id"]) == channel)
        ]

    async def _cancel(self, request: Request) -> Response:
        key = str(request.path_params["id"])
        order = self.world.get("order", key)
        if order is None:
            return answer(None, 404)
        if order["status"] != "Processing":
            return answer({"": [f"Order in status {order['status']} cannot be canceled"]}, 422)
        shipments = [{**shipment, "status": "Cancelled"} for shipment in order["shipments"]]
        cancelled = {**order, "status": "Cancelled", "shipments": shipments}
        self.world.apply("order.cancel", order["reference_id"], ("order", key, cancelled), once=True)
        self._release(order)
        results = [
            {"action": "Cancel", "is_success": True, "reason": "", "shipment_id": shipment["id"]}
            for shipment in shipments
        ]
        body = {"order_id": int(key), "order": cancelled, "status": "Success", "canceled_shipment_results": results}
        return answer(body)

    async def _levels(self, _: Request) -> Response:
        items = []
        for key, product in self.world.rows("product"):
            committed, on_hand = self._committed[product["reference_id"]], product["on_hand"]
            items.append(
                {
                    "inventory_id": int(key),
                    "name": product["name"],
                    "sku": product["reference_id"],
                    "total_awaiting_quantity": 0,
                    "total_backordered_quantity": max(0, committed - on_hand),
                    "total_committed_quantity": committed,
                    "total_exception_quantity": 0,
                    "total_fulfillable_quantity": on_hand,
                    "total_internal_transfer_quantity": 0,
                    "total_on_hand_quantity": on_hand,
                    "total_sellable_quantity": max(0, on_hand - committed),
                }
            )
        return answer({"items": items, "first": None, "last": None, "next": None, "prev": None})

    async def _list_channels(self, _: Request) -> Response:
        rows = [
            {"id": int(channel), "name": f"channel {channel}", "application_name": "twin", "scopes": ["orders_write"]}
            for channel in sorted(self._channels)
        ]
        return answer({"items": rows, "first": None, "last": None, "next": None, "prev": None})

    async def _fulfill(self, request: Request) -> Response:
        reference = request.path_params["reference"]
        key = next((key for (_, known), key in self._by_reference.items() if known == reference), "")
        order = self.world.get("order", key)
        if order is None or order["status"] != "Processing":
            return answer({"error": f"no order in Processing has the reference {reference}"}, 404)
        tracking = {
            "carrier": "USPS",
            "tracking_number": f"9400{self.world.random.randrange(10**18):018}",
            "tracking_url": "https://tools.usps.com/",
        }
        shipments = [{**shipment, "status": "Completed", "tracking": tracking} for shipment in order["shipments"]]
        done = {**order, "status": "Fulfilled", "shipments": shipments}
        self.world.apply("order.fulfill", reference, ("order", key, done), *self._shipped(order), once=True)
        self._release(order)
        return answer(done)

    def _shipped(self, order: Record) -> list[tuple[str, str, Record | None]]:
        """The products after their stock left the shelf."""
        changed: dict[str, Record] = {}
        for line in order["products"]:
            key = str(line["id"])
            product = changed.get(key) or self.world.get("product", key)
            if product is not None:
                changed[key] = {**product, "on_hand": product["on_hand"] - line["quantity"]}
        return [("product", key, row) for key, row in changed.items()]


def _too_many(verdict: Verdict) -> Record:
    return {"statusCode": 429, "message": f"Rate limit is exceeded. Try again in {verdict.wait_seconds} seconds."}

"""The ShipBob twin: orders by reference id, cancellation and channels of API version 2026-01; its stock stands beside it.

Facts: brianzinn/shipbob-node-sdk openapi-2026-01.json and README.md (the 422 body); developer.shipbob.com/rate-limit. Webhooks stand in
shipbob_webhooks.py.
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
from interlock.twins.shipbob_inventory import Inventory, problem
from interlock.twins.shipbob_schema import problems_of
from interlock.twins.shipbob_stock import Stock
from interlock.twins.shipbob_webhooks import Webhooks
from interlock.twins.vendor import Vendor, answer, read_json
from interlock.twins.world import Change, Record, World, content_hash

VERSION = "/2026-01"
RATE_PER_MINUTE = 150  # sliding window per user and application
DEFAULT_TOKEN = "twin-token"
DEFAULT_CHANNEL = "100"
DUPLICATE = {"": ["Cannot insert order with existing ReferenceId"]}
PAGE_LIMIT, PAGE_DEFAULT = 250, 50

Handler = Callable[[Request], Awaitable[Response]]


class ShipBob(Vendor):
    """Configuration, all optional.

    "tokens": accepted bearer tokens. "channels": accepted channel ids. "rate_per_minute": 150; 0 is no limit.
    "unique_reference": false lets one reference id make several orders, for tests of naive clients.
    "products": "any" or a list of SKUs or {"reference_id", "id", "name", "barcode", "on_hand", "locations"}; with a list,
    an unknown SKU must come with a name, and then becomes a product. "locations": [{"id", "name"}]. "levels_lag_seconds": 0;
    so long after a change the levels still show what was before. "webhooks": subscriptions {"topics", "url", "secret"}; "time_scale"
    divides the waits between attempts.
    """

    name = "shipbob"

    def __init__(self, world: World, faults: FaultPlan, config: Mapping[str, Any]) -> None:
        self._tokens = frozenset(config.get("tokens", (DEFAULT_TOKEN,)))
        self._channels = frozenset(str(channel) for channel in config.get("channels", (DEFAULT_CHANNEL,)))
        self._window = SlidingWindow(int(config.get("rate_per_minute", RATE_PER_MINUTE)), 60)
        self._stock = Stock(world, config)
        self._inventory = Inventory(world, self._stock, VERSION)
        self.webhooks = Webhooks(world, faults, float(config.get("time_scale", 1)))
        for given in config.get("webhooks", ()):
            self.webhooks.subscribe(given)
        super().__init__(world, faults, config)
        self._by_reference: dict[tuple[str, str], str] = {}
        listed = config.get("products", "any")
        entries = listed if isinstance(listed, list) else ()
        self._stock.add_many(entry if isinstance(entry, dict) else {"reference_id": entry} for entry in entries)
        for key, order in world.rows("order"):
            self._note(key, order)
        self._stock.show_all()

    def routes(self) -> list[BaseRoute]:
        """Orders and channels, items and levels."""
        return [
            Route(f"{VERSION}/order", self._guarded(self._list), methods=["GET"]),
            Route(f"{VERSION}/order", self._guarded(self._create), methods=["POST"]),
            Route(f"{VERSION}/order/{{id:int}}", self._guarded(self._get), methods=["GET"]),
            Route(f"{VERSION}/order/{{id:int}}:cancel", self._guarded(self._cancel), methods=["POST"]),
            Route(f"{VERSION}/order/{{id:int}}/shipment", self._guarded(self._shipments), methods=["GET"]),
            Route(f"{VERSION}/channel", self._guarded(self._list_channels), methods=["GET"]),
            *self._inventory.routes(self._guarded),
        ]

    def control_routes(self) -> list[BaseRoute]:
        """POST /_twin/orders/{reference}/fulfill ships an order, with a tracking number; /_twin/returns {"sku", "quantity"} restocks;
        /_twin/webhooks adds a subscription; the rest is stock."""
        return [
            Route("/orders/{reference}/fulfill", self._fulfill, methods=["POST"]),
            Route("/returns", self._return, methods=["POST"]),
            Route("/webhooks", self._subscribe, methods=["POST"]),
            *self._inventory.control_routes(),
        ]

    def state(self) -> dict[str, Any]:
        """Each attempt to send a webhook."""
        return {"webhook_attempts": self.webhooks.attempts}

    async def start(self) -> None:
        """From now on webhooks are sent."""
        await self.webhooks.start()

    async def stop(self) -> None:
        """What was not taken is lost."""
        await self.webhooks.stop()

    def error_body(self, status: int) -> Any:
        """ShipBob's body for an injected status."""
        if status == 429:
            return _too_many(Verdict(False, 0, 25))
        words = "The service cannot answer now."
        return problem(words, status) if status < 500 else {"statusCode": status, "message": words}

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
        counts = self._counts(products)
        location = self._stock.location_for(counts.items(), body.get("location_id"))
        order = {
            **body,
            "id": int(key),
            "channel": {"id": int(channel), "name": f"channel {channel}"},
            "created_date": now,
            "order_number": body.get("order_number") or body["reference_id"],
            "products": products,
            "status": "Processing",
            "shipments": [{**shipment, "created_date": now, "location": location, "tracking": None}],
        }
        self.world.apply(
            "order.create", body["reference_id"], ("order", key, order), digest=content_hash(body), detail={"id": key}
        )
        self._note(key, order)
        return order

    def _note(self, key: str, order: Record) -> None:
        self._by_reference[str(order["channel"]["id"]), order["reference_id"]] = key
        if order["status"] == "Processing":
            self._hold(order, 1)

    def _hold(self, order: Record, times: int) -> None:
        """Its stock is committed (1) or free again (-1)."""
        for inventory_id, quantity in self._counts(order["products"]).items():
            self._stock.commit(inventory_id, _location_of(order), times * quantity)

    @staticmethod
    def _counts(products: list[Record]) -> Counter[int]:
        """Pieces by inventory id."""
        counts: Counter[int] = Counter()
        for line in products:
            counts[line["id"]] += line["quantity"]
        return counts

    def _unknown_products(self, body: Record) -> dict[str, list[str]]:
        """A SKU ShipBob does not know must come with a name (the spec's text on products)."""
        if self.config.get("products", "any") == "any":
            return {}
        problems: dict[str, list[str]] = {}
        for n, line in enumerate(body["products"]):
            reference = line.get("reference_id")
            number = line.get("product_id") or line.get("id") or 0
            if reference is None and self._stock.product(int(number)) is None:
                problems[f"products[{n}].id"] = ["The product does not exist."]
            elif reference is not None and self._stock.id_of(reference) is None and not line.get("name"):
                problems[f"products[{n}].name"] = ["The name field is required for a product that does not exist."]
        return problems

    def _product(self, line: Record) -> Record:
        """An order line with its product, which is made when it is new."""
        if line.get("reference_id") is None:
            number = int(line.get("product_id") or line["id"])
            reference = (self._stock.product(number) or {}).get("reference_id", str(number))
            known = self._stock.add({"reference_id": reference, "id": number})
            return {**line, "id": known, "reference_id": reference, "sku": reference}
        reference = line["reference_id"]
        return {**line, "id": self._stock.add(line), "sku": line.get("sku", reference)}

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
        self._hold(order, -1)
        for shipment in shipments:
            self.webhooks.publish("order.shipment.cancelled", self._as_told(cancelled, shipment))
        results = [
            {"action": "Cancel", "is_success": True, "reason": "", "shipment_id": shipment["id"]}
            for shipment in shipments
        ]
        body = {"order_id": int(key), "order": cancelled, "status": "Success", "canceled_shipment_results": results}
        return answer(body)

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
        self._hold(order, -1)
        self.webhooks.publish("order.shipped", {**done, "shipments": [self._as_told(done, one) for one in shipments]})
        return answer(done)

    def _as_told(self, order: Record, shipment: Record) -> Record:
        """A shipment with its products, each with the items that it is made of, and who gets it."""
        products = [
            {
                "id": line["id"], "name": line.get("name"), "reference_id": line["reference_id"], "sku": line["sku"],
                "inventory_items": [{"id": line["id"], "name": line.get("name"), "quantity": line["quantity"]}],
            }
            for line in order["products"]
        ]  # fmt: skip
        return {
            **shipment,
            "reference_id": order["reference_id"],
            "recipient": order.get("recipient"),
            "products": products,
        }

    async def _return(self, request: Request) -> Response:
        """A return is complete: its pieces are on the shelf again."""
        asked = await read_json(request)
        known, quantity = self._stock.id_of(asked["sku"]), int(asked["quantity"])
        if known is None:
            return answer({"error": f"no item {asked['sku']}"}, 404)
        place = int(asked.get("location", self._stock.locations[0]["id"]))
        key = self.world.next_id("return")
        changes = self._stock.moved(known, place, "InventoryRestocked", on_hand=quantity)
        self.world.remember(*changes)
        self._stock.refresh(known)
        told = {
            "id": int(key),
            "status": "Completed",
            "inventory": [{"id": known, "sku": asked["sku"], "quantity": quantity}],
        }
        self.webhooks.publish("return.completed", told)
        return answer(told)

    async def _subscribe(self, request: Request) -> Response:
        return answer(self.webhooks.subscribe(await read_json(request)))

    def _shipped(self, order: Record) -> list[Change]:
        """The products after their stock left the shelf, and what the history says of it."""
        place = _location_of(order)
        return [
            change
            for inventory_id, quantity in self._counts(order["products"]).items()
            for change in self._stock.moved(inventory_id, place, "OrderPicked", order["id"], on_hand=-quantity)
        ]


def _location_of(order: Record) -> int:
    return int(order["shipments"][0]["location"]["id"])


def _too_many(verdict: Verdict) -> Record:
    return {"statusCode": 429, "message": f"Rate limit is exceeded. Try again in {verdict.wait_seconds} seconds."}

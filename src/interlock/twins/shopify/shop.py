"""The Shopify twin: a shop whose customers order by command, with its REST Admin API and its webhooks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.faults import FaultPlan
from interlock.twins.shopify import commands
from interlock.twins.shopify.admin.api import GraphqlApi
from interlock.twins.shopify.admin.bulk_operations import BulkRoutes, reader
from interlock.twins.shopify.admin.bulk_run import OBJECTS_PER_SECOND, BulkRunner
from interlock.twins.shopify.admin.control import AdminControl
from interlock.twins.shopify.admin.flow_triggers import FlowRoutes
from interlock.twins.shopify.admin.payouts import PayoutRoutes
from interlock.twins.shopify.catalogue import Shop
from interlock.twins.shopify.compliance import Compliance
from interlock.twins.shopify.customers import new_customer_of
from interlock.twins.shopify.desk import Desk, Refused
from interlock.twins.shopify.flow import FlowActions
from interlock.twins.shopify.goods import stock
from interlock.twins.shopify.goods.opening import open_shop
from interlock.twins.shopify.load.routes import LoadRoutes
from interlock.twins.shopify.order_writing import ChangeRefused
from interlock.twins.shopify.orders import timestamp
from interlock.twins.shopify.payouts import PayoutBook
from interlock.twins.shopify.rest import RestApi
from interlock.twins.shopify.scenarios import SCENARIOS
from interlock.twins.shopify.stock_commands import StockCommands
from interlock.twins.shopify.store import SECRET_LAG_SECONDS, Store, known_scenario, truth
from interlock.twins.shopify.storefront.api import StorefrontApi
from interlock.twins.shopify.webhook_body import keep_metafield
from interlock.twins.shopify.webhooks import Sending, WebhookSender
from interlock.twins.vendor import Vendor, answer
from interlock.twins.world import World, decode_json

SHOP_SETTINGS = ("domain", "name", "currency", "iana_timezone", "id_base")
SENDING_SETTINGS = ("concurrency", "time_scale", "json_style", "duplicate_copies", "forged_share", "debounce_seconds")
MAX_ORDERS_PER_CALL = 10_000


class Shopify(Vendor):
    """One shop and one custom app. Configuration keys are listed in docs/reference/twin-shopify.md."""

    name = "shopify"

    def __init__(self, world: World, faults: FaultPlan, config: Mapping[str, Any]) -> None:
        shop = Shop(**{key: config[key] for key in SHOP_SETTINGS if key in config})
        self.store = Store(world, shop)
        open_shop(world, shop, self.store.now())
        self.store.on_change = self._move_stock
        self.store.history.on = bool(config.get("stock_history", False))
        self._first_secret = str(config.get("client_secret", "shpss_twin"))
        self._rest = RestApi(world, self.store, config, lambda: self.url)
        sending = Sending(
            shop_domain=shop.domain,
            api_version=str(config.get("webhook_api_version", "2026-07")),
            **{key: config[key] for key in SENDING_SETTINGS if key in config},
        )
        self._time_scale = sending.time_scale
        self.webhooks = WebhookSender(world, faults, sending, self._secret, self._give_up)
        self.compliance = Compliance(world, self.store, self.webhooks, config, self._time_scale)
        self.desk = Desk(world, self.store, self.emit)
        self.graphql = GraphqlApi(world, self.store, config, self._rest, self.emit)
        self.storefront = StorefrontApi(world, self.store, config)
        self.bulk = BulkRunner(
            world,
            open_query=lambda row: reader(self.graphql.engine, row),
            emit=self.emit,
            base_url=lambda: self.url,
            time_scale=self._time_scale,
            objects_per_second=float(config.get("bulk_objects_per_second", OBJECTS_PER_SECOND)),
        )
        self._bulk_routes = BulkRoutes(self.bulk)
        currency, rate = str(config.get("payout_currency", shop.currency)), Decimal(str(config.get("payout_rate", 1)))
        self._payout_routes = PayoutRoutes(PayoutBook(world, self.store, self.emit, currency, rate), world)
        self.flow_actions = FlowActions(world, shop.shop_id, shop.domain, self._secret, self._time_scale)
        self._flow_routes = FlowRoutes(world, self.flow_actions)
        self._loads = LoadRoutes(self)
        super().__init__(world, faults, config)
        for topic in config.get("subscriptions", {}):
            self._declare(topic, config["subscriptions"][topic])

    def routes(self) -> list[BaseRoute]:
        return [*self.graphql.routes(), *self.storefront.routes(), *self._bulk_routes.routes(), *self._rest.routes()]

    def control_routes(self) -> list[BaseRoute]:
        return [
            Route("/orders", self.list_orders, methods=["GET"]),
            Route("/orders", self.place_orders, methods=["POST"]),
            Route("/orders/{id}", self.keep_order, methods=["PUT"]),
            Route("/orders/{id}/{change}", self.change_order, methods=["POST"]),
            *self._loads.control_routes(),
            Route("/rotate_secret", self.rotate_secret, methods=["POST"]),
            Route("/forge", self.forge, methods=["POST"]),
            Route("/deliveries", self.deliveries, methods=["GET"]),
            Route("/metafields", self.keep_metafield, methods=["POST"]),
            *StockCommands(self.world, self.store, self.emit).control_routes(),
            *self.compliance.control_routes(),
            *AdminControl(self.graphql).routes(),
            *self._bulk_routes.control_routes(),
            *self._payout_routes.control_routes(),
            *self._flow_routes.control_routes(),
        ]

    def error_body(self, status: int) -> Any:
        """Shopify's body of an error status."""
        return {"errors": ERROR_TEXTS.get(status, "Internal Server Error")}

    def state(self) -> dict[str, Any]:
        return {
            "shop": self.store.shop.domain,
            "orders": self.world.counts().get("order", 0),
            "subscriptions": len(self.store.subscriptions()),
            "webhooks_pending": self.webhooks.pending,
            "webhook_attempts": len(self.webhooks.log.rows),
            "loads_running": self._loads.running,
        }

    async def start(self) -> None:
        await self.webhooks.start()
        self.bulk.resume()

    async def stop(self) -> None:
        await self._loads.stop()
        await self.bulk.stop()
        await self.flow_actions.stop()
        await self.webhooks.stop()

    def place(self, scenario: str | None = None) -> dict[str, Any]:
        """Place one order and send its webhooks.

        Shopify sends orders/updated within a second of orders/create, before or after it (shopify-app-js#603).
        """
        return self._told(self.store.place(scenario))

    def place_written(self, written: Callable[[int], dict[str, Any]], scenario: str) -> dict[str, Any]:
        """Place an order that somebody wrote, and send its webhooks."""
        return self._told(self.store.place_draft(written, scenario))

    @property
    def queued(self) -> int:
        """How many webhooks were queued since the start."""
        return self.webhooks.queued

    def _told(self, order: dict[str, Any]) -> dict[str, Any]:
        wanted = {row["topic"] for row in self.store.subscriptions()}
        customer = new_customer_of(order, self.store) if "customers/create" in wanted else None
        if customer is not None:
            self.emit("customers/create", customer)
        topics = ["orders/create", "orders/paid", "orders/updated"]
        for topic in topics:
            if topic != "orders/paid" or order["financial_status"] == "paid":
                self.emit(topic, order)
        for topic, body in self.desk.placed(order, wanted.__contains__):
            self.emit(topic, body)
        return order

    def emit(self, topic: str, body: dict[str, Any]) -> None:
        """Queue a webhook for whoever subscribed to its topic; `body` in the shape that REST shows."""
        self.webhooks.emit(topic, body, self.store.subscriptions())
        if topic == "app/uninstalled":
            self.compliance.after_uninstall()

    async def place_orders(self, request: Request) -> Response:
        """POST /_twin/orders {"count": 1, "scenario": null, "interval_seconds": 0}; answers when all are placed."""
        asked = await _body(request)
        scenario, count = asked.get("scenario"), int(asked.get("count", 1))
        if not known_scenario(scenario):
            return answer({"error": f"unknown scenario {scenario!r}", "known": sorted(SCENARIOS)}, 400)
        if not 1 <= count <= MAX_ORDERS_PER_CALL:
            return answer({"error": f"count {count} is not between 1 and {MAX_ORDERS_PER_CALL}"}, 400)
        placed = []
        for _ in range(count):
            order = self.place(scenario)
            placed.append({"id": str(order["id"]), "name": order["name"]})
            await asyncio.sleep(float(asked.get("interval_seconds", 0)))
        return answer({"orders": placed}, 201)

    async def list_orders(self, _: Request) -> Response:
        """GET /_twin/orders: the twin's truth."""
        return answer({"orders": [truth(row) for row in self.store.orders()]})

    async def keep_order(self, request: Request) -> Response:
        """PUT /_twin/orders/{id} with an order as REST shows it: kept byte for byte, no webhook is sent."""
        try:
            text = (await request.body()).decode()
            if str(json.loads(text)["id"]) != request.path_params["id"]:
                return answer({"error": "the id in the path is not the order's"}, 400)
            self.store.keep(text)
        except (ValueError, KeyError, TypeError) as error:
            return answer({"error": f"this is no order: {type(error).__name__} {error}"}, 400)
        return answer({"order": truth(self.store.find(request.path_params["id"]) or {})})

    async def change_order(self, request: Request) -> Response:
        """POST /_twin/orders/{id or name}/{change}; commands.py says what each takes."""
        order = self.store.order(request.path_params["id"])
        kind = request.path_params["change"]
        if order is None or kind not in commands.KINDS:
            return answer({"error": "no such order or change", "changes": sorted(commands.KINDS)}, 404)
        try:
            topics = commands.run(self.desk, order, kind, await _body(request))
        except (ChangeRefused, Refused, KeyError, IndexError) as refusal:
            return answer({"errors": {"base": [str(refusal)]}}, 422)
        row = self.store.find(str(order["id"]))
        return answer({"order": None if row is None else truth(row), "topics": topics})

    async def rotate_secret(self, request: Request) -> Response:
        """POST /_twin/rotate_secret {"lag_seconds": 3600}: a new secret; deliveries use it after the lag."""
        asked = await _body(request)
        lag = float(asked.get("lag_seconds", SECRET_LAG_SECONDS)) / self._time_scale
        row = self.store.rotate(self._first_secret, lag)
        return answer({"secret": row["secrets"][0], "previous": row["secrets"][1], "switch_at": row["switch_at"]})

    async def forge(self, request: Request) -> Response:
        """POST /_twin/forge {"topic": "orders/create", "order": id or name}: webhooks with a wrong signature."""
        asked = await _body(request)
        order = self.store.order(str(asked.get("order", "")))
        if order is None:
            return answer({"error": "no such order"}, 404)
        sent = self.webhooks.forge(asked.get("topic", "orders/create"), order, self.store.subscriptions())
        return answer({"forged": sent}, 202)

    async def deliveries(self, request: Request) -> Response:
        """GET /_twin/deliveries?after=0&limit=1000&topic=: attempts, oldest first."""
        query = request.query_params
        after, limit = int(query.get("after", "0")), int(query.get("limit", "1000"))
        topic = query.get("topic")
        rows = (row for row in self.webhooks.log.rows[after:] if topic is None or row["topic"] == topic)
        found = [row for row, _ in zip(rows, range(limit), strict=False)]
        return answer({"deliveries": found, "pending": self.webhooks.pending, "total": len(self.webhooks.log.rows)})

    async def keep_metafield(self, request: Request) -> Response:
        """POST /_twin/metafields {"owner": gid, "namespace", "key", "value", "type"}: shown in webhooks that ask for it."""
        try:
            row = keep_metafield(self.world, timestamp(self.store.now()), await _body(request))
        except (KeyError, ValueError) as error:
            return answer({"error": f"needs owner (a gid), namespace, key and value: {error}"}, 400)
        return answer({"metafield": row}, 201)

    def _move_stock(self, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        """Stock follows every change of an order."""
        at = timestamp(self.store.now())
        history = self.store.history
        for body in stock.moved(
            self.world, before, after, self.store.shop.location_id, at, lambda levels: history.of(levels, "buyer", after["name"])
        ):
            self.emit("inventory_levels/update", body)

    def _secret(self) -> str:
        return self.store.signing_secret(self._first_secret)

    def _give_up(self, subscription_id: str) -> None:
        """The last retry failed: the subscription is deleted and what waits for it is dropped."""
        self.store.unsubscribe(subscription_id, "8 failed retries")
        self.webhooks.forget(subscription_id)

    def _declare(self, topic: str, address: str) -> None:
        """A subscription from the configuration, made once."""
        if not any((row["topic"], row["address"]) == (topic, address) for row in self.store.subscriptions()):
            self.store.subscribe(topic, address, "classic", "", str(self.config.get("webhook_api_version", "2026-07")))


ERROR_TEXTS = {
    401: "[API] Invalid API key or access token (unrecognized login or wrong password)",
    404: "Not Found",
    429: "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service.",
    503: "Service Unavailable",
}


async def _body(request: Request) -> dict[str, Any]:
    """The request's JSON object; no body is an empty one."""
    raw = await request.body()
    return dict(decode_json(raw)) if raw else {}

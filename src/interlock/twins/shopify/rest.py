"""The REST Admin API that a merchant's custom app calls: orders, webhooks, shop, and the token endpoint.

Facts: leaky bucket of 40 calls that drains 2 a second, X-Shopify-Shop-Api-Call-Limit, 429 with Retry-After; quarterly
versions, an unsupported old one is served by the oldest supported and X-Shopify-API-Version says so; cursor paging by
the Link header, at most 250 a page; the client credentials grant gives a token for 24 hours. Error texts: issues of
shopify_app (#263) and Shopify-api-node; those of paging and tokens are from memory.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.shopify.admin.consent import Consent
from interlock.twins.shopify.admin.oauth import Tokens
from interlock.twins.shopify.admin.versions import Versions
from interlock.twins.shopify.messages import EVENT_TOPICS
from interlock.twins.shopify.paging import OrderPage, decoded_cursor
from interlock.twins.shopify.store import Store
from interlock.twins.vendor import answer, read_json
from interlock.twins.world import World

OTHER_TOPICS = (
    "app/uninstalled", "customers/create", "customers/update", "products/create", "products/update", "fulfillments/update",
    "products/delete", "inventory_levels/update", "inventory_levels/connect", "inventory_levels/disconnect",
    "inventory_items/create", "inventory_items/update", "inventory_items/delete", "locations/create", "locations/update",
    "locations/activate", "locations/deactivate", "locations/delete", "bulk_operations/finish", "disputes/create",
    "disputes/update", "shop/update", "fulfillment_orders/hold_released", "fulfillment_orders/moved",
    "returns/request", "returns/approve", "returns/decline", "returns/update", "returns/process", "returns/cancel",
    "returns/close", "returns/reopen",
)  # fmt: skip
"""Topics that can be subscribed to and that have no Events form here."""
TOPICS = (*EVENT_TOPICS, *OTHER_TOPICS)
BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"
SHOP_FIELDS = {
    "plan_name": "enterprise",
    "plan_display_name": "Shopify Plus",
    "weight_unit": "kg",
    "country_code": "US",
}

Handler = Callable[[Request], Awaitable[Response]]


class LeakyBucket:
    """Calls fill it one by one and leave at a steady rate; a call that finds no room is refused."""

    def __init__(self, per_second: float, size: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.per_second, self.size, self._monotonic = per_second, size, monotonic
        self._level, self._at = 0.0, monotonic()

    def take(self) -> bool:
        """Count one call; False when the bucket is full."""
        now = self._monotonic()
        self._level = max(0.0, self._level - (now - self._at) * self.per_second)
        self._at = now
        if self._level + 1 > self.size:
            return False
        self._level += 1
        return True

    @property
    def header(self) -> str:
        return f"{math.ceil(self._level)}/{self.size}"


class RestApi:
    """The routes under /admin and what stands in front of them: version, token, bucket."""

    def __init__(self, world: World, store: Store, config: Mapping[str, Any], base_url: Callable[[], str]) -> None:
        self._world, self._store, self._base_url = world, store, base_url
        self._config = config
        self.versions = Versions(config)
        self.tokens = Tokens(world, store, config)
        self.consent = Consent(self.tokens, store, config)
        self.bucket = LeakyBucket(float(config.get("rest_calls_per_second", 2)), int(config.get("rest_bucket", 40)))

    def routes(self) -> list[BaseRoute]:
        admin = "/admin/api/{version}"
        return [
            Route("/admin/oauth/access_token", self.tokens.grant, methods=["POST"]),
            Route("/admin/oauth/authorize", self.consent.authorize, methods=["GET"]),
            Route(f"{admin}/orders.json", self._guarded(self.orders), methods=["GET"]),
            Route(f"{admin}/orders/{{id}}.json", self._guarded(self.order), methods=["GET"]),
            Route(f"{admin}/webhooks.json", self._guarded(self.list_webhooks), methods=["GET"]),
            Route(f"{admin}/webhooks.json", self._guarded(self.create_webhook), methods=["POST"]),
            Route(f"{admin}/webhooks/{{id}}.json", self._guarded(self.webhook), methods=["GET", "DELETE"]),
            Route(f"{admin}/shop.json", self._guarded(self.shop), methods=["GET"]),
            Route("/{rest:path}", _not_found),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            version = self.versions.served(request.path_params["version"])
            if version is None:
                return errors("Not Found", 404)
            if not self.token_is_good(request.headers.get("x-shopify-access-token", "")):
                return errors(BAD_TOKEN, 401)
            response = await handler(request) if self.bucket.take() else self._too_many()
            response.headers["X-Shopify-Shop-Api-Call-Limit"] = self.bucket.header
            response.headers["X-Shopify-API-Version"] = version
            return response

        return guarded

    def _too_many(self) -> Response:
        rate = f"{self.bucket.per_second:g}"
        text = f"Exceeded {rate} calls per second for api client. Reduce request rates to resume uninterrupted service."
        return errors(text, 429, {"Retry-After": "2.0"})

    def token_is_good(self, token: str) -> bool:
        """Whether a token opens the API now."""
        return self.tokens.app(token) is not None

    async def shop(self, _: Request) -> Response:
        """GET shop.json."""
        shop = self._store.shop
        named = {"id": shop.shop_id, "name": shop.name, "domain": shop.domain, "myshopify_domain": shop.domain}
        money = {
            "currency": shop.currency,
            "iana_timezone": shop.iana_timezone,
            "primary_location_id": shop.location_id,
        }
        return answer({"shop": named | money | SHOP_FIELDS})

    async def order(self, request: Request) -> Response:
        """GET orders/{id}.json."""
        row = self._world.get("order", request.path_params["id"])
        if row is None:
            return errors("Not Found", 404)
        return _json_text(f'{{"order":{_only(row["json"], request.query_params.get("fields"))}}}')

    async def orders(self, request: Request) -> Response:
        """GET orders.json, oldest change first when asked by updated_at, else by id; pages by the Link header."""
        asked = dict(request.query_params)
        if "page_info" in asked:
            mixed = sorted(set(asked) - {"page_info", "limit", "fields"})
            if mixed:
                return errors({mixed[0]: f"{mixed[0]} cannot be passed when page_info is present."}, 400)
            try:
                asked = decoded_cursor(asked["page_info"]) | {k: asked[k] for k in ("limit", "fields") if k in asked}
            except ValueError:
                return errors({"page_info": "Invalid value."}, 400)
        try:
            page = OrderPage(asked)
            rows = page.cut(self._store.orders())
        except ValueError as error:
            return errors({"base": [str(error)]}, 400)
        text = ",".join(_only(row["json"], asked.get("fields")) for row in rows)
        response = _json_text(f'{{"orders":[{text}]}}')
        links = [self._link(request, page, direction, cursor) for direction, cursor in page.cursors(rows)]
        if links:
            response.headers["Link"] = ", ".join(links)
        return response

    def _link(self, request: Request, page: OrderPage, direction: str, cursor: str) -> str:
        query = urlencode({"limit": page.limit, "page_info": cursor})
        return f'<{self._base_url()}{request.url.path}?{query}>; rel="{direction}"'

    async def list_webhooks(self, request: Request) -> Response:
        """GET webhooks.json, by topic and address if asked."""
        wanted = {name: request.query_params[name] for name in ("topic", "address") if name in request.query_params}
        rows = self._store.subscriptions()
        found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
        return answer({"webhooks": [_shown(row) for row in found]})

    async def create_webhook(self, request: Request) -> Response:
        """POST webhooks.json {"webhook": {topic, address, format}}; "dialect" and "name" are this twin's own."""
        try:
            asked = dict((await read_json(request))["webhook"])
        except (ValueError, KeyError, TypeError):
            return errors({"webhook": "Required parameter missing or invalid"}, 400)
        wrong = self._wrong(asked)
        if wrong:
            return errors(wrong, 422)
        row = self._store.subscribe(
            asked["topic"],
            asked["address"],
            str(asked.get("dialect", "classic")),
            str(asked.get("name", "")),
            str(self._config.get("webhook_api_version", "2026-07")),
        )
        return answer({"webhook": _shown(row)}, 201)

    def _wrong(self, asked: dict[str, Any]) -> dict[str, list[str]]:
        """What Shopify would refuse in a subscription, by field."""
        topic, address = asked.get("topic"), asked.get("address")
        if not topic or not address:
            return {name: ["can't be blank"] for name in ("topic", "address") if not asked.get(name)}
        if topic not in TOPICS:
            return {"topic": [f"Invalid topic specified. Topics allowed: {', '.join(TOPICS)}"]}
        if asked.get("format", "json") != "json":
            return {"format": ["is not supported by this twin"]}
        if asked.get("dialect", "classic") == "events" and topic not in EVENT_TOPICS:
            return {"topic": ["has no Events form"]}
        name = str(asked.get("name", ""))
        if any(
            (row["topic"], row["address"], row["name"]) == (topic, address, name) for row in self._store.subscriptions()
        ):
            return {"address": ["for this topic has already been taken"]}
        return {}

    async def webhook(self, request: Request) -> Response:
        """GET or DELETE webhooks/{id}.json."""
        number = request.path_params["id"]
        row = self._world.get("webhook", number)
        if row is None:
            return errors("Not Found", 404)
        if request.method == "GET":
            return answer({"webhook": _shown(row)})
        self._store.unsubscribe(number, "by the app")
        return answer({})


def _only(text: str, fields: str | None) -> str:
    """The JSON of an order, cut to the fields asked for."""
    if not fields:
        return text
    order = json.loads(text)
    return json.dumps({name: order[name] for name in fields.split(",") if name in order})


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in row.items() if name not in {"dialect", "name"} or value not in {"classic", ""}
    }


def _json_text(text: str) -> Response:
    return Response(text, media_type="application/json")


def errors(what: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """An error in Shopify's shape: {"errors": text or {field: [text]}}."""
    return answer({"errors": what}, status, headers)


async def _not_found(_: Request) -> Response:
    return errors("Not Found", 404)

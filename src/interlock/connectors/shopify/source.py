"""Reads objects of one Shopify store over Admin GraphQL, written as its webhooks write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from interlock.connectors.contract import (
    Connection,
    Done,
    Held,
    Outcome,
    Refused,
    Retry,
    Subscription,
    declared_manifest,
)
from interlock.connectors.shopify.customer_shape import customer_body
from interlock.connectors.shopify.fulfillment_shape import fulfillment_body
from interlock.connectors.shopify.graphql import Admin
from interlock.connectors.shopify.holding import held
from interlock.connectors.shopify.inventory_shape import level_body
from interlock.connectors.shopify.order_shape import order_body
from interlock.connectors.shopify.product_shape import product_body
from interlock.connectors.shopify.refund_shape import refund_body
from interlock.connectors.shopify.return_shape import return_body
from interlock.connectors.shopify.subscriptions import ShopifySubscriber
from interlock.connectors.shopify.whole import KINDS, NotRead, Reading, gone

READ_SECONDS_DEFAULT: Final = 20.0

Body = dict[str, Any]

BODIES: Final[dict[str, Callable[[Body], Body]]] = {
    "customer": customer_body,
    "product": product_body,
    "refund": lambda node: refund_body(node, node["order"]),
    "return": lambda node: return_body(node, node["order"]),
    "fulfillment": lambda node: fulfillment_body(node, node["order"]),
}
"""Objects that are one node; an order and a stock level are put together."""

MALFORMED: Final = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What an answer raises that has not the shape its document asks for."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


class ShopifySource:
    """One store. What it reads has the shape of its webhooks, so one mapping reads both (F11)."""

    def __init__(self, connection: Connection) -> None:
        self._clock = connection.clock
        self.admin = Admin(connection)
        self._subscriber = ShopifySubscriber(self.admin, declared_manifest(connection).topics)

    async def read(self, object_name: str, key: str, *, timeout_seconds: float) -> bytes | Retry | Refused:
        """The object as the body of a webhook: JSON, ids as exact numbers, money as text. The key is its number; of an
        inventory_level `item:location`."""
        name = object_name.partition(".")[0]
        if not _readable(name, key):
            return Refused(reason="validation", code="READ", message=f"no read of {object_name!r} by key {key[:30]!r}")
        reading = Reading(self.admin, self._clock, timeout_seconds=timeout_seconds)
        try:
            return _encode(await _body(reading, name, key))
        except NotRead as stopped:
            return stopped.outcome
        except MALFORMED as error:
            return _not_understood(name, error)

    async def held(self, object_name: str, key: str, *, timeout_seconds: float) -> tuple[Held, ...] | Retry | Refused:
        """What holds an order back; of nothing else is anything known."""
        if object_name != "order" or not _readable("order", key):
            return ()
        try:
            return await held(Reading(self.admin, self._clock, timeout_seconds=timeout_seconds), key)
        except MALFORMED as error:
            return _not_understood("order", error)

    async def subscriptions(self, *, timeout_seconds: float = READ_SECONDS_DEFAULT) -> list[tuple[str, str]] | Outcome:
        """(topic, address) of the webhook subscriptions that this app made."""
        there = await self._subscriber.subscriptions(timeout_seconds=timeout_seconds)
        return [(one.topic, one.address) for one in there] if isinstance(there, list) else there

    async def subscribe(
        self, topics: Iterable[str], address: str, *, timeout_seconds: float = READ_SECONDS_DEFAULT
    ) -> list[str] | Outcome:
        """Create the subscriptions that are missing for `address`; the topics created. Calling it again creates none."""
        there = await self.subscriptions(timeout_seconds=timeout_seconds)
        if not isinstance(there, list):
            return there
        created: list[str] = []
        for topic in sorted(set(topics) - {topic for topic, at in there if at == address}):
            wanted = Subscription(topic=topic, address=address)
            outcome = await self._subscriber.subscribe(wanted, timeout_seconds=timeout_seconds)
            if isinstance(outcome, Done):
                created.append(topic)
            elif not (isinstance(outcome, Refused) and outcome.reason == "conflict"):  # another has just made it
                return outcome
        return created


def _not_understood(name: str, error: Exception) -> Retry:
    words = f"the answer is no {name} as its document asks for: {type(error).__name__}"
    return Retry(code="ANSWER_NOT_UNDERSTOOD", message=words, status=200)


def _readable(name: str, key: str) -> bool:
    parts = key.split(":")
    count = 2 if name == "inventory_level" else 1
    known = name in KINDS or name == "inventory_level"
    return known and len(parts) == count and all(part.isascii() and part.isdecimal() for part in parts)


async def _body(reading: Reading, name: str, key: str) -> Body:
    if name == "inventory_level":
        return await _level(reading, *key.split(":"))
    gid = f"gid://shopify/{KINDS[name].gid}/{key}"
    if name == "order":
        return order_body(await reading.order(gid))
    return BODIES[name](await reading.whole(KINDS[name], gid))


async def _level(reading: Reading, item: str, location: str) -> Body:
    gids = {"item": f"gid://shopify/InventoryItem/{item}", "location": f"gid://shopify/Location/{location}"}
    found = (await reading.ask("inventory_level", gids))["inventoryItem"]
    if found is None or found["inventoryLevel"] is None:
        raise NotRead(gone(gids["item"]))
    return level_body(found)

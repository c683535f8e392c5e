"""Reads objects from one Shopify store as the bytes that it answered, and keeps the webhook subscriptions complete."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from interlock.connectors.contract import (
    Answer,
    Connection,
    Done,
    Manifest,
    Outcome,
    Refused,
    Retry,
    classify,
    declared_manifest,
    no_success,
)
from interlock.connectors.shopify.bulk import ShopifyBulk
from interlock.connectors.shopify.graphql import Admin
from interlock.connectors.shopify.listing import ShopifyListing
from interlock.connectors.shopify.subscriptions import ShopifySubscriber
from interlock.connectors.shopify.tokens import keeper

PATHS: Final = {"order": ("orders", "order"), "customer": ("customers", "customer"), "product": ("products", "product")}
"""Object -> (plural in the path, member of the answer). REST Admin is legacy but served to merchants' own apps (F21).
"""
HEADERS: Final = {"Content-Type": "application/json", "Accept": "application/json"}
READ_SECONDS_DEFAULT: Final = 20.0
PAGE: Final = 250


class _Subscription(msgspec.Struct):
    id: int
    topic: str
    address: str


class _Subscriptions(msgspec.Struct):
    webhooks: list[_Subscription]


class ShopifySource:
    """One store, by its REST-shaped Admin API: the same shape as its webhooks, so one mapping reads both (F11)."""

    def __init__(self, connection: Connection, manifest: Manifest) -> None:
        self._connection = connection
        self._errors = manifest.error_table
        version = connection.settings["api_version"]
        self._base = f"{connection.url.rstrip('/')}/admin/api/{version}"
        self._keeper = keeper(connection)

    async def read(self, object_name: str, key: str, *, timeout_seconds: float) -> bytes | Retry | Refused:
        """The object's JSON exactly as the store sent it: numbers are not decoded, so no digit is lost."""
        plural, member = PATHS.get(object_name.partition(".")[0], ("", ""))
        if not plural or not key.isdecimal():
            return Refused(reason="validation", code="READ", message=f"no read of {object_name!r} by key {key[:30]!r}")
        answer = await self._send("GET", f"/{plural}/{key}.json", None, timeout_seconds)
        if not isinstance(answer, Answer):
            return answer
        raw = _member(answer, member) if answer.status == 200 and answer.error is None else None
        return raw if raw is not None else self._failure(answer)

    async def subscriptions(self, *, timeout_seconds: float = READ_SECONDS_DEFAULT) -> list[tuple[str, str]] | Outcome:
        """(topic, address) of the webhook subscriptions that this app made through the API; others are invisible
        (F14).
        """
        found: list[tuple[str, str]] = []
        since = 0
        while True:
            answer = await self._send("GET", f"/webhooks.json?limit={PAGE}&since_id={since}", None, timeout_seconds)
            if not isinstance(answer, Answer):
                return answer
            page = _subscriptions(answer)
            if page is None:
                return self._failure(answer)
            found += [(one.topic, one.address) for one in page]
            if len(page) < PAGE or page[-1].id <= since:
                return found
            since = page[-1].id

    async def subscribe(
        self, topics: Iterable[str], address: str, *, timeout_seconds: float = READ_SECONDS_DEFAULT
    ) -> list[str] | Outcome:
        """Create the subscriptions that are missing for `address`; the topics created. Calling it again creates none.

        The store refuses a second subscription of one topic to one address, so a lost answer is found at the next call.
        """
        there = await self.subscriptions(timeout_seconds=timeout_seconds)
        if not isinstance(there, list):
            return there
        created: list[str] = []
        for topic in sorted(set(topics) - {topic for topic, at in there if at == address}):
            outcome = await self._subscribe(topic, address, timeout_seconds)
            if not isinstance(outcome, Done):
                return outcome
            created.append(topic)
        return created

    async def _subscribe(self, topic: str, address: str, timeout_seconds: float) -> Outcome:
        body = msgspec.json.encode({"webhook": {"topic": topic, "address": address, "format": "json"}})
        answer = await self._send("POST", "/webhooks.json", body, timeout_seconds)
        if not isinstance(answer, Answer):
            return answer
        return classify(answer, self._errors, _created, now_ms=self._connection.clock.now_ms())

    async def _send(
        self, method: str, path: str, body: bytes | None, timeout_seconds: float
    ) -> Answer | Retry | Refused:
        async def send(token: str) -> Answer:
            headers = {"X-Shopify-Access-Token": token, **HEADERS}
            return await self._connection.http.send(method, self._base + path, headers, body, timeout_seconds)

        return await self._keeper.call(send)

    def _failure(self, answer: Answer) -> Retry | Refused:
        """A read changes nothing, so what is uncertain for a write may simply be tried again."""
        outcome = classify(answer, self._errors, no_success, now_ms=self._connection.clock.now_ms())
        if isinstance(outcome, Refused | Retry):
            return outcome
        return Retry(code=outcome.code, message=outcome.message, status=outcome.status)  # type: ignore[union-attr]


def _member(answer: Answer, member: str) -> bytes | None:
    """The inner object's own bytes, or None when the answer is not the expected one."""
    try:
        raw = bytes(msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw]).get(member, b""))
    except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
        return None
    return raw if raw.startswith(b"{") else None


def _subscriptions(answer: Answer) -> list[_Subscription] | None:
    try:
        return msgspec.json.decode(answer.body, type=_Subscriptions).webhooks if answer.status == 200 else None
    except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
        return None


def _created(answer: Answer) -> Done | None:
    raw = _member(answer, "webhook") if answer.status == 201 else None
    return Done(status=answer.status) if raw is not None else None


def source(connection: Connection) -> ShopifySource:
    """The registry's way in."""
    return ShopifySource(connection, declared_manifest(connection))


def listing(connection: Connection) -> ShopifyListing:
    """How changes are listed."""
    return ShopifyListing(connection)


def bulk(connection: Connection) -> ShopifyBulk:
    """How everything is read."""
    return ShopifyBulk(connection)


def subscriber(connection: Connection) -> ShopifySubscriber:
    """The registry's way to the subscriptions."""
    return ShopifySubscriber(Admin(connection), declared_manifest(connection).topics)

"""Webhook subscriptions by GraphQL, kept in the same books that the webhooks are sent from.

Rules and texts: recorded answers of a 2026-04 store (an https address, pubsub://project:topic or an EventBridge ARN; one
address for a topic with the same filter; names unique, 1 to 50 of A-Za-z0-9-_; F09 for the input). That errors name the
field `callbackUrl` also when `uri` was given is recorded, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from interlock.twins.shopify.admin.connections import connection, count
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid, split_gid, user_error
from interlock.twins.shopify.admin.search import Searched, search
from interlock.twins.shopify.admin.webhook_topics import enum_topic, rest_topic

MOST_NAME_CHARACTERS = 50
MOST_ADDRESS_BYTES = 65_536
NAME = re.compile(r"[A-Za-z0-9_-]+")
ARN = re.compile(r"arn:aws:events:[a-z0-9-]+::event-source/aws\.partner/shopify\.com(\.test)?/\d+/.+")
PUBSUB = re.compile(r"pubsub://(?P<project>[a-z][a-z0-9-]{4,28}[a-z0-9]):(?P<topic>[A-Za-z][\w.~+%-]{2,254})")
LOCAL = {"127.0.0.1", "localhost", "::1"}
"""Shopify wants https everywhere; a twin sends to this machine, where no certificate is."""

Row = dict[str, Any]
Errors = list[dict[str, Any]]


def subscriptions(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """QueryRoot.webhookSubscriptions: by topics, uri, format and query; by id when not asked otherwise."""
    wanted = _wanted(shop, arguments)
    by_time = arguments.get("sortKey") == "CREATED_AT"
    rows = sorted(shop.store.subscriptions(), key=lambda row: (row["created_at"] if by_time else "", row["id"]))
    return connection(rows, arguments, key=lambda row: row["id"], wanted=wanted, show=shown)


def _wanted(shop: ShopContext, arguments: Mapping[str, Any]) -> Callable[[Row], bool]:
    topics = {rest_topic(one) for one in arguments.get("topics") or ()}
    address = arguments.get("uri") or arguments.get("callbackUrl")
    query = search(arguments.get("query"), SEARCHED, shop=shop, path="webhookSubscriptions")

    def wanted(row: Row) -> bool:
        return (
            (not topics or row["topic"] in topics)
            and (not address or row["address"] == address)
            and arguments.get("format") in {None, row["format"].upper()}
            and query.wanted(row)
        )

    return wanted


def subscriptions_count(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """QueryRoot.webhookSubscriptionsCount."""
    query = search(arguments.get("query"), SEARCHED, shop=shop, path="webhookSubscriptionsCount")
    return count(sum(map(query.wanted, shop.store.subscriptions())), arguments.get("limit", 10_000))


def subscription(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """QueryRoot.webhookSubscription."""
    row = _row(shop, arguments["id"])
    return None if row is None else shown(row)


def create(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Mutation.webhookSubscriptionCreate."""
    topic, given = rest_topic(arguments["topic"]), _given(arguments["webhookSubscription"])
    errors = list(_wrong(shop, topic, {"address": "", "name": "", "filter": None} | given, None))
    if errors:
        return {"webhookSubscription": None, "userErrors": errors}
    version = str(shop.config.get("webhook_api_version", "2026-07"))
    row = shop.store.subscribe(topic, given["address"], "classic", given.get("name") or "", version)
    return {"webhookSubscription": shown(_keep(shop, row, given)), "userErrors": []}


def update(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Mutation.webhookSubscriptionUpdate: what is not given stays."""
    row = _row(shop, arguments["id"])
    if row is None:
        return {"webhookSubscription": None, "userErrors": [_gone()]}
    given = _given(arguments["webhookSubscription"])
    errors = list(_wrong(shop, row["topic"], {**row, **given}, row["id"]))
    if errors:
        return {"webhookSubscription": None, "userErrors": errors}
    return {"webhookSubscription": shown(_keep(shop, row, given)), "userErrors": []}


def delete(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Mutation.webhookSubscriptionDelete."""
    row = _row(shop, arguments["id"])
    if row is None:
        return {"deletedWebhookSubscriptionId": None, "userErrors": [_gone()]}
    shop.store.unsubscribe(str(row["id"]), "by the app")
    return {"deletedWebhookSubscriptionId": arguments["id"], "userErrors": []}


def shown(row: Row) -> dict[str, Any]:
    """A subscription of the books as WebhookSubscription."""
    version = str(row["api_version"])
    return {
        "__typename": "WebhookSubscription",
        "id": gid("WebhookSubscription", row["id"]),
        "legacyResourceId": row["id"],
        "topic": enum_topic(row["topic"]),
        "uri": row["address"],
        "callbackUrl": row["address"],
        "endpoint": _endpoint(row["address"]),
        "filter": row.get("filter"),
        "format": row["format"].upper(),
        "includeFields": row["fields"],
        "metafieldNamespaces": row["metafield_namespaces"],
        "metafields": row.get("metafields") or [],
        "name": row["name"] or None,
        "apiVersion": {"handle": version, "displayName": version, "supported": True},
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
    }


def _endpoint(address: str) -> dict[str, Any]:
    pubsub = PUBSUB.fullmatch(address)
    if pubsub:
        return {
            "__typename": "WebhookPubSubEndpoint",
            "pubSubProject": pubsub["project"],
            "pubSubTopic": pubsub["topic"],
        }
    if address.startswith("arn:"):
        return {"__typename": "WebhookEventBridgeEndpoint", "arn": address}
    return {"__typename": "WebhookHttpEndpoint", "callbackUrl": address}


def _given(asked: Mapping[str, Any]) -> Row:
    """The members of the input under the names of the books; `uri` goes before `callbackUrl`."""
    address = asked.get("uri", asked.get("callbackUrl"))
    given: Row = {NAMES[name]: value for name, value in asked.items() if name in NAMES}
    if "format" in given:
        given["format"] = str(given["format"] or "JSON").lower()
    if {"uri", "callbackUrl"} & asked.keys():
        given["address"] = (address or "").strip()
    return given


NAMES = {
    "filter": "filter",
    "format": "format",
    "includeFields": "fields",
    "metafieldNamespaces": "metafield_namespaces",
    "metafields": "metafields",
    "name": "name",
}


def _keep(shop: ShopContext, row: Row, given: Row) -> Row:
    """Write what was given over a subscription."""
    lists: Row = {name: given[name] or [] for name in ("fields", "metafield_namespaces", "metafields") if name in given}
    named: Row = {"name": given.get("name", row["name"]) or ""}
    new = {**row, **given, **lists, **named, "updated_at": shop.store.now().replace(microsecond=0).isoformat()}
    shop.world.remember(("webhook", str(row["id"]), new))
    return new


def _wrong(shop: ShopContext, topic: str, row: Row, own_id: int | None) -> Iterator[dict[str, Any]]:
    """What Shopify refuses in a subscription."""
    others = [one for one in shop.store.subscriptions() if one["id"] != own_id]
    for message in _wrong_address(row["address"]):
        yield user_error(message, "webhookSubscription", "callbackUrl")
    same = ((one["topic"], one["address"], one.get("filter")) for one in others if not row["name"] or not one["name"])
    if (topic, row["address"], row.get("filter")) in same:
        yield user_error("Address for this topic has already been taken", "webhookSubscription", "callbackUrl")
    for message in _wrong_name(row["name"], {one["name"] for one in others}):
        yield user_error(message, "webhookSubscription", "name")
    if row.get("format", "json") != "json" and not row["address"].startswith("https://"):
        yield user_error("Format can only be used with format: 'json'", "webhookSubscription", "format")
    if row.get("filter") and not re.search(r"[\w.]+:", row["filter"]):
        text = "The specified filter is invalid, please ensure you specify the field(s) you wish to filter on."
        yield user_error(text, "webhookSubscription")


def _wrong_address(address: str) -> Iterator[str]:
    scheme = urlsplit(address).scheme
    if not address:
        yield "Address can't be blank"
    elif len(address.encode()) > MOST_ADDRESS_BYTES:
        yield "Address is too big (maximum is 64 KB)"
    elif scheme == "pubsub":
        if not PUBSUB.fullmatch(address):
            yield "Address protocol pubsub:// is not supported"
            yield "Address is not a valid GCP pub/sub format. Format should be pubsub://project:topic"
    elif scheme == "arn":
        if not ARN.fullmatch(address):
            yield "Address is invalid"
            yield "Address is not a valid AWS ARN"
    elif not scheme or not urlsplit(address).hostname:
        yield "Address is invalid"
    elif scheme != "https" and not (scheme == "http" and urlsplit(address).hostname in LOCAL):
        yield f"Address protocol {scheme}:// is not supported"


def _wrong_name(name: str | None, taken: set[str]) -> Iterator[str]:
    if name is None or name == "":
        return
    if not NAME.fullmatch(name):
        yield "Name name field can only contain alphanumeric characters, underscores, and hyphens"
    if len(name) > MOST_NAME_CHARACTERS:
        yield f"Name is too long (maximum is {MOST_NAME_CHARACTERS} characters)"
    if name in taken:
        yield "Name already exists, no duplicate allowed"


def _row(shop: ShopContext, text: str) -> Row | None:
    type_name, number = split_gid(text)
    return shop.world.get("webhook", number) if type_name == "WebhookSubscription" else None


def _gone() -> dict[str, Any]:
    return user_error("Webhook subscription does not exist", "id")


def _node(shop: ShopContext, number: str) -> dict[str, Any] | None:
    row = shop.world.get("webhook", number)
    return None if row is None else shown(row)


SEARCHED = {
    "id": Searched(lambda row: row["id"], "id"),
    "created_at": Searched(lambda row: row["created_at"], "time"),
    "updated_at": Searched(lambda row: row["updated_at"], "time"),
    "topic": Searched(lambda row: [row["topic"], enum_topic(row["topic"])]),
    "uri": Searched(lambda row: row["address"]),
    "callback_url": Searched(lambda row: row["address"]),
    "format": Searched(lambda row: row["format"]),
    "name": Searched(lambda row: row["name"]),
}
RESOLVERS: dict[str, Resolver] = {
    "QueryRoot.webhookSubscriptions": subscriptions,
    "QueryRoot.webhookSubscriptionsCount": subscriptions_count,
    "QueryRoot.webhookSubscription": subscription,
    "Mutation.webhookSubscriptionCreate": create,
    "Mutation.webhookSubscriptionUpdate": update,
    "Mutation.webhookSubscriptionDelete": delete,
}
NODES = {"WebhookSubscription": _node}

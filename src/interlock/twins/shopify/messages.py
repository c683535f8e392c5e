"""What a Shopify webhook looks like on the wire: the bytes of its body, its signature and its headers.

Sources: shopify-app-js packages/apps/shopify-api/lib/types.ts (header names), shopify.dev docs/apps/build/webhooks and
docs/apps/build/events, delivery-structure, and the changelog of 2026-09-16 (Events: fields_changed).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

from interlock.twins.world import encode_json

JSON_STYLES = ("plain", "ascii", "slashes", "rails")
"""plain UTF-8; non-ASCII as \\uXXXX; also slashes as \\/; as Rails does, also <, > and & as \\uXXXX."""

EVENT_TOPICS = {
    "orders/create": ("Order", "create"),
    "orders/updated": ("Order", "update"),
    "orders/edited": ("Order", "update"),
    "orders/paid": ("Order", "update"),
    "orders/cancelled": ("Order", "update"),
    "orders/fulfilled": ("Order", "update"),
    "orders/partially_fulfilled": ("Order", "update"),
    "orders/delete": ("Order", "delete"),
    "refunds/create": ("Refund", "create"),
    "fulfillments/create": ("Fulfillment", "create"),
    "fulfillments/update": ("Fulfillment", "update"),
    "products/create": ("Product", "create"),
    "products/update": ("Product", "update"),
    "products/delete": ("Product", "delete"),
    "customers/create": ("Customer", "create"),
    "customers/update": ("Customer", "update"),
    "customers/delete": ("Customer", "delete"),
}
"""How the Events dialect names what a classic topic says: (resource, action)."""

_NON_ASCII = re.compile(r"[^\x00-\x7f]")
_HTML = re.compile(r"[<>&]")


def write_body(value: Any, style: str) -> bytes:
    """JSON text in one of JSON_STYLES; ids are bare integers of any size, so only the raw bytes can be verified."""
    text = encode_json(value).decode()
    if style != "plain":
        text = _NON_ASCII.sub(_escaped, text)
    if style == "slashes":
        text = text.replace("/", "\\/")
    if style == "rails":
        text = _HTML.sub(_escaped, text)
    return text.encode()


def _escaped(match: re.Match[str]) -> str:
    """One character as \\uXXXX, or two of them (a surrogate pair) above U+FFFF."""
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def sign(secret: str, raw: bytes) -> str:
    """base64(HMAC-SHA256(raw body, app client secret))."""
    return base64.b64encode(hmac.digest(secret.encode(), raw, hashlib.sha256)).decode()


def classic_headers(message: Mapping[str, str], signature: str) -> dict[str, str]:
    """Headers of a classic webhook; X-Shopify-Name only when the subscription has a name."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-Topic": message["topic"],
        "X-Shopify-Hmac-Sha256": signature,
        "X-Shopify-Shop-Domain": message["shop_domain"],
        "X-Shopify-API-Version": message["api_version"],
        "X-Shopify-Webhook-Id": message["webhook_id"],
        "X-Shopify-Event-Id": message["event_id"],
        "X-Shopify-Triggered-At": message["triggered_at"],
    }
    return headers | ({"X-Shopify-Name": message["name"]} if message["name"] else {})


def events_headers(message: Mapping[str, str], signature: str) -> dict[str, str]:
    """Headers of the coming Events system; de-duplicate on shopify-webhook-id."""
    resource, action = EVENT_TOPICS[message["topic"]]
    return {
        "content-type": "application/json",
        "shopify-topic": resource,
        "shopify-hmac-sha256": signature,
        "shopify-shop-domain": message["shop_domain"],
        "shopify-api-version": message["api_version"],
        "shopify-event-id": message["event_id"],
        "shopify-webhook-id": message["webhook_id"],
        "shopify-handle": message["name"],
        "shopify-action": action,
        "shopify-resource-id": f"gid://shopify/{resource}/{message['resource_id']}",
        "shopify-triggered-at": message["triggered_at"],
    }


HEADERS = {"classic": classic_headers, "events": events_headers}


def events_body(topic: str, name: str, resource: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an Events delivery: what changed, and a little of it, as if the subscription had a query."""
    kind, action = EVENT_TOPICS[topic]
    number = resource_id(resource)
    gid = f"gid://shopify/{kind}/{number}"
    changed: dict[str, list[str]] = {"added": [], "updated": [], "removed": []}
    changed["added" if action == "create" else "updated"].append(f"{kind.lower()}[id: '{gid}']")
    seen = {"id": gid, "legacyResourceId": number, "updatedAt": resource.get("updated_at")}
    return {"topic": kind, "action": action, "handle": name, "fields_changed": changed, "data": {kind.lower(): seen}}


def resource_id(resource: Mapping[str, Any]) -> str:
    """The id that a body is about; an edit is about its order, other bodies name their object by gid."""
    if "order_edit" in resource:
        return str(resource["order_edit"]["order_id"])
    if "id" in resource:
        return str(resource["id"])
    names = (*NAMED_WITHIN, *(name for name in resource if name.startswith("admin_graphql_api_")))
    found = next((resource[name] for name in names if resource.get(name)), "")
    return str(found["id"] if isinstance(found, dict) else found).rpartition("/")[2]


NAMED_WITHIN = ("inventory_item_id", "fulfillment_order", "original_fulfillment_order", "order_id", "customerId")
"""Members that name what a body without an id of its own is about."""

"""What a subscription gets of a resource: the members it includes, the metafields it asks for, or nothing at all.

Sources: shopify.dev docs/apps/build/webhooks/customize/modify-payloads (include_fields: paths by periods; payloads that
became identical are dropped within "a small time window", so include updated_at: F08), and the descriptions of
metafieldNamespaces and metafields of WebhookSubscriptionInput (F09). The shape of a metafield is that of REST. From
memory: that metafields come beside includeFields; how long the window is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.twins.shopify.messages import resource_id
from interlock.twins.shopify.webhook_filter import parsed
from interlock.twins.world import World, content_hash

METAFIELD = "metafield"
"""The kind of its records in the world; the key is owner, namespace and key."""
MOST_REMEMBERED = 10_000

Body = Mapping[str, Any]
Subscription = Mapping[str, Any]


def passes(subscription: Subscription, body: Body) -> bool:
    """Whether the subscription's filter lets a body through."""
    text = subscription.get("filter")
    return not text or parsed(text)(body)


def is_plain(subscription: Subscription) -> bool:
    """Whether a subscription gets the body as it is."""
    return not any(subscription.get(name) for name in ("fields", "metafield_namespaces", "metafields"))


def shown_to(subscription: Subscription, body: Body, world: World) -> dict[str, Any]:
    """The body as a subscription wants it."""
    fields = subscription.get("fields")
    shown = narrowed(body, [path.split(".") for path in fields]) if fields else dict(body)
    if subscription.get("metafield_namespaces") or subscription.get("metafields"):
        shown["metafields"] = _metafields(subscription, body, world)
    return shown


def narrowed(value: Any, paths: Sequence[Sequence[str]]) -> Any:
    """Only what the paths name, in the order of the body; a path of no parts means all of it."""
    if any(not path for path in paths):
        return value
    if isinstance(value, list):
        return [narrowed(one, paths) for one in value]
    if not isinstance(value, Mapping):
        return value
    wanted = {path[0] for path in paths}
    return {
        name: narrowed(part, [path[1:] for path in paths if path[0] == name])
        for name, part in value.items()
        if name in wanted
    }


def keep_metafield(world: World, at: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Set a metafield of an object: {"owner": gid, "namespace", "key", "value", "type"}. Raises KeyError."""
    owner, name = str(asked["owner"]), f"{asked['namespace']}.{asked['key']}"
    resource, _, number = owner.removeprefix("gid://shopify/").partition("/")
    before = world.get(METAFIELD, f"{owner}:{name}")
    made = before["id"] if before else int(world.next_id(METAFIELD)) + 19_500_000_000_000
    row = {
        "id": made,
        "namespace": asked["namespace"],
        "key": asked["key"],
        "value": str(asked["value"]),
        "description": None,
        "owner_id": int(number),
        "created_at": before["created_at"] if before else at,
        "updated_at": at,
        "owner_resource": resource.lower(),
        "type": str(asked.get("type", "single_line_text_field")),
        "admin_graphql_api_id": f"gid://shopify/Metafield/{made}",
    }
    world.apply("metafield.set", f"{owner}:{name}", (METAFIELD, f"{owner}:{name}", row))
    return row


def _metafields(subscription: Subscription, body: Body, world: World) -> list[dict[str, Any]]:
    spaces = set(subscription.get("metafield_namespaces") or ())
    named = {(one["namespace"], one["key"]) for one in subscription.get("metafields") or ()}
    prefix = f"{body.get('admin_graphql_api_id')}:"
    rows = (row for key, row in world.rows(METAFIELD) if key.startswith(prefix))
    return [row for row in rows if row["namespace"] in spaces or (row["namespace"], row["key"]) in named]


class Debounce:
    """Drops a body that its subscription has just been sent for the same resource (C16)."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: dict[tuple[str, str, str], tuple[str, float]] = {}

    def drops(self, subscription: Subscription, topic: str, whole: Body, shown: Body, now: float) -> bool:
        """Whether `shown` repeats what went out within the window. Only bodies that were narrowed can."""
        if not subscription.get("fields"):
            return False
        if len(self._last) >= MOST_REMEMBERED:
            self._last = {key: row for key, row in self._last.items() if row[1] > now - self._seconds}
        key, said = (str(subscription["id"]), topic, resource_id(whole)), content_hash(shown)
        before = self._last.get(key)
        if before is not None and before[0] == said and now - before[1] < self._seconds:
            return True
        self._last[key] = (said, now)
        return False

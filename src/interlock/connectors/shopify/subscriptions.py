"""The webhook subscriptions of an app at one store: what there is, and one more, one other, one less."""

from __future__ import annotations

from typing import Any, Final

from interlock.connectors.contract import Done, Refused, Retry, Subscription, Uncertain
from interlock.connectors.shopify.graphql import Admin

PAGES_MAX: Final = 50


class ShopifySubscriber:
    """Subscriptions of topics as webhooks name them: `orders/create`. Only those that this app made are seen (F14)."""

    def __init__(self, admin: Admin, topics: tuple[str, ...]) -> None:
        self._admin = admin
        self._topics = {enum_of(topic): topic for topic in topics}

    async def subscriptions(self, *, timeout_seconds: float) -> list[Subscription] | Retry | Refused:
        """All of them."""
        found: list[Subscription] = []
        after: str | None = None
        for _ in range(PAGES_MAX):
            data = await self._admin.run("webhook_subscriptions", {"after": after}, timeout_seconds=timeout_seconds)
            if not isinstance(data, dict):
                return data
            page = data["webhookSubscriptions"]
            found += [self._subscription(node) for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
        return found

    async def subscribe(self, wanted: Subscription, *, timeout_seconds: float) -> Done | Retry | Refused | Uncertain:
        """Create it, or correct that which has the id. The store refuses a second one of the same topic, address and
        filter, so a lost answer is found at the next look."""
        given: dict[str, Any] = {"subscription": _input(wanted)}
        if wanted.id:
            return await self._change("webhook_subscription_update", {"id": wanted.id, **given}, timeout_seconds)
        given["topic"] = enum_of(wanted.topic)
        return await self._change("webhook_subscription_create", given, timeout_seconds)

    async def unsubscribe(self, subscription_id: str, *, timeout_seconds: float) -> Done | Retry | Refused | Uncertain:
        """Remove it; one that is gone is removed."""
        outcome = await self._change("webhook_subscription_delete", {"id": subscription_id}, timeout_seconds)
        gone = isinstance(outcome, Refused) and "does not exist" in outcome.message.lower()
        return Done() if gone else outcome

    async def _change(
        self, document: str, variables: dict[str, Any], timeout_seconds: float
    ) -> Done | Retry | Refused | Uncertain:
        data = await self._admin.change(document, variables, timeout_seconds=timeout_seconds)
        if not isinstance(data, dict):
            return data
        made = next(iter(data.values())).get("webhookSubscription") or {}
        return Done(external_id=made.get("id", ""))

    def _subscription(self, node: dict[str, Any]) -> Subscription:
        return Subscription(
            id=node["id"],
            topic=self._topics.get(node["topic"], node["topic"]),
            address=node["uri"],
            name=node["name"] or "",
            filter=node["filter"] or "",
            fields=tuple(node["includeFields"]),
            metafields=tuple(f"{one['namespace']}.{one['key']}" for one in node["metafields"]),
        )


def enum_of(topic: str) -> str:
    """ORDERS_CREATE of orders/create."""
    return topic.upper().replace("/", "_")


def _input(wanted: Subscription) -> dict[str, Any]:
    """WebhookSubscriptionInput; what is not wanted is not said."""
    given: dict[str, Any] = {"uri": wanted.address}
    if wanted.name:
        given["name"] = wanted.name
    if wanted.filter:
        given["filter"] = wanted.filter
    if wanted.fields:
        given["includeFields"] = list(wanted.fields)
    if wanted.metafields:
        split = (metafield.rpartition(".") for metafield in wanted.metafields)
        given["metafields"] = [{"namespace": namespace, "key": key} for namespace, _, key in split]
    return given

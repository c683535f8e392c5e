"""Webhook subscriptions by GraphQL: the same books as REST's, with Shopify's rules and words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from admin_bench import Bench
from shopify_harness import API, receiving, running_twin

from interlock.twins.shopify.admin.webhook_topics import enum_topic, rest_topic, topics
from interlock.twins.shopify.rest import TOPICS

FIELDS = """id topic uri name filter includeFields metafieldNamespaces format apiVersion { handle }
  metafields { namespace key } endpoint { __typename ... on WebhookHttpEndpoint { callbackUrl }
  ... on WebhookPubSubEndpoint { pubSubProject pubSubTopic } ... on WebhookEventBridgeEndpoint { arn } }"""
CREATE = f"""mutation($topic: WebhookSubscriptionTopic!, $given: WebhookSubscriptionInput!) {{
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $given) {{
    webhookSubscription {{ {FIELDS} }} userErrors {{ field message }} }} }}"""
UPDATE = f"""mutation($id: ID!, $given: WebhookSubscriptionInput!) {{
  webhookSubscriptionUpdate(id: $id, webhookSubscription: $given) {{
    webhookSubscription {{ {FIELDS} }} userErrors {{ field message }} }} }}"""
DELETE = (
    "mutation($id: ID!) { webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { message } } }"
)
HOOKS = "https://hub.example/hooks"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        yield made


def create(bench: Bench, topic: str = "ORDERS_CREATE", /, **given: Any) -> dict[str, Any]:
    return dict(bench.data(CREATE, topic=topic, given={"uri": HOOKS} | given)["webhookSubscriptionCreate"])


def messages(payload: dict[str, Any]) -> list[str]:
    return [error["message"] for error in payload["userErrors"]]


def test_create_list_update_delete(bench: Bench) -> None:
    """C07: what was asked for is what the shop says it has, so a hub can compare; what is not given stays."""
    given = {"name": "orders-1", "filter": "total_price:>100", "includeFields": ["id", "updated_at"],
             "metafields": [{"namespace": "erp", "key": "id"}], "metafieldNamespaces": ["erp"]}  # fmt: skip
    made = create(bench, **given)["webhookSubscription"]
    assert {name: made[name] for name in given} == given
    assert (made["uri"], made["topic"], made["format"]) == (HOOKS, "ORDERS_CREATE", "JSON")
    changed = bench.data(UPDATE, id=made["id"], given={"uri": HOOKS + "/2"})["webhookSubscriptionUpdate"]
    assert (
        changed["webhookSubscription"]["uri"] == HOOKS + "/2" and changed["webhookSubscription"]["name"] == "orders-1"
    )
    create(bench, "REFUNDS_CREATE")
    listed = (
        "query($t: [WebhookSubscriptionTopic!]) { webhookSubscriptions(first: 10, topics: $t) { nodes { id topic } } }"
    )
    assert len(bench.data(listed)["webhookSubscriptions"]["nodes"]) == 2
    (one,) = bench.data(listed, t=["ORDERS_CREATE"])["webhookSubscriptions"]["nodes"]
    assert one["id"] == made["id"]
    assert bench.data(DELETE, id=made["id"])["webhookSubscriptionDelete"]["deletedWebhookSubscriptionId"] == made["id"]
    assert messages(bench.data(DELETE, id=made["id"])["webhookSubscriptionDelete"]) == [
        "Webhook subscription does not exist"
    ]
    gone = bench.data("query($id: ID!) { webhookSubscription(id: $id) { id } }", id=made["id"])
    assert gone == {"webhookSubscription": None}


REFUSED = {
    "": "Address can't be blank",
    "nowhere": "Address is invalid",
    "ftp://a.example": "Address protocol ftp:// is not supported",
    "http://a.example": "Address protocol http:// is not supported",
    "pubsub://x": "Address is not a valid GCP pub/sub format. Format should be pubsub://project:topic",
    "arn:aws:sns:x": "Address is not a valid AWS ARN",
}


@pytest.mark.parametrize("uri", REFUSED)
def test_a_wrong_address_is_refused(bench: Bench, uri: str) -> None:
    """F09, with the recorded words; the field is callbackUrl whatever was given."""
    refused = create(bench, uri=uri)
    assert REFUSED[uri] in messages(refused) and refused["webhookSubscription"] is None
    assert refused["userErrors"][0]["field"] == ["webhookSubscription", "callbackUrl"]


def test_other_ways_of_delivery_are_kept(bench: Bench) -> None:
    """F09: Pub/Sub and EventBridge are addresses, too."""
    arn = "arn:aws:events:us-east-1::event-source/aws.partner/shopify.com/580111/orders"
    assert create(bench, uri=arn)["webhookSubscription"]["endpoint"]["arn"] == arn
    assert create(bench, uri="pubsub://my-project:orders")["webhookSubscription"]["endpoint"] == {
        "__typename": "WebhookPubSubEndpoint", "pubSubProject": "my-project", "pubSubTopic": "orders"
    }  # fmt: skip


def test_names_and_duplicates(bench: Bench) -> None:
    """F02: names are unique and of few characters; the same address for a topic twice only with another filter or name."""
    assert messages(create(bench, name="a b"))[0].startswith("Name name field can only contain alphanumeric")
    assert messages(create(bench, name="x" * 51)) == ["Name is too long (maximum is 50 characters)"]
    assert messages(create(bench)) == []
    assert messages(create(bench)) == ["Address for this topic has already been taken"]
    assert messages(create(bench, filter="total_price:>5")) == []
    assert messages(create(bench, "REFUNDS_CREATE", name="one")) == []
    assert messages(create(bench, "ORDERS_UPDATED", name="one")) == ["Name already exists, no duplicate allowed"]
    assert "The specified filter is invalid" in messages(create(bench, "ORDERS_PAID", filter="red"))[0]


def test_topics_go_over_and_back() -> None:
    """Every topic of the schema has one name for headers and one for GraphQL; those that REST knew are among them."""
    assert all(rest_topic(enum_topic(topic)) == topic for topic in topics("2026-10"))
    assert all(("/" in topic or "." in topic) and topic[-1].isalpha() for topic in topics("2026-10"))
    assert set(TOPICS) <= topics("2026-10")
    assert rest_topic("FULFILLMENT_ORDERS_PLACED_ON_HOLD") == "fulfillment_orders/placed_on_hold"
    assert rest_topic("ORDERS_RISK_ASSESSMENT_CHANGED") == "orders/risk_assessment_changed"


def test_webhooks_come_to_what_graphql_subscribed(tmp_path: Path) -> None:
    """The books are one: a subscription made by GraphQL is sent to, and REST lists it."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path) as twin:
            asked = {"query": CREATE, "variables": {"topic": "ORDERS_CREATE", "given": {"uri": receiver.url}}}
            made = (await twin.call("POST", f"{API}/graphql.json", asked)).body["data"]["webhookSubscriptionCreate"]
            assert made["userErrors"] == []
            await twin.place()
            await twin.quiet()
            assert [one.headers["X-Shopify-Topic"] for one in receiver.got] == ["orders/create"]
            (row,) = (await twin.call("GET", f"{API}/webhooks.json")).body["webhooks"]
            assert row["admin_graphql_api_id"] == made["webhookSubscription"]["id"]

    asyncio.run(story())

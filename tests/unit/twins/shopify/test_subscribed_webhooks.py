"""What a subscription asks for is what it gets: filter, fields, metafields, name; and the three topics nobody subscribes to."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from shopify_harness import API, TOKEN, Twin, receiving, running_twin, until

CREATE = """mutation($topic: WebhookSubscriptionTopic!, $input: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $input) {
    webhookSubscription { id } userErrors { message } } }"""


async def subscribe(twin: Twin, topic: str, uri: str, **more: Any) -> None:
    asked = {"query": CREATE, "variables": {"topic": topic, "input": {"uri": uri, **more}}}
    headers = {**TOKEN, "content-type": "application/json"}
    answer = await twin.call("POST", f"{API}/graphql.json", asked, headers)
    assert not answer.body.get("errors") and not answer.body["data"]["webhookSubscriptionCreate"]["userErrors"], answer


async def note(twin: Twin, text: str) -> None:
    assert (await twin.call("POST", "/_twin/orders/1001/note", {"note": text})).status == 200


def test_a_filter_holds_back_what_it_does_not_want(tmp_path: Path) -> None:
    """The subscription of a flow for paid orders of one shop is not woken by others; one without a filter gets all."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path) as twin:
            await subscribe(twin, "ORDERS_CREATE", f"{receiver.url}/paid", filter="financial_status:paid")
            await subscribe(twin, "ORDERS_CREATE", f"{receiver.url}/all")
            await twin.place(1, "pending_payment")
            await twin.place(1, "plain")
            await twin.quiet()
            paths = [got.path.rpartition("/")[2] for got in receiver.got]
            assert sorted(paths) == ["all", "all", "paid"]

    asyncio.run(story())


def test_bodies_that_became_identical_are_dropped(tmp_path: Path) -> None:
    """F08, C16: without updated_at the second update looks like the first and is lost; with it both arrive (the control)."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path, debounce_seconds=600.0) as twin:
            await subscribe(twin, "ORDERS_UPDATED", f"{receiver.url}/bare", includeFields=["id", "name"])
            await subscribe(twin, "ORDERS_UPDATED", f"{receiver.url}/dated", includeFields=["id", "note", "updated_at"])
            await twin.place()
            await note(twin, "one")
            await note(twin, "two")
            await twin.quiet()
            bare = [got.json for got in receiver.got if got.path.endswith("bare")]
            dated = [got.json for got in receiver.got if got.path.endswith("dated")]
            assert [set(body) for body in bare] == [{"id", "name"}]
            assert sorted(body["note"] or "" for body in dated) == ["", "one", "two"]
            assert [row["state"] for row in twin.attempts].count("debounced") == 2

    asyncio.run(story())


def test_a_later_update_is_no_repetition(tmp_path: Path) -> None:
    """C16: identical bodies are dropped within a small window only."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path, debounce_seconds=0.0) as twin:
            await subscribe(twin, "ORDERS_UPDATED", receiver.url, includeFields=["id"])
            await twin.place()
            await note(twin, "one")
            await twin.quiet()
            assert len(receiver.got) == 2

    asyncio.run(story())


def test_metafields_come_when_they_are_asked_for(tmp_path: Path) -> None:
    """F09: a body has the metafields of the namespaces, and of the identifiers, that its subscription names."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path) as twin:
            await subscribe(twin, "ORDERS_UPDATED", f"{receiver.url}/space", metafieldNamespaces=["erp"])
            one = [{"namespace": "crm", "key": "score"}]
            await subscribe(twin, "ORDERS_UPDATED", f"{receiver.url}/one", metafields=one, name="scores")
            (placed,) = await twin.place()
            await twin.quiet()
            receiver.got.clear()
            owner = f"gid://shopify/Order/{placed['id']}"
            for space, key in (("erp", "number"), ("crm", "score"), ("crm", "other")):
                asked = {"owner": owner, "namespace": space, "key": key, "value": "7"}
                assert (await twin.call("POST", "/_twin/metafields", asked)).status == 201
            await note(twin, "one")
            await twin.quiet()
            seen = {got.path.rpartition("/")[2]: got for got in receiver.got}
            assert [row["key"] for row in seen["space"].json["metafields"]] == ["number"]
            assert [row["key"] for row in seen["one"].json["metafields"]] == ["score"]
            assert seen["one"].headers["X-Shopify-Name"] == "scores"

    asyncio.run(story())


def test_what_goes_to_a_cloud_is_only_logged(tmp_path: Path) -> None:
    """A Pub/Sub subscription is kept; the twin has no cloud to send to, and must not take that for eight failures."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            await subscribe(twin, "ORDERS_CREATE", "pubsub://my-project:orders")
            await twin.place()
            await twin.quiet()
            assert [row["state"] for row in twin.attempts] == ["elsewhere"]
            assert len(twin.vendor.store.subscriptions()) == 1

    asyncio.run(story())


def test_compliance_topics_go_to_the_address_of_the_app(tmp_path: Path) -> None:
    """C91: redaction and data requests arrive signed without a subscription, with the person's orders."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path, compliance_address=receiver.url) as twin:
            (placed,) = await twin.place()
            order = json.loads(twin.vendor.store.find(placed["id"])["json"])
            for topic in ("customers/data_request", "customers/redact"):
                asked = {"topic": topic, "customer": order["customer"]["id"]}
                assert (await twin.call("POST", "/_twin/compliance", asked)).status == 202
            await twin.quiet()
            bodies = {got.headers["X-Shopify-Topic"]: got.json for got in receiver.got}
            assert bodies["customers/redact"]["orders_to_redact"] == [order["id"]]
            assert bodies["customers/redact"]["customer"]["email"] == order["email"]
            assert bodies["customers/data_request"]["orders_requested"] == [order["id"]]
            refused = await twin.call("POST", "/_twin/compliance", {"topic": "orders/create"})
            assert refused.status == 400

    asyncio.run(story())


def test_the_shop_is_redacted_two_days_after_the_uninstall(tmp_path: Path) -> None:
    """C91: app/uninstalled comes at once to its subscription, shop/redact later to the app, when nothing is subscribed."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path, compliance_address=receiver.url) as twin:
            await twin.subscribe("app/uninstalled", receiver.url)
            await twin.call("POST", "/_twin/uninstall", {})
            await until(lambda: len(receiver.got) == 2)
            assert [got.headers["X-Shopify-Topic"] for got in receiver.got] == ["app/uninstalled", "shop/redact"]
            assert receiver.got[1].json == {
                "shop_id": twin.vendor.store.shop.shop_id,
                "shop_domain": twin.vendor.store.shop.domain,
            }

    asyncio.run(story())


def test_two_days_are_real_without_a_scale(tmp_path: Path) -> None:
    """The delay is counted in the twin's time, and what waits for it survives a restart."""

    async def story() -> None:
        async with running_twin(tmp_path, time_scale=1.0, compliance_address="http://127.0.0.1:9/") as twin:
            await twin.call("POST", "/_twin/uninstall", {})
            assert twin.vendor.webhooks.pending == 1 and not twin.attempts
        async with running_twin(tmp_path, time_scale=1.0) as twin:
            assert twin.vendor.webhooks.pending == 1

    asyncio.run(story())


def test_delays_by_chance_shuffle_deliveries(tmp_path: Path) -> None:
    """Fault case 15: webhook_delay spreads deliveries over its seconds, so that their order is no longer that of events."""

    async def orders(directory: Path) -> list[str]:
        async with receiving() as receiver, running_twin(directory) as twin:
            await twin.subscribe("orders/create", receiver.url)
            rule = {"kind": "webhook_delay", "delay_seconds": 0.6}
            assert (await twin.call("POST", "/_twin/faults", rule)).status == 201
            await twin.place(12)
            await twin.quiet()
            return [got.json["name"] for got in receiver.got]

    first = asyncio.run(orders(tmp_path / "a"))
    assert sorted(first) == [f"#{1001 + number}" for number in range(12)] and first != sorted(first)

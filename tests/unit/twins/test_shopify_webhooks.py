"""Webhooks of the Shopify twin: bytes, signature, headers, retries, and the ways they go wrong."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import random
from pathlib import Path

import pytest
from shopify_harness import API, Received, receiving, running_twin, sample, until

from interlock.twins.shopify.messages import JSON_STYLES, sign, write_body
from interlock.twins.shopify.orders import make_order
from interlock.twins.shopify.webhooks import RETRY_DELAYS_SECONDS

SECRET = "shpss_twin"


def genuine(got: Received, secret: str = SECRET) -> bool:
    """The check a receiver makes, written out again here."""
    digest = base64.b64encode(hmac.new(secret.encode(), got.raw, hashlib.sha256).digest()).decode()
    return digest == got.headers.get("X-Shopify-Hmac-Sha256", got.headers.get("shopify-hmac-sha256"))


def test_signature_matches_the_published_vector() -> None:
    """C10: the twin signs as Shopify's own library verifies."""
    vector = sample("webhook.hmac-vector.json")
    assert sign(vector["secret"], vector["rawBody"].encode()) == vector["expected_base64_hmac"]


@pytest.mark.parametrize("style", JSON_STYLES)
def test_every_style_of_json_says_the_same(style: str) -> None:
    """C10, C12: escapes change the bytes and not the meaning; 64-bit ids stay bare integers."""
    order = make_order(random.Random(3), 1, "non_ascii") | {"id": 820982911946154508, "note": "<a & b> \U0001f6aa/"}
    raw = write_body(order, style)
    assert json.loads(raw) == order
    assert b'"id":820982911946154508' in raw
    assert (style == "plain") != raw.isascii()
    assert (style == "slashes") == (b"\\/" in raw)


@pytest.mark.parametrize("style", ["ascii", "slashes", "rails"])
def test_a_body_written_again_does_not_verify(style: str) -> None:
    """C10, the control: a receiver that parses and re-serialises before checking must fail on escaped bodies."""
    raw = write_body({"note": "na\u00efve & co", "url": "https://a/b"}, style)
    again = json.dumps(json.loads(raw), ensure_ascii=False, separators=(",", ":")).encode()
    assert sign("s", raw) != sign("s", again)


def test_classic_headers_and_ids(tmp_path: Path) -> None:
    """C02: two subscriptions of one topic get the same event id and their own webhook ids."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path) as twin:
            await twin.subscribe("orders/create", f"{receiver.url}/a")
            await twin.subscribe("orders/create", f"{receiver.url}/b", name="second")
            placed = await twin.place()
            await twin.quiet()
            first, second = sorted(receiver.got)
            published = sample("webhook.headers.json")["classic"]
            assert {name.lower() for name in published} <= {name.lower() for name in second.headers}
            assert first.headers["X-Shopify-Event-Id"] == second.headers["X-Shopify-Event-Id"]
            assert first.headers["X-Shopify-Webhook-Id"] != second.headers["X-Shopify-Webhook-Id"]
            assert "X-Shopify-Name" not in first.headers and second.headers["X-Shopify-Name"] == "second"
            assert genuine(first) and genuine(second)
            assert str(first.json["id"]) == placed[0]["id"]

    asyncio.run(story())


def test_events_dialect(tmp_path: Path) -> None:
    """The coming delivery system has other header names and another body, signed the same way."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path) as twin:
            await twin.subscribe("orders/create", receiver.url, dialect="events", name="my-orders")
            placed = await twin.place()
            await twin.quiet()
            (got,) = receiver.got
            assert set(sample("webhook.headers.json")["events"]) <= set(got.headers)
            assert not any(name.lower().startswith("x-shopify") for name in got.headers)
            assert got.headers["shopify-resource-id"] == f"gid://shopify/Order/{placed[0]['id']}"
            assert (got.json["topic"], got.json["action"], got.json["handle"]) == ("Order", "create", "my-orders")
            assert genuine(got)

    asyncio.run(story())


def test_the_topics_of_each_change(tmp_path: Path) -> None:
    """A hub is woken by these topics; a twin that sent fewer would hide a missing subscription."""
    expected = {
        "note": {"orders/updated"},
        "edit": {"orders/edited", "orders/updated"},
        "fulfil": {"fulfillments/create", "orders/fulfilled", "orders/updated"},
        "refund": {"refunds/create", "orders/updated"},
    }

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path) as twin:
            topics = sorted(set().union(*expected.values()) | {"orders/create", "orders/paid", "orders/cancelled"})
            for topic in topics:
                await twin.subscribe(topic, receiver.url)
            await twin.place(2)
            await twin.quiet()
            assert sorted(got.headers["X-Shopify-Topic"] for got in receiver.got) == [
                topic for topic in ("orders/create", "orders/paid", "orders/updated") for _ in range(2)
            ]
            for change, wanted in [
                *expected.items(),
                ("cancel", {"orders/cancelled", "orders/updated", "refunds/create"}),
            ]:
                receiver.got.clear()
                name = "1002" if change == "cancel" else "1001"
                assert (await twin.call("POST", f"/_twin/orders/{name}/{change}", {})).status == 200
                await twin.quiet()
                assert {got.headers["X-Shopify-Topic"] for got in receiver.got} == wanted
            assert (await twin.call("POST", "/_twin/orders/1002/edit", {})).status == 422

    asyncio.run(story())


def test_a_retry_carries_the_original_payload(tmp_path: Path) -> None:
    """C04: a retried webhook is stale: it shows the order as it was, though the order has changed since."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path, time_scale=300.0) as twin:
            await twin.subscribe("orders/create", receiver.url)
            receiver.answers = [503]
            await twin.place()
            await until(lambda: len(twin.attempts) == 1)
            await twin.call("POST", "/_twin/orders/1001/note", {"note": "changed since"})
            await twin.quiet()
            first, second = receiver.got
            assert first.raw == second.raw and second.json["note"] is None

    asyncio.run(story())


def test_it_retries_until_it_is_taken(tmp_path: Path) -> None:
    """F05: failures and redirects are repeated with the same bytes and ids, and one success ends it."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path) as twin:
            await twin.subscribe("orders/create", receiver.url)
            receiver.answers = [500, 302, 429]
            await twin.place()
            await twin.quiet()
            assert [row["state"] for row in twin.attempts] == ["retrying"] * 3 + ["delivered"]
            assert len({got.raw for got in receiver.got}) == 1
            assert len({got.headers["X-Shopify-Webhook-Id"] for got in receiver.got}) == 1
            assert {got.path for got in receiver.got} == {"/hooks"}

    asyncio.run(story())


def test_eight_failed_retries_delete_the_subscription(tmp_path: Path) -> None:
    """C07, C08, fault case 16: the subscription is gone and what waited for it with it; others stay."""

    async def story() -> None:
        async with receiving() as receiver, receiving() as healthy, running_twin(tmp_path) as twin:
            receiver.always = 500
            await twin.subscribe("orders/create", receiver.url)
            await twin.subscribe("orders/create", healthy.url)
            await twin.place()
            await until(lambda: any(row["state"] == "gave_up" for row in twin.attempts))
            await twin.quiet()
            assert len(receiver.got) == 1 + len(RETRY_DELAYS_SECONDS)
            left = (await twin.call("GET", f"{API}/webhooks.json")).body["webhooks"]
            assert [row["address"] for row in left] == [healthy.url]
            effects = (await twin.call("GET", "/_twin/effects?kind=webhook.delete")).body
            assert effects[0]["detail"] == {"why": "8 failed retries"}

    asyncio.run(story())


def test_retries_last_four_hours() -> None:
    """F05: eight retries, each later than the one before, four hours in all."""
    assert (len(RETRY_DELAYS_SECONDS), sum(RETRY_DELAYS_SECONDS)) == (8, 4 * 3600)
    assert list(RETRY_DELAYS_SECONDS) == sorted(RETRY_DELAYS_SECONDS)


def test_what_is_pending_survives_a_restart(tmp_path: Path) -> None:
    """C06, C07: the sender keeps trying after its own restart, with the payload and the ids of the first attempt."""

    async def story() -> None:
        async with receiving() as receiver:
            receiver.always = 503
            async with running_twin(tmp_path, time_scale=30.0) as twin:  # the first retry comes after two seconds
                await twin.subscribe("orders/create", receiver.url)
                await twin.place()
                await until(lambda: len(twin.attempts) == 1)
                await twin.call("POST", "/_twin/orders/1001/note", {"note": "changed since"})
            receiver.always = None
            async with running_twin(tmp_path) as twin:
                assert twin.vendor.webhooks.pending == 1  # type: ignore[attr-defined]
                await twin.quiet()
                first, second = receiver.got
                assert (first.raw, first.headers["X-Shopify-Event-Id"]) == (
                    second.raw,
                    second.headers["X-Shopify-Event-Id"],
                )
                assert second.json["note"] is None
                assert (await twin.place())[0]["name"] == "#1002"

    asyncio.run(story())


async def _misfortunes(directory: Path, seed: int, kind: str) -> list[tuple[str, str, int]]:
    async with receiving() as receiver, running_twin(directory, seed) as twin:
        await twin.subscribe("orders/create", receiver.url)
        rule = {"kind": kind, "share": 0.3, "match": {"topic": "orders/create"}}
        assert (await twin.call("POST", "/_twin/faults", rule)).status == 201
        await twin.place(40)
        await twin.quiet()
        return sorted((row["resource_id"], row["state"], row["copy"]) for row in twin.attempts)


@pytest.mark.parametrize("kind", ["webhook_duplicate", "webhook_drop"])
def test_misfortunes_repeat_with_the_seed(tmp_path: Path, kind: str) -> None:
    """Fault case 15: a run that fails must be replayable by its seed, and another seed must differ."""

    async def story() -> None:
        first = await _misfortunes(tmp_path / "a", 7, kind)
        assert first == await _misfortunes(tmp_path / "b", 7, kind)
        assert first != await _misfortunes(tmp_path / "c", 8, kind)
        unlucky = [row for row in first if row[1] == "dropped" or row[2] == 1]
        assert 4 <= len(unlucky) <= 20

    asyncio.run(story())


def test_a_delayed_webhook_is_overtaken(tmp_path: Path) -> None:
    """C03: orders/paid may come before orders/create."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path) as twin:
            await twin.subscribe("orders/create", receiver.url)
            await twin.subscribe("orders/paid", receiver.url)
            rule = {"kind": "webhook_reorder", "delay_seconds": 0.2, "match": {"topic": "orders/create"}}
            await twin.call("POST", "/_twin/faults", rule)
            await twin.place()
            await twin.quiet()
            assert [got.headers["X-Shopify-Topic"] for got in receiver.got] == ["orders/paid", "orders/create"]

    asyncio.run(story())


def test_a_forged_webhook_does_not_verify(tmp_path: Path) -> None:
    """Invariant 4: the receiver must refuse what is not signed with the app's secret."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path) as twin:
            await twin.subscribe("orders/create", receiver.url)
            await twin.place()
            await twin.quiet()
            await twin.call("POST", "/_twin/forge", {"topic": "orders/create", "order": "1001"})
            await until(lambda: len(twin.attempts) == 2)
            assert [genuine(got) for got in receiver.got] == [True, False]

    asyncio.run(story())


def test_a_rotated_secret_signs_after_the_lag(tmp_path: Path) -> None:
    """C11: after a rotation deliveries go on with the old secret for a while, so both must verify."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path, time_scale=1.0) as twin:
            await twin.subscribe("orders/create", receiver.url)
            await twin.call("POST", "/_twin/rotate_secret", {})
            await twin.place()
            await twin.quiet()
            new = (await twin.call("POST", "/_twin/rotate_secret", {"lag_seconds": 0})).body["secret"]
            await twin.place()
            await twin.quiet()
            old, recent = receiver.got
            assert genuine(old) and not genuine(recent)
            assert genuine(recent, new)

    asyncio.run(story())


def test_load_is_paced_and_loses_nothing(tmp_path: Path) -> None:
    """A load of n orders ends with n orders and n webhooks."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path) as twin:
            await twin.subscribe("orders/create", receiver.url)
            answer = await twin.call("POST", "/_twin/load", {"rate_per_second": 200, "seconds": 0.2})
            assert answer.body["orders"] == 40
            await until(lambda: len(receiver.got) == 40)
            ids = {str(got.json["id"]) for got in receiver.got}
            truth = (await twin.call("GET", "/_twin/orders")).body["orders"]
            assert ids == {row["id"] for row in truth}

    asyncio.run(story())

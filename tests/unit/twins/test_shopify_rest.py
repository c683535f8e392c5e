"""The REST Admin API of the Shopify twin: reads, paging, subscriptions, tokens, versions and limits."""

from __future__ import annotations

import asyncio
import json
import re
from itertools import chain
from pathlib import Path
from typing import Any

from shopify_harness import API, FIXTURES, Answer, Twin, receiving, running_twin, until

from interlock.connectors.registry import facts
from interlock.twins.shopify.rest import TOPICS, LeakyBucket


def link(answer: Answer, rel: str) -> str | None:
    found = re.search(rf'<([^>]+)>; rel="{rel}"', answer.headers.get("link", ""))
    return found[1] if found else None


async def read_all(twin: Twin, url: str) -> list[list[int]]:
    """The ids of every page, following rel="next"."""
    pages, following = [], url
    while following:
        answer = await twin.call("GET", following)
        assert answer.status == 200, answer
        pages.append([order["id"] for order in answer.body["orders"]])
        following = link(answer, "next") or ""
    return pages


def test_reading_one_order(tmp_path: Path) -> None:
    """The level-triggered hub re-reads by id; an unknown id and a missing token answer as Shopify does."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            (placed,) = await twin.place()
            answer = await twin.call("GET", f"{API}/orders/{placed['id']}.json")
            assert str(answer.body["order"]["id"]) == placed["id"]
            assert answer.headers["x-shopify-api-version"] == "2026-07"
            assert (await twin.call("GET", f"{API}/orders/1.json")).body == {"errors": "Not Found"}
            refused = await twin.call("GET", f"{API}/orders/{placed['id']}.json", headers={})
            assert refused.status == 401 and "[API] Invalid API key" in refused.body["errors"]

    asyncio.run(story())


def test_an_order_can_be_kept_as_it_was_published(tmp_path: Path) -> None:
    """C12: a re-read must answer the very bytes of a published sample; what is no order, or another one, is refused."""

    async def story() -> None:
        body = (FIXTURES / "webhook.orders.create.json").read_bytes()
        async with running_twin(tmp_path) as twin:
            kept = await twin.call("PUT", "/_twin/orders/820982911946154508", body)
            assert (kept.status, kept.body["order"]["current_total"]) == (200, "414.95")
            read = await twin.call("GET", f"{API}/orders/820982911946154508.json")
            assert read.body["order"] == json.loads(body)
            for path, wrong in (("1", body), ("1", b'{"id": 1}'), ("1", b"[]"), ("1", b"no")):
                assert (await twin.call("PUT", f"/_twin/orders/{path}", wrong)).status == 400
            assert twin.attempts == []
        async with running_twin(tmp_path) as again:
            assert (await again.call("GET", f"{API}/orders/820982911946154508.json")).status == 200

    asyncio.run(story())


def test_paging_sees_every_order_once(tmp_path: Path) -> None:
    """C20, C21: pages follow the Link header, do not overlap, and end; equal updated_at do not confuse them."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            ids = [int(placed["id"]) for placed in await twin.place(7)]
            by_id = await read_all(twin, f"{API}/orders.json?status=any&limit=3")
            assert [len(page) for page in by_id] == [3, 3, 1] and list(chain(*by_id)) == ids
            by_change = await read_all(twin, f"{API}/orders.json?status=any&limit=2&order=updated_at+desc")
            assert sorted(chain(*by_change)) == ids and len(by_change) == 4
            first = await twin.call("GET", f"{API}/orders.json?status=any&limit=3")
            second = await twin.call("GET", link(first, "next") or "")
            back = await twin.call("GET", link(second, "previous") or "")
            assert back.body == first.body and link(first, "previous") is None
            mixed = await twin.call("GET", (link(first, "next") or "") + "&status=any")
            assert mixed.status == 400 and "page_info" in mixed.body["errors"]["status"]

    asyncio.run(story())


def test_filters(tmp_path: Path) -> None:
    """A sweep by updated_at_min or since_id gets what it asks for; the default is open orders only."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            first, second, third = [int(placed["id"]) for placed in await twin.place(3)]
            await twin.call("POST", f"/_twin/orders/{second}/cancel", {})

            async def found(query: str) -> list[int]:
                answer = await twin.call("GET", f"{API}/orders.json?{query}")
                return [order["id"] for order in answer.body["orders"]]

            assert await found("") == [first, third]
            assert await found("status=cancelled") == [second]
            assert await found(f"status=any&since_id={first}") == [second, third]
            assert await found(f"status=any&ids={third}") == [third]
            assert await found("status=any&updated_at_min=2020-01-01T00:00:00Z") == [first, second, third]
            assert await found("status=any&updated_at_min=2100-01-01T00:00:00+01:00") == []

    asyncio.run(story())


def test_versions_fall_forward(tmp_path: Path) -> None:
    """C15: an old version is served by the oldest supported one, and the header says so; an unknown one is not."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            for asked, served in (("2024-04", "2026-01"), ("2026-10", "2026-10"), ("unstable", "unstable")):
                answer = await twin.call("GET", f"/admin/api/{asked}/shop.json")
                assert answer.headers["x-shopify-api-version"] == served
            assert (await twin.call("GET", "/admin/api/2031-01/shop.json")).status == 404

    asyncio.run(story())


def test_the_bucket_leaks_at_its_rate() -> None:
    """F22: forty calls at once, then two a second."""
    now = [0.0]
    bucket = LeakyBucket(2, 40, lambda: now[0])
    assert all(bucket.take() for _ in range(40)) and not bucket.take()
    assert bucket.header == "40/40"
    now[0] = 1.0
    assert [bucket.take() for _ in range(3)] == [True, True, False]


def test_too_many_calls_answer_429(tmp_path: Path) -> None:
    """Fault case 21: the answer names the rate and when to come back."""

    async def story() -> None:
        async with running_twin(tmp_path, rest_bucket=2, rest_calls_per_second=0.001) as twin:
            answers = [await twin.call("GET", f"{API}/shop.json") for _ in range(3)]
            assert [answer.status for answer in answers] == [200, 200, 429]
            assert answers[0].headers["x-shopify-shop-api-call-limit"] == "1/2"
            assert answers[2].headers["retry-after"] == "2.0"
            assert "Exceeded" in answers[2].body["errors"]

    asyncio.run(story())


def test_every_topic_that_a_flow_may_name_can_be_subscribed_to() -> None:
    """A demo with a flow on customers/update did not start again: its shop refused the topic. Those of privacy come to an
    app without a subscription, and what Shopify Flow sends follows from the merchant's workflow.
    """
    named = set(facts()["shopify"].topics)
    assert named - set(TOPICS) == {"customers/redact", "customers/data_request", "shop/redact", "flow/*"}


def test_subscriptions(tmp_path: Path) -> None:
    """C08: a hub lists, creates and deletes subscriptions; a repeated one and an unknown topic are refused."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            made = await twin.subscribe("orders/create", "http://127.0.0.1:9/hook")

            async def refused(**webhook: Any) -> Any:
                answer = await twin.call("POST", f"{API}/webhooks.json", {"webhook": webhook})
                assert answer.status == 422
                return answer.body["errors"]

            again = await refused(topic="orders/create", address="http://127.0.0.1:9/hook")
            assert again == {"address": ["for this topic has already been taken"]}
            assert "Invalid topic" in (await refused(topic="orders/update", address="http://x"))["topic"][0]
            assert set(await refused(body="foobar")) == {"topic", "address"}
            listed = await twin.call("GET", f"{API}/webhooks.json?topic=orders/create")
            assert listed.body["webhooks"] == [made]
            assert (await twin.call("DELETE", f"{API}/webhooks/{made['id']}.json")).body == {}
            assert (await twin.call("GET", f"{API}/webhooks/{made['id']}.json")).status == 404

    asyncio.run(story())


def test_client_credentials(tmp_path: Path) -> None:
    """F70: a token for 24 hours from id and secret; a wrong secret and an expired token are refused."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    good = b"grant_type=client_credentials&client_id=twin-client&client_secret=shpss_twin"

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            answer = await twin.call("POST", "/admin/oauth/access_token", good, form)
            assert answer.body["expires_in"] == 86_399
            token = {"X-Shopify-Access-Token": answer.body["access_token"]}
            assert (await twin.call("GET", f"{API}/shop.json", headers=token)).status == 200
            bad = await twin.call("POST", "/admin/oauth/access_token", good + b"x", form)
            assert bad.status == 401
        async with running_twin(tmp_path / "short", token_seconds=0) as twin:
            answer = await twin.call("POST", "/admin/oauth/access_token", good, form)
            token = {"X-Shopify-Access-Token": answer.body["access_token"]}
            assert (await twin.call("GET", f"{API}/shop.json", headers=token)).status == 401

    asyncio.run(story())


def test_orders_survive_a_restart_and_numbering_goes_on(tmp_path: Path) -> None:
    """A twin killed in a fault run must remember what it told the hub."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            placed = await twin.place(2, None)
            before = await twin.call("GET", f"{API}/orders.json?status=any")
        async with running_twin(tmp_path) as twin:
            assert (await twin.call("GET", f"{API}/orders.json?status=any")).body == before.body
            (third,) = await twin.place()
            assert third["name"] == "#1003" and third["id"] not in {one["id"] for one in placed}
            summary = (await twin.call("GET", "/_twin/effects/summary")).body
            assert summary["by_kind"] == {"order.create": 3} and summary["duplicates"] == []

    asyncio.run(story())


def test_commands_are_checked(tmp_path: Path) -> None:
    """A typing mistake in a test's command must not pass silently."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            assert (await twin.call("POST", "/_twin/orders", {"scenario": "nonsense"})).status == 400
            assert (await twin.call("POST", "/_twin/orders", {"count": 0})).status == 400
            assert (await twin.call("POST", "/_twin/orders/1001/edit", {})).status == 404
            await twin.place()
            assert (await twin.call("POST", "/_twin/orders/1001/refund", {"lines": {"0": 99}})).status == 422
            truth = (await twin.call("GET", "/_twin/orders")).body["orders"][0]
            assert {"id", "name", "updated_at", "current_total", "scenario"} <= set(truth)

    asyncio.run(story())


def test_a_killed_twin_still_sends_what_it_owes(start_twin: Any) -> None:
    """Fault case 2: a SIGKILL between two attempts loses neither the webhook nor the order."""

    async def story() -> None:
        async with receiving() as receiver:
            receiver.always = 503
            config = {"time_scale": 120, "subscriptions": {"orders/create": receiver.url}}
            twin = await asyncio.to_thread(start_twin, "shopify", config)
            await asyncio.to_thread(twin.send, "POST", "/_twin/orders", {"count": 3})
            await until(lambda: len(receiver.got) == 3)
            await asyncio.to_thread(twin.stop, kill=True)
            receiver.always = None
            await asyncio.to_thread(twin.start)
            await until(lambda: len(receiver.got) >= 6)
            first, again = receiver.got[:3], receiver.got[3:6]
            assert {got.raw for got in first} == {got.raw for got in again}
            await asyncio.to_thread(twin.stop)

    asyncio.run(story())

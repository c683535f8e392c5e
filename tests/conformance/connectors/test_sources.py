"""The suite of connectors that are read from, against the Shopify twin over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest
from vendor_cases import Case, Twin, host_of

from interlock.clock import SystemClock
from interlock.connectors import registry
from interlock.connectors.contract import Connection, Http, Refused, Retry
from interlock.connectors.shopify.client import ShopifySource

SHOPIFY = Case(
    vendor="shopify",
    creates="",
    path="/orders/",
    effect="",
    credentials={"access_token": "shpat_twin"},
    wrong={"access_token": "another"},
    config={"rest_calls_per_second": 1000, "rest_bucket": 1000},
)
case = pytest.mark.parametrize("case", [SHOPIFY], ids=["shopify"])
HOOK = "http://127.0.0.1:9/webhooks/shopify"
Use = Callable[[ShopifySource], Coroutine[Any, Any, Any]]


def run(twin: Twin, use: Use, **credentials: str) -> Any:
    async def go() -> Any:
        http = Http([host_of(twin.url)])
        connection = Connection(
            system="shopify",
            url=twin.url,
            settings={},
            credentials=credentials or SHOPIFY.credentials,
            builders={},
            http=http,
            clock=SystemClock(),
        )
        source = registry.open_source("shopify", connection)
        assert isinstance(source, ShopifySource)
        try:
            return await use(source)
        finally:
            await http.close()

    return asyncio.run(go())


def read(key: str, seconds: float = 5.0, name: str = "order.v1") -> Use:
    return lambda source: source.read(name, key, timeout_seconds=seconds)


@pytest.fixture
def order_id(twin: Twin) -> str:
    """The id of an order that exists at the twin."""
    placed = twin.call("POST", "/_twin/orders", {"count": 1})
    found = placed["orders"][0] if "orders" in placed else placed
    return str(found["id"])


@case
def test_the_order_comes_byte_for_byte(case: Case, twin: Twin, order_id: str) -> None:
    """C12: the inner object as it was sent: no number passed through a float, no key was reordered."""
    raw = run(twin, read(order_id))
    assert isinstance(raw, bytes)

    async def whole(source: ShopifySource) -> bytes:
        answer = await source._send("GET", f"/orders/{order_id}.json", None, 5)
        return answer.body

    assert raw in run(twin, whole)
    assert str(msgspec.json.decode(raw)["id"]) == order_id


@case
def test_what_is_gone_is_said_to_be_gone(case: Case, twin: Twin) -> None:
    """A deleted order must stop its deliveries with a reason, not retry them."""
    outcome = run(twin, read("1"))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.status) == ("gone", 404)


@case
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 429, "retry_after_seconds": 2},
        {"kind": "garbage"},
        {"kind": "reset_before"},
        {"kind": "hang"},
        {"kind": "status", "status": 200, "body": {"order": None}},
        {"kind": "status", "status": 200, "body": {"orders": []}},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('status', '')} {fault.get('body', '')}",
)
def test_a_failed_read_may_be_tried_again(case: Case, twin: Twin, order_id: str, fault: dict[str, Any]) -> None:
    """A read changes nothing, so none of these is uncertain; and none is taken for an order."""
    twin.fail(count=1, match={"path": "/orders/"}, **fault)
    assert isinstance(run(twin, read(order_id, seconds=0.4)), Retry)


@case
def test_a_wrong_token_is_an_authentication_problem(case: Case, twin: Twin, order_id: str) -> None:
    """C80: stop and say so."""
    outcome = run(twin, read(order_id), access_token="another")
    assert isinstance(outcome, Refused)
    assert outcome.reason == "authentication"


@case
@pytest.mark.parametrize("key", ["", "1/../2", "1.json", "a", "\u0663"])
def test_a_key_that_is_no_id_is_never_sent(case: Case, twin: Twin, key: str) -> None:
    """A key becomes a part of a path."""
    before = twin.call("GET", "/_twin/state")["requests"]
    assert isinstance(run(twin, read(key)), Refused)
    assert isinstance(run(twin, read("1", name="gift_card")), Refused)
    assert twin.call("GET", "/_twin/state")["requests"] == before


@case
def test_subscribing_again_creates_nothing(case: Case, twin: Twin) -> None:
    """C08: what disappeared is made again, and what is there is left alone."""
    topics = ["orders/create", "orders/updated", "refunds/create"]

    async def use(source: ShopifySource) -> list[Any]:
        first = await source.subscribe(topics, HOOK)
        second = await source.subscribe([*topics, "orders/paid"], HOOK)
        return [first, second, await source.subscribe(topics, HOOK), await source.subscriptions()]

    first, second, third, there = run(twin, use)
    assert first == sorted(topics)
    assert second == ["orders/paid"]
    assert third == []
    assert sorted(topic for topic, at in there if at == HOOK) == sorted([*topics, "orders/paid"])

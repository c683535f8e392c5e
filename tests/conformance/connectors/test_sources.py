"""The suite of connectors that are read from, against the Shopify twin over HTTP."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest
from vendor_cases import Case, Twin, _reader, host_of

from interlock.clock import SystemClock
from interlock.connectors import registry
from interlock.connectors.contract import Connection, Http, Refused, Retry
from interlock.connectors.shopify.source import ShopifySource
from interlock.mapping import Context

SHOPIFY = Case(
    vendor="shopify",
    creates="",
    path="/graphql.json",
    effect="",
    credentials={"access_token": "shpat_twin"},
    wrong={"access_token": "another"},
    config={"plan": "enterprise"},
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


def told(twin: Twin, key: str) -> bytes:
    """The order as a webhook shows it: the twin's own record."""
    rows = twin.call("GET", "/_twin/records?kind=order")
    return next(row["json"].encode() for row in rows if str(row["_id"]) == key)


def canonical(body: bytes) -> Any:
    """The canonical order with every digit; a moment is the same in any zone."""
    return _plain(_reader()(body, Context(system="shopify")))


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.astimezone(dt.UTC) if isinstance(value, dt.datetime) else str(value)


@pytest.fixture
def order_id(twin: Twin) -> str:
    """The id of an order that exists at the twin."""
    placed = twin.call("POST", "/_twin/orders", {"count": 1})
    found = placed["orders"][0] if "orders" in placed else placed
    return str(found["id"])


@case
def test_a_difference_would_be_seen(case: Case, twin: Twin, order_id: str) -> None:
    """The control of test_an_order_reads_as_it_was_told: an amount that is a cent off is another canonical order."""
    body = run(twin, read(order_id))
    total = msgspec.json.decode(body)["current_total_price"].encode()
    assert canonical(body.replace(total, b"0" + total[:-1] + b"7")) != canonical(body)


@case
def test_an_order_is_read_with_the_scopes_of_the_manifest(case: Case, twin: Twin) -> None:
    """What no flow needs may stay ungranted: the same canonical order, and what could not be read is null in the body; so
    for a refund. The control: without read_orders it is refused."""
    order_id = str(twin.call("POST", "/_twin/orders", {"count": 1, "scenario": "plain"})["orders"][0]["id"])
    twin.call("POST", f"/_twin/orders/{order_id}/refund", {"lines": {"0": 1}})
    try:
        twin.call("POST", "/_twin/install", {"scopes": ["read_orders", "read_customers", "read_products"]})
        body = run(twin, read(order_id))
        assert isinstance(body, bytes), body
        assert canonical(body) == canonical(told(twin, order_id))
        found = msgspec.json.decode(body)
        assert found["fulfillment_orders"] is None and found["payment_terms"] is None
        refund = run(twin, read(str(found["refunds"][0]["id"]), name="refund"))
        assert isinstance(refund, bytes), refund
        twin.call("POST", "/_twin/install", {"scopes": ["read_customers", "read_products"]})
        assert isinstance(run(twin, read(order_id)), Refused)
    finally:
        twin.call("POST", "/_twin/install", {})


@case
def test_other_objects_are_read(case: Case, twin: Twin, order_id: str) -> None:
    """A customer, a product and a refund as their webhooks show them; a refund that its order lists by the same id."""
    order = msgspec.json.decode(run(twin, read(order_id)))
    line = next(one for one in order["line_items"] if one["product_id"])
    twin.call("POST", f"/_twin/orders/{order_id}/refund", {"lines": {"0": 1}})
    refund = msgspec.json.decode(told(twin, order_id))["refunds"][0]
    for name, key in (("customer", order["customer"]["id"]), ("product", line["product_id"]), ("refund", refund["id"])):
        raw = run(twin, read(str(key), name=name))
        assert isinstance(raw, bytes), (name, raw)
        assert msgspec.json.decode(raw)["id"] == key
    assert msgspec.json.decode(raw)["total_refunded_set"]["presentment_money"]["amount"] == refund["transactions"][0]["amount"]


@case
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 429, "retry_after_seconds": 2},
        {"kind": "garbage"},
        {"kind": "reset_before"},
        {"kind": "hang"},
        {"kind": "status", "status": 200, "body": {"data": None}},
        {"kind": "status", "status": 200, "body": {"data": {"order": {}}}},
        {"kind": "status", "status": 200, "body": {"orders": []}},
    ],
    ids=lambda fault: f"{fault['kind']} {fault.get('status', '')} {fault.get('body', '')}",
)
def test_a_failed_read_may_be_tried_again(case: Case, twin: Twin, order_id: str, fault: dict[str, Any]) -> None:
    """A read changes nothing, so none of these is uncertain; and none is taken for an order."""
    twin.fail(count=1, match={"path": "/graphql.json"}, **fault)
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

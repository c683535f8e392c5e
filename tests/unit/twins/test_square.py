"""The Square twin keeps Square's rules: history by the client's time, whole batches, keys, cursors, scopes, signed news."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from square_harness import BEARER, COUNTS, CREATE, HISTORY, receiving, running, until

from interlock.twins.square.webhooks import sign

FIXTURES = Path(__file__).parents[3] / "src" / "interlock" / "connectors" / "square" / "fixtures"


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


def test_the_documented_day(tmp_path: Path) -> None:
    """The vendor's own example (how-it-works): 100, a sale of 3, a count of 95, a sale that happened before the count and
    came in after it changes nothing, a later sale does."""

    async def story() -> None:
        async with running(tmp_path, counts={}) as twin:
            await twin.change(twin.set("100", ago=1200), key="a")
            await twin.change(twin.adjust("3", ("IN_STOCK", "SOLD"), ago=1000), key="b")
            assert await twin.shows() == "97"
            await twin.change(twin.set("95", ago=500), key="c")
            await twin.command("sell", lines=[{"sku": "TEA", "quantity": 2}], seconds_ago=800)
            assert await twin.shows() == "95"
            await twin.command("sell", lines=[{"sku": "TEA", "quantity": 4}], seconds_ago=400)
            assert await twin.shows() == "91"

    run(story())


def test_a_count_in_the_past_leaves_later_sales(tmp_path: Path) -> None:
    """What keeps a sale from being overwritten: a count that says when it was true. Control: the same count as of now
    takes the sale back."""

    async def story() -> None:
        for ago, shows in ((10, "18"), (0, "20")):
            async with running(tmp_path / str(ago), counts={}) as twin:
                await twin.change(twin.set("10", ago=60), key="first")
                await twin.command("sell", lines=[{"sku": "TEA", "quantity": 2}], seconds_ago=5)
                await twin.change(twin.set("20", ago=ago), key="second")
                assert await twin.shows() == shows

    run(story())


def test_a_batch_is_applied_whole_or_not_at_all(tmp_path: Path) -> None:
    """One wrong change spoils the batch, each is named by its place in it, nothing was written and no key is taken."""

    async def story() -> None:
        async with running(tmp_path) as twin:
            lost = twin.set("5") | {}
            lost["physical_count"] = lost["physical_count"] | {"catalog_object_id": "GONE"}
            refused = await twin.change(twin.set("7"), lost, twin.set("1.123456"))
            assert (refused.status, refused.codes) == (404, ["NOT_FOUND", "INVALID_VALUE"])
            fields = [one["field"] for one in refused.body["errors"]]
            assert fields == ["changes[1].physical_count.catalog_object_id", "changes[2].physical_count.quantity"]
            assert await twin.shows() == "10"
            assert (await twin.change(twin.set("7"))).status == 200
            assert await twin.shows() == "7"

    run(story())


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"quantity": "-1"}, "INVALID_VALUE", "quantity"),
    ({"quantity": 5}, "MISSING_REQUIRED_PARAMETER", "quantity"),
    ({"occurred_at": None}, "MISSING_REQUIRED_PARAMETER", "occurred_at"),
    ({"occurred_at": "yesterday"}, "INVALID_TIME", "occurred_at"),
    ({"occurred_at": (datetime.now(UTC) - timedelta(hours=25)).isoformat()}, "INVALID_TIME", "occurred_at"),
    ({"occurred_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}, "INVALID_TIME", "occurred_at"),
    ({"location_id": "L9"}, "NOT_FOUND", "location_id"),
    ({"state": "RESERVED_FOR_SALE"}, "INVALID_ENUM_VALUE", "state"),
    ({"reference_id": "x" * 256}, "VALUE_TOO_LONG", "reference_id"),
]


@pytest.mark.parametrize(("wrong", "code", "member"), WRONG, ids=[f"{one[2]}-{n}" for n, one in enumerate(WRONG)])
def test_a_wrong_count_is_refused_with_its_member(
    tmp_path: Path, wrong: dict[str, Any], code: str, member: str
) -> None:
    """Each rule of InventoryPhysicalCount is kept: a connector that breaks it must not find out at the vendor."""

    async def story() -> None:
        async with running(tmp_path) as twin:
            answer = await twin.change(twin.set("5", **wrong))
            assert (answer.codes, answer.body["errors"][0]["field"]) == ([code], f"changes[0].physical_count.{member}")
            assert twin.vendor.world.ledger.summary()["by_kind"] == {"inventory.recount": 1}

    run(story())


def test_limits_of_a_batch(tmp_path: Path) -> None:
    """At most 100 changes, at least one; a key of 1 to 128 characters; moves that an application may make."""

    async def story() -> None:
        async with running(tmp_path) as twin:
            assert (await twin.change(*[twin.set("1")] * 101)).codes == ["ARRAY_LENGTH_TOO_LONG"]
            assert (await twin.change()).codes == ["ARRAY_EMPTY"]
            assert (await twin.change(twin.set("1"), key="")).codes == ["MISSING_REQUIRED_PARAMETER"]
            assert (await twin.change(twin.set("1"), key="k" * 129)).codes == ["VALUE_TOO_LONG"]
            assert (await twin.change(twin.adjust("1", ("SOLD", "IN_STOCK")))).codes == ["INVALID_VALUE"]
            assert (await twin.change(twin.adjust("0", ("NONE", "IN_STOCK")))).codes == ["VALUE_TOO_LOW"]

    run(story())


def test_a_key_counts_once(tmp_path: Path) -> None:
    """The same request again has the same answer and no effect, after a restart too; another request with the key is
    refused. Control: a vendor that forgets keys applies an adjustment twice."""

    async def story() -> None:
        for remembers, shows in ((True, "13"), (False, "16")):
            place = tmp_path / str(remembers)
            async with running(place, idempotency=remembers) as twin:
                change = twin.adjust("3", ("NONE", "IN_STOCK"))
                first = await twin.change(change)
            async with running(place, idempotency=remembers) as twin:
                again = await twin.change(change)
                assert (again.body == first.body) is remembers
                assert await twin.shows() == shows
                assert bool(twin.vendor.world.ledger.duplicates()) is not remembers
                other = await twin.change(twin.adjust("4", ("NONE", "IN_STOCK")))
                assert other.codes == ["IDEMPOTENCY_KEY_REUSED"] if remembers else other.status == 200

    run(story())


def test_an_unchanged_count_is_ignored_by_the_letter(tmp_path: Path) -> None:
    """ignore_unchanged_counts compares with the last count: after a sale a count of the old number is lost, unless it is
    switched off. Who relies on the default has a hole."""

    async def story() -> None:
        async with running(tmp_path) as twin:
            await twin.command("sell", lines=[{"sku": "TEA", "quantity": 4}])
            await twin.change(twin.set("10"), key="default")
            assert await twin.shows() == "6"
            await twin.change(twin.set("10"), key="told", ignore_unchanged_counts=False)
            assert await twin.shows() == "10"

    run(story())


def test_counts_are_paged_newest_first(tmp_path: Path) -> None:
    """Every count once, over pages, while sales go on; updated_after is exclusive; a cursor belongs to its query."""

    async def story() -> None:
        items = [f"S{n}" for n in range(7)]
        counts = {sku: {"L1": "5", "L2": "6"} for sku in items}
        async with running(tmp_path, items=items, counts=counts) as twin:
            seen: list[tuple[str, str]] = []
            body: dict[str, Any] = {"states": ["IN_STOCK"], "limit": 3}
            while True:
                page = (await twin.send("POST", COUNTS, body)).body
                seen += [(one["catalog_object_id"], one["location_id"]) for one in page["counts"]]
                if "cursor" not in page:
                    break
                body["cursor"] = page["cursor"]
                await twin.command("sell", lines=[{"sku": "S6"}], location="L2")  # it stands first now
            assert len(seen) == len(set(seen)) == 14
            other = await twin.send("POST", COUNTS, body | {"states": ["WASTE"]})
            assert other.codes == ["INVALID_CURSOR"]
            newest = (await twin.send("POST", COUNTS, {})).body["counts"][0]
            assert newest["catalog_object_id"] == twin.id("S6")
            since = {"updated_after": newest["calculated_at"]}
            assert (await twin.send("POST", COUNTS, since)).body["counts"] == []
            assert (await twin.send("POST", COUNTS, {"limit": 1001})).codes == ["VALUE_TOO_HIGH"]

    run(story())


def test_history_names_our_reference(tmp_path: Path) -> None:
    """By the history an application finds what it wrote, without the key."""

    async def story() -> None:
        async with running(tmp_path) as twin:
            await twin.change(twin.set("4", reference_id="change-9"))
            body = {"catalog_object_ids": [twin.id("TEA")], "types": ["PHYSICAL_COUNT"]}
            found = (await twin.send("POST", HISTORY, body)).body["changes"]
            assert [one["physical_count"].get("reference_id") for one in found] == [None, "change-9"]
            assert twin.vendor.world.ledger.last_seq == 2
            (line,) = next(iter(twin.vendor.world.ledger.read(1))).detail["lines"]  # type: ignore[index]
            assert (line["from"], line["to"], line["reference_id"]) == ("10", "4", "change-9")

    run(story())


def test_sales_take_stock_when_completed(tmp_path: Path) -> None:
    """An open order takes nothing; completing does; below zero too; an item that is not tracked there keeps its count;
    a return puts goods back or throws them away."""

    async def story() -> None:
        untracked = {"sku": "AIR", "overrides": {"L1": {"track_inventory": False}}}
        async with running(tmp_path, items=["TEA", untracked], counts={"TEA": {"L1": "1"}, "AIR": {"L1": "3"}}) as twin:
            opened = await twin.command("sell", lines=[{"sku": "TEA", "quantity": 2}, {"sku": "AIR"}], state="OPEN")
            assert await twin.shows() == "1"
            await twin.command(f"orders/{opened['id']}/complete")
            assert (await twin.shows(), await twin.shows("AIR")) == ("-1", "3")
            assert (await twin.send("POST", f"/_twin/orders/{opened['id']}/complete")).status == 409
            await twin.command(f"orders/{opened['id']}/return", restock=True)
            assert await twin.shows() == "1"
            refused = await twin.send(
                "POST", "/_twin/sell", {"lines": [{"sku": "TEA", "quantity": 2}], "only_if_available": True}
            )
            assert refused.status == 409 and await twin.shows() == "1"

    run(story())


def test_orders_are_searched_by_the_time_of_their_change(tmp_path: Path) -> None:
    """Locations are required, the sort must be that of the range, both ends count, pages go on."""

    async def story() -> None:
        async with running(tmp_path) as twin:
            keys = [(await twin.command("sell", lines=[{"sku": "TEA"}]))["id"] for _ in range(3)]
            since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
            query = {
                "filter": {
                    "date_time_filter": {"updated_at": {"start_at": since}},
                    "state_filter": {"states": ["COMPLETED"]},
                },
                "sort": {"sort_field": "UPDATED_AT", "sort_order": "ASC"},
            }
            body = {"location_ids": ["L1"], "query": query, "limit": 2}
            first = (await twin.send("POST", "/v2/orders/search", body)).body
            rest = (await twin.send("POST", "/v2/orders/search", body | {"cursor": first["cursor"]})).body
            assert [one["id"] for one in first["orders"] + rest["orders"]] == keys and "cursor" not in rest
            assert "version" not in first["orders"][0]
            assert (await twin.send("POST", "/v2/orders/search", {})).codes == ["MISSING_REQUIRED_PARAMETER"]
            unsorted = body | {"query": query | {"sort": {"sort_field": "CREATED_AT"}}}
            assert (await twin.send("POST", "/v2/orders/search", unsorted)).codes == ["CONFLICTING_PARAMETERS"]
            many = body | {"location_ids": [f"L{n}" for n in range(11)]}
            assert (await twin.send("POST", "/v2/orders/search", many)).codes == ["ARRAY_LENGTH_TOO_LONG"]

    run(story())


def test_the_catalogue_in_pages(tmp_path: Path) -> None:
    """List has pages of 100, search up to 1,000 and since a moment; deleted objects come only when asked for."""

    async def story() -> None:
        items = [{"sku": f"S{n}", "upc": f"{n:012}"} for n in range(120)]
        async with running(tmp_path, items=items, counts={}) as twin:
            first = (await twin.send("GET", "/v2/catalog/list?types=ITEM_VARIATION")).body
            rest = (await twin.send("GET", f"/v2/catalog/list?types=ITEM_VARIATION&cursor={first['cursor']}")).body
            assert (len(first["objects"]), len(rest["objects"])) == (100, 20)
            shown = first["objects"][3]["item_variation_data"]
            assert (shown["sku"], shown["upc"], shown["track_inventory"]) == ("S3", "000000000003", True)
            gone = first["objects"][0]
            await twin.send("DELETE", f"/_twin/items/{gone['id']}")
            body = {"object_types": ["ITEM_VARIATION"], "limit": 1000}
            assert len((await twin.send("POST", "/v2/catalog/search", body)).body["objects"]) == 119
            deleted = body | {"include_deleted_objects": True, "begin_time": rest["objects"][-1]["updated_at"]}
            assert [one["id"] for one in (await twin.send("POST", "/v2/catalog/search", deleted)).body["objects"]] == [
                gone["id"]
            ]
            exact = body | {"query": {"exact_query": {"attribute_name": "sku", "attribute_value": "s7"}}}
            assert len((await twin.send("POST", "/v2/catalog/search", exact)).body["objects"]) == 1

    run(story())


def test_tokens_scopes_and_the_limit(tmp_path: Path) -> None:
    """401 without a token and with one that ended, 403 without the scope, 429 beyond the limit; the refresh token stays."""

    async def story() -> None:
        client = {"client_id": "app", "client_secret": "s", "refresh_token": "r1", "scopes": ["INVENTORY_READ"]}
        async with running(tmp_path, clients=[client], rate_per_second=5) as twin:
            assert (await twin.send("POST", COUNTS, {}, {})).status == 401
            asked = {"client_id": "app", "client_secret": "s", "grant_type": "refresh_token", "refresh_token": "r1"}
            given = (await twin.send("POST", "/oauth2/token", asked, {})).body
            assert given["refresh_token"] == "r1" and given["expires_at"].endswith("Z")
            bearer = {"authorization": f"Bearer {given['access_token']}"}
            assert (await twin.send("POST", COUNTS, {}, bearer)).status == 200
            assert (await twin.send("POST", CREATE, {}, bearer)).codes == ["INSUFFICIENT_SCOPES"]
            await twin.command("tokens/end")
            assert (await twin.send("POST", COUNTS, {}, bearer)).codes == ["ACCESS_TOKEN_EXPIRED"]
            assert (await twin.send("POST", "/oauth2/token", asked | {"refresh_token": "x"}, {})).status == 401
            assert [(await twin.send("POST", COUNTS, {}, bearer)).status for _ in range(3)] == [401, 429, 429]

    run(story())


def test_the_published_signature() -> None:
    """Square's own vector: the signature is over the URL and the body. Control: over the body alone it is another."""
    vector = json.loads((FIXTURES / "webhook.signature-vector.json").read_text())
    body = vector["body"].encode()
    assert sign(vector["key"], vector["url"], body) == vector["signature"]
    assert base64.b64encode(hmac.digest(vector["key"].encode(), body, "sha256")).decode() != vector["signature"]


def test_news_is_signed_and_repeated(tmp_path: Path) -> None:
    """A count that changed is told, signed over the URL it goes to, with the same bytes again until it is taken."""

    async def story() -> None:
        async with receiving() as receiver, running(tmp_path, time_scale=100_000) as twin:
            await twin.command(
                "webhooks", notification_url=receiver.url, event_types=["inventory.count.updated"], signature_key="k"
            )
            receiver.answers = [500, 302]
            await twin.change(twin.set("3"))
            await until(lambda: twin.vendor.webhooks.pending == 0)
            (first, raw), (second, again), (_, last) = receiver.got
            assert raw == again == last
            expected = base64.b64encode(hmac.new(b"k", receiver.url.encode() + raw, hashlib.sha256).digest()).decode()
            assert first["x-square-hmacsha256-signature"] == expected
            assert ("square-retry-number" in first, second["square-retry-number"]) == (False, "1")
            (count,) = receiver.events[0]["data"]["object"]["inventory_counts"]
            assert (count["quantity"], count["location_id"], receiver.events[0]["merchant_id"]) == (
                "3",
                "L1",
                "TWINMERCHANT1",
            )

    run(story())


def test_who_hears_of_an_order(tmp_path: Path) -> None:
    """order.* is published for orders of the API only: a sale at the till is told by its counts alone (OrderCreatedEvent)."""

    async def story() -> None:
        kinds = ["order.created", "order.updated", "inventory.count.updated"]
        async with receiving() as receiver, running(tmp_path) as twin:
            await twin.command("webhooks", notification_url=receiver.url, event_types=kinds)
            await twin.command("sell", lines=[{"sku": "TEA"}])
            await until(lambda: len(receiver.got) == 1)
            online = await twin.command("sell", lines=[{"sku": "TEA"}], source="api", state="OPEN")
            await twin.command(f"orders/{online['id']}/complete")
            await until(lambda: len(receiver.got) == 4)
            assert sorted(one["type"] for one in receiver.events) == sorted([*kinds, "inventory.count.updated"])
            told = next(one for one in receiver.events if one["type"] == "order.updated")
            assert told["data"]["object"]["order_updated"]["state"] == "COMPLETED"

    run(story())


@pytest.mark.parametrize(("fault", "copies"), [("webhook_drop", 0), ("webhook_duplicate", 2)])
def test_news_goes_wrong_on_demand(tmp_path: Path, fault: str, copies: int) -> None:
    """Webhooks that are lost or come twice are what reconciliation is for."""

    async def story() -> None:
        async with receiving() as receiver, running(tmp_path) as twin:
            await twin.command("webhooks", notification_url=receiver.url, event_types=["inventory.count.updated"])
            await twin.send("POST", "/_twin/faults", {"kind": fault, "count": 1})
            await twin.change(twin.set("3"))
            await until(lambda: twin.vendor.webhooks.pending == 0)
            assert len(receiver.got) == copies

    run(story())


def test_a_kill_loses_nothing(start_twin: Any) -> None:
    """As a program: what was accepted is there after a kill, counts and order of pages too; faults have Square's shape."""
    config = {"items": ["TEA"], "counts": {"TEA": {"L1": 4}}}
    twin = start_twin("square", config, BEARER)
    sold = twin.send("POST", "/_twin/sell", {"lines": [{"sku": "TEA"}]}).json
    before = twin.send("POST", COUNTS, {}).json
    twin.stop(kill=True)
    twin.start()
    assert twin.send("POST", COUNTS, {}).json == before
    assert before["counts"][0]["quantity"] == "3"
    assert twin.send("POST", "/v2/orders/batch-retrieve", {"order_ids": [sold["id"], "gone"]}).json["orders"] == [sold]
    twin.add_fault(kind="status", status=429, count=1)
    limited = twin.send("POST", COUNTS, {})
    assert (limited.status, limited.json["errors"][0]["code"]) == (429, "RATE_LIMITED")

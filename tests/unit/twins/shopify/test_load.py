"""A believable shop: the same for the same seed, written in bulk or driven at a rate, and its books always agree."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from order_bench import assert_books_agree
from shopify_harness import API, TOKEN, Twin, receiving, running_twin, until

from interlock.twins.shopify.load.profiles import Load

UNTIL = "2026-07-01T00:00:00Z"


async def load(twin: Twin, **asked: Any) -> dict[str, Any]:
    """Begin a load and wait for its end."""
    answer = await twin.call("POST", "/_twin/load", asked)
    assert answer.status == 202, answer
    await until(lambda: twin.vendor.state()["loads_running"] == 0)
    return dict((await twin.call("GET", "/_twin/load")).body["loads"][-1])


def orders(twin: Twin) -> list[dict[str, Any]]:
    return [json.loads(row["json"]) for row in twin.vendor.store.orders()]  # type: ignore[attr-defined]


async def history(directory: Path, count: int, seed: int) -> list[dict[str, Any]]:
    async with running_twin(directory) as twin:
        row = await load(twin, profile="backfill", orders=count, seed=seed, until=UNTIL)
        assert row["placed"] == count and not row["running"]
        return orders(twin)


def test_the_same_seed_gives_the_same_shop(tmp_path: Path) -> None:
    """A failure of a long load must be had again: every byte of every order depends on the seed alone; another seed differs."""

    async def story() -> None:
        first = await history(tmp_path / "a", 60, 3)
        assert first == await history(tmp_path / "b", 60, 3)
        assert first != await history(tmp_path / "c", 60, 4)

    asyncio.run(story())


def test_a_history_is_believable_and_its_books_agree(tmp_path: Path) -> None:
    """What a backfill or a reconciliation meets in a real shop is there: all kinds of lives, and sums that hold in each."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            await load(twin, profile="backfill", orders=400, until=UNTIL)
            made, desk = orders(twin), twin.vendor.desk  # type: ignore[attr-defined]
            for order in made:
                assert_books_agree(order, desk.book(order))
            assert [order["created_at"] for order in made] == sorted(order["created_at"] for order in made)
            buyers = Counter(order["customer"]["id"] for order in made if order["customer"])
            assert max(buyers.values()) >= 3 and len(buyers) > 100
            assert len({order["presentment_currency"] for order in made}) >= 5
            assert {order["location_id"] for order in made} >= {None, 655_441_491, 655_441_492}
            assert any(len(order["fulfillments"]) == 2 for order in made)
            assert any(order["cancelled_at"] for order in made) and any(order["refunds"] for order in made)
            assert any(order["discount_codes"] for order in made)
            sold = Counter(line["product_id"] for order in made for line in order["line_items"])
            best = sum(count for _, count in sold.most_common(40))
            assert 0.4 < best / sum(sold.values()) < 0.8, (
                "the long tail: a tenth of the products is about half of the sales"
            )

    asyncio.run(story())


def test_a_history_is_there_and_nobody_was_told(tmp_path: Path) -> None:
    """What was before the hub: no webhook, no effect, yet all of it can be read, also after a restart, and goods are in stock."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path) as twin:
            await twin.subscribe("orders/create", receiver.url)
            await load(twin, profile="backfill", orders=30, until=UNTIL)
            assert twin.vendor.webhooks.pending == 0 and not receiver.got  # type: ignore[attr-defined]
            assert not (await twin.call("GET", "/_twin/effects?kind=order.create")).body
        async with running_twin(tmp_path) as twin:
            line = next(line for order in orders(twin) for line in order["line_items"])
            query = {
                "query": """query($id: ID!) { orders(first: 50) { nodes { name fulfillmentOrders(first: 2) { nodes { status } } } }
                  product(id: $id) { title totalInventory } }""",
                "variables": {"id": f"gid://shopify/Product/{line['product_id']}"},
            }
            headers = {**TOKEN, "content-type": "application/json"}
            data = (await twin.call("POST", f"{API}/graphql.json", query, headers)).body["data"]
            assert len(data["orders"]["nodes"]) == 30
            assert data["product"]["title"] == line["title"] and data["product"]["totalInventory"] > 1_000
            assert (await twin.place())[0]["name"] == "#1031"

    asyncio.run(story())


def test_a_steady_day_places_and_changes_orders(tmp_path: Path) -> None:
    """Orders come and live on while others come, each told of by webhooks; the shop's stock follows."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path) as twin:
            for topic in ("orders/create", "orders/fulfilled"):
                await twin.subscribe(topic, receiver.url)
            row = await load(twin, profile="steady", orders=80, seconds=0.5)
            assert row["placed"] == 80 and row["changed"] >= 10
            await twin.quiet()
            told = Counter(got.headers["X-Shopify-Topic"] for got in receiver.got)
            assert told["orders/create"] == 80 and told["orders/fulfilled"] >= 5

    asyncio.run(story())


def test_a_flash_sale_is_counted_in_webhooks(tmp_path: Path) -> None:
    """Fault case 14 is said in webhooks: with three subscriptions a third as many orders make them."""

    async def story() -> None:
        async with receiving() as receiver, running_twin(tmp_path) as twin:
            for topic in ("orders/create", "orders/paid", "orders/updated"):
                await twin.subscribe(topic, receiver.url)
            row = await load(twin, profile="flash-sale", rate=90, seconds=0.8)
            await twin.quiet()
            assert row["webhooks"] == len(receiver.got)
            assert 0 < row["placed"] < row["webhooks"]

    asyncio.run(story())


def test_the_flash_sale_is_that_of_the_fault_case() -> None:
    """Fault case 14: 2,000 webhooks in 60 s, then 300 a second for five minutes; a smaller one has the same shape."""
    full = Load(profile="flash-sale")
    assert [full.webhooks_by(at) for at in (0, 30, 60, 61, 360, 400)] == [0, 1_000, 2_000, 2_300, 92_000, 92_000]
    small = Load(profile="flash-sale", rate=30, seconds=5)
    assert small.ramp_seconds == 1 and small.webhooks_by(6) == pytest.approx(92_000 / 60 / 10)


@pytest.mark.parametrize(
    "asked",
    [{"profile": "rush"}, {"profile": "steady", "orders": 0}, {"profile": "steady", "speed": 3},
     {"profile": "backfill", "until": "2026-07-01T00:00:00"}, {"profile": "steady", "rate": -1}],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(tmp_path: Path, asked: dict[str, Any]) -> None:
    """A misspelt load must not run as another one."""

    async def story() -> None:
        async with running_twin(tmp_path) as twin:
            answer = await twin.call("POST", "/_twin/load", asked)
            assert answer.status == 400 and answer.body["error"]

    asyncio.run(story())

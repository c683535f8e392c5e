"""People at the Shopify twin: the merchant counts, a buyer takes; who changed what is remembered, and everybody is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from shopify_harness import Twin, receiving, running_twin

MAIN, STORE = 655_441_491, 655_441_492
ITEM = 46_870_000_000_000


def run(directory: Path, story: Callable[[Twin], Awaitable[Any]], **config: Any) -> Any:
    async def go() -> Any:
        async with running_twin(directory, **config) as twin:
            return await story(twin)

    return asyncio.run(go())


async def changed(twin: Twin, **asked: Any) -> Any:
    return await twin.call("POST", "/_twin/stock", {"item": str(ITEM), "location": MAIN, **asked})


async def shown(twin: Twin) -> int:
    levels = (await twin.call("GET", f"/_twin/stock?item={ITEM}")).body["levels"]
    return int(next(row["available"] for row in levels if row["location"] == MAIN))


def test_each_way_to_change_stock_is_told_and_remembered(tmp_path: Path) -> None:
    """The history of a place is one chain from the first number to what is there now: so a test proves that no change was
    lost. The control: without `stock_history` nothing is kept."""

    async def story(twin: Twin) -> tuple[list[Any], list[int], int]:
        async with receiving() as receiver:
            await twin.subscribe("inventory_levels/update", receiver.url)
            await changed(twin, set=5)
            await changed(twin, adjust=-1, by="stocktaker")
            await changed(twin, sell=3)
            await twin.quiet()
            rows = (await twin.call("GET", "/_twin/records?kind=stock_change")).body
            return rows, [got.json["available"] for got in receiver.got], await shown(twin)

    rows, told, now = run(tmp_path / "a", story, stock_history=True)
    assert [(row["from"], row["to"], row["by"]) for row in rows] == [
        (1_000, 5, "human"), (5, 4, "stocktaker"), (4, 1, "buyer"),
    ]  # fmt: skip
    assert sorted(told, reverse=True) == [5, 4, 1] and now == 1
    assert run(tmp_path / "b", story)[0] == []


def test_an_order_is_a_buyer(tmp_path: Path) -> None:
    """Stock that an order takes is in the chain too, with the order's name."""

    async def story(twin: Twin) -> Any:
        (order,) = await twin.place()
        return order, (await twin.call("GET", "/_twin/records?kind=stock_change")).body

    order, rows = run(tmp_path, story, stock_history=True)
    assert rows and all((row["by"], row["why"]) == ("buyer", order["name"]) and row["to"] < row["from"] for row in rows)


def test_nobody_sells_what_is_not_there(tmp_path: Path) -> None:
    """A till refuses: an oversell in a proof is then made by a number that was shown wrongly, not by the twin."""

    async def story(twin: Twin) -> Any:
        await changed(twin, set=2)
        return (await changed(twin, sell=3)).status, (await changed(twin, sell=2)).status, await shown(twin)

    assert run(tmp_path, story) == (409, 200, 0)


@pytest.mark.parametrize("asked", [{"item": "no-such", "set": 1}, {"location": 1, "set": 1}, {}])
def test_what_cannot_be_changed_is_said(tmp_path: Path, asked: dict[str, Any]) -> None:
    """A typing error in a test must not pass for a change."""
    assert run(tmp_path, lambda twin: changed(twin, **asked)).status == 404


def test_locations_are_closed_and_handed_over(tmp_path: Path) -> None:
    """C63: what is closed or a fulfilment service's takes no quantity of others; the API shows which it is."""
    query = (
        "{ locations(first: 5, includeInactive: true) { nodes { legacyResourceId isActive isFulfillmentService } } }"
    )

    async def story(twin: Twin) -> Any:
        await twin.call("POST", "/_twin/locations", {"location": STORE, "active": False})
        await twin.call("POST", "/_twin/locations", {"fulfillment_service": "3pl"})
        answer = await twin.call("POST", "/admin/api/2026-07/graphql.json", {"query": query})
        return {int(row["legacyResourceId"]): row for row in answer.body["data"]["locations"]["nodes"]}

    found = run(tmp_path, story)
    assert (found[STORE]["isActive"], found[MAIN]["isFulfillmentService"]) == (False, True)


def test_goods_for_many_tests(tmp_path: Path) -> None:
    """An assortment comes once, the same for each seed."""

    async def story(twin: Twin) -> Any:
        asked = {"products": 20, "seed": 3}
        made = [(await twin.call("POST", "/_twin/assortment", asked)).body for _ in range(2)]
        return made, len((await twin.call("GET", "/_twin/stock")).body["levels"])

    made, levels = run(tmp_path, story)
    assert [one["products"] for one in made] == [20, 0] and levels > 2 * made[0]["variants"]

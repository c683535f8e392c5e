"""A warehouse counts, the web shop and Amazon show, and the web shop hears of what Amazon's shoppers bought: the whole stack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from channel_twins import MUG, add_amazon, show_at, vendor
from stack import running, twins, until
from stock_stack import control, count, shown, stocked, with_stock

from interlock.cli.twin_world import TwinWorld

PLENTY = [50, 50]
PLANS = dict.fromkeys(("searchOrders", "patchListingsItem", "searchListingsItems", "createFeed", "getFeeds"), PLENTY)


@asynccontextmanager
async def stack(folder: Path, **config: object) -> AsyncIterator[tuple[TwinWorld, str]]:
    """Five twins and a hub; Amazon's has one listing and plenty of allowance, and `config`."""
    given = {"items": [{"sku": MUG, "quantity": 0}], "orders_settled_seconds": 0, "usage_plans": PLANS} | config
    with vendor("amazon", folder / "amazon", given) as amazon:
        async with twins(folder / "acme") as world:
            await stocked(world, **{MUG: 20})
            with_stock(folder / "acme", world)
            add_amazon(folder / "acme", url := amazon())
            show_at(folder / "acme", amazon="DEFAULT")
            async with running(folder / "acme", world):
                yield world, url


async def at_both(world: TwinWorld, amazon: str) -> tuple[int | None, int | None]:
    """What Amazon and the web shop show."""
    items = await control(amazon, "/records?kind=item")
    return next((row["quantity"] for row in items if row["sku"] == MUG), None), await shown(world, MUG)


def test_what_amazon_sells_is_known_at_the_web_shop(tmp_path: Path) -> None:
    """20 in the warehouse are 20 at both; 3 sold at Amazon are 17 at both; what the warehouse counts next is shown less what
    Amazon has sold (C61, A22). Control: Amazon's own number is our write less its sales, so one without the other is not it."""

    async def story() -> None:
        async with stack(tmp_path) as (world, amazon):

            def both(number: int) -> Callable[[], Awaitable[bool]]:
                async def so() -> bool:
                    return await at_both(world, amazon) == (number, number)

                return so

            await until(both(20))
            await control(amazon, "/sales", {"sku": MUG, "quantity": 3})
            await until(both(17))
            await count(world, MUG, 25)
            await until(both(22))
            rows = await control(amazon, "/effects?kind=quantity.set")
            assert {row["detail"]["by"] for row in rows} == {"patch"}
            assert {row["kind"] for row in await control(amazon, "/effects")} == {
                "quantity.accept",
                "quantity.set",
                "order.create",
            }

    asyncio.run(story())


def test_what_amazon_has_sold_and_not_told_is_not_put_back(tmp_path: Path) -> None:
    """C58: 3 of 20 are sold at Amazon, whose orders tell of nothing for minutes, and the warehouse counts 25: Amazon is brought to
    22 and never shows more. Then Amazon shows each number a second late, and is written once for each count: the old number
    is neither taken for sold pieces nor for somebody's hand. Controls: the listing has changed in between, and is late."""

    async def story() -> None:
        async with stack(tmp_path, orders_settled_seconds=600) as (world, amazon):

            async def shows(number: int) -> bool:
                return (await at_both(world, amazon))[0] == number

            async def accepted() -> list[tuple[int, int]]:
                rows = await control(amazon, "/effects?kind=quantity.accept")
                return [(row["detail"]["shown"], row["detail"]["to"]) for row in rows]

            async def took(number: int) -> bool:
                return number in [to for _, to in await accepted()]

            await until(lambda: shows(20))
            await control(amazon, "/sales", {"sku": MUG, "quantity": 3})
            await count(world, MUG, 25)
            await until(lambda: shows(22))
            assert await accepted() == [(0, 20), (17, 22)]

            await control(amazon, "/delays", {"visible_after_seconds": 1.0})
            await count(world, MUG, 17)
            await until(lambda: took(14))
            await count(world, MUG, 33)
            await until(lambda: shows(30))
            found = await accepted()
            assert found[2] == (22, 14) and [to for _, to in found] == [20, 22, 14, 30]

    asyncio.run(story())

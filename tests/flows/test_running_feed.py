"""What changes at an item whose line is in a running feed of Amazon, a first sync: it goes out when that has ended and is seen."""

from __future__ import annotations

import asyncio
from pathlib import Path

from channel_twins import MUG, add_amazon, show_at, vendor
from stack import running, twins, until
from stock_stack import control, count, shown, stocked, with_stock
from test_amazon_channel import PLANS, at_both

from interlock.messaging.accuracy import Run

OTHER = "SUN-AVI"
NOW = {"now": True}


def test_a_change_of_an_item_in_a_running_feed_comes_after_it(tmp_path: Path) -> None:
    """C58: while the feed that makes 5 mugs 20 is worked on, 2 are sold there and the warehouse counts 25. The web shop shows 23 at
    once; a comparison meanwhile corrects and asks nothing; Amazon has the feed's 20 first, then one patch, 23. Amazon shows each number late: before
    the feed was waited for until it is seen, its old 3 counted as 17 sold, and both showed 8 for minutes (the control is
    test_amazon_feeds.test_a_feed_has_ended_when_its_numbers_are_seen)."""

    async def story() -> None:
        folder = tmp_path / "acme"
        given = {
            "items": [{"sku": MUG, "quantity": 5}, {"sku": OTHER, "quantity": 3}], "orders_settled_seconds": 0,
            "usage_plans": PLANS, "visible_after_seconds": 0.7,
        }  # fmt: skip
        with vendor("amazon", tmp_path / "amazon", given) as starting:
            async with twins(folder) as world:
                await stocked(world, **{MUG: 20, OTHER: 9})
                with_stock(folder, world)
                add_amazon(folder, amazon := starting(), feed_from_lines=2)
                show_at(folder, amazon="DEFAULT")
                await control(amazon, "/feeds/hold", NOW)
                async with running(folder, world) as hub:

                    async def accepted() -> list[tuple[str, int]]:
                        rows = await control(amazon, "/effects?kind=quantity.accept")
                        return [(row["detail"]["by"], row["detail"]["to"]) for row in rows if row["key"] == MUG]

                    async def is_running() -> bool:
                        return bool(await control(amazon, "/effects?kind=feed.create"))

                    async def web_shop_is_right() -> bool:
                        return await shown(world, MUG) == 23

                    async def both_are_right() -> bool:
                        return await at_both(world, amazon) == (23, 23)

                    await until(is_running)
                    await control(amazon, "/sales", {"sku": MUG, "quantity": 2})
                    await count(world, MUG, 25)
                    await until(web_shop_is_right)
                    compared = await hub.accuracy.compare(Run(id=0, kind="compare", channel="amazon", why="test"))
                    assert (compared.state, compared.opened, compared.asked, await accepted()) == ("done", 0, 0, [])
                    await control(amazon, "/feeds/release", NOW)
                    await until(both_are_right)
                    assert await accepted() == [("feed", 20), ("patch", 23)]
                    (ended,) = await control(amazon, "/effects?kind=feed.end")
                    assert ended["detail"]["messagesAccepted"] == 2
                    lost = hub.stock_book.look(lambda work: work.shown("amazon", "DEFAULT", MUG))
                    assert lost is not None and (lost.missing, lost.sold) == (0, 0)

    asyncio.run(story())

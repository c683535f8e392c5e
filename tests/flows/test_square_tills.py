"""A warehouse counts, the web shop and a till show, and each hears of what the other has sold: the whole stack, with Square's
webhooks signed over the address of the folder."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from channel_twins import MUG, SIGNATURE_KEY
from stack import post, until
from stock_stack import control, count
from till_stack import at_both, till_stack

from interlock.twins.square.webhooks import sign


def test_a_sale_at_the_till_is_known_at_the_web_shop(tmp_path: Path) -> None:
    """20 in the warehouse are 20 at both; 3 sold at the till are 17 at both and stay 17; what the warehouse counts next is
    shown less what the till has sold (C61, A22). Every webhook was taken; control: one for another address is not."""

    async def story() -> None:
        async with till_stack(tmp_path) as (world, till, hub):

            def both(number: int) -> Callable[[], Awaitable[bool]]:
                async def so() -> bool:
                    return await at_both(world, till) == (number, number)

                return so

            await until(both(20))
            await control(till, "/sell", {"lines": [{"sku": MUG, "quantity": 3}], "location": "L1"})
            await until(both(17))
            await count(world, MUG, 25)
            await until(both(22))
            attempts = (await control(till, "/deliveries"))["attempts"]
            assert ({one["state"] for one in attempts}, hub.intake.refused) == ({"delivered"}, {})
            headers = {"x-square-hmacsha256-signature": sign(SIGNATURE_KEY, f"{hub.url}/intake/other", b"{}")}
            assert (await post(f"{hub.url}/intake/square", b"{}", headers))[0] == 401

    asyncio.run(story())

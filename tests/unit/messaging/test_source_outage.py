"""A source that is down for long kills no delivery; an object that alone cannot be read does become a dead letter."""

import asyncio
from pathlib import Path

from engine import Engine, event_of

from interlock.messaging.redelivery import RetryPolicy
from interlock.messaging.releases import Limits
from interlock.messaging.write import Once

HASTY = Limits(retry=RetryPolicy(attempts=3, base_seconds=0.5, cap_seconds=2.0))
OUTAGE_SECONDS = 60
"""Many times what three attempts last."""
ORDERS = 5


def stale(key: str) -> bytes:
    """What the shop knows of an order."""
    return event_of(key, 50, "now").body or b""


def test_nothing_expires_while_the_source_is_down(tmp_path: Path) -> None:
    """Orders whose webhook says only that something changed wait for the shop, however long it is away."""

    async def story() -> None:
        async with Engine(tmp_path, Once.UPSERT, limits=HASTY) as engine:
            engine.source.down.add("*")
            for n in range(ORDERS):
                await engine.post(event_of(str(n), 10, complete=False))
            await engine.run(OUTAGE_SECONDS)
            assert set(engine.states().values()) == {"retrying"}
            engine.source.present = {str(n): stale(str(n)) for n in range(ORDERS)}
            engine.source.down.clear()
            await engine.run(30)
            assert set(engine.states().values()) == {"done"}

    asyncio.run(story())


def test_object_that_alone_cannot_be_read_is_given_up(tmp_path: Path) -> None:
    """The control: while the shop answers for others, an order that it never gives spends its attempts."""

    async def story() -> None:
        async with Engine(tmp_path, Once.UPSERT, limits=HASTY) as engine:
            engine.source.down.add("bad")
            await engine.post(event_of("bad", 10, complete=False))
            for n in range(12):
                engine.source.present[str(n)] = stale(str(n))
                await engine.post(event_of(str(n), 10, complete=False))
                await engine.run(5)
            states = engine.states()
            assert states.pop("bad@erp") == "dead"
            assert set(states.values()) == {"done"}

    asyncio.run(story())

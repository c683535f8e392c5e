"""The folder's quiet period: how long a create whose fate is unknown is left alone before it is looked up."""

import asyncio
from pathlib import Path

import pytest
from books import choose
from shop import Shop, effects_of
from stack import running, twins, until

from interlock.messaging.ledger import Filter

HALF_AN_HOUR = 1_800


async def look_up_after_seconds(folder: Path, *changes: tuple[str, str, str]) -> float:
    """The warehouse makes the order and its answer is lost; when the order is to be looked up, in seconds from the call."""
    async with twins(folder) as world:
        choose(folder, *changes)
        async with running(folder, world) as hub:
            await world.break_system("shipbob", "lost-answer")
            order = await Shop(world).place("plain")

            async def uncertain() -> bool:
                found = await hub.views.states(Filter(key=order, destination="shipbob"))
                return found == {"uncertain": 1}

            await until(uncertain)
            assert effects_of(world, "shipbob", order) == ["order.create"]
            (row,) = await hub.views.deliveries(Filter(key=order, destination="shipbob"))
            return (row.due_ms - row.updated_ms) / 1000


@pytest.mark.parametrize(("seconds", "least", "most"), [(0, 5, 60), (HALF_AN_HOUR, HALF_AN_HOUR, HALF_AN_HOUR + 60)])
def test_folder_lengthens_the_quiet_period(tmp_path: Path, seconds: int, least: int, most: int) -> None:
    """With limits.quiet_period_seconds the look-up waits that long; without it (the control) as long as the connector says."""
    limits = ("systems/shipbob.toml", "[limits]\n", f"[limits]\nquiet_period_seconds = {seconds}\n")
    waits = asyncio.run(look_up_after_seconds(tmp_path / "shop", *([limits] if seconds else [])))
    assert least <= waits <= most

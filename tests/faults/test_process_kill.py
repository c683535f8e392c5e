"""Fault case 1 for processes: a real hub is killed again and again while orders are on their way over four systems."""

import asyncio
import random
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
from books import records
from stack import KillableHub, post, signed, twins, until
from test_processes import EXAMPLE, order, set_up

from interlock.cli.twin_world import TwinWorld, _free_ports

KILLS, ORDERS_PER_KILL = 8, 4


def parcels_and_books(world: TwinWorld, numbers: list[int]) -> tuple[dict[int, int], dict[int, int]]:
    """How many parcels that are live, and how many sales orders, each order has."""
    parcels = [one for one in records(world, "shipbob", "order") if one["status"] != "Cancelled"]
    books = records(world, "netsuite", "salesOrder")
    return (
        {number: sum(one["reference_id"].startswith(f"shopify-{number}-") for one in parcels) for number in numbers},
        {number: sum(one.get("externalId") == f"shopify-{number}" for one in books) for number in numbers},
    )


@pytest.mark.nightly
def test_killed_while_orders_are_on_their_way(tmp_path: Path) -> None:
    """SIGKILL at random instants: each order ends with one parcel for each maker and one booking, never more, never less."""
    assert EXAMPLE.is_file()
    chance = random.Random(61)

    async def story() -> None:
        async with twins(tmp_path / "shop") as world:
            set_up(tmp_path / "shop")
            hub = KillableHub(tmp_path / "shop", _free_ports(1)[0])
            url, numbers = f"http://127.0.0.1:{hub.port}/intake/shopify", list[int]()
            for kill in range(KILLS):
                await hub.start()
                for at in range(ORDERS_PER_KILL):
                    number = 5_300_000_010_000 + kill * 100 + at
                    assert (await post(url, order(number), signed(order(number), "orders/create")))[0] == 200
                    numbers.append(number)
                await asyncio.sleep(chance.uniform(0.0, 0.15))  # the instant of the kill is the experiment
                hub.kill()
            await hub.start()
            try:
                expected: Any = (dict.fromkeys(numbers, 2), dict.fromkeys(numbers, 1))

                async def there() -> bool:
                    return parcels_and_books(world, numbers) == expected

                await until(there, 90)
            finally:
                hub.kill()

    asyncio.run(story())


def test_the_count_can_fail() -> None:
    """Control: a parcel too many, or a booking too few, is seen."""
    world: Any = SimpleNamespace()
    found = {"order": [{"status": "Processing", "reference_id": "shopify-1-a"}] * 3, "salesOrder": []}
    module = sys.modules[__name__]
    real, module.records = module.records, lambda _world, _vendor, kind: found[kind]  # type: ignore[attr-defined]
    try:
        assert parcels_and_books(world, [1]) == ({1: 3}, {1: 0})
    finally:
        module.records = real  # type: ignore[attr-defined]

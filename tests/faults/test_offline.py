"""Fault case 16: nobody answers for five hours, the shop deletes the subscriptions; a hub that starts again fills the gap by itself."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from experiment import Experiment
from vendors import LooseWorld, edit, patient, still_open

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
from shop import still, told
from stack import twins, until

from interlock.cli.demo import write_project
from interlock.hub import Hub

HOURS_PASS_IN_SECONDS = 3_600
"""The twin's four hours of retries pass in four seconds; time limits of one attempt stay real."""
BEFORE = 5


class HastyShop(LooseWorld):
    """Its time runs faster, so that it has given up soon."""

    def configs(self, public_key: str) -> dict[str, dict[str, Any]]:
        found = super().configs(public_key)
        found["shopify"]["time_scale"] = HOURS_PASS_IN_SECONDS
        return found


@asynccontextmanager
async def hub_of(folder: Path) -> AsyncIterator[Hub]:
    """As `interlock run` starts it: nobody tells it what to subscribe to."""
    hub = Hub(folder)
    await hub.open()
    try:
        await hub.serve()
        yield hub
    finally:
        await hub.close()


async def subscriptions(world: HastyShop) -> int:
    return int((await world._control("shopify", "GET", "state", None))["subscriptions"])


async def arrived(world: HastyShop, ids: list[str]) -> bool:
    return bool((await world.arrivals(ids))["lost"] == 0)


async def first_life(folder: Path, world: HastyShop) -> list[str]:
    """The hub subscribes, takes a few orders, has compared once, and ends."""
    async with hub_of(folder) as hub:
        topics = hub.release.wanted_subscriptions()["shopify"]

        async def ready() -> bool:
            compared = await hub.views.latest_sweeps()
            return await subscriptions(world) == len(topics) and bool(compared)

        await until(ready)
        ids = [order["id"] for order in await world.place(BEFORE)]
        await still(hub, world)
        return ids


async def second_life(folder: Path, world: HastyShop, ids: list[str]) -> dict[str, Any]:
    """Started again; nobody does anything else."""
    async with hub_of(folder) as hub:

        wanted = len(hub.release.wanted_subscriptions()["shopify"])

        async def filled() -> bool:
            return await arrived(world, ids) and still_open(folder) == 0 and await subscriptions(world) == wanted

        await until(filled)
        counts = await hub.views.missed_counts(0)
        return {
            "subscriptions": await subscriptions(world), "wanted": wanted, "counts": counts,
            "kept": await hub.views.subscriptions(), **await world.arrivals(ids),
        }  # fmt: skip


async def story(folder: Path, orders: int, *, control: bool = False) -> dict[str, Any]:
    async with twins(folder, HastyShop, write_project) as world:
        patient(folder)
        edit(folder, "systems/shopify.toml", "[intake]", "[reconcile]\nevery_minutes = 15\nsettle_minutes = 0\n\n[intake]")
        ids = await first_life(folder, world)
        ids += [order["id"] for order in await world.place(orders)]
        await until(lambda: told(world))  # or given up: what could not be sent has cost its subscription
        left = await subscriptions(world)
        if control:
            return await without_a_look(folder, world, ids)
        return {"left": left, **await second_life(folder, world, ids)}


async def without_a_look(folder: Path, world: HastyShop, ids: list[str]) -> dict[str, Any]:
    """The control: a hub that trusts its webhooks. It runs until it has nothing left to do."""
    hub = Hub(folder)
    await hub.open()
    hub.reconciler.look = _nothing  # type: ignore[method-assign]
    hub.subscription_keeper.look = _nothing  # type: ignore[method-assign]
    try:
        await hub.serve()
        await until(lambda: _is_idle(folder))
        return await world.arrivals(ids)
    finally:
        await hub.close()


async def _nothing() -> None:
    await asyncio.sleep(0)


async def _is_idle(folder: Path) -> bool:
    return still_open(folder) == 0


def test_five_hours_offline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 16, C07, C08: the subscriptions are back and no order is missing, without a person."""
    experiment = Experiment("16", suite=30, table=2_000, capsys=capsys)
    found = asyncio.run(story(tmp_path / "shop", experiment.size))
    assert found["subscriptions"] == found["wanted"]
    assert (found["lost"], found["duplicates"]) == (0, 0)
    assert found["counts"] == {("missing", "offline"): experiment.size}, "each is named, with the cause"
    lost = [one.topic for one in found["kept"] if one.lost == 1]
    assert len(lost) == found["wanted"] - found["left"] > 0, "each that the shop deleted was noticed, once"
    assert "orders/create" in lost
    control = asyncio.run(story(tmp_path / "control", 5, control=True))
    assert control["lost"] == 15, "five orders at three destinations"
    experiment.report(
        faults=experiment.size, trials=experiment.size, subscriptions_deleted=len(lost), found=experiment.size, lost=0, duplicates=0,
        control=f"a hub that trusts webhooks missed {control['lost']} of 15 deliveries and stayed without subscriptions",
    )  # fmt: skip

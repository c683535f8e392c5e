"""Fault case 61: a destination gets another name while orders are queued for it: its links, lanes and deliveries follow, nothing twice."""

import asyncio
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from experiment import Experiment
from vendors import LooseWorld, creates, edit, fail, patient, stored

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
import books
from shop import Shop, quiet, routed
from stack import running, twins, until

from interlock.hub import Hub
from interlock.messaging.ledger import Filter

QUEUED_AT = "SELECT 1 FROM delivery WHERE destination = '{}'"


def rename(folder: Path, old: str, new: str, *, declared: bool = True) -> None:
    """The system's file, its flow and its items; with `was`, or (the control) without a word."""
    was, file = folder / f"systems/{old}.toml", folder / f"systems/{new}.toml"
    text = "\n".join(line for line in was.read_text(encoding="utf-8").splitlines() if not line.startswith("was = "))
    file.write_text((f'was = "{old}"\n' if declared else "") + text + "\n", encoding="utf-8")
    was.unlink()
    edit(folder, "flows/order-to-wms.toml", f'["{old}"]', f'["{new}"]')
    edit(folder, "mappings/items.toml", f"[{old}", f"[{new}")


async def settled(hub: Hub, world: LooseWorld, orders: int = 0) -> None:
    """All that the shop has to tell is told and routed, and nothing is open."""
    for outlet in hub.dispatcher.outlets.values():
        outlet.probe_now()
    await until(partial(quiet, hub, world), within_seconds=60 + orders / 10)


async def cancel(hub: Hub, world: LooseWorld, order: str) -> None:
    """Somebody cancels an order, and the hub has heard of it."""
    before = await hub.inbox.head()
    await Shop(world).change(order, "cancel")

    async def heard() -> bool:
        return await hub.inbox.head() > before

    await until(heard)


async def placed(world: LooseWorld, count: int) -> list[str]:
    return [str(order["id"]) for order in await world.place(count)]


class Warehouse:
    """What the twin of ShipBob has, by its own ledger."""

    def __init__(self, world: LooseWorld) -> None:
        self.world = world

    async def made_twice(self) -> int:
        """References under which it created more than once."""
        return sum(times > 1 for times in (await creates(self.world, "shipbob")).values())

    def live(self, orders: list[str]) -> list[int]:
        """How many parcels of each order are still to be sent."""
        waiting = Counter(
            parcel["reference_id"].partition("-r")[0]
            for parcel in books.records(self.world, "shipbob", "order")
            if parcel["status"] != "Cancelled"
        )
        return [waiting[f"shopify-{key}"] for key in orders]


async def story(folder: Path, count: int, *, declared: bool) -> dict[str, object]:
    """Orders that are there, orders that are queued, changes of both, before and after the change of the name."""
    async with twins(folder, LooseWorld) as world:
        patient(folder)
        warehouse = Warehouse(world)
        async with running(folder, world) as hub:
            there = await placed(world, count)
            await settled(hub, world, count)
            await fail(world, "shipbob", kind="status", status=429, retry_after_seconds=0.2)
            queued = await placed(world, count)
            for order in there[: count // 3]:
                await cancel(hub, world, order)
            rename(folder, "shipbob", "warehouse", declared=declared)
            await hub.reload()
            for order in there[count // 3 : 2 * count // 3]:
                await cancel(hub, world, order)
            new = await placed(world, count)
            await world.repair_system("shipbob")
            await settled(hub, world, 3 * count)
            return {
                "twice": await warehouse.made_twice(), "cancelled": warehouse.live(there[: 2 * count // 3]),
                "kept": warehouse.live([*there[2 * count // 3 :], *queued, *new]), "states": dict(await hub.views.states(Filter())),
                "names": {row[0] for row in stored(folder, "SELECT DISTINCT destination FROM delivery UNION SELECT system FROM link")},
                "outlets": set(hub.dispatcher.outlets),
            }  # fmt: skip


def test_a_renamed_destination_keeps_what_it_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 61: queued orders arrive once under the new name, and changes of older ones find what was written under the old one."""
    experiment = Experiment("61", suite=6, table=5_000, capsys=capsys)
    count = experiment.size
    found = asyncio.run(story(tmp_path / "shop", count, declared=True))
    assert found["names"] == {"netsuite", "klaviyo", "warehouse"} and "shipbob" not in found["outlets"]
    assert (found["twice"], set(found["states"])) == (0, {"done"})
    assert set(found["cancelled"]) == {0} and set(found["kept"]) == {1}
    control = asyncio.run(story(tmp_path / "control", 3, declared=False))
    lost = sum(control["cancelled"]) + control["twice"]
    assert lost > 0, "without `was` the new name must know nothing of what the old one has"
    words = f"without `was`, of 2 cancelled orders {sum(control['cancelled'])} are sent all the same"
    experiment.report(faults=count, trials=3 * count, control=words, lost=0, duplicates=0)


def test_a_restart_and_a_way_back(tmp_path: Path) -> None:
    """Case 61: the name changes while the hub is down, and back again: the same parcels, the same links, under the name of the day."""

    async def whole() -> None:
        folder = tmp_path / "shop"
        async with twins(folder, LooseWorld) as world:
            patient(folder)
            warehouse = Warehouse(world)
            async with running(folder, world) as hub:
                await fail(world, "shipbob", kind="status", status=429, retry_after_seconds=0.2)
                first = await placed(world, 4)
                await until(partial(routed, hub, world))
            rename(folder, "shipbob", "warehouse")
            async with running(folder, world) as hub:
                await world.repair_system("shipbob")
                await settled(hub, world)
                assert warehouse.live(first) == [1, 1, 1, 1]
                rename(folder, "warehouse", "shipbob", declared=False)
                await hub.reload()
                await cancel(hub, world, first[0])
                await settled(hub, world)
            assert (warehouse.live(first), await warehouse.made_twice()) == ([0, 1, 1, 1], 0)
            assert {row[0] for row in stored(folder, "SELECT DISTINCT system FROM link")} == {
                "netsuite",
                "klaviyo",
                "shipbob",
            }

    asyncio.run(whole())


def test_what_has_no_place_under_the_new_name_is_told(tmp_path: Path) -> None:
    """Case 61: who declares the new name only later has work of one order under both: what cannot follow is left to a
    person, and nobody waits for it in silence."""

    async def queued_at(name: str) -> None:
        async def there() -> bool:
            return bool(stored(tmp_path / "shop", QUEUED_AT.format(name)))

        await until(there)

    async def late() -> tuple[set[str], list[tuple[str, str]]]:
        async with twins(tmp_path / "shop", LooseWorld) as world:
            folder = tmp_path / "shop"
            patient(folder)
            async with running(folder, world) as hub:
                await fail(world, "shipbob", kind="status", status=429, retry_after_seconds=0.2)
                queued = await placed(world, 1)
                await queued_at("shipbob")
                rename(folder, "shipbob", "warehouse", declared=False)
                await hub.reload()
                await cancel(hub, world, queued[0])
                await queued_at("warehouse")
                file = folder / "systems/warehouse.toml"
                file.write_text('was = "shipbob"\n' + file.read_text(encoding="utf-8"), encoding="utf-8")
                await hub.reload()
                outlets = set(hub.dispatcher.outlets)
                await world.repair_system("shipbob")
                await settled(hub, world, 1)
                return outlets, stored(folder, "SELECT destination, code FROM delivery WHERE state = 'dead'")

    outlets, dead = asyncio.run(late())
    assert "shipbob" in outlets
    assert dead == [("shipbob", "HUB-GONE")]

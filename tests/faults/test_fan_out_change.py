"""Fault case 61: destinations come, go and change their names while events are queued; each event keeps its own version of the folder."""

import asyncio
import sys
from functools import partial
from pathlib import Path

import pytest
from experiment import Experiment
from vendors import LooseWorld, creates, edit, fail, orders_of, patient

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
from shop import quiet, routed, told
from stack import running, twins, until

from interlock.hub import Hub
from interlock.messaging.ledger import Filter
from interlock.messaging.router import CURSOR

OPEN = ("pending", "running", "retrying", "uncertain", "waiting")
OLD, NEW = ("netsuite", "shipbob"), ("klaviyo", "warehouse")


def without_marketing(folder: Path) -> None:
    """The first version: orders go to netsuite and shipbob."""
    (folder / "flows/order-to-marketing.toml").rename(folder / "later")


def change(folder: Path) -> None:
    """The second version: netsuite is gone with its secrets, shipbob is called warehouse, klaviyo is new."""
    (folder / "later").rename(folder / "flows/order-to-marketing.toml")
    (folder / "flows/order-to-erp.toml").unlink()
    edit(folder, "slos.toml", '"order-to-erp", ', "")
    (folder / "systems/netsuite.toml").unlink()
    (folder / "systems/shipbob.toml").rename(folder / "systems/warehouse.toml")
    edit(folder, "flows/order-to-wms.toml", '["shipbob"]', '["warehouse"]')
    items = folder / "mappings/items.toml"
    text = items.read_text(encoding="utf-8")
    begin, end = text.index("[netsuite]"), text.index("[shipbob]")
    items.write_text(text[:begin] + text[end:].replace("[shipbob", "[warehouse"), encoding="utf-8")


async def queue(world: LooseWorld, hub: Hub, count: int) -> list[str]:
    """Orders of which all is told, accepted and routed, and that their destinations do not take yet."""
    for vendor in OLD:
        await fail(world, vendor, kind="status", status=429, retry_after_seconds=0.2)
    ids = [order["id"] for order in await world.place(count)]
    await until(partial(routed, hub, world))
    return ids


async def settled(world: LooseWorld, hub: Hub, orders: int) -> None:
    await until(partial(quiet, hub, world), within_seconds=60 + orders / 20)


async def went(world: LooseWorld, ids: list[str]) -> dict[str, int]:
    """How many of these orders each twin has."""
    return {vendor: len(orders_of(await creates(world, vendor), ids)) for vendor in ("netsuite", "shipbob", "klaviyo")}


async def misled(hub: Hub, count: int) -> int:
    """The control: how many of the first events a router would keep from a destination, if it asked the folder of the moment."""
    current, events = hub.shelf.current(), await hub.inbox.read(0, count)
    own = [{want.destination for want in (await hub.shelf.get(event.release)).wants(event)} for event in events]
    return sum(
        not wanted <= {want.destination for want in current.wants(event)}
        for event, wanted in zip(events, own, strict=True)
    )


async def judge(world: LooseWorld, hub: Hub, old: list[str], new: list[str]) -> dict[str, object]:
    """By the twins' ledgers: which orders went where; by ours: under which version."""
    for vendor in OLD:
        await world.repair_system(vendor)
    for outlet in hub.dispatcher.outlets.values():
        outlet.probe_now()
    await settled(world, hub, len(old) + len(new))
    states = await hub.views.states(Filter())
    repeated = (await world.arrivals([]))["duplicates"]
    rows = hub.ledger.group.connection.execute(
        "SELECT release, destination, count(DISTINCT key) FROM delivery GROUP BY 1, 2"
    )
    return {
        "old": await went(world, old), "new": await went(world, new), "duplicates": repeated, "states": dict(states),
        "misled": await misled(hub, len(old)), "versions": {(release, destination): count for release, destination, count in rows},
    }  # fmt: skip


async def reloaded(folder: Path, count: int) -> tuple[dict[str, object], list[str]]:
    async with twins(folder, LooseWorld) as world:
        patient(folder)
        without_marketing(folder)
        async with running(folder, world) as hub:
            first = hub.release.id
            old = await queue(world, hub, count)
            change(folder)
            second = await hub.reload()
            new = [order["id"] for order in await world.place(count)]
            return await judge(world, hub, old, new), [first, second]


async def restarted(folder: Path, count: int) -> tuple[dict[str, object], list[str]]:
    """The hub stops with a full queue, and with events that were accepted and not yet routed."""
    async with twins(folder, LooseWorld) as world:
        patient(folder)
        without_marketing(folder)
        async with running(folder, world) as hub:
            first = hub.release.id
            old = await queue(world, hub, count - count // 4)
            hub._tasks[1].cancel()  # the router
            old += [order["id"] for order in await world.place(count // 4)]

            await until(partial(told, world))
            assert await hub.inbox.head() > await hub.ledger.cursor(CURSOR), "void: all of it is routed"
        change(folder)
        async with running(folder, world) as hub:
            new = [order["id"] for order in await world.place(count)]
            return await judge(world, hub, old, new), [first, hub.release.id]


def test_work_whose_secret_is_gone_waits_for_it(tmp_path: Path) -> None:
    """Case 61: a system's secret is deleted with its file while orders for it are queued: they wait, the hub serves the others."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder, LooseWorld) as world:
            patient(folder)
            without_marketing(folder)
            async with running(folder, world) as hub:
                old = await queue(world, hub, 4)
            change(folder)
            secret = folder / "secrets/netsuite-client-id"
            secret.rename(folder / "taken away")
            for vendor in OLD:
                await world.repair_system(vendor)
            async with running(folder, world) as hub:
                new = [order["id"] for order in await world.place(4)]

                async def others_are_done() -> bool:
                    rows = await hub.views.deliveries(Filter(states=OPEN))
                    return len(rows) == 4 and {(row.destination, row.code) for row in rows} == {("netsuite", "SEC003")}

                await until(others_are_done)
                assert await went(world, new) == {"netsuite": 0, "shipbob": 4, "klaviyo": 4}
                (folder / "taken away").rename(secret)
                await hub.operator.replay(
                    Filter(destination="netsuite"), by="ann", why="the secret is back", version="same"
                )
                await settled(world, hub, 8)
                assert await went(world, old) == {"netsuite": 4, "shipbob": 4, "klaviyo": 0}

    asyncio.run(story())


def test_replay_under_a_folder_that_knows_the_system_no_more_says_so(tmp_path: Path) -> None:
    """Case 61: after a restart without the system a replay "as the folder is now" makes dead letters with a reason, nothing silent."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder, LooseWorld) as world:
            patient(folder)
            without_marketing(folder)
            async with running(folder, world) as hub:
                await world.place(3)
                await settled(world, hub, 3)
            change(folder)
            async with running(folder, world) as hub:
                await hub.operator.replay(Filter(destination="netsuite"), by="ann", why="once more", version="current")
                await settled(world, hub, 3)
                rows = await hub.views.deliveries(Filter(destination="netsuite"))
                assert {(row.state, row.code) for row in rows} == {("dead", "HUB-GONE")}

    asyncio.run(story())


@pytest.mark.parametrize("way", [reloaded, restarted])
def test_each_event_follows_the_version_it_was_accepted_under(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], way
) -> None:
    """Case 61: what was accepted before the change goes where it was meant to go, also to a system that is no more in the folder."""
    experiment = Experiment("61", suite=24, table=5_000, capsys=capsys)
    found, (first, second) = asyncio.run(way(tmp_path / "shop", experiment.size))
    count = experiment.size
    assert found["old"] == {"netsuite": count, "shipbob": count, "klaviyo": 0}
    assert found["new"] == {"netsuite": 0, "shipbob": count, "klaviyo": count}
    assert (found["duplicates"], list(found["states"])) == (0, ["done"])
    versions = {(first, "netsuite"), (first, "shipbob"), (second, "klaviyo"), (second, "warehouse")}
    assert found["versions"] == dict.fromkeys(versions, count)
    assert found["misled"] == count
    control = f"asking the folder of the moment would keep {found['misled']} of {count} orders from a destination"
    experiment.report(faults=count, trials=4 * count, control=control, way=way.__name__, lost=0, duplicates=0)

"""Credentials of a destination revoked and renewed, through the whole path: it is held, nothing dies, one issue says what to do."""

import asyncio
import time
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from click.testing import CliRunner
from shop import Stage
from stack import running, twins, until

from interlock.cli import main
from interlock.cli.twin_world import DESTINATIONS, TwinWorld
from interlock.hub import Hub
from interlock.messaging import courier, finished
from interlock.messaging.ledger import Filter

ORDERS = 12
PROBE_SECONDS = 0.3


def probe_often(folder: Path) -> None:
    """A locked destination is asked again every 0.3 s instead of every half minute, so that a test need not wait."""
    for name in DESTINATIONS:
        file = folder / "systems" / f"{name}.toml"
        file.write_text(f"{file.read_text('utf-8')}\n[breaker]\nprobe_interval_seconds = {PROBE_SECONDS}\n", "utf-8")


async def states(hub: Hub, destination: str) -> set[str]:
    return set(await hub.views.states(Filter(destination=destination)))


async def arrived(world: TwinWorld, ids: list[str], destination: str) -> int:
    return int((await world.arrivals(ids))["delivered"][destination])


async def console_page(hub: Hub, path: str) -> str:
    """What an operator who is signed in sees."""

    def fetch() -> str:
        opener = build_opener(HTTPCookieProcessor(CookieJar()))
        opener.open(f"{hub.url}/?token={hub.token}", timeout=30).close()
        with opener.open(hub.url + path, timeout=30) as answer:
            return str(answer.read().decode())

    return await asyncio.to_thread(fetch)


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_revoked_and_restored(stage: Stage, destination: str) -> None:
    """C80: the destination alone is held, with one issue, its owner and the next move; restored, all arrive without a person, once."""

    async def story() -> None:
        async with stage.play() as (world, hub, _shop):
            probe_often(stage.folder)
            await hub.reload()
            await world.break_system(destination, "401")
            ids = [order["id"] for order in await world.place(ORDERS)]
            for other in set(DESTINATIONS) - {destination}:
                await until(lambda other=other: arrived_all(world, ids, other))
            await until(lambda: locked(hub, destination))
            assert await arrived(world, ids, destination) == 0
            assert await states(hub, destination) <= {"waiting", "pending", "running", "retrying"}
            (hold,) = await hub.views.holds()
            assert (hold.destination, hold.waiting_for, hold.reason) == (
                destination,
                "credentials",
                "authentication",
            )
            page = await console_page(hub, "/issues")
            assert page.count("refuses us") == 1
            assert "renew the credentials" in page
            told = await asyncio.to_thread(CliRunner().invoke, main, ["issues", "--folder", str(stage.folder)])
            assert f"{destination}: " in told.output
            assert "for credentials since" in told.output
            assert "has refused us access since" in await console_page(hub, "/systems")
            began, calls = time.monotonic(), await requests(world, destination)
            await until(lambda: requests_since(world, destination, calls, 4))
            assert time.monotonic() - began >= PROBE_SECONDS, "a held destination is asked in a burst"
            await world.repair_system(destination)
            await until(lambda: arrived_all(world, ids, destination))
            assert await hub.views.dead_letter_groups(Filter(), now_ms=hub.clock.now_ms()) == ()
            await until(lambda: nothing_held(hub))
            assert (await world.arrivals(ids))["duplicates"] == 0

    asyncio.run(story())


def test_revoked_control(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """C80, control: when a refused sign-in counts as a refusal of the order, every order is a dead letter."""
    for place in (courier, finished):
        monkeypatch.setattr(place, "HELD_BY", {})

    async def story() -> None:
        async with stage.play() as (world, hub, _shop):
            await world.break_system("shipbob", "401")
            await world.place(ORDERS)

            async def all_dead() -> bool:
                return (await hub.views.states(Filter(destination="shipbob"))).get("dead", 0) == ORDERS

            await until(all_dead)

    asyncio.run(story())


def test_renewed_secret_is_taken_up_by_a_reload(tmp_path: Path) -> None:
    """C80: the twin itself checks the token; a wrong one holds the warehouse, the right one and a reload (SIGHUP) free it."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world:
            secret = folder / "secrets/shipbob-token"
            good = secret.read_text("ascii")
            secret.write_text("expired", "ascii")
            probe_often(folder)
            async with running(folder, world) as hub:
                ids = [order["id"] for order in await world.place(ORDERS)]
                await until(lambda: locked(hub, "shipbob"))
                secret.write_text(good, "ascii")
                calls = await requests(world, "shipbob")
                await until(lambda: requests_since(world, "shipbob", calls, 3))
                assert await arrived(world, ids, "shipbob") == 0, "a secret is read when the hub is told to"
                release = hub.release.id
                assert await hub.reload() == release
                await until(lambda: arrived_all(world, ids, "shipbob"))
                assert (await world.arrivals(ids))["duplicates"] == 0

    asyncio.run(story())


def test_an_older_release_whose_secret_is_gone_hinders_no_renewal(tmp_path: Path) -> None:
    """C80: the secret has moved to another place, and the old one is removed: the next reload still reads the new one."""

    async def story() -> None:
        folder = tmp_path / "shop"
        async with twins(folder) as world:
            secret, moved = folder / "secrets/shipbob-token", folder / "secrets/warehouse-token"
            moved.write_text("expired", "ascii")
            probe_often(folder)
            async with running(folder, world) as hub:
                file = folder / "systems/shipbob.toml"
                file.write_text(file.read_text("utf-8").replace(secret.name, moved.name), "utf-8")
                await hub.reload()
                ids = [order["id"] for order in await world.place(1)]
                await until(lambda: locked(hub, "shipbob"))
                secret.rename(moved)
                await hub.reload()
                await until(lambda: arrived_all(world, ids, "shipbob"))

    asyncio.run(story())


async def arrived_all(world: TwinWorld, ids: list[str], destination: str) -> bool:
    return await arrived(world, ids, destination) == len(ids)


async def locked(hub: Hub, destination: str) -> bool:
    return hub.dispatcher.outlets[destination].breaker.shown == "locked" and bool(await hub.views.holds())


async def nothing_held(hub: Hub) -> bool:
    return await hub.views.holds() == ()


async def requests(world: TwinWorld, destination: str) -> int:
    return int((await world._control(destination, "GET", "state", None))["requests"])


async def requests_since(world: TwinWorld, destination: str, before: int, more: int) -> bool:
    return await requests(world, destination) >= before + more

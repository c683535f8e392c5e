"""What a 200 is worth: it survives a kill before any work was done, and it comes quickly whatever the destinations do."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
import stack
from aiohttp import web
from shop import BIRTH, Shop
from stack import KillableHub, post, signed, twins, until

from interlock.cli.twin_world import DESTINATIONS, TwinWorld, _free_ports
from interlock.messaging.ledger import Filter
from interlock.messaging.sqlite.views import SqliteViews

ORDERS = 15
DELIVERIES = 3
"""Of each order here: ERP, warehouse, and the signal to marketing."""
KNOCKS, AT_ONCE = 1_000, 24
CONNECT_SECONDS = 1.0
"""Shopify gives up after 1 s without a connection, and 5 s without an answer; each knock here is a connection of its own."""
SLOW_SECONDS = 2.0
"""How long each destination takes. An answer that comes sooner did not wait for one, and is well below Shopify's 5 s."""

FORGETFUL = """
from interlock.messaging.inbox import Appended
from interlock.messaging.sqlite.inbox import SqliteInbox
async def append(self, event, numbers=iter(range(1, 10**6))):
    event.position = next(numbers)
    self._remember(event)
    return Appended(event.position, True)
SqliteInbox.append = append
"""
"""A receiver that answers 200 and keeps what it got in memory, as a background task of a web framework does."""


async def killed_after_200(folder: Path, *, stores: bool = True) -> int:
    """Orders are acknowledged while every destination is held, and the hub is killed at once; how many effects there are in the end."""
    async with twins(folder) as world:
        shop = Shop(world)
        await shop.go_wrong("webhook_drop", *BIRTH)
        orders = [await shop.place("plain") for _ in range(ORDERS)]
        bodies = [await shop.present(order) for order in orders]
        for system in DESTINATIONS:
            await world.break_system(system, "401")
        hub = KillableHub(folder, _free_ports(1)[0])
        await hub.start()
        url = f"http://127.0.0.1:{hub.port}/intake/shopify"
        first = await post(url, bodies[0], signed(bodies[0], "orders/create"))
        if stores:
            await until(lambda: all_held(folder))
        rest = await asyncio.gather(*(post(url, body, signed(body, "orders/create")) for body in bodies[1:]))
        hub.kill()
        assert {status for status, _ in (first, *rest)} == {200}
        assert (await world.arrivals(orders))["delivered"] == dict.fromkeys(DESTINATIONS, 0)
        for system in DESTINATIONS:
            await world.repair_system(system)
        await hub.start()
        try:
            await until(lambda: nothing_in_flight(folder))
            return ORDERS * len(DESTINATIONS) - int((await world.arrivals(orders))["lost"])
        finally:
            hub.kill()


@contextmanager
def store_of(folder: Path) -> Iterator[SqliteViews]:
    """The store of a hub in another process."""
    views = SqliteViews(folder / "data/ledger.db", folder / "data/inbox.db")
    try:
        yield views
    finally:
        views.close()


async def all_held(folder: Path) -> bool:
    """No destination lets us in, so nothing is under way when the kill comes."""
    with store_of(folder) as views:
        return sum(each.breaker == "locked" for each in await views.destination_health(0)) == len(DESTINATIONS)


async def nothing_in_flight(folder: Path) -> bool:
    """Everything that the inbox holds was routed, and no delivery is open."""
    with store_of(folder) as views:
        states, pulse = await views.states(Filter()), await views.pulse()
        return set(states) <= {"done", "cancelled", "superseded"} and sum(states.values()) >= DELIVERIES * pulse.events


def test_killed_between_200_and_work(tmp_path: Path) -> None:
    """C06: acknowledged, killed before anything was delivered, started again: every order is at all three systems; nobody sent it twice."""
    assert asyncio.run(killed_after_200(tmp_path / "shop")) == 3 * ORDERS


def test_killed_between_200_and_work_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C06, control: a receiver that answers before it stores loses all of them."""
    monkeypatch.setattr(stack, "RUNNER", FORGETFUL + stack.RUNNER)
    assert asyncio.run(killed_after_200(tmp_path / "shop", stores=False)) == 0


async def answer_seconds(url: str, bodies: list[bytes]) -> tuple[list[float], list[float]]:
    """How long each knock took to connect, and from connecting to the end of the answer, sorted; every answer is a 200."""
    found: list[float] = []
    connected: list[float] = []
    trace = aiohttp.TraceConfig()

    async def starts(_session: object, context: SimpleNamespace, _params: object) -> None:
        context.began = time.monotonic()

    async def ends(_session: object, context: SimpleNamespace, _params: object) -> None:
        connected.append(time.monotonic() - context.began)

    trace.on_connection_create_start.append(starts)
    trace.on_connection_create_end.append(ends)
    left = iter(bodies)

    async def knock_on(session: aiohttp.ClientSession) -> None:
        for body in left:
            began = time.monotonic()
            async with session.post(url, data=body, headers=signed(body, "orders/create")) as answer:
                await answer.read()
                assert answer.status == 200
            found.append(time.monotonic() - began)

    connector = aiohttp.TCPConnector(force_close=True, limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector, trace_configs=[trace]) as session:
        await asyncio.gather(*(knock_on(session) for _ in range(AT_ONCE)))
    return sorted(connected), sorted(found)


def p99(seconds: list[float]) -> float:
    """99 of 100 took no longer."""
    return seconds[len(seconds) * 99 // 100]


def orders_like(body: bytes, count: int) -> list[bytes]:
    """As many orders, each with its own id."""
    order = json.loads(body)
    return [
        json.dumps(
            order | {"id": 900_000_000 + n, "admin_graphql_api_id": f"gid://shopify/Order/{900_000_000 + n}"}
        ).encode()
        for n in range(count)
    ]


async def one_body(world: TwinWorld) -> bytes:
    shop = Shop(world)
    await shop.go_wrong("webhook_drop", *BIRTH)
    return await shop.present(await shop.place("plain"))


async def slow_destinations(world: TwinWorld) -> None:
    for system in DESTINATIONS:
        await world._control(system, "POST", "faults", {"kind": "slow", "delay_seconds": SLOW_SECONDS})


def test_answers_at_once_under_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """C09: 24 senders at once, each knock on a connection of its own, every destination slow: connected within 1 s, stored within 2."""

    async def story() -> tuple[list[float], list[float]]:
        folder = tmp_path / "shop"
        async with twins(folder) as world:
            bodies = orders_like(await one_body(world), KNOCKS)
            await slow_destinations(world)
            hub = KillableHub(folder, _free_ports(1)[0])
            await hub.start()
            try:
                return await answer_seconds(f"http://127.0.0.1:{hub.port}/intake/shopify", bodies)
            finally:
                hub.kill()

    connected, seconds = asyncio.run(story())
    with capsys.disabled():
        print(
            f"\nC09: {len(seconds)} knocks, connected in {p99(connected) * 1000:.0f} ms at p99, answered in {p99(seconds) * 1000:.0f} ms at p99, {seconds[-1] * 1000:.0f} ms at worst"
        )
    assert len(seconds) == len(connected) == KNOCKS
    assert p99(connected) < CONNECT_SECONDS
    assert p99(seconds) < SLOW_SECONDS


@asynccontextmanager
async def inline_receiver(world: TwinWorld) -> AsyncIterator[str]:
    """The receiver of many tutorials: it calls the warehouse, then answers."""

    async def receive(request: web.Request) -> web.Response:
        body = await request.read()
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{world.urls['shipbob']}/2026-01/order", data=body) as answer,
        ):
            await answer.read()
        return web.Response()

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def test_answers_at_once_control(tmp_path: Path) -> None:
    """C09, control: a receiver that works before it answers is as slow as its destination, and the check sees it."""

    async def story() -> tuple[list[float], list[float]]:
        async with twins(tmp_path / "shop") as world:
            bodies = orders_like(await one_body(world), AT_ONCE)
            await slow_destinations(world)
            async with inline_receiver(world) as url:
                return await answer_seconds(url, bodies)

    _, seconds = asyncio.run(story())
    assert p99(seconds) >= SLOW_SECONDS

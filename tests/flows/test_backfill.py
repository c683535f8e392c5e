"""Orders from before the hub: read in bulk or a page at a time, at every destination once, whatever is killed meanwhile."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest
from shop import Shop, routed, said, still
from stack import RUNNER, TOPICS, running, twins, until

from interlock.cli.demo import write_project
from interlock.cli.twin_world import DESTINATIONS, TwinWorld, _free_ports, write_secrets
from interlock.hub import Hub
from interlock.messaging.backfill import Asked, Backfill, How
from interlock.messaging.ledger import Filter
from interlock.messaging.sqlite.backfill import SqliteBackfillBook, read_backfill
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.twins.shopify.admin.scopes import all_scopes

WITHIN_SECONDS = 120.0
ERP = "order-to-erp"
COUNT = 300 if os.environ.get("INTERLOCK_TIER") == "nightly" else 40


def wanted(how: How = "bulk") -> Asked:
    """All orders of the shop until now."""
    return Asked(
        system="shopify", object="order", since_us=0, until_us=time.time_ns() // 1000, how=how, go="anyway"
    )


async def begin(hub: Hub, how: How = "bulk") -> int:
    """As the command does it, under this person's name."""
    return await hub.operator.backfill(wanted(how), by="test", why="new warehouse")


async def ended(hub: Hub, number: int) -> Backfill:
    """Wait for its end."""

    async def over() -> bool:
        row = await hub.views.backfill(number)
        return row is not None and not row.open

    await until(over, WITHIN_SECONDS)
    row = await hub.views.backfill(number)
    assert row is not None
    return row


async def books(world: TwinWorld) -> dict[str, tuple[int, int]]:
    """By the vendors' own word: orders, and those given to them more than once."""
    return {book.system: (book.orders, book.duplicates) for book in await world.books()}


async def lived(world: TwinWorld, placed: list[dict[str, str]]) -> None:
    """Some of the orders have parcels and a refund, which no bulk query can ask for: marketing is told of those three as
    well, and what was given back is not shipped."""
    shop = Shop(world)
    for place, kind in enumerate(("fulfil", "refund", "fulfil")):
        await shop.change(placed[place * 5]["id"], kind)


def events_of(folder: Path) -> tuple[int, int, set[str]]:
    """How many there are, how many are whole, and what they prove beside that an order was placed."""
    inbox = apsw.Connection(str(folder / "data" / "inbox.db"), flags=apsw.SQLITE_OPEN_READONLY)
    rows = inbox.execute("SELECT complete, facts FROM event").fetchall()
    inbox.close()
    return len(rows), sum(complete for complete, _ in rows), {fact.partition("#")[0] for _, facts in rows for fact in facts.split()}


@pytest.mark.parametrize("how", ["bulk", "pages"])
def test_orders_from_before_the_hub_arrive_once(how: How, tmp_path: Path) -> None:
    """C77: placed while nobody listened, each is at its three destinations once; the same again changes nothing."""
    count = COUNT

    async def story() -> None:
        async with twins(tmp_path / "acme") as world:
            await lived(world, await world.place(count))
            async with running(tmp_path / "acme", world) as hub:
                row = await ended(hub, await begin(hub, how))
                assert (row.state, row.seen, row.new, row.note) == ("done", count, count, "")
                there, whole, facts = events_of(tmp_path / "acme")
                assert (there, whole) == (count, count), "no order has to be read again"
                assert {"refunds/create", "fulfillments/create"} <= facts
                await still(hub, world)
                told = {"netsuite": count, "shipbob": count - 1, "klaviyo": count + 3}
                assert await books(world) == {system: (orders, 0) for system, orders in told.items()}
                states, reads = await hub.views.states(Filter()), await hub.inbox.head()
                row = await ended(hub, await begin(hub, how))
                await still(hub, world)
                assert (row.state, row.seen, row.new) == ("done", count, 0)
                assert (await hub.views.states(Filter()), await hub.inbox.head()) == (states, reads)
                assert await books(world) == {system: (orders, 0) for system, orders in told.items()}

    asyncio.run(story())


FALLING = """
import os, sys
from pathlib import Path
from interlock.intake import backfill
from interlock.intake.backfill import Backfills
backfill.BATCH = 20
keep, fallen = Backfills._save, Path(sys.argv[1]) / "data" / "fallen"
async def fall(self, row, **changes):
    if changes.get("seen", 0) >= int(sys.argv[4]) and not fallen.exists():
        fallen.touch()
        os.kill(os.getpid(), 9)
    return await keep(self, row, **changes)
Backfills._save = fall
"""
"""Dies when so many have come in: they are in the inbox, and the place is not committed yet."""


async def fall(folder: Path, at: int) -> None:
    """A hub in a process of its own, asked for a backfill as the command asks, until it has fallen."""
    command = [sys.executable, "-c", FALLING + RUNNER, str(folder), str(_free_ports(1)[0]), ",".join(TOPICS), str(at)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert (await asyncio.to_thread(process.stdout.readline)).startswith(b"http"), "the hub did not start"
        await asked_of(folder)
        assert await asyncio.to_thread(process.wait, WITHIN_SECONDS) == -signal.SIGKILL


async def asked_of(folder: Path) -> None:
    """From beside the hub, as the command does it."""
    ledger = SqliteLedger(folder / "data" / "ledger.db", 1)
    try:
        await SqliteBackfillBook(ledger.group).ask(wanted(), by="test", why="new warehouse", now_ms=1)
    finally:
        await ledger.close()


def row_of(folder: Path, number: int) -> Backfill:
    """As it stands in the store."""
    ledger = apsw.Connection(str(folder / "data" / "ledger.db"), flags=apsw.SQLITE_OPEN_READONLY)
    row = read_backfill(ledger, number)
    ledger.close()
    assert row is not None
    return row


def test_killed_at_forty_percent_nothing_is_missing_or_doubled(tmp_path: Path) -> None:
    """C77: SIGKILL after the orders came in and before their place was committed; the next process goes on from there,
    and what it reads again the inbox knows. The control: the place that it found was behind what was in the inbox."""
    count, fell_at = 100, 40

    async def story() -> None:
        folder = tmp_path / "acme"
        async with twins(folder) as world:
            await world.place(count)
            await fall(folder, fell_at)
            fallen = row_of(folder, number := 1)
            with apsw.Connection(str(folder / "data" / "inbox.db"), flags=apsw.SQLITE_OPEN_READONLY) as inbox:
                stored = int(inbox.execute("SELECT count(*) FROM event").get)
            assert fallen.seen < fell_at <= stored < count
            async with running(folder, world) as second:
                row = await ended(second, number)
                await still(second, world)
                assert (row.state, row.seen, await second.inbox.head()) == ("done", count, count)
                assert row.known == stored - fallen.seen, "exactly what was read again"
                assert await books(world) == dict.fromkeys(DESTINATIONS, (count, 0))

    asyncio.run(story())


def test_a_live_order_passes_before(tmp_path: Path) -> None:
    """Somebody orders while sixty old orders are on their way: the ERP has that order before most of the others."""
    count = 60

    async def story() -> None:
        folder = tmp_path / "acme"
        async with twins(folder) as world:
            await world.place(count)
            slow = folder / "systems" / "netsuite.toml"
            slow.write_text(slow.read_text("utf-8").replace("rate_per_second = 200", "rate_per_second = 20"), "utf-8")
            async with running(folder, world) as hub:
                number = await begin(hub)
                await until(lambda: _booked(world, 10))
                await hub.operator.stop_flow(ERP, "paused", by="test", why="so that the order is there in time on any machine")
                order = await Shop(world).place()
                await until(lambda: routed(hub, world))
                await hub.operator.resume_flow(ERP, by="test", why="somebody has ordered")

                async def arrived() -> bool:
                    return any(state == "done" for state, _ in await said(hub, order, "netsuite"))

                await until(arrived)
                behind = (await books(world))["netsuite"][0]
                assert behind < count, "it did not wait for those before it"
                assert (await ended(hub, number)).state == "done"
                await still(hub, world)
                assert await books(world) == dict.fromkeys(DESTINATIONS, (count + 1, 0))

    asyncio.run(story())


async def _booked(world: TwinWorld, least: int) -> bool:
    return (await books(world))["netsuite"][0] >= least


class Narrow(TwinWorld):
    """A shop whose app was not granted the orders beyond sixty days."""

    def configs(self, public_key: str) -> dict[str, dict[str, Any]]:
        configs = super().configs(public_key)
        configs["shopify"]["scopes"] = [scope for scope in all_scopes("2026-07") if scope != "read_all_orders"]
        return configs


def test_less_than_everything_is_said_before_anything_begins(tmp_path: Path) -> None:
    """C76: nothing is read while orders would be missing; whoever has read which ones may begin all the same."""

    async def story() -> None:
        folder = tmp_path / "acme"
        world = Narrow(folder)
        write_project(folder, world)
        world.start(write_secrets(folder))
        try:
            await world.wait()
            await world.place(2)
            async with running(folder, world) as hub:
                asked = msgspec.structs.replace(wanted(), go="all")
                number = await hub.operator.backfill(asked, by="test", why="new warehouse")

                async def checked() -> bool:
                    return row_of(folder, number).state == "checked"

                await until(checked)
                row = row_of(folder, number)
                assert "read_all_orders" in row.missing and "Dev Dashboard" in row.note and await hub.inbox.head() == 0
                assert await hub.operator.steer_backfill(number, "begin", by="test", why="the rest is archived")
                assert (await ended(hub, number)).seen == 2
        finally:
            world.stop()

    asyncio.run(story())

"""The way of stock, end to end: the warehouse counts, the hub works out what the store may show, the store shows it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from stack import running, until
from stock_stack import LOCATION, control, count, shown, stocked, with_stock

from interlock.cli.twin_world import TwinWorld, write_secrets
from interlock.hub import Hub
from interlock.messaging.ledger import Filter


@asynccontextmanager
async def _stack(
    folder: Path, publish: str = "", items: str = "", **on_hand: int
) -> AsyncIterator[tuple[Hub, TwinWorld]]:
    world = TwinWorld(folder)
    with_stock(folder, world, publish=publish, items=items)
    world.start(write_secrets(folder))
    try:
        await world.wait()
        await stocked(world, **{sku.replace("_", "-"): units for sku, units in on_hand.items()})
        async with running(folder, world) as hub:
            yield hub, world
    finally:
        world.stop()


def _shows(world: TwinWorld, sku: str, units: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return await shown(world, sku) == units

    return look


def _changes(hub: Hub, kind: str) -> list[tuple[str, int | None, int | None]]:
    rows = hub.ledger.group.reading.execute(
        "SELECT sku, before, after FROM stock_change WHERE kind = ? ORDER BY id", (kind,)
    )
    return list(rows)


def _written(hub: Hub, *changes: tuple[str, int, int]) -> Callable[[], Awaitable[bool]]:
    """The store shows a number before its answer has come."""

    async def look() -> bool:
        return _changes(hub, "written") == list(changes)

    return look


def _stopped(hub: Hub) -> dict[str, str]:
    return dict(hub.ledger.group.reading.execute("SELECT sku, code FROM stock_stopped").fetchall())


async def _store(world: TwinWorld, sku: str, **change: int) -> None:
    await control(world.urls["shopify"], "/stock", {"item": sku, "location": int(LOCATION), **change})


def test_what_is_counted_is_shown_and_what_is_unknown_stops(tmp_path: Path) -> None:
    """A count reaches the store; a line of an item that nobody else knows stops with its reason and is no zero (C27, C62)."""

    async def run() -> None:
        async with _stack(tmp_path, SUN_AVI=50, NOBODY=5) as (hub, world):
            await until(_shows(world, "SUN-AVI", 50))
            await count(world, "SUN-AVI", 40)
            await until(_shows(world, "SUN-AVI", 40))
            assert _stopped(hub) == {"NOBODY": "STK001"}
            await until(_written(hub, ("SUN-AVI", 1_000, 50), ("SUN-AVI", 50, 40)))
            assert await shown(world, "TOTE-01") == 1_000  # nobody counts it: nothing is written, least of all zero

    asyncio.run(run())


def test_a_foreign_number_is_corrected_and_our_own_echo_is_not(tmp_path: Path) -> None:
    """Somebody else's number at a place that the warehouse owns is written back and told (C67, C89); the webhook of our own
    write starts nothing (C17), and a person's change right after it is not swallowed (C19)."""

    async def run() -> None:
        async with _stack(tmp_path, SUN_AVI=50) as (hub, world):
            await until(_shows(world, "SUN-AVI", 50))
            await _store(world, "SUN-AVI", adjust=7)

            async def corrected() -> bool:
                return _changes(hub, "written")[1:] == [("SUN-AVI", 57, 50)]

            await until(corrected)
            assert _changes(hub, "foreign") == [("SUN-AVI", 50, 57)]
            head = await hub.inbox.head()

            async def echoed() -> bool:
                return await hub.inbox.head() >= head and await hub.ledger.cursor("stock") >= await hub.inbox.head()

            await until(echoed)
            assert await shown(world, "SUN-AVI") == 50
            assert len(_changes(hub, "written")) == 2

    asyncio.run(run())


def test_what_a_buyer_has_taken_is_not_written_back(tmp_path: Path) -> None:
    """The last units go while the warehouse's older number is about to be written: the write loses, the place is read, and what
    is gone counts as sold until an order tells of it (C58, C61)."""

    async def run() -> None:
        async with _stack(tmp_path, SUN_AVI=50) as (hub, world):
            await until(_shows(world, "SUN-AVI", 50))
            await _store(world, "SUN-AVI", sell=3)
            await count(world, "SUN-AVI", 45)  # of before the sale
            await until(_shows(world, "SUN-AVI", 42))
            missing = hub.ledger.group.reading.execute("SELECT missing FROM stock_place WHERE sku = 'SUN-AVI'").get
            assert missing == 3

    asyncio.run(run())


def test_an_order_that_its_owner_has_not_seen_is_subtracted_once(tmp_path: Path) -> None:
    """An order takes stock at the store at once; until the warehouse has counted it, its old number is published less the order,
    and not twice when the webhook comes as well (C61)."""

    async def run() -> None:
        async with _stack(tmp_path, SUN_AVI=50) as (hub, world):
            await until(_shows(world, "SUN-AVI", 50))
            await control(world.urls["shopify"], "/orders", {"count": 1, "scenario": "plain"})
            query = "SELECT quantity FROM stock_reservation WHERE sku = 'SUN-AVI'"

            async def told() -> bool:
                return hub.ledger.group.reading.execute("SELECT count(*) FROM stock_sale").get == 1

            await until(told)
            taken = hub.ledger.group.reading.execute(query).get or 0
            await count(world, "SUN-AVI", 60)
            await until(_shows(world, "SUN-AVI", 60 - taken))

    asyncio.run(run())


def test_a_silent_source_suspends_and_publishes_no_zero(tmp_path: Path) -> None:
    """A warehouse that does not answer is not an empty one (C66)."""

    async def run() -> None:
        stale = "source_stale_minutes = 0.005\n"
        async with _stack(tmp_path, SUN_AVI=50) as (hub, world):
            await until(_shows(world, "SUN-AVI", 50))
            file = tmp_path / "flows/stock-to-shopify.toml"
            file.write_text(
                file.read_text(encoding="utf-8").replace("[publish]\n", f"[publish]\n{stale}"), encoding="utf-8"
            )
            await world.break_system("shipbob", "503")
            await hub.reload()
            fresh = "SELECT fresh_us FROM stock_reading WHERE system = 'shipbob' AND what = 'levels'"

            async def silent() -> bool:
                return hub.clock.now_ms() * 1_000 - hub.ledger.group.reading.execute(fresh).get > 500_000

            await until(silent)
            await _store(world, "SUN-AVI", adjust=7)
            query = "SELECT said FROM stock_place WHERE sku = 'SUN-AVI' AND seen_us <= 0"

            async def suspended() -> bool:
                return "nothing is published of it" in (hub.ledger.group.reading.execute(query).get or "")

            await until(suspended)
            assert await shown(world, "SUN-AVI") == 57

    asyncio.run(run())


def test_a_difference_that_is_left_to_a_person_waits_for_one(tmp_path: Path) -> None:
    """`heal = "ask"`: somebody's number at the store stays, as a dead letter that says both; replaying it corrects the place, and so
    does the owner's next count."""

    async def run() -> None:
        async with _stack(tmp_path, publish="", SUN_AVI=50, SWT_NAV_M=20) as (hub, world):
            file = tmp_path / "flows/stock-to-shopify.toml"
            file.write_text(
                file.read_text(encoding="utf-8").replace("[publish]\n", '[publish]\nheal = "ask"\n'), encoding="utf-8"
            )
            await hub.reload()
            await until(_shows(world, "SUN-AVI", 50))
            await until(_shows(world, "SWT-NAV-M", 20))
            await _store(world, "SUN-AVI", adjust=7)
            await _store(world, "SWT-NAV-M", adjust=2)
            letters = "SELECT error FROM dead_letter WHERE code = 'STK012' AND closed_ms = 0 ORDER BY key"

            async def asked() -> bool:
                return len(hub.ledger.group.reading.execute(letters).fetchall()) == 2

            await until(asked)
            assert (
                hub.ledger.group.reading.execute(letters).fetchall()[0][0]
                == "shopify shows 57, 50 is right: somebody else wrote it"
            )
            assert await shown(world, "SUN-AVI") == 57
            await hub.operator.replay(Filter(key=f"SUN-AVI@{LOCATION}"), by="Ada", why="counted twice", version="same")
            await until(_shows(world, "SUN-AVI", 50))
            await count(world, "SWT-NAV-M", 19)
            await until(_shows(world, "SWT-NAV-M", 19))

    asyncio.run(run())


def test_what_the_warehouse_tells_no_more_is_suspended_and_no_zero(tmp_path: Path) -> None:
    """An item that is missing in a whole reading keeps its number at the store and says why nothing is published of it (C66)."""

    async def run() -> None:
        async with _stack(tmp_path, SUN_AVI=50, SWT_NAV_M=20) as (hub, world):
            file = tmp_path / "systems/shipbob.toml"
            text = file.read_text(encoding="utf-8").replace("[settings]", "[settings]\nwhole_every_seconds = 0.2")
            file.write_text(text, encoding="utf-8")
            await hub.reload()
            await until(_shows(world, "SUN-AVI", 50))
            await until(_shows(world, "SWT-NAV-M", 20))
            await control(world.urls["shipbob"], "/stock/SUN-AVI", {"missing": True})
            said = "SELECT said FROM stock_place WHERE sku = ?"

            async def suspended() -> bool:
                return (
                    hub.ledger.group.reading.execute(said, ("SUN-AVI",)).get
                    == "shipbob tells of it no more: nothing is published of it"
                )

            await until(suspended)
            assert await shown(world, "SUN-AVI") == 50
            await count(world, "SWT-NAV-M", 18)
            await until(_shows(world, "SWT-NAV-M", 18))
            assert hub.ledger.group.reading.execute(said, ("SWT-NAV-M",)).get == ""
            await control(world.urls["shipbob"], "/stock/SUN-AVI", {"missing": False})
            await count(world, "SUN-AVI", 48)
            await until(_shows(world, "SUN-AVI", 48))

    asyncio.run(run())

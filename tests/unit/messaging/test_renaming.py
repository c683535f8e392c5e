"""The store follows a system's new name in one transaction: deliveries, links, lanes, what is counted; nothing leads twice."""

import asyncio
from pathlib import Path

from engine import Engine, event_of

from interlock.messaging.delivery import Want
from interlock.messaging.dispatcher import LEASE_SECONDS
from interlock.messaging.ledger import Filter
from interlock.messaging.renaming import Move
from interlock.messaging.sqlite.renaming import SqliteRenamings
from interlock.messaging.sqlite.stock_book import SqliteStockBook, SqliteStockWork
from interlock.messaging.stock import Item
from interlock.messaging.stock_book import Reserved, Shown, Wish
from interlock.messaging.write import Once

LEADERS = "SELECT sum(head), count(*) FROM delivery WHERE state NOT IN ('done', 'superseded', 'cancelled', 'dead')"
LED = "SELECT destination, key, flow, head FROM delivery WHERE state = 'pending' ORDER BY opened, id"


def test_what_is_queued_and_what_was_written_follow(tmp_path: Path) -> None:
    """Fault case 61: an order that was written under the old name is not created again under the new one."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            await engine.post(event_of("1", 10))
            await engine.run(5)
            engine.erp.fault = lambda _write: "503"
            await engine.post(event_of("2", 10))
            await engine.run(5)
            await engine.dispatcher.retire(frozenset({"erp"}))
            book = SqliteRenamings(engine.ledger.group)
            assert await book.follow([Move("erp", "books")], {"erp": "books"}, engine.clock.now_ms()) == 1
            assert await book.known() == {"erp": "books"}
            named = (
                "SELECT destination FROM delivery UNION SELECT system FROM link UNION SELECT destination FROM minute"
                " UNION SELECT destination FROM breaker"
            )
            assert engine.rows(named) == [("books",)]
            engine.erp.fault = lambda _write: "done"
            engine.systems["books"] = engine.systems.pop("erp")
            engine.release.table["order"] = ()
            await engine.dispatcher.reopen()
            await engine.run(600)
            assert set(engine.states().values()) == {"done"}
            assert engine.systems["books"].duplicates == 0 and len(engine.systems["books"].records) == 2

    asyncio.run(story())


def test_where_two_lanes_meet_one_leads(tmp_path: Path) -> None:
    """Who renamed without a word and declared it later has both: the earlier delivery goes first, the other follows it."""

    async def story() -> None:
        async with Engine(tmp_path, systems=("erp", "books")) as engine:
            await engine.dispatcher.retire(frozenset({"erp", "books"}))
            await engine.post(event_of("1", 10))
            assert engine.rows(LED) == [("erp", "1", "to-erp", 1), ("books", "1", "to-books", 1)]
            book = SqliteRenamings(engine.ledger.group)
            await book.follow([Move("erp", "books")], {"erp": "books"}, engine.clock.now_ms())
            assert engine.rows(LED) == [("books", "1", "to-erp", 1), ("books", "1", "to-books", 0)]

    asyncio.run(story())


def test_every_table_that_names_a_destination_is_followed(tmp_path: Path) -> None:
    """A table that a later version adds is followed without a word here; those that must be among them are."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            book = SqliteRenamings(engine.ledger.group)
            found = {row[0] for row in engine.ledger.group.connection.execute(book._sql["tables"])}
            assert {"delivery", "dead_letter", "breaker", "minute"} <= found

    asyncio.run(story())


def test_a_lane_keeps_its_leader(tmp_path: Path) -> None:
    """One that was replayed stands behind what leads, though it is older: a renaming must not leave the lane without one,
    for then nothing of it would ever be claimed."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            engine.release.table["order"] = (Want(flow="signals", destination="erp", signal="made"),)
            await engine.post(event_of("1", 10))
            await engine.run(5)
            engine.erp.fault = lambda _write: "503"
            engine.release.table["order"] = (Want(flow="to-erp", destination="erp"),)
            await engine.post(event_of("1", 11))
            await engine.dispatcher.retire(frozenset({"erp"}))
            await engine.ledger.replay(
                Filter(flow="signals"), by="ada", why="again", release="same", now_ms=engine.clock.now_ms()
            )
            assert engine.rows(LEADERS) == [(1, 2)]
            book = SqliteRenamings(engine.ledger.group)
            await book.follow([Move("erp", "books")], {"erp": "books"}, engine.clock.now_ms())
            assert engine.rows(LEADERS) == [(1, 2)], "one leads, of two that are open"

    asyncio.run(story())


def test_what_has_no_place_under_the_new_name_leaves_no_lane_without_a_leader(tmp_path: Path) -> None:
    """Who renamed without a word and declared it later has the same flow's delivery under both names: what comes along is
    led, and what cannot is handed on where it is."""

    async def story() -> None:
        async with Engine(tmp_path, systems=("erp", "books")) as engine:
            await engine.dispatcher.retire(frozenset({"erp", "books"}))
            to = engine.release.table
            to["order"] = (Want(flow="orders", destination="books"),)
            await engine.post(event_of("1", 10))
            await engine.ledger.discard(Filter(flow="orders"), by="ada", why="a test", now_ms=engine.clock.now_ms())
            to["order"] = tuple(Want(flow=flow, destination="erp") for flow in ("orders", "bills"))
            await engine.post(event_of("1", 11))
            book = SqliteRenamings(engine.ledger.group)
            await book.follow([Move("erp", "books")], {"erp": "books"}, engine.clock.now_ms())
            leads = dict(engine.rows("SELECT destination, sum(head) FROM delivery WHERE state = 'pending' GROUP BY 1"))
            assert leads == dict.fromkeys(leads, 1)

    asyncio.run(story())


def test_a_call_that_a_renaming_waits_for_keeps_its_claim(tmp_path: Path) -> None:
    """A call may outlast its lease: until it has ended its delivery is nobody else's, or what became of it would be
    unknown for ever (and a person's, where nobody can find out)."""

    async def story() -> None:
        async with Engine(tmp_path, Once.HAND) as engine:
            engine.erp.latency_seconds = 2.5 * LEASE_SECONDS
            await engine.post(event_of("1", 10))
            await engine.run(1)
            retiring = asyncio.ensure_future(engine.dispatcher.retire(frozenset({"erp"})))
            await engine.run(2 * LEASE_SECONDS)
            assert (await engine.upkeep.rescue(), engine.dispatcher.in_flight(), retiring.done()) == (0, 1, False)
            await engine.run(LEASE_SECONDS)
            await retiring
            assert engine.states() == {"1@erp": "done"}

    asyncio.run(story())


def test_the_stock_of_a_channel_follows_its_name(tmp_path: Path) -> None:
    """What a renamed channel shows, has sold and is waiting for stays known: nothing is written anew, nothing sold is forgotten."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            book = SqliteStockBook(engine.ledger.group)

            def keep(work: SqliteStockWork) -> None:
                work.show(Shown(channel="erp", place="1", sku="TEE-1", flow="stock", seen=7))
                work.reserve(Reserved(sku="TEE-1", channel="erp", sale="5", place="", quantity=2, version=1, accepted_us=1))
                work.list_items("erp", [Item(item="i", sku="TEE-1")], 1)
                work.wish(Wish(flow="stock", system="wms", channel="erp", sku="TEE-1", place="1", release="r"), 1)

            await book.run(keep)
            renamings = SqliteRenamings(engine.ledger.group)
            assert await renamings.follow([Move("erp", "books")], {"erp": "books"}, engine.clock.now_ms()) == 1
            assert engine.rows("SELECT destination FROM delivery") == [("stock:books",)]
            shown = book.look(lambda work: work.shown("books", "1", "TEE-1"))
            assert shown is not None and shown.seen == 7
            assert [line.channel for line in book.look(lambda work: work.reserved("TEE-1"))] == ["books"]
            assert book.look(lambda work: work.items_of("books", "TEE-1")) == ("i",)

    asyncio.run(story())

"""A commit beside the loop: who gives up waiting for it ends nothing, and whatever it comes to is told."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest
from engine import START_MS, event_of
from held import Held

from interlock.errors import StoreError
from interlock.messaging.delivery import Begun, Delivery, Intent, Want
from interlock.messaging.ledger import Routed
from interlock.messaging.outcome import Done
from interlock.messaging.sqlite import group_commit
from interlock.messaging.sqlite.connect import open_store
from interlock.messaging.sqlite.group_commit import GroupCommit
from interlock.messaging.sqlite.ledger import SqliteLedger
from interlock.messaging.write import Once, Write

COUNT = "SELECT count(*) FROM piece"


def piece(connection: apsw.Connection) -> int:
    connection.execute("INSERT INTO piece DEFAULT VALUES")
    return connection.last_insert_rowid()


@asynccontextmanager
async def opened(folder: Path, beside: Executor) -> AsyncIterator[GroupCommit]:
    connection = open_store(folder / "store.db")
    connection.execute("CREATE TABLE piece (id INTEGER PRIMARY KEY)")
    group = GroupCommit(connection, "test", beside)
    yield group


def count(folder: Path) -> int:
    found = apsw.Connection(str(folder / "store.db")).execute(COUNT).get
    return int(found)


@pytest.fixture(autouse=True)
def _every_commit_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "COMMITTED_BESIDE_FROM", 1)


def test_who_gives_up_waiting_for_a_commit_ends_nothing(tmp_path: Path) -> None:
    """A hub that closes cancels its upkeep, which may wait for this commit: the store closes well all the same, and what
    was asked meanwhile is committed."""

    async def story() -> None:
        beside = Held()
        async with opened(tmp_path, beside) as group:
            first = group.run(piece)
            await asyncio.sleep(0)
            second = group.run(piece)
            checkpoint = asyncio.ensure_future(group.checkpoint())
            await asyncio.sleep(0)
            checkpoint.cancel()
            closing = asyncio.ensure_future(group.close())
            await asyncio.sleep(0)
            beside.commit()
            assert await first == 1
            while not beside.asked:  # noqa: ASYNC110
                await asyncio.sleep(0)
            beside.commit()
            assert await second == 2
            await closing
        assert count(tmp_path) == 2

    asyncio.run(asyncio.wait_for(story(), 60))


def test_what_is_not_committed_yet_is_not_read(tmp_path: Path) -> None:
    """A commit that is under way may still fail: nobody acts on what it holds before it has ended."""

    async def story() -> None:
        beside = Held()
        async with opened(tmp_path, beside) as group:
            asked = group.run(piece)
            await asyncio.sleep(0)
            assert (group.reading.execute(COUNT).get, asked.done()) == (0, False)
            beside.commit()
            await asked
            assert group.reading.execute(COUNT).get == 1
            await group.close()

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_busy_store_is_checkpointed(tmp_path: Path) -> None:
    """Between one commit and the next there is a moment for it, also when work is always waiting: else the log only grows."""

    async def story() -> None:
        beside = Held()
        async with opened(tmp_path, beside) as group:
            asked = [group.run(piece)]
            await asyncio.sleep(0)
            asked.append(group.run(piece))
            checkpoint = asyncio.ensure_future(group.checkpoint())
            await asyncio.sleep(0)
            beside.commit()
            await asked[0]
            for _ in range(10):
                await asyncio.sleep(0)
            assert beside.asked, "the next commit is under way"
            assert checkpoint.done()
            beside.commit()
            await asked[1]
            await group.close()

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_commit_that_ends_in_any_way_is_told(tmp_path: Path) -> None:
    """Memory can run out in a thread as well: who waits must not wait for ever, and the store is trusted no more."""

    class Failing:
        def __init__(self, connection: apsw.Connection) -> None:
            self.connection = connection

        def __getattr__(self, name: str) -> Any:
            return getattr(self.connection, name)

        def execute(self, text: str, *given: Any) -> Any:
            if text == "COMMIT":
                raise MemoryError
            return self.connection.execute(text, *given)

    async def story() -> None:
        beside = Held()
        async with opened(tmp_path, beside) as group:
            group.connection = Failing(group.connection)  # type: ignore[assignment]
            told: list[StoreError] = []
            group.on_break(told.append)
            asked = group.run(piece)
            await asyncio.sleep(0)
            beside.commit()
            with pytest.raises(StoreError):
                await asked
            assert group.broken is not None and told == [group.broken]
            await group.close()
        assert count(tmp_path) == 0

    asyncio.run(asyncio.wait_for(story(), 60))


def customer(delivery: Delivery, name: bytes) -> Intent:
    write = Write(
        operation="customer", once=Once.UPSERT, reference="IL-C1", body=name, object="customer", key="C1",
        quiet_period_seconds=60.0,
    )  # fmt: skip
    return Intent(
        delivery=delivery, write=write, version=1, event=1, idempotency_key="k", content_hash=write.content_hash,
        begun_ms=START_MS, latest_send_ms=START_MS + 5_000,
    )  # fmt: skip


def test_an_answer_that_is_not_committed_yet_is_no_open_call(tmp_path: Path) -> None:
    """Two orders of one customer, one after the other: the first one's answer is known, though its commit is under way;
    the second need not wait for it to land."""

    async def story() -> None:
        beside = Held()
        beside.holding = False
        ledger = SqliteLedger(tmp_path / "ledger.db", START_MS, beside=beside)
        events = [event_of("1", 10), event_of("2", 10)]
        routed = [Routed(event=event, wants=(Want(flow="to-erp", destination="erp"),)) for event in events]
        await ledger.route("router", 2, routed, START_MS)
        first, second = await ledger.claim("erp", worker="w", limit=2, now_ms=START_MS, lease_ms=15_000)
        begun = (await ledger.begin([customer(first, b"Ada")]))[0]
        assert isinstance(begun, Begun)
        assert await ledger.landing(customer(second, b"Ada L.")) == START_MS + 65_000, "nobody knows of an answer yet"
        beside.holding = True
        recorded = ledger.record(begun.attempt, customer(first, b"Ada"), Done(external_id="7"), START_MS + 100)
        await asyncio.sleep(0)
        landing = asyncio.ensure_future(ledger.landing(customer(second, b"Ada L.")))
        await asyncio.sleep(0)
        beside.holding = False
        beside.commit()
        await recorded
        assert await landing is None
        await ledger.close()

    asyncio.run(asyncio.wait_for(story(), 60))

"""A commit beside the loop: who gives up waiting for it ends nothing, and whatever it comes to is told."""

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from interlock.errors import StoreError
from interlock.messaging.sqlite import group_commit
from interlock.messaging.sqlite.connect import open_store
from interlock.messaging.sqlite.group_commit import GroupCommit

COUNT = "SELECT count(*) FROM piece"


class Held(Executor):
    """Commits when it is told to."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def submit(self, work: Any, /, *_given: Any, **_named: Any) -> Future[Any]:
        self.asked.append(work)
        return Future()

    def commit(self) -> None:
        """In a thread of its own, as in a hub."""
        thread = threading.Thread(target=self.asked.pop(0))
        thread.start()
        thread.join()


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

    asyncio.run(asyncio.wait_for(story(), 5))


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

    asyncio.run(asyncio.wait_for(story(), 5))

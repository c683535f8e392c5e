"""What every Inbox promises. Another engine joins by one entry in ENGINES."""

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from interlock.errors import StoreError
from interlock.messaging.event import Event
from interlock.messaging.inbox import Inbox
from interlock.messaging.sqlite import group_commit
from interlock.messaging.sqlite.inbox import SqliteInbox

Open = Callable[[Path], Inbox]


def sqlite(folder: Path) -> Inbox:
    return SqliteInbox(folder / "inbox.db", 0)


def sqlite_beside(folder: Path) -> Inbox:
    """Every commit in a thread, however small."""
    return SqliteInbox(folder / "inbox.db", 0, beside=ThreadPoolExecutor(1))


ENGINES: dict[str, Open] = {"sqlite": sqlite, "sqlite, committed beside the loop": sqlite_beside}
DAY_MS = 86_400_000


@pytest.fixture(params=ENGINES, name="open_inbox")
def _open_inbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setattr(group_commit, "COMMITTED_BESIDE_FROM", 1)
    return ENGINES[request.param]


def event(
    key: str = "1", version: int = 1, body: bytes = b"{}", *, at_ms: int = 1_000, event_id: str = "e1", topic: str = "t"
) -> Event:
    return Event(
        system="shop", dialect="test", topic=topic, object="order", key=key, version=version, complete=True, event_id=event_id,
        facts=("orders/create", "refunds/create#7"), flags=("late",), received_at_ms=at_ms, release="r1",
        sha256=hashlib.sha256(body).digest(), body=body,
    )  # fmt: skip


def test_what_is_appended_comes_back_after_a_restart(tmp_path: Path, open_inbox: Open) -> None:
    """An acknowledged event is on the disk, with every field."""

    async def story() -> None:
        inbox = open_inbox(tmp_path)
        positions = [(await inbox.append(event(str(n)))).position for n in range(5)]
        await inbox.close()
        again = open_inbox(tmp_path)
        assert [found.position for found in await again.read(0, 10)] == positions == sorted(positions)
        assert [found.key for found in await again.read(positions[1], 2)] == ["2", "3"]
        found = (await again.get([positions[0], 999]))[positions[0]]
        expected = event("0")
        expected.position = positions[0]
        assert found == expected
        assert await again.head() == positions[-1]
        await again.close()

    asyncio.run(story())


def test_a_fact_is_kept_once(tmp_path: Path, open_inbox: Open) -> None:
    """C01: the same signed content is one event under whatever id, also when it arrives many times at once."""

    async def story() -> None:
        inbox = open_inbox(tmp_path)
        answers = await asyncio.gather(*(inbox.append(event(event_id=f"e{n}")) for n in range(20)))
        assert sum(answer.new for answer in answers) == 1
        assert len({answer.position for answer in answers}) == 1
        assert (await inbox.append(event(body=b"[]"))).new, "other content of the same version is another fact"
        assert await inbox.head() == len(await inbox.read(0, 10)) == 2
        await inbox.close()

    asyncio.run(story())


def test_sightings_tell_how_a_repeat_differed(tmp_path: Path) -> None:
    """A replayed or re-labelled arrival leaves a trace."""

    async def story() -> None:
        inbox = SqliteInbox(tmp_path / "inbox.db", 0)
        await inbox.append(event())
        await inbox.append(event())
        await inbox.append(event(event_id="e2", topic="other"))
        flags = inbox.group.connection.execute("SELECT flags FROM sighting ORDER BY rowid").fetchall()
        assert flags == [("same-event",), ("other-event-id other-topic",)]
        await inbox.close()

    asyncio.run(story())


@pytest.mark.parametrize("days", [1 / 24, 25 / 24, 8, 60])
def test_a_late_repeat_is_known_after_trimming(tmp_path: Path, open_inbox: Open, days: float) -> None:
    """Fault case 8: keys outlive bodies, so a repeat after an hour or two months opens nothing."""

    async def story() -> None:
        inbox = open_inbox(tmp_path)
        first = await inbox.append(event())
        later = round(days * DAY_MS) + 2_000
        assert await inbox.trim(later, first.position + 1, 100) == 1
        assert (await inbox.get([first.position]))[first.position].body is None
        assert await inbox.append(event(at_ms=later)) == type(first)(first.position, False)
        await inbox.close()

    asyncio.run(story())


def test_trim_keeps_what_is_needed(tmp_path: Path, open_inbox: Open) -> None:
    """Neither a young body nor one at or above `keep_from` is forgotten."""

    async def story() -> None:
        inbox = open_inbox(tmp_path)
        for n, at_ms in enumerate((1, 2, 3, 1_000)):
            await inbox.append(event(str(n), at_ms=at_ms))
        assert await inbox.trim(500, 3, 100) == 2
        assert [found.body is None for found in await inbox.read(0, 10)] == [True, True, False, False]
        await inbox.close()

    asyncio.run(story())


def test_damage_is_found(tmp_path: Path) -> None:
    """A body that is not the accepted one is never handed out: STO003, not a wrong order."""

    async def story() -> None:
        inbox = SqliteInbox(tmp_path / "inbox.db", 0)
        await inbox.append(event(body=b'{"total": "414.95"}'))
        await inbox.close()
        connection = apsw.Connection(str(tmp_path / "inbox.db"))
        connection.execute("UPDATE event SET body = ?", (b'{"total": "914.95"}',))
        connection.close()
        again = SqliteInbox(tmp_path / "inbox.db", 0)
        with pytest.raises(StoreError) as caught:
            await again.get([1])
        assert caught.value.code == "STO003"
        (damaged,) = await again.read(0, 10)
        assert damaged.body is None, "the router goes on, past it"
        await again.close()

    asyncio.run(story())


def test_news_is_announced_after_the_commit(tmp_path: Path, open_inbox: Open) -> None:
    """The router is woken when there is something to read, not before."""

    async def story() -> None:
        inbox = open_inbox(tmp_path)
        woken: list[int] = []
        inbox.on_append(lambda: woken.append(1))
        await inbox.append(event())
        assert woken
        await inbox.close()

    asyncio.run(story())

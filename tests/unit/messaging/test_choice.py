"""A choice of deliveries means the same wherever it stands, and a replay that holds discarded ones comes to its end."""

import asyncio
from pathlib import Path

from engine import START_MS, Engine, event_of, scripted

from interlock.messaging.ledger import Filter
from interlock.messaging.sqlite.views import SqliteViews
from interlock.messaging.write import Once

LATER_MS = START_MS + 1


def test_since_chooses_the_same_in_a_list_and_in_a_replay(tmp_path: Path) -> None:
    """By when the event was received: what the operator sees in the list is what the replay takes."""

    async def story() -> None:
        async with Engine(tmp_path, Once.UPSERT) as engine:
            engine.erp.fault = scripted("503", "503")
            await engine.post(event_of("1", 10))
            await engine.run(600)  # it ends long after it was received
            views = SqliteViews(tmp_path / "ledger.db", tmp_path / "inbox.db")
            try:
                for since_ms, count in ((START_MS, 1), (LATER_MS, 0)):
                    chosen = Filter(since_ms=since_ms)
                    assert len(await views.deliveries(chosen)) == count
                    assert (await engine.ledger.preview(chosen)).count == count
                assert len(await views.deliveries(Filter(changed_since_ms=LATER_MS))) == 1
            finally:
                views.close()

    asyncio.run(story())


def test_replay_whose_deliveries_are_discarded_is_finished(tmp_path: Path) -> None:
    """It was watched for ever: what a person discarded meanwhile counted as neither done nor failed."""

    async def story() -> None:
        async with Engine(tmp_path, Once.UPSERT) as engine:
            engine.erp.fault = lambda _write: "refused"
            await engine.post(event_of("1", 10))
            await engine.run(1)
            now_ms = engine.clock.now_ms()
            replay = await engine.ledger.replay(
                Filter(states=("dead",)), by="ann", why="x", release="same", now_ms=now_ms
            )
            await engine.ledger.discard(Filter(key="1"), by="ann", why="x", now_ms=now_ms)
            views = SqliteViews(tmp_path / "ledger.db", tmp_path / "inbox.db")
            try:
                progress = await views.replay(replay)
            finally:
                views.close()
            assert progress is not None
            assert (progress.finished, progress.total, progress.destinations[0].cancelled) == (1, 1, 1)

    asyncio.run(story())

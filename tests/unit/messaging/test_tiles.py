"""What a tile counts: the ledger's minutes hold the unchanged among the done, and no delivery may be counted twice."""

import asyncio
from pathlib import Path

from engine import START_MS, Engine

from interlock.messaging.sqlite.views import SqliteViews
from interlock.messaging.views import Window


def test_what_had_nothing_to_write_is_counted_once(tmp_path: Path) -> None:
    """10 ended well, 4 of them unchanged, and 2 died: 6 + 4 of 12, not 10 + 4 of 16."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            values = (START_MS // 60_000, 10, 4, 2, 0, 100, 100)
            engine.ledger.group.connection.execute(
                "INSERT INTO minute VALUES ('to-erp', 'erp', ?, ?, ?, ?, ?, ?, ?)", values
            )
            views = SqliteViews(tmp_path / "ledger.db", tmp_path / "inbox.db")
            (tile,) = await views.flow_tiles(Window(since_ms=START_MS, until_ms=START_MS + 60_000, buckets=1))
            views.close()
            assert (tile.done, tile.unchanged, tile.dead, tile.success_share) == (6, 4, 2, 10 / 12)
            assert [point.done for point in tile.series] == [10]

    asyncio.run(story())

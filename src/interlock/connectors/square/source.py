"""Square as a source: the counts of stores whose stock is kept at the till."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from interlock.connectors.contract import Connection, Refused, Retry, stock
from interlock.connectors.square import catalogue, news
from interlock.connectors.square.calls import Body, Calls
from interlock.connectors.square.counts import CountPage, counts_of, level_of, page_of, text_of


class _Place(msgspec.Struct, array_like=True):
    """Where a reading stands: the newest change that its first page had, and Square's cursor."""

    newest: int
    cursor: str


class SquareStock:
    """One seller's counts, of some locations or of all."""

    def __init__(self, connection: Connection) -> None:
        settings = connection.settings
        self._calls = Calls(connection)
        self._locations = [str(one) for one in settings.get("locations") or ()]
        self._overlap_us = round(float(settings["changed_overlap_seconds"]) * 1_000_000)

    async def items(self, after: str, *, timeout_seconds: float) -> stock.ItemPage | Retry | Refused:
        """All variations."""
        return await catalogue.items(self._calls, after, timeout_seconds)

    async def levels(self, after: str, *, timeout_seconds: float) -> stock.LevelPage | Retry | Refused:
        """All counts."""
        return await self._page({}, 0, after, timeout_seconds)

    async def changed(self, cursor: str, after: str, *, timeout_seconds: float) -> stock.LevelPage | Retry | Refused:
        """The counts that changed since; a change is seen when it is stored, which may be after its time."""
        since = int(cursor) if cursor.isdecimal() else 0
        body: Body = {"updated_after": text_of(max(0, since - self._overlap_us))} if since else {}
        return await self._page(body, since, after, timeout_seconds)

    async def read(self, items: Sequence[str], *, timeout_seconds: float) -> tuple[stock.Level, ...] | Retry | Refused:
        """The counts of some variations at all their locations."""
        if not items:
            return ()
        found = await counts_of(self._calls, items, self._locations, self._calls.deadline(timeout_seconds))
        return tuple(map(level_of, found.values())) if isinstance(found, dict) else found

    def told(self, topic: str, body: bytes) -> stock.Told:
        """What a webhook says."""
        return news.told(topic, body)

    async def _page(
        self, body: Body, since: int, after: str, timeout_seconds: float
    ) -> stock.LevelPage | Retry | Refused:
        """Newest first, so the first page has the cursor to save: what changes while the rest is read is newer than it."""
        place = msgspec.json.decode(after, type=_Place) if after else _Place(since, "")
        asked = body | ({"location_ids": self._locations} if self._locations else {})
        page = await page_of(self._calls, asked, place.cursor, self._calls.deadline(timeout_seconds))
        if not isinstance(page, CountPage):
            return page
        newest = place.newest if after else max([since, *(one.at_us for one in page.counts)])
        levels = tuple(map(level_of, page.counts))
        if not page.cursor:
            return stock.LevelPage(levels=levels, cursor=str(newest))
        following = msgspec.json.encode(_Place(newest, page.cursor)).decode()
        return stock.LevelPage(levels=levels, after=following, cursor="")

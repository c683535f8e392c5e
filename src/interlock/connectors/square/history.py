"""Looks for our own writes in Square's history, by the mark in their reference_id: what tells that a write has counted, also
when its key is forgotten.

A look begins when the lines first went out: before that nothing of theirs can have counted. What an item that sells without a
pause has since then may still be more than one call has time for: the next call of the same lines goes on where this one ended.
Facts: api.json BatchRetrieveInventoryChanges (updated_after and updated_before by created_at, location_ids, 1000 a page, oldest
first by occurred_at; `states` does not tell sales from other adjustments), InventoryAdjustment.reference_id. Square does
not say how long it remembers a key (developer.squareup.com/forums/t/28303), nor a cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from interlock.connectors.contract import Refused, Retry, stock
from interlock.connectors.square.calls import Body, Calls, Deadline
from interlock.connectors.square.counts import text_of
from interlock.connectors.square.writing import MARK

PATH: Final = "/v2/inventory/changes/batch-retrieve"
BACK_US: Final = 3 * 24 * 3600 * 1_000_000
"""So far back is looked at most: longer than anything is sent again."""
CLOCKS_APART_US: Final = 300 * 1_000_000
"""So far our clock, or a source's, and Square's may be apart."""
PAGE: Final = 1000
UNKNOWN_CURSOR: Final = "INVALID_CURSOR"
LOOKS_KEPT: Final = 64
"""Looks that wait for more time. One that is forgotten begins anew."""


class _Recorded(msgspec.Struct):
    reference_id: str | None = None


class _Entry(msgspec.Struct):
    physical_count: _Recorded | None = None
    adjustment: _Recorded | None = None


class _Page(msgspec.Struct):
    changes: list[_Entry] | None = None
    cursor: str | None = None


class _Look(msgspec.Struct):
    """How far a look is."""

    body: Body
    cursor: str = ""
    found: set[str] = msgspec.field(default_factory=set)


class History:
    """The history of one seller."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._looks: dict[tuple[str, ...], _Look] = {}

    async def marks(self, lines: Sequence[stock.Line], key: str, deadline: Deadline) -> set[str] | Retry | Refused:
        """The marks of all writes to the places of these lines since they went out under this key. When the time does not
        suffice, Retry: the same lines under the same key go on from there."""
        name = (key, *sorted({line.place.item for line in lines}))
        look = self._looks.pop(name, None) or _Look(_asked(lines, self._calls.now_us()))
        while True:
            page = await self._page(look, deadline)
            if not isinstance(page, _Page):
                self._keep(name, look)
                return page
            look.found |= {mark for entry in page.changes or () if (mark := _mark(entry))}
            if not page.cursor:
                return look.found
            look.cursor = page.cursor

    async def _page(self, look: _Look, deadline: Deadline) -> _Page | Retry | Refused:
        """The next; a cursor that Square knows no more is given up, and all is read again."""
        page = await self._read(look, deadline)
        if isinstance(page, Retry) and page.code == UNKNOWN_CURSOR:
            look.cursor = ""
            page = await self._read(look, deadline)
        return page

    async def _read(self, look: _Look, deadline: Deadline) -> _Page | Retry | Refused:
        body = look.body | ({"cursor": look.cursor} if look.cursor else {})
        return await self._calls.read("POST", PATH, body, _Page, deadline)

    def _keep(self, name: tuple[str, ...], look: _Look) -> None:
        self._looks[name] = look
        while len(self._looks) > LOOKS_KEPT:
            self._looks.pop(next(iter(self._looks)))


def _asked(lines: Sequence[stock.Line], now_us: int) -> Body:
    since_us = min(line.sent_us for line in lines) - CLOCKS_APART_US
    return {
        "catalog_object_ids": sorted({line.place.item for line in lines}),
        "location_ids": sorted({line.place.location for line in lines}),
        "updated_after": text_of(max(since_us, now_us - BACK_US)), "limit": PAGE,
    }  # fmt: skip


def _mark(entry: _Entry) -> str:
    recorded = entry.physical_count or entry.adjustment
    _, sign, mark = ((recorded.reference_id if recorded else "") or "").rpartition(MARK)
    return sign + mark

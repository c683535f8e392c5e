"""Looks for our own writes in Square's history, by the mark in their reference_id: what tells that a write has counted, also
when its key is forgotten.

Facts: api.json BatchRetrieveInventoryChanges (updated_after, 1000 a page), InventoryAdjustment.reference_id. Square does
not say how long it remembers a key (developer.squareup.com/forums/t/28303).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from interlock.connectors.contract import Refused, Retry
from interlock.connectors.square.calls import Body, Calls, Deadline
from interlock.connectors.square.counts import text_of
from interlock.connectors.square.writing import MARK

PATH: Final = "/v2/inventory/changes/batch-retrieve"
BACK_US: Final = 3 * 24 * 3600 * 1_000_000
"""So far back is looked: longer than anything is sent again."""
PAGE: Final = 1000


class _Recorded(msgspec.Struct):
    reference_id: str | None = None


class _Entry(msgspec.Struct):
    physical_count: _Recorded | None = None
    adjustment: _Recorded | None = None


class _Page(msgspec.Struct):
    changes: list[_Entry] | None = None
    cursor: str | None = None


async def marks(calls: Calls, items: Sequence[str], deadline: Deadline) -> set[str] | Retry | Refused:
    """The marks of all our writes to these items of late."""
    since = text_of(calls.now_us() - BACK_US)
    body: Body = {"catalog_object_ids": sorted(set(items)), "updated_after": since, "limit": PAGE}
    found: set[str] = set()
    while True:
        page = await calls.read("POST", PATH, body, _Page, deadline)
        if not isinstance(page, _Page):
            return page
        found |= {mark for entry in page.changes or () if (mark := _mark(entry))}
        if not page.cursor:
            return found
        body = body | {"cursor": page.cursor}


def _mark(entry: _Entry) -> str:
    recorded = entry.physical_count or entry.adjustment
    _, sign, mark = ((recorded.reference_id if recorded else "") or "").rpartition(MARK)
    return sign + mark

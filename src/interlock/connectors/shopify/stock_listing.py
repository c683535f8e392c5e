"""Lists what every place of a store shows: by one bulk operation whose result is read as it comes, or page by page.

A bulk operation has no limit of size and costs few points; pages answer at once but end at 25,000 places of a location (F24,
F26, C62). The cursor says all that is needed to go on: after a restart the same operation's result is read on, nothing twice.
"""

from __future__ import annotations

import datetime as dt
import importlib.resources
from collections.abc import AsyncGenerator, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from interlock.connectors.contract import Answer, Http, Lane, Refused, Retry, stock
from interlock.connectors.shopify.body import EPOCH, micros
from interlock.connectors.shopify.bulk import SILENCE_SECONDS, broken_result, bulk_state
from interlock.connectors.shopify.graphql import Admin
from interlock.connectors.shopify.reply import as_reading
from interlock.connectors.shopify.shape import number
from interlock.connectors.shopify.stock_lines import gid

BULK, PAGES = "bulk", "pages"
PLACES_PER_PAGE: Final = 500
OPERATIONS_MAX: Final = 3
"""So many bulk operations are begun for one listing; a store that fails them all is asked again later."""
LOOK_SECONDS: Final = 1.0
LOCATION_PAGES_MAX: Final = 20
PLACES_PER_CURSOR: Final = 25_000

Node = Mapping[str, Any]
Listed = stock.SeenPage | Retry | Refused


class _Cursor(msgspec.Struct, frozen=True):
    """Where a listing is. Bulk: operation (its number), line, and which attempt it is; pages: location and its cursor."""

    way: str
    name: str = ""
    at: str = ""
    count: int = 0

    def __str__(self) -> str:
        return f"{self.way} {self.name} {self.count} {self.at}"


def _cursor(text: str) -> _Cursor:
    way, name, count, at = text.split(" ", 3)
    return _Cursor(way, name, at, int(count))


class _Id(msgspec.Struct, gc=False):
    id: str


class _Quantity(msgspec.Struct, gc=False):
    quantity: int


class _Line(msgspec.Struct, gc=False, rename="camel"):
    """A line of a result: a place, or the item that it is of, which has no parent."""

    parent: str = msgspec.field(default="", name="__parentId")
    updated_at: dt.datetime = EPOCH
    location: _Id | None = None
    quantities: tuple[_Quantity, ...] = ()

    def seen(self) -> stock.Seen:
        """What the place shows."""
        assert self.location is not None, "the query asks for the location of each place"
        place = stock.Place(self.parent.rpartition("/")[2], self.location.id.rpartition("/")[2])
        return stock.Seen(place=place, quantity=self.quantities[0].quantity, at_us=micros(self.updated_at))


NO_PLACE: Final = _Line()
_decode = msgspec.json.Decoder(_Line).decode


def _decode_line(text: bytes) -> _Line | Retry:
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Retry(code="RESULT_NOT_READ", message="a line of the result is cut or no level")


class StockListing:
    """One store's places. It keeps the result open between two pages, so that it is fetched once."""

    def __init__(self, admin: Admin, http: Http, way: str) -> None:
        self._admin, self._http, self._way = admin, http, way
        self._stream: AsyncGenerator[bytes | Answer, None] | None = None
        self._stream_at = ("", 0)
        self._locations: list[int] = []

    async def page(self, after: str, timeout_seconds: float) -> Listed:
        """The next page; Retry while a bulk operation runs."""
        if not after:
            return await (
                self._begun(1, timeout_seconds) if self._way == BULK else self._first_location(timeout_seconds)
            )
        cursor = _cursor(after)
        return await (self._result if cursor.way == BULK else self._of_location)(cursor, timeout_seconds)

    # -- by a bulk operation

    async def _begun(self, attempt: int, timeout_seconds: float) -> Listed:
        """An empty page whose cursor names the operation. One whose answer was lost runs beside: it reads, and harms
        nothing."""
        asked = {"query": _bulk_text()}
        said = await self._admin.change("bulk_begin", asked, timeout_seconds=timeout_seconds, lane=Lane.BACKFILL)
        if not isinstance(said, dict):
            return as_reading(said)
        operation = said["bulkOperationRunQuery"]["bulkOperation"]["id"]
        return _page([], _Cursor(BULK, str(number(operation)), "0", attempt))

    async def _result(self, cursor: _Cursor, timeout_seconds: float) -> Listed:
        if self._stream is None or self._stream_at != (cursor.name, int(cursor.at)):
            stopped = await self._opened(cursor, timeout_seconds)
            if stopped is not None:
                return stopped
        return await self._lines(cursor)

    async def _opened(self, cursor: _Cursor, timeout_seconds: float) -> Listed | None:
        """Open the result at the cursor's line; what stands against it, if anything does."""
        await self._closed()
        operation = gid("BulkOperation", cursor.name)
        said = await self._admin.run(
            "bulk_look", {"id": operation}, timeout_seconds=timeout_seconds, lane=Lane.BACKFILL
        )
        if not isinstance(said, dict):
            return said
        state = bulk_state(said["bulkOperation"] or {"id": operation, "status": "EXPIRED"})
        if state.state == "running":
            words = f"the store works on its listing, {state.count} items so far"
            return Retry(code=stock.IN_WORK, message=words, retry_after_seconds=LOOK_SECONDS)
        if state.state != "done":
            return await self._anew(cursor, f"{state.state} {state.code}".strip(), timeout_seconds)
        if not state.url:
            return stock.SeenPage(seen=())
        self._stream = self._http.lines(state.url, silence_seconds=SILENCE_SECONDS)
        for _ in range(int(cursor.at)):
            if await anext(self._stream, None) is None:
                break
        self._stream_at = (cursor.name, int(cursor.at))
        return None

    async def _anew(self, cursor: _Cursor, state: str, timeout_seconds: float) -> Listed:
        """It failed, or its result has died: the next operation begins, and tells every place once more."""
        if cursor.count >= OPERATIONS_MAX:
            words = f"{OPERATIONS_MAX} bulk operations ended without a result ({state}); list the stock again later"
            return Refused(reason="unavailable", code="BULK-FAILED", message=words)
        return await self._begun(cursor.count + 1, timeout_seconds)

    async def _lines(self, cursor: _Cursor) -> Listed:
        """The next places of the open result. An item is a line, and each of its places one that names it."""
        assert self._stream is not None
        seen: list[stock.Seen] = []
        line = int(cursor.at)
        while len(seen) < PLACES_PER_PAGE:
            text = await anext(self._stream, None)
            if text is None:
                await self._closed()
                return stock.SeenPage(seen=tuple(seen))
            if isinstance(text, Answer):
                await self._closed()
                broken = broken_result(text)
                gone = isinstance(broken, Refused) and broken.reason == "gone"
                return await self._anew(cursor, broken.code, SILENCE_SECONDS) if gone else broken
            line += 1
            read = _decode_line(text) if text else NO_PLACE
            if isinstance(read, Retry):
                await self._closed()
                return read
            if read.parent:
                seen.append(read.seen())
        self._stream_at = (cursor.name, line)
        return _page(seen, msgspec.structs.replace(cursor, at=str(line)))

    async def _closed(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()
        self._stream, self._stream_at = None, ("", 0)

    # -- page by page

    async def _first_location(self, timeout_seconds: float) -> Listed:
        stopped = await self._know_locations(timeout_seconds)
        return stopped or _after_location(0, [], self._locations)

    async def _of_location(self, cursor: _Cursor, timeout_seconds: float) -> Listed:
        """A page of one location, then the next location. One that was closed meanwhile shows nothing."""
        if not self._locations and (stopped := await self._know_locations(timeout_seconds)) is not None:
            return stopped
        if cursor.count >= PLACES_PER_CURSOR:
            words = f"a location is listed to {PLACES_PER_CURSOR} places page by page; set stock_listing to bulk"
            return Refused(reason="too_large", code="WINDOW-TOO-LARGE", message=words)
        asked = {"location": gid("Location", cursor.name), "after": cursor.at or None}
        said = await self._admin.run("stock_levels_page", asked, timeout_seconds=timeout_seconds, lane=Lane.BACKFILL)
        if not isinstance(said, dict):
            return said
        if said["location"] is None:
            return _after_location(int(cursor.name), [], self._locations)
        levels = said["location"]["inventoryLevels"]
        seen = [_seen(node["item"]["id"], said["location"]["id"], node) for node in levels["nodes"]]
        if not levels["pageInfo"]["hasNextPage"]:
            return _after_location(int(cursor.name), seen, self._locations)
        return _page(seen, _Cursor(PAGES, cursor.name, levels["pageInfo"]["endCursor"], cursor.count + len(seen)))

    async def _know_locations(self, timeout_seconds: float) -> Retry | Refused | None:
        found: list[int] = []
        after = None
        for _ in range(LOCATION_PAGES_MAX):
            said = await self._admin.run(
                "stock_locations_page", {"after": after}, timeout_seconds=timeout_seconds, lane=Lane.BACKFILL
            )
            if not isinstance(said, dict):
                return said
            found += [number(node["id"]) or 0 for node in said["locations"]["nodes"]]
            after = said["locations"]["pageInfo"]["endCursor"]
            if not said["locations"]["pageInfo"]["hasNextPage"]:
                break
        self._locations = sorted(found)
        return None


def _after_location(done: int, seen: list[stock.Seen], locations: list[int]) -> stock.SeenPage:
    """By their numbers, so that a listing that goes on after a restart takes the same way."""
    following = next((one for one in locations if one > done), None)
    return stock.SeenPage(seen=tuple(seen)) if following is None else _page(seen, _Cursor(PAGES, str(following)))


def _page(seen: list[stock.Seen], cursor: _Cursor) -> stock.SeenPage:
    return stock.SeenPage(seen=tuple(seen), after=str(cursor))


def _seen(item: str, location: str, level: Node) -> stock.Seen:
    return seen_at(stock.Place(str(number(item)), str(number(location))), level)


def seen_at(place: stock.Place, level: Node | None) -> stock.Seen:
    """What a level shows; None is one that does not exist, or is no longer stocked."""
    if level is None:
        return stock.Seen(place=place, stocked=False)
    at = micros(dt.datetime.fromisoformat(level["updatedAt"]))
    return stock.Seen(place=place, quantity=level["quantities"][0]["quantity"], at_us=at)


@cache
def _bulk_text() -> str:
    folder = importlib.resources.files(__package__ or "interlock.connectors.shopify") / "documents" / "bulk"
    text = folder.joinpath("stock_levels.graphql").read_text(encoding="utf-8")
    return text.partition("\n")[2]

"""Counts in NetSuite: balances by item and location over SuiteQL, in pages by key, and what changed by the account's own clock.

Facts: AggregateItemLocation and its columns as in public SuiteQL; a query may have 100,000 results and its order must be
without ambiguity, else pages repeat and miss rows (docs.oracle.com section_157909186990, section_158394344595): so each page
begins behind the last row's key, and has its own end. Times are compared as texts of the account's clock, which is asked in
the same way: no time zone is needed, and when its clock goes back in autumn, so does what is asked for.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, Protocol, TypeVar

import msgspec

from interlock.connectors.contract import Answer, Connection, Outcome, Refused, Retry, SettingsError, stock

SUITEQL: Final = "/services/rest/query/v1/suiteql"
PAGE: Final = 1_000
"""Rows of an answer, the most there are; a page may have fewer when the account says that it has more."""
MOMENT: Final = "YYYY-MM-DD HH24:MI:SS"
PYTHON_MOMENT: Final = "%Y-%m-%d %H:%M:%S"
NOW: Final = f"SELECT TO_CHAR(SYSDATE, '{MOMENT}') AS moment FROM dual"  # noqa: S608 - our own texts
ITEMS: Final = (  # numbers, and a checked column
    "SELECT i.id AS item, {sku} AS sku, i.upccode AS barcode, i.itemtype AS itemtype FROM item i"  # noqa: S608
    " WHERE i.id > {after} AND i.itemtype IN ('InvtPart', 'Assembly', 'Kit') AND i.isinactive = 'F'"
    f" ORDER BY i.id FETCH FIRST {PAGE} ROWS ONLY"
)
BALANCES: Final = (
    "SELECT a.item AS item, a.location AS location, {sku} AS sku, i.upccode AS barcode, BUILTIN.DF(i.stockunit) AS unit,"  # noqa: S608
    " a.quantityonhand AS onhand, a.quantityavailable AS available, a.quantitycommitted AS committed,"
    f" a.quantityonorder AS onorder, TO_CHAR(a.lastquantityavailablechange, '{MOMENT}') AS changed"
    " FROM aggregateItemLocation a INNER JOIN item i ON i.id = a.item"
    " WHERE {only}(a.item > {item} OR (a.item = {item} AND a.location > {location}))"
    f" ORDER BY a.item, a.location FETCH FIRST {PAGE} ROWS ONLY"
)
CHANGED: Final = f"a.lastquantityavailablechange >= TO_TIMESTAMP('{{since}}', '{MOMENT}') AND "
QUANTITIES: Final = {"onhand": "on_hand", "available": "available", "committed": "committed", "onorder": "incoming"}
COLUMN: Final = re.compile(r"[a-z][a-z0-9_]*")

Shape = TypeVar("Shape")
Failed = Retry | Refused


class Client(Protocol):
    """What is needed of the client: calls with its token, and its reading of failures."""

    async def call(
        self, method: str, path: str, body: bytes | None, timeout_seconds: float
    ) -> Answer | Retry | Refused:
        """One call to a record, or to SuiteQL."""

    def not_read(self, answer: Answer) -> Outcome:
        """What a read that failed means."""


class _Item(msgspec.Struct):
    item: int
    sku: str = ""
    barcode: str = ""
    itemtype: str = ""


class _Balance(msgspec.Struct):
    """NetSuite leaves out what is null: nothing has ever been there, which is not zero."""

    item: int
    location: int
    sku: str = ""
    barcode: str = ""
    unit: str = ""
    onhand: Decimal | None = None
    available: Decimal | None = None
    committed: Decimal | None = None
    onorder: Decimal | None = None
    changed: str = ""


class _Moment(msgspec.Struct):
    moment: str


class _Items(msgspec.Struct):
    items: list[_Item]
    has_more: bool = msgspec.field(default=False, name="hasMore")


class _Balances(msgspec.Struct):
    items: list[_Balance]
    has_more: bool = msgspec.field(default=False, name="hasMore")


class _Moments(msgspec.Struct):
    items: list[_Moment]


class _Place(msgspec.Struct, frozen=True):
    """Within a reading: the account's time when it began, since when rows count ("": all), and the last row's key."""

    began: str
    since: str = ""
    item: int = 0
    location: int = 0


class NetSuiteStock:
    """One NetSuite account as a system that counts."""

    read_rest_seconds: Final = 5.0
    """What was sold within so long is one query: an account's few concurrent requests are for its orders first."""

    def __init__(self, client: Client, connection: Connection) -> None:
        self._client = client
        self._clock = connection.clock
        self._overlap = dt.timedelta(seconds=float(connection.settings["changed_overlap_seconds"]))
        self._sku = f"i.{_column(connection.settings['sku_field'], connection.system)}"

    async def items(self, after: str, *, timeout_seconds: float) -> stock.ItemPage | Retry | Refused:
        """Active items that are kept in stock, and kits, which are sold from their parts."""
        query = ITEMS.format(sku=self._sku, after=int(after or 0))
        page = await self._ask(query, _Items, timeout_seconds)
        if not isinstance(page, _Items):
            return page
        further = str(page.items[-1].item) if page.items and _goes_on(page) else ""
        return stock.ItemPage(items=tuple(map(_item, page.items)), after=further)

    async def levels(self, after: str, *, timeout_seconds: float) -> stock.LevelPage | Retry | Refused:
        """All balances; the cursor is the account's time when the reading began."""
        if after:
            return await self._page(msgspec.json.decode(after, type=_Place), timeout_seconds)
        now = await self._now(timeout_seconds)
        return now if not isinstance(now, str) else await self._page(_Place(now), timeout_seconds)

    async def changed(self, cursor: str, after: str, *, timeout_seconds: float) -> stock.LevelPage | Retry | Refused:
        """Balances whose available quantity changed since, and a little before: a change is seen when it is committed,
        which is later than its time. All of them when there is no cursor."""
        if after or not cursor:
            return await self.levels(after, timeout_seconds=timeout_seconds)
        now = await self._now(timeout_seconds)
        if not isinstance(now, str):
            return now
        since = _earlier(min(cursor, now), self._overlap)
        return await self._page(_Place(now, since), timeout_seconds)

    async def read(self, items: Sequence[str], *, timeout_seconds: float) -> tuple[stock.Level, ...] | Retry | Refused:
        """The balances of some items now: at twenty locations, a hundred items are two pages."""
        known = [item for item in items if item.isascii() and item.isdecimal()]
        if not known:
            return ()
        only, place, levels = f"a.item IN ({', '.join(known)}) AND ", _Place(""), list[stock.Level]()
        while True:
            asked_us = self._clock.now_ms() * 1000
            page = await self._balances(only, place, timeout_seconds)
            if not isinstance(page, _Balances):
                return page
            levels += _levels(page, asked_us)
            if not _goes_on(page):
                return tuple(levels)
            place = _behind(place, page)

    def told(self, topic: str, body: bytes) -> stock.Told:  # noqa: ARG002 - NetSuite sends no webhooks
        """Nothing."""
        return stock.Told()

    async def _page(self, place: _Place, timeout_seconds: float) -> stock.LevelPage | Failed:
        only = CHANGED.format(since=place.since) if place.since else ""
        asked_us = self._clock.now_ms() * 1000
        page = await self._balances(only, place, timeout_seconds)
        if not isinstance(page, _Balances):
            return page
        if _goes_on(page):
            further = msgspec.json.encode(_behind(place, page)).decode()
            return stock.LevelPage(levels=_levels(page, asked_us), after=further)
        return stock.LevelPage(levels=_levels(page, asked_us), cursor=place.began)

    async def _balances(self, only: str, place: _Place, timeout_seconds: float) -> _Balances | Failed:
        query = BALANCES.format(sku=self._sku, only=only, item=place.item, location=place.location)
        return await self._ask(query, _Balances, timeout_seconds)

    async def _now(self, timeout_seconds: float) -> str | Failed:
        """The account's time, in its own zone."""
        found = await self._ask(NOW, _Moments, timeout_seconds)
        if not isinstance(found, _Moments):
            return found
        if len(found.items) != 1 or _moment(found.items[0].moment) is None:
            return Retry(code="ANSWER_NOT_UNDERSTOOD", message="NetSuite does not tell its time", status=200)
        return found.items[0].moment

    async def _ask(self, query: str, kind: type[Shape], timeout_seconds: float) -> Shape | Failed:
        """What a query finds. What cannot be read is read again later: a missing number is never taken for zero."""
        body = msgspec.json.encode({"q": query})
        answer = await self._client.call("POST", SUITEQL, body, timeout_seconds)
        if not isinstance(answer, Answer):
            return answer
        try:
            if answer.status == 200 and answer.error is None:
                return msgspec.json.decode(answer.body, type=kind, strict=False)  # numbers come as texts
        except (ValueError, RecursionError) as error:  # not JSON, not this shape, or not UTF-8
            return Retry(code="ANSWER_NOT_UNDERSTOOD", message=f"stock has another shape: {error}", status=200)
        outcome = self._client.not_read(answer)
        assert isinstance(outcome, Retry | Refused)
        return outcome


def _item(row: _Item) -> stock.Item:
    return stock.Item(item=str(row.item), sku=row.sku, barcode=row.barcode, kit=row.itemtype == "Kit")


def _levels(page: _Balances, as_of_us: int) -> tuple[stock.Level, ...]:
    """Balances have no time of their own: they held when they were asked for, or later."""
    return tuple(level for row in page.items if (level := _level(row, as_of_us)).quantities)


def _level(row: _Balance, as_of_us: int) -> stock.Level:
    """In the item's stock unit, by its name, as it is shown in the account; a fraction stays one."""
    told = {name: getattr(row, column) for column, name in QUANTITIES.items()}
    return stock.Level(
        item=str(row.item),
        location=str(row.location),
        quantities={name: amount for name, amount in told.items() if amount is not None},
        sku=row.sku,
        barcode=row.barcode,
        unit=row.unit,
        as_of_us=as_of_us,
        version=row.changed,
    )


def _goes_on(page: _Items | _Balances) -> bool:
    return page.has_more or len(page.items) >= PAGE


def _behind(place: _Place, page: _Balances) -> _Place:
    last = page.items[-1]
    return msgspec.structs.replace(place, item=last.item, location=last.location)


def _earlier(moment: str, overlap: dt.timedelta) -> str:
    at = _moment(moment)
    assert at is not None, moment
    return (at - overlap).strftime(PYTHON_MOMENT)


def _moment(text: str) -> dt.datetime | None:
    """A time of the account's clock, without a zone."""
    try:
        return dt.datetime.strptime(text, PYTHON_MOMENT)  # noqa: DTZ007
    except ValueError:
        return None


def _column(name: Any, system: str) -> str:
    if isinstance(name, str) and COLUMN.fullmatch(name):
        return name
    raise SettingsError(
        f"{name!r} is no field of an item",
        code="CON004",
        where=f"systems/{system}.toml",
        next_move="name the field that holds the SKU: itemid, upccode, or the id of a custom field in lower case",
    )

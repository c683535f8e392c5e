"""Counts at ShipBob: items, levels by fulfilment centre, and what changed, which the history of movements tells in part.

Facts: brianzinn/shipbob-node-sdk openapi-2026-01.json (Inventory.*, FulfillmentCenterInventoryService.*) and README.md at
8a10229. There is no webhook of inventory (Webhooks.Topics), only some that name items whose levels have moved, and no time of a
level; orders show in the levels after about a minute; the history has movements of what is on hand and nothing of what orders
commit, so all is read again now and then.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from interlock.connectors.contract import (
    Answer,
    Connection,
    Manifest,
    Refused,
    Retry,
    classify,
    no_success,
    stock,
)
from interlock.connectors.shipbob.webhooks import moved

PAGE: Final = 250
"""Items of a page: the largest of ShipBob's other lists; the specification names none for inventory."""
IDS_PER_CALL: Final = 150
"""InventoryIds in a call, and so the levels of a page: "the API limits how many", test/shipbob-api-2026-01.spec.ts at 8a10229
of the same SDK, which asks for so many at a live account. ShipBob publishes no number."""
HISTORY_DAYS_MAX: Final = 89
"""The history goes back 90 days (MerchantHistoryRequest.start_date)."""
LOCATIONS_KEPT_SECONDS: Final = 3_600.0
CALLS_PER_SECOND: Final = 150 / 60
SHARE_OF_CALLS: Final = 0.3
"""Asking what changed may take this share of what the account may call; orders need the rest."""
SHARE_OF_READS: Final = 0.1
"""And reading some items again, that were sold, this one."""
EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

Shape = TypeVar("Shape")
Failed = Retry | Refused


class _Variant(msgspec.Struct):
    is_bundle: bool = False
    is_digital: bool = False


class _Item(msgspec.Struct):
    inventory_id: int
    sku: str | None = None
    barcode: str | None = None
    variant: _Variant | None = None


class _Place(msgspec.Struct):
    """Quantities have no defaults: what ShipBob leaves out is not zero."""

    location_id: int
    on_hand_quantity: int
    committed_quantity: int
    fulfillable_quantity: int
    awaiting_quantity: int


class _Levels(msgspec.Struct):
    inventory_id: int
    sku: str | None = None
    locations: list[_Place] | None = None


class _Total(msgspec.Struct):
    inventory_id: int
    total_exception_quantity: int


class _Items(msgspec.Struct):
    items: list[_Item]
    next: str | None = None


class _LevelRows(msgspec.Struct):
    items: list[_Levels]
    next: str | None = None


class _Totals(msgspec.Struct):
    items: list[_Total]


class _Movement(msgspec.Struct):
    inventory_id: int
    inventory_audit_event_id: int
    event_category: str | None = None
    event_datetime: str | None = None
    shipbob_order_id: int | None = None


class _History(msgspec.Struct):
    data: list[_Movement]
    next: str | None = None


class _Location(msgspec.Struct):
    id: int


class _Cursor(msgspec.Struct, frozen=True):
    """Since when the history is to be asked, and when all was read last; microseconds."""

    since_us: int
    whole_us: int


class _Walk(msgspec.Struct, frozen=True):
    """Within all levels: what the cursor will be at the end, and the query of the next page."""

    cursor: _Cursor
    query: str


class _Round(msgspec.Struct, frozen=True):
    """Within what changed: the cursor for the end, the facilities still to be asked, and the event that was read last."""

    cursor: _Cursor
    since_us: int
    facilities: tuple[int, ...]
    event: int = 0


class ShipBobStock:
    """One ShipBob account as a system that counts."""

    def __init__(self, connection: Connection, manifest: Manifest) -> None:
        self._connection = connection
        self._errors = manifest.error_table
        self._base = f"{connection.url.rstrip('/')}/{connection.settings['api_version']}"
        self._headers = {
            "Authorization": f"Bearer {connection.credentials['token']}",
            "Content-Type": "application/json",
        }
        self._locations: tuple[float, tuple[int, ...]] = (0.0, ())
        self._calls_per_second = connection.calls_per_second or CALLS_PER_SECOND
        self.lag_seconds = self._seconds("levels_lag_seconds")
        self.read_rest_seconds = 2 / (self._calls_per_second * SHARE_OF_READS)

    async def items(self, after: str, *, timeout_seconds: float) -> stock.ItemPage | Retry | Refused:
        """All items with their barcodes; a bundle's stock follows from its parts."""
        page = await self._get("/inventory", after or f"PageSize={PAGE}", _Items, timeout_seconds)
        if not isinstance(page, _Items):
            return page
        following = _following(page.next, after)
        if isinstance(following, Retry):
            return following
        return stock.ItemPage(items=tuple(map(_item, page.items)), after=following)

    async def levels(self, after: str, *, timeout_seconds: float) -> stock.LevelPage | Retry | Refused:
        """All levels. What changes while they are read is found from the cursor on, which is of the beginning."""
        now = self._now_us()
        walk = msgspec.json.decode(after, type=_Walk) if after else _Walk(_Cursor(now, now), f"PageSize={IDS_PER_CALL}")
        read = await self._levels(walk.query, timeout_seconds)
        if not isinstance(read, tuple):
            return read
        levels, further = read
        following = _following(further, walk.query)
        if isinstance(following, Retry):
            return following
        if following:
            return stock.LevelPage(levels=levels, after=_text(_Walk(walk.cursor, following)), whole=True)
        return stock.LevelPage(
            levels=levels, cursor=_text(walk.cursor), rest_seconds=self._rest(calls=2),
            complete_us=self._complete_us(walk.cursor), whole=True,
        )  # fmt: skip

    async def changed(self, cursor: str, after: str, *, timeout_seconds: float) -> stock.LevelPage | Retry | Refused:
        """The levels of what was moved since, by the history of each facility; all of them when there is no cursor, when
        that is `whole_every_seconds` ago, or when it is too old for the history."""
        known = msgspec.json.decode(cursor, type=_Cursor) if cursor else None
        if known is None or self._whole_is_due(known, after):
            return await self.levels(after, timeout_seconds=timeout_seconds)
        place = msgspec.json.decode(after, type=_Round) if after else await self._begin(known, timeout_seconds)
        if not isinstance(place, _Round):
            return place
        if not place.facilities:
            return self._round_end(place, (), calls=1)
        return await self._changed_at(place, timeout_seconds)

    async def read(self, items: Sequence[str], *, timeout_seconds: float) -> tuple[stock.Level, ...] | Retry | Refused:
        """The levels of some items now."""
        known = [item for item in items if item.isascii() and item.isdecimal()]
        levels: list[stock.Level] = []
        for begin in range(0, len(known), IDS_PER_CALL):
            some = ",".join(known[begin : begin + IDS_PER_CALL])
            read = await self._levels(f"InventoryIds={some}&PageSize={IDS_PER_CALL}", timeout_seconds)
            if not isinstance(read, tuple):
                return read
            levels += read[0]
        return tuple(levels)

    def told(self, topic: str, body: bytes) -> stock.Told:  # noqa: ARG002 - whatever it is: the topic is not signed
        """No number, only whose levels have moved."""
        return stock.Told(again=moved(body))

    async def _begin(self, known: _Cursor, timeout_seconds: float) -> _Round | Failed:
        """The facilities that the account has, asked for once an hour."""
        kept_since, facilities = self._locations
        now = self._connection.clock.monotonic()
        if not facilities or now - kept_since > LOCATIONS_KEPT_SECONDS:
            found = await self._get("/location", "AccessGranted=true", list[_Location], timeout_seconds)
            if not isinstance(found, list):
                return found
            facilities = tuple(one.id for one in found)
            self._locations = now, facilities
        since = known.since_us - int(self._seconds("changed_overlap_seconds") * 1_000_000)
        return _Round(_Cursor(self._now_us(), known.whole_us), since, facilities)

    async def _changed_at(self, place: _Round, timeout_seconds: float) -> stock.LevelPage | Failed:
        """One page of one facility's history, with the levels of what it names."""
        page = await self._movements(place, timeout_seconds)
        if not isinstance(page, _History):
            return page
        named = sorted({one.inventory_id for one in page.data})
        levels = await self.read([str(one) for one in named], timeout_seconds=timeout_seconds)
        if not isinstance(levels, tuple):
            return levels
        levels = _with_reasons(levels, page.data, place.facilities[0])
        if page.next and page.data:
            event = page.data[-1].inventory_audit_event_id
            if event <= place.event:
                return _not_understood("the history of inventory does not go on")
            return stock.LevelPage(levels=levels, after=_text(msgspec.structs.replace(place, event=event)))
        rest = place.facilities[1:]
        if rest:
            return stock.LevelPage(levels=levels, after=_text(msgspec.structs.replace(place, facilities=rest, event=0)))
        return self._round_end(place, levels, calls=len(self._locations[1]) + 2)

    def _round_end(self, place: _Round, levels: tuple[stock.Level, ...], *, calls: int) -> stock.LevelPage:
        """What orders commit is in no history: complete is only what was read whole."""
        return stock.LevelPage(
            levels=levels, cursor=_text(place.cursor), rest_seconds=self._rest(calls=calls),
            complete_us=self._complete_us(place.cursor),
        )  # fmt: skip

    async def _movements(self, place: _Round, timeout_seconds: float) -> _History | Failed:
        """The cursor stands in the query and in the body: both are specified, and the SDK's tests send both."""
        asked: dict[str, Any] = {"facility_id": place.facilities[0], "start_date": _iso(place.since_us)}
        body = msgspec.json.encode(asked | ({"cursor": place.event} if place.event else {}))
        path = "/inventory/history:query" + (f"?cursor={place.event}" if place.event else "")
        return await self._ask("POST", path, body, _History, timeout_seconds)

    async def _levels(self, query: str, timeout_seconds: float) -> tuple[tuple[stock.Level, ...], str | None] | Failed:
        """A page of levels by location and what leads to the next; what is set aside is told only as a total per item."""
        as_of_us = self._now_us() - self._lag_us()
        page = await self._get("/inventory-level/locations", query, _LevelRows, timeout_seconds)
        if not isinstance(page, _LevelRows):
            return page
        exceptions = await self._exceptions(page.items, timeout_seconds)
        if not isinstance(exceptions, Mapping):
            return exceptions
        levels = tuple(
            _level(row, place, exceptions.get(row.inventory_id, 0), as_of_us)
            for row in page.items
            for place in row.locations or ()
        )
        return levels, page.next

    async def _exceptions(self, rows: Sequence[_Levels], timeout_seconds: float) -> dict[int, int] | Failed:
        """Pieces that are there and cannot be sent, of these items. Raises nothing: what is not told is a failed read."""
        if not rows or self._connection.settings["exceptions"] == "ignore":
            return {}
        query = f"InventoryIds={','.join(str(row.inventory_id) for row in rows)}&PageSize={IDS_PER_CALL}"
        totals = await self._get("/inventory-level", query, _Totals, timeout_seconds)
        if not isinstance(totals, _Totals):
            return totals
        found = {row.inventory_id: row.total_exception_quantity for row in totals.items}
        if missing := [row.inventory_id for row in rows if row.inventory_id not in found]:
            return _not_understood(f"ShipBob tells no totals of item {missing[0]}")
        return found

    async def _get(self, path: str, query: str, kind: type[Shape], timeout_seconds: float) -> Shape | Failed:
        return await self._ask("GET", f"{path}?{query}", None, kind, timeout_seconds)

    async def _ask(
        self, method: str, path: str, body: bytes | None, kind: type[Shape], timeout_seconds: float
    ) -> Shape | Failed:
        """An answer of this shape; whatever else it is, it is read again later, or never."""
        answer = await self._connection.http.send(method, self._base + path, self._headers, body, timeout_seconds)
        try:
            if answer.status == 200 and answer.error is None:
                return msgspec.json.decode(answer.body, type=kind)
        except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
            return _not_understood(f"the answer of {path.partition('?')[0]} has another shape", answer.status)
        return self._not_read(answer)

    def _not_read(self, answer: Answer) -> Failed:
        """Nothing is changed by a read, so what would be uncertain may be tried again."""
        outcome = classify(answer, self._errors, no_success, now_ms=self._connection.clock.now_ms())
        if isinstance(outcome, Retry | Refused):
            return outcome
        return Retry(code="NOT_READ", message=answer.error or f"ShipBob answered {answer.status}", status=answer.status)

    def _whole_is_due(self, known: _Cursor, after: str) -> bool:
        """Decided once a round: its pages go on as they began."""
        if after:
            return "query" in msgspec.json.decode(after)
        now = self._now_us()
        too_old = now - known.since_us > HISTORY_DAYS_MAX * 86_400 * 1_000_000
        return too_old or now - known.whole_us >= self._seconds("whole_every_seconds") * 1_000_000

    def _complete_us(self, cursor: _Cursor) -> int:
        """What orders had committed by then is in the levels that were read whole."""
        return cursor.whole_us - self._lag_us()

    def _lag_us(self) -> int:
        return int(self.lag_seconds * 1_000_000)

    def _rest(self, *, calls: int) -> float:
        return calls / (self._calls_per_second * SHARE_OF_CALLS)

    def _seconds(self, setting: str) -> float:
        return float(self._connection.settings[setting])

    def _now_us(self) -> int:
        return self._connection.clock.now_ms() * 1000


def _item(row: _Item) -> stock.Item:
    variant = row.variant or _Variant()
    return stock.Item(
        item=str(row.inventory_id),
        sku=row.sku or "",
        barcode=row.barcode or "",
        tracked=not variant.is_digital,
        kit=variant.is_bundle,
    )


def _level(row: _Levels, place: _Place, exceptions: int, as_of_us: int) -> stock.Level:
    """In ShipBob's pieces. What is set aside may lie at any of an item's centres, so it counts at each of them: that is
    what ShipBob itself advises (README.md, Synchronizing inventory levels), and it sells none that is not there."""
    quantities = {
        "available": Decimal(place.fulfillable_quantity - exceptions),
        "on_hand": Decimal(place.on_hand_quantity),
        "committed": Decimal(place.committed_quantity),
        "incoming": Decimal(place.awaiting_quantity),
    }
    if exceptions and len(row.locations or ()) == 1:
        quantities["damaged"] = Decimal(exceptions)
    return stock.Level(
        item=str(row.inventory_id),
        location=str(place.location_id),
        quantities=quantities,
        sku=row.sku or "",
        as_of_us=as_of_us,
    )


def _with_reasons(levels: Sequence[stock.Level], moved: Sequence[_Movement], facility: int) -> tuple[stock.Level, ...]:
    """What the history says of the last movement of each at this facility; levels elsewhere are read along."""
    last = {(str(one.inventory_id), str(facility)): one for one in moved}
    return tuple(
        msgspec.structs.replace(one, why=_reason(movement), changed_us=_moment_us(movement.event_datetime))
        if (movement := last.get((one.item, one.location)))
        else one
        for one in levels
    )


def _moment_us(text: str | None) -> int:
    """Microseconds of a time of the history, which has no zone and is UTC; 0 of what is none."""
    try:
        moment = dt.datetime.fromisoformat(text or "")
    except ValueError:
        return 0
    return round((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp() * 1_000_000)


def _reason(movement: _Movement) -> str:
    """`order picked, ShipBob's order 100123`, in the words of its categories."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", movement.event_category or "").lower()
    order = f"ShipBob's order {movement.shipbob_order_id}" if movement.shipbob_order_id else ""
    return ", ".join(filter(None, (words, order)))


def _following(url: str | None, query: str) -> str | Retry:
    """The query of the next page, of which ShipBob gives a whole URL: nothing else of it is followed. "" at the end."""
    if not url:
        return ""
    found = urlsplit(url).query
    return found if found and found != query else _not_understood("the next page has no address of its own")


def _not_understood(message: str, status: int = 200) -> Retry:
    return Retry(code="ANSWER_NOT_UNDERSTOOD", message=message, status=status)


def _text(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()


def _iso(moment_us: int) -> str:
    return (EPOCH + dt.timedelta(microseconds=moment_us)).isoformat()

"""The stock of the NetSuite twin: balances by item and location, which sales orders commit and fulfilments lower, as SuiteQL shows them.

Facts: table and column names as in public SuiteQL (AggregateItemLocation: item, location, quantityavailable, quantityonhand,
quantitycommitted, quantityonorder, quantitybackordered, lastquantityavailablechange), keyset pages by FETCH FIRST (or NEXT) n ROWS ONLY;
100,000 results at most for a query: docs.oracle.com section_157909186990. Values are texts and a null is left out: from memory.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.netsuite_documents import approval
from interlock.twins.netsuite_query import invalid_query
from interlock.twins.vendor import answer, read_json
from interlock.twins.world import Change, Record, World

LOCATIONS: tuple[Record, ...] = ({"id": "1", "name": "Main Warehouse"},)
DEFAULT_ON_HAND = 1000
UTC_OFFSET_MINUTES = -480
"""SuiteQL tells times by the account's own clock; Pacific Time is that of a new account."""
RESULTS_MAX = 100_000
TABLES = frozenset({"item", "location", "aggregateitemlocation", "inventoryitemlocations", "dual"})
SCHEMA = """
CREATE TABLE item (id INTEGER PRIMARY KEY, itemid, externalid, upccode, stockunit, itemtype, isinactive);
CREATE TABLE location (id INTEGER PRIMARY KEY, name, isinactive);
CREATE TABLE dual (dummy);
INSERT INTO dual VALUES ('X');
CREATE TABLE aggregateitemlocation (
    item INTEGER, location INTEGER, quantityonhand NUMERIC, quantityavailable NUMERIC, quantitycommitted NUMERIC,
    quantitybackordered NUMERIC, quantityonorder NUMERIC, lastquantityavailablechange, PRIMARY KEY (item, location)
) WITHOUT ROWID;
CREATE VIEW inventoryitemlocations AS SELECT * FROM aggregateitemlocation;
"""
ORACLE_AS_SQLITE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"BUILTIN\.DF\(\s*((?:\w+\.)?stockunit)\s*\)", re.IGNORECASE), r"\1"),
    (
        re.compile(r"BUILTIN\.DF\(\s*((?:\w+\.)?location)\s*\)", re.IGNORECASE),
        r"(SELECT name FROM location WHERE id = \1)",
    ),
    (re.compile(r"\bSYSDATE\b", re.IGNORECASE), "SYSDATE()"),
    (re.compile(r"\bFETCH\s+(?:NEXT|FIRST)\s+(\d+)\s+ROWS\s+ONLY\b", re.IGNORECASE), r"LIMIT \1"),
)
_FROM = re.compile(r"\bfrom\s+(\w+)", re.IGNORECASE)
_READING = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION)

Balance = tuple[str, str]
"""Item and location, by their ids as they were sent: charges may be items that the account has no stock of."""


class Inventory:
    """Balances beside the records of items; `utc_offset_minutes` is the account's clock, `named` is told of new items."""

    def __init__(self, world: World, config: Mapping[str, Any], named: Callable[[str, str], None]) -> None:
        self._world = world
        self._named = named
        self.locations: list[Record] = [dict(row) for row in config.get("locations", LOCATIONS)]
        self.utc_offset_minutes = int(config.get("utc_offset_minutes", UTC_OFFSET_MINUTES))
        self._pending_commits = bool(config.get("pending_approval_commits", True))
        self._demand: Counter[Balance] = Counter()
        self._held: set[int] | None = None
        self._database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._database.executescript(SCHEMA)
        rows = [(int(row["id"]), row["name"], "F") for row in self.locations]
        self._database.executemany("INSERT INTO location VALUES (?, ?, ?)", rows)
        self._database.create_function("SYSDATE", 0, self._now)
        self._database.create_function("TO_CHAR", 2, _formatted)
        self._database.create_function("TO_TIMESTAMP", 2, _formatted)
        self._by_sku: dict[str, str] = {}

    def open(self) -> None:
        """Take in the records that there are."""
        for _, order in self._world.rows("salesOrder"):
            self._demand.update(self._open_demand(order))
        self.show(key for key, _ in self._world.rows("item"))

    def show(self, items: Iterable[str]) -> None:
        """Items are new or were changed: SuiteQL sees them as they are, unless it is held."""
        if self._held is not None:
            self._held.update(int(key) for key in items)
            return
        self._database.execute("BEGIN")
        for key in items:
            self._show(key)
        self._database.execute("COMMIT")

    def ordered(self, old: Record | None, new: Record | None) -> None:
        """A sales order was saved, fulfilled or deleted: what it commits moves, and so does what is available."""
        before, after = self._open_demand(old), self._open_demand(new)
        changed = {key for key in before.keys() | after.keys() if before[key] != after[key]}
        self._demand.subtract(before)
        self._demand.update(after)
        self._touch({}, changed)

    def fulfilled(self, order: Record, lines: list[Record]) -> None:
        """What was fulfilled is no longer on hand."""
        gone: Counter[Balance] = Counter()
        for line in lines:
            gone[self._place(order, line)] -= line["quantity"]
        self._touch(gone, set())

    def suiteql(self, text: str) -> list[Record] | None:
        """The rows of a query of the tables above, None for another one. Raises nsError 400."""
        table = _FROM.search(text)
        if table is None or table[1].lower() not in TABLES:
            return None
        for oracle, sqlite in ORACLE_AS_SQLITE:
            text = oracle.sub(sqlite, text)
        self._database.set_authorizer(_only_reading)
        try:
            cursor = self._database.execute(text)
            names = [column[0].lower() for column in cursor.description]
            rows = cursor.fetchmany(RESULTS_MAX + 1)
        except (sqlite3.Error, TypeError) as error:
            raise invalid_query(str(error)) from error
        finally:
            self._database.set_authorizer(None)
        if len(rows) > RESULTS_MAX:
            raise invalid_query(f"The query has more than {RESULTS_MAX} results.")
        return [
            {name: _plain(name, value) for name, value in zip(names, row, strict=True) if value is not None}
            for row in rows
        ]

    # -- records ----------------------------------------------------------------------------------------------------

    def _balances(self, item: Record) -> dict[str, Record]:
        """By location; a plain number is what is on hand."""
        given = item.get("locations", {str(self.locations[0]["id"]): DEFAULT_ON_HAND})
        return {place: row if isinstance(row, dict) else {"on_hand": row} for place, row in given.items()}

    def _show(self, key: str) -> None:
        number, item = int(key), self._world.get("item", key)
        self._database.execute("DELETE FROM aggregateitemlocation WHERE item = ?", (number,))
        self._database.execute("DELETE FROM item WHERE id = ?", (number,))
        if item is None or item.get("missing"):
            return
        sku = str(item.get("itemId") or item.get("externalId") or key)
        self._by_sku[sku] = key
        kind = item.get("itemType", "InvtPart")
        row = (number, sku, item.get("externalId"), item.get("upcCode"), item.get("stockUnit"), kind, "F")
        self._database.execute("INSERT INTO item VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        balances = [self._row(number, int(place), row) for place, row in self._balances(item).items()]
        self._database.executemany("INSERT INTO aggregateitemlocation VALUES (?, ?, ?, ?, ?, ?, ?, ?)", balances)

    def _row(self, item: int, location: int, balance: Record) -> tuple[Any, ...]:
        on_hand, demand = Decimal(balance.get("on_hand", 0)), Decimal(self._demand[str(item), str(location)])
        committed = min(demand, max(on_hand, Decimal(0)))
        amounts = (on_hand, on_hand - committed, committed, demand - committed, Decimal(balance.get("on_order", 0)))
        return item, location, *(str(amount) for amount in amounts), balance.get("changed") or self._now()

    def _open_demand(self, order: Record | None) -> Counter[Balance]:
        """Pieces that an order still has to get, by balance. Pending approval may or may not commit: a preference."""
        found: Counter[Balance] = Counter()
        if order is None or (approval(order) == "A" and not self._pending_commits):
            return found
        for line in order.get("item", ()):
            left = Decimal(line.get("quantity", 0)) - Decimal(line.get("quantityFulfilled", 0))
            if not line.get("isClosed") and left > 0:
                found[self._place(order, line)] += left  # type: ignore[assignment]
        return found

    def _place(self, order: Record, line: Record) -> Balance:
        location = line.get("location") or order.get("location") or self.locations[0]
        return str(line["item"]["id"]), str(location["id"] if isinstance(location, dict) else location)

    def _touch(self, on_hand: Mapping[Balance, Any], changed: set[Balance]) -> None:
        """Move what is on hand and note when it was; nothing is an effect of its own: the document is."""
        items: dict[str, Record] = {}
        for key, location in on_hand.keys() | changed:
            record = items.get(key) or self._world.get("item", key)
            if record is None:
                continue
            balances = {place: dict(row) for place, row in self._balances(record).items()}
            balance = balances.setdefault(location, {"on_hand": 0})
            balance["on_hand"] = Decimal(balance["on_hand"]) + Decimal(on_hand.get((key, location), 0))
            if (key, location) in changed:
                balance["changed"] = self._now()
            items[key] = {**record, "locations": balances}
        if items:
            self._world.remember(*(("item", key, record) for key, record in items.items()))
            self.show(items)

    def _now(self) -> str:
        moment = datetime.fromisoformat(self._world.now()).astimezone(UTC) + timedelta(minutes=self.utc_offset_minutes)
        return moment.strftime("%Y-%m-%d %H:%M:%S")

    # -- what people do in the account ------------------------------------------------------------------------------

    def control_routes(self) -> list[BaseRoute]:
        """POST /_twin/stock seeds items, stock:stale holds what SuiteQL shows, stock:clock moves the account's clock."""
        return [
            Route("/stock", self._seed, methods=["POST"]),
            Route("/stock:stale", self._stale, methods=["POST"]),
            Route("/stock:clock", self._clock, methods=["POST"]),
            Route("/stock/{sku:path}", self._change, methods=["POST"]),
        ]

    async def _seed(self, request: Request) -> Response:
        """{"items": [{"sku", "barcode", "unit", "kit", "locations": {"1": 10}, "changed"}, ...]}: items that are new."""
        entries = (await read_json(request))["items"]
        changes: list[Change] = [self._new(entry) for entry in entries if entry["sku"] not in self._by_sku]
        if changes:
            self._world.remember(*changes)
            self.show(key for _, key, _ in changes)
        return answer({"items": len(changes)})

    def _new(self, entry: Record) -> Change:
        key = str(entry.get("id") or self._world.next_id("item"))
        changed = entry.get("changed") or self._now()
        places = {place: {"on_hand": count, "changed": changed} for place, count in entry.get("locations", {}).items()}
        row = {"id": key, "externalId": entry["sku"], "itemId": entry["sku"], "locations": places}
        self._named(entry["sku"], key)
        row |= {"upcCode": entry.get("barcode"), "stockUnit": entry.get("unit")}
        return "item", key, row | ({"itemType": "Kit"} if entry.get("kit") else {})

    async def _stale(self, request: Request) -> Response:
        """{"stale": true}: SuiteQL answers as it would now, whatever happens, until {"stale": false}."""
        stale = bool((await read_json(request)).get("stale", True))
        late, self._held = self._held or set(), set() if stale else None
        if not stale:
            self.show(str(item) for item in late)
        return answer({"stale": stale})

    async def _clock(self, request: Request) -> Response:
        """{"utc_offset_minutes": -420}: the account's clock goes over to another offset, as in spring and in autumn."""
        self.utc_offset_minutes = int((await read_json(request))["utc_offset_minutes"])
        return answer({"now": self._now()})

    async def _change(self, request: Request) -> Response:
        """One item: {"location": "1", "on_hand": N}, {"adjust": -2} or {"receive": 5} at a location (the first by default),
        {"on_order": N}; {"missing": true} leaves it out of every answer."""
        sku, body = request.path_params["sku"], await read_json(request)
        key = self._by_sku.get(sku)
        if key is None:
            return answer({"error": f"no item {sku}"}, 404)
        item = self._world.get("item", key) or {}
        place = str(body.get("location", self.locations[0]["id"]))
        changed = {**item, "locations": self._balances(item) | {place: self._changed(item, place, body)}}
        changed |= {"missing": body["missing"]} if "missing" in body else {}
        self._world.apply("stock.change", sku, ("item", key, changed), detail={"location": place, **body})
        self.show([key])
        return answer(changed)

    def _changed(self, item: Record, place: str, body: Record) -> Record:
        balance = dict(self._balances(item).get(place, {"on_hand": 0}))
        before = balance["on_hand"]
        balance["on_hand"] = body.get("on_hand", before) + body.get("adjust", 0) + body.get("receive", 0)
        balance |= {"on_order": body["on_order"]} if "on_order" in body else {}
        return balance | ({"changed": self._now()} if balance["on_hand"] != before else {})


def _only_reading(action: int, *_: object) -> int:
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY


def _formatted(value: str | None, form: str) -> str | None:
    """TO_CHAR and TO_TIMESTAMP in the one format that keeps the order of times."""
    if form != "YYYY-MM-DD HH24:MI:SS":
        raise ValueError(f"the twin reads YYYY-MM-DD HH24:MI:SS, not {form}")
    return value


def _plain(name: str, value: Any) -> str:
    """As text; a time that is not formatted by the query shows its day only."""
    if name == "lastquantityavailablechange":
        day = datetime.fromisoformat(str(value))
        return f"{day.month}/{day.day}/{day.year}"
    return str(value)

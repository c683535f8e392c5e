"""The inventory API: changes written, counts and the history of changes read page by page.

Facts: api.json BatchRetrieveInventoryCounts (newest first by calculated_at; updated_after is exclusive; limit 1 to 1000;
SOLD, NONE and UNLINKED_RETURN are no counts) and BatchRetrieveInventoryChanges (oldest first by occurred_at).
At most 1000 catalog_object_ids in a request: developer.squareup.com/docs/inventory-api/what-it-does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, product
from typing import Any

from interlock.twins.square.changes import Changes
from interlock.twins.square.errors import refused
from interlock.twins.square.moments import moment_of, text_of
from interlock.twins.square.paging import cursor_of, limit_of, place_of
from interlock.twins.square.stock import Count, Place, Stock
from interlock.twins.world import Record, World, content_hash

PAGE, PAGE_MOST, IDS_MOST = 100, 1000, 1000
Emit = Callable[[list[Count]], None]


class Inventory:
    """The three endpoints, and the ledger of what each accepted batch changed from what to what."""

    def __init__(self, world: World, stock: Stock, changes: Changes, emit: Emit) -> None:
        self._world, self._stock, self._changes, self._emit = world, stock, changes, emit
        self._by_item: dict[str, list[Record]] = {}
        self._index(row for _, row in world.rows("change"))

    def move(self, rows: list[Record]) -> list[Record]:
        """Changes that count from now on, by whomever; what each did, for the ledger. Whoever calls writes them down."""
        places = {(row["item"], row["location"]): None for row in rows}
        before = {place: self._stock.quantity(*place) for place in places}
        self._stock.enter(rows)
        self._index(rows)
        changed = [one for one in self._stock.counts_of(places) if before[one.item, one.location] != one.quantity]
        self._emit([one for one in changed if one.state == "IN_STOCK"])
        return [_told(row, before, self._stock) for row in rows]

    def change(self, body: Mapping[str, Any]) -> Record:
        """POST /v2/inventory/changes/batch-create: all of it, or none."""
        known = self._changes.answer_again(body)
        if known is not None:
            return known
        rows = self._changes.read(body)
        return self._apply(self._changes.needed(rows, body), rows, body)

    def _apply(self, rows: list[Record], asked: list[Record], body: Mapping[str, Any]) -> Record:
        lines = self.move(rows)
        counts = self._stock.counts_of({(row["item"], row["location"]): None for row in asked})
        answer = {
            "counts": [shown_count(count) for count in counts],
            "changes": [shown_change(row) for row in rows],
        }
        self._world.apply(
            "batch.create", str(body["idempotency_key"]), *(("change", row["id"], row) for row in rows),
            self._changes.remembered(body, answer), digest=content_hash(body.get("changes")), detail={"lines": lines},
        )  # fmt: skip
        return answer

    def counts(self, body: Mapping[str, Any]) -> Record:
        """POST /v2/inventory/counts/batch-retrieve."""
        asked = {name: value for name, value in body.items() if name not in ("cursor", "limit")}
        size, before = limit_of(body.get("limit"), PAGE, PAGE_MOST), place_of(body.get("cursor"), asked)
        found = list(islice((one for one in self._asked_for(body, before)), size + 1))
        page: Record = {"counts": [shown_count(count) for count in found[:size]]}
        return page | {"cursor": cursor_of(asked, found[size - 1].order)} if len(found) > size else page

    def history(self, body: Mapping[str, Any]) -> Record:
        """POST /v2/inventory/changes/batch-retrieve."""
        asked = {name: value for name, value in body.items() if name not in ("cursor", "limit")}
        size, begin = limit_of(body.get("limit"), PAGE, PAGE_MOST), place_of(body.get("cursor"), asked) or 0
        rows = sorted(self._rows(body), key=lambda row: (int(row["occurred_us"]), int(row["id"])))
        page: Record = {"changes": [shown_change(row) for row in rows[begin : begin + size]]}
        return page | {"cursor": cursor_of(asked, begin + size)} if begin + size < len(rows) else page

    def _asked_for(self, body: Mapping[str, Any], before: int | None) -> Iterator[Count]:
        """By the filters; named items and locations are looked up, all others are gone through."""
        items, locations = _ids(body, "catalog_object_ids"), _ids(body, "location_ids")
        states, since_us = body.get("states"), _since_us(body)
        found: Iterator[Count] = self._stock.newest_first(before)
        if items is not None and locations is not None:
            named: dict[Place, None] = dict.fromkeys(product(items, locations))
            counts = sorted(self._stock.counts_of(named), key=lambda count: -count.order)
            found = (count for count in counts if before is None or count.order < before)
        for count in found:
            if count.calculated_us <= since_us:
                return
            if (
                (items is None or count.item in items)
                and (locations is None or count.location in locations)
                and (not states or count.state in states)
            ):
                yield count

    def _rows(self, body: Mapping[str, Any]) -> Iterator[Record]:
        items, locations = _ids(body, "catalog_object_ids"), _ids(body, "location_ids")
        types, since_us = body.get("types") or ("PHYSICAL_COUNT", "ADJUSTMENT"), _since_us(body)
        for item in self._by_item.keys() if items is None else items:
            yield from (
                row
                for row in self._by_item.get(item, ())
                if row["type"] in types
                and int(row["created_us"]) > since_us
                and (locations is None or row["location"] in locations)
            )

    def _index(self, rows: Iterable[Record]) -> None:
        for row in rows:
            self._by_item.setdefault(row["item"], []).append(row)


def shown_count(count: Count) -> Record:
    """An InventoryCount."""
    return {
        "catalog_object_id": count.item, "catalog_object_type": "ITEM_VARIATION", "state": count.state,
        "location_id": count.location, "quantity": f"{count.quantity.normalize():f}",
        "calculated_at": text_of(count.calculated_us),
    }  # fmt: skip


def shown_change(row: Record) -> Record:
    """An InventoryChange."""
    shown: Record = {
        "id": row["id"], "reference_id": row.get("reference_id"), "catalog_object_id": row["item"],
        "catalog_object_type": "ITEM_VARIATION", "location_id": row["location"], "quantity": row["quantity"],
        "occurred_at": text_of(int(row["occurred_us"])), "created_at": text_of(int(row["created_us"])),
        **{name: row[name] for name in ("state", "from_state", "to_state") if name in row},
        "source": {"product": "EXTERNAL_API" if row["by"] == "API" else "SQUARE_POS"},
    }  # fmt: skip
    name = "physical_count" if row["type"] == "PHYSICAL_COUNT" else "adjustment"
    return {"type": row["type"], name: {key: value for key, value in shown.items() if value is not None}}


def _told(row: Record, before: Mapping[Place, Any], stock: Stock) -> Record:
    """One line of a batch for the ledger: what the place had before the batch, and after it."""
    place = (row["item"], row["location"])
    return {
        "item": row["item"], "location": row["location"], "type": row["type"], "quantity": row["quantity"],
        "from": str(before[place]), "to": str(stock.quantity(*place)), "reference_id": row.get("reference_id"),
        "occurred_at": text_of(int(row["occurred_us"])),
    }  # fmt: skip


def _ids(body: Mapping[str, Any], name: str) -> frozenset[str] | None:
    given = body.get(name)
    if not given:
        return None
    if len(given) > IDS_MOST:
        raise refused("ARRAY_LENGTH_TOO_LONG", f"Array length must not exceed {IDS_MOST}.", name)
    return frozenset(given)


def _since_us(body: Mapping[str, Any]) -> int:
    given = body.get("updated_after")
    return -1 if given is None else moment_of(given, "updated_after")

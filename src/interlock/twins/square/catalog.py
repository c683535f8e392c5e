"""The catalogue: item variations with SKU and barcode, whether each is counted, and where it is sold; and the locations.

Facts: api.json CatalogObject, CatalogItemVariation, ItemVariationLocationOverrides; ListCatalog pages of 100;
SearchCatalogObjects pages of up to 1,000 ("advisory"), begin_time exclusive.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Mapping
from typing import Any

from interlock.twins.square.errors import refused
from interlock.twins.square.moments import Moments, moment_of, text_of
from interlock.twins.square.paging import cursor_of, place_of
from interlock.twins.world import Record, World

LIST_PAGE, SEARCH_PAGE_MOST, SEARCH_PAGE = 100, 1000, 100
ID_LETTERS = string.ascii_uppercase + string.digits
SEARCHABLE = ("sku", "upc", "name")
PRICE = {"amount": 1000, "currency": "USD"}
"""Of a variation that is given none. One whose price is None has VARIABLE_PRICING: the till asks."""


class Catalog:
    """Rows are kept flat and shown as Square's objects; each variation has an item of its own."""

    def __init__(self, world: World, moments: Moments) -> None:
        self._world, self._moments = world, moments
        self._by_sku = {row["sku"]: key for key, row in world.rows("variation")}

    def open(self, config: Mapping[str, Any]) -> None:
        """The seller's locations and items, once: what is there already stays."""
        for location in config.get("locations", ("L1",)):
            row = location if isinstance(location, dict) else {"id": location}
            if self._world.get("location", row["id"]) is None:
                self._world.remember(("location", row["id"], {"name": row["id"], "status": "ACTIVE", **row}))
        for item in config.get("items", ()):
            row = item if isinstance(item, dict) else {"sku": item}
            if self.by_sku(row["sku"]) is None:
                self.add(row)

    def add(self, given: Mapping[str, Any]) -> Record:
        """A new item with one variation; `given` has `sku` and any member that `_row` names."""
        key = str(given.get("id") or self._id(given["sku"]))
        now_us = self._moments.now_us()
        row = {
            "id": key, "item_id": self._id(f"item:{given['sku']}"), "sku": given["sku"], "upc": given.get("upc"),
            "name": given.get("name") or given["sku"], "track_inventory": given.get("track_inventory", True),
            "stockable": given.get("stockable", True), "sellable": given.get("sellable", True),
            "locations": given.get("locations"), "overrides": given.get("overrides", {}),
            "price_money": given.get("price_money", PRICE),
            "updated_us": now_us, "is_deleted": False,
        }  # fmt: skip
        self._world.remember(("variation", key, row))
        self._by_sku[row["sku"]] = key
        return row

    def delete(self, key: str) -> Record | None:
        """It is gone, but a search may still ask for it."""
        row = self._world.get("variation", key)
        if row is not None:
            row = {**row, "is_deleted": True, "updated_us": self._moments.now_us()}
            self._world.remember(("variation", key, row))
        return row

    def get(self, key: str) -> Record | None:
        """A variation that is there."""
        row = self._world.get("variation", key)
        return row if row is not None and not row["is_deleted"] else None

    def by_sku(self, sku: str) -> Record | None:
        """The variation that got this SKU last: Square lets several have the same."""
        key = self._by_sku.get(sku)
        return self.get(key) if key is not None else None

    def tracks(self, row: Record, location: str) -> bool:
        """Whether sales at a location take from its count."""
        override = row["overrides"].get(location, {}).get("track_inventory")
        return bool(row["track_inventory"] if override is None else override)

    def locations(self) -> list[Record]:
        """Alphabetically by name, inactive ones too."""
        rows = [{"id": key, **row} for key, row in self._world.rows("location")]
        return sorted(rows, key=lambda row: str(row["name"]))

    def has_location(self, key: str) -> bool:
        return self._world.get("location", key) is not None

    def list_page(self, query: Mapping[str, str]) -> Record:
        """GET /v2/catalog/list."""
        types = [one.strip().upper() for one in query.get("types", "ITEM").split(",")]
        return self._page({"types": types}, query.get("cursor"), LIST_PAGE, types, self._rows(deleted=False))

    def search_page(self, body: Mapping[str, Any]) -> Record:
        """POST /v2/catalog/search: by type, changed after a moment, with an exact or prefix query."""
        asked = {name: value for name, value in body.items() if name not in ("cursor", "limit")}
        rows = self._rows(deleted=bool(body.get("include_deleted_objects")))
        if body.get("begin_time") is not None:
            since_us = moment_of(body["begin_time"], "begin_time")
            rows = [row for row in rows if int(row["updated_us"]) > since_us]
        if body.get("query"):
            rows = [row for row in rows if _matches(row, body["query"])]
        limit = body.get("limit")
        size = limit if isinstance(limit, int) and 1 <= limit <= SEARCH_PAGE_MOST else SEARCH_PAGE
        return self._page(asked, body.get("cursor"), size, body.get("object_types") or ["ITEM"], rows)

    def _page(self, asked: Any, cursor: Any, size: int, types: list[str], rows: list[Record]) -> Record:
        """Objects type by type; only those of the page are put together."""
        show = [SHOWN[one] for one in types if one in SHOWN]
        begin, end = place_of(cursor, asked) or 0, len(rows) * len(show)
        numbers = range(begin, min(begin + size, end))
        page: Record = {"objects": [show[n // len(rows)](self, rows[n % len(rows)]) for n in numbers]}
        return page | {"cursor": cursor_of(asked, begin + size)} if begin + size < end else page

    def _rows(self, *, deleted: bool) -> list[Record]:
        return [row for _, row in self._world.rows("variation") if deleted or not row["is_deleted"]]

    def shown(self, row: Record) -> Record:
        """A variation as Square shows it."""
        data = {
            "item_id": row["item_id"], "name": row["name"], "sku": row["sku"], "upc": row["upc"], "ordinal": 0,
            "pricing_type": "FIXED_PRICING" if row.get("price_money", PRICE) else "VARIABLE_PRICING",
            "price_money": row.get("price_money", PRICE),
            "track_inventory": row["track_inventory"], "sellable": row["sellable"], "stockable": row["stockable"],
            "location_overrides": [{"location_id": key, **more} for key, more in row["overrides"].items()] or None,
        }  # fmt: skip
        return self._head("ITEM_VARIATION", row["id"], row) | {
            "item_variation_data": {name: value for name, value in data.items() if value is not None}
        }

    def shown_item(self, row: Record) -> Record:
        """The item of a variation, with it."""
        data = {"name": row["name"], "product_type": "REGULAR", "variations": [self.shown(row)]}
        return self._head("ITEM", row["item_id"], row) | {"item_data": data}

    def _head(self, kind: str, key: str, row: Record) -> Record:
        everywhere = row["locations"] is None
        head = {
            "type": kind, "id": key, "updated_at": text_of(int(row["updated_us"])), "version": int(row["updated_us"]),
            "is_deleted": row["is_deleted"], "present_at_all_locations": everywhere,
        }  # fmt: skip
        return head if everywhere else head | {"present_at_location_ids": row["locations"]}

    def _id(self, name: str) -> str:
        """The same for the same seed and name: 24 letters and digits."""
        return "".join(random.Random(f"{self._world.seed}:{name}").choices(ID_LETTERS, k=24))


def _matches(row: Record, query: Mapping[str, Any]) -> bool:
    """`exact_query` and `prefix_query` by a searchable attribute; no query is a match."""
    for kind, member in (("exact_query", "attribute_value"), ("prefix_query", "attribute_prefix")):
        if (asked := query.get(kind)) is None:
            continue
        name = asked.get("attribute_name")
        if name not in SEARCHABLE:
            raise refused("INVALID_VALUE", f"`{name}` is not a searchable attribute.", f"query.{kind}.attribute_name")
        value, wanted = str(row.get(name) or "").lower(), str(asked.get(member)).lower()
        if value != wanted and not (kind == "prefix_query" and value.startswith(wanted)):
            return False
    return True


SHOWN: dict[str, Callable[[Catalog, Record], Record]] = {"ITEM": Catalog.shown_item, "ITEM_VARIATION": Catalog.shown}
"""Type of an object -> how a row is shown as one; other types have no objects here."""

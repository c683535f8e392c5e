"""What the tills sell: orders that take stock when they are completed, and the search by which others hear of them.

Facts: api.json Order, OrderLineItem, SearchOrders (1 to 10 location_ids; limit 500, at most 1000; a time range needs the
sort by the same field; both ends inclusive). Stock moves from IN_STOCK to SOLD when an order is completed
(developer.squareup.com/docs/inventory-api/how-it-works). Orders of the Point of Sale app have no version, and publish
neither order.created nor order.updated (OrderCreatedEvent, OrderUpdatedEvent, Order.version).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from interlock.twins.square.catalog import Catalog
from interlock.twins.square.errors import refused
from interlock.twins.square.inventory import Inventory
from interlock.twins.square.moments import MICROSECONDS, Moments, moment_of, text_of
from interlock.twins.square.paging import cursor_of, limit_of, place_of
from interlock.twins.square.stock import Stock
from interlock.twins.world import Change, Record, World

PAGE, PAGE_MOST, LOCATIONS_MOST = 500, 1000, 10
FIELDS = {"created_at": "CREATED_AT", "updated_at": "UPDATED_AT", "closed_at": "CLOSED_AT"}
Tell = Callable[[str, Record], None]
"""(event type, order)."""


class SaleError(Exception):
    """A command that cannot be obeyed, in words."""


class Sales:
    """Orders by id; `sell`, `complete`, `cancel` and `give_back` are the control API's."""

    def __init__(
        self, world: World, stock: Stock, catalog: Catalog, inventory: Inventory, moments: Moments, tell: Tell
    ) -> None:
        self._world, self._stock, self._catalog, self._inventory = world, stock, catalog, inventory
        self._moments, self._tell = moments, tell

    def sell(self, asked: Mapping[str, Any]) -> Record:
        """A sale. `lines` of {"sku" or "item", "quantity"}; `location`; `source` pos or api; `state` COMPLETED or OPEN;
        `seconds_ago`, for an offline till; `only_if_available` refuses to sell what the count does not have.

        Raises SaleError.
        """
        location = str(asked.get("location") or self._catalog.locations()[0]["id"])
        lines = [self._line(line) for line in asked["lines"]]
        if asked.get("only_if_available"):
            self._check_available(lines, location)
        now_us = self._moments.now_us()
        at_us = now_us - int(float(asked.get("seconds_ago", 0)) * MICROSECONDS)
        number = self._world.next_id("order")
        order: Record = {
            "id": f"CAISE{number}", "location_id": location, "line_items": lines, "state": "OPEN",
            "created_at": text_of(at_us), "updated_at": text_of(now_us), "updated_us": now_us,
            "source": {"name": "Point of Sale"}, "taken": False,
        }  # fmt: skip
        if asked.get("source", "pos") == "api":
            order |= {"source": {"name": "Online"}, "version": 1}
        if asked.get("paid"):
            order["tenders"] = [{"id": f"T{number}", "type": "CARD"}]
        changes: tuple[Change, ...] = ()
        detail: Record | None = None
        if asked.get("state", "COMPLETED") == "COMPLETED":
            order, changes, detail = self._completed(order, at_us)
        self._world.apply("order.create", order["id"], ("order", order["id"], order), *changes, detail=detail)
        self._told("order.created", order)
        return shown_order(order)

    def complete(self, key: str) -> Record:
        """An open order is paid and handed over."""
        order = self._open(key)
        done, changes, detail = self._completed(self._touched(order), self._moments.now_us())
        self._world.apply("order.complete", key, ("order", key, done), *changes, once=True, detail=detail)
        self._told("order.updated", done)
        return shown_order(done)

    def cancel(self, key: str) -> Record:
        """An open order that nobody fetched: it never took stock."""
        order = self._touched(self._open(key)) | {"state": "CANCELED", "closed_at": text_of(self._moments.now_us())}
        self._world.apply("order.cancel", key, ("order", key, order), once=True)
        self._told("order.updated", order)
        return shown_order(order)

    def give_back(self, key: str, *, restock: bool) -> Record:
        """All of a completed order comes back: an order of its own that names the sale, restocked or thrown away."""
        sale = self._world.get("order", key)
        if sale is None or sale["state"] != "COMPLETED":
            raise SaleError(f"{key} is no completed order")
        now_us = self._moments.now_us()
        returned = [{"source_line_item_uid": line["uid"], **line} for line in sale["line_items"]]
        order = {
            "id": f"CAISE{self._world.next_id('order')}", "location_id": sale["location_id"], "state": "COMPLETED",
            "created_at": text_of(now_us), "updated_at": text_of(now_us), "closed_at": text_of(now_us),
            "updated_us": now_us, "source": {"name": "Point of Sale"}, "taken": False,
            "returns": [{"source_order_id": key, "return_line_items": returned}],
        }  # fmt: skip
        moves = {"from_state": "UNLINKED_RETURN", "to_state": "IN_STOCK" if restock else "WASTE"}
        rows = [self._change(line, sale["location_id"], now_us, moves) for line in self._counted(sale)]
        changes, detail = self._moved(rows)
        self._world.apply("order.return", key, ("order", order["id"], order), *changes, once=True, detail=detail)
        return shown_order(order)

    def recount(self, item: str, location: str, quantity: str) -> Record:
        """A person counts what is on the shelf, at the till."""
        row = self._change({"catalog_object_id": item, "quantity": quantity}, location, self._moments.now_us(), {})
        row |= {"type": "PHYSICAL_COUNT", "state": "IN_STOCK"}
        changes, detail = self._moved([row])
        self._world.apply("inventory.recount", f"{item}@{location}", *changes, detail=detail)
        return {"lines": (detail or {}).get("lines", [])}

    def search(self, body: Mapping[str, Any]) -> Record:
        """POST /v2/orders/search."""
        locations = body.get("location_ids")
        if not locations:
            raise refused("MISSING_REQUIRED_PARAMETER", "At least one location_id is required.", "location_ids")
        if len(locations) > LOCATIONS_MOST:
            raise refused("ARRAY_LENGTH_TOO_LONG", f"At most {LOCATIONS_MOST} location_ids.", "location_ids")
        asked = {name: value for name, value in body.items() if name not in ("cursor", "limit")}
        size = limit_of(body.get("limit"), PAGE, PAGE_MOST)
        place = place_of(body.get("cursor"), asked) or [self._moments.now_us(), 0]
        found = self._found(body.get("query") or {}, frozenset(locations), until_us=place[0])
        begin = place[1]
        page: Record = {"orders": [shown_order(order) for order in found[begin : begin + size]]}
        return page | {"cursor": cursor_of(asked, [place[0], begin + size])} if begin + size < len(found) else page

    def batch(self, keys: list[str]) -> Record:
        """POST /v2/orders/batch-retrieve: an id that does not exist is left out."""
        found = (self._world.get("order", key) for key in keys)
        return {"orders": [shown_order(order) for order in found if order is not None]}

    # -- selling

    def _line(self, line: Mapping[str, Any]) -> Record:
        row = self._catalog.get(line["item"]) if line.get("item") else self._catalog.by_sku(str(line.get("sku")))
        if row is None:
            raise SaleError(f"there is no item {line.get('item') or line.get('sku')}")
        return {
            "uid": f"uid{self._world.next_id('line')}", "catalog_object_id": row["id"], "name": row["name"],
            "quantity": str(line.get("quantity", 1)), "item_type": "ITEM",
            "base_price_money": {"amount": 1000, "currency": "USD"},
        }  # fmt: skip

    def _check_available(self, lines: list[Record], location: str) -> None:
        for line in lines:
            there = self._stock.quantity(line["catalog_object_id"], location)
            if there < Decimal(line["quantity"]):
                raise SaleError(f"{line['name']}: {line['quantity']} wanted, {there} there")

    def _completed(self, order: Record, at_us: int) -> tuple[Record, tuple[Change, ...], Record | None]:
        moves = {"from_state": "IN_STOCK", "to_state": "SOLD"}
        rows = [self._change(line, order["location_id"], at_us, moves) for line in self._counted(order)]
        changes, detail = self._moved(rows)
        done = order | {"state": "COMPLETED", "closed_at": text_of(at_us), "taken": True}
        return done, changes, detail

    def _counted(self, order: Record) -> list[Record]:
        """Lines of items whose stock is tracked at the order's location."""
        found = []
        for line in order["line_items"]:
            row = self._catalog.get(line["catalog_object_id"])
            if row is not None and self._catalog.tracks(row, order["location_id"]):
                found.append(line)
        return found

    def _change(self, line: Mapping[str, Any], location: str, at_us: int, moves: Mapping[str, str]) -> Record:
        return {
            "type": "ADJUSTMENT", "item": line["catalog_object_id"], "location": location, "reference_id": None,
            "quantity": str(line["quantity"]), "occurred_us": at_us, "created_us": self._moments.now_us(),
            "id": self._world.next_id("change"), "by": "POS", **moves,
        }  # fmt: skip

    def _moved(self, rows: list[Record]) -> tuple[tuple[Change, ...], Record | None]:
        lines = self._inventory.move(rows)
        return tuple(("change", row["id"], row) for row in rows), {"lines": lines} if lines else None

    # -- orders

    def _open(self, key: str) -> Record:
        order = self._world.get("order", key)
        if order is None or order["state"] != "OPEN":
            raise SaleError(f"{key} is no open order")
        return order

    def _touched(self, order: Record) -> Record:
        now_us = self._moments.now_us()
        touched = {**order, "updated_us": now_us, "updated_at": text_of(now_us)}
        return touched | {"version": order["version"] + 1} if "version" in order else touched

    def _told(self, event: str, order: Record) -> None:
        """Only orders that were made through the API are told of."""
        if "version" in order:
            self._tell(event, order)

    def _found(self, query: Mapping[str, Any], locations: frozenset[str], until_us: int) -> list[Record]:
        wanted = query.get("filter") or {}
        states = (wanted.get("state_filter") or {}).get("states")
        field, begin_us, end_us = _range(wanted.get("date_time_filter") or {}, until_us)
        order = _sorting(query.get("sort") or {}, field)
        rows = [
            row
            for _, row in self._world.rows("order")
            if row["location_id"] in locations
            and (not states or row["state"] in states)
            and (not field or begin_us <= _moment(row, field) <= end_us)
        ]
        return sorted(rows, key=lambda row: _moment(row, order[0]), reverse=order[1])


def shown_order(order: Record) -> Record:
    """An Order: without what the twin keeps for itself."""
    return {name: value for name, value in order.items() if name not in ("updated_us", "taken")}


def _range(given: Mapping[str, Any], until_us: int) -> tuple[str, int, int]:
    """(field, begin, end); without an end it is the time of the first request for the cursor."""
    asked = [(name, value) for name, value in given.items() if value]
    if len(asked) > 1:
        raise refused("CONFLICTING_PARAMETERS", "Only one time range may be given.", "query.filter.date_time_filter")
    for name, value in asked:
        if name not in FIELDS:
            raise refused("INVALID_VALUE", f"`{name}` is no time of an order.", "query.filter.date_time_filter")
        path = f"query.filter.date_time_filter.{name}"
        begin = moment_of(value["start_at"], f"{path}.start_at") if value.get("start_at") else 0
        end = moment_of(value["end_at"], f"{path}.end_at") if value.get("end_at") else until_us
        if begin > end:
            raise refused("INVALID_TIME_RANGE", "start_at must be before end_at.", path)
        return name, begin, end
    return "", 0, until_us


def _sorting(sort: Mapping[str, Any], field: str) -> tuple[str, bool]:
    """(member, whether descending). Raises SquareError when it is not the field of the time range."""
    name = sort.get("sort_field", "CREATED_AT")
    if name not in FIELDS.values():
        raise refused("INVALID_ENUM_VALUE", f"`{name}` cannot be sorted by.", "query.sort.sort_field")
    if field and FIELDS[field] != name:
        words = "When filtering by a time range, sort_field must be the same field."
        raise refused("CONFLICTING_PARAMETERS", words, "query.sort.sort_field")
    return name.lower(), sort.get("sort_order", "DESC") == "DESC"


def _moment(row: Record, field: str) -> int:
    if field == "updated_at":
        return int(row["updated_us"])
    return moment_of(row[field], field) if row.get(field) else 0

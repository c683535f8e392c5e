"""What the ShipBob twin answers about stock: items, levels as totals and by location, the history of movements; and its controls.

Facts: brianzinn/shipbob-node-sdk openapi-2026-01.json at 8a10229 (its tests, which ran at a live account: at most some 150
InventoryIds at once, 250 events a page of the history); developer.shipbob.com/guides/inventory-history (a side of an event
may be null, its time has no zone). There are no webhooks of inventory (Webhooks.Topics). `next` is a path without the
version, and a cursor: as programs that follow it show; the specification does not tell.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.shipbob_stock import Amounts, Stock
from interlock.twins.vendor import answer, read_json
from interlock.twins.world import Change, Record, World

Handler = Callable[[Request], Awaitable[Response]]
PAGE_LIMIT, PAGE_DEFAULT = 250, 50
"""The specification states no largest PageSize of inventory; 250 is that of its other lists."""
IDS_LIMIT = 150
HISTORY_PAGE = 250
HISTORY_DAYS = 90
SETS = ("on_hand", "awaiting", "internal_transfer")


class Inventory:
    """The routes, over one Stock."""

    def __init__(self, world: World, stock: Stock, version: str) -> None:
        self._world = world
        self._stock = stock
        self._version = version

    def routes(self, guarded: Callable[[Handler], Handler]) -> list[BaseRoute]:
        """Items, levels, levels by location, the history of movements, and locations."""
        paths: dict[str, Handler] = {
            "/inventory": self._items,
            "/inventory/{id:int}": self._item,
            "/inventory-level": self._levels,
            "/inventory-level/locations": self._levels_by_location,
            "/inventory-level/{id:int}": self._level,
            "/inventory-level/{id:int}/locations": self._level_by_location,
            "/location": self._locations,
        }
        routes: list[BaseRoute] = [
            Route(self._version + path, _explained(guarded(handler)), methods=["GET"])
            for path, handler in paths.items()
        ]
        history = Route(f"{self._version}/inventory/history:query", guarded(self._history), methods=["POST"])
        return [*routes, history]

    def control_routes(self) -> list[BaseRoute]:
        """POST /_twin/stock seeds items, /_twin/stock:stale holds the numbers, /_twin/stock/{sku} changes one."""
        return [
            Route("/stock", self._seed, methods=["POST"]),
            Route("/stock:stale", self._stale, methods=["POST"]),
            Route("/stock/{sku:path}", self._change, methods=["POST"]),
        ]

    # -- the vendor's API -----------------------------------------------------------------------------------------

    async def _items(self, request: Request) -> Response:
        return self._page(request, self._item_row)

    async def _levels(self, request: Request) -> Response:
        return self._page(request, self._totals)

    async def _levels_by_location(self, request: Request) -> Response:
        place = request.query_params.get("LocationId")
        return self._page(request, lambda known: self._by_location(known, int(place) if place else None))

    async def _item(self, request: Request) -> Response:
        return self._one(request, self._item_row)

    async def _level(self, request: Request) -> Response:
        return self._one(request, self._totals)

    async def _level_by_location(self, request: Request) -> Response:
        return self._one(request, self._by_location)

    async def _locations(self, _: Request) -> Response:
        flags = {"access_granted": True, "is_active": True, "is_receiving_enabled": True, "is_shipping_enabled": True}
        return answer([{**row, **flags, "attributes": [], "services": []} for row in self._stock.locations])

    async def _history(self, request: Request) -> Response:
        """Movements after a cursor at one facility. `facility_id` is required; without dates, the last 90 days."""
        body = await read_json(request)
        facility = body.get("facility_id") if isinstance(body, dict) else None
        if not isinstance(facility, int):
            return answer(problem("The facility_id field is required."), 400)
        after = int(request.query_params.get("cursor") or body.get("cursor") or 0)
        earliest = datetime.now(UTC) - timedelta(days=HISTORY_DAYS)
        since = datetime.fromisoformat(body["start_date"]) if body.get("start_date") else earliest
        found = self._stock.movements(facility, after, max(since, earliest), HISTORY_PAGE)
        rows = [row | {"event_datetime": row["event_datetime"].partition("+")[0]} for row in found[:HISTORY_PAGE]]
        more = len(found) > HISTORY_PAGE
        following = f"/inventory/history:query?cursor={rows[-1]['inventory_audit_event_id']}" if more else None
        return answer({"data": rows, "first": None, "last": None, "next": following, "prev": None})

    def _page(self, request: Request, shown: Callable[[int], Record]) -> Response:
        query = _asked(request)
        try:
            limit, after = int(query.get("PageSize", PAGE_DEFAULT)), int(query.get("after", 0))
            wanted = [int(one) for one in query["InventoryIds"].split(",")] if "InventoryIds" in query else None
        except ValueError as error:
            return answer(problem(str(error)), 400)
        if not 1 <= limit <= PAGE_LIMIT:
            return answer(problem(f"PageSize must be between 1 and {PAGE_LIMIT}."), 400)
        if wanted is not None and len(wanted) > IDS_LIMIT:
            return answer(problem(f"InventoryIds: at most {IDS_LIMIT}."), 400)
        found = self._stock.page(after, limit, wanted)
        path, more = request.url.path.removeprefix(self._version), len(found) > limit
        following = f"{path}?cursor={_cursor({**query, 'after': found[limit - 1]})}" if more else None
        rows = [shown(known) for known in found[:limit]]
        return answer({"items": rows, "first": None, "last": None, "next": following, "prev": None})

    def _one(self, request: Request, shown: Callable[[int], Record]) -> Response:
        known = request.path_params["id"]
        product = self._stock.product(known)
        if product is None or product.get("missing"):
            return answer(problem("The inventory item was not found.", 404), 404)
        return answer(shown(known))

    def _item_row(self, inventory_id: int) -> Record:
        product = self._stock.product(inventory_id) or {}
        flags = {
            "is_active": True,
            "is_bundle": bool(product.get("is_bundle")),
            "is_digital": bool(product.get("is_digital")),
        }
        return {
            **self._named(inventory_id), "barcode": product.get("barcode"), "is_case": bool(product.get("is_case")),
            "is_lot": False, "user_id": 1, "variant": flags,
        }  # fmt: skip

    def _totals(self, inventory_id: int) -> Record:
        product = self._stock.product(inventory_id) or {}
        rows = self._stock.shown(inventory_id).values()
        fulfillable, awaiting = sum(row.fulfillable for row in rows), sum(row.awaiting for row in rows)
        return {
            **self._named(inventory_id),
            "total_awaiting_quantity": awaiting,
            "total_backordered_quantity": sum(max(0, row.committed - row.on_hand) for row in rows),
            "total_committed_quantity": sum(row.committed for row in rows),
            "total_exception_quantity": int(product.get("exception", 0)),
            "total_fulfillable_quantity": fulfillable,
            "total_internal_transfer_quantity": sum(row.internal_transfer for row in rows),
            "total_on_hand_quantity": sum(row.on_hand for row in rows),
            "total_sellable_quantity": fulfillable + awaiting,
        }

    def _by_location(self, inventory_id: int, only: int | None = None) -> Record:
        shown = self._stock.shown(inventory_id)
        names = {row["id"]: row["name"] for row in self._stock.locations}
        places = [
            _location_row(place, names.get(place, f"location {place}"), row)
            for place, row in shown.items()
            if only in (None, place)
        ]
        return {**self._named(inventory_id), "locations": places}

    def _named(self, inventory_id: int) -> Record:
        product = self._stock.product(inventory_id) or {}
        return {"inventory_id": inventory_id, "name": product.get("name"), "sku": product.get("reference_id")}

    # -- what people do in the warehouse ----------------------------------------------------------------------------

    async def _seed(self, request: Request) -> Response:
        """{"items": [{"sku", "barcode", "locations": {"8": 10}, "exception": 1}, ...]}: products that are new."""
        entries = (await read_json(request))["items"]
        self._stock.add_many(entries)
        return answer({"items": len(entries)})

    async def _stale(self, request: Request) -> Response:
        """{"stale": true}: the levels stay as they are shown now, whatever happens, until {"stale": false}."""
        self._stock.hold(held=bool((await read_json(request)).get("stale", True)))
        return answer({"stale": self._stock.held})

    async def _change(self, request: Request) -> Response:
        """One item: {"location": 8, "on_hand" | "awaiting" | "internal_transfer": N}, {"adjust": -2}, {"receive": 5}, all
        at a location (the first by default); {"exception": N}; {"missing": true} leaves it out of every answer."""
        known = self._stock.id_of(request.path_params["sku"])
        body = await read_json(request)
        if known is None:
            return answer({"error": f"no item {request.path_params['sku']}"}, 404)
        place = int(body.pop("location", self._stock.locations[0]["id"]))
        changes: list[Change] = []
        if {"exception", "missing"} & body.keys():
            flags = {name: body[name] for name in ("exception", "missing") if name in body}
            changes = [("product", str(known), {**(self._stock.product(known) or {}), **flags})]
        elif delta := self._delta(known, place, body):
            category = "ReceivingStow" if "receive" in body else "InventoryAdjusted"
            changes = self._stock.moved(known, place, category, **delta)
        self._world.apply("stock.change", request.path_params["sku"], *changes, detail={"location": place, **body})
        self._stock.refresh(known)
        return answer(self._by_location(known))

    def _delta(self, inventory_id: int, place: int, body: Record) -> dict[str, int]:
        now = self._stock.amounts(inventory_id).get(place, Amounts())
        delta = {name: int(body[name]) - getattr(now, name) for name in SETS if name in body}
        if "adjust" in body:
            delta["on_hand"] = int(body["adjust"])
        if "receive" in body:
            arrived = int(body["receive"])
            delta = {"on_hand": arrived, "awaiting": -min(arrived, now.awaiting)}
        return delta


def _cursor(query: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(query).encode()).decode().rstrip("=")


def _asked(request: Request) -> dict[str, Any]:
    """The query; a cursor is all of an earlier one, and where it stood."""
    query: dict[str, Any] = dict(request.query_params)
    if cursor := query.pop("cursor", ""):
        query |= json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return query


def _explained(handler: Handler) -> Handler:
    """Inventory tells in a body why it answers nothing, where orders do not."""

    async def explained(request: Request) -> Response:
        response = await handler(request)
        bare = response.status_code in (401, 403) and not response.body
        return answer(problem("", response.status_code), response.status_code) if bare else response

    return explained


def _location_row(place: int, name: str, row: Amounts) -> Record:
    return {
        "awaiting_quantity": row.awaiting,
        "committed_quantity": row.committed,
        "fulfillable_quantity": row.fulfillable,
        "internal_transfer_quantity": row.internal_transfer,
        "location_id": place,
        "name": name,
        "on_hand_quantity": row.on_hand,
    }


def problem(detail: str, status: int = 400) -> dict[str, Any]:
    """Inventory.ProblemDetails."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, "instance": None}

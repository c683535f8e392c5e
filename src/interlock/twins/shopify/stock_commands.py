"""What a test author lets people do to goods and stock: the merchant sets or adjusts it, a buyer at the till takes some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.shopify.goods import locations, stock
from interlock.twins.shopify.goods.stock import Movement
from interlock.twins.shopify.load.assortment import PRODUCTS, assortment, put_on_sale
from interlock.twins.shopify.orders import timestamp
from interlock.twins.shopify.store import Store
from interlock.twins.vendor import answer
from interlock.twins.world import World, decode_json

WAYS = ("set", "adjust", "sell")


class StockCommands:
    """The routes; each change is kept in the history and told of by inventory_levels/update, as the shop's own are."""

    def __init__(self, world: World, store: Store, emit: Callable[[str, dict[str, Any]], None]) -> None:
        self._world, self._store, self._emit = world, store, emit

    def control_routes(self) -> list[BaseRoute]:
        return [
            Route("/stock", self.shown, methods=["GET"]),
            Route("/stock", self.change, methods=["POST"]),
            Route("/assortment", self.assortment, methods=["POST"]),
            Route("/locations", self.location, methods=["POST"]),
        ]

    async def shown(self, request: Request) -> Response:
        """GET /_twin/stock?item=: the levels of an item (by its id or SKU) at all locations; without it, all there are."""
        asked = request.query_params.get("item")
        item = None if asked is None else self._item(asked)
        if asked is not None and item is None:
            return answer({"error": f"no inventory item {asked!r}"}, 404)
        return answer({"levels": list(stock.levels(self._world, item=item))})

    async def change(self, request: Request) -> Response:
        """POST /_twin/stock {"item": id or SKU, "location": id, and one of "set", "adjust", "sell": units, "by": "human",
        "told": false: its webhook is lost}. 409 when there is not so much to sell.
        """
        asked = decode_json(await request.body())
        way = next((one for one in WAYS if one in asked), "")
        level = self._level(asked)
        if level is None or not way:
            return answer({"error": f"needs an item and a location where it is stocked, and one of {WAYS}"}, 404)
        units = int(asked[way])
        if way == "sell" and units > level["available"]:
            return answer({"error": "not enough in stock", "available": level["available"]}, 409)
        delta = {"set": units - level["available"], "adjust": units, "sell": -units}[way]
        by = str(asked.get("by", "buyer" if way == "sell" else "human"))
        return answer({"level": self._kept(level, delta, by, told=bool(asked.get("told", True)))})

    async def assortment(self, request: Request) -> Response:
        """POST /_twin/assortment {"products": 400, "seed": 7}: goods to sell, with stock at two locations; no webhooks."""
        asked = decode_json(await request.body() or b"{}")
        sold = assortment(int(asked.get("seed", self._world.seed)), int(asked.get("products", PRODUCTS)))
        new = put_on_sale(self._world, self._store.shop, sold, self._store.now())
        return answer({"products": new, "variants": len(sold.variants)}, 201)

    async def location(self, request: Request) -> Response:
        """POST /_twin/locations {"location": id, "active": true, "fulfillment_service": "name or null"}: opened or closed
        with all that is there, or handed to a fulfilment service, which alone may write its stock.
        """
        asked = decode_json(await request.body())
        found = locations.find(self._world, str(asked.get("location", self._store.shop.location_id)))
        if found is None:
            return answer({"error": "no such location"}, 404)
        at = timestamp(self._store.now())
        if "fulfillment_service" in asked:
            found = {**found, "fulfillment_service": asked["fulfillment_service"], "updated_at": at}
            self._world.remember((locations.KIND, str(found["id"]), found))
        if "active" in asked:
            found = locations.set_active(self._world, found, at, active=bool(asked["active"]))
        return answer({"location": found})

    def _item(self, asked: str) -> int | None:
        if self._world.get("inventory_item", asked) is not None:
            return int(asked)
        return next((row["id"] for _, row in self._world.rows("inventory_item") if row["sku"] == asked), None)

    def _level(self, asked: dict[str, Any]) -> stock.Level | None:
        item = self._item(str(asked.get("item", "")))
        place = asked.get("location", self._store.shop.location_id)
        found = None if item is None else stock.level(self._world, item, place)
        return found if found is not None and found["active"] else None

    def _kept(self, level: stock.Level, delta: int, by: str, *, told: bool) -> stock.Level:
        movement = Movement(level["item"], level["location"], "available", delta)
        (changed,) = stock.applied(self._world, [movement], timestamp(self._store.now()))
        self._world.remember(*stock.records([changed]), *self._store.history.of([changed], by))
        if told:
            self._emit("inventory_levels/update", stock.body(changed))
        return changed

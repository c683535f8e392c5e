"""The shop's first day: its locations, the catalogue as products, and the first stock."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from interlock.twins.shopify.catalogue import GIFT_CARD, PRICE_LEVEL, PRODUCTS, Product, Shop
from interlock.twins.shopify.goods import locations, products, stock
from interlock.twins.shopify.orders import timestamp
from interlock.twins.world import Change, World

FIRST_STOCK = (1_000, 100)
"""Units of each item at the first locations; a location beyond these has none."""
DAYS_AGO = 400
BUNDLE = Product(
    7_898_000_000_000, 44_898_000_000_000, "Camping starter set", None, "SET-CAMP", Decimal(199), 3_200
)  # its parts are sold, it has no stock of its own


def open_shop(world: World, shop: Shop, now: datetime) -> None:
    """Fill the books of goods, unless that was done already. `now` in the shop's zone."""
    if world.get(locations.KIND, str(shop.location_id)) is not None:
        return
    at = timestamp(now - timedelta(days=DAYS_AGO))
    places = locations.opening(shop, at)
    changes: list[Change] = [(locations.KIND, str(one["id"]), one) for one in places]
    for product in (*PRODUCTS, GIFT_CARD, BUNDLE):
        changes += _product(world, shop, product, places, at)
    world.remember(*changes)


def _product(world: World, shop: Shop, one: Product, places: list[dict[str, Any]], at: str) -> list[Change]:
    level = Decimal(PRICE_LEVEL.get(shop.currency, "1"))
    gift_card, bundle = one is GIFT_CARD, one is BUNDLE
    product = products.new_product(
        world, at, {"id": one.product_id, "title": one.title, "vendor": one.vendor, "gift_card": gift_card}
    )
    named = products.DEFAULT_OPTION if one.variant_title is None else "Variant"
    product["options"] = [products.new_option(world, named, 1)]
    asked = {"id": one.variant_id, "sku": one.sku, "price": (one.price * level).quantize(Decimal("0.01"))}
    variant = products.new_variant(
        world, product, [one.variant_title or products.DEFAULT_VALUE], at, asked | {"requires_components": bundle}
    )
    product["variants"] = [variant["id"]]
    tracked = not gift_card and not bundle
    item = products.new_item(variant, at, {"grams": one.grams, "requires_shipping": not gift_card, "tracked": tracked})
    stocked = zip(places, FIRST_STOCK, strict=False)
    levels = [stock.new_level(item["id"], place["id"], at, available=units) for place, units in stocked]
    if bundle:
        levels = [stock.new_level(item["id"], places[0]["id"], at)]
    return [*products.kept(product, [variant], [item]), *stock.records(levels if not gift_card else [])]

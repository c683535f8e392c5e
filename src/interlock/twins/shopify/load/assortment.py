"""What a busy shop sells: hundreds of products with variants and prices, a few of which make up most of what is bought."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate

from interlock.twins.shopify.catalogue import PRICE_LEVEL, Product, Shop
from interlock.twins.shopify.goods import locations, products, stock
from interlock.twins.shopify.orders import timestamp
from interlock.twins.world import Change, World

PRODUCTS = 400
FIRST_PRODUCT, FIRST_VARIANT, APART = 8_200_000_000_000, 45_200_000_000_000, 32_768
POPULARITY_EXPONENT = 0.9
"""The n-th product sells as 1 / n to this power: the first tenth makes up about half."""
FIRST_STOCK = (50_000, 2_000)
DAYS_AGO = 500
MATERIALS = ("Linen", "Merino", "Canvas", "Walnut", "Steel", "Recycled", "Cotton", "Ceramic", "Cork", "Leather")
THINGS = ("shirt", "sweater", "tote", "lamp", "bottle", "socks", "mug", "jacket", "notebook", "stool", "blanket", "cap")
LINES = ("Aalto", "Birke", "Cairn", "Dune", "Elm", "Fjord", "Grove", "Harbour")
COLOURS, SIZES = ("Navy", "Sand", "Moss", "Brick"), ("S", "M", "L", "XL")
ENDINGS = (Decimal("0.00"), Decimal("0.50"), Decimal("0.90"), Decimal("0.95"), Decimal("0.99"))


@dataclass(frozen=True)
class Assortment:
    """All variants, and how far their popularities add up."""

    variants: tuple[Product, ...]
    reach: tuple[float, ...]

    def basket(self, rng: random.Random, count: int) -> list[Product]:
        """So many different variants, the popular ones more often."""
        drawn = rng.choices(self.variants, cum_weights=self.reach, k=count)
        return list(dict.fromkeys(drawn))


def assortment(seed: int, count: int = PRODUCTS) -> Assortment:
    """The same seed gives the same assortment."""
    rng = random.Random(f"{seed}:assortment")
    variants: list[Product] = []
    weights: list[float] = []
    for number in range(count):
        made = _variants(rng, number)
        variants += made
        weights += [1 / (number + 1) ** POPULARITY_EXPONENT / len(made)] * len(made)
    return Assortment(tuple(variants), tuple(accumulate(weights)))


def _variants(rng: random.Random, number: int) -> list[Product]:
    title = f"{rng.choice(LINES)} {rng.choice(MATERIALS).lower()} {rng.choice(THINGS)} {number + 1}"
    price = Decimal(max(4, min(900, round(rng.lognormvariate(3.6, 0.8))))) + rng.choice(ENDINGS)
    grams, vendor = rng.randrange(60, 4_000, 10), f"{title.split(maxsplit=1)[0]} & Co"
    options: list[str | None] = [None]
    if rng.random() < 0.6:
        options = [f"{colour} / {size}" for colour in rng.sample(COLOURS, 2) for size in SIZES[: rng.randint(1, 4)]]
    return [
        Product(
            FIRST_PRODUCT + number * APART,
            FIRST_VARIANT + (number * 8 + place) * APART,
            title,
            option,
            f"P{number + 1:04d}-{place + 1}",
            price,
            grams,
            vendor,
        )
        for place, option in enumerate(options)
    ]


def put_on_sale(world: World, shop: Shop, sold: Assortment, now: datetime) -> int:
    """Keep the assortment as the shop's products with stock, unless it is there; returns how many products came."""
    at = timestamp(now - timedelta(days=DAYS_AGO))
    by_product: dict[int, list[Product]] = {}
    for one in sold.variants:
        by_product.setdefault(one.product_id, []).append(one)
    new = [variants for number, variants in by_product.items() if world.get("product", str(number)) is None]
    places = [row["id"] for _, row in world.rows(locations.KIND)]
    changes = [change for variants in new for change in _records(world, shop, variants, places, at)]
    if changes:
        world.remember(*changes)
    return len(new)


def _records(world: World, shop: Shop, variants: list[Product], places: list[int], at: str) -> list[Change]:
    first, level = variants[0], Decimal(PRICE_LEVEL.get(shop.currency, "1"))
    product = products.new_product(
        world, at, {"id": first.product_id, "title": first.title, "vendor": first.vendor, "product_type": "Goods"}
    )
    named = products.DEFAULT_OPTION if first.variant_title is None else "Variant"
    product["options"] = [products.new_option(world, named, 1)]
    made, items, levels = [], [], []
    for one in variants:
        asked = {"id": one.variant_id, "sku": one.sku, "price": (one.price * level).quantize(Decimal("0.01"))}
        variant = products.new_variant(world, product, [one.variant_title or products.DEFAULT_VALUE], at, asked)
        product["variants"].append(variant["id"])
        made.append(variant)
        items.append(products.new_item(variant, at, {"grams": one.grams}))
        item = variant["inventory_item_id"]
        levels += [
            stock.new_level(item, place, at, available=units) for place, units in zip(places, FIRST_STOCK, strict=False)
        ]
    return [*products.kept(product, made, items), *stock.records(levels)]

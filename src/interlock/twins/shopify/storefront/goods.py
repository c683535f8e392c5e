"""Resolvers of the Storefront API: products and variants out of the shop's books, priced for the buyer's country.

A product is seen when it is active and published. Prices are converted by the twin's own rates (catalogue.PRICE_LEVEL), as a
market without price lists of its own would; titles are not translated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from interlock.twins.shopify.admin.connections import connection, count
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid, split_gid
from interlock.twins.shopify.catalogue import PRICE_LEVEL
from interlock.twins.shopify.goods import products, stock

MARKETS = {
    "US": "USD",
    "CA": "CAD",
    "DE": "EUR",
    "FR": "EUR",
    "IE": "EUR",
    "GB": "GBP",
    "JP": "JPY",
    "KW": "KWD",
    "SE": "SEK",
}
"""Country -> the currency in which the twin sells there; elsewhere in the shop's own."""
DIGITS = {"JPY": 0, "KWD": 3}
DIGITS_DEFAULT = 2
Row = dict[str, Any]


def currency_of(shop: ShopContext) -> str:
    """What the buyer of this request pays in."""
    return MARKETS.get(str(shop.memory.get("country", "")), shop.shop.currency)


def money(shop: ShopContext, amount: str) -> Row:
    """A MoneyV2: the shop's price in the buyer's currency."""
    own, currency = shop.shop.currency, currency_of(shop)
    value = Decimal(amount) * Decimal(PRICE_LEVEL.get(currency, "1")) / Decimal(PRICE_LEVEL.get(own, "1"))
    digits = DIGITS.get(currency, DIGITS_DEFAULT)
    return {"amount": _decimal(value.quantize(Decimal(1).scaleb(-digits))), "currencyCode": currency}


def _decimal(value: Decimal) -> str:
    """Shopify leaves out a last zero behind the point, and keeps one: 29.9, 14.0."""
    text = format(value, "f")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}"


def _visible(product: Mapping[str, Any] | None) -> bool:
    return bool(product and product["status"] == "active" and product["published_at"])


def _products(shop: ShopContext) -> Iterator[Row]:
    return (row for _, row in shop.world.rows("product") if _visible(row))


def product_of(shop: ShopContext, _: Any, asked: dict[str, Any]) -> Row | None:
    """By id or by handle; null for one that is not published."""
    if asked.get("id"):
        type_name, number = split_gid(asked["id"])
        return _shown(shop.world.get("product", number)) if type_name == "Product" else None
    handle = asked.get("handle")
    return next((_shown(row) for row in _products(shop) if row["handle"] == handle), None)


def _shown(product: Row | None) -> Row | None:
    return {"__typename": "Product", **product} if product is not None and _visible(product) else None


def products_of(shop: ShopContext, _: Any, asked: dict[str, Any]) -> Row:
    """All that are seen, or those that hold every word of `query` in title, vendor, type or tags."""
    words = str(asked.get("query") or "").lower().split()
    return connection([row for row in _products(shop) if all(word in _words_of(row) for word in words)], asked)


def _words_of(row: Row) -> str:
    return " ".join([row["title"], row["vendor"], row["product_type"], *row["tags"]]).lower()


def nodes_of(shop: ShopContext, _: Any, asked: dict[str, Any]) -> list[Row | None]:
    return [node_of(shop, None, {"id": one}) for one in asked["ids"]]


def node_of(shop: ShopContext, _: Any, asked: dict[str, Any]) -> Row | None:
    """A product or a variant; null for what is not sold."""
    type_name, number = split_gid(asked["id"])
    if type_name == "Product":
        return _shown(shop.world.get("product", number))
    variant = shop.world.get("variant", number) if type_name == "ProductVariant" else None
    if variant is None or not _visible(shop.world.get("product", str(variant["product_id"]))):
        return None
    return {"__typename": "ProductVariant", **variant}


def _variants(shop: ShopContext, product: Row) -> list[Row]:
    return products.variants_of(shop.world, product)


def _sellable(shop: ShopContext, variant: Row) -> bool:
    """In stock, sold beyond stock, or not counted."""
    return not _counted(shop, variant) or variant["inventory_policy"] == "continue" or _units(shop, variant) > 0


def _counted(shop: ShopContext, variant: Row) -> bool:
    item = shop.world.get("inventory_item", str(variant["inventory_item_id"]))
    return bool(item and item["tracked"])


def _units(shop: ShopContext, variant: Row) -> int:
    return stock.available(shop.world, variant["inventory_item_id"])


def _range(shop: ShopContext, product: Row, member: str) -> Row:
    """The lowest and the highest price; a product without any shows zero, as the platform does for compare-at prices."""
    prices = [Decimal(one[member]) for one in _variants(shop, product) if one[member] is not None] or [Decimal(0)]
    return {"minVariantPrice": money(shop, str(min(prices))), "maxVariantPrice": money(shop, str(max(prices)))}


def _options(shop: ShopContext, product: Row) -> list[Row]:
    variants = _variants(shop, product)
    return [
        {
            "id": gid("ProductOption", one["id"]),
            "name": one["name"],
            "optionValues": [
                {"id": gid("ProductOptionValue", f"{one['id']}{place}"), "name": value}
                for place, value in enumerate(products.values_of(variants, one["position"]), 1)
            ],
        }
        for one in product["options"]
    ]


def _chosen(shop: ShopContext, variant: Row) -> list[Row]:
    product = shop.world.get("product", str(variant["product_id"])) or {"options": []}
    names = (one["name"] for one in product["options"])
    return [{"name": name, "value": value} for name, value in zip(names, variant["options"], strict=False)]


def _item(shop: ShopContext, variant: Row) -> Row:
    return shop.world.get("inventory_item", str(variant["inventory_item_id"])) or {"requires_shipping": True}


def _shop(shop: ShopContext, *_: Any) -> Row:
    return {
        "id": gid("Shop", shop.shop.shop_id),
        "name": shop.shop.name,
        "description": None,
        "primaryDomain": {"host": shop.shop.domain, "url": f"https://{shop.shop.domain}", "sslEnabled": True},
        "paymentSettings": {
            "currencyCode": shop.shop.currency,
            "countryCode": "US",
            "enabledPresentmentCurrencies": sorted({shop.shop.currency, *MARKETS.values()}),
        },
    }


RESOLVERS: dict[str, Resolver] = {
    "QueryRoot.product": product_of,
    "QueryRoot.products": products_of,
    "QueryRoot.node": node_of,
    "QueryRoot.nodes": nodes_of,
    "QueryRoot.shop": _shop,
    "Product.id": lambda _, one, __: gid("Product", one["id"]),
    "Product.description": lambda _, one, asked: one["body_html"][: asked.get("truncateAt")],
    "Product.descriptionHtml": lambda _, one, __: one["body_html"],
    "Product.productType": lambda _, one, __: one["product_type"],
    "Product.isGiftCard": lambda _, one, __: one["gift_card"],
    "Product.createdAt": lambda _, one, __: one["created_at"],
    "Product.updatedAt": lambda _, one, __: one["updated_at"],
    "Product.publishedAt": lambda _, one, __: one["published_at"],
    "Product.availableForSale": lambda shop, one, _: any(_sellable(shop, each) for each in _variants(shop, one)),
    "Product.priceRange": lambda shop, one, _: _range(shop, one, "price"),
    "Product.compareAtPriceRange": lambda shop, one, _: _range(shop, one, "compare_at_price"),
    "Product.options": lambda shop, one, asked: _options(shop, one)[: asked.get("first")],
    "Product.variants": lambda shop, one, asked: connection(_variants(shop, one), asked),
    "Product.variantsCount": lambda _, one, __: count(len(one["variants"])),
    "ProductVariant.id": lambda _, one, __: gid("ProductVariant", one["id"]),
    "ProductVariant.title": lambda _, one, __: products.variant_title(one),
    "ProductVariant.availableForSale": lambda shop, one, _: _sellable(shop, one),
    "ProductVariant.currentlyNotInStock": lambda shop, one, _: (
        _counted(shop, one) and _sellable(shop, one) and _units(shop, one) <= 0
    ),
    "ProductVariant.price": lambda shop, one, _: money(shop, one["price"]),
    "ProductVariant.compareAtPrice": lambda shop, one, _: (
        None if one["compare_at_price"] is None else money(shop, one["compare_at_price"])
    ),
    "ProductVariant.selectedOptions": lambda shop, one, _: _chosen(shop, one),
    "ProductVariant.product": lambda shop, one, _: _shown(shop.world.get("product", str(one["product_id"]))),
    "ProductVariant.requiresShipping": lambda shop, one, _: _item(shop, one)["requires_shipping"],
}

"""Products of the Admin API as they are read: products, variants, collections, and the traces of deleted products."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from typing import Any

from interlock.twins.shopify.admin.connections import connection, count
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid, split_gid
from interlock.twins.shopify.admin.search import Query, Searched, search
from interlock.twins.shopify.goods import products, stock
from interlock.twins.shopify.indexes import seconds

Row = Mapping[str, Any]
Sorting = Mapping[str, Callable[[Any], Any]]

VARIANT_SEARCH = {
    "id": Searched(lambda row: row["id"], "id"),
    "product_id": Searched(lambda row: row["product_id"], "id"),
    "sku": Searched(lambda row: row["sku"]),
    "barcode": Searched(lambda row: row["barcode"]),
    "title": Searched(products.variant_title),
    "updated_at": Searched(lambda row: row["updated_at"], "time"),
}
DELETION_SEARCH = {
    "id": Searched(lambda row: row["subject_id"], "id"),
    "occurred_at": Searched(lambda row: row["occurred_at"], "time"),
}
PRODUCT_SORTS: Sorting = {
    "CREATED_AT": lambda row: seconds(row["created_at"]),
    "UPDATED_AT": lambda row: seconds(row["updated_at"]),
    "TITLE": lambda row: row["title"].casefold(),
    "VENDOR": lambda row: row["vendor"].casefold(),
    "PRODUCT_TYPE": lambda row: row["product_type"].casefold(),
}
VARIANT_SORTS: Sorting = {"SKU": lambda row: row["sku"] or "", "TITLE": products.variant_title}


def product_search(shop: ShopContext) -> dict[str, Searched]:
    """What products are searched by; sku, barcode and price are those of their variants."""

    def of_variants(name: str) -> Callable[[Any], list[Any]]:
        return lambda row: [one[name] for one in products.variants_of(shop.world, row)]

    return {
        "id": Searched(lambda row: row["id"], "id"),
        "title": Searched(lambda row: row["title"]),
        "handle": Searched(lambda row: row["handle"]),
        "status": Searched(lambda row: row["status"]),
        "vendor": Searched(lambda row: row["vendor"]),
        "product_type": Searched(lambda row: row["product_type"]),
        "tag": Searched(lambda row: row["tags"]),
        "gift_card": Searched(lambda row: row["gift_card"], "flag"),
        "created_at": Searched(lambda row: row["created_at"], "time"),
        "updated_at": Searched(lambda row: row["updated_at"], "time"),
        "published_at": Searched(lambda row: row["published_at"], "time"),
        "sku": Searched(of_variants("sku")),
        "barcode": Searched(of_variants("barcode")),
        "price": Searched(of_variants("price"), "number"),
        "variant_id": Searched(lambda row: row["variants"], "id"),
    }


def product_view(row: Row) -> dict[str, Any]:
    """A Product without what hangs on it."""
    text = re.sub(r"<[^>]*>", "", row["body_html"])
    return {
        "__typename": "Product",
        "_row": row,
        "id": gid("Product", row["id"]),
        "legacyResourceId": row["id"],
        "title": row["title"],
        "handle": row["handle"],
        "vendor": row["vendor"],
        "productType": row["product_type"],
        "status": row["status"].upper(),
        "tags": row["tags"],
        "descriptionHtml": row["body_html"],
        "description": " ".join(text.split()),
        "templateSuffix": row["template_suffix"],
        "isGiftCard": row["gift_card"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "publishedAt": row["published_at"],
        "onlineStoreUrl": None,
    }


def variant_view(row: Row) -> dict[str, Any]:
    """A ProductVariant without what hangs on it."""
    return {
        "__typename": "ProductVariant",
        "_row": row,
        "id": gid("ProductVariant", row["id"]),
        "legacyResourceId": row["id"],
        "title": " / ".join(row["options"]),
        "sku": row["sku"],
        "barcode": row["barcode"],
        "price": row["price"],
        "compareAtPrice": row["compare_at_price"],
        "position": row["position"],
        "taxable": row["taxable"],
        "inventoryPolicy": row["inventory_policy"].upper(),
        "requiresComponents": row["requires_components"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
    }


def find_product(shop: ShopContext, asked: str) -> dict[str, Any] | None:
    """A product's record by gid."""
    kind, number = split_gid(asked)
    return shop.world.get("product", number) if kind == "Product" else None


def product(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    row = find_product(shop, arguments["id"])
    return None if row is None else product_view(row)


def by_identifier(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    """productByIdentifier: by id or by handle."""
    asked = arguments["identifier"]
    if asked.get("id"):
        return shop.node(asked["id"])
    rows = (row for _, row in shop.world.rows("product") if row["handle"] == asked.get("handle"))
    return next((product_view(row) for row in rows), None)


def listed(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    found = search(
        arguments.get("query"), product_search(shop), default=("title", "vendor", "tag"), shop=shop, path="products"
    )
    return _sorted(shop, "product", PRODUCT_SORTS, arguments, found, product_view)


def counted(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    found = search(arguments.get("query"), product_search(shop), default=("title",), shop=shop, path="productsCount")
    rows = (row for _, row in shop.world.rows("product") if found.wanted(row))
    return count(sum(1 for _ in rows), arguments.get("limit", 10_000))


def variant(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    kind, number = split_gid(arguments["id"])
    row = shop.world.get("variant", number) if kind == "ProductVariant" else None
    return None if row is None else variant_view(row)


def variants_listed(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    found = search(arguments.get("query"), VARIANT_SEARCH, default=("title", "sku"), shop=shop, path="productVariants")
    return _sorted(shop, "variant", VARIANT_SORTS, arguments, found, variant_view)


def product_variants(shop: ShopContext, parent: Any, arguments: dict[str, Any]) -> Any:
    rows = products.variants_of(shop.world, parent["_row"])
    return connection(rows, arguments, key=lambda row: row["position"], show=variant_view)


def options(shop: ShopContext, parent: Any, arguments: dict[str, Any]) -> Any:
    row = parent["_row"]
    variants = products.variants_of(shop.world, row)
    found = [
        {
            "__typename": "ProductOption",
            "id": gid("ProductOption", one["id"]),
            "name": one["name"],
            "position": one["position"],
            "values": products.values_of(variants, one["position"]),
        }
        for one in row["options"]
    ]
    return found[: arguments.get("first")]


def selected_options(shop: ShopContext, parent: Any, _: dict[str, Any]) -> Any:
    row = parent["_row"]
    owner = shop.world.get("product", str(row["product_id"])) or {"options": []}
    pairs = zip(owner["options"], row["options"], strict=False)
    return [{"name": option["name"], "value": value} for option, value in pairs]


def total_inventory(shop: ShopContext, parent: Any, _: dict[str, Any]) -> int:
    return sum(_units(shop, one) for one in products.variants_of(shop.world, parent["_row"]))


def tracks_inventory(shop: ShopContext, parent: Any, _: dict[str, Any]) -> bool:
    variants = products.variants_of(shop.world, parent["_row"])
    items = (shop.world.get("inventory_item", str(one["inventory_item_id"])) for one in variants)
    return any(one is not None and one["tracked"] for one in items)


def price_range(shop: ShopContext, parent: Any, _: dict[str, Any]) -> Any:
    prices = sorted((one["price"] for one in products.variants_of(shop.world, parent["_row"])), key=float)
    ends = {"minVariantPrice": prices[0], "maxVariantPrice": prices[-1]}
    return {name: {"amount": price, "currencyCode": shop.shop.currency} for name, price in ends.items()}


def collections(_: ShopContext, __: Any, arguments: dict[str, Any]) -> Any:
    """This shop has no collections."""
    return connection([], arguments)


def deletions(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    """deletionEvents: what was deleted, oldest first (F79)."""
    wanted_types = arguments.get("subjectTypes")
    found = search(arguments.get("query"), DELETION_SEARCH, shop=shop, path="deletionEvents")
    return connection(
        sorted((row for _, row in shop.world.rows("deletion")), key=_deleted),
        arguments,
        key=_deleted,
        wanted=lambda row: (not wanted_types or row["subject_type"] in wanted_types) and found.wanted(row),
        show=lambda row: {
            "occurredAt": row["occurred_at"],
            "subjectId": gid(row["subject_type"].capitalize(), row["subject_id"]),
            "subjectType": row["subject_type"],
        },
    )


def _deleted(row: Any) -> Any:
    return (seconds(row["occurred_at"]), row["subject_id"])


def _sorted(
    shop: ShopContext,
    kind: str,
    sorts: Sorting,
    arguments: dict[str, Any],
    found: Query,
    show: Callable[[Any], dict[str, Any]],
) -> dict[str, Any]:
    """One page of all records of a kind; a bulk operation, one request to us, sorts once."""
    by = sorts.get(arguments.get("sortKey") or "ID")
    if by is None:
        return _in_order_of_id(shop, kind, arguments, found, show)

    def key(row: Any) -> Any:
        return (by(row), row["id"])

    name = f"{kind} by {arguments.get('sortKey')}"
    if name not in shop.memory:
        shop.memory[name] = sorted((row for _, row in shop.world.rows(kind)), key=key)
    return connection(shop.memory[name], arguments, key=key, wanted=found.wanted, show=show)


def _in_order_of_id(
    shop: ShopContext, kind: str, arguments: dict[str, Any], found: Query, show: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    """One page, which costs its own length: of a hundred thousand variants, page by page, none is looked at twice."""
    ids, (least, most) = shop.world.ids(kind), found.bounds.get("id", (None, None))
    begin = 0 if least is None else bisect_left(ids, least)
    end = len(ids) if most is None else bisect_right(ids, most)

    def row(number: int) -> Any:
        return shop.world.get(kind, str(number))

    return connection(
        ids[begin:end],
        arguments,
        key=lambda number: number,
        wanted=lambda number: found.wanted(row(number)),
        show=lambda number: show(row(number)),
    )


def _units(shop: ShopContext, variant: Any) -> int:
    return stock.available(shop.world, variant["inventory_item_id"])


def _variants_of(shop: ShopContext, parent: Any) -> list[dict[str, Any]]:
    return products.variants_of(shop.world, parent["_row"])


def _load(kind: str, show: Callable[[Any], dict[str, Any]]) -> Callable[[ShopContext, str], dict[str, Any] | None]:
    def load(shop: ShopContext, number: str) -> dict[str, Any] | None:
        row = shop.world.get(kind, number)
        return None if row is None else show(row)

    return load


RESOLVERS: dict[str, Resolver] = {
    "QueryRoot.product": product,
    "QueryRoot.productByIdentifier": by_identifier,
    "QueryRoot.products": listed,
    "QueryRoot.productsCount": counted,
    "QueryRoot.productVariant": variant,
    "QueryRoot.productVariants": variants_listed,
    "QueryRoot.collections": collections,
    "QueryRoot.deletionEvents": deletions,
    "Product.collections": collections,
    "Product.variants": product_variants,
    "Product.variantsCount": lambda _, parent, __: count(len(parent["_row"]["variants"])),
    "Product.options": options,
    "Product.totalInventory": total_inventory,
    "Product.tracksInventory": tracks_inventory,
    "Product.priceRangeV2": price_range,
    "Product.hasOnlyDefaultVariant": lambda shop, parent, _: (
        [one["options"] for one in _variants_of(shop, parent)] == [[products.DEFAULT_VALUE]]
    ),
    "Product.hasOutOfStockVariants": lambda shop, parent, _: any(
        _units(shop, one) <= 0 for one in _variants_of(shop, parent)
    ),
    "Product.hasVariantsThatRequiresComponents": lambda shop, parent, _: any(
        one["requires_components"] for one in _variants_of(shop, parent)
    ),
    "ProductVariant.selectedOptions": selected_options,
    "ProductVariant.product": lambda shop, parent, _: shop.node(gid("Product", parent["_row"]["product_id"])),
    "ProductVariant.inventoryItem": lambda shop, parent, _: shop.node(
        gid("InventoryItem", parent["_row"]["inventory_item_id"])
    ),
    "ProductVariant.inventoryQuantity": lambda shop, parent, _: _units(shop, parent["_row"]),
    "ProductVariant.displayName": lambda shop, parent, _: (
        f"{(shop.world.get('product', str(parent['_row']['product_id'])) or {'title': ''})['title']} - {parent['title']}"
    ),
    "ProductVariant.availableForSale": lambda shop, parent, _: (
        parent["_row"]["inventory_policy"] == "continue" or _units(shop, parent["_row"]) > 0
    ),
}
NODES = {"Product": _load("product", product_view), "ProductVariant": _load("variant", variant_view)}

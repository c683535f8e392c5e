"""Products and their variants: records in the shape of REST, made, changed and deleted, with the bodies of their webhooks.

Shapes: published samples of products/create, products/delete, inventory_items/update (2026-07). A product keeps the ids
of its variants; a variant keeps its values in the order of the product's options.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from interlock.twins.shopify.goods import stock
from interlock.twins.shopify.orders import gid
from interlock.twins.world import Change, World

Product = dict[str, Any]
Variant = dict[str, Any]

VARIANTS_MAX = 2_048
OPTIONS_MAX = 3
DEFAULT_OPTION, DEFAULT_VALUE = "Title", "Default Title"
FIRST_PRODUCT, FIRST_VARIANT, FIRST_OPTION = 8_000_000_000_000, 45_000_000_000_000, 10_000_000_000_000


def new_product(world: World, at: str, asked: dict[str, Any]) -> Product:
    """A product without variants, not kept yet. `asked` has REST's names."""
    number = asked.get("id") or FIRST_PRODUCT + int(world.next_id("product"))
    title = asked["title"]
    status = asked.get("status", "active")
    return {
        "id": number,
        "title": title,
        "body_html": asked.get("body_html") or "",
        "vendor": asked.get("vendor") or "",
        "product_type": asked.get("product_type") or "",
        "handle": free_handle(world, asked.get("handle") or handle_of(title)),
        "status": status,
        "tags": sorted(asked.get("tags") or []),
        "template_suffix": asked.get("template_suffix"),
        "gift_card": bool(asked.get("gift_card")),
        "created_at": at,
        "updated_at": at,
        "published_at": at if status == "active" else None,
        "options": [],
        "variants": [],
    }


def new_option(world: World, name: str, position: int) -> dict[str, Any]:
    """An option of a product."""
    return {"id": FIRST_OPTION + int(world.next_id("option")), "name": name, "position": position}


def new_variant(world: World, product: Product, values: list[str], at: str, asked: dict[str, Any]) -> Variant:
    """A variant of a product, not kept yet; `values` in the order of its options."""
    number = asked.get("id") or FIRST_VARIANT + int(world.next_id("variant"))
    return {
        "id": number,
        "product_id": product["id"],
        "options": values,
        "sku": asked.get("sku"),
        "barcode": asked.get("barcode"),
        "price": price_text(asked.get("price", "0")),
        "compare_at_price": None if asked.get("compare_at_price") is None else price_text(asked["compare_at_price"]),
        "position": len(product["variants"]) + 1,
        "inventory_policy": asked.get("inventory_policy", "deny"),
        "taxable": asked.get("taxable", True),
        "requires_components": bool(asked.get("requires_components")),
        "created_at": at,
        "updated_at": at,
        "inventory_item_id": number + stock.ITEM_DISTANCE,
    }


def new_item(variant: Variant, at: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The inventory item of a variant."""
    return {
        "id": variant["inventory_item_id"],
        "variant_id": variant["id"],
        "sku": variant["sku"],
        "created_at": at,
        "updated_at": at,
        "requires_shipping": asked.get("requires_shipping", True),
        "cost": asked.get("cost"),
        "country_code_of_origin": None,
        "province_code_of_origin": None,
        "harmonized_system_code": None,
        "tracked": asked.get("tracked", True),
        "grams": asked.get("grams", 0),
    }


def kept(product: Product, variants: Iterable[Variant] = (), items: Iterable[dict[str, Any]] = ()) -> list[Change]:
    """Records of a product and of those of its variants and items that changed."""
    return [
        ("product", str(product["id"]), product),
        *(("variant", str(one["id"]), one) for one in variants),
        *(("inventory_item", str(one["id"]), one) for one in items),
    ]


def variants_of(world: World, product: Product) -> list[Variant]:
    """A product's variants in their order."""
    found = (world.get("variant", str(number)) for number in product["variants"])
    return [one for one in found if one is not None]


def removed(world: World, variants: Iterable[Variant]) -> list[Change]:
    """Records that go when variants go: they, their items and their stock."""
    changes: list[Change] = []
    for one in variants:
        item = one["inventory_item_id"]
        changes += [("variant", str(one["id"]), None), ("inventory_item", str(item), None)]
        changes += [(stock.KIND, stock.key_of(item, row["location"]), None) for row in stock.levels(world, item=item)]
    return changes


def deletion(number: int, kind: str, at: str) -> Change:
    """The trace that a deleted product leaves (F79)."""
    return ("deletion", f"{kind}:{number}", {"subject_id": number, "subject_type": kind, "occurred_at": at})


def price_text(value: Any) -> str:
    """A price as REST writes it: at least two digits behind the point."""
    amount = Decimal(str(value))
    exponent = amount.as_tuple().exponent
    return str(amount.quantize(Decimal("0.01")) if isinstance(exponent, int) and exponent >= -2 else amount)


def handle_of(title: str) -> str:
    """Merino crew sweater -> merino-crew-sweater."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "product"


def free_handle(world: World, wanted: str) -> str:
    """The handle, with a number behind it when it is taken."""
    number, handle = 0, wanted
    while world.get("handle", handle) is not None:
        number += 1
        handle = f"{wanted}-{number}"
    world.remember(("handle", handle, {}))
    return handle


def variant_title(variant: Variant) -> str:
    """Navy / M."""
    return " / ".join(variant["options"])


def values_of(variants: Iterable[Variant], position: int) -> list[str]:
    """The values of one option in use, in the order of the variants."""
    return list(dict.fromkeys(one["options"][position - 1] for one in variants))


def body(world: World, product: Product) -> dict[str, Any]:
    """The body of products/create and products/update."""
    variants = variants_of(world, product)
    shown = {name: value for name, value in product.items() if name not in {"variants", "options", "gift_card"}}
    return shown | {
        "admin_graphql_api_id": gid("Product", product["id"]),
        "published_scope": "web",
        "tags": ", ".join(product["tags"]),
        "variants": [_variant_body(world, one) for one in variants],
        "options": [
            {**one, "product_id": product["id"], "values": values_of(variants, one["position"])}
            for one in product["options"]
        ],
        "images": [],
        "image": None,
        "media": [],
        "variant_gids": [
            {"admin_graphql_api_id": gid("ProductVariant", one["id"]), "updated_at": one["updated_at"]}
            for one in variants
        ],
        "has_variants_that_requires_components": any(one["requires_components"] for one in variants),
        "category": None,
    }


def _variant_body(world: World, variant: Variant) -> dict[str, Any]:
    shown = {name: value for name, value in variant.items() if name not in {"options", "requires_components"}}
    values = [*variant["options"], None, None, None][:OPTIONS_MAX]
    units = stock.available(world, variant["inventory_item_id"])
    return shown | {
        "admin_graphql_api_id": gid("ProductVariant", variant["id"]),
        "title": variant_title(variant),
        **{f"option{number}": value for number, value in enumerate(values, 1)},
        "image_id": None,
        "inventory_quantity": units,
        "old_inventory_quantity": units,
    }


def item_body(item: dict[str, Any]) -> dict[str, Any]:
    """The body of inventory_items/create and inventory_items/update."""
    shown = {name: value for name, value in item.items() if name not in {"variant_id", "grams"}}
    return shown | {
        "country_harmonized_system_codes": [],
        "weight_value": item["grams"],
        "weight_unit": "g",
        "admin_graphql_api_id": gid("InventoryItem", item["id"]),
    }

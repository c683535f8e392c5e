"""One mutation's work on a product: what is kept of it in one breath, and the webhooks that follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from interlock.twins.shopify.admin.context import ShopContext, gid, split_gid, user_error
from interlock.twins.shopify.goods import locations, products, stock
from interlock.twins.shopify.orders import timestamp
from interlock.twins.world import Change

Asked = Mapping[str, Any]
Errors = list[dict[str, Any]]

PRODUCT_INPUT = {
    "title": "title",
    "descriptionHtml": "body_html",
    "vendor": "vendor",
    "productType": "product_type",
    "handle": "handle",
    "tags": "tags",
    "templateSuffix": "template_suffix",
    "giftCard": "gift_card",
}
VARIANT_INPUT = {
    "barcode": "barcode",
    "price": "price",
    "compareAtPrice": "compare_at_price",
    "taxable": "taxable",
    "requiresComponents": "requires_components",
    "sku": "sku",
}


class Edit:
    """What one mutation does to a product: records to keep, webhooks to send, and what went wrong."""

    def __init__(self, shop: ShopContext, product: dict[str, Any]) -> None:
        self.shop, self.product, self.now = shop, product, timestamp(shop.store.now())
        self.touched: list[dict[str, Any]] = []
        self.errors: Errors = []
        self._changes: list[Change] = []
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._known = {one["id"]: one for one in products.variants_of(shop.world, product)}

    @property
    def variants(self) -> list[dict[str, Any]]:
        """The product's variants as they will be."""
        return [self._known[number] for number in self.product["variants"]]

    def rewrite(self, **members: Any) -> None:
        """Change members of the product."""
        self.product = {**self.product, **members}

    def add_variant(self, asked: Asked, values: list[str], place: tuple[str, ...]) -> None:
        """A new variant with its item, stocked where asked or at the primary location."""
        if any(one["options"] == values for one in self.variants):
            text = f"The variant '{' / '.join(values)}' already exists."
            self.errors.append(user_error(text, *place, code="VARIANT_ALREADY_EXISTS"))
            return
        item_asked = asked.get("inventoryItem") or {}
        made = products.new_variant(self.shop.world, self.product, values, self.now, variant_members(asked))
        names = {"cost": "cost", "tracked": "tracked", "requiresShipping": "requires_shipping"}
        item = products.new_item(
            made, self.now, {mine: item_asked[one] for one, mine in names.items() if one in item_asked}
        )
        self._known[made["id"]] = made
        self.rewrite(variants=[*self.product["variants"], made["id"]])
        self.touched.append(made)
        self._changes += [("variant", str(made["id"]), made), ("inventory_item", str(item["id"]), item)]
        self._events.append(("inventory_items/create", products.item_body(item)))
        self._stock(item["id"], asked, place)

    def _stock(self, item: int, asked: Asked, place: tuple[str, ...]) -> None:
        units = {split_gid(one["locationId"])[1]: _first_units(one) for one in asked.get("inventoryQuantities") or []}
        for number, quantity in (units or {str(self.shop.shop.location_id): 0}).items():
            if locations.find(self.shop.world, number) is None:
                text = "Quantity could not be set. The location was not found."
                self.errors.append(user_error(text, *place, code="TRACKED_VARIANT_LOCATION_NOT_FOUND"))
                continue
            level = stock.new_level(item, int(number), self.now, available=quantity)
            self._changes += stock.records([level])
            self._events.append(("inventory_levels/connect", stock.body(level)))

    def change_variant(self, number: int, asked: Asked, values: list[str] | None = None) -> None:
        """Change a variant, and its item where that is named."""
        members = variant_members(asked)
        for name in ("price", "compare_at_price"):
            if members.get(name) is not None:
                members[name] = products.price_text(members[name])
        changed = {**self._known[number], **members, "updated_at": self.now}
        if values is not None:
            changed["options"] = values
        self._known[number] = changed
        self.touched.append(changed)
        self._changes.append(("variant", str(number), changed))
        item = self.shop.world.get("inventory_item", str(changed["inventory_item_id"]))
        item_asked = asked.get("inventoryItem") or {}
        if item is not None and (item_asked or item["sku"] != changed["sku"]):
            names = {"cost": "cost", "tracked": "tracked", "requiresShipping": "requires_shipping"}
            new = {mine: item_asked[one] for one, mine in names.items() if one in item_asked}
            item = {**item, **new, "sku": changed["sku"], "updated_at": self.now}
            self._changes.append(("inventory_item", str(item["id"]), item))
            self._events.append(("inventory_items/update", products.item_body(item)))

    def drop_variants(self, numbers: Iterable[int]) -> None:
        """Take variants off, with their items and stock."""
        gone = [self._known[number] for number in numbers]
        self._changes += products.removed(self.shop.world, gone)
        self._events += [("inventory_items/delete", item_gone(one)) for one in gone]
        dropped = {one["id"] for one in gone}
        self.rewrite(variants=[number for number in self.product["variants"] if number not in dropped])

    def done(self, topic: str) -> None:
        """Keep everything in one breath and send the webhooks."""
        self.rewrite(updated_at=self.now)
        placed = []
        for position, one in enumerate(self.variants, 1):
            if one["position"] != position:
                placed.append(("variant", str(one["id"]), {**one, "position": position}))
        key = str(self.product["id"])
        records = [*self._changes, *placed, ("product", key, self.product)]
        self.shop.world.apply(f"product.{topic.partition('/')[2]}", key, *records)
        self.shop.emit(topic, products.body(self.shop.world, self.product))
        for name, body in self._events:
            self.shop.emit(name, body)


def product_members(asked: Asked) -> dict[str, Any]:
    """The members of a product that an input gives, under REST's names."""
    found = {mine: asked[theirs] for theirs, mine in PRODUCT_INPUT.items() if asked.get(theirs) is not None}
    if asked.get("status"):
        found["status"] = asked["status"].lower()
    if "tags" in found:
        found["tags"] = sorted(found["tags"])
    return found


def variant_members(asked: Asked) -> dict[str, Any]:
    """The members of a variant that an input gives, under REST's names."""
    found = {mine: asked[theirs] for theirs, mine in VARIANT_INPUT.items() if theirs in asked}
    if asked.get("inventoryPolicy"):
        found["inventory_policy"] = asked["inventoryPolicy"].lower()
    if "sku" in (asked.get("inventoryItem") or {}):
        found["sku"] = asked["inventoryItem"]["sku"]
    return found


def item_gone(variant: Asked) -> dict[str, Any]:
    """The body of inventory_items/delete (published sample, 2026-07)."""
    number = variant["inventory_item_id"]
    nothing = dict.fromkeys(("country_code_of_origin", "province_code_of_origin", "harmonized_system_code"))
    return {
        "id": number,
        **nothing,
        "country_harmonized_system_codes": [],
        "admin_graphql_api_id": gid("InventoryItem", number),
    }


def _first_units(one: Asked) -> int:
    return int(one["availableQuantity"] if "availableQuantity" in one else one["quantity"])

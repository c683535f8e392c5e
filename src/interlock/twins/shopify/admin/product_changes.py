"""The mutations that change products and variants, each with the webhooks that Shopify sends for it.

Rules and codes: schema 2026-07 (its enums of user errors); 2,048 variants a product (F27); productSet replaces the lists
that it is given and leaves the rest. From memory: texts of errors, and that a new item is stocked at the primary location.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid, split_gid, user_error
from interlock.twins.shopify.admin.product_edit import Asked, Edit, Errors, item_gone, product_members
from interlock.twins.shopify.admin.products import find_product, product_view, variant_view
from interlock.twins.shopify.goods import products
from interlock.twins.shopify.orders import timestamp

NO_PRODUCT = "Product does not exist"
TOO_MANY = f"Number of product variants exceeds shop limit of {products.VARIANTS_MAX}."


def create(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """productCreate: a product with its options and one variant, the first value of each."""
    asked = arguments.get("product") or arguments.get("input") or {}
    if not (asked.get("title") or "").strip():
        return _payload(None, [user_error("Title can't be blank", "title")])
    edit = Edit(shop, products.new_product(shop.world, timestamp(shop.store.now()), product_members(asked)))
    edit.rewrite(options=_options(shop, asked.get("productOptions") or []))
    values = [(one.get("values") or [{"name": products.DEFAULT_VALUE}])[0] for one in asked.get("productOptions") or []]
    edit.add_variant({}, [one["name"] for one in values] or [products.DEFAULT_VALUE], ("product",))
    edit.done("products/create")
    return _payload(edit, [])


def update(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """productUpdate: the members that are given."""
    asked = arguments.get("product") or arguments.get("input") or {}
    row = find_product(shop, asked.get("id") or (arguments.get("identifier") or {}).get("id") or gid("Product", 0))
    if row is None:
        return _payload(None, [user_error(NO_PRODUCT, "id")])
    if "title" in asked and not (asked["title"] or "").strip():
        return _payload(None, [user_error("Title can't be blank", "title")])
    edit = Edit(shop, row)
    _rewrite(edit, asked)
    edit.done("products/update")
    return _payload(edit, [])


def delete(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """productDelete: with its variants, their items and stock; a deletion event stays."""
    row = find_product(shop, arguments["input"]["id"])
    if row is None:
        return _deleted(None, [user_error(NO_PRODUCT, "id")])
    variants, now = products.variants_of(shop.world, row), timestamp(shop.store.now())
    key = str(row["id"])
    shop.world.apply(
        "product.delete",
        key,
        ("product", key, None),
        ("handle", row["handle"], None),
        *products.removed(shop.world, variants),
        products.deletion(row["id"], "PRODUCT", now),
    )
    shop.emit("products/delete", {"id": row["id"]})
    for one in variants:
        shop.emit("inventory_items/delete", item_gone(one))
    return _deleted(gid("Product", row["id"]), [])


def bulk_create(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """productVariantsBulkCreate: all or none."""
    row = find_product(shop, arguments["productId"])
    if row is None:
        return _variants(None, [user_error(NO_PRODUCT, "productId", code="PRODUCT_DOES_NOT_EXIST")])
    edit = Edit(shop, row)
    standalone = [one["options"] for one in edit.variants] == [[products.DEFAULT_VALUE]]
    if standalone and arguments.get("strategy") != "PRESERVE_STANDALONE_VARIANT":
        edit.drop_variants(list(row["variants"]))
    if len(edit.product["variants"]) + len(arguments["variants"]) > products.VARIANTS_MAX:
        return _variants(None, [user_error(TOO_MANY, "variants", code="INVALID_INPUT")])
    for number, asked in enumerate(arguments["variants"]):
        place = ("variants", str(number))
        edit.errors += _wrong_price(asked, place)
        values = _values(edit, asked, place)
        if values is not None:
            edit.add_variant(asked, values, place)
    return _finished(edit)


def bulk_update(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """productVariantsBulkUpdate: all or none, unless allowPartialUpdates."""
    row = find_product(shop, arguments["productId"])
    if row is None:
        return _variants(None, [user_error(NO_PRODUCT, "productId", code="PRODUCT_DOES_NOT_EXIST")])
    edit = Edit(shop, row)
    for number, asked in enumerate(arguments["variants"]):
        wrong = _cannot_update(edit, asked, ("variants", str(number)))
        edit.errors += wrong
        if not wrong:
            values = _values(edit, asked, ("variants", str(number))) if asked.get("optionValues") else None
            edit.change_variant(int(split_gid(asked["id"])[1]), asked, values)
    return _finished(edit, partial=bool(arguments.get("allowPartialUpdates")))


def bulk_delete(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """productVariantsBulkDelete: all or none."""
    row = find_product(shop, arguments["productId"])
    if row is None:
        return _payload(None, [user_error(NO_PRODUCT, "productId", code="PRODUCT_DOES_NOT_EXIST")])
    edit = Edit(shop, row)
    numbers = [int(split_gid(one)[1]) for one in arguments["variantsIds"]]
    for place, number in enumerate(numbers):
        if number not in row["variants"]:
            code = "AT_LEAST_ONE_VARIANT_DOES_NOT_BELONG_TO_THE_PRODUCT"
            edit.errors.append(
                user_error("At least one variant does not belong to the product", "variantsIds", str(place), code=code)
            )
    if set(numbers) == set(row["variants"]):
        edit.errors.append(
            user_error("Cannot delete default variant.", "variantsIds", code="CANNOT_DELETE_LAST_VARIANT")
        )
    if edit.errors:
        return _payload(None, edit.errors)
    edit.drop_variants(numbers)
    edit.done("products/update")
    return _payload(edit, [])


def put(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """productSet: makes or changes a product; variants that are given replace those there are."""
    asked = arguments["input"]
    row = _identified(shop, arguments.get("identifier") or {}, asked)
    if row is None and ((arguments.get("identifier") or {}).get("id") or asked.get("id")):
        return _set_payload(None, [user_error(NO_PRODUCT, "input", "id", code="PRODUCT_DOES_NOT_EXIST")])
    if row is None and not (asked.get("title") or "").strip():
        return _set_payload(None, [user_error("Title can't be blank", "input", "title", code="INVALID_INPUT")])
    now = timestamp(shop.store.now())
    edit = Edit(shop, row or products.new_product(shop.world, now, product_members(asked)))
    if row is None:
        edit.rewrite(options=_options(shop, []))
    else:
        _rewrite(edit, asked)
    if asked.get("productOptions"):
        edit.rewrite(options=_options(shop, asked["productOptions"], edit.product["options"]))
    _put_variants(edit, asked, is_new=row is None)
    if edit.errors:
        return _set_payload(None, edit.errors)
    edit.done("products/update" if row else "products/create")
    return _set_payload(edit, [])


def _put_variants(edit: Edit, asked: Asked, *, is_new: bool) -> None:
    wanted = asked.get("variants")
    if wanted is None:
        if is_new:
            edit.add_variant({}, [products.DEFAULT_VALUE] * len(edit.product["options"]), ("input",))
        return
    if len(wanted) > products.VARIANTS_MAX:
        edit.errors.append(user_error(TOO_MANY, "input", "variants", code="VARIANTS_OVER_LIMIT"))
        return
    known = {tuple(one["options"]): one["id"] for one in edit.variants}
    planned: list[tuple[int | None, Asked, list[str]]] = []
    for number, one in enumerate(wanted):
        place = ("input", "variants", str(number))
        edit.errors += _wrong_price(one, place, code="INVALID_VARIANT")
        values = _values(edit, one, place)
        if values is not None:
            same = int(split_gid(one["id"])[1]) if one.get("id") else known.get(tuple(values))
            planned.append((same, one, values))
    kept = {number for number, _, _ in planned}
    unknown = kept - {None} - set(edit.product["variants"])
    if unknown:
        edit.errors.append(user_error("Product variant does not exist", "input", code="PRODUCT_VARIANT_DOES_NOT_EXIST"))
        return
    edit.drop_variants([one for one in edit.product["variants"] if one not in kept])
    for same, one, values in planned:
        if same is None:
            edit.add_variant(one, values, ("input", "variants"))
        else:
            edit.change_variant(same, one, values)


def _identified(shop: ShopContext, identifier: Asked, asked: Asked) -> dict[str, Any] | None:
    number = identifier.get("id") or asked.get("id")
    if number:
        return find_product(shop, number)
    handle = identifier.get("handle")
    rows = (row for _, row in shop.world.rows("product") if row["handle"] == handle)
    return next(rows, None) if handle else None


def _rewrite(edit: Edit, asked: Asked) -> None:
    """Put the given members into an existing product."""
    members = product_members(asked)
    if "handle" in members and members["handle"] != edit.product["handle"]:
        members["handle"] = products.free_handle(edit.shop.world, members["handle"])
    if members.get("status") == "active" and edit.product["published_at"] is None:
        members["published_at"] = edit.now
    edit.rewrite(**members)


def _options(shop: ShopContext, asked: Iterable[Asked], known: Iterable[Asked] = ()) -> list[dict[str, Any]]:
    """Options of a product; one of the same name keeps its id."""
    ids = {one["name"]: one["id"] for one in known}
    made = [
        products.new_option(shop.world, one["name"], place) | ({"id": ids[one["name"]]} if one["name"] in ids else {})
        for place, one in enumerate(asked, 1)
    ]
    return made or [products.new_option(shop.world, products.DEFAULT_OPTION, 1)]


def _values(edit: Edit, asked: Asked, place: tuple[str, ...]) -> list[str] | None:
    """The values of a variant in the order of the options; None, with the error noted, when they do not fit."""
    options = edit.product["options"]
    named: dict[str, str] = {}
    for one in asked.get("optionValues") or []:
        by_id = {gid("ProductOption", option["id"]): option["name"] for option in options}
        name = one.get("optionName") or by_id.get(one.get("optionId") or "")
        if name not in {option["name"] for option in options}:
            edit.errors.append(
                user_error("Option does not exist", *place, "optionValues", code="OPTION_DOES_NOT_EXIST")
            )
            return None
        named[str(name)] = one.get("name") or ""
    if len(named) < len(options):
        missing = next(option["name"] for option in options if option["name"] not in named)
        text = f"You need to add option values for {missing}"
        edit.errors.append(user_error(text, *place, code="NEED_TO_ADD_OPTION_VALUES"))
        return None
    return [named[option["name"]] for option in options]


def _cannot_update(edit: Edit, asked: Asked, place: tuple[str, ...]) -> Errors:
    if not asked.get("id"):
        text = "Product variant is missing ID attribute"
        return [user_error(text, *place, "id", code="PRODUCT_VARIANT_ID_MISSING")]
    if int(split_gid(asked["id"])[1]) not in edit.product["variants"]:
        text = "Product variant does not exist"
        return [user_error(text, *place, "id", code="PRODUCT_VARIANT_DOES_NOT_EXIST")]
    if asked.get("inventoryQuantities"):
        text = "Inventory quantities can only be provided during create."
        code = "NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE"
        return [user_error(text, *place, "inventoryQuantities", code=code)]
    return _wrong_price(asked, place)


def _wrong_price(asked: Asked, place: tuple[str, ...], code: str = "GREATER_THAN_OR_EQUAL_TO") -> Errors:
    price = asked.get("price")
    if price is None or Decimal(str(price)) >= 0:
        return []
    return [user_error("Price must be greater than or equal to 0", *place, "price", code=code)]


def _finished(edit: Edit, *, partial: bool = False) -> dict[str, Any]:
    """Keep the edit when nothing is wrong, or what is right of it."""
    if edit.errors and not (partial and edit.touched):
        return _variants(None, edit.errors)
    edit.done("products/update")
    return _variants(edit, edit.errors)


def _payload(edit: Edit | None, errors: Errors) -> dict[str, Any]:
    return {"product": None if edit is None else product_view(edit.product), "userErrors": errors}


def _deleted(number: str | None, errors: Errors) -> dict[str, Any]:
    return {"deletedProductId": number, "userErrors": errors}


def _variants(edit: Edit | None, errors: Errors) -> dict[str, Any]:
    product = None if edit is None else product_view(edit.product)
    touched = None if edit is None else [variant_view(one) for one in edit.touched]
    return {"product": product, "productVariants": touched, "userErrors": errors}


def _set_payload(edit: Edit | None, errors: Errors) -> dict[str, Any]:
    product = None if edit is None else product_view(edit.product)
    return {"product": product, "userErrors": errors}


RESOLVERS: dict[str, Resolver] = {
    "Mutation.productCreate": create,
    "Mutation.productUpdate": update,
    "Mutation.productDelete": delete,
    "Mutation.productSet": put,
    "Mutation.productVariantsBulkCreate": bulk_create,
    "Mutation.productVariantsBulkUpdate": bulk_update,
    "Mutation.productVariantsBulkDelete": bulk_delete,
}

"""CalculatedOrder and the orderEdit mutations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interlock.twins.shopify import order_edits as rules
from interlock.twins.shopify.admin.connections import connection
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid
from interlock.twins.shopify.admin.order_parts import tax
from interlock.twins.shopify.admin.orders import outstanding
from interlock.twins.shopify.admin.rest_shape import bag, bag_of, constant, desk, mutation, number_of, shows
from interlock.twins.shopify.catalogue import PRODUCTS
from interlock.twins.shopify.desk import Refused
from interlock.twins.shopify.money import currencies_of, read_set

Parent = dict[str, Any]
BY_VARIANT = {product.variant_id: product for product in PRODUCTS}


def calculated(shop: ShopContext, session: dict[str, Any]) -> Parent:
    """What the resolvers of CalculatedOrder read: the order as the staged changes would make it."""
    life, _ = rules.applied(desk(shop), session)
    before = shop.store.order(str(session["order_id"])) or {"line_items": []}
    references = [str(line["id"]) for line in before["line_items"]] + [one["uuid"] for one in session["added"]]
    lines = [
        {"rest": line, "reference": reference, "order": life.order}
        for line, reference in zip(life.order["line_items"], references, strict=True)
    ]
    return {"rest": life.order, "session": session, "lines": lines, "kept": len(before["line_items"])}


def _lines(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    return connection(parent["lines"], arguments)


def _added(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    return connection(parent["lines"][parent["kept"] :], arguments)


def _shipping(_: ShopContext, parent: Parent, __: Any) -> Any:
    return [
        {
            "id": gid("CalculatedShippingLine", row["id"]),
            "title": row["title"],
            "price": bag(row["price_set"]),
            "stagedStatus": "NONE"
            if place < len(parent["rest"]["shipping_lines"]) - len(parent["session"]["shipping"])
            else "ADDED",
        }
        for place, row in enumerate(parent["rest"]["shipping_lines"])
    ]


FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("CalculatedOrder", parent["session"]["id"]),
    "originalOrder": lambda shop, parent, _: shop.node(gid("Order", parent["rest"]["id"])),
    "lineItems": _lines,
    "addedLineItems": _added,
    "shippingLines": _shipping,
    "subtotalPriceSet": lambda _, parent, __: bag(parent["rest"]["current_subtotal_price_set"]),
    "totalPriceSet": lambda _, parent, __: bag(parent["rest"]["current_total_price_set"]),
    "totalOutstandingSet": lambda shop, parent, _: bag_of(outstanding(shop, parent), currencies_of(parent["rest"])),
    "subtotalLineItemsQuantity": lambda _, parent, __: sum(
        line["current_quantity"] for line in parent["rest"]["line_items"]
    ),
    "taxLines": lambda _, parent, __: [tax(row) for row in parent["rest"]["tax_lines"]],
    "committed": constant(False),
}
LINE_FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("CalculatedLineItem", parent["reference"]),
    "quantity": "current_quantity",
    "editableQuantity": "fulfillable_quantity",
    "title": "title",
    "variantTitle": "variant_title",
    "sku": "sku",
    "variant": lambda shop, parent, _: (
        shop.node(gid("ProductVariant", parent["rest"]["variant_id"])) if parent["rest"]["variant_id"] else None
    ),
    "originalUnitPriceSet": lambda _, parent, __: bag(parent["rest"]["price_set"]),
    "discountedUnitPriceSet": lambda _, parent, __: bag_of(
        read_set(parent["rest"]["price_set"]), currencies_of(parent["order"])
    ),
    "hasStagedLineItemDiscount": lambda _, parent, __: bool(parent["rest"]["discount_allocations"]),
    "restockable": lambda _, parent, __: parent["rest"]["variant_id"] is not None,
    "restocking": constant(True),
    "customAttributes": constant([]),
}


def _begin(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    session = rules.begin(desk(shop), shop.store.order(str(number_of(arguments["id"]))))
    return _payload(shop, session)


def _payload(shop: ShopContext, session: dict[str, Any], reference: str | None = None) -> dict[str, Any]:
    shown = calculated(shop, session)
    line = next((one for one in shown["lines"] if one["reference"] == reference), None)
    shipping = _shipping(shop, shown, {})
    return {
        "calculatedOrder": shown,
        "orderEditSession": {"id": gid("OrderEditSession", session["id"])},
        "calculatedLineItem": line,
        "calculatedShippingLine": shipping[-1] if shipping else None,
        "addedDiscountStagedChange": None,
    }


Stage = Callable[[ShopContext, dict[str, Any], dict[str, Any], dict[str, Any]], str | None]


def _stages(stage: Stage) -> Resolver:
    """A mutation that stages one change; `stage` returns the reference of the line it is about."""

    def run(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
        session, order = rules.opened(desk(shop), number_of(arguments["id"]))
        reference = stage(shop, session, order, arguments)
        shown = _payload(shop, session, reference)
        shop.world.remember((rules.SESSION, str(session["id"]), session))
        return shown

    return mutation(run, "calculatedOrder", "calculatedLineItem", "orderEditSession", "calculatedShippingLine")


def _reference(text: str) -> str:
    return text.rpartition("/")[2]


def _quantity(_: ShopContext, session: dict[str, Any], order: dict[str, Any], arguments: dict[str, Any]) -> str:
    reference = _reference(arguments["lineItemId"])
    rules.stage_quantity(session, order, reference, arguments["quantity"])
    return reference


def _variant(_: ShopContext, session: dict[str, Any], order: dict[str, Any], arguments: dict[str, Any]) -> str:
    product = BY_VARIANT.get(number_of(arguments["variantId"]))
    if product is None:
        raise Refused("The variant does not exist in the shop.", "variantId")
    duplicates = bool(arguments.get("allowDuplicates"))
    return rules.stage_variant(session, order, product, arguments["quantity"], duplicates=duplicates)


def _custom(_: ShopContext, session: dict[str, Any], order: dict[str, Any], arguments: dict[str, Any]) -> str:
    taxable = bool(arguments.get("taxable"))
    title, price = arguments["title"], arguments["price"]
    return rules.stage_custom(session, currencies_of(order), title, price, arguments["quantity"], taxable=taxable)


def _discount(_: ShopContext, session: dict[str, Any], order: dict[str, Any], arguments: dict[str, Any]) -> str:
    reference = _reference(arguments["lineItemId"])
    rules.stage_discount(session, order, reference, arguments["discount"])
    return reference


def _add_shipping(_: ShopContext, session: dict[str, Any], order: dict[str, Any], arguments: dict[str, Any]) -> None:
    given = arguments["shippingLine"]
    rules.stage_shipping(session, currencies_of(order), given["title"], given["price"])


def _commit(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    session, order = rules.opened(desk(shop), number_of(arguments["id"]))
    note, notify = arguments.get("staffNote"), bool(arguments.get("notifyCustomer"))
    rules.commit(desk(shop), session, note=note, notify=notify)
    return {"order": shop.node(gid("Order", order["id"])), "successMessages": ["Order updated"]}


RESOLVERS: dict[str, Resolver] = {
    **shows("CalculatedOrder", FIELDS),
    **shows("CalculatedLineItem", LINE_FIELDS),
    "Mutation.orderEditBegin": mutation(_begin, "calculatedOrder", "orderEditSession"),
    "Mutation.orderEditSetQuantity": _stages(_quantity),
    "Mutation.orderEditAddVariant": _stages(_variant),
    "Mutation.orderEditAddCustomItem": _stages(_custom),
    "Mutation.orderEditAddLineItemDiscount": _stages(_discount),
    "Mutation.orderEditAddShippingLine": _stages(_add_shipping),
    "Mutation.orderEditCommit": mutation(_commit, "order", "successMessages"),
}

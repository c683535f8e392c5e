"""DraftOrder as GraphQL shows it, and the mutations that make, complete and delete drafts."""

from __future__ import annotations

from typing import Any

from interlock.twins.shopify.admin import order_parts, orders
from interlock.twins.shopify.admin.connections import connection
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid
from interlock.twins.shopify.admin.rest_shape import (
    attributes,
    bag,
    constant,
    customer_books,
    desk,
    mutation,
    number_of,
    shows,
)
from interlock.twins.shopify.admin.search import Searched, search
from interlock.twins.shopify.draft_orders import DRAFT, DraftOrders

Parent = dict[str, Any]


def draft_books(shop: ShopContext) -> DraftOrders:
    """The request's view of the drafts."""
    return DraftOrders(desk(shop), customer_books(shop))


def find(shop: ShopContext, number: str) -> Parent | None:
    kept = draft_books(shop).find(number_of(number))
    return None if kept is None else draft(kept)


def draft(kept: dict[str, Any]) -> Parent:
    """What the resolvers of DraftOrder read: the order it would become, and what is its own."""
    return {"__typename": "DraftOrder", "rest": kept["order"]["rest"], "draft": kept}


def _own(name: str) -> Resolver:
    return lambda _, parent, __: parent["draft"][name]


def _as_order(name: str) -> Resolver:
    """A field that an order has too, read from the order it would become."""
    return orders.RESOLVERS[f"Order.{name}"]


def _money(member: str) -> Resolver:
    return lambda _, parent, __: bag(parent["rest"][member])


def _order(shop: ShopContext, parent: Parent, _: Any) -> Any:
    number = parent["draft"]["order_id"]
    return None if number is None else shop.node(gid("Order", number))


def _lines(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    return connection(
        parent["rest"]["line_items"], arguments, show=lambda line: {"rest": line, "order": parent["rest"]}
    )


FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("DraftOrder", parent["draft"]["id"]),
    "legacyResourceId": _own("id"),
    "name": _own("name"),
    "status": _own("status"),
    "createdAt": _own("created_at"),
    "updatedAt": _own("updated_at"),
    "completedAt": _own("completed_at"),
    "ready": constant(True),
    "order": _order,
    "note2": "note",
    "email": "contact_email",
    "phone": "phone",
    "poNumber": "po_number",
    "taxExempt": "tax_exempt",
    "taxesIncluded": "taxes_included",
    "currencyCode": "currency",
    "presentmentCurrencyCode": "presentment_currency",
    "totalPriceSet": _money("total_price_set"),
    "subtotalPriceSet": _money("subtotal_price_set"),
    "totalTaxSet": _money("total_tax_set"),
    "totalShippingPriceSet": _money("total_shipping_price_set"),
    "totalDiscountsSet": _money("total_discounts_set"),
    "totalLineItemsPriceSet": _money("total_line_items_price_set"),
    "lineItems": _lines,
    **{
        name: _as_order(name)
        for name in (
            "customer",
            "tags",
            "customAttributes",
            "billingAddress",
            "shippingAddress",
            "shippingLine",
            "taxLines",
            "purchasingEntity",
            "totalWeight",
        )
    },
    "totalQuantityOfLineItems": lambda _, parent, __: sum(line["quantity"] for line in parent["rest"]["line_items"]),
}


def _line(name: str) -> Resolver:
    return order_parts.RESOLVERS[f"LineItem.{name}"]


LINE_FIELDS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("DraftOrderLineItem", parent["rest"]["id"]),
    "uuid": lambda _, parent, __: str(parent["rest"]["id"]),
    "title": "title",
    "name": "name",
    "sku": "sku",
    "vendor": "vendor",
    "variantTitle": "variant_title",
    "quantity": "quantity",
    "taxable": "taxable",
    "requiresShipping": "requires_shipping",
    "isGiftCard": "gift_card",
    "custom": lambda _, parent, __: parent["rest"]["variant_id"] is None,
    "customAttributes": lambda _, parent, __: attributes(parent["rest"]["properties"]),
    "originalUnitPriceSet": _money("price_set"),
    "totalDiscountSet": _money("total_discount_set"),
    **{
        name: _line(name)
        for name in ("originalTotalSet", "discountedTotalSet", "taxLines", "product", "variant", "weight")
    },
}
SEARCHED = {
    "id": Searched(lambda row: row["id"], "id"),
    "status": Searched(lambda row: row["status"]),
    "updated_at": Searched(lambda row: row["updated_at"], "time"),
    "created_at": Searched(lambda row: row["created_at"], "time"),
}


def _list(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    query = search(arguments.get("query"), SEARCHED, shop=shop, path="draftOrders")
    rows = [row for _, row in shop.world.rows(DRAFT)]
    return connection(rows, arguments, key=lambda row: row["id"], wanted=query.wanted, show=draft)


def _create(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"draftOrder": draft(draft_books(shop).create(arguments["input"]))}


def _complete(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    number, pending = number_of(arguments["id"]), bool(arguments.get("paymentPending"))
    made = draft_books(shop).complete(number, pending=pending, source=arguments.get("sourceName"))
    return {"draftOrder": draft(made)}


def _delete(shop: ShopContext, arguments: dict[str, Any]) -> dict[str, Any]:
    draft_books(shop).delete(number_of(arguments["input"]["id"]))
    return {"deletedId": arguments["input"]["id"]}


RESOLVERS: dict[str, Resolver] = {
    **shows("DraftOrder", FIELDS),
    **shows("DraftOrderLineItem", LINE_FIELDS),
    "QueryRoot.draftOrder": lambda shop, _, arguments: shop.node(arguments["id"]),
    "QueryRoot.draftOrders": _list,
    "Mutation.draftOrderCreate": mutation(_create, "draftOrder"),
    "Mutation.draftOrderComplete": mutation(_complete, "draftOrder"),
    "Mutation.draftOrderDelete": mutation(_delete, "deletedId"),
}
NODES = {"DraftOrder": find}

"""The parts of an order as GraphQL shows them: lines, shipping lines, taxes, discounts, duties, addresses, terms."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from interlock.twins.shopify.admin.connections import connection
from interlock.twins.shopify.admin.context import Resolver, ShopContext, gid
from interlock.twins.shopify.admin.rest_shape import attributes, bag, bag_of, constant, money_v2, shows, upper
from interlock.twins.shopify.money import Bag, Currencies, currencies_of, read_set, total
from interlock.twins.shopify.totals import gross, line_discount, line_tax

Parent = dict[str, Any]
Rest = dict[str, Any]


def line_item(order: Rest, line: Rest) -> Parent:
    return {"__typename": "LineItem", "rest": line, "order": order}


def shipping_line(order: Rest, line: Rest) -> Parent:
    return {"rest": line, "order": order}


def tax(row: Rest) -> Parent:
    """A TaxLine."""
    return {
        "title": row["title"],
        "rate": row["rate"],
        "ratePercentage": float(Decimal(str(row["rate"])) * 100) if row["rate"] is not None else None,
        "channelLiable": row.get("channel_liable"),
        "priceSet": bag(row["price_set"]),
        "price": row["price"],
        "source": row.get("source") or "Shopify",
    }


TYPES = {
    "discount_code": "DiscountCodeApplication",
    "manual": "ManualDiscountApplication",
    "automatic": "AutomaticDiscountApplication",
    "script": "ScriptDiscountApplication",
}
"""REST's discount_applications[].type -> the GraphQL type."""


def application(order: Rest, index: int) -> Parent:
    """A DiscountApplication by its place on the order."""
    row = order["discount_applications"][index]
    if row["value_type"] == "percentage":
        value: Parent = {"__typename": "PricingPercentageValue", "percentage": float(row["value"])}
    else:
        value = money_v2(row["value"], order["currency"])
    title = row.get("title") or row.get("code") or ""
    return {
        "__typename": TYPES[row["type"]],
        "index": index,
        "allocationMethod": upper(row["allocation_method"]),
        "targetSelection": upper(row["target_selection"]),
        "targetType": upper(row["target_type"]),
        "value": value,
        "code": row.get("code"),
        "title": title,
        "description": row.get("description"),
    }


def _allocations(_: ShopContext, parent: Parent, __: Any) -> Any:
    return [
        {
            "allocatedAmountSet": bag(row["amount_set"]),
            "discountApplication": application(parent["order"], row["discount_application_index"]),
        }
        for row in parent["rest"]["discount_allocations"]
    ]


def _tax_lines(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    rows = parent["rest"]["tax_lines"]
    return [tax(row) for row in rows[: arguments.get("first") or len(rows)]]


def _duties(_: ShopContext, parent: Parent, __: Any) -> Any:
    return [duty(row) for row in parent["rest"]["duties"]]


def duty(row: Rest) -> Parent:
    return {
        "id": row["admin_graphql_api_id"],
        "harmonizedSystemCode": row["harmonized_system_code"],
        "countryCodeOfOrigin": row["country_code_of_origin"],
        "price": bag({"shop_money": row["shop_money"], "presentment_money": row["presentment_money"]}),
        "taxLines": [tax(one) for one in row["tax_lines"]],
    }


def _money(parent: Parent) -> Currencies:
    return currencies_of(parent["order"])


def _amount(work: Any) -> Resolver:
    """A MoneyBag of (line, currencies) -> Bag."""
    return lambda _shop, parent, _: bag_of(work(parent["rest"], _money(parent)), _money(parent))


def _own_discount(parent: Parent, *, codes: bool) -> Bag:
    """Discounts of the line itself: not those of the whole order; code discounts only when asked for."""
    applications = parent["order"]["discount_applications"]
    rows = [
        row
        for row in parent["rest"]["discount_allocations"]
        if applications[row["discount_application_index"]]["allocation_method"] != "across"
        and (codes or applications[row["discount_application_index"]]["type"] != "discount_code")
    ]
    return total(read_set(row["amount_set"]) for row in rows)


def _discounted_total(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    line = parent["rest"]
    off = _own_discount(parent, codes=bool(arguments.get("withCodeDiscounts")))
    return bag_of(gross(line, line["quantity"]) - off, _money(parent))


def _discounted_unit(_: ShopContext, parent: Parent, __: Any) -> Any:
    line = parent["rest"]
    return bag_of(
        _each(gross(line, line["quantity"]) - _own_discount(parent, codes=False), line, _money(parent)), _money(parent)
    )


def _each(amount: Bag, line: Rest, money: Currencies) -> Bag:
    return money.scaled(amount, Decimal(1) / line["quantity"]) if line["quantity"] else Bag()


def _after_all_discounts(line: Rest, money: Currencies) -> Bag:
    return _each(gross(line, line["quantity"]) - line_discount(line), line, money)


def _before_taxes(_: ShopContext, parent: Parent, __: Any) -> Any:
    """What is left of the line, after all discounts and without tax, also when the price includes it."""
    line, money = parent["rest"], _money(parent)
    left = gross(line, line["current_quantity"]) - money.prorated(
        line_discount(line), line["current_quantity"], line["quantity"]
    )
    if parent["order"]["taxes_included"]:
        left = left - money.prorated(line_tax(line), line["current_quantity"], line["quantity"])
    return bag_of(left, money)


def _node(kind: str, name: str) -> Resolver:
    """A product or variant of the catalogue; null when it was deleted."""

    def resolve(shop: ShopContext, parent: Parent, _: Any) -> Any:
        number = parent["rest"][name]
        if number is None:
            return None
        found = shop.node(gid(kind, number))
        if found is not None:
            return found
        return {"id": gid(kind, number), "legacyResourceId": number, "rest": parent["rest"]}

    return resolve


def _weight(_: ShopContext, parent: Parent, __: Any) -> Any:
    return {"value": float(parent["rest"]["grams"]), "unit": "GRAMS"}


LINE: dict[str, str | Resolver] = {
    "id": "admin_graphql_api_id",
    "name": "name",
    "title": "title",
    "variantTitle": "variant_title",
    "vendor": "vendor",
    "sku": "sku",
    "quantity": "quantity",
    "currentQuantity": "current_quantity",
    "refundableQuantity": "current_quantity",
    "unfulfilledQuantity": "fulfillable_quantity",
    "fulfillableQuantity": "fulfillable_quantity",
    "requiresShipping": "requires_shipping",
    "taxable": "taxable",
    "isGiftCard": "gift_card",
    "nonFulfillableQuantity": lambda _, parent, __: parent["rest"]["quantity"] - parent["rest"]["current_quantity"],
    "fulfillmentStatus": lambda _, parent, __: parent["rest"]["fulfillment_status"] or "unfulfilled",
    "merchantEditable": lambda _, parent, __: parent["rest"]["fulfillable_quantity"] > 0,
    "restockable": lambda _, parent, __: parent["rest"]["variant_id"] is not None,
    "customAttributes": lambda _, parent, __: attributes(parent["rest"]["properties"]),
    "originalTotalSet": _amount(lambda line, _: gross(line, line["quantity"])),
    "discountedTotalSet": _discounted_total,
    "discountedUnitPriceSet": _discounted_unit,
    "discountedUnitPriceAfterAllDiscountsSet": _amount(_after_all_discounts),
    "priceAfterAllDiscountsBeforeTaxesSet": _before_taxes,
    "unfulfilledOriginalTotalSet": _amount(lambda line, _: gross(line, line["fulfillable_quantity"])),
    "discountAllocations": _allocations,
    "taxLines": _tax_lines,
    "duties": _duties,
    "product": _node("Product", "product_id"),
    "variant": _node("ProductVariant", "variant_id"),
    "weight": _weight,
    "lineItemGroup": constant(None),
    "sellingPlan": constant(None),
    "contract": constant(None),
    "image": constant(None),
    "staffMember": constant(None),
}
LINE_MONEY = {"originalUnitPriceSet": "price_set", "totalDiscountSet": "total_discount_set"}
SHIPPING: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("ShippingLine", parent["rest"]["id"]),
    "title": "title",
    "code": "code",
    "source": "source",
    "carrierIdentifier": "carrier_identifier",
    "phone": "phone",
    "isRemoved": "is_removed",
    "custom": lambda _, parent, __: parent["rest"].get("custom", False),
    "shippingRateHandle": constant(None),
    "deliveryCategory": constant(None),
    "requestedFulfillmentService": constant(None),
    "discountAllocations": _allocations,
    "taxLines": _tax_lines,
}
SHIPPING_MONEY = {
    "originalPriceSet": "price_set",
    "discountedPriceSet": "discounted_price_set",
    "currentDiscountedPriceSet": "current_discounted_price_set",
}
ADDRESS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: parent["id"],
    "firstName": "first_name",
    "lastName": "last_name",
    "name": "name",
    "company": "company",
    "address1": "address1",
    "address2": "address2",
    "city": "city",
    "zip": "zip",
    "province": "province",
    "provinceCode": "province_code",
    "country": "country",
    "countryCodeV2": "country_code",
    "countryCode": "country_code",
    "phone": "phone",
    "latitude": "latitude",
    "longitude": "longitude",
    "coordinatesValidated": constant(False),
    "formatted": lambda _, parent, __: _formatted(parent["rest"]),
    "formattedArea": lambda _, parent, __: ", ".join(
        one for one in (parent["rest"]["city"], parent["rest"]["province"], parent["rest"]["country"]) if one
    ),
}


def _formatted(rest: Rest) -> list[str]:
    town = " ".join(one for one in (rest["city"], rest["province_code"], rest["zip"]) if one)
    return [one for one in (rest["address1"], rest["address2"], town, rest["country"]) if one]


TERMS: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("PaymentTerms", parent["rest"]["id"]),
    "paymentTermsName": "payment_terms_name",
    "translatedName": "payment_terms_name",
    "paymentTermsType": lambda _, parent, __: upper(parent["rest"]["payment_terms_type"]),
    "dueInDays": "due_in_days",
    "overdue": constant(False),
    "due": constant(False),
    "order": lambda _, parent, __: parent.get("order"),
    "draftOrder": lambda _, parent, __: parent.get("draft"),
    "paymentSchedules": lambda _, parent, arguments: connection(
        parent["rest"]["payment_schedules"], arguments, show=lambda row: {"rest": row, "terms": parent}
    ),
}
SCHEDULE: dict[str, str | Resolver] = {
    "id": lambda _, parent, __: gid("PaymentSchedule", parent["rest"]["id"]),
    "issuedAt": "issued_at",
    "dueAt": "due_at",
    "completedAt": "completed_at",
    "due": constant(False),
    "amount": lambda _, parent, __: money_v2(parent["rest"]["amount"], parent["rest"]["currency"]),
    "balanceDue": lambda _, parent, __: money_v2(parent["rest"]["balance_due"], parent["rest"]["currency"]),
    "totalBalance": lambda _, parent, __: money_v2(parent["rest"]["total_balance"], parent["rest"]["currency"]),
    "paymentTerms": lambda _, parent, __: parent["terms"],
}


def _line_node(shop: ShopContext, number: str) -> Parent | None:
    order = shop.store.owner(int(number)) if number.isdigit() else None
    line = next((one for one in order["line_items"] if str(one["id"]) == number), None) if order else None
    return None if line is None or order is None else line_item(order, line)


RESOLVERS: dict[str, Resolver] = {
    **shows("LineItem", LINE),
    **shows("LineItem", LINE_MONEY, bag),
    **shows("ShippingLine", SHIPPING),
    **shows("ShippingLine", SHIPPING_MONEY, bag),
    **shows("MailingAddress", ADDRESS),
    **shows("PaymentTerms", TERMS),
    **shows("PaymentSchedule", SCHEDULE),
}
NODES = {"LineItem": _line_node}

"""An order that was read, as the body of orders/updated; it tells more: transactions, risk, fulfilment orders and holds.

Meanings: descriptions of Order, LineItem and ShippingLine, Admin GraphQL 2026-07; the published sample of the webhook.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from interlock.connectors.shopify.customer_shape import customer_fields
from interlock.connectors.shopify.fulfillment_shape import fulfillment_body
from interlock.connectors.shopify.refund_shape import refund_body, transaction
from interlock.connectors.shopify.shape import (
    Node,
    address,
    allocation,
    amount,
    identity,
    money_set,
    named_values,
    number,
    number_of,
    optional_set,
    price,
    ruby_number,
    tax_line,
    word,
)

FULFILLED = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial", "RESTOCKED": "restocked", "UNFULFILLED": None}
"""The words of the webhook; the other words say what the rest waits for, not how much has gone (F53)."""
ARRIVED = frozenset({"SUCCESS", "OPEN", "PENDING"})
"""Fulfilments that count: neither cancelled nor failed."""
TIP_TITLE = "tip"
KINDS = {
    "DiscountCodeApplication": "discount_code", "ManualDiscountApplication": "manual",
    "AutomaticDiscountApplication": "automatic", "ScriptDiscountApplication": "script",
}  # fmt: skip
SETS = {
    "current_total_price": "currentTotalPriceSet", "current_subtotal_price": "currentSubtotalPriceSet",
    "current_total_discounts": "currentTotalDiscountsSet", "current_total_tax": "currentTotalTaxSet",
    "total_price": "totalPriceSet", "subtotal_price": "subtotalPriceSet", "total_discounts": "totalDiscountsSet",
    "total_tax": "totalTaxSet", "total_outstanding": "totalOutstandingSet", "total_tip_received": "totalTipReceivedSet",
}  # fmt: skip
"""Amounts that stand there twice: as a text, and under the same name with `_set` in both currencies."""
ONLY_SETS = {
    "current_total_duties_set": "currentTotalDutiesSet",
    "current_total_additional_fees_set": "currentTotalAdditionalFeesSet",
    "current_shipping_price_set": "currentShippingPriceSet",
    "total_shipping_price_set": "totalShippingPriceSet",
    "original_total_duties_set": "originalTotalDutiesSet",
    "original_total_additional_fees_set": "originalTotalAdditionalFeesSet",
    "total_received_set": "totalReceivedSet",
    "total_refunded_set": "totalRefundedSet",
}


def order_body(node: Node) -> dict[str, Any]:
    """A node of documents/order.graphql with all its pages. KeyError, TypeError or ValueError when it is no such node."""
    return {
        **identity(node),
        **_head(node),
        **_parties(node),
        **_sums(node),
        "discount_applications": [_application(one) for one in node["discountApplications"]["nodes"]],
        "discount_codes": _codes(node),
        "tax_lines": [tax_line(one) for one in node["taxLines"]],
        "current_tax_lines": [tax_line(one) for one in node["currentTaxLines"]],
        "additional_fees": [_fee(one) for one in node["additionalFees"]],
        "line_items": _lines(node),
        "shipping_lines": [_shipping(one) for one in node["shippingLines"]["nodes"]],
        "fulfillments": [fulfillment_body(one, node) for one in node["fulfillments"]],
        "refunds": [refund_body(one, node) for one in node["refunds"]],
        "transactions": [transaction(one, node) for one in node["transactions"]],
        "fulfillment_orders": _fulfillment_orders(node.get("fulfillmentOrders")),
        "risk": _risk(node["risk"]),
    }


def _head(node: Node) -> dict[str, Any]:
    return {
        "name": node["name"],
        "order_number": node["number"],
        "confirmed": node["confirmed"],
        "confirmation_number": node["confirmationNumber"],
        "created_at": node["createdAt"],
        "updated_at": node["updatedAt"],
        "processed_at": node["processedAt"],
        "closed_at": node["closedAt"],
        "cancelled_at": node["cancelledAt"],
        "cancel_reason": word(node["cancelReason"]),
        "test": node["test"],
        "edited": node["edited"],
        "source_name": node["sourceName"],
        "source_identifier": node["sourceIdentifier"],
        "financial_status": word(node["displayFinancialStatus"]),
        "fulfillment_status": _fulfillment_status(node),
        "return_status": word(node["returnStatus"]),
        "note": node["note"],
        "note_attributes": named_values(node["customAttributes"]),
        "tags": ", ".join(node["tags"]),
        "po_number": node["poNumber"],
        "order_status_url": node["statusPageUrl"],
        "payment_gateway_names": node["paymentGatewayNames"],
        "payment_terms": _terms(node.get("paymentTerms")),
        "location_id": number_of(node.get("retailLocation")),
        "app_id": number_of(node["app"]),
        "publication_id": number_of(node["publication"]),
        "merchant_of_record_app_id": number_of(node["merchantOfRecordApp"]),
        "merchant_business_entity_id": node["merchantBusinessEntity"]["id"].rpartition("/")[2],
    }


def _parties(node: Node) -> dict[str, Any]:
    """Who bought, and where it goes. A guest has no customer (C22); without an e-mail address the webhook says ""."""
    customer = node["customer"]
    return {
        "email": node["email"] or "",
        "contact_email": node["email"],
        "phone": node["phone"],
        "customer_locale": node["customerLocale"],
        "buyer_accepts_marketing": node["customerAcceptsMarketing"],
        "customer": None if customer is None else customer_fields(customer),
        "company": _company(node["purchasingEntity"]),
        "billing_address": address(node["billingAddress"]),
        "shipping_address": address(node["shippingAddress"]),
    }


def _sums(node: Node) -> dict[str, Any]:
    rounding = node["totalCashRoundingAdjustment"]
    goods = {side: _goods(node, side) for side in ("shopMoney", "presentmentMoney")}
    texts = {name: price(node[field]) for name, field in SETS.items() if node[field] is not None}
    sets = {f"{name}_set": optional_set(node[field]) for name, field in SETS.items()}
    return {
        "currency": node["currencyCode"],
        "presentment_currency": node["presentmentCurrencyCode"],
        "taxes_included": node["taxesIncluded"],
        "tax_exempt": node["taxExempt"],
        "estimated_taxes": node["estimatedTaxes"],
        "duties_included": node["dutiesIncluded"],
        "total_weight": int(node["totalWeight"] or 0),
        "total_line_items_price": _shop(goods["shopMoney"], node),
        "total_line_items_price_set": _goods_set(goods, node),
        "total_cash_rounding_payment_adjustment_set": money_set(rounding["paymentSet"]),
        "total_cash_rounding_refund_adjustment_set": money_set(rounding["refundSet"]),
        **texts,
        **sets,
        **{name: optional_set(node[field]) for name, field in ONLY_SETS.items()},
    }


def _goods(node: Node, side: str) -> Decimal:
    """The lines at their list prices."""
    lines = node["lineItems"]["nodes"]
    return sum((Decimal(one["originalUnitPriceSet"][side]["amount"]) * one["quantity"] for one in lines), Decimal(0))


def _goods_set(goods: Mapping[str, Decimal], node: Node) -> dict[str, Any]:
    codes = {"shopMoney": node["currencyCode"], "presentmentMoney": node["presentmentCurrencyCode"]}
    return money_set({side: {"amount": goods[side], "currencyCode": code} for side, code in codes.items()})


def _lines(node: Node) -> list[dict[str, Any]]:
    lines = node["lineItems"]["nodes"]
    gone = _gone(node["fulfillments"])
    tips = _tips(lines, Decimal(node["totalTipReceivedSet"]["shopMoney"]["amount"]))
    return [_line(line, gone.get(line["id"], 0)) | ({"tip": {}} if line["id"] in tips else {}) for line in lines]


def _line(node: Node, gone: int) -> dict[str, Any]:
    return {
        **identity(node),
        "name": node["name"],
        "title": node["title"],
        "variant_title": node["variantTitle"],
        "vendor": node["vendor"],
        "sku": node["sku"],
        "quantity": node["quantity"],
        "current_quantity": node["currentQuantity"],
        "fulfillable_quantity": node["unfulfilledQuantity"],
        "fulfillment_status": _line_status(node, gone),
        "gift_card": node["isGiftCard"],
        "taxable": node["taxable"],
        "requires_shipping": node["requiresShipping"],
        "product_id": number_of(node["product"]),
        "product_exists": node["product"] is not None,
        "variant_id": number_of(node["variant"]),
        "sales_line_item_group_id": number_of(node["lineItemGroup"]),
        "properties": named_values(node["customAttributes"]),
        "price": price(node["originalUnitPriceSet"]),
        "price_set": money_set(node["originalUnitPriceSet"]),
        "total_discount": price(node["totalDiscountSet"]),
        "total_discount_set": money_set(node["totalDiscountSet"]),
        "discount_allocations": [allocation(one) for one in node["discountAllocations"]],
        "tax_lines": [tax_line(one) for one in node["taxLines"]],
        "duties": [_duty(one) for one in node["duties"]],
    }


def _tips(lines: list[Node], received: Decimal) -> frozenset[str]:
    """A webhook marks the line of a tip; GraphQL does not, so it is told by what it is: no product, no variant, named
    Tip, and such lines together are what the order says was received (C34)."""
    named = [
        line
        for line in lines
        if line["product"] is None and line["variant"] is None and line["title"].strip().lower() == TIP_TITLE
    ]
    paid = sum(Decimal(line["originalUnitPriceSet"]["shopMoney"]["amount"]) * line["quantity"] for line in named)
    return frozenset(line["id"] for line in named) if received and paid == received else frozenset()


def _shipping(node: Node) -> dict[str, Any]:
    return {
        "id": number(node["id"]),
        "title": node["title"],
        "code": node["code"],
        "source": node["source"],
        "phone": node["phone"],
        "carrier_identifier": node["carrierIdentifier"],
        "is_removed": node["isRemoved"],
        "price": price(node["originalPriceSet"]),
        "price_set": money_set(node["originalPriceSet"]),
        "discounted_price": price(node["discountedPriceSet"]),
        "discounted_price_set": money_set(node["discountedPriceSet"]),
        "current_discounted_price_set": money_set(node["currentDiscountedPriceSet"]),
        "discount_allocations": [allocation(one) for one in node["discountAllocations"]],
        "tax_lines": [tax_line(one) for one in node["taxLines"]],
    }


def _duty(node: Node) -> dict[str, Any]:
    """Its id is text, unlike that of all else."""
    return {
        "id": str(number(node["id"])),
        "admin_graphql_api_id": node["id"],
        "harmonized_system_code": node["harmonizedSystemCode"],
        "country_code_of_origin": node["countryCodeOfOrigin"],
        **money_set(node["price"]),
    }


def _fee(node: Node) -> dict[str, Any]:
    return {
        **identity(node),
        "name": node["name"],
        "price": price(node["price"]),
        "price_set": money_set(node["price"]),
        "tax_lines": [tax_line(one) for one in node["taxLines"]],
    }


def _application(node: Node) -> dict[str, Any]:
    value = node["value"]
    named = {name: node[name] for name in ("code", "title", "description") if name in node}
    return {
        "type": KINDS.get(node["__typename"], "automatic"),
        "target_type": word(node["targetType"]),
        "target_selection": word(node["targetSelection"]),
        "allocation_method": word(node["allocationMethod"]),
        "value": ruby_number(value["percentage"] if "percentage" in value else value["amount"]),
        "value_type": "percentage" if "percentage" in value else "fixed_amount",
        **named,
    }


def _codes(node: Node) -> list[dict[str, Any]]:
    """What each code took off, by the allocations that name its application."""
    coded = {one["index"]: one for one in node["discountApplications"]["nodes"] if "code" in one}
    taken = dict.fromkeys(coded, Decimal(0))
    for allocated in _allocations(node):
        at = allocated["discountApplication"]["index"]
        if at in taken:
            taken[at] += Decimal(allocated["allocatedAmountSet"]["shopMoney"]["amount"])
    return [
        {"code": one["code"], "amount": _shop(taken[at], node), "type": _code_type(one)} for at, one in coded.items()
    ]


def _code_type(application: Node) -> str:
    if application["targetType"] == "SHIPPING_LINE":
        return "shipping"
    return "percentage" if "percentage" in application["value"] else "fixed_amount"


def _allocations(node: Node) -> Iterable[Node]:
    for line in (*node["lineItems"]["nodes"], *node["shippingLines"]["nodes"]):
        yield from line["discountAllocations"]


def _shop(value: Decimal, node: Node) -> str:
    return amount({"amount": value, "currencyCode": node["currencyCode"]})


def _gone(fulfillments: list[Node]) -> dict[str, int]:
    """How many of each line have gone out."""
    gone: dict[str, int] = {}
    for parcel in fulfillments:
        if parcel["status"] in ARRIVED:
            for one in parcel["fulfillmentLineItems"]["nodes"]:
                gone[one["lineItem"]["id"]] = gone.get(one["lineItem"]["id"], 0) + (one["quantity"] or 0)
    return gone


def _line_status(node: Node, gone: int) -> str | None:
    if not gone:
        return None
    return "partial" if node["unfulfilledQuantity"] else "fulfilled"


def _fulfillment_status(node: Node) -> str | None:
    shown = node["displayFulfillmentStatus"]
    if shown in FULFILLED:
        return FULFILLED[shown]
    return "partial" if _gone(node["fulfillments"]) else None


def _fulfillment_orders(connection: Node | None) -> list[dict[str, Any]] | None:
    """null where the app may not read them: nobody then says that nothing is held."""
    return None if connection is None else [_fulfillment_order(one) for one in connection["nodes"]]


def _fulfillment_order(node: Node) -> dict[str, Any]:
    return {
        **identity(node),
        "status": word(node["status"]),
        "request_status": word(node["requestStatus"]),
        "fulfill_at": node["fulfillAt"],
        "assigned_location_id": number_of((node.get("assignedLocation") or {}).get("location")),
        "fulfillment_holds": [
            {"id": number(one["id"]), "reason": word(one["reason"]), "reason_notes": one["reasonNotes"]}
            for one in node["fulfillmentHolds"]
        ],
    }


def _risk(node: Node) -> dict[str, Any]:
    return {
        "recommendation": word(node["recommendation"]),
        "assessments": [
            {"risk_level": word(one["riskLevel"]), "provider": (one["provider"] or {}).get("title")}
            for one in node["assessments"]
        ],
    }


def _terms(node: Node | None) -> dict[str, Any] | None:
    if node is None:
        return None
    return {
        "id": number(node["id"]),
        "payment_terms_name": node["paymentTermsName"],
        "payment_terms_type": word(node["paymentTermsType"]),
        "due_in_days": node["dueInDays"],
        "payment_schedules": [_schedule(one) for one in node["paymentSchedules"]["nodes"]],
    }


def _schedule(node: Node) -> dict[str, Any]:
    return {
        "id": number(node["id"]),
        "amount": amount(node["totalBalance"]),
        "currency": node["totalBalance"]["currencyCode"],
        "balance_due": amount(node["balanceDue"]),
        "issued_at": node["issuedAt"],
        "due_at": node["dueAt"],
        "completed_at": node["completedAt"],
    }


def _company(buyer: Node | None) -> dict[str, Any] | None:
    """Of a B2B order (C45); a person has no company here."""
    if not buyer or "company" not in buyer:
        return None
    company, location = buyer["company"], buyer["location"]
    return {
        "id": number(company["id"]),
        "name": company["name"],
        "external_id": company["externalId"],
        "location_id": number(location["id"]),
        "location_name": location["name"],
        "location_external_id": location["externalId"],
        "contact_id": number_of(buyer["contact"]),
    }

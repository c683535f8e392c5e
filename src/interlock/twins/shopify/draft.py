"""What a customer is about to order, before it is written as JSON; scenarios bend it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from interlock.twins.shopify.catalogue import PEOPLE, PRODUCTS, SALES_TAX, Person, Product, Shop, TaxRule
from interlock.twins.shopify.money import Currencies


@dataclass
class DraftLine:
    """One line to be ordered; `price` None takes the catalogue's, scaled to the shop's currency."""

    product: Product
    quantity: int = 1
    price: Decimal | None = None
    taxable: bool = True
    exists: bool = True
    gift_card: bool = False


@dataclass
class DraftDiscount:
    """A discount as Shopify's discount_applications name it; `allocated` False leaves it on the order alone."""

    title: str
    value_type: str  # percentage | fixed_amount
    value: Decimal
    target_type: str = "line_item"  # line_item | shipping_line
    allocation_method: str = "across"  # across | one
    code: str | None = None
    allocated: bool = True


@dataclass
class Draft:
    """What a customer is about to order, before it is written as JSON."""

    money: Currencies
    lines: list[DraftLine]
    person: Person
    placed_at: datetime
    customer: bool = True
    default_address: bool = True
    shipping_address: bool = True
    billing_address: bool = True
    taxes: tuple[TaxRule, ...] = SALES_TAX
    taxes_included: bool = False
    tax_first_line_only: bool = False
    shipping: list[tuple[str, Decimal]] = field(default_factory=lambda: [("Standard", Decimal("7.90"))])
    discounts: list[DraftDiscount] = field(default_factory=list)
    duty_rate: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    tip: Decimal = Decimal(0)
    cash_rounding: Decimal = Decimal(0)
    gateways: tuple[str, ...] = ("shopify_payments",)
    financial_status: str = "paid"  # paid | pending | authorized
    source_name: str = "web"
    location_id: int | None = None
    test: bool = False
    estimated_taxes: bool = False
    merchant_of_record_app_id: int | None = None
    channel_liable: bool = False
    note: str | None = None
    tags: str = ""
    id_base: int | None = None
    customer_id: int | None = None
    """Somebody who was known before; None is somebody new."""
    email: str | None = None


def plain_draft(rng: random.Random, shop: Shop, placed_at: datetime) -> Draft:
    """An everyday order: one to four products, one address, taxes on top, paid by card."""
    products = rng.sample(PRODUCTS, rng.choice((1, 1, 2, 2, 3, 4)))
    lines = [DraftLine(product, rng.choice((1, 1, 1, 2, 3))) for product in products]
    zone = ZoneInfo(shop.iana_timezone)
    money = Currencies(shop.currency, shop.currency)
    return Draft(money, lines, rng.choice(PEOPLE), placed_at.astimezone(zone))

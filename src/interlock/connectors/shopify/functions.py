"""Mapping functions of Shopify: fields whose value is more than a path away."""

import datetime as dt

from msgspec import Struct

from interlock.canonical.money import Money, MoneyPair
from interlock.connectors.shopify import order_money as money
from interlock.connectors.shopify.refund_money import RefundDocument, RefundMoney, adjustment_kind, refund_money
from interlock.errors import MappingError


class Address(Struct, frozen=True, gc=False):
    """A postal address as Shopify writes it."""

    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    zip: str | None = None
    province: str | None = None
    province_code: str | None = None
    country_code: str | None = None
    phone: str | None = None


class PaymentSchedule(Struct, frozen=True, gc=False):
    """One payment of what was agreed."""

    due_at: dt.datetime | None = None


def shopify_order_money(order: money.OrderDocument) -> money.OrderMoney:
    """The money of the current state: components, lines, shipping."""
    return money.order_money(order)


def shopify_money(amounts: money.MoneySet) -> MoneyPair:
    """A price set as a pair; MappingError when an amount is not a finite number."""
    shop, presentment = amounts.shop_money, amounts.presentment_money
    if not (shop.amount.is_finite() and presentment.amount.is_finite()):
        raise MappingError("an amount is not a number", value=f"{shop.amount}, {presentment.amount}", code="MAP001")
    return MoneyPair(Money(shop.amount, shop.currency_code), Money(presentment.amount, presentment.currency_code))


def shopify_first_address(default_address: Address | None, addresses: list[Address] | None) -> Address | None:
    """The default address, else the first one, else none (C23)."""
    return default_address or next(iter(addresses or ()), None)


def shopify_number(key: str) -> int:
    """An id as Flow takes it in a reference: a number, exact."""
    return int(key)


def is_subscribed(state: str) -> bool:
    """Whether email_marketing_consent.state allows marketing mail."""
    return state == "subscribed"


def shopify_refund_money(refund: RefundDocument) -> RefundMoney:
    """The money of a refund: its parts, what they add up to, and the payments."""
    return refund_money(refund)


def shopify_adjustment_kind(kind: str | None) -> str:
    """What kind of adjustment it is, in our words."""
    return adjustment_kind(kind)


def shopify_first_due(payment_schedules: list[PaymentSchedule] | None) -> dt.datetime | None:
    """When the first payment that is due some day is due; none while nobody knows, such as before the goods are sent."""
    return min((one.due_at for one in payment_schedules or () if one.due_at is not None), default=None)


def is_some(amounts: money.MoneySet) -> bool:
    """Whether there is money in either currency."""
    return bool(amounts.shop_money.amount or amounts.presentment_money.amount)


def last_changed(updated_at: dt.datetime | None, created_at: dt.datetime) -> dt.datetime:
    """When it changed last, where that is told, else when it was made."""
    return updated_at or created_at

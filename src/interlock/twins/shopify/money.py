"""Money as Shopify counts it: every amount in two currencies, each rounded and summed on its own.

A `Bag` (Shopify's MoneyBag) holds the shop amount and the presentment amount. Components are converted and rounded one
by one; totals are sums of rounded components, so they add up exactly in both currencies and are never converted again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

ZERO = Decimal(0)

# ISO 4217 minor units where they are not 2.
MINOR_DIGITS = {"JPY": 0, "KRW": 0, "ISK": 0, "CLP": 0, "VND": 0, "KWD": 3, "BHD": 3, "OMR": 3, "TND": 3, "JOD": 3}


@cache
def quantum(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 for EUR, 1 for JPY, 0.001 for KWD."""
    return Decimal(1).scaleb(-MINOR_DIGITS.get(currency, 2))


def rounded(amount: Decimal, currency: str, rounding: str = ROUND_HALF_UP) -> Decimal:
    return amount.quantize(quantum(currency), rounding=rounding)


@dataclass(frozen=True, slots=True)
class Bag:
    """One amount in shop money and in presentment money."""

    shop: Decimal = ZERO
    presentment: Decimal = ZERO

    def __add__(self, other: Bag) -> Bag:
        return Bag(self.shop + other.shop, self.presentment + other.presentment)

    def __sub__(self, other: Bag) -> Bag:
        return Bag(self.shop - other.shop, self.presentment - other.presentment)

    def __neg__(self) -> Bag:
        return Bag(-self.shop, -self.presentment)

    def __mul__(self, count: int) -> Bag:
        return Bag(self.shop * count, self.presentment * count)

    def __bool__(self) -> bool:
        return bool(self.shop or self.presentment)


def total(bags: Iterable[Bag]) -> Bag:
    """The sum of bags, currency by currency."""
    return sum(bags, Bag())


@dataclass(frozen=True, slots=True)
class Currencies:
    """The two currencies of an order and the rate between them (presentment per shop unit)."""

    shop: str
    presentment: str
    rate: Decimal = Decimal(1)

    def bag(self, shop_amount: Decimal) -> Bag:
        """Convert one component; the presentment side is rounded to its own minor unit."""
        return Bag(rounded(shop_amount, self.shop), rounded(shop_amount * self.rate, self.presentment))

    def to_shop(self, presentment_amount: Decimal) -> Decimal:
        """The shop side of an amount that only the customer's currency is known of."""
        return rounded(presentment_amount / self.rate, self.shop) if self.rate else ZERO

    def scaled(self, bag: Bag, factor: Decimal, rounding: str = ROUND_HALF_UP) -> Bag:
        return Bag(
            rounded(bag.shop * factor, self.shop, rounding),
            rounded(bag.presentment * factor, self.presentment, rounding),
        )

    def prorated(self, bag: Bag, part: int, whole: int) -> Bag:
        """The share of an amount that `part` of `whole` units carries; all of them carry it exactly."""
        if part == whole:
            return bag
        return self.scaled(bag, Decimal(part) / Decimal(whole)) if part else Bag()

    def allocated(self, amount: Bag, weights: Sequence[Bag]) -> list[Bag]:
        """Split an amount over weights so that the parts add up to it exactly, in both currencies."""
        shop = spread(amount.shop, [weight.shop for weight in weights], self.shop)
        presentment = spread(amount.presentment, [weight.presentment for weight in weights], self.presentment)
        return [Bag(*pair) for pair in zip(shop, presentment, strict=True)]

    def text(self, amount: Decimal) -> str:
        """A shop amount as the REST API writes it: "12.50", "1250" (JPY), "12.500" (KWD)."""
        return format(rounded(amount, self.shop), "f")

    def as_set(self, bag: Bag) -> dict[str, Any]:
        return {
            "shop_money": {"amount": self.text(bag.shop), "currency_code": self.shop},
            "presentment_money": {
                "amount": format(rounded(bag.presentment, self.presentment), "f"),
                "currency_code": self.presentment,
            },
        }


def spread(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Running shares, rounded down: each part stays within its weight and the last part closes the sum."""
    whole = sum(weights, ZERO)
    if not whole:
        return [ZERO for _ in weights]
    parts, carried, seen = [], ZERO, ZERO
    for weight in weights:
        seen += weight
        reached = amount if seen == whole else rounded(amount * seen / whole, currency, ROUND_DOWN)
        parts.append(reached - carried)
        carried = reached
    return parts


def read_set(money_set: dict[str, Any] | None) -> Bag:
    """The bag in a REST `*_set`; null counts as nothing."""
    if money_set is None:
        return Bag()
    return Bag(Decimal(money_set["shop_money"]["amount"]), Decimal(money_set["presentment_money"]["amount"]))


def currencies_of(order: dict[str, Any]) -> Currencies:
    """The currencies of a REST order; the rate is implied by its line prices (1 when it has none)."""
    for line in order["line_items"]:
        price = read_set(line["price_set"])
        if price.shop:
            return Currencies(order["currency"], order["presentment_currency"], price.presentment / price.shop)
    return Currencies(order["currency"], order["presentment_currency"])

"""What one buyer orders at one moment: goods, discounts, shipping, currency and taxes of the country, web or counter."""

from __future__ import annotations

import random
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from interlock.twins.shopify.catalogue import CONSUMPTION_TAX, HST, SALES_TAX, VAT_19, VAT_25, Shop, TaxRule
from interlock.twins.shopify.draft import Draft, DraftDiscount, DraftLine
from interlock.twins.shopify.load.assortment import Assortment
from interlock.twins.shopify.load.people import Buyer
from interlock.twins.shopify.money import Currencies

LINES = (1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 6)
UNITS = (1, 1, 1, 1, 1, 1, 2, 2, 3, 5)
CODES = (("WELCOME10", 10), ("SUMMER15", 15), ("FRIENDS20", 20), ("LAST25", 25))
SHIPPING = (("Standard", Decimal("7.90")), ("Standard", Decimal("7.90")), ("Express", Decimal("19.90")))
FREE = [("Free shipping", Decimal(0))]
NOTES = ("Please leave it with the neighbour", "Gift: no invoice in the parcel", "Ring twice", "Call before delivery")


class Market(NamedTuple):
    """How buyers of a country pay: their currency at so many units for one of the shop's, and their taxes."""

    currency: str
    rate: Decimal
    taxes: tuple[TaxRule, ...]
    included: bool = False


MARKETS = {
    "CA": Market("CAD", Decimal("1.37"), HST),
    "DE": Market("EUR", Decimal("0.92"), VAT_19, included=True),
    "GB": Market("GBP", Decimal("0.79"), (TaxRule("VAT", Decimal("0.2")),), included=True),
    "SE": Market("SEK", Decimal("10.4"), VAT_25, included=True),
    "JP": Market("JPY", Decimal("149.3"), CONSUMPTION_TAX, included=True),
}
"""Everybody else pays in the shop's currency, with taxes on top."""


class Chances(NamedTuple):
    """How often things happen, of all orders."""

    counter: float = 0.10
    guest: float = 0.08
    code: float = 0.17
    free_shipping: float = 0.25
    unpaid: float = 0.03
    authorized: float = 0.03
    note: float = 0.04
    tip: float = 0.1
    """Of those at the counter."""


CHANCES = Chances()


def drafted(
    rng: random.Random, shop: Shop, goods: Assortment, buyer: Buyer, placed_at: datetime, chances: Chances = CHANCES
) -> Draft:
    """An order to be written; equal arguments and chance give an equal one."""
    market = MARKETS.get(buyer.person.country_code, Market(shop.currency, Decimal(1), SALES_TAX))
    lines = [DraftLine(one, rng.choice(UNITS)) for one in goods.basket(rng, rng.choice(LINES))]
    money = Currencies(shop.currency, market.currency, market.rate)
    draft = Draft(
        money, lines, buyer.person, placed_at, taxes=market.taxes, taxes_included=market.included,
        customer_id=buyer.customer_id, email=buyer.email, shipping=[rng.choice(SHIPPING)],
    )  # fmt: skip
    if rng.random() < chances.counter:
        _at_the_counter(draft, rng, shop, chances)
    else:
        _on_the_web(draft, rng, chances)
    return draft


def _on_the_web(draft: Draft, rng: random.Random, chances: Chances) -> None:
    draft.customer = rng.random() >= chances.guest
    if rng.random() < chances.code:
        code, percent = rng.choice(CODES)
        draft.discounts = [DraftDiscount(code.title(), "percentage", Decimal(percent), code=code)]
    if rng.random() < chances.free_shipping:
        draft.shipping = list(FREE)
    if rng.random() < chances.note:
        draft.note = rng.choice(NOTES)
    paid = rng.random()
    if paid < chances.unpaid:
        draft.financial_status, draft.gateways = "pending", ("Bank Deposit",)
    elif paid < chances.unpaid + chances.authorized:
        draft.financial_status = "authorized"


def _at_the_counter(draft: Draft, rng: random.Random, shop: Shop, chances: Chances) -> None:
    """Sold at one of two places, in the shop's currency; half of the buyers are known."""
    draft.source_name, draft.location_id = "pos", shop.location_id + rng.randrange(2)
    draft.money, draft.taxes, draft.taxes_included = Currencies(shop.currency, shop.currency), SALES_TAX, False
    draft.customer = rng.random() < 0.5
    draft.shipping_address = draft.billing_address = False
    draft.shipping, draft.gateways = [], ("cash",)
    if rng.random() < chances.tip:
        draft.tip = Decimal(rng.choice(("1.00", "2.00", "5.00")))

"""The kinds of orders that integrations stumble over, one small function each, with their share in everyday traffic."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from interlock.twins.shopify.catalogue import (
    CONSUMPTION_TAX,
    GIFT_CARD,
    HST,
    NON_ASCII_NOTES,
    NON_ASCII_PEOPLE,
    PRODUCTS,
    TEN_PERCENT,
    VAT_19,
    VAT_25,
    Shop,
)
from interlock.twins.shopify.draft import Draft, DraftDiscount, DraftLine
from interlock.twins.shopify.money import Currencies

BIG_ID_BASE = 820_982_911_946_000_508  # the range of ids in Shopify's own sample; no float holds them
COUNTER = Shop().location_id
MARKETPLACE_APP = 4_383_523


def plain(_draft: Draft, _: random.Random) -> None:
    """Nothing unusual."""


def guest(draft: Draft, _: random.Random) -> None:
    """Bought without an account: no customer object."""
    draft.customer = False


def pos(draft: Draft, _: random.Random) -> None:
    """Sold over the counter: a location, no customer, no addresses, nothing shipped."""
    draft.source_name, draft.location_id = "pos", COUNTER
    draft.customer = draft.shipping_address = draft.billing_address = False
    draft.shipping = []
    draft.gateways = ("cash",)


def missing_addresses(draft: Draft, _: random.Random) -> None:
    draft.shipping_address = draft.billing_address = draft.default_address = False


def default_address_null(draft: Draft, _: random.Random) -> None:
    draft.default_address = False


def deleted_product(draft: Draft, _: random.Random) -> None:
    draft.lines[-1].exists = False


def same_sku_twice(draft: Draft, _: random.Random) -> None:
    draft.lines.append(DraftLine(draft.lines[0].product, 2))


def empty_sku(draft: Draft, _: random.Random) -> None:
    draft.lines[0].product = draft.lines[0].product._replace(sku="")


def two_variants_one_sku(draft: Draft, _: random.Random) -> None:
    medium, large = PRODUCTS[1], PRODUCTS[2]
    draft.lines = [DraftLine(medium), DraftLine(large._replace(sku=medium.sku))]


def multi_currency(draft: Draft, rng: random.Random) -> None:
    """A shop that keeps its books in euro sells to Sweden or Iceland."""
    presentment, rate = rng.choice((("SEK", "11.3742"), ("ISK", "142.85")))
    draft.money = Currencies("EUR", presentment, Decimal(rate))
    draft.taxes = VAT_25


def tax_included(draft: Draft, _: random.Random) -> None:
    draft.money, draft.taxes, draft.taxes_included = Currencies("EUR", "EUR"), VAT_19, True


def tax_excluded(_draft: Draft, _: random.Random) -> None:
    """Two taxes on top of the price, each rounded on its own."""


def tax_on_first_line_only(draft: Draft, rng: random.Random) -> None:
    draft.lines = [DraftLine(product, 2) for product in rng.sample(PRODUCTS, 3)]
    draft.taxes, draft.tax_first_line_only, draft.taxes_included = VAT_19, True, True


def discount_line(draft: Draft, _: random.Random) -> None:
    draft.discounts = [DraftDiscount("Shelf wear", "fixed_amount", Decimal(5), allocation_method="one")]


def discount_order(draft: Draft, rng: random.Random) -> None:
    draft.lines = [DraftLine(product, rng.randint(1, 3)) for product in rng.sample(PRODUCTS, 3)]
    draft.discounts = [DraftDiscount("Summer", "percentage", Decimal(15), code="SUMMER15")]


def discount_order_unallocated(draft: Draft, _: random.Random) -> None:
    """A discount that only the order knows, so the lines alone do not add up to the total."""
    draft.discounts = [DraftDiscount("Goodwill", "fixed_amount", Decimal(4), allocated=False)]
    draft.taxes = ()


def discount_shipping(draft: Draft, _: random.Random) -> None:
    free = DraftDiscount("Free shipping", "percentage", Decimal(100), "shipping_line", code="FREESHIP")
    draft.discounts = [free]


def discount_100(draft: Draft, _: random.Random) -> None:
    """$100 less $20, then 10 % tax: $88, not $90."""
    draft.lines = [DraftLine(PRODUCTS[0], 1, Decimal(100))]
    draft.discounts = [DraftDiscount("Twenty off", "fixed_amount", Decimal(20), code="TWENTY")]
    draft.taxes, draft.shipping, draft.money = TEN_PERCENT, [], Currencies("USD", "USD")


def discount_everything(draft: Draft, _: random.Random) -> None:
    """Goods and shipping are free: a paid order of 0.00."""
    draft.discounts = [
        DraftDiscount("Replacement", "percentage", Decimal(100)),
        DraftDiscount("Replacement", "percentage", Decimal(100), "shipping_line"),
    ]


def jpy(draft: Draft, _: random.Random) -> None:
    draft.money, draft.taxes = Currencies("JPY", "JPY"), CONSUMPTION_TAX


def kwd(draft: Draft, _: random.Random) -> None:
    draft.money, draft.taxes = Currencies("KWD", "KWD"), TEN_PERCENT


def lines_300(draft: Draft, rng: random.Random) -> None:
    draft.lines = [DraftLine(rng.choice(PRODUCTS), rng.randint(1, 3)) for _ in range(300)]


def non_ascii(draft: Draft, rng: random.Random) -> None:
    draft.person, draft.note = rng.choice(NON_ASCII_PEOPLE), rng.choice(NON_ASCII_NOTES)


def big_ids(draft: Draft, _: random.Random) -> None:
    draft.id_base = BIG_ID_BASE


def test_order(draft: Draft, _: random.Random) -> None:  # noqa: PT019 - an order placed in test mode
    draft.test, draft.gateways = True, ("bogus",)


def tip(draft: Draft, rng: random.Random) -> None:
    draft.tip = Decimal(rng.choice(("2.00", "3.50", "10.00")))


def gift_card_line(draft: Draft, _: random.Random) -> None:
    draft.lines.append(DraftLine(GIFT_CARD, taxable=False, gift_card=True))


def gift_card_payment(draft: Draft, _: random.Random) -> None:
    draft.gateways = ("gift_card", "shopify_payments")


def duties(draft: Draft, _: random.Random) -> None:
    draft.money, draft.duty_rate = Currencies("EUR", "SEK", Decimal("11.3742")), Decimal("0.12")


def additional_fee(draft: Draft, _: random.Random) -> None:
    draft.fee = Decimal("1.25")


def cash_rounding(draft: Draft, rng: random.Random) -> None:
    """Canada has no cents in cash: 12.43 is paid as 12.45, and the order still says 12.43."""
    pos(draft, rng)
    draft.money, draft.taxes = Currencies("CAD", "CAD"), HST
    draft.lines = [DraftLine(PRODUCTS[7], 1, Decimal("11.00"))]
    draft.cash_rounding = Decimal("0.02")


def late_night(draft: Draft, _: random.Random) -> None:
    """23:30 by the shop's clock, already the next day in UTC."""
    draft.placed_at = (draft.placed_at - timedelta(days=1)).replace(hour=23, minute=30, second=0)


def pending_payment(draft: Draft, _: random.Random) -> None:
    draft.financial_status, draft.gateways = "pending", ("Bank Deposit",)


def authorized(draft: Draft, _: random.Random) -> None:
    draft.financial_status = "authorized"


def estimated_taxes(draft: Draft, _: random.Random) -> None:
    """The taxes are not final yet."""
    draft.estimated_taxes = True


def marketplace(draft: Draft, _: random.Random) -> None:
    """Sold through a channel that owes the tax itself and is the merchant of record."""
    draft.merchant_of_record_app_id, draft.channel_liable = MARKETPLACE_APP, True
    draft.gateways = ("marketplace",)


class Scenario(NamedTuple):
    bend: Callable[[Draft, random.Random], None]
    weight: int  # share in the default mix; 0 = only when asked for


SCENARIOS = {
    bend.__name__: Scenario(bend, weight)
    for bend, weight in (
        (plain, 40),
        (guest, 6),
        (pos, 5),
        (missing_addresses, 1),
        (default_address_null, 2),
        (deleted_product, 1),
        (same_sku_twice, 2),
        (empty_sku, 1),
        (two_variants_one_sku, 1),
        (multi_currency, 5),
        (tax_included, 6),
        (tax_excluded, 3),
        (tax_on_first_line_only, 1),
        (discount_line, 3),
        (discount_order, 5),
        (discount_order_unallocated, 1),
        (discount_shipping, 3),
        (discount_100, 1),
        (discount_everything, 1),
        (jpy, 0),
        (kwd, 0),
        (lines_300, 0),
        (non_ascii, 4),
        (big_ids, 0),  # would put every later order below the since_id of a poller
        (test_order, 1),
        (tip, 1),
        (gift_card_line, 2),
        (gift_card_payment, 2),
        (duties, 1),
        (additional_fee, 1),
        (cash_rounding, 1),
        (late_night, 1),
        (pending_payment, 2),
        (authorized, 2),
        (estimated_taxes, 0),
        (marketplace, 0),
    )
}


def drawn(rng: random.Random) -> str:
    """A scenario of the default mix."""
    return rng.choices(tuple(SCENARIOS), weights=[scenario.weight for scenario in SCENARIOS.values()])[0]

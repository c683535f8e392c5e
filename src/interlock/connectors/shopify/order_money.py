"""The money of a Shopify order in its current state: named components that add up to current_total_price.

Facts (Admin GraphQL 2026-07 descriptions of Order, LineItem, ShippingLine; the REST webhook has the same amounts):
- current_* count what is left after edits, refunds and cancellation; amounts of a line (discount_allocations,
  tax_lines, duties) are those of the ordered quantity and include refunded pieces, so they are prorated by piece.
- current_subtotal_price = lines less line and order discounts, with the tax when taxes_included, without tips.
- current_discounted_price of a shipping line is what is left of it after discounts, refunds and removal.
- total_tip_received exists in shop money only; a tip can also be a line item with a `tip` object.
- Cash rounding changes what is received, and the total only in some channels: it is a component when the total has it.
"""

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple, cast

from msgspec import Struct

from interlock.canonical.money import ZERO, Money, MoneyPair, allocate, exponent, quantum
from interlock.errors import MappingError

NOTHING = Decimal("0.00")
Side = Literal["shop_money", "presentment_money"]


class Amount(Struct, gc=False):
    amount: Decimal
    currency_code: str


class MoneySet(Struct, gc=False):
    shop_money: Amount
    presentment_money: Amount


class Allocation(Struct, gc=False):
    amount_set: MoneySet


class TaxLine(Struct, gc=False):
    price_set: MoneySet


class LineItem(Struct, gc=False):
    quantity: int
    current_quantity: int
    price_set: MoneySet
    gift_card: bool
    discount_allocations: list[Allocation]
    tax_lines: list[TaxLine]
    duties: list[MoneySet] | None = None
    tip: dict[str, Any] | None = None


class ShippingLine(Struct, gc=False):
    price_set: MoneySet
    discounted_price_set: MoneySet
    discount_allocations: list[Allocation]
    tax_lines: list[TaxLine]
    current_discounted_price_set: MoneySet | None = None
    is_removed: bool | None = None


class OrderDocument(Struct, gc=False):
    """What is read of the webhook's order."""

    currency: str
    presentment_currency: str
    taxes_included: bool
    current_total_price_set: MoneySet
    current_subtotal_price_set: MoneySet
    current_total_discounts_set: MoneySet
    current_total_tax_set: MoneySet
    line_items: list[LineItem]
    shipping_lines: list[ShippingLine]
    current_total_duties_set: MoneySet | None = None
    current_total_additional_fees_set: MoneySet | None = None
    total_cash_rounding_payment_adjustment_set: MoneySet | None = None
    total_cash_rounding_refund_adjustment_set: MoneySet | None = None
    total_tip_received: Decimal | None = None


class LineMoney(Struct, frozen=True, gc=False):
    """The money of one line's current quantity. `net` is without tax and after all discounts."""

    unit_price: MoneyPair
    discount: MoneyPair
    tax: MoneyPair
    duties: MoneyPair
    net: MoneyPair


class ShippingMoney(Struct, frozen=True, gc=False):
    price: MoneyPair
    discount: MoneyPair
    tax: MoneyPair
    net: MoneyPair


class Components(Struct, frozen=True, gc=False):
    """The named parts; the names are those of the canonical order."""

    items: MoneyPair
    discounts: MoneyPair
    shipping: MoneyPair
    tax: MoneyPair
    tips: MoneyPair
    gift_cards: MoneyPair
    duties: MoneyPair
    additional_fees: MoneyPair
    cash_rounding: MoneyPair
    difference: MoneyPair
    total: MoneyPair
    payment_rounding: MoneyPair


class OrderMoney(Struct, frozen=True, gc=False):
    """The whole: components, and the money of lines and shipping lines in the order of the document."""

    components: Components
    lines: list[LineMoney]
    shipping_lines: list[ShippingMoney]


class _Side(NamedTuple):
    """Everything in one currency: components in the order of Components, lines and shipping in theirs."""

    components: tuple[Decimal, ...]
    lines: Sequence[tuple[Decimal, ...]]
    shipping: Sequence[tuple[Decimal, ...]]


def order_money(order: OrderDocument) -> OrderMoney:
    """Work out both currencies. MappingError has the path of an amount that is no number or in a wrong currency."""
    try:
        shop = _side(order, "shop_money", order.currency)
        one = order.presentment_currency == order.currency
        other = shop if one else _side(order, "presentment_money", order.presentment_currency)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise _bad_amount(order) from error
    if not shop.components[9].is_finite() or not other.components[9].is_finite():
        raise _bad_amount(order)
    return _paired(order, shop, other)


def _side(order: OrderDocument, side: Side, currency: str) -> _Side:
    """One currency of the order, in plain decimals."""
    smallest = quantum(currency)
    left = [_line(line, side, currency, smallest) for line in order.line_items]
    freight = [_shipping(line, side, currency, smallest) for line in order.shipping_lines]
    subtotal = getattr(order.current_subtotal_price_set, side).amount
    claimed = getattr(order.current_total_discounts_set, side).amount
    discounts = _with_order_discount([row[1] for row in left], [row[0] for row in left], subtotal, claimed, smallest)
    tax = getattr(order.current_total_tax_set, side).amount
    goods_after = [row[0] - discount for row, discount in zip(left, discounts, strict=True)]
    taxes = _taxes([row[2] for row in left], [row[2] for row in freight], goods_after, tax, smallest)
    included = order.taxes_included
    lines = [
        (row[3], discount, share, row[4], goods - share if included else goods)
        for row, discount, share, goods in zip(left, discounts, taxes, goods_after, strict=False)
    ]
    shipping = [
        (
            price - share if included else price,
            discount,
            share,
            price - discount - share if included else price - discount,
        )
        for (price, discount, _), share in zip(freight, taxes[len(left) :], strict=True)
    ]
    return _Side(_components(order, side, left, lines, shipping, tax, smallest), lines, shipping)


def _line(
    line: LineItem, side: Side, currency: str, smallest: Decimal
) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal]:
    """Price of what is left, discount, tax, unit price, duties. A tip has no price here: it is its own component."""
    price = getattr(line.price_set, side)
    if price.currency_code != currency:
        raise _wrong_currency(price.currency_code, currency)
    left, ordered = line.current_quantity, line.quantity
    discount = tax = duties = ZERO
    if line.discount_allocations:
        discount = _prorated(_sum_of(line.discount_allocations, "amount_set", side), left, ordered, smallest)
    if line.tax_lines:
        tax = _prorated(_sum_of(line.tax_lines, "price_set", side), left, ordered, smallest)
    if line.duties:
        duties = _prorated(sum((getattr(duty, side).amount for duty in line.duties), ZERO), left, ordered, smallest)
    whole = ZERO if line.tip else price.amount * left
    return whole, discount, tax, price.amount, duties


def _shipping(line: ShippingLine, side: Side, currency: str, smallest: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """What is left of a shipping line: price before discounts, discount, tax."""
    if line.is_removed:
        return ZERO, ZERO, ZERO
    full = getattr(line.discounted_price_set, side)
    if full.currency_code != currency:
        raise _wrong_currency(full.currency_code, currency)
    kept = getattr(line.current_discounted_price_set or line.discounted_price_set, side).amount
    discount = _sum_of(line.discount_allocations, "amount_set", side)
    tax = _sum_of(line.tax_lines, "price_set", side)
    if kept != full.amount and full.amount:
        discount, tax = ((part * kept / full.amount).quantize(smallest, ROUND_HALF_UP) for part in (discount, tax))
    return kept + discount, discount, tax


def _with_order_discount(
    discounts: list[Decimal], prices: list[Decimal], subtotal: Decimal, claimed: Decimal, smallest: Decimal
) -> list[Decimal]:
    """Line discounts, plus each line's share of a discount on the whole order that Shopify did not allocate (C30).

    Such a discount is what the subtotal lacks, as long as the order's own sum of discounts covers it; whatever it does
    not cover is no discount and stays for the `difference`. A cent of rounding per line is always covered.
    """
    known = sum(discounts, ZERO)
    missing = sum(prices, ZERO) - known - subtotal
    if not missing:
        return discounts
    rounding = smallest * len(discounts)
    if not (-rounding <= missing <= max(claimed - known, ZERO) + rounding):
        return discounts
    weights = [price - discount for price, discount in zip(prices, discounts, strict=True)]
    if not any(weights):
        return discounts
    shares = allocate(missing, weights, smallest)
    return [discount + share for discount, share in zip(discounts, shares, strict=True)]


def _taxes(
    lines: list[Decimal], freight: list[Decimal], goods: list[Decimal], tax: Decimal, smallest: Decimal
) -> list[Decimal]:
    """The order's tax on lines and shipping: as its tax lines say, to the cent of the order's own sum (C28).

    Tax that stands on the order only is spread over its goods; with no goods left it stays on the order.
    """
    shares = lines + freight
    known = sum(shares, ZERO)
    if known == tax:
        return shares
    weights = shares if known else goods + [ZERO] * len(freight)
    return allocate(tax, weights, smallest) if any(weights) else shares


def _components(
    order: OrderDocument,
    side: Side,
    left: Sequence[tuple[Decimal, ...]],
    lines: Sequence[tuple[Decimal, ...]],
    shipping: Sequence[tuple[Decimal, ...]],
    tax: Decimal,
    smallest: Decimal,
) -> tuple[Decimal, ...]:
    """The named parts, then what the total has beyond them."""
    total = getattr(order.current_total_price_set, side).amount
    items = gift_cards = discounts = freight = ZERO
    for line, row, money in zip(order.line_items, left, lines, strict=True):
        before = row[0] - money[2] if order.taxes_included else row[0]
        discounts += money[1]
        if line.gift_card:
            gift_cards += before
        else:
            items += before
    for price, discount, _, _ in shipping:
        freight += price
        discounts += discount
    tips = _tips(order, side, total, smallest)
    duties = _optional(order.current_total_duties_set, side)
    fees = _optional(order.current_total_additional_fees_set, side)
    paid_rounding = _optional(order.total_cash_rounding_payment_adjustment_set, side)
    published = paid_rounding + _optional(order.total_cash_rounding_refund_adjustment_set, side)
    difference = total - (items - discounts + freight + tax + tips + gift_cards + duties + fees)
    rounding = published if published and difference == published else ZERO
    return (
        items,
        discounts,
        freight,
        tax,
        tips,
        gift_cards,
        duties,
        fees,
        rounding,
        difference - rounding,
        total,
        published,
    )


def _tips(order: OrderDocument, side: Side, total: Decimal, smallest: Decimal) -> Decimal:
    """Tips as line items when there are any, else the order's sum, which in presentment money must be converted."""
    rows = [line for line in order.line_items if line.tip]
    if rows:
        return sum((getattr(line.price_set, side).amount * line.current_quantity for line in rows), ZERO)
    tip = order.total_tip_received
    if not tip or side == "shop_money" or order.presentment_currency == order.currency:
        return tip or ZERO
    in_shop_money = order.current_total_price_set.shop_money.amount
    return (tip * total / in_shop_money).quantize(smallest, ROUND_HALF_UP) if in_shop_money else ZERO


def _paired(order: OrderDocument, shop: _Side, other: _Side) -> OrderMoney:
    """Both currencies side by side."""
    currency, presentment = order.currency, order.presentment_currency
    if shop is other and exponent(currency) == 2:
        pairs = _same(currency)
        lines = [LineMoney(*pairs(row)) for row in shop.lines]
        shipping = [ShippingMoney(*pairs(row)) for row in shop.shipping]
        return OrderMoney(Components(*pairs(shop.components)), lines, shipping)

    def both(one: Sequence[Decimal], two: Sequence[Decimal]) -> list[MoneyPair]:
        return [_pair(a, currency, b, presentment) for a, b in zip(one, two, strict=True)]

    lines = [LineMoney(*both(*rows)) for rows in zip(shop.lines, other.lines, strict=True)]
    shipping = [ShippingMoney(*both(*rows)) for rows in zip(shop.shipping, other.shipping, strict=True)]
    return OrderMoney(Components(*both(shop.components, other.components)), lines, shipping)


def _same(currency: str) -> Callable[[Sequence[Decimal]], list[MoneyPair]]:
    """Pairs of an order in one currency: one Money on both sides, one pair for every zero."""
    zero = Money(NOTHING, currency)
    nothing = MoneyPair(zero, zero)

    def pairs(amounts: Sequence[Decimal]) -> list[MoneyPair]:
        return [MoneyPair(money := Money(amount, currency), money) if amount else nothing for amount in amounts]

    return pairs


def _pair(amount: Decimal, currency: str, other: Decimal, presentment: str) -> MoneyPair:
    return MoneyPair(_exact(amount, currency), _exact(other, presentment))


def _exact(amount: Decimal, currency: str) -> Money:
    """With the currency's digits, unless that would lose something: `1000.00` JPY is `1000` (C33)."""
    rounded = amount.quantize(quantum(currency), ROUND_HALF_UP)
    return Money(rounded if rounded == amount else amount, currency)


def _prorated(amount: Decimal, left: int, ordered: int, smallest: Decimal) -> Decimal:
    if left == ordered or not ordered:
        return amount
    return (amount * left / ordered).quantize(smallest, ROUND_HALF_UP)


def _sum_of(rows: Sequence[Any], field: str, side: Side) -> Decimal:
    return sum((getattr(getattr(row, field), side).amount for row in rows), ZERO)


def _optional(money: MoneySet | None, side: Side) -> Decimal:
    return ZERO if money is None else cast("Decimal", getattr(money, side).amount)


def _wrong_currency(found: str, expected: str) -> MappingError:
    return MappingError(
        f"an amount is in {found}, the order in {expected}",
        code="MAP002",
        value=found,
        why="an amount of one currency may never be written with the code of another (C32)",
        next_move="look at the order in Shopify; its price sets contradict its currency",
    )


def _bad_amount(order: OrderDocument) -> MappingError:
    """Find the amount that is NaN or infinite, and name its path."""
    for path, value in _amounts("$", order):
        if not value.is_finite():
            return MappingError(
                "an amount is not a number",
                path=path,
                value=str(value),
                code="MAP001",
                next_move="correct the document",
            )
    return MappingError("the amounts cannot be added", path="$", code="MAP001", next_move="correct the document")


def _amounts(path: str, value: Any) -> Any:
    if isinstance(value, Decimal):
        yield path, value
    elif isinstance(value, list):
        for at, element in enumerate(value):
            yield from _amounts(f"{path}[{at}]", element)
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from _amounts(f"{path}.{name}", getattr(value, name))

"""The money of a Shopify order in its current state: named components that add up to current_total_price.

Facts (Admin GraphQL 2026-07 descriptions of Order, LineItem, ShippingLine; the REST webhook has the same amounts):
- current_* count what is left after edits, refunds and cancellation; amounts of a line (discount_allocations,
  tax_lines, duties) are those of the ordered quantity and include refunded pieces, so they are prorated by piece.
- current_subtotal_price = lines less line and order discounts, with the tax when taxes_included, without tips.
- current_discounted_price of a shipping line is what is left of it after discounts, refunds and removal.
- total_tip_received exists in shop money only; a tip can also be a line item with a `tip` object.
- Cash rounding changes what is received, and the total only in some channels: it is a component when the total has it.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from operator import attrgetter
from typing import Any

from msgspec import Struct

from interlock.canonical.money import ZERO, Money, MoneyPair, allocate, exponent, quantum
from interlock.errors import MappingError

NOTHING = Decimal("0.00")


class Amount(Struct, gc=False):
    amount: Decimal
    currency_code: str


class MoneySet(Struct, gc=False):
    shop_money: Amount
    presentment_money: Amount


Side = Callable[[MoneySet], Amount]
Columns = list[Sequence[Decimal]]
SHOP: Side = attrgetter("shop_money")
PRESENTMENT: Side = attrgetter("presentment_money")


class Allocation(Struct, gc=False):
    amount_set: MoneySet


class TaxLine(Struct, gc=False):
    price_set: MoneySet
    channel_liable: bool | None = None


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
    merchant_of_record_app_id: int | None = None
    tax_lines: list[TaxLine] | None = None


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
    channel_tax: MoneyPair


class OrderMoney(Struct, frozen=True, gc=False):
    """The whole: components, and the money of lines and shipping lines in the order of the document."""

    components: Components
    lines: list[LineMoney]
    shipping_lines: list[ShippingMoney]


LINE_COLUMNS = len(LineMoney.__struct_fields__)


class _Goods(Struct, gc=False):
    """What is left of the lines in one currency, as columns; `gift_cards` are places in them.

    A tip has no price here: it is its own component.
    """

    unit_prices: list[Decimal]
    prices: list[Decimal]
    discounts: list[Decimal]
    taxes: list[Decimal]
    duties: list[Decimal]
    gift_cards: list[int]
    tips: Decimal | None = None


class _Freight(Struct, gc=False):
    """What is left of the shipping lines in one currency, as columns."""

    prices: list[Decimal]
    discounts: list[Decimal]
    taxes: list[Decimal]


def order_money(order: OrderDocument) -> OrderMoney:
    """Work out both currencies. MappingError has the path of an amount that is no number or in a wrong currency."""
    currency, presentment = order.currency, order.presentment_currency
    try:
        shop = _columns(order, SHOP, currency)
        other = shop if presentment == currency else _columns(order, PRESENTMENT, presentment)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise _bad_amount(order) from error
    as_written = other is shop and exponent(currency) == 2  # other currencies are written with digits they do not have
    components, *money = _same(shop, currency) if as_written else _both(shop, currency, other, presentment)
    lines, shipping = money[:LINE_COLUMNS], money[LINE_COLUMNS:]
    return OrderMoney(Components(*components), list(map(LineMoney, *lines)), list(map(ShippingMoney, *shipping)))


def _columns(order: OrderDocument, on: Side, currency: str) -> Columns:
    """Every amount in one currency: the components, then a column for each field of LineMoney and of ShippingMoney."""
    smallest = quantum(currency)
    goods = _goods(order.line_items, on, currency, smallest)
    freight = _freight(order.shipping_lines, on, currency, smallest)
    discounts = _with_order_discount(order, on, goods, smallest)
    prices, nets, freight_prices = goods.prices, _less(goods.prices, discounts), freight.prices
    tax = on(order.current_total_tax_set).amount
    taxes, freight_taxes = _taxes(goods.taxes, freight.taxes, nets, tax, smallest)
    if order.taxes_included:
        prices, nets, freight_prices = _less(prices, taxes), _less(nets, taxes), _less(freight_prices, freight_taxes)
    freight_nets = _less(freight_prices, freight.discounts)
    items, gift_cards = _sold(prices, goods.gift_cards)
    discount = sum(freight.discounts, sum(discounts, ZERO))
    tips = _tip_received(order, on, smallest) if goods.tips is None else goods.tips
    components = _components(order, on, items, gift_cards, discount, sum(freight_prices, ZERO), tax, tips)
    lines = [goods.unit_prices, discounts, taxes, goods.duties, nets]
    return [components, *lines, freight_prices, freight.discounts, freight_taxes, freight_nets]


def _goods(lines: Sequence[LineItem], on: Side, currency: str, smallest: Decimal) -> _Goods:
    """Most lines of most orders have no discount, no duty, and are neither gift card nor tip."""
    nothing = [ZERO] * len(lines)
    goods = _Goods([], [], nothing, nothing.copy(), nothing.copy(), [])
    for at, line in enumerate(lines):
        unit = on(line.price_set)
        if unit.currency_code != currency:
            raise _wrong_currency(unit.currency_code, currency)
        price = unit.amount * line.current_quantity
        if line.tip is not None:  # a tip that was read says nothing more: {}
            goods.tips, price = (goods.tips or ZERO) + price, ZERO
        if line.gift_card:
            goods.gift_cards.append(at)
        goods.unit_prices.append(unit.amount)
        goods.prices.append(price)
        if line.discount_allocations:
            goods.discounts[at] = _prorated((row.amount_set for row in line.discount_allocations), on, line, smallest)
        if line.tax_lines:
            goods.taxes[at] = _prorated((row.price_set for row in line.tax_lines), on, line, smallest)
        if line.duties:
            goods.duties[at] = _prorated(line.duties, on, line, smallest)
    return goods


def _freight(lines: Sequence[ShippingLine], on: Side, currency: str, smallest: Decimal) -> _Freight:
    """Prices before discounts, discounts and taxes; nothing of a line that was removed."""
    freight = _Freight([], [], [])
    for line in lines:
        price = discount = tax = ZERO
        if not line.is_removed:
            full = on(line.discounted_price_set)
            if full.currency_code != currency:
                raise _wrong_currency(full.currency_code, currency)
            kept = on(line.current_discounted_price_set or line.discounted_price_set).amount
            if line.discount_allocations:
                discount = _sum_of((row.amount_set for row in line.discount_allocations), on)
            if line.tax_lines:
                tax = _sum_of((row.price_set for row in line.tax_lines), on)
            if kept != full.amount and full.amount:
                discount, tax = (
                    (part * kept / full.amount).quantize(smallest, ROUND_HALF_UP) for part in (discount, tax)
                )
            price = kept + discount
        freight.prices.append(price)
        freight.discounts.append(discount)
        freight.taxes.append(tax)
    return freight


def _with_order_discount(order: OrderDocument, on: Side, goods: _Goods, smallest: Decimal) -> list[Decimal]:
    """Line discounts, plus each line's share of a discount on the whole order that Shopify did not allocate (C30).

    Such a discount is what the subtotal lacks, as long as the order's own sum of discounts covers it; whatever it does
    not cover is no discount and stays for the `difference`. A cent of rounding per line is always covered.
    """
    discounts = goods.discounts
    known = sum(discounts, ZERO)
    missing = sum(goods.prices, ZERO) - known - on(order.current_subtotal_price_set).amount
    if not missing:
        return discounts
    claimed = on(order.current_total_discounts_set).amount
    rounding = smallest * len(discounts)
    if not (-rounding <= missing <= max(claimed - known, ZERO) + rounding):
        return discounts
    weights = _less(goods.prices, discounts)
    if not any(weights):
        return discounts
    shares = allocate(missing, weights, smallest)
    return [discount + share for discount, share in zip(discounts, shares, strict=True)]


def _taxes(
    lines: list[Decimal], freight: list[Decimal], goods: list[Decimal], tax: Decimal, smallest: Decimal
) -> tuple[list[Decimal], list[Decimal]]:
    """The order's tax on lines and on shipping: as its tax lines say, to the cent of the order's own sum (C28).

    Tax that stands on the order only is spread over its goods; with no goods left it stays on the order.
    """
    known = sum(freight, sum(lines, ZERO))
    if known == tax:
        return lines, freight
    weights = lines + freight if known else goods + [ZERO] * len(freight)
    if not any(weights):
        return lines, freight
    shares = allocate(tax, weights, smallest)
    return shares[: len(lines)], shares[len(lines) :]


def _sold(prices: list[Decimal], gift_cards: list[int]) -> tuple[Decimal, Decimal]:
    """Goods, and gift cards: a liability, no revenue (C34)."""
    if not gift_cards:
        return sum(prices, ZERO), ZERO
    goods = [price for at, price in enumerate(prices) if at not in gift_cards]
    return sum(goods, ZERO), sum([prices[at] for at in gift_cards], ZERO)


def _components(
    order: OrderDocument,
    on: Side,
    items: Decimal,
    gift_cards: Decimal,
    discounts: Decimal,
    shipping: Decimal,
    tax: Decimal,
    tips: Decimal,
) -> tuple[Decimal, ...]:
    """The named parts, then what the total has beyond them. InvalidOperation when an amount is not finite."""
    duties = _optional(order.current_total_duties_set, on)
    fees = _optional(order.current_total_additional_fees_set, on)
    paid_rounding = _optional(order.total_cash_rounding_payment_adjustment_set, on)
    published = paid_rounding + _optional(order.total_cash_rounding_refund_adjustment_set, on)
    total = on(order.current_total_price_set).amount
    difference = total - (items - discounts + shipping + tax + tips + gift_cards + duties + fees)
    if not difference.is_finite():
        raise InvalidOperation
    rounding = published if published and difference == published else ZERO
    difference -= rounding
    channels = _channel_tax(order, on, tax)
    return items, discounts, shipping, tax, tips, gift_cards, duties, fees, rounding, difference, total, published, channels


def _channel_tax(order: OrderDocument, on: Side, tax: Decimal) -> Decimal:
    """What of the order's tax somebody else owes: all of it where a channel sold it in its own name, else what the tax
    lines say that are left (C37)."""
    if order.merchant_of_record_app_id is not None:
        return tax
    if not any(row.channel_liable for row in order.tax_lines or ()):
        return ZERO
    owed = all_of_it = ZERO
    for amount, liable in _taxes_left(order, on):
        all_of_it += amount
        owed += amount if liable else ZERO
    return tax if owed == all_of_it else min(owed.quantize(quantum(on(order.current_total_tax_set).currency_code)), tax)


def _taxes_left(order: OrderDocument, on: Side) -> Iterable[tuple[Decimal, bool]]:
    """The tax of what is left of lines and shipping, and whether a channel owes it."""
    for line in order.line_items:
        for row in line.tax_lines if line.quantity else ():
            yield on(row.price_set).amount * line.current_quantity / line.quantity, bool(row.channel_liable)
    for freight in order.shipping_lines:
        full, kept = freight.discounted_price_set, freight.current_discounted_price_set or freight.discounted_price_set
        share = on(kept).amount / on(full).amount if on(full).amount else Decimal(1)
        for row in () if freight.is_removed else freight.tax_lines:
            yield on(row.price_set).amount * share, bool(row.channel_liable)


def _tip_received(order: OrderDocument, on: Side, smallest: Decimal) -> Decimal:
    """The order's sum of tips when none is a line item; it is in shop money, so the presentment has to be converted."""
    tip = order.total_tip_received
    if not tip or on is SHOP:
        return tip or ZERO
    in_shop_money, total = SHOP(order.current_total_price_set).amount, on(order.current_total_price_set).amount
    return (tip * total / in_shop_money).quantize(smallest, ROUND_HALF_UP) if in_shop_money else ZERO


def _same(columns: Columns, currency: str) -> list[list[MoneyPair]]:
    """Pairs of an order in one currency: one Money on both sides, one pair for every zero."""
    zero = Money(NOTHING, currency)
    nothing = MoneyPair(zero, zero)
    paired = []
    for column in columns:  # loops: comprehensions in a comprehension take a third more
        pairs = []
        for amount in column:
            if amount:
                money = Money(amount, currency)
                pairs.append(MoneyPair(money, money))
            else:
                pairs.append(nothing)
        paired.append(pairs)
    return paired


def _both(shop: Columns, currency: str, other: Columns, presentment: str) -> list[list[MoneyPair]]:
    """Both currencies side by side, one pair for every zero."""
    nothing = MoneyPair(_exact(ZERO, currency), _exact(ZERO, presentment))
    return [
        [
            MoneyPair(_exact(a, currency), _exact(b, presentment)) if a or b else nothing
            for a, b in zip(one, two, strict=True)
        ]
        for one, two in zip(shop, other, strict=True)
    ]


def _exact(amount: Decimal, currency: str) -> Money:
    """With the currency's digits, unless that would lose something: `1000.00` JPY is `1000` (C33)."""
    rounded = amount.quantize(quantum(currency), ROUND_HALF_UP)
    return Money(rounded if rounded == amount else amount, currency)


def _prorated(sets: Iterable[MoneySet], on: Side, line: LineItem, smallest: Decimal) -> Decimal:
    """The part of amounts of the ordered quantity that belongs to the current one."""
    amount, left, ordered = _sum_of(sets, on), line.current_quantity, line.quantity
    if left == ordered or not ordered:
        return amount
    return (amount * left / ordered).quantize(smallest, ROUND_HALF_UP)


def _sum_of(sets: Iterable[MoneySet], on: Side) -> Decimal:
    return sum([on(each).amount for each in sets], ZERO)


def _less(amounts: list[Decimal], others: list[Decimal]) -> list[Decimal]:
    """Each without its other; the same list when there is nothing to take away."""
    return [amount - other for amount, other in zip(amounts, others, strict=True)] if any(others) else amounts


def _optional(money: MoneySet | None, on: Side) -> Decimal:
    return ZERO if money is None else on(money).amount


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

"""The money of a Shopify refund: parts that add up to what the customer gets back, in both currencies.

Facts (Refund, RefundLineItem, RefundShippingLine, OrderAdjustment of the Admin API 2026-07; the body of refunds/create):
- subtotal_set of a line is after discounts, and contains the tax when the prices of the order do; total_tax_set is that
  tax. Whether they do stands on the order only: a refund that was read has it as `taxes_included`, a webhook has not.
- Shipping comes back through refund_shipping_lines (since 2024-10; before that as an adjustment of kind shipping_refund).
- An adjustment is the calculated amount less the one that is paid back: negative when more is paid back.
- Transactions are the payments. There are none when the goods pay for others (an exchange) or for what is still owed,
  and they are fewer while a part is kept as credit; so they are the total only when they are more than the parts.
- `amount` of a transaction is in the currency that the customer paid in.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

from interlock.canonical.money import ZERO, Money, MoneyPair, allocate, quantum
from interlock.connectors.shopify.order_money import PRESENTMENT, SHOP, MoneySet
from interlock.errors import MappingError

PAYS_BACK = frozenset({"refund", "change"})
"""Kinds of transactions that give money to the customer; a void gives back an authorization, which is no money."""
STANDS = frozenset({"success", "pending"})
SHIPPING_REFUND = "shipping_refund"
KINDS = frozenset({SHIPPING_REFUND, "refund_discrepancy", "fee"})


class RefundLine(Struct, gc=False):
    subtotal_set: MoneySet
    total_tax_set: MoneySet


class RefundShipping(Struct, gc=False):
    id: int
    subtotal_amount_set: MoneySet
    tax_amount_set: MoneySet


class RefundDuty(Struct, gc=False):
    amount_set: MoneySet


class Adjustment(Struct, gc=False):
    id: int
    amount_set: MoneySet
    tax_amount_set: MoneySet
    kind: str | None = None
    reason: str | None = None


class Transaction(Struct, gc=False):
    kind: str
    status: str
    amount: Decimal
    amount_set: MoneySet | None = None


class RefundDocument(Struct, gc=False):
    """What is read of a refund's body; a refund that was read has more than the webhook tells."""

    refund_line_items: list[RefundLine]
    order_adjustments: list[Adjustment]
    transactions: list[Transaction]
    total_duties_set: MoneySet | None = None
    total_refunded_set: MoneySet | None = None
    duties: list[RefundDuty] = []
    refund_shipping_lines: list[RefundShipping] | None = None
    taxes_included: bool | None = None


class PartMoney(Struct, frozen=True, gc=False):
    """Positive is paid back; `net` is without tax."""

    net: MoneyPair
    tax: MoneyPair


class RefundMoney(Struct, frozen=True, gc=False):
    """lines + shipping + duties + adjustments + difference = total; each list in the order of the document.

    `shipping` contains its tax. `shipping_taxes` has for each shipping line an entry that adds up to zero, -tax and tax:
    the contract's shipping is one amount, and a ledger books the two apart.
    """

    currency: str
    presentment_currency: str
    lines: list[PartMoney]
    shipping: MoneyPair
    duties: MoneyPair
    shipping_taxes: list[PartMoney]
    adjustments: list[PartMoney]
    difference: MoneyPair
    total: MoneyPair
    transactions: list[MoneyPair]


def refund_money(refund: RefundDocument) -> RefundMoney:
    """Work out both currencies. MappingError when amounts contradict each other or cannot be told."""
    codes = _currencies(refund)
    included = _taxes_included(refund)
    nothing = _pair(ZERO, ZERO, codes)
    lines = [_line(row.subtotal_set, row.total_tax_set, included, codes) for row in refund.refund_line_items]
    freight = [_line(row.subtotal_amount_set, row.tax_amount_set, included, codes) for row in _freight(refund)]
    shipping = sum((row.net + row.tax for row in freight), nothing)
    adjustments = [_adjustment(row, refund, codes) for row in refund.order_adjustments]
    duties = _duties(refund, codes)
    parts = sum((row.net + row.tax for row in [*lines, *adjustments]), shipping + duties)
    transactions = _transactions(refund.transactions, parts, codes)
    paid = sum((pair for pair, row in zip(transactions, refund.transactions, strict=True) if _pays(row)), nothing)
    total = paid if paid.presentment.amount > parts.presentment.amount else parts
    taxes = [PartMoney(-row.tax, row.tax) for row in freight]
    return RefundMoney(*codes, lines, shipping, duties, taxes, adjustments, total - parts, total, transactions)


def adjustment_kind(kind: str | None) -> str:
    """The kind in our words. One that is new is a discrepancy: its money counts all the same."""
    return kind if kind in KINDS else "refund_discrepancy"


def _freight(refund: RefundDocument) -> list[RefundShipping]:
    return refund.refund_shipping_lines or []


def _line(subtotal: MoneySet, tax_set: MoneySet, included: bool, codes: tuple[str, str]) -> PartMoney:
    price, tax = _of(subtotal, codes), _of(tax_set, codes)
    return PartMoney(price - tax if included else price, tax)


def _adjustment(row: Adjustment, refund: RefundDocument, codes: tuple[str, str]) -> PartMoney:
    """Shopify's sign is that of the order, ours that of the refund. Shipping is told once: its lines go before this."""
    if _told_by_lines(row, refund):
        return PartMoney(_pair(ZERO, ZERO, codes), _pair(ZERO, ZERO, codes))
    return PartMoney(-_of(row.amount_set, codes), -_of(row.tax_amount_set, codes))


def _told_by_lines(row: Adjustment, refund: RefundDocument) -> bool:
    return row.kind == SHIPPING_REFUND and bool(refund.refund_shipping_lines)


def _duties(refund: RefundDocument, codes: tuple[str, str]) -> MoneyPair:
    """By duty, where they are listed."""
    if not refund.duties and refund.total_duties_set is not None:
        return _of(refund.total_duties_set, codes)
    return sum((_of(row.amount_set, codes) for row in refund.duties), _pair(ZERO, ZERO, codes))


def _taxes_included(refund: RefundDocument) -> bool:
    """As the order says; else as the payments show, when they fit one way only."""
    if refund.taxes_included is not None:
        return refund.taxes_included
    goods = [(row.subtotal_set, row.total_tax_set) for row in refund.refund_line_items]
    goods += [(row.subtotal_amount_set, row.tax_amount_set) for row in _freight(refund)]
    tax = sum((PRESENTMENT(tax).amount for _, tax in goods), ZERO)
    if not tax:
        return False
    without = sum((PRESENTMENT(price).amount for price, _ in goods), _listed(refund))
    paid = sum((row.amount for row in refund.transactions if _pays(row)), ZERO)
    if paid == without:
        return True
    if paid == without + tax:
        return False
    raise MappingError(
        "this refund does not tell whether its prices contain the tax",
        path="$.taxes_included",
        code="MAP001",
        why="a webhook leaves it out, and the payments fit neither way: net and tax could only be guessed",
        next_move="let the refund be read again; a refund that is read tells it",
    )


def _listed(refund: RefundDocument) -> Decimal:
    """Duties and adjustments in the currency that the customer paid in."""
    duties = (PRESENTMENT(row.amount_set).amount for row in refund.duties)
    listed = sum(duties, ZERO)
    if not refund.duties and refund.total_duties_set is not None:
        listed = PRESENTMENT(refund.total_duties_set).amount
    return listed - sum(
        (
            PRESENTMENT(row.amount_set).amount + PRESENTMENT(row.tax_amount_set).amount
            for row in refund.order_adjustments
            if not _told_by_lines(row, refund)
        ),
        ZERO,
    )


def _pays(row: Transaction) -> bool:
    return row.kind in PAYS_BACK and row.status in STANDS


def _transactions(rows: Sequence[Transaction], parts: MoneyPair, codes: tuple[str, str]) -> list[MoneyPair]:
    """In both currencies: as told, else the shop's share of the parts, to the cent when the payments are the parts."""
    if all(row.amount_set is not None for row in rows):
        return [_of(row.amount_set, codes) for row in rows if row.amount_set is not None]
    paid = [row.amount for row in rows]
    if codes[0] == codes[1]:
        return [_pair(amount, amount, codes) for amount in paid]
    if not parts.presentment.amount:
        raise MappingError(
            "this refund does not tell what its payments are in the currency of the shop",
            path="$.transactions",
            code="MAP001",
            why=f"they are in {codes[1]}, and there is no part with both amounts to go by",
            next_move="let the refund be read again; a refund that is read tells both",
        )
    smallest = quantum(codes[0])
    whole = sum(paid, ZERO) * parts.shop.amount / parts.presentment.amount
    shares = allocate(whole.quantize(smallest, ROUND_HALF_UP), paid, smallest)
    return [_pair(shop, amount, codes) for shop, amount in zip(shares, paid, strict=True)]


def _currencies(refund: RefundDocument) -> tuple[str, str]:
    """The currency of the shop, and that of the customer: a webhook has one of these sums, a read the other."""
    told = refund.total_duties_set or refund.total_refunded_set
    if told is None:
        raise MappingError(
            "this refund names no currency",
            path="$.total_refunded_set",
            code="MAP001",
            next_move="let the refund be read again; a refund that is read has its total in both currencies",
        )
    return SHOP(told).currency_code, PRESENTMENT(told).currency_code


def _of(amounts: MoneySet, codes: tuple[str, str]) -> MoneyPair:
    """A price set as a pair; MappingError when it is in another currency than the refund (C32), or no number."""
    for amount, code in ((SHOP(amounts), codes[0]), (PRESENTMENT(amounts), codes[1])):
        if amount.currency_code != code:
            raise MappingError(
                f"an amount is in {amount.currency_code}, the refund in {code}",
                code="MAP002",
                value=amount.currency_code,
                why="an amount of one currency may never be written with the code of another (C32)",
                next_move="look at the refund in Shopify; its price sets contradict each other",
            )
        if not amount.amount.is_finite():
            raise MappingError("an amount is not a number", value=str(amount.amount), code="MAP001")
    return _pair(amounts.shop_money.amount, amounts.presentment_money.amount, codes)


def _pair(shop: Decimal, presentment: Decimal, codes: tuple[str, str]) -> MoneyPair:
    return MoneyPair(_exact(shop, codes[0]), _exact(presentment, codes[1]))


def _exact(amount: Decimal, currency: str) -> Money:
    """With the currency's digits, unless that would lose something."""
    rounded = amount.quantize(quantum(currency), ROUND_HALF_UP)
    return Money(rounded if rounded == amount else amount, currency)

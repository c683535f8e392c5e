"""The sums of an order: every total and current_* field of a REST order, worked out from its lines.

Rules, from the descriptions of Order in Admin GraphQL 2026-07 and a recorded cancelled order (activepieces
packages/pieces/community/shopify, trigger new-cancelled-order):
- total_* count `quantity`, before refunds; current_* count `current_quantity`, after edits, refunds and cancellation.
- subtotal = lines - discounts of lines; total = subtotal + shipping - discounts of shipping + taxes (unless the
  prices include them) + duties + additional fees + tip. total_shipping_price is before discounts.
- Cash rounding changes what is received, never total_price (object CashRoundingAdjustment).
- Discount, tax and duty amounts of a line are those of `quantity`; the current share is prorated by unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from interlock.twins.shopify.money import Bag, Currencies, read_set, total

Order = dict[str, Any]
Line = dict[str, Any]


def settle(order: Order, money: Currencies, net_received: Decimal) -> None:
    """Write every sum of the order in place; `net_received` is what was paid less what went back, in shop money."""
    _settle_ordered(order, money)
    _settle_current(order, money)
    order["total_outstanding"] = money.text(read_set(order["current_total_price_set"]).shop - net_received)


def net_received(order: Order) -> Decimal:
    """What the shop has received and kept so far, in shop money."""
    return read_set(order["current_total_price_set"]).shop - Decimal(order["total_outstanding"])


def line_discount(line: Line) -> Bag:
    return total(read_set(row["amount_set"]) for row in line["discount_allocations"])


def line_tax(line: Line) -> Bag:
    return total(read_set(row["price_set"]) for row in line["tax_lines"])


def line_duty(line: Line) -> Bag:
    return total(read_set(row) for row in line["duties"])


def unallocated_discount(order: Order, money: Currencies) -> Bag:
    """A fixed discount on the whole order that no line carries (orders made through the API or old drafts)."""
    used = {row["discount_application_index"] for line in order["line_items"] for row in line["discount_allocations"]}
    return total(
        money.bag(Decimal(application["value"]))
        for index, application in enumerate(order["discount_applications"])
        if index not in used
        and application["value_type"] == "fixed_amount"
        and application["target_type"] == "line_item"
        and application["allocation_method"] == "across"
    )


def gross(line: Line, quantity: int) -> Bag:
    return read_set(line["price_set"]) * quantity


def current_net(line: Line, money: Currencies) -> Bag:
    """Price less discount of the units that are still on the order."""
    left, ordered = line["current_quantity"], line["quantity"]
    return gross(line, left) - money.prorated(line_discount(line), left, ordered)


def current_tax(line: Line, money: Currencies) -> Bag:
    return money.prorated(line_tax(line), line["current_quantity"], line["quantity"])


def current_duty(line: Line, money: Currencies) -> Bag:
    return total(current_duties(line, money))


def current_duties(line: Line, money: Currencies) -> list[Bag]:
    """What the units that are still on the order owe of each duty of the line: each is rounded for itself."""
    return [money.prorated(read_set(row), line["current_quantity"], line["quantity"]) for row in line["duties"]]


def current_unallocated(order: Order, money: Currencies) -> Bag:
    """The share of an unallocated order discount that the remaining goods carry."""
    discount = unallocated_discount(order, money)
    ordered = total(gross(line, line["quantity"]) for line in order["line_items"]).shop
    left = total(gross(line, line["current_quantity"]) for line in order["line_items"]).shop
    return money.scaled(discount, left / ordered) if ordered else Bag()


def current_shipping_tax(order: Order, money: Currencies) -> Bag:
    return total(_shipping_tax_left(row, money) for row in order["shipping_lines"])


def _settle_ordered(order: Order, money: Currencies) -> None:
    lines, shipping = order["line_items"], order["shipping_lines"]
    goods = total(gross(line, line["quantity"]) for line in lines)
    off_goods = total(line_discount(line) for line in lines) + unallocated_discount(order, money)
    freight = total(read_set(row["price_set"]) for row in shipping)
    off_freight = total(line_discount(row) for row in shipping)
    tax = total(line_tax(row) for row in [*lines, *shipping])
    duties = total(line_duty(line) for line in lines)
    price = goods - off_goods + freight - off_freight + duties + _extras(order, "original_total_additional_fees_set")
    _write(order, money, "total_line_items_price", goods)
    _write(order, money, "total_discounts", off_goods + off_freight)
    _write(order, money, "subtotal_price", goods - off_goods)
    _write(order, money, "total_tax", tax)
    _write(order, money, "total_price", price if order["taxes_included"] else price + tax)
    order["total_shipping_price_set"] = money.as_set(freight)
    order["original_total_duties_set"] = money.as_set(duties) if duties else None
    order["tax_lines"] = _tax_summary(lines + shipping, money)
    order["total_weight"] = sum(line["grams"] * line["quantity"] for line in lines)


def _settle_current(order: Order, money: Currencies) -> None:
    lines = order["line_items"]
    unallocated = current_unallocated(order, money)
    goods = total(current_net(line, money) for line in lines) - unallocated
    off_goods = total(gross(line, line["current_quantity"]) - current_net(line, money) for line in lines) + unallocated
    freight = total(read_set(row["current_discounted_price_set"]) for row in order["shipping_lines"])
    off_freight = total(line_discount(row) for row in order["shipping_lines"] if _still_charged(row, lines))
    tax = total(current_tax(line, money) for line in lines) + current_shipping_tax(order, money)
    duties = total(current_duty(line, money) for line in lines)
    extras = _extras(order, "current_total_additional_fees_set") + _discrepancies(order)
    price = goods + freight + duties + extras
    _write(order, money, "current_subtotal_price", goods)
    _write(order, money, "current_total_discounts", off_goods + off_freight)
    _write(order, money, "current_total_tax", tax)
    _write(order, money, "current_total_price", price if order["taxes_included"] else price + tax)
    order["current_shipping_price_set"] = money.as_set(freight)
    order["current_total_duties_set"] = money.as_set(duties) if order["original_total_duties_set"] else None


def _write(order: Order, money: Currencies, field: str, amount: Bag) -> None:
    order[field] = money.text(amount.shop)
    order[f"{field}_set"] = money.as_set(amount)


def _extras(order: Order, fees: str) -> Bag:
    """Additional fees and the tip. REST gives the tip in shop money only."""
    tip = Decimal(order["total_tip_received"])
    return read_set(order[fees]) + Bag(tip, tip)


def _discrepancies(order: Order) -> Bag:
    """What refunds moved beyond lines, shipping, fees and taxes (negative: paid back on top)."""
    rows = (row for refund in order["refunds"] for row in refund["order_adjustments"])
    return total(read_set(row["amount_set"]) for row in rows)


def _still_charged(shipping_line: Line, lines: list[Line]) -> bool:
    """A shipping price counts until it is refunded; a free one counts as long as goods remain."""
    left = read_set(shipping_line["current_discounted_price_set"])
    free = not read_set(shipping_line["discounted_price_set"])
    return bool(left) or (free and any(line["current_quantity"] for line in lines))


def _shipping_tax_left(shipping_line: Line, money: Currencies) -> Bag:
    """The tax on what is left of a shipping price after refunds."""
    full = read_set(shipping_line["discounted_price_set"])
    left = read_set(shipping_line["current_discounted_price_set"])
    if left == full:
        return line_tax(shipping_line)
    return money.scaled(line_tax(shipping_line), left.shop / full.shop) if left else Bag()


def _tax_summary(rows: Iterable[Line], money: Currencies) -> list[dict[str, Any]]:
    """The order's tax_lines: one per title and rate, the sum of those of lines and shipping."""
    sums: dict[tuple[str, float, bool], Bag] = {}
    for tax in (tax for row in rows for tax in row["tax_lines"]):
        key = (tax["title"], tax["rate"], bool(tax["channel_liable"]))
        sums[key] = sums.get(key, Bag()) + read_set(tax["price_set"])
    return [tax_line(key[0], key[1], amount, money) | {"channel_liable": key[2]} for key, amount in sums.items()]


def tax_line(title: str, rate: float, amount: Bag, money: Currencies) -> dict[str, Any]:
    price_set = money.as_set(amount)
    return {
        "price": money.text(amount.shop),
        "rate": rate,
        "title": title,
        "price_set": price_set,
        "channel_liable": False,
    }

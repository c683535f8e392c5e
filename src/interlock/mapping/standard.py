"""The functions that every mapping may call: days, references, texts, amounts and items."""

import datetime as dt
from decimal import Decimal
from typing import Any

from interlock.canonical.money import Money, MoneyPair
from interlock.errors import MappingError
from interlock.mapping.context import Context
from interlock.mapping.items import Line


def origin(context: Context) -> str:
    """The name of the system the document comes from."""
    return context.system


def shop_day(moment: dt.datetime, context: Context) -> dt.date:
    """The shop's calendar day of a moment: what a sale is posted on (C38)."""
    return moment.astimezone(context.timezone).date()


def posting_day(processed_at: dt.datetime | None, created_at: dt.datetime, context: Context) -> dt.date:
    """The shop's day of the sale, else of the record (C38)."""
    return shop_day(processed_at or created_at, context)


def utc(moment: dt.datetime) -> dt.datetime:
    """The same moment in UTC."""
    return moment.astimezone(dt.UTC)


def external_id(system: str, id: str) -> str:  # noqa: A002  # the field's name
    """Our reference at a destination: `shopify-820982911946154508`. Two shops never share one (C47)."""
    return f"{system}-{id}"


def customer_external_id(system: str, id: str) -> str:  # noqa: A002  # the field's name
    """Our reference of a customer: `shopify-customer-115310627314723954`."""
    return external_id(f"{system}-customer", id)


def comma_list(text: str) -> tuple[str, ...]:
    """`"a, b"` as ("a", "b"); empty text as ()."""
    return tuple(filter(None, map(str.strip, text.split(","))))


def as_text(value: Any) -> str | None:
    """Anything as text: what a customer entered may be a number."""
    return None if value is None else str(value)


def joined(texts: tuple[str, ...]) -> str:
    """("a", "b") as `"a, b"`."""
    return ", ".join(texts)


def first_of(*values: str | None) -> str | None:
    """The first value that is there and not empty."""
    return next((value for value in values if value), None)


def full_name(name: str | None, first_name: str | None, last_name: str | None, company: str | None) -> str | None:
    """A person's or company's name out of the parts that are there."""
    return name or " ".join(part for part in (first_name, last_name) if part) or company or None


def titled(title: str, variant_title: str | None) -> str:
    """The text of a line: `Shirt - blue`."""
    return f"{title} - {variant_title}" if variant_title else title


def amount(money: MoneyPair, context: Context) -> Decimal:
    """The amount in the currency that the destination books in (setting `order_currency`: shop or presentment)."""
    chosen = money.presentment if context.settings.get("order_currency") == "presentment" else money.shop
    return chosen.amount


def currency(shop: str, presentment: str, context: Context) -> str:
    """The code that belongs to `amount` (C32)."""
    return presentment if context.settings.get("order_currency") == "presentment" else shop


def shop_amount(money: MoneyPair) -> Decimal:
    return money.shop.amount


def own_amount(money: Money) -> Decimal:
    """An amount that is in one currency only."""
    return money.amount


def minus(money: MoneyPair, context: Context) -> Decimal:
    """The amount with the other sign: a discount as a line."""
    return -amount(money, context)


def item(line: Line, context: Context) -> str:
    """The destination's item for a line. UnmappedReference holds the delivery until it is mapped (C26)."""
    if context.items is None:
        raise MappingError(
            f"{context.system} has no items",
            code="MAP003",
            next_move=f"add [{context.system}] to mappings/items.toml with a rule: sku, variant or listed",
        )
    return context.items.find(line).item


def reference(id: Any) -> dict[str, str] | None:  # noqa: A002  # the field's name
    """`{"id": "7"}`, or nothing for nothing."""
    return None if id is None else {"id": str(id)}


def is_present(value: Any) -> bool:
    """Whether there is something."""
    return value is not None


def is_absent(value: Any) -> bool:
    """Whether a document has nothing there."""
    return value is None

"""Examples in contracts: whether one is a value of its field, and what it looks like in JSON."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from interlock.canonical.field import Field

_AMOUNT = re.compile(r"(-?\d+(?:\.\d+)?) ([A-Z]{3})")

HOW = {
    "string": 'a text, "..."',
    "id": "an id as text, in quotes",
    "decimal": 'a decimal as text, such as "0.19"',
    "money": 'an amount with its currency, "129.00 EUR", or both sides, "129.00 EUR / 1490.00 SEK"',
    "amount": 'an amount with its currency, "129.00 EUR"',
    "quantity": "a whole number",
    "date": 'a date as text, "2026-11-23"',
    "timestamp": 'a moment with its zone as text, "2026-11-23T09:12:03+01:00"',
    "country": 'two capital letters, "DE"',
    "currency": 'three capital letters, "EUR"',
    "enum": "one of its values",
    "boolean": "true or false",
}
"""How the example of each type is written."""


def fits(field: Field) -> bool:
    """Whether the example is a value of the field (of a list: of its elements). No example is no mistake."""
    if field.example is None:
        return True
    return bool(field.scalar) and as_json(field) is not None


def as_json(field: Field) -> Any:
    """The example as it stands in JSON; None when there is none, or when it is not of the field's type."""
    if field.example is None or not field.scalar:
        return None
    value = _READ[field.scalar](field, field.example)
    return [value] if field.type == "list" and value is not None else value


def _text(_: Field, value: Any) -> Any:
    return value if isinstance(value, str) else None


def _decimal(_: Field, value: Any) -> Any:
    try:
        return value if isinstance(value, str) and Decimal(value).is_finite() else None
    except InvalidOperation:
        return None


def _amount(_: Field, value: Any) -> Any:
    found = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    return {"amount": found[1], "currency": found[2]} if found else None


def _money(field: Field, value: Any) -> Any:
    sides = value.split(" / ") if isinstance(value, str) else []
    shop, presentment = (_amount(field, side) for side in (sides[0], sides[-1])) if 0 < len(sides) < 3 else (None, None)
    return {"shop": shop, "presentment": presentment} if shop and presentment else None


def _quantity(_: Field, value: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _date(_: Field, value: Any) -> Any:
    return value if isinstance(value, str) and _parsed(dt.date.fromisoformat, value) else None


def _timestamp(_: Field, value: Any) -> Any:
    moment = _parsed(dt.datetime.fromisoformat, value) if isinstance(value, str) else None
    return value if moment is not None and moment.tzinfo is not None else None


def _parsed(parse: Callable[[str], Any], value: str) -> Any:
    try:
        return parse(value)
    except ValueError:
        return None


def _code(letters: int) -> Callable[[Field, Any], Any]:
    return lambda _, value: value if isinstance(value, str) and re.fullmatch(f"[A-Z]{{{letters}}}", value) else None


_READ: Mapping[str, Callable[[Field, Any], Any]] = {
    "string": _text,
    "id": _text,
    "decimal": _decimal,
    "money": _money,
    "amount": _amount,
    "quantity": _quantity,
    "date": _date,
    "timestamp": _timestamp,
    "country": _code(2),
    "currency": _code(3),
    "enum": lambda field, value: value if value in field.values else None,
    "boolean": lambda _, value: value if isinstance(value, bool) else None,
}

"""Amounts as NetSuite keeps them: two digits at most, whatever the currency (C33).

"The only values supported are 0 and 2" for the precision of a currency: docs.oracle.com section_N1397831. An order of
12.345 KWD is therefore booked as 12.35: each line rounded by itself, and what the lines then lack to the rounded total as a
line of its own. What NetSuite cannot hold, less than half a cent, is told.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

import msgspec

from interlock.connectors.contract import MappingError, with_members

CENT: Final = Decimal("0.01")
FINER: Final = re.compile(rb'"amount":\s*-?\d+\.\d{3}')
ROUNDED: Final = "{exact} is booked as {booked}: NetSuite keeps two digits of every currency"
ENTRY: Final = "; {entry} of it is a line of rounding"


def in_two_digits(body: bytes, difference_item: Any) -> tuple[bytes, tuple[str, ...]]:
    """The document with its lines in two digits, and what is to be told of it; as it is when nothing is finer.

    MappingError MAP003 when the rounded lines do not add up and there is no item for the difference.
    """
    if FINER.search(body) is None:
        return body, ()
    lines = _document(body).item.items
    exact = [_amount(line) for line in lines]
    booked = [rounded(amount) for amount in exact]
    whole = rounded(sum(exact, Decimal(0)))
    entry = whole - sum(booked, Decimal(0))
    shown = [line | {"amount": _number(amount)} for line, amount in zip(lines, booked, strict=True)]
    if entry:
        shown.append(_entry(entry, difference_item))
    told = ROUNDED.format(exact=sum(exact, Decimal(0)), booked=whole) + (ENTRY.format(entry=entry) if entry else "")
    return with_members(body, {"item": {"items": shown}}), (told,)


def rounded(amount: Decimal) -> Decimal:
    """To two digits, half up; fewer digits stay."""
    exponent = amount.as_tuple().exponent
    return amount.quantize(CENT, ROUND_HALF_UP) if isinstance(exponent, int) and exponent < -2 else amount


def _entry(amount: Decimal, item: Any) -> dict[str, Any]:
    if item is None:
        raise MappingError(
            "the system has no setting 'difference_item'",
            code="MAP003",
            why=f"rounded to two digits, the lines lack {amount} to the total",
            next_move="add difference_item under [settings] in the system's file",
        )
    line = {"item": {"id": str(item)}, "description": "Rounding to two digits", "quantity": 1, "price": {"id": "-1"}}
    return line | {"amount": _number(amount)}


def _number(amount: Decimal) -> msgspec.Raw:
    return msgspec.Raw(format(amount, "f").encode())


def _amount(line: dict[str, msgspec.Raw]) -> Decimal:
    return msgspec.json.decode(line["amount"], type=Decimal) if "amount" in line else Decimal(0)


class _Lines(msgspec.Struct):
    items: list[dict[str, msgspec.Raw]] = []


class _Document(msgspec.Struct):
    item: _Lines


_document = msgspec.json.Decoder(_Document).decode

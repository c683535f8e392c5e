"""Parts of an object: what a split makes, so that the parts of an order add up to the order, to the cent.

A part has its own lines, and their goods, discounts, taxes and duties. What belongs to no line (shipping, tips, fees,
rounding) goes to the first part, once.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

import msgspec

PLAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?")
"""A part's name stands in references, which may hold letters, digits and hyphens, and in 50 characters at the shortest."""

NOBODY = "none"
"""The part of what has no value to go by."""

Parts = Mapping[str, Sequence[int]]
"""Places in the list, by part."""


def grouped(values: Iterable[Any]) -> dict[str, list[int]]:
    """The places of equal values, under a name that can stand in a reference; in the order of their first place."""
    found: dict[str, list[int]] = {}
    for place, value in enumerate(values):
        found.setdefault(name_of(value), []).append(place)
    return found


def name_of(value: Any) -> str:
    """`Acme GmbH` -> `acme-gmbh-1f3a`: what is changed to be a name keeps four digits of its own, so that no two meet."""
    text = NOBODY if value is None or value == "" else str(value).lower() if isinstance(value, bool) else str(value)
    if PLAIN.fullmatch(text):
        return text
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:24].strip("-")
    digits = hashlib.sha256(text.encode()).hexdigest()[:4]
    return f"{slug}-{digits}" if slug else digits


def part_of(value: Any, field: str, parts: Parts, part: str) -> Any:
    """The object with the elements of one part only; an order's money is shared out."""
    elements = getattr(value, field)
    mine = tuple(elements[place] for place in parts.get(part, ()) if place < len(elements))
    changed: dict[str, Any] = {field: mine}
    if field == "lines" and hasattr(value, "components"):
        changed |= _money(value, parts, part)
    return msgspec.structs.replace(value, **changed)


def _money(order: Any, parts: Parts, part: str) -> dict[str, Any]:
    first = next(iter(parts), part)
    own = {name: _components(order, [order.lines[place] for place in places]) for name, places in parts.items()}
    if part != first:
        mine = own.get(part) or _components(order, [])
        return {"components": mine, "shipping": (), "original_total": mine.total}
    others = [one for name, one in own.items() if name != first]
    rest = {
        field: reduce(lambda left, one: left - getattr(one, field), others, getattr(order.components, field))
        for field in order.components.__struct_fields__
    }
    original = reduce(lambda left, one: left - one.total, others, order.original_total)
    return {"components": msgspec.structs.replace(order.components, **rest), "original_total": original}


def _components(order: Any, lines: Sequence[Any]) -> Any:
    """The money of lines alone."""
    nothing = order.components.total - order.components.total
    goods, cards = [line for line in lines if not line.gift_card], [line for line in lines if line.gift_card]
    discounts = _sum((line.discount for line in lines), nothing)
    made = dict.fromkeys(order.components.__struct_fields__, nothing) | {
        "items": _sum((line.net for line in goods), nothing) + discounts,
        "discounts": discounts,
        "gift_cards": _sum((line.net for line in cards), nothing),
        "tax": _sum((line.tax for line in lines), nothing),
        "duties": _sum((line.duties for line in lines), nothing),
    }
    made["total"] = made["items"] - made["discounts"] + made["gift_cards"] + made["tax"] + made["duties"]
    return msgspec.structs.replace(order.components, **made)


def _sum(amounts: Iterable[Any], nothing: Any) -> Any:
    return reduce(add, amounts, nothing)

"""The `filter` of a webhook subscription: an expression over the body that holds a webhook back when it is false.

Source: shopify.dev docs/apps/build/webhooks/delivery-filtering: the search syntax, every term with a field, nested fields
by a period (variants.price:>=10.00); of a list one element that agrees is enough. Terms are taken one by one, so two of
them may be met by different elements of a list. How values of different kinds compare is not documented: here numbers as
numbers, also when they are written as text; times as times; all else as text whatever its case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from interlock.twins.shopify.admin.search import MATCHERS, Searched, Term, instant, search

Passes = Callable[[Mapping[str, Any]], bool]


@lru_cache(maxsize=256)
def parsed(text: str) -> Passes:
    """Whether a body passes a filter. An empty filter lets everything pass."""
    return search(text, Members()).wanted


class Members(Mapping[str, Searched]):
    """Every path into a body as a field that can be searched by."""

    def __getitem__(self, path: str) -> Searched:
        return Searched(lambda body: list(values(body, path.split("."))), "member")

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def values(body: Any, path: list[str]) -> Iterator[Any]:
    """What lies at a path: of a list, what lies there in any of its elements."""
    if isinstance(body, list):
        for one in body:
            yield from values(one, path)
    elif not path:
        yield body
    elif isinstance(body, Mapping) and path[0] in body:
        yield from values(body[path[0]], path[1:])


def _member(term: Term) -> Callable[[Any], bool]:
    """Compares with whatever kind of value the body has there."""
    return lambda value: value is not None and MATCHERS[_kind(value, term)](term)(value)


def _kind(value: Any, term: Term) -> str:
    if isinstance(value, bool):
        return "flag"
    if _is_number(value) and _is_number(term.value):
        return "number"
    return "time" if _is_time(value) and _is_time(term.value) else "text"


def _is_number(value: Any) -> bool:
    try:
        return Decimal(str(value)).is_finite()
    except InvalidOperation:
        return False


def _is_time(value: Any) -> bool:
    try:
        return isinstance(instant(value), datetime)
    except ValueError:
        return False


MATCHERS["member"] = _member

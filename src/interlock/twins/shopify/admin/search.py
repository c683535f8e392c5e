"""Shopify's search syntax, as far as it is served: `updated_at:>='2026-07-01T00:00:00Z' AND (tag:a OR -tag:b)`.

Source: shopify.dev docs/api/usage/search-syntax: terms `name:value`, comparators :> :>= :< :<=, quotes, AND (also by
juxtaposition), OR, NOT or a leading minus, parentheses, a trailing * for a prefix, * alone for "has a value". A name that
the resource does not search by is ignored with a warning in extensions.search, as Shopify does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from interlock.twins.shopify.admin.context import AdminError, ShopContext

Wanted = Callable[[Any], bool]

TOKEN = re.compile(
    r"""\s*(?:
      (?P<paren>[()])
    | (?P<minus>-)(?=[\w("'])
    | (?P<word>AND|OR|NOT)(?=[\s()]|$)
    | (?:(?P<name>[A-Za-z_][\w.]*):)?(?P<comparator>>=|<=|>|<|=)?
      (?: '(?P<single>(?:[^'\\]|\\.)*)' | "(?P<double>(?:[^"\\]|\\.)*)" | (?P<bare>[^\s()]+) )
    )""",
    re.VERBOSE,
)


class Searched(NamedTuple):
    """A field that can be searched by: how an item gives its value (or several), and what kind of value that is."""

    of: Callable[[Any], Any]
    kind: str = "text"
    """text (any case, * at the end is a prefix), time, number, id (a gid or its number), or flag (true, false)."""


@dataclass(slots=True)
class Query:
    """A parsed query: whether an item is wanted, what bounds a field has for sure, and warnings."""

    wanted: Wanted
    bounds: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    """Field -> (least, most), both inclusive and None when open, of terms that every item must meet: for use of an index."""
    warnings: list[dict[str, str]] = field(default_factory=list)


class Term(NamedTuple):
    name: str
    comparator: str
    value: str


def search(
    text: str | None,
    fields: Mapping[str, Searched],
    *,
    default: tuple[str, ...] = (),
    shop: ShopContext | None = None,
    path: str = "",
) -> Query:
    """Parse a query over `fields`; a word without a name is sought in `default`. Warnings go to the answer of `shop`.

    Raises AdminError for a value that its field cannot have.
    """
    if not text or not text.strip():
        return Query(lambda _: True)
    parser = _Parser(text, fields, default)
    query = Query(parser.parsed(), parser.bounds, parser.warnings)
    if shop is not None and query.warnings:
        found = {"path": [path], "query": text, "parsed": {}, "warnings": query.warnings}
        shop.extensions.setdefault("search", []).append(found)
    return query


class _Parser:
    """Recursive descent: or-groups of and-groups of terms."""

    def __init__(self, text: str, fields: Mapping[str, Searched], default: tuple[str, ...]) -> None:
        self._fields, self._default = fields, default
        self._tokens = list(TOKEN.finditer(text.strip()))
        self._at = 0
        self._depth = 0  # below 1 a term holds for every item that is found
        self.bounds: dict[str, tuple[Any, Any]] = {}
        self.warnings: list[dict[str, str]] = []
        self._has_or = any(match["word"] == "OR" for match in self._tokens)

    def parsed(self) -> Wanted:
        return self._any()

    def _peek(self, group: str) -> str | None:
        return self._tokens[self._at][group] if self._at < len(self._tokens) else None

    def _any(self) -> Wanted:
        options = [self._all()]
        while self._peek("word") == "OR":
            self._at += 1
            options.append(self._all())
        return options[0] if len(options) == 1 else lambda item: any(one(item) for one in options)

    def _all(self) -> Wanted:
        needed: list[Wanted] = []
        while self._at < len(self._tokens) and self._peek("word") != "OR" and self._peek("paren") != ")":
            if self._peek("word") == "AND":
                self._at += 1
                continue
            needed.append(self._one())
        return needed[0] if len(needed) == 1 else lambda item: all(one(item) for one in needed)

    def _one(self) -> Wanted:
        token = self._tokens[self._at]
        self._at += 1
        if token["minus"] or token["word"] == "NOT":
            self._depth += 1
            inner = self._one()
            self._depth -= 1
            return lambda item: not inner(item)
        if token["paren"] == "(":
            inner = self._any()
            self._at += 1
            return inner
        value = token["single"] if token["single"] is not None else token["double"]
        value = re.sub(r"\\(.)", r"\1", value) if value is not None else token["bare"] or ""
        return self._term(Term(token["name"] or "", token["comparator"] or "", value))

    def _term(self, term: Term) -> Wanted:
        if not term.name:
            wanted = [_test(self._fields[name], term) for name in self._default]
            return lambda item: any(one(item) for one in wanted)
        searched = self._fields.get(term.name)
        if searched is None:
            self.warnings.append({"field": term.name, "message": "Invalid search field for this query."})
            return lambda _: True
        test = _test(searched, term)
        if not self._has_or and self._depth == 0:
            self._bound(searched, term)
        return test

    def _bound(self, searched: Searched, term: Term) -> None:
        if searched.kind not in READERS or term.value == "*":
            return
        value, (least, most) = READERS[searched.kind](term), self.bounds.get(term.name, (None, None))
        if term.comparator in {">", ">="}:
            least = value if least is None else max(least, value)
        if term.comparator in {"<", "<="}:
            most = value if most is None else min(most, value)
        self.bounds[term.name] = (least, most)


def _test(searched: Searched, term: Term) -> Wanted:
    """Whether one of an item's values meets a term."""
    matches = _presence if term.value == "*" else MATCHERS[searched.kind](term)

    def wanted(item: Any) -> bool:
        values = searched.of(item)
        return any(matches(one) for one in (values if isinstance(values, (list, tuple, set)) else (values,)))

    return wanted


def _presence(value: Any) -> bool:
    return value not in (None, "", [])


def _text(term: Term) -> Callable[[Any], bool]:
    sought = term.value.casefold()
    if sought.endswith("*"):
        return lambda value: value is not None and str(value).casefold().startswith(sought[:-1])
    return lambda value: value is not None and str(value).casefold() == sought


def _flag(term: Term) -> Callable[[Any], bool]:
    return lambda value: str(bool(value)).lower() == term.value.lower()


def _ordered(term: Term, value: Any, read: Callable[[Any], Any]) -> Callable[[Any], bool]:
    compare = COMPARATORS[term.comparator]
    return lambda found: found is not None and compare(read(found), value)


def instant(text: Any) -> datetime:
    """A time of a query or of the books, in UTC; a date alone begins at midnight UTC. Raises ValueError."""
    found = text if isinstance(text, datetime) else datetime.fromisoformat(str(text))
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _time_of(term: Term) -> datetime:
    try:
        return instant(term.value)
    except ValueError:
        raise AdminError(f"Invalid timestamp for query filter `{term.name}`.", "BAD_REQUEST") from None


def _number_of(term: Term) -> Decimal:
    try:
        return Decimal(term.value)
    except ArithmeticError:
        raise AdminError(f"Invalid value for query filter `{term.name}`.", "BAD_REQUEST") from None


def _id_of(term: Term) -> Decimal:
    return _number_of(term._replace(value=term.value.rpartition("/")[2]))


def _as_number(value: Any) -> Decimal:
    return Decimal(str(value).rpartition("/")[2])


READERS: dict[str, Callable[[Term], Any]] = {"time": _time_of, "number": _number_of, "id": _id_of}
MATCHERS: dict[str, Callable[[Term], Callable[[Any], bool]]] = {
    "text": _text,
    "flag": _flag,
    "time": lambda term: _ordered(term, _time_of(term), instant),
    "number": lambda term: _ordered(term, _number_of(term), lambda value: Decimal(str(value))),
    "id": lambda term: _ordered(term, _id_of(term), _as_number),
}
COMPARATORS: dict[str, Callable[[Any, Any], bool]] = {
    "": lambda left, right: bool(left == right),
    "=": lambda left, right: bool(left == right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
}

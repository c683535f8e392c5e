"""Turns lists into connections: edges, nodes, pageInfo and opaque cursors, at most 250 of them, and never past 25,000.

Facts: `first` or `last` must be given and be at most 250 (docs/api/usage/limits; F24), the cap of 25,000 objects for
all paginated fields. The texts of the errors are those of the platform's recorded answers where there is one.
"""

from __future__ import annotations

import base64
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from interlock.twins.shopify.admin.context import AdminError

MOST_A_PAGE = 250
MOST_OBJECTS = 25_000
Key = Callable[[Any], Any]
Wanted = Callable[[Any], bool]


class Position(NamedTuple):
    """Where a cursor points: how many wanted items lie before and with it, and the key of its item."""

    passed: int
    key: Any


def connection(
    items: Sequence[Any],
    arguments: Mapping[str, Any],
    *,
    key: Key | None = None,
    wanted: Wanted | None = None,
    show: Callable[[Any], Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """One page of `items` as the connection that `first`, `last`, `after`, `before` and `reverse` ask for.

    `items` must be in ascending order of `key`, whose values are JSON (text, numbers, lists of them) and differ, such as
    (updated_at, id); with it a page costs its own length, however long the list is, and a cursor goes on at the right
    place when items came or went. Without a key the place in the list is the key. `wanted` filters, `show` makes the
    node of an item (default: the item itself).
    """
    size = page_size(arguments)
    backwards = arguments.get("first") is None
    cursor = arguments.get("before") if backwards else arguments.get("after")
    reverse = bool(arguments.get("reverse")) is not backwards  # the last ones are the first ones from the other end
    start = _position(cursor)
    found: list[tuple[int, Any]] = []
    more = False
    for place in _places(items, key, start, reverse):
        if wanted is not None and not wanted(items[place]):
            continue
        if len(found) == size:
            more = True
            break
        found.append((place, items[place]))
    passed = (start.passed if start else 0) + len(found)
    if passed > MOST_OBJECTS:
        raise AdminError(f"Cannot paginate past the {MOST_OBJECTS}th object. Narrow the query.", "BAD_REQUEST")
    first_passed = (start.passed if start else 0) + 1
    edges = [
        {
            "cursor": _cursor(first_passed + number, place if key is None else key(item)),
            "node": item if show is None else show(item),
        }
        for number, (place, item) in enumerate(found)
    ]
    if backwards:
        edges.reverse()
    return _written(edges, more=more, began=cursor is not None, backwards=backwards)


def page_size(arguments: Mapping[str, Any]) -> int:
    """`first` or `last`. Raises AdminError when neither or both are given, or more than 250."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is None and last is None:
        raise AdminError("you must provide one of first or last", "BAD_REQUEST")
    if first is not None and last is not None:
        raise AdminError("providing both first and last is not supported", "BAD_REQUEST")
    size = int(last if first is None else first)  # type: ignore[arg-type]
    if not 0 < size <= MOST_A_PAGE:
        name = "last" if first is None else "first"
        raise AdminError(f"{name} must be between 1 and {MOST_A_PAGE}, it is {size}", "BAD_REQUEST")
    return size


def count(number: int, limit: int | None = 10_000) -> dict[str, Any]:
    """A Count: exact up to `limit` (default 10,000; null: no limit)."""
    exact = limit is None or number <= limit
    return {"count": number if exact else limit, "precision": "EXACT" if exact else "AT_LEAST"}


def _places(items: Sequence[Any], key: Key | None, start: Position | None, reverse: bool) -> Iterator[int]:
    """The places of the items behind the cursor, in the order asked for."""
    if start is None:
        low, high = 0, len(items)
    else:
        at = start.key
        if key is None:
            low, high = at + 1, at
        else:
            low, high = bisect_right(items, at, key=_json_key(key)), bisect_left(items, at, key=_json_key(key))
        low, high = (0, high) if reverse else (low, len(items))
    yield from range(high - 1, low - 1, -1) if reverse else range(low, high)


def _json_key(key: Key) -> Key:
    """The key as it comes back out of a cursor: JSON knows no tuples."""

    def as_json(item: Any) -> Any:
        value = key(item)
        return list(value) if isinstance(value, tuple) else value

    return as_json


def _cursor(passed: int, key: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps([passed, key]).encode()).decode().rstrip("=")


def uncounted(cursor: str) -> str:
    """The same place with nothing passed before it: a bulk operation reads on where pages end at 25,000."""
    place = _position(cursor)
    assert place is not None
    return _cursor(0, place.key)


def _position(cursor: str | None) -> Position | None:
    if cursor is None:
        return None
    try:
        passed, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return Position(int(passed), key)
    except (ValueError, TypeError) as error:
        raise AdminError(f"Invalid cursor for current pagination sort: {cursor}", "BAD_REQUEST") from error


def _written(edges: list[dict[str, Any]], *, more: bool, began: bool, backwards: bool) -> dict[str, Any]:
    return {
        "edges": edges,
        "nodes": [edge["node"] for edge in edges],
        "pageInfo": {
            "hasNextPage": began if backwards else more,
            "hasPreviousPage": more if backwards else began,
            "startCursor": edges[0]["cursor"] if edges else None,
            "endCursor": edges[-1]["cursor"] if edges else None,
        },
    }

"""Sorted keys of the shop's objects, so that a page of a long list is found without walking the list."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from math import inf

Key = tuple[float, int]
"""(what is sorted by, the object's id): ids break ties, as Shopify's cursors do."""
ABOVE_EVERY_ID = 2**80
IDS_PER_ORDER = 32_768


class SortedIds:
    """The ids of one kind of object in the order of one field."""

    def __init__(self) -> None:
        self._keys: list[Key] = []
        self._of: dict[int, Key] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, number: object) -> bool:
        return number in self._of

    def put(self, number: int, value: float) -> None:
        """Add an object, or move it to where its new value belongs."""
        if number in self._of:
            if self._of[number][0] == value:
                return
            self.drop(number)
        key = self._of[number] = (value, number)
        if not self._keys or key > self._keys[-1]:
            self._keys.append(key)
        else:
            insort(self._keys, key)

    def drop(self, number: int) -> None:
        key = self._of.pop(number, None)
        if key is not None:
            del self._keys[bisect_left(self._keys, key)]

    def between(self, low: float = -inf, high: float = inf) -> list[Key]:
        """The keys whose value lies between two, rising."""
        if (low, high) == (-inf, inf):
            return self._keys
        return self._keys[bisect_left(self._keys, (low, 0)) : bisect_right(self._keys, (high, ABOVE_EVERY_ID))]


class IdsInRanges:
    """Order ids in rising order; the ids of an order's parts lie in the range that begins with the order's."""

    def __init__(self) -> None:
        self._ids: list[int] = []

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def put(self, number: int) -> None:
        if not self._ids or number > self._ids[-1]:
            self._ids.append(number)
        elif self._ids[bisect_left(self._ids, number)] != number:
            insort(self._ids, number)

    def drop(self, number: int) -> None:
        at = bisect_left(self._ids, number)
        if self._ids[at : at + 1] == [number]:
            del self._ids[at]

    def owner(self, part: int) -> int | None:
        """The order in whose range an id lies."""
        at = bisect_right(self._ids, part)
        if not at or part - self._ids[at - 1] >= IDS_PER_ORDER:
            return None
        return self._ids[at - 1]


@lru_cache(maxsize=4096)
def seconds(text: str) -> float:
    """A timestamp of REST as seconds since 1970; many objects share one, so they are remembered."""
    return datetime.fromisoformat(text).timestamp()

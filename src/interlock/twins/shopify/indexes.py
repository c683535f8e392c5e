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

    def walk(
        self, after: Key | None = None, *, falling: bool = False, low: float = -inf, high: float = inf
    ) -> Iterator[Key]:
        """Keys whose value lies between `low` and `high`, rising or falling, those behind `after` only."""
        keys = self._keys
        begin, end = bisect_left(keys, (low, 0)), bisect_right(keys, (high, ABOVE_EVERY_ID))
        if falling:
            end = end if after is None else min(end, bisect_left(keys, after))
            return (keys[place] for place in range(end - 1, begin - 1, -1))
        begin = begin if after is None else max(begin, bisect_right(keys, after))
        return (keys[place] for place in range(begin, end))


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

    def walk(self, after: int | None = None, *, falling: bool = False) -> Iterator[int]:
        """Ids behind `after`, rising or falling."""
        if falling:
            end = len(self._ids) if after is None else bisect_left(self._ids, after)
            return (self._ids[place] for place in range(end - 1, -1, -1))
        begin = 0 if after is None else bisect_right(self._ids, after)
        return (self._ids[place] for place in range(begin, len(self._ids)))


@lru_cache(maxsize=4096)
def seconds(text: str) -> float:
    """A timestamp of REST as seconds since 1970; many objects share one, so they are remembered."""
    return datetime.fromisoformat(text).timestamp()

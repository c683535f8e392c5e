"""Tells a listing that shows our write late from one that somebody else has changed.

Amazon accepts a patch and shows it later, and does not say how much: some minutes (amzn/selling-partner-api-docs issue 2167).
`fulfillmentAvailability` is what can be bought; it may stand behind what was submitted (amzn/selling-partner-api-models issue
5327). So every write is read back at once. A listing that still shows the old number then is late: from then on its old numbers
mean ours, until it shows something else. Without that evidence an old number is what it says: pieces that were sold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from interlock.connectors.contract import stock

LATE_SECONDS_MAX: Final = 900.0
"""An old number that still stands after so long is no lag any more."""
PLACES_KEPT: Final = 100_000


class _Late(NamedTuple):
    quantity: int
    older: frozenset[int]
    until: float


class Lag:
    """Places that were seen to be late, in memory: after a restart what is late counts as changed by others, and is written
    anew. `now` is a monotonic clock, in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._late: dict[stock.Place, _Late] = {}

    def wrote(self, place: stock.Place, quantity: int, *, before: int, back: int) -> None:
        """A write was accepted where `before` was shown, and read `back` as this."""
        known = self._late.pop(place, None)
        older = {before} | (known.older | {known.quantity} if known else frozenset())
        if back == quantity or back not in older:
            return
        self._late[place] = _Late(quantity, frozenset(older - {quantity}), self._now() + LATE_SECONDS_MAX)
        while len(self._late) > PLACES_KEPT:
            self._late.pop(next(iter(self._late)))

    def meant(self, seen: stock.Seen) -> stock.Seen:
        """What the place shows, or will show when our own write is seen."""
        late = self._late.get(seen.place)
        if late is None:
            return seen
        if seen.quantity in late.older and self._now() < late.until:
            return stock.Seen(place=seen.place, quantity=late.quantity, stocked=seen.stocked)
        del self._late[seen.place]
        return seen

    def all_meant(self, seen: Iterable[stock.Seen]) -> tuple[stock.Seen, ...]:
        """The same of some places."""
        return tuple(self.meant(one) for one in seen)

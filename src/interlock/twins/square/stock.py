"""What is in stock: the history of counts and adjustments at each place, in the order in which they happened.

"Square tracks inventory by adding up all adjustments since the last physical count", by the client's time and not by
that of arrival: a sale of an offline till that arrives after a count but happened before it changes nothing
(developer.squareup.com/docs/inventory-api/how-it-works). Changes of one moment stand in the order of their arrival.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from interlock.twins.world import Record, World

IN_STOCK, WASTE = "IN_STOCK", "WASTE"
TRACKED = (IN_STOCK, WASTE)
"""States that are counted; the others are where goods come from or go to."""
Place = tuple[str, str]
"""(item variation, location)."""


class Happened(NamedTuple):
    """One entry of a place's history, ordered by when it happened, then by when it arrived."""

    occurred_us: int
    arrival: int
    state: str
    quantity: Decimal
    sets: bool


class Count(NamedTuple):
    """What a place has of one state, and when the change came in that made it so."""

    item: str
    location: str
    state: str
    quantity: Decimal
    calculated_us: int
    order: int
    """Counts are numbered as they are made: a cursor needs what no two of them share."""


class Stock:
    """The counts of one seller, made anew from the changes in the journal."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._history: dict[Place, list[Happened]] = {}
        self._counts: dict[tuple[str, str, str], Count] = {}  # the one that changed last stands last
        self._listed: list[Count] | None = None
        self._arrivals = self._made = 0
        self.enter(row for _, row in world.rows("change"))

    def last_us(self) -> int:
        """When the newest count was made."""
        return max((count.calculated_us for count in self._counts.values()), default=0)

    def quantity(self, item: str, location: str, state: str = IN_STOCK) -> Decimal:
        """What there is, 0 when nothing was ever counted."""
        count = self._counts.get((item, location, state))
        return count.quantity if count else Decimal(0)

    def last_set(self, item: str, location: str, state: str) -> Decimal | None:
        """The quantity of the last physical count, None when there was none."""
        history = self._history.get((item, location), ())
        return next((one.quantity for one in reversed(history) if one.sets and one.state == state), None)

    def counts_of(self, places: Mapping[Place, Any]) -> list[Count]:
        """The counts of some places."""
        found = (self._counts.get((*place, state)) for place in places for state in TRACKED)
        return [count for count in found if count is not None]

    def newest_first(self, before: int | None) -> Iterator[Count]:
        """All counts, the one that changed last first; only those of a smaller `order` than `before`."""
        if self._listed is None:
            self._listed = list(self._counts.values())
        end = len(self._listed)
        if before is not None:
            end = bisect_left(self._listed, before, key=lambda count: count.order)
        listed = self._listed
        return (listed[n] for n in range(end - 1, -1, -1))

    def enter(self, rows: Iterable[Record]) -> None:
        """Changes that are written down count from now on."""
        for row in rows:
            self._enter(row)
            self._recount((row["item"], row["location"]), int(row["created_us"]))

    def _enter(self, row: Record) -> None:
        """An adjustment is what left one state and what came to another."""
        history = self._history.setdefault((row["item"], row["location"]), [])
        quantity, at = Decimal(row["quantity"]), int(row["occurred_us"])
        moves = (
            [(row["state"], quantity, True)]
            if row["type"] == "PHYSICAL_COUNT"
            else [(row["from_state"], -quantity, False), (row["to_state"], quantity, False)]
        )
        for state, moved, sets in moves:
            if state in TRACKED:
                self._arrivals += 1
                insort(history, Happened(at, self._arrivals, state, moved, sets))

    def _recount(self, place: Place, created_us: int) -> None:
        """A count keeps its moment when nothing about it changed."""
        totals: dict[str, Decimal] = {}
        for one in self._history.get(place, ()):
            totals[one.state] = one.quantity if one.sets else totals.get(one.state, Decimal(0)) + one.quantity
        for state, quantity in sorted(totals.items()):
            key = (*place, state)
            known = self._counts.get(key)
            if known is None or known.quantity != quantity:
                self._counts.pop(key, None)
                self._made += 1
                self._counts[key] = Count(*place, state, quantity, created_us, self._made)
                self._listed = None

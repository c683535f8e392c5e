"""Tells whether what a feed has set is seen yet: its report says accepted, and the listings show it some minutes later.

A listing that still shows the number of before is not to be taken for one whose pieces were sold. Of a patch each listing is
read back (lag.py); of a feed of thousands only those whose numbers it moves furthest, in one search: what sells meanwhile moves
a number a little, the feed moves these a lot.
Facts: as in lag.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import nlargest
from typing import Final

from interlock.connectors.amazon.listings import PER_SEARCH, Listings
from interlock.connectors.contract import Done, Outcome, stock

TELLING: Final = PER_SEARCH
"""So many listings are looked at: as many as one search gives."""


async def is_seen(
    listings: Listings, lines: Sequence[stock.Line], outcomes: Iterable[Outcome], *, ends: float
) -> bool:  # fmt: skip
    """Whether the listings of these lines show what was accepted of them. What cannot be read is not seen."""
    telling = _telling(line for line, outcome in zip(lines, outcomes, strict=True) if isinstance(outcome, Done))
    if not telling:
        return True
    found = await listings.some([line.place.item for line in telling], ends=ends)
    if not isinstance(found, dict):
        return False
    shown = {one.place: one.quantity for listing in found.values() for one in listing.seen()}
    return not any(line.place in shown and _is_of_before(line, shown[line.place]) for line in telling)


def _telling(lines: Iterable[stock.Line]) -> list[stock.Line]:
    moved = (line for line in lines if line.change_from not in (None, line.quantity))
    return nlargest(TELLING, moved, key=_moved_by)


def _moved_by(line: stock.Line) -> int:
    return abs(line.quantity - (line.change_from or 0))


def _is_of_before(line: stock.Line, shown: int) -> bool:
    """Nearer to what it showed before than to what it shall show."""
    return abs(shown - (line.change_from or 0)) < abs(shown - line.quantity)

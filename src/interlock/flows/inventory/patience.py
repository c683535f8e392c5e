"""How long a place rests after its compare has failed: not at all at first, then longer each time in a row.

A compare fails because a buyer or a person was quicker; the next read and write succeed then, at once. One that goes on
failing means that the channel reads one number and compares another, or that somebody else writes there without end: that
must not cost it all the calls that it allows.
"""

from typing import Final

import msgspec

from interlock.messaging.outcome import Outcome, Retry
from interlock.messaging.stock import STALE, Place

AT_ONCE: Final = 3
"""So often in a row a stale place is tried again without a rest."""
FIRST_REST_SECONDS: Final = 0.5
LONGEST_REST_SECONDS: Final = 60.0
PLACES_KEPT: Final = 10_000


class Patience:
    """Counts of one channel, in memory: a restart begins with good hope again."""

    def __init__(self) -> None:
        self._stale: dict[Place, int] = {}

    def with_rest(self, place: Place, outcome: Outcome) -> Outcome:
        """The outcome of a write to the place; a stale one says how long to rest."""
        if not (isinstance(outcome, Retry) and outcome.code == STALE):
            self._stale.pop(place, None)
            return outcome
        times = self._stale.pop(place, 0) + 1
        self._stale[place] = times
        while len(self._stale) > PLACES_KEPT:
            self._stale.pop(next(iter(self._stale)))
        return msgspec.structs.replace(outcome, retry_after_seconds=rest_seconds(times))


def rest_seconds(times: int) -> float:
    """After so many failures in a row."""
    if times <= AT_ONCE:
        return 0.0
    return float(min(FIRST_REST_SECONDS * 2.0 ** (times - AT_ONCE - 1), LONGEST_REST_SECONDS))

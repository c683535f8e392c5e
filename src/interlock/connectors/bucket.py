"""The arithmetic of one leaky bucket of points, as a vendor keeps it and as we keep it beside: pure, the time an argument.

What is kept never says more than the vendor has: points are taken before a call is sent and come back when its answer
is here, so they are never seen free while the vendor may still count them. Every answer's own level corrects it.
"""

from __future__ import annotations

import enum
from typing import Final

import msgspec

SHARE_KEPT_FOR_LIVE: Final = 0.5
"""Of the bucket: backfill takes points only while this much stays free, so that a burst of live calls passes at once.
The bucket still refills at its full rate below it: backfill loses no throughput by it."""
MARGIN_POINTS: Final = 1.0
"""Kept free of rounding: a vendor may count in whole points."""
HOLD_SECONDS: Final = 120.0
"""A call whose process died never gives back: then its points count as used."""
PROBE_SECONDS: Final = 30.0
"""So long does the very first call keep the others waiting: by then it has its answer, or its process died."""
TURN_SECONDS: Final = 1.0
"""A caller that waits comes back within this time after it is due, else its turn is over: its process died."""
TURNS_MAX: Final = 500
SPARE_HALVES_SECONDS: Final = 30.0
SPARE_SHARE_MAX: Final = 0.25
"""As many points as others of the same app were lately seen to take unannounced stay free, at most this share."""
LOOK_SECONDS: Final = 0.01
"""How soon to look again when there are points but others are served first."""
ENOUGH: Final = 1e-6
"""Points come by fractions: who lacks a rounding error lacks nothing."""


class Lane(enum.Enum):
    """Who is served first: what a customer waits for, before what is fetched in the background."""

    LIVE = 0
    BACKFILL = 1


class Level(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an answer said of the vendor's own bucket, in points and points per second."""

    maximum: float
    available: float
    restore_rate: float


class Hold(msgspec.Struct, kw_only=True, gc=False):
    """A call in flight, and the points that it may cost. `used_before`: what had been used in all when it began."""

    id: str
    points: float
    until: float
    used_before: float


class Turn(msgspec.Struct, kw_only=True, gc=False):
    """A caller that waits in line."""

    caller: str
    lane: Lane
    points: float
    until: float


class Bucket(msgspec.Struct, kw_only=True):
    """Our side of one app's bucket at one store. The defaults are those of a Standard store: 100 points a second (F22),
    20 seconds of them at most (F91); the first answer corrects them, then they are `known`. `at` is in
    seconds of a clock that all share."""

    maximum: float = 2000.0
    restore_rate: float = 100.0
    available: float = 2000.0
    at: float = 0.0
    used: float = 0.0
    spare: float = 0.0
    known: bool = False
    in_flight: list[Hold] = []
    line: list[Turn] = []

    # -- what a caller asks

    def take(self, now: float, caller: str, points: float, lane: Lane) -> Hold | float:
        """Points for one call, or the seconds after which to ask again; who asks again keeps its place in line."""
        self._refill(now)
        ahead = self._ahead(caller, lane)
        missing = sum(turn.points for turn in ahead) + self._needed(points, lane) - self.available
        probed = self.known or not self._probing(now)
        if missing <= ENOUGH and not ahead and probed:
            self.leave(caller)
            hold = Hold(id=caller, points=points, until=now + HOLD_SECONDS, used_before=self.used)
            self.in_flight.append(hold)
            self.available -= points
            return hold
        wait = max(missing / self.restore_rate, ENOUGH if probed and not ahead else LOOK_SECONDS)
        self._stand(caller, lane, points, now + wait + TURN_SECONDS)
        return wait

    def leave(self, caller: str) -> None:
        """Give up a place in line."""
        self.line = [turn for turn in self.line if turn.caller != caller]

    def give_back(self, now: float, hold_id: str, used: float | None, level: Level | None) -> None:
        """The call is over. `used`: what it cost; None when no answer says so, then all that was held."""
        self._refill(now)
        hold = next((one for one in self.in_flight if one.id == hold_id), None)
        used_meanwhile = 0.0
        if hold is not None:
            self.in_flight.remove(hold)
            cost = hold.points if used is None else used
            used_meanwhile = self.used - hold.used_before
            self.available += hold.points - cost
            self.used += cost
        if level is not None:
            self._correct(level, used_meanwhile)
        self._bound()

    # -- the arithmetic

    def _probing(self, now: float) -> bool:
        """Until an answer has told the limits, one call goes ahead of all others."""
        return any(now < hold.until - HOLD_SECONDS + PROBE_SECONDS for hold in self.in_flight)

    def _needed(self, points: float, lane: Lane) -> float:
        kept = self.maximum * SHARE_KEPT_FOR_LIVE if lane is Lane.BACKFILL else max(MARGIN_POINTS, self.spare)
        return min(points + kept, self.maximum)

    def _ahead(self, caller: str, lane: Lane) -> list[Turn]:
        """Who is served before this caller: the live, and those of its own lane that came earlier."""
        found: list[Turn] = []
        earlier = True
        for turn in self.line:
            if turn.caller == caller:
                earlier = False
            elif turn.lane.value < lane.value or (earlier and turn.lane is lane):
                found.append(turn)
        return found

    def _stand(self, caller: str, lane: Lane, points: float, until: float) -> None:
        for turn in self.line:
            if turn.caller == caller:
                turn.until = until
                return
        if len(self.line) < TURNS_MAX:
            self.line.append(Turn(caller=caller, lane=lane, points=points, until=until))

    def _refill(self, now: float) -> None:
        """Bring it to now. A clock that ran backwards was started anew, with the machine: nothing is in flight."""
        if now < self.at:
            self.in_flight, self.line = [], []
        passed = max(0.0, now - self.at)
        self.available += passed * self.restore_rate
        self.spare *= 0.5 ** (passed / SPARE_HALVES_SECONDS)
        self.at = now
        if self.in_flight and any(hold.until <= now for hold in self.in_flight):
            self.used += sum(hold.points for hold in self.in_flight if hold.until <= now)
            self.in_flight = [hold for hold in self.in_flight if hold.until > now]
        if self.line:
            self.line = [turn for turn in self.line if turn.until > now]
        self._bound()

    def _correct(self, level: Level, used_meanwhile: float) -> None:
        """The vendor's level lies between what it said and that less all that it may not have counted yet."""
        self.maximum, self.restore_rate = level.maximum, level.restore_rate
        if self.known:
            taken_by_others = min(self.available - level.available, level.maximum * SPARE_SHARE_MAX)
            self.spare = max(self.spare, taken_by_others)
        self.known = True
        uncounted = sum(hold.points for hold in self.in_flight) + used_meanwhile
        self.available = min(max(self.available, level.available - uncounted), level.available)

    def _bound(self) -> None:
        """A full bucket gains nothing: neither does the vendor's, which may not have counted what is in flight."""
        self.available = min(self.available, self.maximum - sum(hold.points for hold in self.in_flight))

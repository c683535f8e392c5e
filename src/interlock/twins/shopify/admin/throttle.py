"""The leaky bucket of points for one app and store: what is requested is taken first, what was not needed comes back.

Facts: F22 (points restored a second, by plan), F91 (the bucket holds 20 seconds of them); a document that finds too little
is answered THROTTLED in a 200 with the same extensions.cost. The record of its use is kept for GET /_twin/throttle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

POINTS_A_SECOND = {"standard": 100, "advanced": 200, "plus": 1000, "enterprise": 2000}
SECONDS_OF_REFILL = 20
SECONDS_KEPT = 3600
DOCUMENTATION = "https://shopify.dev/api/usage/rate-limits"


class Throttle:
    """`monotonic` gives seconds in the twin's time: scaled, when its time is."""

    def __init__(self, per_second: float, monotonic: Callable[[], float], size: float | None = None) -> None:
        self.per_second, self._monotonic = per_second, monotonic
        self.size = per_second * SECONDS_OF_REFILL if size is None else size
        self._level, self._began = float(self.size), monotonic()
        self._at = self._began
        self.granted, self.given_back, self.throttled, self.documents = 0, 0, 0, 0
        self._lowest = self._level
        self._seconds: deque[list[int]] = deque(maxlen=SECONDS_KEPT)
        """[second since the start, points taken and not given back in it]"""

    def take(self, points: int) -> bool:
        """Take the points that a document requests; False when there are too few, and then nothing is taken."""
        self._refill()
        if points > self._level:
            self.throttled += 1
            return False
        self._level -= points
        self._lowest = min(self._lowest, self._level)
        self.granted += points
        self.documents += 1
        self._note(points)
        return True

    def give_back(self, points: int) -> None:
        """Return what a document requested and did not need; a dearer one than was requested pays nothing more."""
        points = max(0, points)
        self._level = min(float(self.size), self._level + points)
        self.given_back += points
        self._note(-points)

    def status(self) -> dict[str, Any]:
        """extensions.cost.throttleStatus."""
        self._refill()
        return {
            "maximumAvailable": float(self.size),
            "currentlyAvailable": int(self._level),
            "restoreRate": float(self.per_second),
        }

    def record(self) -> dict[str, Any]:
        """How the bucket was used since the start or the last reset."""
        return {
            **self.status(),
            "documents": self.documents,
            "throttled": self.throttled,
            "granted_points": self.granted,
            "given_back_points": self.given_back,
            "used_points": self.granted - self.given_back,
            "lowest_level": int(self._lowest),
            "elapsed_seconds": round(self._monotonic() - self._began, 3),
            "points_by_second": [{"second": second, "points": points} for second, points in self._seconds],
        }

    def reset(self) -> None:
        """Begin the record anew; the level stays."""
        self._refill()
        self.granted = self.given_back = self.throttled = self.documents = 0
        self._lowest, self._began = self._level, self._monotonic()
        self._seconds.clear()

    def _refill(self) -> None:
        now = self._monotonic()
        self._level = min(float(self.size), self._level + (now - self._at) * self.per_second)
        self._at = now

    def _note(self, points: int) -> None:
        second = int(self._monotonic() - self._began)
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1][1] += points
        else:
            self._seconds.append([second, points])


def throttled_error() -> dict[str, Any]:
    """The error of a document that found too few points."""
    return {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": DOCUMENTATION}}


def too_dear_error(points: int, most: int) -> dict[str, Any]:
    """The error of a document that is dearer than any may be."""
    text = (
        f"Query cost is {points}, which exceeds the single query max cost limit ({most}).\n\n"
        "See https://shopify.dev/concepts/about-apis/rate-limits for more information on how the\n"
        "cost of a query is calculated.\n\n"
        "To query larger amounts of data with fewer limits, bulk operations should be used instead.\n"
        "See https://shopify.dev/tutorials/perform-bulk-operations-with-admin-api for usage details.\n"
    )
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": points, "maxCost": most, "documentation": DOCUMENTATION}
    return {"message": text, "extensions": extensions}

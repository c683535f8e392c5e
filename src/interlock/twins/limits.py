"""The two ways vendors count requests: a sliding window and a fixed window."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple


class Verdict(NamedTuple):
    """Whether a request may pass, how many more may, and the seconds until one may or until the window ends."""

    allowed: bool
    remaining: int
    wait_seconds: int


UNLIMITED = Verdict(True, 1_000_000, 0)


class SlidingWindow:
    """At most `limit` requests in any `seconds`; a limit of 0 means none."""

    def __init__(self, limit: int, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._seconds = seconds
        self._monotonic = monotonic
        self._passed: deque[float] = deque()

    def take(self) -> Verdict:
        """Count one request, if it may pass."""
        if self._limit == 0:
            return UNLIMITED
        now = self._monotonic()
        while self._passed and self._passed[0] <= now - self._seconds:
            self._passed.popleft()
        if len(self._passed) >= self._limit:
            return Verdict(False, 0, math.ceil(self._passed[0] + self._seconds - now))
        self._passed.append(now)
        return Verdict(True, self._limit - len(self._passed), 0)


class FixedWindow:
    """At most `limit` requests in each window of `seconds`; a limit of 0 means none."""

    def __init__(self, limit: int, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._seconds = seconds
        self._monotonic = monotonic
        self._began = -math.inf
        self._taken = 0

    def take(self) -> Verdict:
        """Count one request, if it may pass."""
        if self.limit == 0:
            return UNLIMITED
        now = self._monotonic()
        if now >= self._began + self._seconds:
            self._began, self._taken = now, 0
        left = math.ceil(self._began + self._seconds - now)
        if self._taken >= self.limit:
            return Verdict(False, 0, left)
        self._taken += 1
        return Verdict(True, self.limit - self._taken, left)

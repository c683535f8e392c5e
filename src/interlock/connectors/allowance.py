"""The allowance of points that a vendor gives one app at one store, shared by all flows and processes (C70-C72)."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from interlock.clock import Clock
from interlock.connectors.bucket import Bucket, Hold, Lane, Level

__all__ = ["Allowance", "Hold", "KeptInMemory", "Lane", "Level", "SharedState"]

ASK_AGAIN_SECONDS: Final = 0.5
"""Who waits looks at least so often: an answer to another call may have corrected the level."""

_CALLERS = itertools.count(1)
_read = msgspec.json.Decoder(Bucket).decode
_write = msgspec.json.Encoder().encode


class SharedState(Protocol):
    """Where buckets are kept: small values by name, each changed by one process at a time."""

    def change(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        """Replace the value of `name` by what `change` makes of it; no other process comes between."""


class KeptInMemory:
    """For one process alone."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    def change(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        self._values[name] = change(self._values.get(name))


class Allowance:
    """Points of buckets by name, one bucket per app and store. What is not in the `state` is learnt again from answers."""

    def __init__(self, clock: Clock, state: SharedState | None = None) -> None:
        self._clock = clock
        self._state = state or KeptInMemory()
        self._process = f"{os.getpid()}.{id(self):x}"

    async def take(self, name: str, points: float, *, lane: Lane, within_seconds: float) -> Hold | float:
        """Wait for the points of one call; or, when they cannot come in time, the seconds after which they may.

        Whoever gets a Hold must give it back.
        """
        caller = f"{self._process}.{next(_CALLERS)}"
        deadline = self._clock.monotonic() + within_seconds
        while True:
            answer = self._on(name, lambda bucket, now: bucket.take(now, caller, points, lane))
            if isinstance(answer, Hold):
                return answer
            if self._clock.monotonic() + answer > deadline:
                self._on(name, lambda bucket, _: bucket.leave(caller))
                return float(answer)
            try:
                await self._clock.sleep(min(answer, ASK_AGAIN_SECONDS))
            except BaseException:
                self._on(name, lambda bucket, _: bucket.leave(caller))
                raise

    def give_back(self, name: str, hold: Hold, *, used: float | None, level: Level | None = None) -> None:
        """The call is over. `used` 0: it never arrived; None: nobody knows. `level` is what its answer said (C71)."""
        self._on(name, lambda bucket, now: bucket.give_back(now, hold.id, used, level))

    def bucket(self, name: str) -> Bucket:
        """As it is now, to be looked at."""
        found: Bucket = self._on(name, lambda bucket, _: bucket)
        return found

    def _on(self, name: str, use: Callable[[Bucket, float], Any]) -> Any:
        found: list[Any] = []

        def change(kept: bytes | None) -> bytes:
            now = self._clock.monotonic()
            bucket = _bucket(kept, now)
            found.append(use(bucket, now))
            return _write(bucket)

        self._state.change(name, change)
        return found[-1]


def _bucket(kept: bytes | None, now: float) -> Bucket:
    """As it was kept; a new one when there is none, or none that this Interlock can read."""
    if kept is not None:
        try:
            return _read(kept)
        except msgspec.DecodeError:
            pass
    return Bucket(at=now)

"""A destination's limiter: how many calls at once, how many a second, and a pause that the destination itself asked
for."""

from interlock.clock import Clock

NEARLY_ONE = 1 - 1e-6
"""A bucket fills by fractions: a token that lacks a rounding error is a token, else its taker would ask for ever."""


class Limiter:
    """One per destination and process, shared by all flows: the vendor counts per account, not per flow.

    `concurrency` is calls in flight; `rate_per_second` with `burst` is a token bucket (None: no rate limit).
    """

    def __init__(
        self, clock: Clock, *, concurrency: int, rate_per_second: float | None = None, burst: float | None = None
    ) -> None:
        self._clock = clock
        self.concurrency = concurrency
        self.rate_per_second = rate_per_second
        self.burst = burst if burst is not None else max(1.0, rate_per_second or 1.0)
        self.in_flight = 0
        self._tokens = self.burst
        self._filled_at = clock.monotonic()
        self._paused_until = 0.0

    def pause(self, seconds: float) -> None:
        """Retry-After for the whole destination: a floor, never shortened by a later answer."""
        self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)

    def pause_left_seconds(self) -> float:
        """How long the destination still wants to be left alone."""
        return max(0.0, self._paused_until - self._clock.monotonic())

    def room(self) -> int:
        """How many deliveries may start now."""
        if self.pause_left_seconds() > 0:
            return 0
        free = self.concurrency - self.in_flight
        if self.rate_per_second is not None:
            self._fill()
            free = min(free, int(self._tokens + 1 - NEARLY_ONE))
        return max(0, free)

    def wait_seconds(self) -> float:
        """How long until there can be room; 0 when only a finishing call can make it."""
        wait = self.pause_left_seconds()
        if self.rate_per_second is not None:
            self._fill()
            if self._tokens < NEARLY_ONE:
                wait = max(wait, (1 - self._tokens) / self.rate_per_second)
        return wait

    def enter(self) -> None:
        """A delivery starts."""
        self.in_flight += 1

    def take(self) -> float:
        """A call wants to start: 0.0 when it may (its token is taken), else the seconds to wait before asking again."""
        paused = self.pause_left_seconds()
        if paused > 0 or self.rate_per_second is None:
            return paused
        self._fill()
        if self._tokens < NEARLY_ONE:
            return (1 - self._tokens) / self.rate_per_second
        self._tokens -= 1
        return 0.0

    def leave(self) -> None:
        """A delivery ended."""
        self.in_flight -= 1

    def _fill(self) -> None:
        now = self._clock.monotonic()
        rate = self.rate_per_second or 0.0
        self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now

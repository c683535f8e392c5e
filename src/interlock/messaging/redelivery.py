"""When to try again: full jitter under a cap, the destination's Retry-After as a floor, and a budget for retries as a
whole."""

import random

import msgspec


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """`attempts` calls in all, then a person. Waits are drawn from 0 to base x 2^n, at most `cap_seconds` (full
    jitter)."""

    attempts: int = 8
    base_seconds: float = 1.0
    cap_seconds: float = 300.0
    budget_share: float = 0.1

    def exhausted(self, attempts: int) -> bool:
        """True when this many counted attempts are all there are."""
        return attempts >= self.attempts

    def wait_seconds(self, attempts: int, chance: random.Random, *, at_least_seconds: float = 0.0) -> float:
        """The wait before the next attempt after `attempts` failed ones."""
        ceiling = min(self.cap_seconds, self.base_seconds * 2.0 ** min(attempts, 30))
        return at_least_seconds + chance.uniform(0.0, ceiling)


class RetryBudget:
    """At most `share` retries for each first attempt, over a small reserve: an outage must not double the load (AWS,
    SRE)."""

    def __init__(self, share: float, reserve: float = 20.0) -> None:
        self.share = share
        self.reserve = reserve
        self._left = reserve

    def first_attempt(self) -> None:
        """A first attempt earns a share of a retry."""
        self._left = min(self.reserve, self._left + self.share)

    def success(self) -> None:
        """Success refills slowly too, so that a queue of retries drains once the destination is back."""
        self._left = min(self.reserve, self._left + 1.0)

    def spend(self) -> bool:
        """True when a retry may be scheduled at its normal time; False: it waits longer."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

"""Usage plans: each operation has a token bucket that fills at a rate a second up to its burst.

Facts: the usage plan in the description of each operation, amzn/selling-partner-api-models @34dc93f; createFeed of a
JSON_LISTINGS_FEED by its own plan, five in five minutes: developer-docs.amazon.com/sp-api/changelog/
update-feed-size-and-rate-limit-changes-for-the-json_listings_feed (2025-05-06).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

PLANS: dict[str, tuple[float, float]] = {
    "getListingsItem": (5, 10),
    "patchListingsItem": (5, 5),
    "searchListingsItems": (5, 5),
    "createFeedDocument": (0.5, 15),
    "createFeed": (5 / 300, 5),
    "getFeed": (2, 15),
    "getFeeds": (0.0222, 10),
    "getFeedDocument": (0.0222, 10),
    "cancelFeed": (2, 15),
    "searchOrders": (0.0056, 20),
    "getOrder": (0.5, 30),
}
"""Requests a second and burst. developer-docs.amazon.com lists 10 for the burst of getListingsItem in the model, 5 in the
table of rate limits; the model is newer."""


class TokenBucket:
    """At most `burst` at once, then `rate` a second. A rate of 0 means no limit."""

    def __init__(self, rate: float, burst: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._burst = burst
        self._monotonic = monotonic
        self._tokens = burst
        self._at = monotonic()

    def take(self) -> bool:
        """Take a token, if there is one."""
        if self.rate == 0:
            return True
        now = self._monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class UsagePlans:
    """The buckets of one application at one seller.

    Configuration "usage_plans": "off", or {operation: [rate a second, burst]} in place of Amazon's defaults.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        given = config.get("usage_plans", {})
        plans = dict.fromkeys(PLANS, (0.0, 0.0)) if given == "off" else PLANS | given
        self._buckets = {operation: TokenBucket(rate, burst) for operation, (rate, burst) in plans.items()}
        self.refused: dict[str, int] = {}

    def take(self, operation: str) -> bool:
        """Count a request, if it may pass."""
        passed = self._buckets[operation].take()
        if not passed:
            self.refused[operation] = self.refused.get(operation, 0) + 1
        return passed

    def header(self, operation: str) -> dict[str, str]:
        """x-amzn-RateLimit-Limit: the rate of this application at this seller; none where nothing is limited."""
        rate = self._buckets[operation].rate
        return {"x-amzn-RateLimit-Limit": f"{rate:.4f}".rstrip("0").rstrip(".")} if rate else {}

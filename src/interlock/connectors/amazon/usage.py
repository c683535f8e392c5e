"""The usage plans: how often each operation may be called, kept in the allowance that all processes share.

A plan is a token bucket of the application at one seller: a rate a second, and a burst. Answers tell the rate in
`x-amzn-RateLimit-Limit`, never how much is left; so what is left is counted here, and a 429 says that it is nothing.
Facts: the plan of each operation, amzn/selling-partner-api-models @34dc93f; JSON_LISTINGS_FEED, five in five minutes:
developer-docs.amazon.com/sp-api/changelog/update-feed-size-and-rate-limit-changes-for-the-json_listings_feed (2025-05-06).
"""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from interlock.connectors.contract import Allowance, Answer, Connection, Hold, Lane, Level, Retry

LIMIT_HEADER: Final = "x-amzn-ratelimit-limit"
TOO_MANY: Final = 429


class Plan(NamedTuple):
    """Requests a second, and how many at once."""

    rate: float
    burst: float


PLANS: Final[dict[str, Plan]] = {
    "getListingsItem": Plan(5, 5),
    "patchListingsItem": Plan(5, 5),
    "searchListingsItems": Plan(5, 5),
    "createFeedDocument": Plan(0.5, 15),
    "createFeed": Plan(5 / 300, 5),
    "getFeed": Plan(2, 15),
    "getFeeds": Plan(0.0222, 10),
    "getFeedDocument": Plan(0.0222, 10),
    "cancelFeed": Plan(2, 15),
    "searchOrders": Plan(0.0056, 20),
}
"""Amazon's defaults, which every seller has at least. getListingsItem: the burst is 10 in the model and 5 in
developer-docs.amazon.com/sp-api/docs/listings-items-api-rate-limits; the smaller holds."""


class UsagePlans:
    """The buckets of one application at one seller, by operation."""

    def __init__(self, connection: Connection) -> None:
        self._allowance = connection.allowance or Allowance(connection.clock)
        host = urlsplit(connection.url).netloc.lower()
        self._owner = f"amazon {host} {connection.credentials['client_id']} {connection.settings['seller_id']}"

    async def take(self, operation: str, lane: Lane, within_seconds: float) -> Hold | Retry:
        """The right to one call, or when to come again."""
        found = await self._allowance.take(
            self._name(operation), 1.0, lane=lane, within_seconds=max(0.0, within_seconds)
        )
        if isinstance(found, Hold):
            return found
        words = f"the usage plan of {operation} is used up: {PLANS[operation].rate:g} a second"
        return Retry(code="USAGE-PLAN", message=words, status=TOO_MANY, retry_after_seconds=found)

    def give_back(self, operation: str, hold: Hold, answer: Answer | None) -> None:
        """The call is over. `answer` is None when it never left."""
        used = 1.0 if answer is not None and answer.sent else 0.0
        self._allowance.give_back(self._name(operation), hold, used=used, level=self._level(operation, answer))

    def _level(self, operation: str, answer: Answer | None) -> Level | None:
        """What the answer teaches: at first the plan, later only what is another than was known."""
        plan, bucket = PLANS[operation], self._allowance.bucket(self._name(operation))
        rate = max(_rate(answer), 0.0) or (bucket.restore_rate if bucket.known else plan.rate)
        if answer is not None and answer.status == TOO_MANY:
            return Level(maximum=plan.burst, available=0.0, restore_rate=rate)
        if not bucket.known:
            return Level(maximum=plan.burst, available=plan.burst - 1, restore_rate=rate)
        if rate != bucket.restore_rate:
            return Level(maximum=plan.burst, available=min(bucket.available, plan.burst), restore_rate=rate)
        return None

    def _name(self, operation: str) -> str:
        return f"{self._owner} {operation}"


def _rate(answer: Answer | None) -> float:
    try:
        return float(answer.headers.get(LIMIT_HEADER, "0")) if answer is not None else 0.0
    except ValueError:
        return 0.0

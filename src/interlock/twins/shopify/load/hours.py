"""When orders come: by the hour of the day and the day of the week, drawn so that the same seed gives the same moments."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import accumulate

HOURS = (3, 2, 1, 1, 1, 2, 4, 7, 10, 12, 13, 14, 15, 14, 13, 12, 12, 13, 15, 18, 20, 18, 12, 6)
"""Orders in each hour of a day, as shares: little at night, most after supper."""
DAYS = (0.9, 0.9, 0.95, 1.0, 1.1, 1.2, 1.15)
"""Monday to Sunday."""
GROWTH = 0.3
"""By how much the last day of a history is busier than its first."""


def of_history(rng: random.Random, count: int, days: int, until: datetime) -> list[datetime]:
    """So many moments of the days before `until`, rising."""
    begin = until.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    dates = [begin + timedelta(days=number) for number in range(days)]
    weights = list(accumulate(DAYS[day.weekday()] * (1 + GROWTH * number / days) for number, day in enumerate(dates)))
    hours, moments = list(accumulate(HOURS)), []
    for day in rng.choices(dates, cum_weights=weights, k=count):
        hour = rng.choices(range(24), cum_weights=hours)[0]
        moments.append(day + timedelta(hours=hour, seconds=rng.randrange(3_600)))
    latest = until - timedelta(seconds=1)
    return sorted(min(moment, latest) for moment in moments)


def of_a_day(rng: random.Random, count: int, seconds: float) -> list[float]:
    """So many moments of a day that passes in `seconds`: a Poisson process whose rate follows the hours, given its count."""
    hours = list(accumulate(HOURS))
    drawn = rng.choices(range(24), cum_weights=hours, k=count)
    return sorted((hour + rng.random()) / 24 * seconds for hour in drawn)

"""Money that no part explains: how many deliveries booked a difference, by flow and destination (C31)."""

import msgspec


class MoneyDifferences(msgspec.Struct, frozen=True, kw_only=True):
    """`count` objects whose newest document at this destination has an entry for a difference."""

    flow: str
    destination: str
    count: int

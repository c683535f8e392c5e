"""Reads how many deliveries booked a difference; the index has these rows only."""

import apsw

from interlock.messaging.differences import MoneyDifferences
from interlock.messaging.sqlite.statements import statements


def read_differences(connection: apsw.Connection) -> tuple[MoneyDifferences, ...]:
    """By flow and destination, those that have any."""
    rows = connection.execute(statements("differences.sql")["money_differences"])
    return tuple(
        MoneyDifferences(flow=str(flow), destination=str(destination), count=int(count))
        for flow, destination, count in rows
    )

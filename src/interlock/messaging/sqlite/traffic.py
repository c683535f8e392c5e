"""Reads the traffic out of the two files, on the connection of the views."""

from typing import Any

import apsw
import msgspec

from interlock.messaging.sqlite.statements import statements
from interlock.messaging.traffic import Arrival, Ended, Traffic

NEWEST_EVENTS = 10_000
MINUTE_MS = 60_000


def read_traffic(connection: apsw.Connection, since_ms: int) -> Traffic:
    """The newest events and all that ended since then."""
    sql = statements("traffic.sql")
    arrivals = _rows(
        Arrival, connection.execute(sql["newest_arrivals"], {"newest": NEWEST_EVENTS, "since_ms": since_ms})
    )
    ended = _rows(Ended, connection.execute(sql["ended"], {"minute": since_ms // MINUTE_MS}))
    return Traffic(since_ms=since_ms, arrivals=arrivals, ended=ended)


def _rows(kind: type[Any], cursor: apsw.Cursor) -> tuple[Any, ...]:
    rows = cursor.fetchall()
    if not rows:
        return ()
    names = msgspec.structs.fields(kind)
    return tuple(kind(**{field.name: value for field, value in zip(names, row, strict=True)}) for row in rows)

"""The recorded events, read in batches straight from the inbox's file beside whoever runs: to try out what a change does."""

from collections.abc import Iterator
from pathlib import Path

from interlock.messaging.event import Event
from interlock.messaging.sqlite.connect import open_store
from interlock.messaging.sqlite.inbox import event_or_husk
from interlock.messaging.sqlite.statements import statements

BATCH = 500


def newest_events(inbox: Path, count: int) -> Iterator[Event]:
    """The last `count` events, oldest first. The file is opened read-only, and read as it is at each batch."""
    sql = statements("recorded.sql")
    connection = open_store(inbox, read_only=True)
    try:
        position = connection.execute(sql["newest"], (count,)).get
        while rows := connection.execute(sql["batch"], (position, BATCH)).fetchall():
            yield from map(event_or_husk, rows)
            position = rows[-1][0]
    finally:
        connection.close()

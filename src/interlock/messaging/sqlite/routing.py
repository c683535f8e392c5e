"""Routing in the store: the newest version of each object, and the deliveries that an event opens, in one
transaction."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import apsw

from interlock.messaging.backfill import DIALECT as BACKFILL
from interlock.messaging.delivery import Want
from interlock.messaging.event import Event
from interlock.messaging.ledger import Routed

Freshness = Literal["first", "newer", "nudge", "tied", "known", "older"]


class RoutingWork:
    """What `route` does inside its transaction."""

    def __init__(self, sql: dict[str, str]) -> None:
        self._sql = sql

    def route(
        self, connection: apsw.Connection, cursor_name: str, cursor: int, routed: Sequence[Routed], now_ms: int
    ) -> int:
        """Upsert objects and deliveries of events in their order, then move the cursor."""
        opened = 0
        for item in routed:
            freshness = self._see(connection, item.event, now_ms)
            opened += self._open(connection, item, freshness, now_ms)
        connection.execute(self._sql["move_cursor"], (cursor_name, cursor))
        return opened

    def _see(self, connection: apsw.Connection, event: Event, now_ms: int) -> Freshness:
        """Compare the event with the newest that is known of its object, and remember it when it is newer."""
        identity = (event.system, event.object, event.key)
        head = connection.execute(self._sql["object_head"], identity).fetchone()
        if head is None:
            connection.execute(
                self._sql["object_new"],
                (*identity, event.name, event.version, event.position, event.sha256, now_ms, now_ms, event.summary),
            )
            return "first"
        freshness = _compare(event, head)
        if freshness in ("newer", "tied"):
            connection.execute(
                self._sql["object_newer"],
                (event.version, event.position, event.sha256, now_ms, event.name, event.summary, *identity),
            )
        else:
            connection.execute(self._sql["object_seen"], (now_ms, *identity))
        return freshness

    def _see_part(self, connection: apsw.Connection, event: Event, want: Want, now_ms: int) -> None:
        """A part of the event's object has a page of its own, under the name of what it belongs to."""
        identity = (event.system, want.object, want.key)
        if connection.execute(self._sql["object_head"], identity).fetchone() is None:
            seen = (*identity, event.name, 0, event.position, event.sha256, now_ms, now_ms, "")
            connection.execute(self._sql["object_new"], seen)

    def _open(self, connection: apsw.Connection, item: Routed, freshness: Freshness, now_ms: int) -> int:
        event, opened = item.event, 0
        for want in item.wants:
            if not want.signal and not want.object and freshness in ("older", "known"):
                if freshness == "known" and event.dialect == BACKFILL:
                    opened += self._open_once(connection, event, _values(event, want.flow, want.destination, now_ms))
                continue  # the newer version was routed to the same flows already
            values = _values(event, want.flow, want.destination, now_ms)
            values["reread"] = int(item.late or not event.complete or freshness in ("nudge", "tied", "older"))
            if want.object:
                values |= {"object": want.object, "key": want.key, "version": 0, "reread": 1}
                self._see_part(connection, event, want, now_ms)
                if event.version:  # the whole only lists its parts: what is known of them already says nothing new
                    connection.execute(self._sql["signal"], values | {"signal": ""})
                    opened += connection.changes()
                    continue
            if want.signal:
                connection.execute(self._sql["signal"], values | {"signal": want.signal})
                opened += connection.changes()
                continue
            connection.execute(self._sql["want"], values)
            opened += 1
            if freshness != "first":
                connection.execute(self._sql["supersede_letter"], letter_of(values, "a newer event of the same object arrived"))
        return opened

    def _open_once(self, connection: apsw.Connection, event: Event, values: dict[str, Any]) -> int:
        """A flow that is younger than the object has never had it; every other one is left alone."""
        connection.execute(self._sql["signal"], values | {"signal": "", "reread": int(not event.complete)})
        return connection.changes()


def letter_of(values: Mapping[str, Any], why: str) -> dict[str, Any]:
    """What `supersede_letter` has to know of a delivery that was wanted once more."""
    return {name: values[name] for name in ("now", "flow", "destination", "system", "object", "key")} | {"why": why}


def _compare(event: Event, head: tuple[int, int, bytes]) -> Freshness:
    version, _position, sha256 = head
    if event.version == 0:
        return "nudge"
    if event.version > version:
        return "newer"
    if event.version < version:
        return "older"
    # What was read in bulk is never byte for byte what a webhook said of the same version: that it differs says nothing.
    return "known" if event.sha256 == sha256 or event.dialect == BACKFILL else "tied"


def _values(event: Event, flow: str, destination: str, now_ms: int) -> dict[str, Any]:
    return {
        "flow": flow, "system": event.system, "destination": destination, "object": event.object, "key": event.key,
        "name": event.name,
        "event": event.position,
        "version": event.version,
        "priority": event.priority, "now": now_ms, "due": now_ms, "release": event.release, "received": event.received_at_ms,
    }  # fmt: skip

"""Reads what the checklist wants to see out of the two files, on the connection of the views."""

import json
from collections.abc import Iterator
from typing import Any

import apsw

from interlock.messaging.sqlite.statements import statements
from interlock.strategy.evidence import DAY_MS, HOUR_MS, PROMISE_DAYS, FlowRan, Letters, Running

MINUTE_MS = 60_000
DAY_MINUTES = DAY_MS // MINUTE_MS
SETTLED_MS = HOUR_MS
"""So long after its end a day counts as over: the last calls of it have been written down."""
NEWEST_OBJECTS = 20_000

KeptDays = dict[tuple[str, str, int], FlowRan]
"""(flow, destination, day) -> what ended; a page that is opened again reads today alone."""


def read_evidence(connection: apsw.Connection, now_ms: int, kept: KeptDays) -> Running:
    """All of it at one moment. Calls within the last minute are the views' own figure. `kept` is the caller's, and grows."""
    sql, run = statements("evidence.sql"), connection.execute
    release = run(sql["active_release"]).fetchone() or ("", 0)
    seen = {(str(row[0]), str(row[1])): int(row[2]) for row in run(sql["seen"], {"newest": NEWEST_OBJECTS})}
    heard: dict[str, int] = {}
    for (system, _), at_ms in seen.items():
        heard[system] = max(at_ms, heard.get(system, 0))
    return Running(
        release=release[0],
        release_ms=release[1],
        releases=run(sql["releases"]).get,
        heard_ms=heard,
        seen_ms=seen,
        flows=_flows(connection, now_ms, kept),
        letters=tuple(
            Letters(flow=flow, owner=owner, count=count, oldest_ms=oldest, reasons=tuple(json.loads(reasons)))
            for flow, owner, count, oldest, reasons in run(sql["letters"])
        ),
        closed_ms=_times(connection, sql["closed"]),
        actions_ms=_times(connection, sql["actions"]),
        down_ms=_times(connection, sql["down"]),
        silent_ms={str(flow): int(since_ms) for flow, since_ms in _newer(connection, "silent")},
        unpaged={str(flow): str(problem) for flow, problem in _newer(connection, "unpaged")},
        drifts={(str(system), str(thing)): int(count) for system, thing, count in _newer(connection, "drifts")},
        oldest_body_ms=run(sql["oldest_body"]).get or 0,
        oldest_audit_ms=run(sql["oldest_audit"]).get or 0,
    )


def _times(connection: apsw.Connection, statement: str) -> dict[str, int]:
    return {str(name): int(at_ms) for name, at_ms in connection.execute(statement)}


def _newer(connection: apsw.Connection, name: str) -> list[tuple[Any, ...]]:
    """Rows of a table that came later. A folder is checked before its hub is upgraded, and its store may not have it yet."""
    try:
        return connection.execute(statements("evidence.sql")[name]).fetchall()
    except apsw.SQLError:
        return []


def _flows(connection: apsw.Connection, now_ms: int, kept: KeptDays) -> dict[str, FlowRan]:
    """Each flow over all its destinations."""
    today = now_ms // DAY_MS
    found: dict[str, FlowRan] = {}
    for flow, destination in _ways(connection):
        for day in range(today - PROMISE_DAYS, today + 1):
            ran = _day(connection, (flow, destination, day), now_ms, kept)
            found[flow] = _sum(found.get(flow, FlowRan()), ran)
    return found


def _day(connection: apsw.Connection, key: tuple[str, str, int], now_ms: int, kept: KeptDays) -> FlowRan:
    """One day of one way. What is over does not change any more, and is read once."""
    if key in kept:
        return kept[key]
    flow, destination, day = key
    bounds = {"flow": flow, "destination": destination, "since": day * DAY_MINUTES, "until": (day + 1) * DAY_MINUTES}
    well, dead, minute, success = connection.execute(statements("evidence.sql")["ran"], bounds).fetchone() or (
        0,
        0,
        0,
        0,
    )
    ran = FlowRan(
        ended_well=int(well), dead=int(dead), minute_ms=int(minute) * MINUTE_MS, success_ms=int(success) * MINUTE_MS
    )
    if (day + 1) * DAY_MS + SETTLED_MS < now_ms:
        kept[key] = ran
    return ran


def _sum(one: FlowRan, other: FlowRan) -> FlowRan:
    return FlowRan(
        ended_well=one.ended_well + other.ended_well,
        dead=one.dead + other.dead,
        minute_ms=max(one.minute_ms, other.minute_ms),
        success_ms=max(one.success_ms, other.success_ms),
    )


def _ways(connection: apsw.Connection) -> Iterator[tuple[str, str]]:
    step, way = statements("evidence.sql")["next_way"], ("", "")
    while found := connection.execute(step, {"flow": way[0], "destination": way[1]}).fetchone():
        way = (found[0], found[1])
        yield way

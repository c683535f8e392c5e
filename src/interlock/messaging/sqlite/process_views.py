"""Reads the processes of an object out of the ledger, on the connection of the views."""

from typing import Any

import apsw
import msgspec

from interlock.messaging.process_views import ProcessRow, StepRow
from interlock.messaging.sqlite.statements import statements


def read_processes(connection: apsw.Connection, object_name: str, key: str) -> tuple[ProcessRow, ...]:
    """Each process of the object with the steps of its present run, in their order."""
    sql = statements("process_views.sql")
    rows = connection.execute(sql["processes"], (object_name, key)).fetchall()
    return tuple(_process(connection, sql["steps"], row) for row in rows)


def _process(connection: apsw.Connection, sql: str, row: tuple[Any, ...]) -> ProcessRow:
    delivery, flow, run, version, release, state, began_ms, ended_ms = row
    steps = tuple(_step(item) for item in connection.execute(sql, (delivery, run)))
    return ProcessRow(
        flow=flow, delivery=delivery, run=run, version=version, release=release, state=state, began_ms=began_ms,
        ended_ms=ended_ms, steps=steps,
    )  # fmt: skip


def _step(row: tuple[Any, ...]) -> StepRow:
    step, part, undo, kind, state, output, why, delivery, began_ms, ended_ms, child, destination, error, external_id = (
        row
    )
    shown = {"done": "done", "failed": "dead", "skipped": "cancelled"}.get(state, child or "running")
    detail = why or error if state != "done" else _came_to(kind, output, external_id)
    return StepRow(
        step=step, part=part, undo=bool(undo), kind=kind, state=shown, detail=detail, destination=destination,
        delivery=delivery, began_ms=began_ms, ended_ms=ended_ms,
    )  # fmt: skip


def _came_to(kind: str, output: bytes, external_id: str) -> str:
    found = msgspec.json.decode(output)
    match kind:
        case "enrich":
            several = (
                f"{sum(one is not None for one in found)} of {len(found)}" if isinstance(found, list) else "a record"
            )
            return f"{several} found" if found is not None else "nothing found"
        case "route":
            return f"to {found or 'the end'}"
        case "split":
            return f"{len(found)} part{'' if len(found) == 1 else 's'}: {', '.join(found)}"
        case "write":
            return f"id {external_id}" if external_id else ""
        case _:
            return ""

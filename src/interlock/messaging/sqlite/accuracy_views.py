"""What pages, metrics and commands ask about the accuracy of stock. A store from before it has nothing to tell."""

import json
from collections.abc import Sequence
from typing import Any

import apsw

from interlock.messaging.accuracy import Accuracy, CauseCount, Difference, Heat, Run, SyncPreview
from interlock.messaging.sqlite.accuracy_book import ACCURACY, run_of, sql_of


def read_accuracy(connection: apsw.Connection) -> tuple[Accuracy, ...]:
    """The newest of each channel, whole and by place."""
    return tuple(_accuracy(row) for row in _rows(connection, "accuracy", ()))


def read_trend(
    connection: apsw.Connection, channel: str, place: str, since_ms: int, limit: int
) -> tuple[Accuracy, ...]:
    """Oldest first."""
    return tuple(_accuracy(row) for row in _rows(connection, "trend", (channel, place, since_ms, limit)))


def read_heat(connection: apsw.Connection, channel: str) -> tuple[Heat, ...]:
    """Of the newest run."""
    return tuple(
        Heat(**dict(zip(Heat.__struct_fields__, row, strict=True))) for row in _rows(connection, "heats", (channel,))
    )


def read_stock_differences(
    connection: apsw.Connection, channel: str, sku: str, location: str, cause: str, limit: int
) -> tuple[Difference, ...]:
    """The worst first."""
    rows = _rows(connection, "differences", (channel, sku, location, cause, limit))
    return tuple(Difference(**dict(zip(_DIFFERENCE, row, strict=True))) for row in rows)


def read_causes(connection: apsw.Connection, channel: str) -> tuple[CauseCount, ...]:
    """Of the newest run."""
    rows = _rows(connection, "causes", (channel,))
    return tuple(CauseCount(**dict(zip(CauseCount.__struct_fields__, row, strict=True))) for row in rows)


def read_stock_runs(connection: apsw.Connection, limit: int) -> tuple[Run, ...]:
    """Newest first."""
    return tuple(run_of(row) for row in _rows(connection, "runs", (limit,)))


def read_stock_run(connection: apsw.Connection, number: int) -> Run | None:
    """One of them."""
    rows = _rows(connection, "run", (number,))
    return run_of(rows[0]) if rows else None


def read_sync_preview(connection: apsw.Connection, channel: str, sku: str, places: Sequence[str]) -> SyncPreview:
    """What a sync would do."""
    values = {"channel": channel, "sku": sku, "places": json.dumps(list(places))}
    rows = _rows(connection, "sync_preview", values)
    if not rows:
        return SyncPreview(0, 0, 0, 0, 0, 0)
    all_, unknown, different, refused, suspended = rows[0]
    return SyncPreview(all_, unknown, different, refused, suspended, _rows(connection, "open_work", (channel,))[0][0])


def _rows(connection: apsw.Connection, name: str, values: Any) -> list[tuple[Any, ...]]:
    return list(connection.execute(sql_of(name), values)) if connection.execute(sql_of("there")).get else []


def _accuracy(row: tuple[Any, ...]) -> Accuracy:
    return Accuracy(**dict(zip(ACCURACY, row, strict=True)))


_DIFFERENCE = (
    "channel", "place", "sku", "location", "cause", "what", "next_move", "state", "wanted", "shown", "known", "item", "group", "price",
    "currency", "since_ms", "last_ms", "run",
)  # fmt: skip

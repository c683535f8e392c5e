"""The console's read port on SQLite: its own read-only connection, in a thread, so that pages never slow a delivery."""

import asyncio
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any, ParamSpec, TypeVar

import apsw
import msgspec

from interlock.messaging.accuracy import Accuracy, CauseCount, Difference, Heat, Run, SyncPreview
from interlock.messaging.backfill import Backfill
from interlock.messaging.consumers import Consumer
from interlock.messaging.differences import MoneyDifferences
from interlock.messaging.ledger import Filter
from interlock.messaging.privacy import PrivacyRequest
from interlock.messaging.process_views import ProcessRow
from interlock.messaging.refused import RefusedCount
from interlock.messaging.silences import Silence
from interlock.messaging.sqlite.accuracy_views import (
    read_accuracy,
    read_causes,
    read_heat,
    read_stock_differences,
    read_stock_run,
    read_stock_runs,
    read_sync_preview,
    read_trend,
)
from interlock.messaging.sqlite.backfill import read_backfill, read_backfills
from interlock.messaging.sqlite.connect import open_store
from interlock.messaging.sqlite.consumers import read_consumers
from interlock.messaging.sqlite.differences import read_differences
from interlock.messaging.sqlite.evidence import KeptDays, read_evidence
from interlock.messaging.sqlite.flow_book import read_left, read_stops
from interlock.messaging.sqlite.packing import UnreadableBodyError, unpack
from interlock.messaging.sqlite.privacy_views import privacy_export, read_privacy_request, read_privacy_requests
from interlock.messaging.sqlite.process_views import read_processes
from interlock.messaging.sqlite.refused import read_refused
from interlock.messaging.sqlite.silence_book import read_silences
from interlock.messaging.sqlite.statements import statements
from interlock.messaging.sqlite.stock_views import stock_look
from interlock.messaging.sqlite.subscription_book import read_subscriptions
from interlock.messaging.sqlite.sweep_views import (
    read_latest,
    read_missed,
    read_missed_counts,
    read_sweep,
    read_sweeps,
)
from interlock.messaging.sqlite.traffic import read_traffic
from interlock.messaging.stock_views import StockLook
from interlock.messaging.stops import Stop
from interlock.messaging.subscriptions import Kept
from interlock.messaging.sweeps import Missed, Sweep
from interlock.messaging.traffic import Traffic
from interlock.messaging.views import (
    AttemptRow,
    AuditRow,
    DeadLetterGroup,
    DeadLetterRow,
    DeliveryRow,
    DestinationHealth,
    DestinationResult,
    EventRow,
    FlowTile,
    Hit,
    Hold,
    Lane,
    LinkRow,
    ObjectRow,
    Point,
    Pulse,
    ReplayProgress,
    Sighting,
    Story,
    Window,
)  # fmt: skip
from interlock.strategy.evidence import Running

OBJECTS = (
    "order", "customer", "product", "price", "inventory_level", "fulfillment", "return", "refund", "payout", "company"
)  # fmt: skip
"""The canonical objects: with them a key alone is found through the index on (system, object, key)."""

NEWEST_DELIVERIES = 2_000
NEWEST_SEARCHED = 100_000
ROWS_OF_A_STORY = 500
LARGEST_GROUP_LIST = 200
RETURN_WINDOW_DAYS = 30

Row = dict[str, Any]
Parameters = Mapping[str, "apsw.SQLiteValue"]
T = TypeVar("T", bound=msgspec.Struct)
Q = ParamSpec("Q")
R = TypeVar("R")

CLAUSES = {
    "flow": "flow = :flow",
    "destination": "destination = :destination",
    "states": "state IN (SELECT value FROM json_each(:states))",
    "reason": "reason = :reason",
    "fingerprint": "fingerprint = :fingerprint",
    "object": "object = :object",
    "key": "key = :key",
    "name": "name = :name",
    "text": "instr(lower(name || ' ' || key || ' ' || code || ' ' || error), lower(:text)) > 0",
    "before": "id < :before",
}
DELIVERY_CLAUSES = CLAUSES | {
    "ids": "id IN (SELECT value FROM json_each(:ids))",
    "refused": "id IN (SELECT delivery FROM refused_field WHERE field = :refused)",
    "since_ms": "received_ms >= :since_ms",
    "until_ms": "received_ms < :until_ms",
    "changed_since_ms": "updated_ms >= :changed_since_ms",
    "fingerprint": "id IN (SELECT delivery FROM dead_letter WHERE fingerprint = :fingerprint AND closed_ms = 0)",
}
LETTER_CLAUSES = CLAUSES | {
    "ids": "delivery IN (SELECT value FROM json_each(:ids))",
    "refused": "delivery IN (SELECT delivery FROM refused_field WHERE field = :refused)",
    "since_ms": "at_ms >= :since_ms",
    "until_ms": "at_ms < :until_ms",
    "states": "'dead' IN (SELECT value FROM json_each(:states))",
}
ORDER_CLAUSES = {
    "text": "instr(lower(name || ' ' || key), lower(:text)) > 0",
    "before_ms": "last_seen_ms < :before_ms",
    "state": "key IN (SELECT key FROM delivery WHERE object = 'order' AND state = :state)",
}


class SqliteViews:
    """The Views port over the two files of the embedded engine."""

    def __init__(self, ledger: Path, inbox: Path) -> None:
        self._files = (inbox, ledger)
        self._connection = open_store(ledger, read_only=True)
        self._connection.execute(
            "ATTACH ? AS inbox", (str(inbox),)
        )  # opened with the flags of the connection: read-only
        self._connection.execute("PRAGMA query_only = 1")
        self._sql = statements("views.sql")
        self._one_at_a_time = threading.Lock()
        self._kept_days: KeptDays = {}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    async def flow_tiles(self, window: Window) -> tuple[FlowTile, ...]:
        return await self._in_thread(self._flow_tiles, window)

    async def destination_health(self, now_ms: int) -> tuple[DestinationHealth, ...]:
        return await self._in_thread(self._destination_health, now_ms)

    async def recent_orders(
        self, *, limit: int, text: str = "", state: str = "", before_ms: int = 0
    ) -> tuple[ObjectRow, ...]:
        return await self._in_thread(
            self._recent_orders, limit, {"text": text.lstrip("#"), "state": state, "before_ms": before_ms}
        )

    async def search(self, text: str, *, limit: int = 50) -> tuple[Hit, ...]:
        return await self._in_thread(self._search, text.strip(), limit)

    async def story(self, object_name: str, key: str, *, system: str = "") -> Story | None:
        return await self._in_thread(self._story, object_name, key, system)

    async def dead_letter_groups(self, which: Filter, *, now_ms: int) -> tuple[DeadLetterGroup, ...]:
        return await self._in_thread(self._dead_letter_groups, which, now_ms)

    async def holds(self) -> tuple[Hold, ...]:
        return await self._in_thread(lambda: _all(Hold, self._rows("holds", {})))

    async def dead_letters(self, which: Filter, *, text: str = "", before: int = 0) -> tuple[DeadLetterRow, ...]:
        return await self._in_thread(
            self._page, DeadLetterRow, "dead_letters", LETTER_CLAUSES, which, {"text": text, "before": before}
        )

    async def deliveries(self, which: Filter, *, text: str = "", before: int = 0) -> tuple[DeliveryRow, ...]:
        return await self._in_thread(
            self._page, DeliveryRow, "deliveries", DELIVERY_CLAUSES, which, {"text": text, "before": before}
        )

    async def states(self, which: Filter, *, text: str = "") -> Mapping[str, int]:
        return await self._in_thread(self._states, which, text)

    async def replay(self, replay_id: int) -> ReplayProgress | None:
        return await self._in_thread(self._replay, replay_id)

    async def processes(self, object_name: str, key: str) -> tuple[ProcessRow, ...]:
        return await self._in_thread(read_processes, self._connection, object_name, key)

    async def traffic(self, since_ms: int) -> Traffic:
        return await self._in_thread(read_traffic, self._connection, since_ms)

    async def subscriptions(self) -> tuple[Kept, ...]:
        return await self._in_thread(read_subscriptions, self._connection)

    async def sweeps(self, limit: int) -> tuple[Sweep, ...]:
        return await self._in_thread(read_sweeps, self._connection, limit)

    async def sweep(self, number: int) -> Sweep | None:
        return await self._in_thread(read_sweep, self._connection, number)

    async def latest_sweeps(self) -> tuple[Sweep, ...]:
        return await self._in_thread(read_latest, self._connection)

    async def missed(self, *, of_sweep: int = 0, since_ms: int = 0, limit: int = 500) -> tuple[Missed, ...]:
        return await self._in_thread(read_missed, self._connection, of_sweep, since_ms, limit)

    async def stock_accuracy(self) -> tuple[Accuracy, ...]:
        return await self._in_thread(read_accuracy, self._connection)

    async def stock_trend(
        self, channel: str, *, place: str = "", since_ms: int = 0, limit: int = 500
    ) -> tuple[Accuracy, ...]:
        return await self._in_thread(read_trend, self._connection, channel, place, since_ms, limit)

    async def stock_heat(self, channel: str = "") -> tuple[Heat, ...]:
        return await self._in_thread(read_heat, self._connection, channel)

    async def stock_differences(
        self, *, channel: str = "", sku: str = "", location: str = "", cause: str = "", limit: int = 50
    ) -> tuple[Difference, ...]:
        return await self._in_thread(
            read_stock_differences, self._connection, channel, sku, location, cause, limit
        )  # fmt: skip

    async def stock_causes(self, channel: str = "") -> tuple[CauseCount, ...]:
        return await self._in_thread(read_causes, self._connection, channel)

    async def stock_runs(self, *, limit: int = 20) -> tuple[Run, ...]:
        return await self._in_thread(read_stock_runs, self._connection, limit)

    async def stock_run(self, number: int) -> Run | None:
        return await self._in_thread(read_stock_run, self._connection, number)

    async def stock_sync_preview(self, channel: str, *, sku: str = "", places: Sequence[str] = ()) -> SyncPreview:
        return await self._in_thread(read_sync_preview, self._connection, channel, sku, places)

    async def missed_counts(self, since_ms: int) -> Mapping[tuple[str, str], int]:
        return await self._in_thread(read_missed_counts, self._connection, since_ms)

    async def privacy_requests(self) -> tuple[PrivacyRequest, ...]:
        return await self._in_thread(read_privacy_requests, self._connection)

    async def privacy_request(self, number: int) -> PrivacyRequest | None:
        return await self._in_thread(read_privacy_request, self._connection, number)

    async def privacy_export(self, request: PrivacyRequest) -> bytes:
        return await asyncio.to_thread(privacy_export, *self._files, request)

    async def evidence(self, now_ms: int) -> Running:
        return await self._in_thread(read_evidence, self._connection, now_ms, self._kept_days)

    async def refused_fields(self, since_ms: int) -> tuple[RefusedCount, ...]:
        return await self._in_thread(read_refused, self._connection, since_ms)

    async def money_differences(self) -> tuple[MoneyDifferences, ...]:
        return await self._in_thread(read_differences, self._connection)

    async def flow_stops(self) -> tuple[Stop, ...]:
        return await self._in_thread(read_stops, self._connection)

    async def drain_left(self, stop: Stop) -> Mapping[str, int]:
        return await self._in_thread(read_left, self._connection, stop)

    async def backfills(self, limit: int) -> tuple[Backfill, ...]:
        return await self._in_thread(read_backfills, self._connection, limit)

    async def backfill(self, number: int) -> Backfill | None:
        return await self._in_thread(read_backfill, self._connection, number)

    async def silences(self) -> tuple[Silence, ...]:
        found = await self._in_thread(read_silences, self._connection)
        return tuple(one for one in found if not one.ended_ms)

    async def consumers(self) -> tuple[Consumer, ...]:
        return await self._in_thread(read_consumers, self._connection)

    async def stock(self, ask: Callable[[StockLook], R]) -> R | None:
        """In the thread, on one snapshot: a sum reads many rows."""

        def asked() -> R | None:
            look = stock_look(self._connection)
            return None if look is None else ask(look)

        return await self._in_thread(asked)

    async def audit(self, *, limit: int) -> tuple[AuditRow, ...]:
        return await self._in_thread(lambda: _all(AuditRow, self._rows("audit", {"limit": limit})))

    async def pulse(self) -> Pulse:
        return await self._in_thread(lambda: Pulse(**self._rows("pulse", {})[0]))

    async def _in_thread(self, work: Callable[Q, R], *arguments: Q.args, **named: Q.kwargs) -> R:
        """One snapshot per question: what a page shows belongs together."""

        def snapshot() -> R:
            with self._one_at_a_time:
                self._connection.execute("BEGIN")
                try:
                    return work(*arguments, **named)
                finally:
                    self._connection.execute("ROLLBACK")

        return await asyncio.to_thread(snapshot)

    def _rows(self, name: str, parameters: Parameters, where: str = "") -> list[Row]:
        cursor = self._connection.cursor()
        cursor.execute(self._sql[name].replace("/*where*/", where), dict(parameters))
        first = cursor.fetchone()
        if first is None:
            return []
        columns = [column[0] for column in cursor.get_description()]
        return [dict(zip(columns, row, strict=True)) for row in (first, *cursor)]

    def _flow_tiles(self, window: Window) -> tuple[FlowTile, ...]:
        traffic = self._rows(
            "tile_minutes", {"since_ms": window.since_ms, "until_ms": window.until_ms, "bucket_ms": window.bucket_ms}
        )
        open_work = self._open_work(("flow", "destination"))
        success = self._last_success()
        latencies = self._latencies(success)
        pairs = {(row["flow"], row["destination"]) for row in traffic} | open_work.keys() | success.keys()
        by_pair = _grouped(traffic, ("flow", "destination"))
        return tuple(
            _tile(
                pair, by_pair.get(pair, []), window, open_work.get(pair, {}), success.get(pair, 0), latencies.get(pair)
            )
            for pair in sorted(pairs)
        )

    def _open_work(self, by: tuple[str, ...]) -> dict[tuple[str, ...], dict[str, int]]:
        counted: dict[tuple[str, ...], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for row in (*self._rows("open_by_flow", {}), *self._rows("pending_by_flow", {})):
            counted[tuple(row[name] for name in by)][row["state"]] += row["count"]
        return {pair: dict(states) for pair, states in counted.items()}

    def _last_success(self) -> dict[tuple[str, ...], int]:
        return {(row["flow"], row["destination"]): row["at_ms"] for row in self._rows("last_success_minutes", {})}

    def _latencies(self, success: dict[tuple[str, ...], int]) -> dict[tuple[str, ...], int]:
        """The median per pair; sharpens `success` from the minute to the millisecond on the way."""
        found: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for row in self._rows("recent_latencies", {"newest": NEWEST_DELIVERIES}):
            pair = (row["flow"], row["destination"])
            found[pair].append(row["latency_ms"])
            success[pair] = max(success.get(pair, 0), row["done_ms"])
        return {pair: round(median(values)) for pair, values in found.items()}

    def _destination_health(self, now_ms: int) -> tuple[DestinationHealth, ...]:
        breakers = {row["destination"]: row for row in self._rows("breakers", {})}
        open_work = {pair[0]: states for pair, states in self._open_work(("destination",)).items()}
        due = {row["destination"]: row["due_ms"] for row in self._rows("next_due", {})}
        written = {
            row["destination"]: row["written"] for row in self._rows("written_since", {"minute": now_ms // 60_000 - 1})
        }
        return tuple(
            DestinationHealth(
                destination=name,
                **_breaker(breakers.get(name)),
                open=open_work.get(name, {}),
                next_due_ms=due.get(name, 0),
                written_last_minute=written.get(name, 0),
            )
            for name in sorted(breakers.keys() | open_work.keys() | written.keys())
        )

    def _recent_orders(self, limit: int, wanted: dict[str, Any]) -> tuple[ObjectRow, ...]:
        where, parameters = _where(wanted, ORDER_CLAUSES)
        return self._with_lanes("order", self._rows("orders", {"limit": limit, **parameters}, where))

    def _with_lanes(self, object_name: str, heads: list[Row]) -> tuple[ObjectRow, ...]:
        keys = json.dumps([head["key"] for head in heads])
        lanes: dict[tuple[str, str], list[Lane]] = defaultdict(list)
        for row in self._rows("lanes", {"object": object_name, "keys": keys}):
            lanes[row.pop("system"), row.pop("key")].append(Lane(**row))
        return tuple(_head(head, lanes[head["system"], head["key"]]) for head in heads)

    def _search(self, text: str, limit: int) -> tuple[Hit, ...]:
        if not text:
            return ()
        parameters = {"text": text, "limit": limit, "newest": NEWEST_SEARCHED, "objects": json.dumps(OBJECTS)}
        hits: dict[tuple[str, str], Hit] = {}
        for name in (name for name in self._sql if name.startswith("found_")):
            for row in self._rows(name, _only(self._sql[name], parameters)):
                hits.setdefault((row["object"], row["key"]), Hit(**row))
        return self._with_origins(tuple(hits.values())[:limit])

    def _with_origins(self, hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
        """Each with the systems that it began in: of two stores, both may have a #1001."""
        origins: dict[tuple[str, str], list[str]] = defaultdict(list)
        for row in self._rows("origins_of", {"hits": json.dumps([(hit.object, hit.key) for hit in hits])}):
            origins[row["object"], row["key"]].append(row["system"])
        return tuple(msgspec.structs.replace(hit, systems=tuple(origins[hit.object, hit.key])) for hit in hits)

    def _story(self, object_name: str, key: str, system: str) -> Story | None:
        which: Row = {"object": object_name, "key": key}
        heads = self._rows("heads", which)
        told = next((head for head in heads if head["system"] == (system or heads[0]["system"])), None)
        if told is None:
            return None
        limited = which | {"system": told["system"], "limit": ROWS_OF_A_STORY}
        deliveries = _all(DeliveryRow, self._rows("deliveries_of", limited))
        ids = json.dumps([delivery.id for delivery in deliveries])
        attempts = self._rows("attempts_of", {"deliveries": ids, "limit": ROWS_OF_A_STORY})
        head = self._with_lanes(object_name, [told])[0]
        return Story(
            head=head,
            events=self._events(limited),
            deliveries=deliveries,
            attempts=_all(AttemptRow, reversed(attempts)),
            links=_all(LinkRow, self._rows("links_of", limited)),
            dead_letters=_all(DeadLetterRow, self._letters_of(ids, deliveries)),
            audit=_all(AuditRow, self._audit_of(head, deliveries)),
            also_in=tuple(other["system"] for other in heads if other is not told),
        )

    def _events(self, limited: Parameters) -> tuple[EventRow, ...]:
        events = self._rows("events_of", limited)[::-1]
        seen = self._rows(
            "sightings_of", {"positions": json.dumps([event["position"] for event in events]), "limit": ROWS_OF_A_STORY}
        )
        sightings: dict[int, list[Sighting]] = defaultdict(list)
        for row in seen:
            sightings[row.pop("position")].append(Sighting(**row))
        return tuple(EventRow(**_readable(event), sightings=tuple(sightings[event["position"]])) for event in events)

    def _letters_of(self, ids: str, deliveries: tuple[DeliveryRow, ...]) -> list[Row]:
        """Letters cannot be older than the first of their deliveries, which lets the time index serve."""
        since = min((delivery.created_ms for delivery in deliveries), default=0)
        return self._rows("dead_letters_of", {"deliveries": ids, "since_ms": since, "limit": ROWS_OF_A_STORY})

    def _audit_of(self, head: ObjectRow, deliveries: tuple[DeliveryRow, ...]) -> list[Row]:
        subjects = [f"{head.object}/{head.key}", head.name, *(f"delivery/{delivery.id}" for delivery in deliveries)]
        about = {
            "subjects": json.dumps(subjects),
            "deliveries": json.dumps([delivery.id for delivery in deliveries]),
            "since_ms": min((delivery.created_ms for delivery in deliveries), default=0),
        }
        return self._rows("audit_of", about | {"newest": NEWEST_SEARCHED})

    def _dead_letter_groups(self, which: Filter, now_ms: int) -> tuple[DeadLetterGroup, ...]:
        where, parameters = _where(msgspec.structs.asdict(which), LETTER_CLAUSES)
        groups = self._rows("dead_letter_groups", {"limit": LARGEST_GROUP_LIST, **parameters}, where)
        returns = self._rows("dead_letter_returns", {"since_ms": now_ms - RETURN_WINDOW_DAYS * 86_400_000})
        returned = {row["fingerprint"]: row["count"] for row in returns}
        hours = _grouped(self._rows("dead_letter_hours", {"until_ms": now_ms}), ("fingerprint",))
        return tuple(
            DeadLetterGroup(
                **group,
                returned=returned.get(group["fingerprint"], 0),
                series=_by_hour(hours.get((group["fingerprint"],), [])),
            )
            for group in groups
        )

    def _page(self, kind: type[T], query: str, clauses: Mapping[str, str], which: Filter, more: Row) -> tuple[T, ...]:
        where, parameters = _where(msgspec.structs.asdict(which) | more, clauses)
        return _all(kind, self._rows(query, {"limit": which.limit, **parameters}, where))

    def _states(self, which: Filter, text: str) -> Mapping[str, int]:
        where, parameters = _where(msgspec.structs.asdict(which) | {"states": (), "text": text}, DELIVERY_CLAUSES)
        return {row["state"]: row["count"] for row in self._rows("states", parameters, where)}

    def _replay(self, replay_id: int) -> ReplayProgress | None:
        found = self._rows("replay", {"id": replay_id})
        if not found:
            return None
        results = _all(DestinationResult, self._rows("replay_results", {"id": replay_id}))
        return ReplayProgress(**(found[0] | {"paused": bool(found[0]["paused"]), "destinations": results}))


def _all(kind: type[T], rows: Iterable[Row]) -> tuple[T, ...]:
    return tuple(kind(**row) for row in rows)


def _where(wanted: Mapping[str, Any], clauses: Mapping[str, str]) -> tuple[str, Row]:
    """The clauses of the fields that say something, and their values; the texts are those of the tables above, never a user's."""
    said = {
        name: json.dumps(value) if isinstance(value, tuple) else value
        for name, value in wanted.items()
        if value and name in clauses
    }
    return "".join(f" AND {clauses[name]}" for name in said), said


def _only(sql: str, parameters: Row) -> Row:
    return {name: value for name, value in parameters.items() if f":{name}" in sql}


def _readable(event: Row) -> Row:
    """The body as it came, None when it is not the one that was accepted (`interlock doctor --deep` tells)."""
    body = event["body"]
    with suppress(UnreadableBodyError):
        body = None if body is None else unpack(body, event["size_bytes"], event["sha256"])
        return event | {"body": body, "sha256": event["sha256"].hex()}
    return event | {"body": None, "sha256": event["sha256"].hex()}


def _grouped(rows: list[Row], by: tuple[str, ...]) -> dict[tuple[str, ...], list[Row]]:
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in by)].append(row)
    return groups


def _tile(
    pair: tuple[str, ...],
    traffic: list[Row],
    window: Window,
    open_work: Mapping[str, int],
    success_ms: int,
    p50: int | None,
) -> FlowTile:
    points = {row["bucket"]: Point(done=row["done"], dead=row["dead"], retried=row["retried"]) for row in traffic}
    counts = {name: sum(row[name] for row in traffic) for name in ("done", "unchanged", "dead", "retried")}
    return FlowTile(
        flow=pair[0],
        destination=pair[1],
        **counts | {"done": counts["done"] - counts["unchanged"]},  # the ledger counts those among the done
        latency_ms_p50=p50,
        latency_ms_max=max((row["latency_ms_max"] for row in traffic), default=0),
        last_success_ms=success_ms,
        open=open_work,
        series=tuple(points.get(bucket, Point()) for bucket in range(window.buckets)),
    )


def _breaker(row: Row | None) -> Row:
    if row is None:
        return {}
    return {
        "breaker": row["state"],
        **{name: row[name] for name in ("failures", "changed_ms", "paused_until_ms", "last_error")},
    }


def _head(row: Row, lanes: list[Lane]) -> ObjectRow:
    return ObjectRow(**(row | {"summary": _summary(row["summary"]), "lanes": tuple(lanes)}))


def _summary(text: str) -> Mapping[str, Any]:
    """What the ledger keeps for lists; an unreadable one is an empty one, for a list must not fail over one row."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _by_hour(rows: list[Row]) -> tuple[int, ...]:
    counts = {row["hours_ago"]: row["count"] for row in rows}
    return tuple(counts.get(hours_ago, 0) for hours_ago in range(23, -1, -1))

"""The read port of the console: what is asked of the ledger and the inbox, and the rows that come back. Knows no vendor."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

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
from interlock.messaging.stock_views import StockLook
from interlock.messaging.stops import Stop
from interlock.messaging.subscriptions import Kept
from interlock.messaging.sweeps import Missed, Sweep
from interlock.messaging.traffic import Traffic
from interlock.strategy.evidence import Running

R = TypeVar("R")


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time, cut into equal buckets for a sparkline."""

    since_ms: int
    until_ms: int
    buckets: int = 48

    @property
    def bucket_ms(self) -> int:
        return max(60_000, -(-(self.until_ms - self.since_ms) // self.buckets))


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One bucket of a sparkline."""

    done: int = 0
    dead: int = 0
    retried: int = 0


class FlowTile(msgspec.Struct, frozen=True, kw_only=True):
    """One flow at one destination. `latency_ms_p50` is over its newest finished deliveries, None when there are none."""

    flow: str
    destination: str
    done: int = 0
    unchanged: int = 0
    dead: int = 0
    retried: int = 0
    latency_ms_p50: int | None = None
    latency_ms_max: int = 0
    last_success_ms: int = 0
    open: Mapping[str, int] = {}
    series: tuple[Point, ...] = ()

    @property
    def success_share(self) -> float | None:
        """Delivered of all that ended in the window; None when nothing ended."""
        good = self.done + self.unchanged
        return good / (good + self.dead) if good + self.dead else None


class DestinationHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Breaker, backlog and present speed of a destination. `next_due_ms` is 0 when nothing waits for a time."""

    destination: str
    breaker: str = "closed"
    failures: int = 0
    changed_ms: int = 0
    paused_until_ms: int = 0
    last_error: str = ""
    open: Mapping[str, int] = {}
    next_due_ms: int = 0
    written_last_minute: int = 0


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """Where one object stands at one destination."""

    flow: str
    destination: str
    state: str
    due_ms: int = 0


class ObjectRow(msgspec.Struct, frozen=True, kw_only=True):
    """The head of an object's history. `summary` holds total, currency, test, cancelled, as the ledger keeps them."""

    system: str
    object: str
    key: str
    name: str
    version: int
    event: int
    first_seen_ms: int
    last_seen_ms: int
    events: int
    summary: Mapping[str, Any] = {}
    lanes: tuple[Lane, ...] = ()


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One object that a search found, and by what: `order name`, `key`, `id at netsuite`, `event id`, `our reference`.
    `systems` are those that it began in."""

    object: str
    key: str
    name: str
    why: str
    systems: tuple[str, ...] = ()


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """A further arrival of an event that was already there."""

    seen_at_ms: int
    topic: str
    event_id: str
    webhook_id: str
    flags: str


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the inbox. `body` is None once trimmed."""

    position: int
    system: str
    dialect: str
    topic: str
    object: str
    key: str
    name: str
    version: int
    facts: str
    event_id: str
    webhook_id: str
    api_version: str
    triggered_at_ms: int
    received_at_ms: int
    release: str
    flags: str
    priority: int
    sha256: str
    size_bytes: int
    body: bytes | None
    sightings: tuple[Sighting, ...] = ()


class DeliveryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the ledger, as the lists and the story show it."""

    id: int
    flow: str
    system: str
    destination: str
    object: str
    key: str
    name: str
    signal: str
    state: str
    priority: int
    due_ms: int
    release: str
    attempts: int
    reason: str
    code: str
    error: str
    waiting_for: str
    received_ms: int
    created_ms: int
    updated_ms: int
    done_ms: int
    warnings: str
    wanted_event: int = 0


class AttemptRow(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a delivery; no `verdict` means that it is in flight, or that the process died in it."""

    id: int
    delivery: int
    number: int
    operation: str
    action: str
    once: str
    reference: str
    idempotency_key: str
    content_hash: str
    event: int
    release: str
    body: bytes | None
    begun_ms: int
    ended_ms: int
    verdict: str
    resolution: str
    status: int
    code: str
    message: str
    external_id: str


class LinkRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was last written for the object, by which operation, at which system."""

    system: str
    operation: str
    signal: str
    reference: str
    external_id: str
    written_ms: int
    writes: int


class DeadLetterRow(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that needs a person, or needed one (`closed_ms`). `system`: the one that the object is of."""

    id: int
    delivery: int
    at_ms: int
    flow: str
    system: str
    destination: str
    object: str
    key: str
    name: str
    reason: str
    code: str
    error: str
    fingerprint: str
    owner: str
    attempts: int
    closed_ms: int = 0
    resolution: str = ""
    closed_by: str = ""
    why: str = ""


class DeadLetterGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Open dead letters with one cause. `returned` counts closed ones of the same cause: it came back.

    `series` is by hour, oldest first.
    """

    fingerprint: str
    flow: str
    destination: str
    reason: str
    code: str
    error: str
    owner: str
    count: int
    first_ms: int
    last_ms: int
    returned: int = 0
    series: tuple[int, ...] = ()


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries of one destination that wait for credentials or a permission of ours; `error` is the newest refusal."""

    destination: str
    waiting_for: str
    reason: str
    code: str
    error: str
    count: int
    first_ms: int
    last_ms: int


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what, to what, and why."""

    at_ms: int
    who: str
    action: str
    subject: str
    why: str
    detail: str


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """All that the hub knows of one object, each list oldest first. `also_in` are the other systems in which an object of this
    kind and key began: two stores may give one number to two orders (C47), and each has a story of its own."""

    head: ObjectRow
    events: tuple[EventRow, ...] = ()
    deliveries: tuple[DeliveryRow, ...] = ()
    attempts: tuple[AttemptRow, ...] = ()
    links: tuple[LinkRow, ...] = ()
    dead_letters: tuple[DeadLetterRow, ...] = ()
    audit: tuple[AuditRow, ...] = ()
    also_in: tuple[str, ...] = ()


class DestinationResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay did at one destination; `object` is empty when it moved several kinds.

    `duplicates` counts deliveries of which one operation created two records.
    """

    destination: str
    object: str
    total: int
    delivered: int
    unchanged: int
    dead: int
    superseded: int
    duplicates: int
    cancelled: int = 0


class ReplayProgress(msgspec.Struct, frozen=True, kw_only=True):
    """A replay and what became of its deliveries so far."""

    id: int
    at_ms: int
    by: str
    why: str
    release: str
    total: int
    paused: bool
    destinations: tuple[DestinationResult, ...] = ()

    @property
    def finished(self) -> int:
        return sum(d.delivered + d.unchanged + d.dead + d.superseded + d.cancelled for d in self.destinations)


class Pulse(msgspec.Struct, frozen=True, kw_only=True):
    """Cheap to read and different whenever a page would be: what live pages watch.

    `work` changes when a call ends, a delivery is claimed or closed, or a breaker moves; it counts nothing.
    """

    events: int
    changed_ms: int
    dead: int
    audits: int
    work: int = 0


class Views(Protocol):
    """The read port. Every method is a snapshot; none blocks the event loop or writes. Lists are newest first unless they say otherwise."""

    async def flow_tiles(self, window: Window) -> tuple[FlowTile, ...]:
        """Each flow and destination with traffic in the window or with open work."""

    async def destination_health(self, now_ms: int) -> tuple[DestinationHealth, ...]:
        """Each destination that the ledger knows."""

    async def recent_orders(
        self, *, limit: int, text: str = "", state: str = "", before_ms: int = 0
    ) -> tuple[ObjectRow, ...]:
        """Orders by last event; `text` is part of the business name, `state` that of any of its deliveries."""

    async def search(self, text: str, *, limit: int = 50) -> tuple[Hit, ...]:
        """By business name with or without #, key, external id at any system, event id, our reference, or what it waits for."""

    async def story(self, object_name: str, key: str, *, system: str = "") -> Story | None:
        """Of the object that began in `system`, or without one in any: of several, the one that changed last. None when the hub
        has never heard of it."""

    async def dead_letter_groups(self, which: Filter, *, now_ms: int) -> tuple[DeadLetterGroup, ...]:
        """Open dead letters by cause, largest first."""

    async def holds(self) -> tuple[Hold, ...]:
        """What does not go on until a person renews credentials or grants a permission, largest first."""

    async def dead_letters(self, which: Filter, *, text: str = "", before: int = 0) -> tuple[DeadLetterRow, ...]:
        """Open ones only, at most `which.limit`; `before` is the id of the last row of the page before."""

    async def deliveries(self, which: Filter, *, text: str = "", before: int = 0) -> tuple[DeliveryRow, ...]:
        """One page of the ledger, at most `which.limit`; `text` is part of a name, key, code or error."""

    async def states(self, which: Filter, *, text: str = "") -> Mapping[str, int]:
        """How many deliveries the filter chooses, by state (the filter's own states are ignored)."""

    async def replay(self, replay_id: int) -> ReplayProgress | None:
        """None when there is no such replay."""

    async def processes(self, object_name: str, key: str) -> tuple[ProcessRow, ...]:
        """The processes of an object, each with the steps of its present run."""

    async def traffic(self, since_ms: int) -> Traffic:
        """The newest events, and what ended per flow and destination, since then."""

    async def subscriptions(self) -> tuple[Kept, ...]:
        """The webhook subscriptions that flows need, as the last look found them."""

    async def sweeps(self, limit: int) -> tuple[Sweep, ...]:
        """The newest comparisons with sources, newest first."""

    async def sweep(self, number: int) -> Sweep | None:
        """One by its number."""

    async def latest_sweeps(self) -> tuple[Sweep, ...]:
        """The last whole one of each object of each system."""

    async def missed(self, *, of_sweep: int = 0, since_ms: int = 0, limit: int = 500) -> tuple[Missed, ...]:
        """What sweeps found that nobody had told of, newest first; of one sweep when it is named."""

    async def stock_accuracy(self) -> tuple[Accuracy, ...]:
        """The newest whole comparison of each channel: as a whole (place "") and by place."""

    async def stock_trend(
        self, channel: str, *, place: str = "", since_ms: int = 0, limit: int = 500
    ) -> tuple[Accuracy, ...]:
        """The same of one channel or place over time, oldest first."""

    async def stock_heat(self, channel: str = "") -> tuple[Heat, ...]:
        """Groups of items by place, of the newest whole comparison."""

    async def stock_differences(
        self, *, channel: str = "", sku: str = "", location: str = "", cause: str = "", limit: int = 50
    ) -> tuple[Difference, ...]:
        """What stands now, the worst first."""

    async def stock_causes(self, channel: str = "") -> tuple[CauseCount, ...]:
        """Why places differed in the newest whole comparison."""

    async def stock_runs(self, *, limit: int = 20) -> tuple[Run, ...]:
        """Comparisons and full syncs, newest first."""

    async def stock_run(self, number: int) -> Run | None:
        """One by its number."""

    async def stock_sync_preview(self, channel: str, *, sku: str = "", places: Sequence[str] = ()) -> SyncPreview:
        """What a full sync to a channel would do."""

    async def missed_counts(self, since_ms: int) -> Mapping[tuple[str, str], int]:
        """(kind, cause) -> how many since then, dry sweeps not counted."""

    async def privacy_requests(self) -> tuple[PrivacyRequest, ...]:
        """What people asked of their data: open ones first, by their day."""

    async def privacy_request(self, number: int) -> PrivacyRequest | None:
        """One by its number."""

    async def privacy_export(self, request: PrivacyRequest) -> bytes:
        """Everything that the stores hold of the person, as JSON, in the clear: whoever calls it audits it."""

    async def evidence(self, now_ms: int) -> Running:
        """What the checklist wants to see of what ran; calls within the last minute are in `destination_health`."""

    async def refused_fields(self, since_ms: int) -> tuple[RefusedCount, ...]:
        """What deliveries left out whose event was received since then, by flow, destination and field."""

    async def money_differences(self) -> tuple[MoneyDifferences, ...]:
        """Deliveries whose newest document books a difference that no part explains (C31), where there are any."""

    async def flow_stops(self) -> tuple[Stop, ...]:
        """Flows that a person has paused, or lets drain."""

    async def drain_left(self, stop: Stop) -> Mapping[str, int]:
        """What a drain has still to end, by state."""

    async def backfills(self, limit: int) -> tuple[Backfill, ...]:
        """The newest backfills, newest first."""

    async def backfill(self, number: int) -> Backfill | None:
        """One by its number."""

    async def silences(self) -> tuple[Silence, ...]:
        """Flows that are enabled and deliver nothing, or far too little, now; the oldest first."""

    async def consumers(self) -> tuple[Consumer, ...]:
        """Who used which version of an object, and when last."""

    async def stock(self, ask: Callable[[StockLook], R]) -> R | None:
        """The answer to a question about stock, on one moment of the book; None in a store that has no such book."""

    async def audit(self, *, limit: int) -> tuple[AuditRow, ...]:
        """What people and gates did."""

    async def pulse(self) -> Pulse:
        """See Pulse."""

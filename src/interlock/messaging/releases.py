"""What runs: the port through which the router and the dispatcher ask a release about flows, documents and
destinations."""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from interlock.messaging.delivery import Delivery, Want
from interlock.messaging.event import Event
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.process import Script
from interlock.messaging.redelivery import RetryPolicy
from interlock.messaging.source import Held
from interlock.messaging.write import Destination, Source

Holding = tuple[Held, ...] | Retry | Refused


class Document(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A canonical object and the version of the source that it was read from. `cautions` are words for its deliveries, by
    destination, while the source's documents drift from the mapping."""

    value: Any
    version: int
    event: int = 0
    cautions: Mapping[str, tuple[str, ...]] = {}


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How a destination wants to be treated. Times in seconds. Of `concurrency`, `kept_for_live` are for what is live alone: where
    a call takes minutes, all others would wait for replays and backfills."""

    concurrency: int = 8
    kept_for_live: int = 0
    rate_per_second: float | None = None
    burst: float | None = None
    timeout_seconds: float = 30.0
    breaker_failures: int = 10
    probe_interval_seconds: float = 30.0
    retry: RetryPolicy = RetryPolicy()


class Release(Protocol):
    """One immutable build of a strategy folder."""

    id: str

    def wants(self, event: Event) -> Sequence[Want]:
        """What the flows of this release want done because of an event."""

    def document(self, system: str, object_name: str, body: bytes) -> Document:
        """Translate a source's body into a canonical object. Raises MappingError with the path of the value."""

    def script(self, flow: str) -> Script | None:
        """The steps of a middleware flow; None for every other."""

    def straight(self, flow: str) -> bool:
        """Whether the flow is point-to-point: no canonical object is made of what it moves."""

    def raw(self, flow: str, key: str, body: bytes) -> Document:
        """The source's own document, on its way to the one destination of a point-to-point flow."""

    def serves(self, flow: str, destination: str) -> bool:
        """Whether this release has the flow, and the flow that destination: work of an older folder may follow a newer
        one that has dropped it."""

    def paused(self, flow: str) -> bool:
        """Whether the folder has stopped this flow: its deliveries are made and wait."""

    def retry(self, flow: str) -> RetryPolicy | None:
        """The flow's own way to try again, in place of its destinations'."""

    def admits(self, flow: str, document: Document, signal: str, now_ms: int) -> str:
        """'' when the flow takes this object; else why it does not, in words for the story."""

    def waits_for(self, flow: str, document: Document) -> Collection[str]:
        """What this flow waits for before this object is told for the first time; what does not apply to it is left out."""

    def held(self, system: str, object_name: str, key: str, *, timeout_seconds: float) -> Awaitable[Holding]:
        """Ask a source what holds an object back."""

    def wakes(self, event: Event) -> str:
        """What may go on because of this event: a `waiting_for`, "" for nothing."""

    def standing(self, flow: str, destination: str, now_ms: int) -> tuple[str, ...]:
        """Warnings about what this way still uses and soon may not, such as an old version of an object. Raises Stop
        (interlock.messaging.finished) when it may not now."""

    def destination(self, name: str, source: str) -> Destination:
        """The system to write to, as a flow from `source` may: what another system is record of is left out."""

    def source(self, name: str) -> Source:
        """The system to read from."""

    def limits(self, destination: str) -> Limits:
        """Its limits; a source that is read again has them too."""

    def owner(self, flow: str) -> str:
        """The team that owns a flow's trouble."""


class Releases(Protocol):
    """Releases by id; the current one serves new events and names the destinations that run."""

    def current(self) -> Release:
        """The active release."""

    async def get(self, release: str) -> Release:
        """A release that work in flight was accepted under, compiled again from the ledger when needed."""

    def destinations(self) -> Sequence[str]:
        """Systems of the current release, and of older ones with open work, that are written to."""

    def limits(self, destination: str) -> Limits:
        """The limits of one of them, by the newest release that names it."""


def describe(delivery: Delivery) -> str:
    """A delivery in words for logs: no personal data."""
    what = f"{delivery.object} {delivery.name or delivery.key}"
    return f"delivery {delivery.id} {delivery.flow} -> {delivery.destination} {what}"

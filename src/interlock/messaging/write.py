"""A write: one call that changes another system, and the way in which it becomes once-only."""

import enum
import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from interlock.messaging.outcome import Outcome, Refused, Retry, Uncertain


class Once(enum.Enum):
    """How a write that may have happened is made safe to finish, best first. A create without one is refused at
    load."""

    UPSERT = "upsert"
    """The call itself is idempotent by our reference: send it again."""
    KEY = "key"
    """The vendor remembers our idempotency key for `memory_seconds`: send it again with the same key within that
    time."""
    LOOK_UP = "look_up"
    """Look for our reference after a quiet period longer than the vendor's longest processing time; create only when it
    is absent."""
    HAND = "hand"
    """Nobody can know: a person decides."""


class Write(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One call of a plan. `reference` is our name for the record at the destination; `body` is exactly what is sent.

    `object` and `key` name the canonical object that the write is about when it is another than the delivery's own: an
    order brings its customer along, and the customer's crosswalk and version fence are the customer's, not the order's.
    """

    operation: str
    once: Once
    reference: str
    body: bytes
    object: str = ""
    key: str = ""
    action: str = "write"
    external_id: str = ""
    quiet_period_seconds: float = 0.0
    memory_seconds: float = 0.0

    @property
    def content_hash(self) -> str:
        """SHA-256 (32 hex digits) of operation, action, reference and body: equal means that sending it again could
        change nothing. Two cancellations have no body, and are about two parcels."""
        parts = (self.operation.encode(), self.action.encode(), self.reference.encode(), self.body)
        return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


class Link(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The crosswalk row: what we last wrote for one object, by one operation, at one system."""

    operation: str
    reference: str
    external_id: str
    version: int
    content_hash: str


class Past(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the hub knows of an object's life at a destination when it plans: links by operation."""

    links: Mapping[str, Link] = {}


class RefusedField(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A field that was left out of a document because another system is record of it: `customer.phone`, and whose it
    is. `record` is the system ("" when the folder names none), `team` its owner, `words` what a person reads."""

    field: str
    record: str
    team: str
    words: str


class Plan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The writes, in order, that bring the destination to the wanted state; none when there is nothing to do
    (`because`). `refused` are fields that these writes leave out; `wakes` is what others may wait for
    (`credit:shopify-1`), decided once this is done."""

    writes: tuple[Write, ...] = ()
    because: str = ""
    warnings: tuple[str, ...] = ()
    refused: tuple[RefusedField, ...] = ()
    wakes: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The destination has a record under our reference."""

    external_id: str


class Absent(msgspec.Struct, frozen=True, gc=False):
    """The destination has no record under our reference at this moment."""


LookUp = Found | Absent | Retry | Uncertain | Refused


class Destination(Protocol):
    """What the dispatcher asks of a system that it writes to. One instance per (release, system)."""

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:
        """Translate a canonical object into writes. Pure. Raises MappingError; UnmappedReference makes the delivery
        wait."""

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:
        """Make the call. Never raises for what the network or the vendor does: that is an outcome."""

    async def look_up(self, write: Write, *, timeout_seconds: float) -> LookUp:
        """Find out whether the record of `write.reference` exists."""


class Source(Protocol):
    """What the dispatcher asks of a system that it reads from."""

    async def read(self, object_name: str, key: str, *, timeout_seconds: float) -> bytes | Retry | Refused:
        """The object's present state as the raw bytes of the vendor's answer, in the shape that the `in` mapping
        reads."""

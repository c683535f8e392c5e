"""What a system that is read from may offer beside reading one object: listing what changed, reading all in bulk, telling by webhook."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Protocol

import msgspec

from interlock.messaging.event import Subject
from interlock.messaging.outcome import Refused, Retry


class Listed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One object as a listing shows it. `body` is what an event of it says (JSON, never the whole object), `subject`
    what that body is about: key, version, the facts that it proves, not complete."""

    subject: Subject
    body: bytes


class Page(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A page of a listing in ascending order of version; `after` is the cursor of the next one, "" at the end."""

    items: tuple[Listed, ...]
    after: str = ""


class Listing(Protocol):
    """Lists what changed, so that webhooks need not be complete. Versions and times are microseconds since the epoch."""

    listable: frozenset[str]
    """Objects that can be listed: `order`, `customer`."""

    async def changed(
        self, object_name: str, *, since: int, until: int, after: str, timeout_seconds: float
    ) -> Page | Retry | Refused:
        """What changed in [since, until), a page at a time. A window that holds more than the vendor pages through is
        Refused with code WINDOW-TOO-LARGE: the caller halves it (C75)."""

    async def present(
        self, object_name: str, keys: Sequence[str], *, timeout_seconds: float
    ) -> dict[str, int] | Retry | Refused:
        """The versions of those among `keys` (at most 250) that still exist; what is missing was deleted."""


class BulkState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How far a bulk reading is at the vendor. `state`: running, done, failed, cancelled, expired. `count` objects so
    far; `url` of the result when it is there (also of a partial one, when it failed)."""

    id: str
    state: str
    count: int = 0
    url: str = ""
    partial: bool = False
    code: str = ""


class Whole(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One whole object of a bulk result or of a page, in the shape of a webhook's body; `line` is the first line after it
    in the result, from which a resumed reading goes on. `created` is when it was created, in microseconds: a reading
    that has to begin anew begins with what was created then."""

    subject: Subject
    body: bytes
    line: int = 0
    created: int = 0


class WholePage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A page of whole objects in the order of their creation; `after` is the cursor of the next one, "" at the end."""

    items: tuple[Whole, ...]
    after: str = ""


class Reach(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a reading of everything would give. `count` objects, 0 when the vendor does not say; `missing` in words, ''
    when nothing would be."""

    count: int = 0
    missing: str = ""
    next_move: str = ""


class Held(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why the source holds an object back: `kind` is what a flow may wait for (holds, risk), `words` for the operator (no
    personal data), `part` the id of what holds it, whose next event is worth another look."""

    kind: str
    words: str
    part: str = ""


class Gatekeeper(Protocol):
    """A source that knows more of an object than it tells: whether it may leave."""

    async def held(
        self, object_name: str, key: str, *, timeout_seconds: float
    ) -> tuple[Held, ...] | Retry | Refused:
        """What holds it back now; nothing is an empty tuple. Cheaper than reading the object."""


class Bulk(Protocol):
    """Reads everything there is at the vendor's own pace. Times are microseconds since the epoch, `since` 0 is the
    beginning; what counts is when an object was created."""

    bulk_objects: frozenset[str]
    """Objects that can be read so: `order`, `customer`, `product`."""

    async def reach(
        self, object_name: str, *, since: int, until: int, timeout_seconds: float
    ) -> Reach | Retry | Refused:
        """What can be read of the objects of that time, and what would be missing and why (C76)."""

    async def begin(
        self, object_name: str, *, since: int, until: int, timeout_seconds: float
    ) -> BulkState | Retry | Refused:
        """Start one; the id is kept before anything else is done."""

    async def look(self, bulk_id: str, *, timeout_seconds: float) -> BulkState | Retry | Refused:
        """How far it is."""

    async def cancel(self, bulk_id: str, *, timeout_seconds: float) -> BulkState | Retry | Refused:
        """Let the vendor end it; one that has ended stays as it is."""

    def objects(
        self, object_name: str, state: BulkState, *, from_line: int
    ) -> AsyncGenerator[Whole | Retry | Refused, None]:
        """The objects of its result, streamed, from a line on. Retry: what is left can be read later. Refused: the result
        is there no more."""

    async def page(
        self, object_name: str, *, since: int, until: int, after: str, timeout_seconds: float
    ) -> WholePage | Retry | Refused:
        """The same objects without a bulk operation: a page at a time, at the pace that the vendor allows, behind live
        work."""


class Subscription(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A webhook subscription as a flow wants it, or as the vendor has it (then `id` is set)."""

    topic: str
    address: str
    name: str = ""
    filter: str = ""
    fields: tuple[str, ...] = ()
    metafields: tuple[str, ...] = ()
    id: str = ""


class Subscriber(Protocol):
    """Keeps the vendor telling us."""

    async def subscriptions(self, *, timeout_seconds: float) -> list[Subscription] | Any:
        """Those that this app made; Retry or Refused otherwise."""

    async def subscribe(self, wanted: Subscription, *, timeout_seconds: float) -> Any:
        """Create one, or correct that of the same topic and name: Done, Retry, Uncertain or Refused."""

    async def unsubscribe(self, subscription_id: str, *, timeout_seconds: float) -> Any:
        """Remove one that nobody wants any more: Done, also when it is gone."""

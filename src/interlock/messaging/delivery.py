"""A delivery: the work to bring one object key up to date at one destination by one flow. Its states are drawn in
ARCHITECTURE.md."""

from typing import Literal

import msgspec

from interlock.messaging.write import Link, Write

State = Literal[
    "pending", "running", "done", "waiting", "retrying", "uncertain", "dead", "held", "superseded", "cancelled"
]

OPEN: tuple[State, ...] = ("pending", "running", "retrying", "uncertain", "waiting", "held")
"""States that keep later deliveries of the same lane from starting."""

CLOSED: tuple[State, ...] = ("done", "dead", "superseded", "cancelled")

LIVE, REPLAY, BACKFILL = 0, 1, 2
"""Priorities: live traffic passes before replays, replays before backfills."""


class Want(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The router's wish: bring (object, key) to at least `version` at `destination`. `signal` is '' for level-triggered
    flows. `object` and `key` name a part that a fact of the event is about, when it is not the event's own object: an
    order's refund, which has an id and a life of its own and is read by it.
    """

    flow: str
    destination: str
    signal: str = ""
    object: str = ""
    key: str = ""


class Attempt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A call whose fate was not settled when the delivery was claimed: what was sent, under which key, and when at the
    latest."""

    id: int
    write: Write
    idempotency_key: str
    content_hash: str
    version: int
    begun_ms: int
    latest_send_ms: int

    @property
    def quiet_until_ms(self) -> int:
        """Until then the destination may still be working on it."""
        return self.latest_send_ms + round(self.write.quiet_period_seconds * 1000)

    @property
    def remembered_until_ms(self) -> int:
        """Until then the destination remembers the idempotency key."""
        return self.begun_ms + round(self.write.memory_seconds * 1000)


class Delivery(msgspec.Struct, gc=False):
    """One claimed row, with what its work needs: the crosswalk so far and the attempts whose fate is open.

    `replayed`: an open replay holds it and is to be told the result.

    `token` is the fencing token of this claim: every later write to the ledger names it, and a writer with an older one
    is refused.
    """

    id: int
    flow: str
    system: str
    destination: str
    object: str
    key: str
    name: str
    signal: str
    release: str
    priority: int
    wanted_event: int
    wanted_version: int
    reread: bool
    revision: int
    attempts: int
    crashes: int
    token: int
    received_ms: int
    was: str
    replayed: bool = False
    lease_until_ms: int = 0
    links: dict[str, Link] = {}
    unsettled: tuple[Attempt, ...] = ()


class Intent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is about to be called; committed before the call."""

    delivery: Delivery
    write: Write
    version: int
    event: int
    idempotency_key: str
    content_hash: str
    begun_ms: int
    latest_send_ms: int
    force: bool = False
    """Send although the content equals what was last written: an earlier attempt with other content may still land."""


class Begun(msgspec.Struct, frozen=True, gc=False):
    """The intent is on the disk: call now."""

    attempt: int


class Unneeded(msgspec.Struct, frozen=True, gc=False):
    """No call: `unchanged` (the destination has this content), `superseded` (it has a newer version) or `fenced` (the
    claim was lost)."""

    because: Literal["unchanged", "superseded", "fenced"]


class Failure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why a delivery does not go on now."""

    reason: str
    code: str
    message: str
    body: bytes | None = None
    waiting_for: str = ""

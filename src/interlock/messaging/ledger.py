"""The ledger port: deliveries, intents, links, dead letters, releases, audit. Every method is one durable
transaction."""

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

import msgspec

from interlock.messaging.delivery import Begun, Delivery, Failure, Intent, Unneeded, Want
from interlock.messaging.event import Event
from interlock.messaging.outcome import Outcome
from interlock.messaging.process import ProcessStore
from interlock.messaging.write import RefusedField


class Routed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event and what it is to set in motion. `late`: it took so long to reach us that its content may be out of
    date."""

    event: Event
    wants: tuple[Want, ...]
    late: bool = False


class Closing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a claim ends. Exactly one of the forms below; `due_ms` is for those that come back.

    done: `version` reached. `superseded`/`cancelled`: nothing to do, `failure.message` says why.
    waiting, retrying, uncertain: comes back at `due_ms`. dead: a person is needed; the dead letter is written in the
    same transaction. `refused` are fields that it left out: each is audited once for a delivery.
    """

    delivery: Delivery
    state: str
    now_ms: int
    version: int = 0
    due_ms: int = 0
    counted: bool = False
    failure: Failure | None = None
    owner: str = ""
    unchanged: bool = False
    warnings: tuple[str, ...] = ()
    refused: tuple[RefusedField, ...] = ()
    served: bool = True
    """Whether the release of now still has its way: what waits for something missing may go on under it."""


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which deliveries: every field narrows; the same filter stands in a URL, a command and the audit.

    `refused` is a field that was left out of them (`customer.note`).
    `since_ms` and `until_ms` are about when the event was received, `changed_since_ms` about the delivery's last change.
    """

    ids: tuple[int, ...] = ()
    flow: str = ""
    destination: str = ""
    object: str = ""
    key: str = ""
    name: str = ""
    states: tuple[str, ...] = ()
    reason: str = ""
    fingerprint: str = ""
    refused: str = ""
    since_ms: int = 0
    until_ms: int = 0
    changed_since_ms: int = 0
    limit: int = 100_000


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What an action on a filter would touch, before it does."""

    count: int
    by_destination: dict[str, int]
    by_state: dict[str, int]
    oldest_ms: int
    newest_ms: int


class Rescued(msgspec.Struct, frozen=True):
    """A delivery whose worker vanished in mid-claim."""

    delivery: int
    destination: str
    state: str


class Ledger(Protocol):
    """Every implementation passes tests/conformance/ledger."""

    @property
    def processes(self) -> ProcessStore:
        """Processes, kept beside the deliveries that they open, in the same transactions."""

    async def cursor(self, name: str) -> int:
        """A named position, 0 at first."""

    async def route(self, cursor_name: str, cursor: int, routed: Sequence[Routed], now_ms: int) -> int:
        """Move the cursor and upsert deliveries in ONE transaction; returns how many deliveries were opened."""

    async def claim(
        self, destination: str, *, worker: str, limit: int, now_ms: int, lease_ms: int, only_live: bool = False
    ) -> list[Delivery]:
        """Due deliveries of a destination, at most one per lane, live before replays before backfill, each with a new
        token."""

    async def next_due_ms(self, destination: str, *, only_live: bool = False) -> int | None:
        """When the next claim could find something; None when nothing is scheduled."""

    async def begin(self, intents: Sequence[Intent]) -> list[Begun | Unneeded]:
        """Commit intents before their calls. Fences by token, by version and by content, against the crosswalk, in this
        transaction."""

    async def landing(self, intent: Intent) -> int | None:
        """Until when (epoch ms) a call of another delivery with other content, that was never answered, may still
        overwrite what this order brings along; None when there is none, or ours was written after that time."""

    async def prolong(self, attempt: int, token: int, latest_send_ms: int) -> bool:
        """An uncertain call is about to leave again under its key, at the latest at this time. False when the claim was
        lost."""

    def record(self, attempt: int, intent: Intent, outcome: Outcome, now_ms: int) -> Awaitable[None]:
        """The outcome of a call, and when it is done the crosswalk row, in one transaction. Nothing, when the claim was
        lost: the call stays uncertain for whoever has taken over.

        Asked for at once, awaited later: what is asked of the ledger next shares the commit.
        """

    async def settle(
        self, attempt: int, token: int, resolution: str, now_ms: int, *, external_id: str = "",
        intent: Intent | None = None,
    ) -> bool:  # fmt: skip
        """How an uncertain attempt turned out: found (with the link), absent, resent, hand. False when the claim was
        lost."""

    async def close_claim(self, closing: Closing) -> bool:
        """End a claim. False when the token is no longer the newest: the stale writer is refused and nothing is
        changed."""

    async def renew(self, claims: Sequence[tuple[int, int]], lease_until_ms: int) -> int:
        """Heart-beat: extend the leases of (delivery, token) pairs; returns how many were still ours."""

    async def rescue(self, now_ms: int, *, everything: bool = False, suspect: int = 0) -> list[Rescued]:
        """Free deliveries whose lease ran out (or all, at the start of the only process). Calls in flight become
        uncertain.

        `suspect` is the delivery that was being translated when the process died: its count of crashes rises.
        """

    async def wake_waiting(self, now_ms: int, waiting_for: str = "") -> int:
        """Make deliveries that wait for something due now."""

    async def preview(self, chosen: Filter) -> Preview:
        """Count what a filter touches."""

    async def replay(self, chosen: Filter, *, by: str, why: str, release: str, now_ms: int) -> int:
        """Open every chosen delivery that is not already running or in an open replay; returns the replay's id.
        Audited."""

    async def discard(self, chosen: Filter, *, by: str, why: str, now_ms: int) -> int:
        """Give up open or dead deliveries for good, with a reason. Audited; returns how many."""

    async def hold(self, chosen: Filter, *, by: str, why: str, now_ms: int, release: bool = False) -> int:
        """Stop chosen deliveries (or let held ones go on). Audited; returns how many."""

    async def pause_replay(self, replay: int, *, by: str, paused: bool, now_ms: int) -> None:
        """Hold the deliveries that a replay has not done yet, or let them go on. Audited."""

    async def save_breaker(
        self, destination: str, state: str, failures: int, paused_until_ms: int, last_error: str, now_ms: int
    ) -> None:
        """Keep what the breaker knows, so that it survives a restart and the console can show it."""

    async def breakers(self) -> dict[str, tuple[str, int, int, int, str]]:
        """State, failures, changed_ms, paused_until_ms, last_error by destination."""

    async def save_release(
        self, release: str, files: bytes, now_ms: int, *, by: str = "", action: str = "apply", why: str = "",
        summary: str = "", ways: Sequence[tuple[str, str]] | None = None,
    ) -> None:  # fmt: skip
        """Keep a release (idempotent) and make it the active one. What waits for something missing goes on under it, where
        it serves the flow and the destination: `ways` are these pairs, None means all.

        With `by`, audited under `action` in the same transaction, with the release that was active until then and the
        `summary` of what changed; unless it was active already.
        """

    async def active_release(self) -> str:
        """The id of the active release, "" before the first."""

    async def release(self, release: str) -> bytes | None:
        """The folder of a release, as it was."""

    async def open_work(self) -> list[tuple[str, str]]:
        """Release and destination of open deliveries, each pair once."""

    async def origin_of(self, system: str, object_name: str, external_id: str) -> tuple[str, str] | None:
        """Whose object an external id is: (origin system, key), when we wrote it there ourselves (C18)."""

    async def audit(
        self, who: str, action: str, subject: str, *, why: str = "", detail: Any = None, now_ms: int
    ) -> None:
        """Write down who did what, and why."""

    async def oldest_wanted_event(self) -> int:
        """The lowest inbox position that an open delivery may still need; bodies below it can be trimmed."""

    async def trim(self, before_ms: int, limit: int) -> int:
        """Forget the bodies of old attempts and closed dead letters."""

    async def trim_audit(self, before_ms: int, limit: int) -> int:
        """Delete audit lines that are older; returns how many."""

    async def checkpoint(self) -> None:
        """Move the write-ahead log into the file when that is cheap."""

    async def counts(self) -> dict[str, dict[str, int]]:
        """Deliveries by destination and state."""

    async def close(self) -> None:
        """Close."""

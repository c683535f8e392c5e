"""What pages may change: the operator's side of the ledger, and the two levers of the demo."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from interlock.messaging.accuracy import Kind
from interlock.messaging.backfill import Action, Asked
from interlock.messaging.ledger import Filter, Preview
from interlock.messaging.privacy import PrivacyRequest
from interlock.messaging.stops import StopKind
from interlock.messaging.sweeps import Sweep

Version = Literal["same", "current"]
"""The release that a replayed delivery runs under: that of its event, or the one that is active now."""


class Actions(Protocol):
    """Every method is audited under `by` in the transaction that does it. The ledger's operator side implements it."""

    async def preview(self, chosen: Filter) -> Preview:
        """Count what an action on the filter would touch. Changes nothing."""

    async def replay(self, chosen: Filter, *, by: str, why: str, version: Version) -> int:
        """Open the chosen deliveries again; returns the id of the replay."""

    async def retry(self, ids: tuple[int, ...], *, by: str) -> int:
        """Make waiting deliveries due now; returns the id of the replay."""

    async def discard(self, chosen: Filter, *, by: str, why: str) -> int:
        """Give up the chosen deliveries for good; returns how many."""

    async def hold(self, chosen: Filter, *, by: str, why: str) -> int:
        """Stop the chosen deliveries; returns how many."""

    async def release(self, chosen: Filter, *, by: str, why: str) -> int:
        """Let held deliveries go on; returns how many."""

    async def pause_replay(self, replay_id: int, *, by: str, paused: bool) -> None:
        """Stop a replay between two deliveries, or let it go on."""

    async def stop_flow(self, flow: str, kind: StopKind, *, by: str, why: str) -> None:
        """Pause a flow, or let it drain: end what is queued and begin nothing new."""

    async def resume_flow(self, flow: str, *, by: str, why: str) -> bool:
        """Let a stopped flow run again; False when no person had stopped it."""

    async def backfill(self, asked: Asked, *, by: str, why: str) -> int:
        """Have everything of a system's object read; its number. Raises SettingsError BFL001 while one like it is open."""

    async def steer_backfill(self, number: int, action: Action, *, by: str, why: str) -> bool:
        """Begin, pause, resume or cancel a backfill; False when it is in no state for that."""

    async def ask_stock_run(
        self, kind: Kind, channel: str, *, sku: str = "", location: str = "", dry: bool = False, by: str, why: str
    ) -> int:
        """Have a channel compared, or brought up to date by a full sync; returns the run's number."""

    async def compare(self, wanted: Sweep, *, by: str) -> int:
        """Compare a source with what its webhooks told, soon; returns the id of the comparison."""

    async def ask_privacy(self, request: PrivacyRequest) -> int:
        """Have a person's data erased, soon; returns the number of the request."""

    async def privacy_done(self, number: int, *, by: str, why: str) -> bool:
        """Say that a copy was handed over; False when the request was not open."""

    async def audit(self, *, by: str, action: str, subject: str, why: str) -> None:
        """Write down something that changed no delivery, such as looking at personal data."""


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor itself says that it has: orders, and those it was given more than once."""

    system: str
    orders: int
    duplicates: int


class Demo(Protocol):
    """The levers of `interlock demo`, over its twins. Pages show them only when it is given."""

    async def break_system(self, name: str, kind: str) -> None:
        """Make a twin fail: `503`, `429`, `slow` or `hang` (no answer, ever)."""

    async def repair_system(self, name: str) -> None:
        """Make it well again."""

    async def place_orders(self, count: int) -> None:
        """Place orders in the shop's twin."""

    def broken(self) -> dict[str, str]:
        """The twins that fail now, and how."""

    async def books(self) -> Sequence[Book]:
        """From the twins' own ledgers, never from the hub's: the proof that nothing was lost or doubled."""

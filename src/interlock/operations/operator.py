"""What an operator may do to deliveries; the console and the commands call the same methods, each is audited."""

from interlock.clock import Clock
from interlock.messaging.accuracy import AccuracyBook, Kind, Run
from interlock.messaging.backfill import Action, Asked, BackfillBook
from interlock.messaging.dispatcher import Dispatcher
from interlock.messaging.ledger import Filter, Ledger, Preview
from interlock.messaging.privacy import PrivacyBook, PrivacyRequest
from interlock.messaging.stops import StopKind
from interlock.messaging.sweeps import Sweep, SweepBook
from interlock.operations.flow_stops import FlowStops
from interlock.release.shelf import Shelf


class Operator:
    """Bulk actions, then a nudge to the dispatcher, so that they begin at once."""

    def __init__(
        self, ledger: Ledger, dispatcher: Dispatcher, shelf: Shelf, clock: Clock, flow_stops: FlowStops,
        backfills: BackfillBook, sweeps: SweepBook, privacy: PrivacyBook, accounts: AccuracyBook,
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._shelf = shelf
        self._clock = clock
        self._flow_stops = flow_stops
        self._backfills = backfills
        self._sweeps = sweeps
        self._privacy = privacy
        self._accounts = accounts

    async def preview(self, chosen: Filter) -> Preview:
        """Count what an action would touch; changes nothing."""
        return await self._ledger.preview(chosen)

    async def replay(self, chosen: Filter, *, by: str, why: str, version: str) -> int:
        """Open the chosen deliveries again under their own release or the current one; returns the replay's id."""
        release = "same" if version == "same" else self._shelf.current().id
        preview = await self._ledger.preview(chosen)
        replay = await self._ledger.replay(chosen, by=by, why=why, release=release, now_ms=self._clock.now_ms())
        await self._shelf.recall()
        self._dispatcher.wake()
        for destination in preview.by_destination:
            if destination in self._dispatcher.outlets:
                self._dispatcher.outlets[destination].probe_now()
        return replay

    async def retry(self, ids: tuple[int, ...], *, by: str) -> int:
        """Make deliveries due now; returns the id of the replay that holds them."""
        return await self.replay(Filter(ids=ids), by=by, why="retried by hand", version="same")

    async def discard(self, chosen: Filter, *, by: str, why: str) -> int:
        """Give up for good; their lanes go on."""
        count = await self._ledger.discard(chosen, by=by, why=why, now_ms=self._clock.now_ms())
        self._dispatcher.wake()
        return count

    async def hold(self, chosen: Filter, *, by: str, why: str) -> int:
        """Stop the chosen deliveries."""
        return await self._ledger.hold(chosen, by=by, why=why, now_ms=self._clock.now_ms())

    async def release(self, chosen: Filter, *, by: str, why: str) -> int:
        """Let held deliveries go on."""
        count = await self._ledger.hold(chosen, by=by, why=why, now_ms=self._clock.now_ms(), release=True)
        self._dispatcher.wake()
        return count

    async def pause_replay(self, replay_id: int, *, by: str, paused: bool) -> None:
        """Hold what a replay has not done yet, or let it go on."""
        await self._ledger.pause_replay(replay_id, by=by, paused=paused, now_ms=self._clock.now_ms())
        self._dispatcher.wake()

    async def stop_flow(self, flow: str, kind: StopKind, *, by: str, why: str) -> None:
        """Pause a flow, or let it end what is queued and begin nothing new."""
        await self._flow_stops.stop(flow, kind, by=by, why=why)

    async def resume_flow(self, flow: str, *, by: str, why: str) -> bool:
        """Let a stopped flow run again; False when no person had stopped it."""
        return await self._flow_stops.resume(flow, by=by, why=why)

    async def backfill(self, asked: Asked, *, by: str, why: str) -> int:
        """Have everything of a system's object read; the hub looks for it twice a second."""
        return await self._backfills.ask(asked, by=by, why=why, now_ms=self._clock.now_ms())

    async def steer_backfill(self, number: int, action: Action, *, by: str, why: str) -> bool:
        """Begin, pause, resume or cancel one."""
        return await self._backfills.steer(number, action, by=by, why=why, now_ms=self._clock.now_ms())

    async def ask_stock_run(
        self, kind: Kind, channel: str, *, sku: str = "", location: str = "", dry: bool = False, by: str, why: str
    ) -> int:
        """Have a channel compared, or brought up to date by a full sync; the hub looks for it twice a second."""
        wanted = Run(id=0, kind=kind, channel=channel, sku=sku, location=location, dry=dry, why=why)
        return await self._accounts.ask(wanted, by=by, now_ms=self._clock.now_ms())

    async def compare(self, wanted: Sweep, *, by: str) -> int:
        """Have a source compared; the hub looks for it twice a second."""
        return await self._sweeps.ask(wanted, by=by, now_ms=self._clock.now_ms())

    async def ask_privacy(self, request: PrivacyRequest) -> int:
        """Have a person's data erased; the hub looks for it each second."""
        return await self._privacy.ask(request, self._clock.now_ms())

    async def privacy_done(self, number: int, *, by: str, why: str) -> bool:
        """A copy was handed over; False when the request was not open."""
        return await self._privacy.finish(number, by=by, why=why, now_ms=self._clock.now_ms())

    async def audit(self, *, by: str, action: str, subject: str, why: str) -> None:
        """Write down something that changed no delivery."""
        await self._ledger.audit(by, action, subject, why=why, now_ms=self._clock.now_ms())

"""The courier carries one delivery: load the object, settle what is uncertain, translate, write down the intent, call,
record."""

import asyncio
import logging
import traceback
import uuid
import weakref
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

import msgspec

from interlock.clock import Clock
from interlock.errors import InterlockError, MappingError, StoreError, UnmappedReference
from interlock.messaging.black_box import BlackBox
from interlock.messaging.dead_letter import HELD_BY
from interlock.messaging.delivery import Attempt, Begun, Delivery, Failure, Intent
from interlock.messaging.finished import (
    NOT_SENT,
    SEND_WITHIN_SECONDS,
    Finished,
    Stop,
    dead,
    failure_of,
    held,
    mapping_stop,
    paused,
    stopped,
    words_of,
)
from interlock.messaging.gate import until_released
from interlock.messaging.inbox import Inbox
from interlock.messaging.ledger import Ledger
from interlock.messaging.limiter import Limiter
from interlock.messaging.loader import Loader, NotRead
from interlock.messaging.outcome import Done, Outcome, Refused, Retry, Uncertain
from interlock.messaging.process import STEERING, STEP
from interlock.messaging.releases import Document, Release, Releases
from interlock.messaging.stall import TimeLimit
from interlock.messaging.steering import Processes
from interlock.messaging.stock import STALE
from interlock.messaging.stock_book import SHOWN, Showing
from interlock.messaging.stops import StopBoard, Stops
from interlock.messaging.write import Absent, Destination, Found, Link, Once, Past, Plan, Write

CRASHES_TO_QUARANTINE = 3
TRANSLATE_SECONDS = 2.0
DAMAGED_BODY = "STO003"
"""One event is unreadable: a person must see to that object, and the others go on."""

LOG = logging.getLogger("interlock.messaging")
_Answer = TypeVar("_Answer")
_KEYS = uuid.UUID("6f1c7d9e-2c5b-4a8e-9d53-3b8f6a1e7c40")


class Courier:
    """Shared by all outlets; holds no state of a destination."""

    def __init__(self, *, inbox: Inbox, ledger: Ledger, releases: Releases, clock: Clock, black_box: BlackBox) -> None:
        self._inbox = inbox
        self._ledger = ledger
        self._releases = releases
        self._clock = clock
        self._black_box = black_box
        self.loader = Loader(inbox, black_box, clock)
        self.stops: Stops = StopBoard()
        self.showing: Showing | None = None
        self.processes = Processes(ledger.processes, releases, clock)
        self._subject_locks: weakref.WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = (
            weakref.WeakValueDictionary()
        )

    async def deliver(self, delivery: Delivery, limiter: Limiter, timeout_seconds: float) -> Finished:
        """One try. Raises StoreError only: everything that the world or the data does is a Finished."""
        shows = delivery.destination.startswith(SHOWN)  # what is right now, by the rules of now
        release = self._releases.current() if shows else await self._releases.get(delivery.release)
        try:
            return await _Trip(self, delivery, release, limiter, timeout_seconds).go()
        except Stop as stop:
            flow = delivery.flow
            owner = release.owner(flow) or await self._owner_when_accepted(delivery)
            return msgspec.structs.replace(stop.finished, owner=owner, retry=release.retry(flow))

    async def _owner_when_accepted(self, delivery: Delivery) -> str:
        """Whoever answered for a flow that the folder has dropped still answers for what it left behind."""
        read = await self._inbox.read(delivery.wanted_event - 1, 1)  # as `get`, but that its body may be damaged
        accepted = [event.release for event in read if event.position == delivery.wanted_event]
        return (await self._releases.get(accepted[0])).owner(delivery.flow) if accepted else ""

    def serves_now(self, delivery: Delivery) -> bool:
        """Whether the release of now still has this delivery's flow and destination."""
        return self._releases.current().serves(delivery.flow, delivery.destination)

    def subject_lock(self, destination: str, write: Write) -> asyncio.Lock:
        """Two orders that bring along one customer write that customer one after the other."""
        return self._subject_locks.setdefault((destination, write.object, write.key), asyncio.Lock())


class _Trip:
    """The state of one try."""

    def __init__(
        self, courier: Courier, delivery: Delivery, release: Release, limiter: Limiter, timeout_seconds: float
    ) -> None:
        self.courier = courier
        self.ledger = courier._ledger  # noqa: SLF001  the trip is a part of the courier
        self.clock = courier._clock  # noqa: SLF001
        self.black_box = courier._black_box  # noqa: SLF001
        self.delivery = delivery
        self.release = release
        self.limiter = limiter
        self.timeout_seconds = timeout_seconds
        self.links = dict(delivery.links)
        self.called = False
        self.warnings: tuple[str, ...] = ()
        self.settled: set[int] = set()
        self.overwritten_until_ms = 0
        self.recorded: list[asyncio.Future[None]] = []

    async def go(self) -> Finished:
        delivery = self.delivery
        if delivery.crashes >= CRASHES_TO_QUARANTINE:
            raise dead("poison", "HUB-CRASH", f"the process died {delivery.crashes} times while it translated this")
        if not self.release.serves(delivery.flow, delivery.destination):
            if delivery.destination.startswith(SHOWN):
                words = f"the folder has no flow {delivery.flow} that shows stock there any more"
                raise Stop(Finished(state="cancelled", failure=failure_of("no_flow", "STK011", words)))
            said = f"release {self.release.id[:12]} has no flow {delivery.flow} to this system"
            raise dead("no_flow", "HUB-GONE", said)
        if self.courier._releases.current().paused(delivery.flow):  # noqa: SLF001
            raise Stop(Finished(state="waiting", failure=paused(delivery.flow)))
        if (stop := self.courier.stops.of(delivery.flow)) is not None and stop.holds(delivery.received_ms):
            raise Stop(Finished(state="waiting", failure=paused(delivery.flow, stop.words)))
        if delivery.destination.startswith(STEERING):
            return await self.courier.processes.steer(delivery, self._load, self._refusal_of_flow, self.timeout_seconds)
        destination = self._destination()
        self.warnings = self.release.standing(delivery.flow, delivery.destination, self.clock.now_ms())
        await self._settle_unsettled(destination)
        ours = delivery.signal.startswith(STEP) or delivery.destination.startswith(SHOWN)
        document = await (self._made_here() if ours else self._load())
        reason = "" if ours else self._refusal_of_flow(document)
        if reason:
            return Finished(
                state="cancelled", version=document.version, failure=failure_of("filtered", "HUB-FILTER", reason)
            )
        if not ours and not self.links and not delivery.unsettled:  # what was told once is kept up to date
            await until_released(delivery, self.release, document, self.timeout_seconds)
        plan = self._translate(destination, document)
        return await self._carry_out(destination, plan, document)

    async def _made_here(self) -> Document:
        """What no source has: the message of a step, the number that a channel should show."""
        if self.delivery.destination.startswith(SHOWN):
            assert self.courier.showing is not None  # a hub that opens such deliveries has it
            return await self.courier.showing.document(self.delivery, self.release, self.timeout_seconds)
        return await self.courier.processes.document(self.delivery)

    def _destination(self) -> Destination:
        """A system that an old release names may have lost its secret: its deliveries wait, the others go on."""
        try:
            if self.delivery.destination.startswith(SHOWN) and self.courier.showing is not None:
                return self.courier.showing.destination(self.delivery, self.release)
            return self.release.destination(self.delivery.destination, self.delivery.system)
        except InterlockError as error:
            raise Stop(Finished(state="retrying", failure=failure_of("unavailable", error.code, error.what))) from error

    # -- load and translate

    def _refusal_of_flow(self, document: Document) -> str:
        try:
            return self.release.admits(self.delivery.flow, document, self.delivery.signal, self.clock.now_ms())
        except Exception as error:
            words = f"{type(error).__name__} while the flow's condition was tried: {error}"
            raise dead("poison", "HUB-POISON", words) from error

    async def _load(self) -> Document:
        try:
            loaded = await self.courier.loader.load(self.delivery, self.release, self.timeout_seconds)
        except MappingError as error:
            raise mapping_stop(error) from error
        except StoreError as error:
            if error.code != DAMAGED_BODY:
                raise
            raise dead("poison", error.code, error.what) from error
        except Exception as error:
            raise dead("poison", "HUB-POISON", f"{type(error).__name__} while the object was read: {error}") from error
        match loaded:
            case Document():
                return loaded
            case Refused() if loaded.reason in HELD_BY:
                words = f"{self.delivery.system} does not let us read: {loaded.message}"
                raise Stop(Finished(state="waiting", failure=held(loaded, words)))
            case Refused():
                raise dead(loaded.reason, loaded.code, loaded.message)
            case NotRead():
                failure, wait = failure_of("unavailable", loaded.code, loaded.message), loaded.retry_after_seconds
                raise Stop(
                    Finished(state="retrying", failure=failure, counted=loaded.counted, retry_after_seconds=wait)
                )

    def _translate(self, destination: Destination, document: Document) -> Plan:
        self.black_box.enter(self.delivery.id)
        try:
            with TimeLimit(TRANSLATE_SECONDS):
                return destination.plan(document.value, signal=self.delivery.signal, past=Past(links=self.links))
        except UnmappedReference as error:
            failure = Failure(
                reason="missing_reference",
                code=error.code,
                message=words_of(error),
                waiting_for=f"{error.kind}:{error.reference}",
            )
            raise Stop(Finished(state="waiting", failure=failure)) from error
        except MappingError as error:
            raise mapping_stop(error) from error
        except Exception as error:  # the user's functions and vendors' plans: whatever they raise is about this object
            raise dead("poison", "HUB-POISON", f"{type(error).__name__} while it was translated: {error}") from error
        finally:
            self.black_box.leave()

    # -- what an earlier try left uncertain

    async def _settle_unsettled(self, destination: Destination) -> None:
        for attempt in self.delivery.unsettled:
            match attempt.write.once:
                case Once.UPSERT:
                    # It may be there: plan as if it were. Sending again settles it.
                    self.links.setdefault(attempt.write.operation, _presumed(attempt))
                case Once.KEY:
                    await self._send_again(destination, attempt)
                case Once.LOOK_UP:
                    await self._look_up(destination, attempt)
                case Once.HAND:
                    raise dead("uncertain", "HUB-UNCERTAIN", "nobody can know whether it was written")

    async def _send_again(self, destination: Destination, attempt: Attempt) -> None:
        """With the key that is on the disk, while the vendor remembers it; after that we cannot know."""
        now_ms = self.clock.now_ms()
        if now_ms >= attempt.remembered_until_ms:
            return await self._look_up(destination, attempt)
        await self._pass()
        latest_send_ms = self.clock.now_ms() + round(SEND_WITHIN_SECONDS * 1000)
        if not await self.ledger.prolong(attempt.id, self.delivery.token, latest_send_ms):
            raise Stop(Finished(state="fenced"))
        call = destination.write(
            attempt.write, idempotency_key=attempt.idempotency_key, timeout_seconds=self.timeout_seconds
        )
        outcome = await _told(call, self.delivery.destination)
        self.called = True
        if isinstance(outcome, Retry) and outcome.code == STALE:  # it was not written, and never will be under this key
            return await self._settle(attempt, "absent", self.clock.now_ms())
        if isinstance(outcome, Refused) and outcome.reason not in HELD_BY:
            # it says nothing of the first call, and would say the same as long as the key is remembered
            if self.clock.now_ms() < attempt.quiet_until_ms:
                raise _still_quiet(msgspec.structs.replace(attempt, latest_send_ms=latest_send_ms))
            return await self._look_up(destination, attempt)
        if not isinstance(outcome, Done):
            raise stopped(outcome, attempt.write, self.clock.now_ms())
        await self._found(attempt, "resent", outcome.external_id)
        return None

    async def _look_up(self, destination: Destination, attempt: Attempt) -> None:
        """Only after the quiet period: before it, absent means nothing (fault case 5)."""
        now_ms = self.clock.now_ms()
        if now_ms < attempt.quiet_until_ms:
            raise _still_quiet(attempt)
        await self._pass()
        call = destination.look_up(attempt.write, timeout_seconds=self.timeout_seconds)
        sighting = await _told(call, self.delivery.destination)
        self.called = True
        match sighting:
            case Found():
                await self._found(attempt, "found", sighting.external_id)
            case Absent():
                await self._settle(attempt, "absent", self.clock.now_ms())
            case _:
                stop = stopped(sighting, attempt.write, self.clock.now_ms())
                raise Stop(msgspec.structs.replace(stop.finished, state="uncertain"))

    async def _found(self, attempt: Attempt, resolution: str, external_id: str) -> None:
        now_ms = self.clock.now_ms()
        intent = self._intent(attempt.write, attempt.version, now_ms, attempt.idempotency_key)
        await self._settle(attempt, resolution, now_ms, external_id, intent)
        if not attempt.write.object:
            self.links[attempt.write.operation] = Link(
                operation=attempt.write.operation, reference=attempt.write.reference, external_id=external_id,
                version=attempt.version, content_hash=attempt.content_hash,
            )  # fmt: skip

    async def _settle(
        self, attempt: Attempt, resolution: str, now_ms: int, external_id: str = "", intent: Intent | None = None
    ) -> None:
        settled = self.ledger.settle(
            attempt.id, self.delivery.token, resolution, now_ms, external_id=external_id, intent=intent
        )
        if not await settled:
            raise Stop(Finished(state="fenced"))
        self.settled.add(attempt.id)

    # -- the writes

    async def _carry_out(self, destination: Destination, plan: Plan, document: Document) -> Finished:
        wrote = superseded = False
        for write in plan.writes:
            if write.object:
                async with self.courier.subject_lock(self.delivery.destination, write):
                    result = await self._write(destination, write, document)
            else:
                result = await self._write(destination, write, document)
            wrote = wrote or result == "done"
            superseded = superseded or (result == "superseded" and not write.object)
        self._require_kept()
        return self._finished(plan, document, wrote=wrote, superseded=superseded)

    def _require_kept(self) -> None:
        """An answer that found no space on the disk must not be closed as done when there is some again. Raises StoreError."""
        for recorded in self.recorded:
            if recorded.done():
                recorded.result()

    def _finished(self, plan: Plan, document: Document, *, wrote: bool, superseded: bool) -> Finished:
        still_open = self._may_still_land(plan)
        if still_open is not None:
            again = failure_of(
                "uncertain", "HUB-ASSERT", "written; an earlier call may still land: it is written again then"
            )
            return Finished(state="waiting", failure=again, not_before_ms=still_open, answered=self.called)
        state = "superseded" if superseded and not wrote else "done"
        failure = failure_of("", "", plan.because) if plan.because else None
        return Finished(
            state=state, version=document.version, failure=failure, unchanged=not wrote, answered=self.called,
            warnings=(*plan.warnings, *document.cautions.get(self.delivery.destination, ()), *self.warnings),
            refused=plan.refused, wakes=plan.wakes,
        )  # fmt: skip

    def _may_still_land(self, plan: Plan) -> int | None:
        """An upsert that was never answered, with other content, could overwrite ours later: come back after its quiet
        period."""
        if not (self.delivery.unsettled or self.overwritten_until_ms):
            return None
        sent = {_record(write): write.content_hash for write in plan.writes}
        now_ms = self.clock.now_ms()
        until = [
            attempt.quiet_until_ms
            for attempt in self.delivery.unsettled
            if attempt.write.once is Once.UPSERT
            and sent.get(_record(attempt.write)) not in (None, attempt.content_hash)
            and attempt.quiet_until_ms > now_ms
        ]
        if self.overwritten_until_ms > now_ms:
            until.append(self.overwritten_until_ms)
        return max(until, default=None)

    async def _write(self, destination: Destination, write: Write, document: Document) -> str:
        """Intent, call, record. Returns done, unchanged or superseded; anything else ends the trip."""
        now_ms = self.clock.now_ms()
        unsettled = [attempt for attempt in self.delivery.unsettled if attempt.id not in self.settled]
        doubtful = [attempt for attempt in unsettled if _record(attempt.write) == _record(write)]
        intent = self._intent(write, document.version, now_ms, force=bool(doubtful))
        if write.object and (until_ms := await self.ledger.landing(intent)) is not None:
            self.overwritten_until_ms = max(self.overwritten_until_ms, until_ms)
            intent = msgspec.structs.replace(intent, force=True)
        await self._pass()
        begun = (await self.ledger.begin([intent]))[0]
        if not isinstance(begun, Begun):
            if begun.because == "fenced":
                raise Stop(Finished(state="fenced"))
            return begun.because
        outcome = await self._call(destination, intent)
        recorded = asyncio.ensure_future(self.ledger.record(begun.attempt, intent, outcome, self.clock.now_ms()))
        if isinstance(outcome, Done):
            self.recorded.append(recorded)
            for attempt in doubtful:
                if attempt.content_hash == intent.content_hash or attempt.quiet_until_ms <= self.clock.now_ms():
                    await self._settle(attempt, "resent", self.clock.now_ms())
            return "done"  # not awaited: what is asked of the ledger next shares the commit, or comes after it
        await recorded
        raise stopped(outcome, write, self.clock.now_ms())

    async def _call(self, destination: Destination, intent: Intent) -> Outcome:
        if self.clock.now_ms() > intent.latest_send_ms:
            return Retry(
                code=NOT_SENT, message="the process was paused between the intent and the call; nothing was sent"
            )
        call = destination.write(
            intent.write, idempotency_key=intent.idempotency_key, timeout_seconds=self.timeout_seconds
        )
        outcome = await _told(call, self.delivery.destination)
        self.called = True
        return outcome

    def _intent(self, write: Write, version: int, now_ms: int, key: str = "", *, force: bool = False) -> Intent:
        delivery = self.delivery
        content_hash = write.content_hash
        content = f"{delivery.destination}/{write.operation}/{write.reference}/{version}/{content_hash}"
        return Intent(
            delivery=delivery, write=write, version=version, event=delivery.wanted_event,
            idempotency_key=key or str(uuid.uuid5(_KEYS, content)), content_hash=content_hash, begun_ms=now_ms,
            latest_send_ms=now_ms + round(SEND_WITHIN_SECONDS * 1000), force=force,
        )  # fmt: skip

    async def _pass(self) -> None:
        """Each call takes a token of the destination's rate."""
        while (wait := self.limiter.take()) > 0:
            await self.clock.sleep(wait)


async def _told(call: Awaitable[_Answer], system: str) -> _Answer | Uncertain:
    """A client that raises has said nothing: what it did is not known, and every other delivery goes on."""
    try:
        return await call
    except Exception as error:  # noqa: BLE001  its message may hold personal data: only its place is told
        place = traceback.extract_tb(error.__traceback__)[-1]
        words = f"{type(error).__name__} in the client of {system}, {Path(place.filename).name}:{place.lineno}"
        LOG.error("HUB-CLIENT %s", words)
        return Uncertain(code="HUB-CLIENT", message=words)


def _record(write: Write) -> tuple[str, str]:
    """What a write can overwrite: one refund is paid out by one operation over several payments, each its own record."""
    return write.operation, write.reference


def _still_quiet(attempt: Attempt) -> Stop:
    words = f"{attempt.write.operation} may have been applied; it is looked up after a quiet period"
    failure = failure_of("uncertain", "HUB-QUIET", words)
    return Stop(Finished(state="uncertain", failure=failure, not_before_ms=attempt.quiet_until_ms))


def _presumed(attempt: Attempt) -> Link:
    return Link(
        operation=attempt.write.operation, reference=attempt.write.reference, external_id="", version=0, content_hash=""
    )

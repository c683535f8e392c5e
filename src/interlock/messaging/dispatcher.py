"""The dispatcher: one outlet per destination, each at its own pace, and a heart-beat for all claims."""

import asyncio
import random
from collections.abc import Callable

from interlock.clock import Clock
from interlock.errors import StoreError
from interlock.messaging.black_box import BlackBox
from interlock.messaging.courier import Courier
from interlock.messaging.full_disk import FULL_DISK
from interlock.messaging.inbox import Inbox
from interlock.messaging.ledger import Ledger
from interlock.messaging.outlet import Outlet
from interlock.messaging.releases import Releases

LEASE_SECONDS = 15.0
HEART_BEAT_SECONDS = 5.0


class Dispatcher:
    """Runs outlets until it is stopped; a broken store ends it with the StoreError."""

    def __init__(
        self, *, inbox: Inbox, ledger: Ledger, releases: Releases, clock: Clock, chance: random.Random,
        black_box: BlackBox,
        worker: str, lease_seconds: float = LEASE_SECONDS,
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._releases = releases
        self._clock = clock
        self._chance = chance
        self.worker = worker
        self.lease_ms = round(lease_seconds * 1000)
        self.courier = Courier(inbox=inbox, ledger=ledger, releases=releases, clock=clock, black_box=black_box)
        self.courier.processes.wake, self.courier.processes.pace = self.wake, self._pace
        self.outlets: dict[str, Outlet] = {}
        self._breakers: dict[str, tuple[str, int, int, int, str]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failed: asyncio.Future[None] | None = None
        self._stopping = False
        self._retired: frozenset[str] = frozenset()
        self._closing: tuple[Outlet, ...] = ()

    def wake(self) -> None:
        """There are new deliveries: let every outlet look, also those of a release that only now has work again."""
        if self._failed is not None:
            self._open_missing()
        for outlet in self.outlets.values():
            outlet.wake()

    async def _pace(self, system: str) -> None:
        """What a process reads of a destination counts in its rate, as what is written to it does."""
        outlet = self.outlets.get(system)
        while outlet is not None and (wait := outlet.limiter.take()) > 0:
            await self._clock.sleep(wait)

    async def start(self) -> None:
        """Open an outlet for each destination; those that a release brings later are opened then."""
        self._failed = asyncio.get_running_loop().create_future()
        self._breakers = await self._ledger.breakers()
        self._open_missing()
        self._tasks[""] = self._spawn(self._beat)

    async def run(self) -> None:
        """Serve until `stop`; raises the StoreError that broke the store."""
        if self._failed is None:
            await self.start()
        if self._failed is not None:
            await self._failed

    async def refresh(self) -> None:
        """Open outlets for destinations that a new release has brought, and take over changed limits."""
        for name, outlet in self.outlets.items():
            outlet.set_limits(self._releases.limits(name))
        self._breakers = await self._ledger.breakers()
        self._open_missing()

    async def retire(self, names: frozenset[str]) -> None:
        """Close the outlets of destinations that are about to change their names: calls in flight end first."""
        self._retired = names
        closing = {name: self.outlets.pop(name) for name in names & self.outlets.keys()}
        self._closing = tuple(closing.values())
        for outlet in self._closing:
            outlet.stop()
        # first their loops: a claim that is under way still starts its calls
        await asyncio.gather(*(self._tasks.pop(name) for name in closing))
        running = [task for outlet in self._closing for task in outlet.running_tasks()]
        await asyncio.gather(*running, return_exceptions=True)

    async def reopen(self) -> None:
        """The names are changed: open an outlet for each destination that there is now."""
        self._retired, self._closing = frozenset(), ()
        await self.refresh()

    async def stop(self, within_seconds: float = 10.0) -> None:
        """Claim nothing more, let calls in flight end, then stop.

        A call that outlasts `within_seconds` is cancelled: its intent stands without an outcome, so it is uncertain
        when the delivery is taken up again.
        """
        self._stopping = True
        for outlet in self.outlets.values():
            outlet.stop()
        if running := self._calls():
            await asyncio.wait(running, timeout=within_seconds)
        await _cancel(list(self._tasks.values()))
        await _cancel(self._calls())
        if self._failed is not None and not self._failed.done():
            self._failed.set_result(None)

    def _calls(self) -> list["asyncio.Task[None]"]:
        return [task for outlet in self._at_work() for task in outlet.running_tasks()]

    def _at_work(self) -> list[Outlet]:
        """Those that are open, and those that close once their calls have ended."""
        return [*self.outlets.values(), *self._closing]

    def in_flight(self) -> int:
        """Deliveries being made at this moment."""
        return sum(len(outlet.running) for outlet in self._at_work())

    def _open_missing(self) -> None:
        if self._stopping:
            return
        for name in self._releases.destinations():
            if name not in self.outlets and name not in self._retired:
                self._open(name, self._breakers.get(name))

    def _open(self, name: str, known: tuple[str, int, int, int, str] | None) -> None:
        outlet = Outlet(
            name, ledger=self._ledger, courier=self.courier, limits=self._releases.limits(name),
            clock=self._clock,
            chance=random.Random(self._chance.random()), worker=self.worker, lease_ms=self.lease_ms,
        )  # fmt: skip
        if known is not None:
            outlet.restore(known)
        self.outlets[name] = outlet
        self._tasks[name] = self._spawn(outlet.run)

    def _spawn(self, serve: Callable[[], "asyncio.Future[None] | object"]) -> "asyncio.Task[None]":
        async def guarded() -> None:
            try:
                await serve()  # type: ignore[misc]
            except StoreError as error:
                self._fail(error)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  our own error stops the hub, not one destination silently
                self._fail(error)

        return asyncio.get_running_loop().create_task(guarded())

    def _fail(self, error: Exception) -> None:
        if self._failed is not None and not self._failed.done() and not self._stopping:
            self._failed.set_exception(error)

    async def _beat(self) -> None:
        """Extend all leases, so that long calls are not taken for lost ones."""
        while True:
            await self._clock.sleep(HEART_BEAT_SECONDS)
            claims = [claim for outlet in self._at_work() for claim in outlet.claims()]
            if claims:
                await self._renew(claims)

    async def _renew(self, claims: list[tuple[int, int]]) -> None:
        try:
            await self._ledger.renew(claims, self._clock.now_ms() + self.lease_ms)
        except StoreError as error:
            if error.code != FULL_DISK:
                # a full disk heals; should a lease run out meanwhile, its token keeps the old worker from writing
                raise


async def _cancel(tasks: list["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

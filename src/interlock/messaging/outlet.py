"""An outlet: claims the deliveries of one destination under its limiter, breaker and retry budget, and decides what a
result means."""

import asyncio
import random

from interlock.clock import Clock
from interlock.errors import StoreError
from interlock.messaging.breaker import Breaker
from interlock.messaging.courier import Courier
from interlock.messaging.delivery import Delivery, Failure
from interlock.messaging.finished import Finished
from interlock.messaging.full_disk import FULL_DISK, until_there_is_space
from interlock.messaging.ledger import Closing, Ledger
from interlock.messaging.limiter import Limiter
from interlock.messaging.process import STEP
from interlock.messaging.redelivery import RetryBudget
from interlock.messaging.releases import Limits

LONGEST_NAP_SECONDS = 30.0
CLAIMED_AT_ONCE = 500
"""Deliveries in one transaction: tens of milliseconds."""
WAITING_RECHECK_SECONDS = 15 * 60.0


class Outlet:
    """One per destination. Another destination's trouble never reaches it."""

    def __init__(
        self, name: str, *, ledger: Ledger, courier: Courier, limits: Limits, clock: Clock, chance: random.Random,
        worker: str, lease_ms: int,
    ) -> None:  # fmt: skip
        self.name = name
        self._ledger = ledger
        self._courier = courier
        self._clock = clock
        self._chance = chance
        self._worker = worker
        self._lease_ms = lease_ms
        self.limits = limits
        self.limiter = Limiter(
            clock, concurrency=limits.concurrency, rate_per_second=limits.rate_per_second, burst=limits.burst
        )
        self.breaker = Breaker(
            clock, failures=limits.breaker_failures, probe_interval_seconds=limits.probe_interval_seconds
        )
        self.budget = RetryBudget(limits.retry.budget_share)
        self.running: dict[int, tuple[Delivery, asyncio.Task[None]]] = {}
        self._news = asyncio.Event()
        self._stopping = False
        self._failed: BaseException | None = None

    def wake(self) -> None:
        """Look for due deliveries now."""
        self._news.set()

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping = True
        self._news.set()

    def running_tasks(self) -> list["asyncio.Task[None]"]:
        """Deliveries in flight."""
        return [task for _, task in self.running.values()]

    def claims(self) -> list[tuple[int, int]]:
        """Delivery and token of what is in flight."""
        return [(delivery.id, delivery.token) for delivery, _ in self.running.values()]

    def set_limits(self, limits: Limits) -> None:
        """Take over the limits of a new release; what is known of the destination's health stays."""
        self.limits = limits
        self.limiter.concurrency = limits.concurrency
        self.limiter.rate_per_second = limits.rate_per_second
        self.breaker.limit, self.breaker.probe_interval_seconds = limits.breaker_failures, limits.probe_interval_seconds
        self.budget.share = limits.retry.budget_share

    def restore(self, known: tuple[str, int, int, int, str]) -> None:
        """Take up the breaker's state from before a restart."""
        state, failures, _changed_ms, paused_until_ms, last_error = known
        self.breaker.restore(state, failures, last_error)
        left = (paused_until_ms - self._clock.now_ms()) / 1000
        if left > 0:
            self.limiter.pause(left)

    def probe_now(self) -> None:
        """An operator repaired the destination: let one delivery try at once."""
        self.breaker.probe_now()
        self.wake()

    async def run(self) -> None:
        """Claim and deliver until stopped."""
        while not self._stopping:
            if self._failed is not None:
                raise self._failed
            self._news.clear()
            if not await until_there_is_space(self._claim, self._clock):
                await self._nap()

    async def _claim(self) -> int:
        room, probing = self._room()
        if room <= 0:
            return 0
        others = room if probing else min(room, self._room_for_others())
        deliveries = await self._ledger.claim(
            self.name, worker=self._worker, limit=min(others if others > 0 else room, CLAIMED_AT_ONCE),
            now_ms=self._clock.now_ms(), lease_ms=self._lease_ms, only_live=others <= 0,
        )  # fmt: skip
        if probing and deliveries:
            self.breaker.probe()
        for delivery in deliveries:
            self._start(delivery)
        return len(deliveries)

    def _room(self) -> tuple[int, bool]:
        """How many may start, and whether that one is the breaker's probe."""
        room = self.limiter.room()
        allowed = self.breaker.room()
        if allowed is None:
            return room, False
        if self.running:
            return 0, False
        return min(room, allowed), True

    def _room_for_others(self) -> int:
        """How many that are not live may start now."""
        return self.limiter.concurrency - self.limits.kept_for_live - self.limiter.in_flight

    def _start(self, delivery: Delivery) -> None:
        self.limiter.enter()
        if delivery.attempts == 0:
            self.budget.first_attempt()
        task = asyncio.get_running_loop().create_task(self._deliver(delivery))
        self.running[delivery.id] = (delivery, task)

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            finished = await self._courier.deliver(delivery, self.limiter, self.limits.timeout_seconds)
            await self._finish(delivery, finished)
        except StoreError as error:
            # A full disk leaves the claim to the rescue; anything worse stops the hub.
            self.breaker.no_probe()
            if error.code != FULL_DISK:
                self._failed = error
        except Exception as error:  # noqa: BLE001  ours: stop loudly
            self._failed = error
        finally:
            self.running.pop(delivery.id, None)
            self.limiter.leave()
            self._news.set()

    async def _finish(self, delivery: Delivery, finished: Finished) -> None:
        if finished.state == "fenced":  # somebody else has it: nothing of ours may be written
            self.breaker.no_probe()
            return
        changed = self._learn(finished)
        closing = self._closing(delivery, finished)
        await self._ledger.close_claim(closing)
        if finished.wakes:
            await self._ledger.wake_waiting(self._clock.now_ms(), finished.wakes)
        if delivery.signal.startswith(STEP):
            self._courier.processes.wake()
        if changed:
            await self._save_breaker()

    def _learn(self, finished: Finished) -> bool:
        """What one result says about the destination as a whole; True when the breaker or a pause changed."""
        if finished.pause_seconds > 0:
            self.limiter.pause(finished.pause_seconds)
        if finished.answered:
            self.budget.success()
            return self.breaker.success() or finished.pause_seconds > 0
        if finished.unanswered:
            error = finished.failure.message if finished.failure else ""
            at_once = finished.held_by == "credentials"
            opened = self.breaker.failure(error, locked=bool(finished.held_by), at_once=at_once)
            return opened or finished.pause_seconds > 0
        self.breaker.no_probe()
        return finished.pause_seconds > 0

    def _closing(self, delivery: Delivery, finished: Finished) -> Closing:
        now_ms = self._clock.now_ms()
        owner = finished.owner
        if finished.state in ("done", "superseded", "cancelled", "dead"):
            return Closing(
                delivery=delivery, state=finished.state, now_ms=now_ms, version=finished.version,
                failure=finished.failure, owner=owner,
                unchanged=finished.unchanged, warnings=finished.warnings, counted=finished.counted,
                refused=finished.refused,
            )  # fmt: skip
        if finished.state == "waiting":
            due_ms = finished.not_before_ms or now_ms + round(self._recheck_seconds() * 1000)
            return Closing(
                delivery=delivery, state="waiting", now_ms=now_ms, due_ms=due_ms, failure=finished.failure,
                served=self._courier.serves_now(delivery),
            )  # fmt: skip
        return self._again(delivery, finished, now_ms)

    def _recheck_seconds(self) -> float:
        """What a closed breaker lets through waits for a thing; what an open one stopped waits for the next probe."""
        closed = self.breaker.state == "closed"
        return WAITING_RECHECK_SECONDS if closed else self.breaker.probe_interval_seconds

    def _again(self, delivery: Delivery, finished: Finished, now_ms: int) -> Closing:
        """Retry later, or give up: while the breaker is not closed no delivery loses an attempt."""
        counted = finished.counted and self.breaker.state == "closed"
        attempts = delivery.attempts + int(counted)
        policy = finished.retry or self.limits.retry
        if counted and policy.exhausted(attempts):
            failure = finished.failure or Failure(reason="unknown", code="HUB-EXHAUSTED", message="attempts ran out")
            return Closing(
                delivery=delivery, state="dead", now_ms=now_ms, failure=failure, owner=finished.owner, counted=True
            )
        wait = policy.wait_seconds(attempts, self._chance, at_least_seconds=finished.retry_after_seconds)
        called = finished.counted or finished.answered or finished.unanswered
        if called and not self.budget.spend():  # a quiet period, or a call that never left, is no retry of a call
            wait += self._chance.uniform(0.0, policy.cap_seconds)
        due_ms = max(now_ms + round(wait * 1000), finished.not_before_ms)
        return Closing(
            delivery=delivery, state=finished.state, now_ms=now_ms, due_ms=due_ms, failure=finished.failure,
            counted=counted,
        )  # fmt: skip

    async def _save_breaker(self) -> None:
        paused_until = self._clock.now_ms() + round(self.limiter.pause_left_seconds() * 1000)
        await self._ledger.save_breaker(
            self.name, self.breaker.shown, self.breaker.failures, paused_until, self.breaker.last_error,
            self._clock.now_ms(),
        )  # fmt: skip

    async def _nap(self) -> None:
        """Sleep until there is news, room, or something due."""
        if self._news.is_set():
            return
        wait = await self._wait_seconds()
        waiting = asyncio.ensure_future(self._news.wait())
        timer = asyncio.ensure_future(self._clock.sleep(wait))
        try:
            await asyncio.wait((waiting, timer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            timer.cancel()

    async def _wait_seconds(self) -> float:
        if self.running and (self.limiter.in_flight >= self.limiter.concurrency or self.breaker.state != "closed"):
            return LONGEST_NAP_SECONDS  # a call that ends wakes us
        blocked = max(self.limiter.wait_seconds(), self.breaker.wait_seconds())
        due_ms = await self._ledger.next_due_ms(self.name, only_live=self._room_for_others() <= 0)
        if due_ms is None:
            return LONGEST_NAP_SECONDS
        until_due = (due_ms - self._clock.now_ms()) / 1000
        return min(LONGEST_NAP_SECONDS, max(blocked, until_due, 0.001))

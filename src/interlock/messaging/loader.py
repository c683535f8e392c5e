"""Loads the object of a delivery: from its event while that is complete and the newest, else from the source itself."""

from collections import OrderedDict

import msgspec

from interlock.clock import Clock
from interlock.messaging.black_box import BlackBox
from interlock.messaging.delivery import Delivery
from interlock.messaging.inbox import Inbox
from interlock.messaging.limiter import Limiter
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.releases import Document, Release
from interlock.messaging.stall import TimeLimit

RECENT_DOCUMENTS = 500
"""Translated objects kept in memory: the three destinations of one order share one translation."""

READ_SECONDS = 2.0
TOO_MANY = 429


class NotRead(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The source gave no document now. `counted`: it answers for others, so the object itself is to blame, and spends
    an attempt; while the source as a whole is silent, or asks to slow down, nothing expires."""

    code: str
    message: str
    retry_after_seconds: float = 0.0
    counted: bool = True


class Loader:
    """State, not messages: an incomplete, late or tied event only says that something changed."""

    def __init__(self, inbox: Inbox, black_box: BlackBox, clock: Clock) -> None:
        self._inbox = inbox
        self._black_box = black_box
        self._clock = clock
        self._limiters: dict[str, Limiter] = {}
        self._silent: set[str] = set()
        self._recent: OrderedDict[tuple[str, int, str], Document] = OrderedDict()

    async def load(self, delivery: Delivery, release: Release, timeout_seconds: float) -> Document | NotRead | Refused:
        """The canonical object. Raises MappingError when the source's document cannot be read, StalledError when that
        takes too long."""
        if not delivery.reread:
            document = await self._from_event(delivery, release)
            if document is not None:
                return document
        return await self._from_source(delivery, release, timeout_seconds)

    def forget(self) -> None:
        """Keep no translated object: a person among them asked to be forgotten."""
        self._recent.clear()

    async def _from_event(self, delivery: Delivery, release: Release) -> Document | None:
        form = delivery.flow if release.straight(delivery.flow) else ""  # else one form serves all flows
        cached = self._recent.get((release.id, delivery.wanted_event, form))
        if cached is not None:
            return cached
        event = (await self._inbox.get([delivery.wanted_event])).get(delivery.wanted_event)
        if event is None or not event.complete or event.body is None:
            return None
        document = self._read(delivery, release, event.body)
        self._recent[(release.id, event.position, form)] = document
        if len(self._recent) > RECENT_DOCUMENTS:
            self._recent.popitem(last=False)
        return document

    async def _from_source(
        self, delivery: Delivery, release: Release, timeout_seconds: float
    ) -> Document | NotRead | Refused:
        limiter = self._limiter(delivery.system, release)
        while (wait := limiter.take()) > 0:
            await self._clock.sleep(wait)
        answer = await release.source(delivery.system).read(
            delivery.object, delivery.key, timeout_seconds=timeout_seconds
        )
        if isinstance(answer, Retry):
            return self._not_read(delivery.system, answer, limiter)
        self._silent.discard(delivery.system)
        if isinstance(answer, Refused):
            return answer
        document = self._read(delivery, release, answer)
        if document.version < delivery.wanted_version:
            return NotRead(
                code="HUB-BEHIND", message="the source still answers with an older version than the one it announced"
            )
        return document

    def _not_read(self, system: str, failed: Retry, limiter: Limiter) -> NotRead:
        counted = failed.status != TOO_MANY and system not in self._silent
        if failed.status == TOO_MANY:
            limiter.pause(failed.retry_after_seconds)
        else:
            self._silent.add(system)
        return NotRead(
            code=failed.code, message=failed.message, retry_after_seconds=failed.retry_after_seconds, counted=counted
        )

    def _limiter(self, system: str, release: Release) -> Limiter:
        """The source's own: it counts all readings together, for whichever destination they are."""
        limits = release.limits(system)
        limiter = self._limiters.get(system)
        if limiter is None:
            limiter = self._limiters[system] = Limiter(
                self._clock, concurrency=limits.concurrency, rate_per_second=limits.rate_per_second, burst=limits.burst
            )
        limiter.rate_per_second = limits.rate_per_second
        return limiter

    def _read(self, delivery: Delivery, release: Release, body: bytes) -> Document:
        """Only while our own process is at work is the delivery a suspect, never while it waits for another system."""
        self._black_box.enter(delivery.id)
        try:
            with TimeLimit(READ_SECONDS):
                if release.straight(delivery.flow):
                    return release.raw(delivery.flow, delivery.key, body)
                return release.document(delivery.system, delivery.object, body)
        finally:
            self._black_box.leave()

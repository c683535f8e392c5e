"""Keeps the webhook subscriptions that the flows declare: looks each minute, makes what is missing, and has the gap filled.

A source deletes a subscription that it could not reach eight times (F06), and tells nobody. So does whoever reinstalls the
app. What is lost is noticed at the next look, made again, and everything that changed meanwhile is compared (C07, C08).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from interlock.clock import Clock
from interlock.errors import InterlockError, StoreError
from interlock.messaging.full_disk import until_there_is_space
from interlock.messaging.outcome import Done
from interlock.messaging.source import Subscriber, Subscription
from interlock.messaging.subscriptions import Kept, SubscriptionBook

LOOK_SECONDS: Final = 60.0
CALL_SECONDS: Final = 20.0
SAID_NOTHING: Final = "the source did not say which subscriptions there are"

LOG = logging.getLogger("interlock.intake")


class Sources(Protocol):
    """What the release says of the sources that tell by webhook."""

    def wanted_subscriptions(self) -> Mapping[str, Sequence[Subscription]]:
        """System -> what its flows need; without an address: that is where this hub is reached."""

    def subscriber(self, system: str) -> Subscriber:
        """How they are made."""


class SubscriptionKeeper:
    """`address` gives the public address of a system's endpoint here, "" when nobody said it; `compare` has the gap of a
    system filled."""

    def __init__(
        self, book: SubscriptionBook, clock: Clock, *, sources: Callable[[], Sources], address: Callable[[str], str],
        compare: Callable[[str], Awaitable[None]],
    ) -> None:  # fmt: skip
        self._book = book
        self._clock = clock
        self._sources = sources
        self._address = address
        self._compare = compare
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Look for ever, at once first: what was lost while no hub ran is to be back soon."""
        while True:
            await until_there_is_space(self.look, self._clock)
            await self._clock.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """One look at every source."""
        async with self._one_at_a_time:
            wanted = self._sources().wanted_subscriptions()
            known = {(kept.system, kept.topic): kept for kept in await self._book.kept()}
            for system, subscriptions in wanted.items():
                if address := self._address(system):
                    await self._try(system, [_at(one, address) for one in subscriptions], known)
            dropped = [place for place in known if place[0] not in wanted]
            if dropped:
                await self._book.keep((), dropped, said=(), now_ms=self._clock.now_ms())

    async def _try(self, system: str, wanted: Sequence[Subscription], known: Mapping[tuple[str, str], Kept]) -> None:
        """An answer that a connector cannot read costs its look, never the hub."""
        try:
            await self._see(system, wanted, known)
        except StoreError:
            raise
        except Exception:
            LOG.exception("the connector of %s failed while its subscriptions were looked at", system)

    async def _see(self, system: str, wanted: Sequence[Subscription], known: Mapping[tuple[str, str], Kept]) -> None:
        """A source that does not answer changes nothing: it is asked again in a minute."""
        try:
            subscriber = self._sources().subscriber(system)
            there = await subscriber.subscriptions(timeout_seconds=CALL_SECONDS)
        except InterlockError as error:  # a secret that is no more
            LOG.warning("%s: %s", system, error.what)
            return
        if not isinstance(there, list):
            LOG.warning("%s: %s: %s", system, SAID_NOTHING, getattr(there, "message", there))
            return
        look = _Look(system, subscriber, there, self._clock.now_ms())
        found = [await look.settle(one, known.get((system, one.topic))) for one in wanted]
        await look.remove_others(wanted)
        topics = {one.topic for one in wanted}
        gone = [(its, topic) for its, topic in known if its == system and topic not in topics]
        if look.gaps:  # before it is written down: a kill in between has it compared twice rather than never
            await self._compare(system)
        if look.said or gone or any(_news(one, known.get((system, one.topic))) for one in found):
            await self._book.keep(found, gone, said=look.said, now_ms=look.now_ms)
        if look.gaps:
            LOG.warning("%s told nothing of %s for a while; it is subscribed again", system, ", ".join(look.gaps))


class _Look:
    """One look at one source: what is there, what was done."""

    def __init__(self, system: str, subscriber: Subscriber, there: Sequence[Subscription], now_ms: int) -> None:
        self.system = system
        self.now_ms = now_ms
        self.said: list[str] = []
        self.gaps: list[str] = []
        self._subscriber = subscriber
        self._there = there

    async def settle(self, wanted: Subscription, known: Kept | None) -> Kept:
        """One topic: there as wanted, corrected, made, or the reason why not."""
        mine = next((one for one in self._there if one.topic == wanted.topic and _is_ours(one, wanted)), None)
        if mine is not None and _same(mine, wanted):
            return self._kept(wanted, known, "there")
        lost = mine is None and known is not None and known.state == "there"
        made = msgspec.structs.replace(wanted, id=mine.id if mine else "")
        outcome = await self._subscriber.subscribe(made, timeout_seconds=CALL_SECONDS)
        if isinstance(outcome, Done):
            if lost or (known is not None and known.state == "missing"):
                self.gaps.append(wanted.topic)
            self.said.append(f"{self.system} {wanted.topic}: {_done(made, lost=lost)}")
            return self._kept(wanted, known, "there", lost=lost)
        return self._kept(wanted, known, "missing", lost=lost, problem=f"{outcome.code}: {outcome.message}")

    def _kept(self, wanted: Subscription, known: Kept | None, state: str, *, lost: bool = False, problem: str = "") -> Kept:
        since_ms = known.since_ms if known is not None and known.state == state and not lost else self.now_ms
        return Kept(
            system=self.system, topic=wanted.topic, address=wanted.address, state=state, since_ms=since_ms,  # type: ignore[arg-type]
            looked_ms=self.now_ms, lost=(known.lost if known else 0) + lost, problem=problem,
            lost_ms=self.now_ms if lost else known.lost_ms if known else 0,
        )  # fmt: skip

    async def remove_others(self, wanted: Sequence[Subscription]) -> None:
        """What we made and no flow wants any more, by the name that we gave it; others' stay."""
        topics = {one.topic for one in wanted}
        for one in self._there:
            if one.topic not in topics and one.name.startswith(NAME_BEGINS):
                outcome = await self._subscriber.unsubscribe(one.id, timeout_seconds=CALL_SECONDS)
                if isinstance(outcome, Done):
                    self.said.append(f"{self.system} {one.topic}: removed, no flow wants it")


NAME_BEGINS: Final = "interlock-"


def _at(wanted: Subscription, address: str) -> Subscription:
    return msgspec.structs.replace(wanted, address=address)


def _is_ours(there: Subscription, wanted: Subscription) -> bool:
    """By the name that we gave it; by the address where the source gave it none."""
    return there.name == wanted.name if there.name else there.address == wanted.address


def _same(there: Subscription, wanted: Subscription) -> bool:
    return (there.address, there.filter, sorted(there.fields), sorted(there.metafields)) == (
        wanted.address, wanted.filter, sorted(wanted.fields), sorted(wanted.metafields)
    )  # fmt: skip


def _done(made: Subscription, *, lost: bool) -> str:
    if lost:
        return "it had been dropped; made again"
    return "corrected" if made.id else "made"


def _news(found: Kept, known: Kept | None) -> bool:
    """Whether the row differs in more than the time of the look; that is written every few looks at most."""
    if known is None:
        return True
    renewed = msgspec.structs.replace(known, looked_ms=found.looked_ms)
    return renewed != found or found.looked_ms - known.looked_ms >= 5 * LOOK_SECONDS * 1000

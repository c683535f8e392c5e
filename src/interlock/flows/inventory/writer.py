"""Writes to one channel: lines of many deliveries in one call, on the disk before it is made, each with an outcome of its own."""

import asyncio
import logging
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import msgspec

from interlock.clock import Clock
from interlock.errors import StoreError
from interlock.flows.inventory.gathering import Gathering
from interlock.flows.inventory.patience import Patience
from interlock.flows.inventory.settling import NOTHING, Ended, doubts_of, settle
from interlock.messaging.finished import NOT_SENT, SEND_WITHIN_SECONDS
from interlock.messaging.limiter import Limiter
from interlock.messaging.outcome import Done, Outcome, Refused, Retry, Uncertain
from interlock.messaging.stock import (
    STALE,
    Line,
    LineOutcomes,
    Place,
    Seen,
    StockChannel,
    Underway,
    line_outcomes,
    requests_of_write,
)
from interlock.messaging.stock_book import Batch, StockBook, StockWork

PLACES_PER_READ: Final = 250
LONGEST_UNDERWAY_SECONDS: Final = 6 * 3_600.0
"""A feed that has said nothing for so long says nothing any more; what it did is looked up."""
RESENT_KEPT: Final = 64

LOG = logging.getLogger("interlock.flows")
_KEYS = uuid.UUID("0c9d5f0a-5a57-4d53-8f0e-6c1b4c7a2d11")


class _Asked(msgspec.Struct, frozen=True):
    line: Line
    key: str
    timeout_seconds: float
    at: float


class ChannelWriter:
    """Shared by all deliveries to a channel. Its limiter counts the vendor's requests, not lines."""

    def __init__(self, system: str, channel: StockChannel, book: StockBook, clock: Clock, limiter: Limiter) -> None:
        self.system = system
        self.channel = channel
        self._book = book
        self._clock = clock
        self._limiter = limiter
        self._turns = asyncio.Lock()
        self._requests_of_write = requests_of_write(channel)
        self._writes: Gathering[_Asked, Outcome] = Gathering(
            self._write, channel.lines_per_write, clock, turn=self._turn_to_write
        )
        self._reads: Gathering[tuple[Place, float], Seen | Retry | Refused] = Gathering(
            self._read, PLACES_PER_READ, clock, turn=self._turn
        )
        self._resent: dict[str, asyncio.Task[LineOutcomes]] = {}
        self._patience = Patience()

    async def read(self, place: Place, timeout_seconds: float, *, live: bool = False) -> Seen | Retry | Refused:
        """What the channel shows there now. What is live goes before a full sync."""
        return await self._reads.ask((place, timeout_seconds), first=live)

    async def write(self, line: Line, key: str, timeout_seconds: float, *, live: bool = False) -> Outcome:
        """Set it. A line that went out under this key before goes out again with the whole of its call, under that call's
        key."""
        known = self._book.look(lambda work: work.batch_of(key))
        if known is None:
            return await self._writes.ask(_Asked(line, key, timeout_seconds, self._clock.monotonic()), first=live)
        batch, number = known
        outcome = (await self._again(batch, number, timeout_seconds))[number]
        settled = [(batch.lines[number], outcome)]
        await self._book.run(lambda work: settle(work, settled, self._call_ended(again=True)))
        return outcome

    # -- calls

    async def _read(self, asked: Sequence[tuple[Place, float]]) -> Sequence[Seen | Retry | Refused]:
        places = list(dict.fromkeys(place for place, _ in asked))
        answer = await self.channel.read(places, timeout_seconds=asked[0][1])
        if isinstance(answer, Retry | Refused):
            self._rest(answer)
            return [answer] * len(asked)
        found = {seen.place: seen for seen in answer}
        return [found.get(place) or Seen(place=place, stocked=False) for place, _ in asked]

    async def _write(self, asked: Sequence[_Asked]) -> Sequence[Outcome]:
        now = self._clock.monotonic()
        late = Retry(code=NOT_SENT, message="the call waited too long for its turn; nothing was sent")
        going = [one for one in asked if now - one.at <= SEND_WITHIN_SECONDS]
        if not going:
            return [late] * len(asked)
        now_us = self._now_us()
        batch = Batch(
            key=str(uuid.uuid5(_KEYS, "/".join(one.key for one in going))), channel=self.system,
            lines=tuple(msgspec.structs.replace(one.line, sent_us=now_us) for one in going),
            line_keys=tuple(one.key for one in going), at_us=now_us,
        )  # fmt: skip
        await self._book.run(lambda work: work.keep_batch(batch))
        outcomes = dict(zip(batch.line_keys, await self._made(batch, going[0].timeout_seconds), strict=True))
        return [outcomes.get(one.key, late) for one in asked]

    async def _again(self, batch: Batch, number: int, timeout_seconds: float) -> LineOutcomes:
        """Once for all its lines that ask, until what became of each is known."""
        task = self._resent.get(batch.key)
        if task is None or (task.done() and not _is_known(task, number)):
            task = self._resent[batch.key] = asyncio.ensure_future(self._made_again(batch, timeout_seconds))
            self._forget_ended()
        return await asyncio.shield(task)

    def _forget_ended(self) -> None:
        """The oldest; a call that is under way is not made beside itself, however many there are."""
        ended = [key for key, task in self._resent.items() if task.done()]
        for key in ended[: max(0, len(self._resent) - RESENT_KEPT)]:
            del self._resent[key]

    async def _made(self, batch: Batch, timeout_seconds: float) -> LineOutcomes:
        answered = self._book.look(partial(doubts_of, batch=batch)) if self.channel.compares else NOTHING
        outcomes = await self._ended(batch, timeout_seconds, first=True)
        settled = list(zip(batch.lines, outcomes, strict=True))
        await self._book.run(lambda work: settle(work, settled, self._call_ended(answered=answered)))
        return tuple(self._patience.with_rest(line.place, outcome) for line, outcome in settled)

    async def _made_again(self, batch: Batch, timeout_seconds: float) -> LineOutcomes:
        """A place that shows what its line says is no stale one: the first call had written it, in a part of its own."""
        await self._turn_to_write()
        outcomes = await self._ended(batch, timeout_seconds)
        stale = [line.place for line, outcome in zip(batch.lines, outcomes, strict=True) if _is_stale(outcome)]
        if not stale:
            return outcomes
        await self._turn()
        answer = await self.channel.read(stale, timeout_seconds=timeout_seconds)
        if isinstance(answer, Retry | Refused):
            return tuple(answer if _is_stale(outcome) else outcome for outcome in outcomes)
        shown = {seen.place: seen.quantity for seen in answer if seen.stocked}
        return tuple(
            _written_before(line) if _is_stale(outcome) and shown.get(line.place) == line.quantity else outcome
            for line, outcome in zip(batch.lines, outcomes, strict=True)
        )

    async def _ended(self, batch: Batch, timeout_seconds: float, *, first: bool = False) -> LineOutcomes:
        outcomes = await self._called(batch, timeout_seconds, first=first)
        if isinstance(outcomes, Underway):
            outcomes = await self._awaited(batch, outcomes, timeout_seconds)
        self._rest(*outcomes)
        return outcomes

    async def _called(self, batch: Batch, timeout_seconds: float, *, first: bool) -> LineOutcomes | Underway:
        """A client that raises has said nothing: what it did is not known."""
        try:
            if batch.receipt:
                return Underway(receipt=batch.receipt, again_seconds=0.0)
            return await self.channel.write(batch.lines, key=batch.key, timeout_seconds=timeout_seconds, first=first)
        except StoreError:
            raise
        except Exception as error:
            LOG.exception(
                "HUB-CLIENT %s in the client of %s while stock was written", type(error).__name__, self.system
            )
            words = f"{type(error).__name__} in the client of {self.system}"
            return line_outcomes(batch.lines, Uncertain(code="HUB-CLIENT", message=words))

    async def _awaited(self, batch: Batch, answer: Underway, timeout_seconds: float) -> LineOutcomes:
        """A feed is followed to its report; its receipt is on the disk."""
        until = self._clock.monotonic() + LONGEST_UNDERWAY_SECONDS
        receipt = ""
        while self._clock.monotonic() < until:
            if answer.receipt != receipt:
                receipt = answer.receipt
                await self._book.run(partial(_under_way, key=batch.key, receipt=receipt))
            await self._clock.sleep(answer.again_seconds)
            said = await self.channel.look(receipt, batch.lines, timeout_seconds=timeout_seconds)
            if isinstance(said, Retry):
                answer = Underway(
                    receipt=receipt, again_seconds=max(said.retry_after_seconds, answer.again_seconds, 1.0)
                )
            elif isinstance(said, Underway):
                answer = said
            else:
                return said
        words = f"{self.system} has not said what became of {receipt}"
        return line_outcomes(batch.lines, Uncertain(code="HUB-FEED", message=words))

    def _call_ended(self, *, again: bool = False, answered: Mapping[Place, int] = NOTHING) -> Ended:
        return Ended(self.system, self.channel.compares, self._now_us(), again, answered)

    # -- the vendor's limit

    async def _turn_to_write(self) -> None:
        await self._turn(self._requests_of_write)

    async def _turn(self, requests: int = 1) -> None:
        """First come, first served."""
        async with self._turns:
            for _ in range(requests):
                while (wait := self._limiter.take()) > 0:
                    await self._clock.sleep(wait)

    def _rest(self, *outcomes: Outcome) -> None:
        """A channel that wants to be left alone is asked nothing for so long, not only of the lines that heard it."""
        asked = [one.retry_after_seconds for one in outcomes if isinstance(one, Retry) and one.destination_wide]
        self._limiter.pause(max(asked, default=0.0))

    def _now_us(self) -> int:
        return self._clock.now_ms() * 1_000


def _under_way(work: StockWork, *, key: str, receipt: str) -> None:
    work.batch_under_way(key, receipt)


def _is_known(task: "asyncio.Task[LineOutcomes]", number: int) -> bool:
    """Whether a call that was sent again has said for good what became of this line."""
    if task.cancelled() or task.exception() is not None:
        return False
    outcome = task.result()[number]
    return isinstance(outcome, Done | Refused) or _is_stale(outcome)


def _is_stale(outcome: Outcome) -> bool:
    return isinstance(outcome, Retry) and outcome.code == STALE


def _written_before(line: Line) -> Done:
    return Done(external_id=f"{line.place.item}@{line.place.location}", detail="an earlier call had written it")

"""How a system is asked about its stock: with patience within reason, and with words for why it does not let itself be read."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Protocol

from interlock.clock import Clock
from interlock.flows.inventory.rules import StockRules
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.stock import IN_WORK, StockChannel, StockSource
from interlock.messaging.write import Source

CALL_SECONDS: Final = 30.0
PATIENCE_SECONDS: Final = 60.0
"""A system that has given no answer for so long, however often it was asked, is not read now."""
WORK_SECONDS: Final = 3_600.0
"""And one that works on its answer for so long will not have it now: a store of a hundred thousand items takes some minutes."""
LONGEST_PAUSE_SECONDS: Final = 300.0

Page = Any
Waits = Callable[[str], Awaitable[None]]
"""Is told in words since when and until when an answer is waited for, and why; "" when it has come."""


class NotReadError(Exception):
    """A system does not let itself be read now; the words say why. `for_good`: it will not later either, as we ask it.
    `again_seconds`: it wants to be left alone for so long."""

    def __init__(self, words: str, *, for_good: bool = False, again_seconds: float = 0.0) -> None:
        super().__init__(words)
        self.for_good = for_good
        self.again_seconds = again_seconds


class Stocked(Protocol):
    """The release that runs, as far as stock is concerned."""

    id: str

    @property
    def stock(self) -> StockRules:
        """Its rules."""

    def stock_source(self, system: str) -> StockSource:
        """How a system of truth is read."""

    def stock_channel(self, system: str) -> StockChannel:
        """How a channel is read."""

    def source(self, name: str) -> Source:
        """How one order is read."""

    def tellers(self, system: str) -> Any:
        """Who reads what this system tells."""


async def in_silence(words: str) -> None:
    """Waits without a word."""


async def persistently(
    clock: Clock, ask: Callable[[], Awaitable[Any]], *, patience_seconds: float = PATIENCE_SECONDS, waits: Waits = in_silence
) -> Page:  # fmt: skip
    """Its answer, however often the system asks for patience within reason: after `patience_seconds` without a sign of life no
    further call is begun, nor is one that only works on its answer waited for without end. Raises NotReadError."""
    began_ms, tried, waited = clock.now_ms(), 0, False
    began = heard = clock.monotonic()
    while isinstance(answer := await ask(), Retry):
        words, now = f"{answer.code}: {answer.message}", clock.monotonic()
        if answer.code == IN_WORK:
            heard, tried, ends = now, 0, began + WORK_SECONDS
        else:
            ends = heard + patience_seconds
        pause = max(answer.retry_after_seconds, pause_seconds(tried))
        if now + pause > ends:
            raise NotReadError(words, again_seconds=answer.retry_after_seconds)
        until_ms = began_ms + round((ends - began + CALL_SECONDS) * 1_000)
        await waits(f"since {stamp_of(began_ms)}, until {stamp_of(until_ms)} at the latest ({words})")
        waited, tried = True, tried + 1
        await clock.sleep(pause)
    if waited:
        await waits("")
    if isinstance(answer, Refused):
        raise NotReadError(f"{answer.code}: {answer.message}", for_good=True)
    return answer


async def pages(clock: Clock, ask: Callable[..., Awaitable[Any]]) -> AsyncIterator[tuple[int, Page]]:
    """Each page, with when it was asked for, in milliseconds; `ask` takes what the page before named, and a time limit. The last one
    names nothing, or what it was asked by itself. Raises NotReadError."""
    after = ""
    while True:
        asked_ms = clock.now_ms()
        page = await persistently(clock, partial(ask, after, timeout_seconds=CALL_SECONDS))
        yield asked_ms, page
        if not page.after or page.after == after:
            return
        after = page.after


def stamp_of(at_ms: int) -> str:
    """`12:28:21Z`: within a wait of minutes the day is known."""
    return f"{datetime.fromtimestamp(at_ms / 1_000, UTC):%H:%M:%SZ}"


def pause_seconds(failures: int) -> float:
    """Longer with each failure in a row."""
    return min(2.0**failures, LONGEST_PAUSE_SECONDS)

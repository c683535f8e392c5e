"""How a system is asked about its stock: with patience within reason, and with words for why it does not let itself be read."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from interlock.clock import Clock
from interlock.flows.inventory.rules import StockRules
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.stock import StockChannel, StockSource
from interlock.messaging.write import Source

CALL_SECONDS: Final = 30.0
MOST_TRIES: Final = 6
LONGEST_PAUSE_SECONDS: Final = 300.0

Page = Any


class NotReadError(Exception):
    """A system does not let itself be read now; the words say why. `for_good`: it will not later either, as we ask it."""

    def __init__(self, words: str, *, for_good: bool = False) -> None:
        super().__init__(words)
        self.for_good = for_good


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


async def persistently(clock: Clock, ask: Callable[[], Awaitable[Any]], tries: int = MOST_TRIES) -> Page:
    """Its answer, however often the system asks for patience within reason. Raises NotReadError."""
    for tried in range(tries):
        answer = await ask()
        if isinstance(answer, Refused):
            raise NotReadError(f"{answer.code}: {answer.message}", for_good=True)
        if not isinstance(answer, Retry):
            return answer
        if tried < tries - 1:
            await clock.sleep(max(answer.retry_after_seconds, pause_seconds(tried)))
    raise NotReadError(f"{answer.code}: {answer.message}")


def pause_seconds(failures: int) -> float:
    """Longer with each failure in a row."""
    return min(2.0**failures, LONGEST_PAUSE_SECONDS)

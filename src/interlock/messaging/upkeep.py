"""Upkeep: small duties at their own intervals: rescue lost claims, trim old bodies, move the log into the file."""

from collections.abc import Awaitable, Callable

from interlock.clock import Clock
from interlock.messaging.full_disk import until_there_is_space
from interlock.messaging.inbox import Inbox
from interlock.messaging.ledger import Ledger
from interlock.messaging.router import CURSOR
from interlock.messaging.stock_book import CURSOR as STOCK

RESCUE_SECONDS = 5.0
TRIM_SECONDS = 60.0
CHECKPOINT_SECONDS = 60.0
TRIM_BATCH = 5_000


class Upkeep:
    """The days come from security.toml; keys and hashes are never trimmed."""

    def __init__(
        self,
        inbox: Inbox,
        ledger: Ledger,
        clock: Clock,
        *,
        bodies_days: float,
        attempts_days: float,
        audit_days: float = 1_095,
        wake: Callable[[], None],
    ) -> None:
        self._inbox = inbox
        self._ledger = ledger
        self._clock = clock
        self._bodies_ms = round(bodies_days * 86_400_000)
        self._attempts_ms = round(attempts_days * 86_400_000)
        self._audit_ms = round(audit_days * 86_400_000)
        self._wake = wake

    async def run(self) -> None:
        """Do each duty when it is due, for ever."""
        duties: list[tuple[float, Callable[[], Awaitable[object]]]] = [
            (RESCUE_SECONDS, self.rescue),
            (TRIM_SECONDS, self.trim),
            (CHECKPOINT_SECONDS, self._ledger.checkpoint),
        ]
        due = [self._clock.monotonic() + every for every, _ in duties]
        while True:
            await self._clock.sleep(max(0.0, min(due) - self._clock.monotonic()))
            for index, (every, duty) in enumerate(duties):
                if due[index] <= self._clock.monotonic():
                    await until_there_is_space(duty, self._clock)
                    due[index] = self._clock.monotonic() + every

    async def rescue(self) -> int:
        """Take deliveries back from workers whose lease ran out; returns how many."""
        rescued = await self._ledger.rescue(self._clock.now_ms())
        if rescued:
            self._wake()
        return len(rescued)

    async def trim(self) -> int:
        """Forget bodies that are old, routed, and that no open delivery needs, and old audit lines; returns how many."""
        now_ms = self._clock.now_ms()
        routed = await self._ledger.cursor(CURSOR)  # first: what is routed between the two questions is wanted by then
        taken = await self._ledger.cursor(STOCK) or routed
        keep_from = min(await self._ledger.oldest_wanted_event(), min(routed, taken) + 1)
        events = await self._inbox.trim(now_ms - self._bodies_ms, keep_from, TRIM_BATCH)
        bodies = await self._ledger.trim(now_ms - self._attempts_ms, TRIM_BATCH)
        return events + bodies + await self._ledger.trim_audit(now_ms - self._audit_ms, TRIM_BATCH)

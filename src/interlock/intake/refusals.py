"""What was refused: counted by code, and told in the log once a minute for each system, so that an attack is seen and fills no disk."""

import logging

from interlock.clock import Clock
from interlock.errors import InterlockError

LOG = logging.getLogger("interlock.intake")
TOLD_EVERY_SECONDS = 60.0


class Refusals:
    """Totals by code, for all systems together."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[tuple[str, str], tuple[float, int]] = {}
        self.total: dict[str, int] = {}

    def count(self, system: str, error: InterlockError) -> None:
        """One more. `system` is a name of the strategy folder, '' where none was named."""
        self.total[error.code] = self.total.get(error.code, 0) + 1
        now = self._clock.monotonic()
        since, more = self._told.get((system, error.code), (-TOLD_EVERY_SECONDS, 0))
        if now - since < TOLD_EVERY_SECONDS:
            self._told[system, error.code] = (since, more + 1)
            return
        self._told[system, error.code] = (now, 0)
        since_then = f"; {more} more since this was last told" if more else ""
        LOG.warning("%s refused at %s: %s%s", error.code, system or "the door", error.what, since_then)

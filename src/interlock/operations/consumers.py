"""Writes down once a minute who used which version, and says in the log, once an hour, who uses one that is deprecated."""

import logging

from interlock.clock import Clock
from interlock.messaging.consumers import Consumer, ConsumerBook
from interlock.messaging.full_disk import until_there_is_space
from interlock.release.shelf import Shelf

LOG = logging.getLogger("interlock.versions")

NOTE_SECONDS = 60.0
SAID_AGAIN_MS = 3_600_000
PARTS = {
    "flow": "flow {flow}",
    "reads": "the mapping of {system} (reading, for {flow})",
    "writes": "the mapping of {system}",
}


class Consumers:
    """Beside the deliveries: a use costs them nothing but a note in memory."""

    def __init__(self, book: ConsumerBook, shelf: Shelf, clock: Clock) -> None:
        self._book = book
        self._shelf = shelf
        self._clock = clock
        self._said_ms: dict[tuple[str, str, str, str], int] = {}

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._clock.sleep(NOTE_SECONDS)
            await self.step()

    async def step(self) -> int:
        """Write down what was used since the last time; returns how many rows."""
        seen = self._shelf.uses.taken()
        if seen:
            await until_there_is_space(lambda: self._book.note(seen), self._clock)
        for consumer in seen:
            self._say(consumer)
        return len(seen)

    def _say(self, consumer: Consumer) -> None:
        """What is deprecated by the folder that is active now; each consumer once an hour."""
        found = self._shelf.current().retirements.by_key.get(consumer.version)
        now_ms = self._clock.now_ms()
        if found is None or found.stage(now_ms) == "announced":
            return
        key = (consumer.version, consumer.flow, consumer.part, consumer.system)
        if now_ms - self._said_ms.get(key, -SAID_AGAIN_MS) < SAID_AGAIN_MS:
            return
        self._said_ms[key] = now_ms
        who = PARTS[consumer.part].format(flow=consumer.flow, system=consumer.system)
        LOG.warning("%s uses it: %s", who, found.words())

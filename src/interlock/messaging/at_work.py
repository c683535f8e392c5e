"""Work beside a look that comes back again and again: at most one task for each name, and none outlives the look."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

from interlock.clock import Clock
from interlock.messaging.full_disk import until_there_is_space

Name = TypeVar("Name", str, int)


class AtWork(Generic[Name]):
    """A source that lets us wait costs its own task, never the look at the others."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: dict[Name, asyncio.Task[None]] = {}

    def __contains__(self, name: Name) -> bool:
        """Whether it was begun and its end not settled."""
        return name in self._tasks

    def begin(self, name: Name, work: Coroutine[Any, Any, None]) -> None:
        """Its end is settled at a later look."""
        self._tasks[name] = asyncio.get_running_loop().create_task(work)

    def settle(self) -> None:
        """Forget what has ended. Raises what it raised: a store that failed ends the hub."""
        for name in [name for name, task in self._tasks.items() if task.done()]:
            self._tasks.pop(name).result()

    async def look_for_ever(self, look: Callable[[], Awaitable[object]], every_seconds: float) -> None:
        """`look` settles and begins. When this is cancelled, so is all that is at work."""
        try:
            while True:
                await until_there_is_space(look, self._clock)
                await self._clock.sleep(every_seconds)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

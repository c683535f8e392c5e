"""A full disk heals by itself: who meets one waits a little and tries again; every other failure of the store is raised."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from interlock.clock import Clock
from interlock.errors import StoreError

T = TypeVar("T")

FULL_DISK = "STO002"
FULL_DISK_PAUSE_SECONDS = 1.0


async def until_there_is_space(work: Callable[[], Awaitable[T]], clock: Clock) -> T:
    """The result of `work`, done again after a pause as long as the disk is full."""
    while True:
        try:
            return await work()
        except StoreError as error:
            if error.code != FULL_DISK:
                raise
        await clock.sleep(FULL_DISK_PAUSE_SECONDS)

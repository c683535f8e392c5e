"""Who asks at one moment shares a call, and who asks while a call waits for its turn goes with it."""

import asyncio
from collections.abc import Sequence

import pytest

from interlock.clock import VirtualClock
from interlock.flows.inventory.gathering import LINGER_SECONDS, Gathering

PACE_SECONDS = 0.4


class Paced:
    """A channel that takes one call each PACE_SECONDS; `late` is the control: the call is put together before its turn."""

    def __init__(self, *, late: bool = False) -> None:
        self.clock = VirtualClock()
        self.calls: list[tuple[float, tuple[str, ...]]] = []
        self._next = 0.0
        self._late = late
        self.gathering: Gathering[str, str] = (
            Gathering(self._call, 3, self.clock) if late else Gathering(self._call, 3, self.clock, turn=self._turn)
        )

    async def _turn(self) -> None:
        wait, self._next = self._next - self.clock.monotonic(), max(self._next, self.clock.monotonic()) + PACE_SECONDS
        await self.clock.sleep(max(0.0, wait))

    async def _call(self, asked: Sequence[str]) -> Sequence[str]:
        if self._late:
            await self._turn()
        self.calls.append((round(self.clock.monotonic(), 3), tuple(asked)))
        return [one.upper() for one in asked]


async def _asked(channel: Paced, *names: str) -> list[asyncio.Task[str]]:
    tasks = [asyncio.ensure_future(channel.gathering.ask(name)) for name in names]
    await channel.clock.advance(0.0)  # they begin
    await channel.clock.advance(0.1)
    return tasks


@pytest.mark.parametrize("late", [False, True])
def test_who_asks_before_the_turn_goes_along(late: bool) -> None:
    """One turn is used, b is waiting for the next when c asks: they go together. Control: b's call was put together before, so c
    waits for a turn more."""

    async def run() -> None:
        channel = Paced(late=late)
        tasks = [*await _asked(channel, "a"), *await _asked(channel, "b"), *await _asked(channel, "c")]
        await channel.clock.advance(2.0)
        assert [task.result() for task in tasks] == ["A", "B", "C"]
        together = [(LINGER_SECONDS, ("a",)), (LINGER_SECONDS + PACE_SECONDS, ("b", "c"))]
        assert (channel.calls == together) is not late
        assert len(channel.calls) == (3 if late else 2)

    asyncio.run(run())


def test_no_turn_is_taken_for_nobody() -> None:
    """Seven askers and three to a call are three turns, in the order in which they came, and an eighth later has the next."""

    async def run() -> None:
        channel = Paced()
        await _asked(channel, *"abcdefg")
        await channel.clock.advance(2.0)
        await _asked(channel, "h")
        assert [names for _, names in channel.calls] == [tuple("abc"), tuple("def"), ("g",), ("h",)]
        assert channel.calls[-1][0] == pytest.approx(2.1 + LINGER_SECONDS)

    asyncio.run(run())


def test_what_a_call_raises_each_of_its_askers_gets() -> None:
    """And the next call is made."""

    async def run() -> None:
        clock, fails = VirtualClock(), [True]

        async def call(asked: Sequence[str]) -> Sequence[str]:
            if fails.pop() if fails else False:
                raise ConnectionError("no")
            return asked

        gathering: Gathering[str, str] = Gathering(call, 2, clock)
        tasks = [asyncio.ensure_future(gathering.ask(name)) for name in "abc"]
        await clock.advance(0.0)
        await clock.advance(1.0)
        assert [type(task.exception()) for task in tasks[:2]] == [ConnectionError, ConnectionError]
        assert tasks[2].result() == "c"

    asyncio.run(run())

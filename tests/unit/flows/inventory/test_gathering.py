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


@pytest.mark.parametrize("first", [True, False], ids=["first", "the control"])
def test_who_asks_to_be_first_waits_for_no_long_call(first: bool) -> None:
    """A full sync has all calls under way, of half a minute each, and as much again waits: what is live has a call of its own, by itself,
    and one at a time, so that what is live goes together too. Control: without a word it is answered after two calls."""

    async def run() -> None:
        clock, calls = VirtualClock(), list[tuple[str, ...]]()

        async def call(asked: Sequence[str]) -> Sequence[str]:
            calls.append(tuple(asked))
            await clock.sleep(1.0 if "live" in asked[0] else 30.0)
            return asked

        gathering: Gathering[str, str] = Gathering(call, 3, clock)
        others = [asyncio.ensure_future(gathering.ask(name)) for name in "abcdefghi"]
        await clock.advance(0.0)
        await clock.advance(1.0)
        live = [asyncio.ensure_future(gathering.ask(f"live-{number}", first=first)) for number in range(2)]
        await clock.advance(0.0)
        await clock.advance(0.5)
        third = asyncio.ensure_future(gathering.ask("live-2", first=first))
        await clock.advance(0.0)
        await clock.advance(3.0)
        assert all(task.done() for task in (*live, third)) is first
        assert (calls[2:] == [("live-0", "live-1"), ("live-2",)]) is first
        await clock.advance(90.0)
        assert all(task.done() for task in (*others, *live, third))

    asyncio.run(run())


def test_who_asks_to_be_first_shares_no_call_with_others() -> None:
    """Some hundred lines of a full sync would make the call last half a minute, and all that is live after it would wait for its end."""

    async def run() -> None:
        channel = Paced()
        await _asked(channel, "a")
        live = asyncio.ensure_future(channel.gathering.ask("live", first=True))
        await _asked(channel, "b")
        await channel.clock.advance(2.0)
        assert live.result() == "LIVE"
        assert [names for _, names in channel.calls] == [("a",), ("live",), ("b",)]

    asyncio.run(run())

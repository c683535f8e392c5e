"""Gathers what many ask for at one moment into few calls: each asker waits for its own answer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from interlock.clock import Clock

A = TypeVar("A")
B = TypeVar("B")

LINGER_SECONDS: Final = 0.005
"""So long the first asker waits for company; what is asked while calls are under way waits for them anyway."""
CALLS_AT_ONCE: Final = 2
"""One on its way while the next is made ready; more would only split what could go together."""


async def _at_once() -> None:
    """The turn of a call that nothing limits."""


class Gathering(Generic[A, B]):
    """`call` gets up to `most` askings and gives as many answers, in their order. What it raises, each asker gets. What it
    gets is chosen when its `turn` has come, so that whoever asks while a call waits for its turn goes with it. Who asks to be
    `first` goes before all others, in calls of their own, and in one besides when the others' take up all places."""

    def __init__(
        self, call: Callable[[Sequence[A]], Awaitable[Sequence[B]]], most: int, clock: Clock, *,
        turn: Callable[[], Awaitable[None]] = _at_once, at_once: int = CALLS_AT_ONCE,
    ) -> None:  # fmt: skip
        self._call = call
        self._most = most
        self._clock = clock
        self._turn = turn
        self._at_once = at_once
        self._first: list[tuple[A, asyncio.Future[B]]] = []
        self._waiting: list[tuple[A, asyncio.Future[B]]] = []
        self._calls: dict[asyncio.Task[None], bool] = {}
        self._opening: asyncio.Task[None] | None = None

    async def ask(self, one: A, *, first: bool = False) -> B:
        """Its answer, out of a call that it may share."""
        future: asyncio.Future[B] = asyncio.get_running_loop().create_future()
        (self._first if first else self._waiting).append((one, future))
        self._begin()
        return await future

    def _begin(self) -> None:
        """One call at a time waits for its turn: a second would take a turn for what the first takes along."""
        if self._opening is None and self._has_place():
            self._opening = asyncio.ensure_future(self._open())

    def _has_place(self) -> bool:
        if len(self._calls) < self._at_once:
            return bool(self._first or self._waiting)
        return bool(self._first) and not any(self._calls.values())

    async def _open(self) -> None:
        try:
            if len(self._first or self._waiting) < self._most:
                await self._clock.sleep(LINGER_SECONDS)
            await self._turn()
        finally:
            self._opening = None
        self._start()
        self._begin()

    def _start(self) -> None:
        has_first = bool(self._first)  # they go by themselves: with others they would be in a call that is long
        line = self._first if has_first else self._waiting
        taken, line[:] = line[: self._most], line[self._most :]
        task = asyncio.ensure_future(self._answer(taken))
        self._calls[task] = has_first
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        del self._calls[task]
        self._begin()

    async def _answer(self, taken: list[tuple[A, "asyncio.Future[B]"]]) -> None:
        live = [(one, future) for one, future in taken if not future.done()]  # an asker may have given up
        if not live:
            return
        try:
            answers = await self._call([one for one, _ in live])
        except BaseException as error:
            for _, future in live:
                if not future.done():
                    future.set_exception(
                        error if isinstance(error, Exception) else RuntimeError("the call was cancelled")
                    )
            if not isinstance(error, Exception):
                raise
            return
        for (_, future), answer in zip(live, answers, strict=True):
            if not future.done():
                future.set_result(answer)

"""The load generator: keep-alive connections, one request at a time on each, as fast as answers come or at a given rate."""

import asyncio
import random
import re
import time
from collections import deque
from collections.abc import Iterable
from itertools import count

import msgspec

from bench.orders import Orders

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
SETTLE_SECONDS = 10.0


class Span(msgspec.Struct):
    """What happened in one span of load. Times in seconds; `waits` from the moment a request was due to its last byte of answer."""

    seconds: float
    answered: int
    refused: int
    waits: list[float]
    lags: list[float]
    """How late the generator itself was: large ones mean that it, not the server, was the limit."""

    @property
    def per_second(self) -> float:
        """Accepted requests."""
        return (self.answered - self.refused) / self.seconds

    def wait_ms(self, share: float) -> float:
        """A percentile of the waits, in milliseconds."""
        return percentile(self.waits, share) * 1000


def percentile(values: Iterable[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


class Load:
    """Sends each order once, by rising numbers. `sent` and `accepted` are moments (time.monotonic) by order number."""

    def __init__(self, port: int, orders: Orders) -> None:
        self.orders = orders
        self._port = port
        self._numbers = count()
        self._idle: deque[_Connection] = deque()
        self._due: deque[tuple[int, float]] = deque()
        self._connections: list[_Connection] = []
        self._feeding = False
        self._left = 0
        self.sent: dict[int, float] = {}
        self.accepted: dict[int, float] = {}
        self.refused: dict[int, int] = {}
        self.lags: list[float] = []

    async def open(self, connections: int) -> None:
        """Connect; each connection stays open."""
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._port)
            self._connections.append(connection)
            self._idle.append(connection)

    def accepted_keys(self) -> list[int]:
        """The ids of the accepted orders."""
        return [self.orders.key(number) for number in self.accepted]

    def close(self) -> None:
        """Drop all connections."""
        self._feeding = False
        for connection in self._connections:
            if connection.transport is not None:
                connection.transport.abort()
        self._connections.clear()
        self._idle.clear()

    # -- as fast as answers come

    async def saturate(self, seconds: float, warm_seconds: float = 0.5) -> Span:
        """Every connection sends its next request when it has its answer. The first moments are not counted."""
        self._left = 1 << 60
        self._feed()
        await asyncio.sleep(warm_seconds)
        began, accepted, refused = time.monotonic(), len(self.accepted), len(self.refused)
        await asyncio.sleep(seconds)
        span = self._span(began, accepted, refused)
        self._left = 0
        await self._settled()
        self._feeding = False
        return span

    async def send(self, count: int) -> None:
        """So many requests, as fast as answers come; returns when all are answered."""
        self._left = count
        self._feed()
        await self._settled(within_seconds=None)
        self._feeding = False

    def _feed(self) -> None:
        self._feeding = True
        while self._idle and self._left:
            self._next(self._idle.popleft())

    # -- at a rate

    async def pace(self, per_second: float, seconds: float, chance: random.Random) -> Span:
        """Requests come at random moments, on average so many a second, whether or not the earlier ones are answered."""
        began, accepted, refused = time.monotonic(), len(self.accepted), len(self.refused)
        self.lags = []
        due = began
        while (now := time.monotonic()) - began < seconds and self._connections:
            while due <= now:
                self.lags.append(now - due)
                self.give()
                due += chance.expovariate(per_second)
            await asyncio.sleep(max(0.0, due - now))
        await self._settled()
        return self._span(began, accepted, refused)

    def give(self) -> None:
        """One order is due now: it is sent on an idle connection, or on the next one that becomes idle."""
        number = next(self._numbers)
        if self._idle:
            self._idle.popleft().send(number, time.monotonic())
        else:
            self._due.append((number, time.monotonic()))

    # -- what connections say

    def answered(self, connection: "_Connection", number: int, status: int) -> None:
        """One answer came."""
        if 200 <= status < 300:
            self.accepted[number] = time.monotonic()
        else:
            self.refused[number] = status
        if self._due:
            connection.send(*self._due.popleft())
        elif self._feeding and self._left:
            self._next(connection)
        else:
            self._idle.append(connection)

    def lost(self, connection: "_Connection") -> None:
        """The other side went away: what was in flight is neither accepted nor refused."""
        if connection in self._connections:
            self._connections.remove(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def _next(self, connection: "_Connection") -> None:
        self._left -= 1
        connection.send(next(self._numbers), time.monotonic())

    async def _settled(self, within_seconds: float | None = SETTLE_SECONDS) -> None:
        """Until nothing is in flight."""
        deadline = None if within_seconds is None else time.monotonic() + within_seconds
        while (self._left or self._due or len(self._idle) < len(self._connections)) and self._connections:
            if deadline is not None and time.monotonic() > deadline:
                return
            await asyncio.sleep(0.002)

    def _span(self, began: float, accepted: int, refused: int) -> Span:
        seconds = time.monotonic() - began
        new_refused = len(self.refused) - refused
        numbers = list(self.accepted)[accepted:]
        waits = [self.accepted[number] - self.sent[number] for number in numbers]
        return Span(seconds, len(numbers) + new_refused, new_refused, waits, self.lags)


class _Connection(asyncio.Protocol):
    """One keep-alive connection, at most one request in flight on it."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._number = -1
        self._buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, number: int, due: float) -> None:
        """Send an order; `due` is when it should have left."""
        assert self.transport is not None
        self._number = number
        self._load.sent[number] = due
        self.transport.write(self._load.orders.request(number))

    def data_received(self, data: bytes) -> None:
        answer = self._buffer + data if self._buffer else data
        if not whole(answer):
            self._buffer = answer
            return
        self._buffer = b""
        self._load.answered(self, self._number, int(answer[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost(self)


def whole(answer: bytes) -> bool:
    """True when an HTTP/1.1 answer is there to its end. The intake's own answer is recognised without a search."""
    if answer.endswith(b"\r\n\r\n{}"):
        return True
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    length = LENGTH.search(answer, 0, end + 2)
    if length is None:
        return answer.endswith((b"\r\n0\r\n\r\n", b"\r\n\r\n")) and (
            b"chunked" not in answer[:end] or answer.endswith(b"0\r\n\r\n")
        )
    return len(answer) >= end + 4 + int(length.group(1))

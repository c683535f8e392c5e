"""The calls to a channel keep to what its vendor takes: each request counts, and who asks to be left alone is left alone."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from stock_engine import SHELF, SHOP, StockEngine

from interlock.clock import VirtualClock
from interlock.flows.inventory.writer import ChannelWriter
from interlock.messaging.limiter import Limiter
from interlock.messaging.outcome import Done, Outcome, Refused, Retry
from interlock.messaging.stock import Line, Place, Seen

RATE_PER_SECOND, REST_SECONDS = 5.0, 2.0
LIMITED = Retry(
    code="RATE_LIMITED", message="slow down", status=429, retry_after_seconds=REST_SECONDS, destination_wide=True
)
BUSY = Retry(code="CONFLICT", message="this place is busy", status=409, retry_after_seconds=REST_SECONDS)


class Till:
    """A channel that takes one line a call and writes down when it was asked."""

    lines_per_write, compares = 1, True

    def __init__(self, clock: VirtualClock, *, requests_per_write: int = 1, first: Outcome | None = None) -> None:
        self.clock, self.requests_per_write, self._first = clock, requests_per_write, first
        self.written: list[float] = []
        self.read_at: list[float] = []

    async def write(
        self, lines: Sequence[Line], *, key: str, timeout_seconds: float, first: bool = False
    ) -> tuple[Outcome, ...]:
        assert first and len(lines) == 1 and key and timeout_seconds
        self.written.append(self.clock.monotonic())
        outcome, self._first = self._first or Done(external_id=lines[0].sku), None
        return (outcome,)

    async def read(self, places: Sequence[Place], *, timeout_seconds: float) -> tuple[Seen, ...] | Retry | Refused:
        del timeout_seconds
        self.read_at.append(self.clock.monotonic())
        return tuple(Seen(place=place, quantity=1) for place in places)


async def _asked(engine: StockEngine, till: Till, lines: int) -> None:
    """So many lines at once, each a call, and then one reading."""
    limiter = Limiter(
        engine.clock, concurrency=4, rate_per_second=RATE_PER_SECOND, burst=float(till.requests_per_write)
    )
    writer = ChannelWriter(SHOP, till, engine.book, engine.clock, limiter)  # type: ignore[arg-type]
    line = [Line(place=Place(f"TEE-{n}", SHELF), quantity=n, reference="r", change_from=0) for n in range(lines)]
    tasks = [asyncio.ensure_future(writer.write(one, f"key-{one.quantity}", 5.0)) for one in line]
    await engine.run(0.1)
    tasks.append(asyncio.ensure_future(writer.read(Place("CAP", SHELF), 5.0)))  # type: ignore[arg-type]
    await engine.run(2 * REST_SECONDS)
    assert all(task.done() for task in tasks)


@pytest.mark.parametrize(("requests", "apart"), [(2, 0.4), (1, 0.2)])
def test_a_write_of_two_requests_counts_for_two(tmp_path: Path, requests: int, apart: float) -> None:
    """At five requests a second a write that reads before it writes comes each 0.4 s. Control: counted as one, it would be made ten
    requests a second."""

    async def run() -> None:
        async with StockEngine(tmp_path) as engine:
            till = Till(engine.clock, requests_per_write=requests)
            await _asked(engine, till, 6)
            waits = [later - sooner for sooner, later in zip(till.written, till.written[1:], strict=False)]
            assert sorted(waits)[len(waits) // 2] == pytest.approx(apart, abs=0.02)

    asyncio.run(run())


@pytest.mark.parametrize("said", [LIMITED, BUSY])
def test_a_channel_that_asks_for_rest_is_asked_nothing(tmp_path: Path, said: Retry) -> None:
    """A 429 is about all that is asked of it, also by lines that wait for their turn already, and by readings. Control: an answer about
    one place keeps no other waiting."""

    async def run() -> None:
        async with StockEngine(tmp_path) as engine:
            till = Till(engine.clock, first=said)
            await _asked(engine, till, 3)
            rested = [at - till.written[0] >= REST_SECONDS for at in (*till.written[1:], *till.read_at)]
            assert rested == [said is LIMITED] * len(rested) and till.read_at

    asyncio.run(run())

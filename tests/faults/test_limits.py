"""Fault case 21: what the hub asks of a destination in a minute, and at once, stays below what the destination allows."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from engine import START_MS, Engine, FakeSystem, event_of
from experiment import Experiment

from interlock.connectors import registry
from interlock.messaging.delivery import Want
from interlock.messaging.limiter import Limiter
from interlock.messaging.outcome import Outcome, Refused, Retry
from interlock.messaging.releases import Limits
from interlock.messaging.write import Once, Write
from interlock.twins.limits import SlidingWindow

SHIPBOB_A_MINUTE = 150
"""A sliding window: developer.shipbob.com/rate-limit."""
NETSUITE_AT_ONCE = 15
SHOPIFY_BUCKET, SHOPIFY_A_SECOND = 40, 2.0
"""A shop that counts requests, as the REST API did; points are test_points.py's matter."""


class Metered(FakeSystem):
    """Refuses what is above its limits, and keeps the fullest moment."""

    def meter(self, a_minute: int, at_once: int, seconds: tuple[float, float]) -> None:
        self.window = SlidingWindow(a_minute, 60, self.clock.monotonic)
        self.at_once, self.in_flight, self.fullest = at_once, 0, 0
        self.seconds, self.chance = seconds, random.Random(1)
        self.fault = self.admit

    def admit(self, _write: Write) -> str:
        self.latency_seconds = self.chance.uniform(*self.seconds)
        return "done" if self.window.take().allowed and self.in_flight <= self.at_once else "429:1"

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:
        self.in_flight += 1
        self.fullest = max(self.fullest, self.in_flight)
        try:
            return await super().write(write, idempotency_key=idempotency_key, timeout_seconds=timeout_seconds)
        finally:
            self.in_flight -= 1


async def pressed(
    folder: Path, orders: int, limits: Limits, *, a_minute: int, at_once: int, seconds: tuple[float, float]
) -> dict[str, Any]:
    """A full queue of two flows to one destination, until it is empty."""
    folder.mkdir()
    engine = Engine(folder, limits=limits)
    metered = Metered(engine.clock, Once.UPSERT)
    metered.meter(a_minute, at_once, seconds)
    engine.systems["erp"] = metered
    engine.release.table = {name: (Want(flow=f"{name}s", destination="erp"),) for name in ("order", "customer")}
    await engine.open()
    began = engine.clock.monotonic()
    await engine.post(*(event_of(str(n), 10, object_name=("order", "customer")[n % 2]) for n in range(orders)))
    while set(engine.states().values()) != {"done"}:
        await engine.run(1)
    took = engine.clock.monotonic() - began
    refused = sum(answer.startswith("429") for *_, answer in metered.calls)
    flows = Counter(row[0] for row in engine.rows("SELECT flow FROM delivery WHERE state = 'done'"))
    await engine.close()
    return {"refused": refused, "fullest": metered.fullest, "a_second": orders / took, "flows": len(flows)}


def test_requests_a_minute(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 21: at ShipBob's declared rate no request of a full queue is refused, and nine tenths of the limit are used."""
    experiment = Experiment("21", suite=400, table=5_000, capsys=capsys)
    rate = registry.manifest("shipbob").limits.rate_per_second
    limits = Limits(concurrency=8, rate_per_second=rate)
    load = {"a_minute": SHIPBOB_A_MINUTE, "at_once": 8, "seconds": (0.1, 0.4)}
    found = asyncio.run(pressed(tmp_path / "ours", experiment.size, limits, **load))
    naive = asyncio.run(pressed(tmp_path / "naive", 300, Limits(concurrency=8), **load))
    assert found["refused"] == 0
    assert found["a_second"] >= 0.9 * SHIPBOB_A_MINUTE / 60
    assert found["flows"] == 2
    assert naive["refused"] > 10
    experiment.report(
        faults=experiment.size, trials=experiment.size, refused=0, used=f"{found['a_second'] * 60 / SHIPBOB_A_MINUTE:.0%}",
        control=f"without a rate {naive['refused']} calls are refused for 300 deliveries",
    )  # fmt: skip


def test_requests_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 21: two flows to one NetSuite account share its concurrency, never pass it, and use nine tenths of it."""
    experiment = Experiment("21", suite=300, table=5_000, capsys=capsys)
    load = {"a_minute": 0, "at_once": NETSUITE_AT_ONCE, "seconds": (0.5, 1.5)}
    found = asyncio.run(pressed(tmp_path / "ours", experiment.size, Limits(concurrency=NETSUITE_AT_ONCE), **load))
    naive = asyncio.run(pressed(tmp_path / "naive", 100, Limits(concurrency=2 * NETSUITE_AT_ONCE), **load))
    assert (found["refused"], found["fullest"]) == (0, NETSUITE_AT_ONCE)
    assert found["a_second"] >= 0.9 * NETSUITE_AT_ONCE
    assert naive["refused"] > 10
    experiment.report(
        faults=experiment.size, trials=experiment.size, refused=0, fullest=found["fullest"], used=f"{found['a_second'] / NETSUITE_AT_ONCE:.0%}",
        control=f"a limit for each of two flows makes {naive['refused']} refusals for 100 deliveries",
    )  # fmt: skip


class LeakyBucket:
    """As Shopify counts: each request fills the bucket, which leaks at a steady rate; what does not fit is refused."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.level, self.at, self.refused = engine, 0.0, engine.clock.monotonic(), 0
        self._read = engine.source.read
        engine.source.read = self.read  # type: ignore[method-assign]

    async def read(self, object_name: str, key: str, *, timeout_seconds: float) -> bytes | Retry | Refused:
        now = self.engine.clock.monotonic()
        self.level, self.at = max(0.0, self.level - (now - self.at) * SHOPIFY_A_SECOND), now
        if self.level + 1 > SHOPIFY_BUCKET:
            self.refused += 1
            return Retry(code="429", message="slow down", status=429, retry_after_seconds=2.0, destination_wide=True)
        self.level += 1
        return await self._read(object_name, key, timeout_seconds=timeout_seconds)


async def read_again(folder: Path, orders: int, *, limited: bool) -> dict[str, Any]:
    """Late events: each object is read from the shop again for each of three destinations."""
    folder.mkdir()
    limits = Limits(concurrency=8, rate_per_second=SHOPIFY_A_SECOND)
    async with Engine(folder, systems=("erp", "wms", "crm"), limits=limits) as engine:
        bucket = LeakyBucket(engine)
        if not limited:
            engine.dispatcher.courier.loader._limiter = lambda *_: Limiter(engine.clock, concurrency=1)  # type: ignore[method-assign]
        events = [event_of(str(n), 10, triggered_ms=START_MS - 86_400_000) for n in range(orders)]
        engine.source.present = {event.key: event.body or b"" for event in events}
        began = engine.clock.monotonic()
        await engine.post(*events)
        while set(engine.states().values()) - {"done", "dead"}:
            await engine.run(5)
        took = engine.clock.monotonic() - began
        dead = Counter(engine.states().values())["dead"]
        return {"refused": bucket.refused, "dead": dead, "a_second": 3 * orders / took}


def test_readings_of_the_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 21: after hours offline everything is read again, for all destinations within the shop's one limit; no order dies of it."""
    experiment = Experiment("21", suite=50, table=5_000, capsys=capsys)
    found = asyncio.run(read_again(tmp_path / "ours", experiment.size, limited=True))
    naive = asyncio.run(read_again(tmp_path / "naive", 25, limited=False))
    assert (found["refused"], found["dead"]) == (0, 0)
    assert found["a_second"] >= 0.9 * SHOPIFY_A_SECOND
    assert naive["refused"] > 10
    assert naive["dead"] == 0, "a refusal to be read so often is no attempt"
    experiment.report(
        faults=experiment.size, trials=3 * experiment.size, refused=0, dead=0, used=f"{found['a_second'] / SHOPIFY_A_SECOND:.0%}",
        control=f"without a limit {naive['refused']} of {3 * 25 + naive['refused']} readings are refused",
    )  # fmt: skip

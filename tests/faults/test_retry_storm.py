"""Fault case 20: a destination is out for ten minutes with a full queue: it is not hammered, neither meanwhile nor when it is back."""

import asyncio
import random
from bisect import bisect_left, bisect_right
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from engine import START_MS, Engine, event_of
from experiment import Experiment

from interlock.clock import VirtualClock
from interlock.messaging.redelivery import RetryPolicy
from interlock.messaging.releases import Limits
from interlock.messaging.write import Write

OUTAGE_SECONDS = 600
PROBE_SECONDS = 30
FAILURES, CONCURRENCY = 10, 8
RATE_PER_SECOND = 20.0


class Guarded:
    """A vendor that refuses what comes faster than its rate, by a bucket of one second's worth, and everything in an outage."""

    def __init__(self, clock: VirtualClock, rate_per_second: float, out_until_ms: int) -> None:
        self.clock, self.rate, self.out_until_ms = clock, rate_per_second, out_until_ms
        self.tokens, self.at = rate_per_second, clock.monotonic()

    def __call__(self, _write: Write) -> str:
        now = self.clock.monotonic()
        self.tokens, self.at = min(self.rate, self.tokens + (now - self.at) * self.rate), now
        if self.clock.now_ms() < self.out_until_ms:
            return "503"
        if self.tokens < 1 - 1e-6:
            return "429:1"
        self.tokens -= 1
        return "done"


def seconds_of(engine: Engine) -> list[tuple[float, str]]:
    """Each call's second since the start, and what was answered."""
    return [((at - START_MS) / 1000, answer) for at, _, _, answer in engine.erp.calls]


def peak_over_mean(times: list[float], since: float, until: float) -> float:
    """The fullest second against the mean second."""
    counted = Counter(int(at) for at in times if since <= at < until)
    return max(counted.values()) / (counted.total() / (until - since))


async def outage(folder: Path, queued: int) -> dict[str, Any]:
    """The queue meets the outage."""
    limits = Limits(
        concurrency=CONCURRENCY, rate_per_second=RATE_PER_SECOND, breaker_failures=FAILURES, probe_interval_seconds=PROBE_SECONDS
    )  # fmt: skip
    async with Engine(folder, limits=limits) as engine:
        engine.erp.latency_seconds = 0.05
        engine.erp.fault = Guarded(engine.clock, RATE_PER_SECOND, START_MS + OUTAGE_SECONDS * 1000)
        await engine.post(*(event_of(str(n), 10) for n in range(queued)))
        await engine.run(OUTAGE_SECONDS)
        dead = Counter(engine.states().values())["dead"]
        while set(engine.states().values()) != {"done"}:
            await engine.run(60)
        calls = seconds_of(engine)
        after = [(at, answer) for at, answer in calls if at >= OUTAGE_SECONDS]
        drained = sorted(at for at, _ in after)[int(0.99 * len(after)) - 1]
        return {
            "during": len(calls) - len(after), "dead": dead, "lost": queued - len(engine.erp.records), "duplicates": engine.erp.duplicates,
            "peak_over_mean": peak_over_mean([at for at, _ in after], OUTAGE_SECONDS + 1, drained),
            "share_429": sum(answer.startswith("429") for _, answer in after) / len(after), "drained_seconds": drained - OUTAGE_SECONDS,
        }  # fmt: skip


async def hammered(folder: Path, queued: int, seconds: float) -> float:
    """The control: neither breaker nor backoff nor budget. Calls for each delivery offered, in a part of the outage."""
    limits = Limits(
        concurrency=CONCURRENCY, breaker_failures=10**9,
        retry=RetryPolicy(attempts=10**9, base_seconds=1, cap_seconds=1, budget_share=1e9),
    )  # fmt: skip
    async with Engine(folder, limits=limits) as engine:
        engine.erp.latency_seconds = 0.05
        engine.erp.fault = lambda _write: "503"
        await engine.post(*(event_of(str(n), 10) for n in range(queued)))
        await engine.run(seconds)
        return len(engine.erp.calls) / queued


def folders(tmp_path: Path, *names: str) -> list[Path]:
    made = [tmp_path / name for name in names]
    for folder in made:
        folder.mkdir()
    return made


def test_outage_with_a_full_queue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 20: ten minutes of 503 on a full queue cost a few probes, and the return makes no wave. Control: plain retries."""
    experiment = Experiment("20", suite=600, table=20_000, capsys=capsys)
    ours, naive = folders(tmp_path, "ours", "naive")
    found = asyncio.run(outage(ours, experiment.size))
    most = FAILURES + CONCURRENCY + OUTAGE_SECONDS / PROBE_SECONDS
    assert (found["dead"], found["lost"], found["duplicates"]) == (0, 0, 0)
    assert found["during"] <= min(most, 1.1 * experiment.size)
    assert found["peak_over_mean"] <= 3
    assert found["share_429"] <= 0.01
    times = asyncio.run(hammered(naive, 30, 60))
    assert times > 10
    experiment.report(
        faults=experiment.size, trials=experiment.size, control=f"without breaker and backoff {times:.0f} calls for each one offered in 60 s",
        calls_in_outage=found["during"], most=round(most), peak_over_mean=round(found["peak_over_mean"], 2), share_429=found["share_429"],
        drained_seconds=round(found["drained_seconds"]), dead=0, lost=0,
    )  # fmt: skip


class Unjittered(random.Random):
    """The control: waits that are not drawn but computed, so that what failed together comes back together."""

    def uniform(self, a: float, b: float) -> float:
        return b


async def spread(folder: Path, queued: int, chance: random.Random) -> float:
    """Peak over mean of the retries of an outage that no breaker ends, once the waits have reached their cap."""
    policy = RetryPolicy(attempts=10**9, base_seconds=1, cap_seconds=30)
    async with Engine(folder, limits=Limits(concurrency=queued, breaker_failures=10**9, retry=policy)) as engine:
        engine.dispatcher.outlets["erp"]._chance = chance
        engine.erp.latency_seconds = 0.05
        engine.erp.fault = lambda _write: "503"
        await engine.post(*(event_of(str(n), 10) for n in range(queued)))
        await engine.run(180)
        return peak_over_mean([at for at, _ in seconds_of(engine)], 90, 180)


def test_retries_do_not_come_in_waves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 20: also without a breaker the retries of one outage spread over the seconds. Control: no jitter."""
    experiment = Experiment("20", suite=200, table=1_000, capsys=capsys)
    ours, naive = folders(tmp_path, "ours", "naive")
    jittered = asyncio.run(spread(ours, experiment.size, experiment.chance))
    computed = asyncio.run(spread(naive, 40, Unjittered()))
    assert jittered <= 3
    assert computed > 10
    experiment.report(
        faults=experiment.size,
        trials=0,
        control=f"without jitter peak/mean is {computed:.1f}",
        peak_over_mean=round(jittered, 2),
    )


async def asked_to_wait(folder: Path, refusals: int, chance: random.Random, *, told: bool) -> tuple[int, int]:
    """429s with waits of 1 to 30 s for the whole destination; how many there were, and how many calls came too early."""
    async with Engine(
        folder, limits=Limits(concurrency=CONCURRENCY, retry=RetryPolicy(attempts=10**6, cap_seconds=2))
    ) as engine:
        engine.erp.latency_seconds = 0.1
        asked: list[tuple[float, float]] = []

        def fault(_write: Write) -> str:
            if len(asked) >= refusals or chance.random() < 0.7:
                return "done"
            seconds = chance.randint(1, 30)
            answered = engine.clock.monotonic() + engine.erp.latency_seconds
            asked.append((answered, answered + seconds))
            return f"429:{seconds if told else 0}"

        engine.erp.fault = fault
        await engine.post(*(event_of(str(n), 10) for n in range(4 * refusals)))
        await engine.run(60 * refusals)
        calls = sorted(at for at, _ in seconds_of(engine))
        broken = sum(bisect_left(calls, until - 0.001) - bisect_right(calls, since + 0.001) for since, until in asked)
        return len(asked), broken


def test_retry_after_is_never_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 20: while a destination wants to be left alone, no delivery of any lane calls it. Control: the wait is not passed on."""
    experiment = Experiment("20", suite=100, table=1_000, capsys=capsys)
    ours, naive = folders(tmp_path, "ours", "naive")
    refused, broken = asyncio.run(asked_to_wait(ours, experiment.size, experiment.chance, told=True))
    _, unheard = asyncio.run(asked_to_wait(naive, 20, experiment.chance, told=False))
    assert broken == 0
    assert unheard > 10
    experiment.report(
        faults=refused,
        trials=refused,
        control=f"a client that does not read Retry-After broke 20 waits {unheard} times",
        broken=broken,
    )

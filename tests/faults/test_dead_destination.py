"""Fault case 13: one of five destinations is dead for four hours, then answers after 30 s each, then is well again."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from engine import START_MS, Engine, FakeSystem, event_of
from experiment import Experiment

from interlock.clock import VirtualClock
from interlock.messaging.ledger import Filter
from interlock.messaging.outcome import Done
from interlock.messaging.releases import Limits
from interlock.messaging.sqlite.views import SqliteViews
from interlock.messaging.write import Once, Write

SYSTEMS = {"erp": Once.UPSERT, "wms": Once.LOOK_UP, "crm": Once.KEY, "books": Once.UPSERT, "mail": Once.KEY}
DEAD = "wms"
OTHERS = tuple(name for name in SYSTEMS if name != DEAD)
DEAD_SECONDS, SLOW_SECONDS = 4 * 3_600, 300
TIMEOUT_SECONDS = 30.0
SLOW_ANSWER_SECONDS = 29.9
RATE_PER_SECOND = 2.0
LIMITS = Limits(concurrency=8, rate_per_second=RATE_PER_SECOND, burst=RATE_PER_SECOND, timeout_seconds=TIMEOUT_SECONDS)


class Moody(FakeSystem):
    """Answers after a time of its own; the dead one holds each call until it times out, then applies nothing."""

    def __init__(self, clock: VirtualClock, once: Once, seed: str) -> None:
        super().__init__(clock, once)
        self.chance = random.Random(seed)
        self.dead_until = self.slow_until = 0.0
        self.fault = self.mood

    def mood(self, _write: Write) -> str:
        now = self.clock.monotonic()
        dead, slow = now < self.dead_until, now < self.slow_until
        self.latency_seconds = (
            TIMEOUT_SECONDS if dead else SLOW_ANSWER_SECONDS if slow else self.chance.uniform(0.05, 0.5)
        )
        return "never" if dead else "done"


def moody(engine: Engine, *, dies: bool) -> None:
    """Put such systems in the place of the engine's."""
    for name, once in SYSTEMS.items():
        engine.systems[name] = Moody(engine.clock, once, name)
    if dies:
        engine.systems[DEAD].dead_until = DEAD_SECONDS  # type: ignore[attr-defined]
        engine.systems[DEAD].slow_until = DEAD_SECONDS + SLOW_SECONDS  # type: ignore[attr-defined]


def p99_ms(engine: Engine, names: tuple[str, ...]) -> dict[str, int]:
    """From acceptance to done, by destination."""
    found = {}
    for name in names:
        took = sorted(
            row[0] for row in engine.rows("SELECT done_ms - received_ms FROM delivery WHERE destination = ?", name)
        )
        found[name] = took[int(0.99 * len(took)) - 1]
    return found


async def well(folder: Path, events: int) -> dict[str, int]:
    """The measure: the same load when nobody is dead."""
    folder.mkdir()
    async with Engine(folder, systems=tuple(SYSTEMS), limits=LIMITS) as engine:
        moody(engine, dies=False)
        for number in range(events):
            await engine.post(event_of(str(number), 10))
            await engine.run(3)
        return p99_ms(engine, OTHERS)


async def four_hours(folder: Path, events: int) -> dict[str, Any]:
    """`events` over the outage; then slow answers; then until nothing is open."""
    folder.mkdir()
    async with Engine(folder, systems=tuple(SYSTEMS), limits=LIMITS) as engine:
        moody(engine, dies=True)
        for number in range(events):
            await engine.post(event_of(str(number), 10))
            await engine.run(DEAD_SECONDS / events)
        found: dict[str, Any] = {
            "p99": p99_ms(engine, OTHERS),
            "calls": len(engine.systems[DEAD].calls),
            "seen": await seen(engine),
        }
        await engine.run(SLOW_SECONDS)
        return {**found, **await drained(engine, events)}


async def seen(engine: Engine) -> dict[str, Any]:
    """What an operator can see of the dead destination in its last minute."""
    views = SqliteViews(engine.folder / "ledger.db", engine.folder / "inbox.db")
    health = next(row for row in await views.destination_health(engine.clock.now_ms()) if row.destination == DEAD)
    views.close()
    waiting = await engine.ledger.preview(
        Filter(destination=DEAD, states=("pending", "uncertain", "retrying", "running"))
    )
    oldest_ms = engine.clock.now_ms() - waiting.oldest_ms
    return {
        "breaker": health.breaker,
        "open": sum(health.open.values()),
        "oldest_hours": round(oldest_ms / 3_600_000, 2),
    }


async def drained(engine: Engine, events: int) -> dict[str, Any]:
    """The dead one is well again: how long its backlog takes, and how fast it is called meanwhile."""
    began, backlog = engine.clock.monotonic(), 5 * events - Counter(engine.states().values())["done"]
    while set(engine.states().values()) != {"done"}:
        await engine.run(10)
    calls = Counter((at - START_MS) // 10_000 for at, *_ in engine.systems[DEAD].calls if at - START_MS >= began * 1000)
    return {
        "backlog": backlog, "drained_seconds": engine.clock.monotonic() - began, "calls_in_10_s": max(calls.values()),
        "lost": sum(events - len(system.records) for system in engine.systems.values()),
        "duplicates": sum(system.duplicates for system in engine.systems.values()),
        "dead": engine.rows("SELECT count(*) FROM dead_letter")[0][0],
    }  # fmt: skip


async def one_after_the_other(events: int) -> int:
    """The control: a script that serves the destinations of an event in turn, three tries each. p99 of those after the dead one, in ms."""
    clock = VirtualClock(START_MS)
    systems = {name: Moody(clock, once, name) for name, once in SYSTEMS.items()}
    systems[DEAD].dead_until = DEAD_SECONDS
    took: list[int] = []

    async def serve() -> None:
        for number in range(events):
            began = clock.now_ms()
            for name, system in systems.items():
                write = Write(
                    operation="put",
                    once=system.once,
                    reference=f"IL-{number}",
                    body=event_of(str(number), 10).body or b"",
                )
                for _ in range(3):
                    if isinstance(
                        await system.write(write, idempotency_key=str(number), timeout_seconds=TIMEOUT_SECONDS), Done
                    ):
                        break
                if name in OTHERS:
                    took.append(clock.now_ms() - began)

    serving = asyncio.create_task(serve())
    while not serving.done():
        await clock.advance(10)
    return sorted(took)[int(0.99 * len(took)) - 1]


def test_one_dead_destination_of_five(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 13: the others do not notice; nothing is lost or given up; the backlog drains at the rate that the folder declares.

    The age of the oldest waiting delivery is told by every preview; an alert on it does not exist yet.
    """
    experiment = Experiment("13", suite=160, table=20_000, capsys=capsys)
    usual = asyncio.run(well(tmp_path / "well", experiment.size))
    found = asyncio.run(four_hours(tmp_path / "dead", experiment.size))
    naive_ms = asyncio.run(one_after_the_other(10))
    assert all(found["p99"][name] <= 1.1 * usual[name] for name in OTHERS)
    assert (found["lost"], found["duplicates"], found["dead"]) == (0, 0, 0)
    assert found["seen"] == {"breaker": "open", "open": experiment.size, "oldest_hours": 4.0}
    assert found["backlog"] > 0
    assert found["calls_in_10_s"] <= 11 * RATE_PER_SECOND
    assert found["drained_seconds"] <= 2 * found["backlog"] / RATE_PER_SECOND + 2 * LIMITS.retry.cap_seconds
    assert naive_ms > 10 * max(usual.values())
    experiment.report(
        faults=experiment.size, trials=5 * experiment.size, control=f"in turn, the others' p99 is {naive_ms} ms",
        p99_ms=max(found["p99"].values()), usual_ms=max(usual.values()), calls_to_the_dead=found["calls"], backlog=found["backlog"],
        drained_seconds=round(found["drained_seconds"]), calls_in_10_s=found["calls_in_10_s"], oldest_hours=found["seen"]["oldest_hours"],
        lost=0, duplicates=0,
    )  # fmt: skip

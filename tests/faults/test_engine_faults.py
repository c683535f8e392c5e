"""Fault cases of the engine alone, on a virtual clock, each beside a control in which the protection is taken away.

The numbers are small here; every case prints its seed, and a failing one is run again with it.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from engine import QUIET_SECONDS, START_MS, Engine, event_of, scripted

from interlock.messaging.ledger import Filter
from interlock.messaging.redelivery import RetryPolicy
from interlock.messaging.releases import Limits
from interlock.messaging.write import Once, Write

SEED = 20_260_101


def lossy(seed: int, share: float, *faults: str) -> Callable[[Write], str]:
    """That share of calls has one of these faults."""
    chance = random.Random(seed)
    print(f"seed {seed}")
    return lambda _write: chance.choice(faults) if chance.random() < share else "done"


async def late_effects(folder: Path, quiet_seconds: float) -> tuple[int, int, Counter[str]]:
    patient = Limits(retry=RetryPolicy(attempts=20, base_seconds=1, cap_seconds=30))
    async with Engine(folder, Once.LOOK_UP, quiet_seconds=quiet_seconds, limits=patient) as engine:
        engine.erp.fault = lossy(SEED, 0.1, "late:20", "late:40", "late:55")
        await engine.post(*(event_of(str(n), 10) for n in range(200)))
        await engine.run(900)
        return engine.erp.duplicates, len(engine.erp.records), Counter(engine.states().values())


def test_effect_after_the_timeout(tmp_path: Path) -> None:
    """Fault case 5: a create that lands up to 55 s after its timeout is looked up after 60 quiet seconds, never made twice."""
    duplicates, records, states = asyncio.run(late_effects(tmp_path, QUIET_SECONDS))
    assert (duplicates, records, states) == (0, 200, Counter(done=200))


def test_effect_after_the_timeout_control(tmp_path: Path) -> None:
    """Fault case 5, control: without the quiet period the look-up comes too early, and records are made twice."""
    duplicates, _, _ = asyncio.run(late_effects(tmp_path, 0.0))
    print(f"{duplicates} duplicates without a quiet period")
    assert duplicates >= 3


@pytest.mark.parametrize("once", [Once.UPSERT, Once.KEY, Once.LOOK_UP])
def test_late_repeats(tmp_path: Path, once: Once) -> None:
    """Fault case 8: the same events after an hour, a day, a week and two months, after bodies were trimmed, call nobody."""

    async def story() -> None:
        async with Engine(tmp_path, once) as engine:
            for hours in (0, 1, 25, 8 * 24, 61 * 24):
                engine.clock._elapsed = hours * 3600.0
                await engine.post(*(event_of(str(n), 10) for n in range(20)))
                await engine.run(1)
                await engine.upkeep.trim()
            assert (len(engine.erp.calls), engine.erp.duplicates) == (20, 0)
            assert engine.inbox.group.connection.execute("SELECT count(*) FROM event WHERE body IS NOT NULL").get == 0

    asyncio.run(story())


async def permuted(folder: Path, keys: int, *, fenced: bool) -> tuple[int, int]:
    """Stale overwrites, and keys whose last state is not the newest."""
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    async with Engine(folder, Once.LOOK_UP, limits=Limits(concurrency=16)) as engine:
        engine.erp.fault = lossy(SEED, 0.1, "503", "429:1", "lost", "never", "late:30")
        histories = []
        for key in range(keys):
            later = chance.choices(["edited", "paid", "fulfilled", "refunded", "cancelled"], k=chance.randint(0, 4))
            values = ["created", *later]
            events = [event_of(str(key), (n + 1) * 10, f"{value}-{n}") for n, value in enumerate(values)]
            engine.source.present[str(key)] = events[-1].body or b""
            chance.shuffle(events)
            histories.append(events)
        if not fenced:
            engine.ledger._sql = engine.ledger._sql | {}
            engine.ledger._routing._sql = engine.ledger._sql
            engine.ledger._routing._see = lambda *_rest: "newer"  # type: ignore[method-assign]
            engine.ledger._sql["link_head"] = "SELECT NULL, NULL WHERE ?1||?2||?3||?4||?5||?6||?7||?8 <> ''"
        while any(histories):
            batch = [events.pop(0) for events in histories if events and chance.random() < 0.5]
            await engine.post(*batch)
            await engine.run(chance.choice([0.01, 1, 20]))
        await engine.run(1_200)
        newest = {key: json.loads(body)["value"] for key, body in engine.source.present.items()}
        wrong = sum(engine.erp.value(key) != value for key, value in newest.items())
        assert engine.erp.duplicates == 0
        return engine.erp.stale, wrong


def test_any_order_of_events(tmp_path: Path) -> None:
    """Fault case 11: 500 histories in random order, with 10% failures: the newest state at the end, no stale overwrite."""
    assert asyncio.run(permuted(tmp_path, 500, fenced=True)) == (0, 0)


def test_any_order_of_events_control(tmp_path: Path) -> None:
    """Fault case 11, control: without version fences older events overwrite newer ones."""
    stale, wrong = asyncio.run(permuted(tmp_path, 60, fenced=False))
    print(f"{stale} stale overwrites, {wrong} wrong ends")
    assert stale > 0
    assert wrong > 0


def test_order_per_key_while_one_is_blocked(tmp_path: Path) -> None:
    """Fault case 12: keys run in parallel, each in order; one that fails for ten minutes delays nobody and one command frees it."""

    async def story() -> None:
        async with Engine(tmp_path, limits=Limits(concurrency=16, breaker_failures=10**6)) as engine:
            flaky = lossy(SEED, 0.1, "503", "never")
            engine.erp.fault = lambda write: "503" if write.reference == "IL-0" else flaky(write)
            engine.erp.latency_seconds = 0.05
            for version in range(10, 110, 10):
                await engine.post(*(event_of(str(key), version, f"v{version}") for key in range(50)))
                await engine.run(1)
            await engine.run(600)
            assert {engine.erp.value(str(key)) for key in range(1, 50)} == {"v100"}
            assert engine.erp.stale == 0
            assert engine.erp.value("0") is None
            now_ms = engine.clock.now_ms()
            assert await engine.ledger.discard(Filter(key="0"), by="ann", why="blocked", now_ms=now_ms) == 1
            engine.erp.fault = scripted()
            await engine.post(event_of("0", 200, "free"))
            await engine.run(1)
            assert engine.erp.value("0") == "free"

    asyncio.run(story())


def calls_between(engine: Engine, start_s: float, end_s: float) -> list[tuple[int, str, str, str]]:
    return [call for call in engine.erp.calls if start_s * 1000 <= call[0] - START_MS < end_s * 1000]


@pytest.mark.parametrize(("failures", "most"), [(10, 60), (10**6, None)])
def test_outage(tmp_path: Path, failures: int, most: int | None) -> None:
    """Fault cases 20 and 22: ten minutes of 503 on 100 queued: the breaker lets at most one probe through each 30 s, nothing expires,
    and all is delivered within a minute of the recovery. Control: without a breaker calls go on, and deliveries run out."""

    async def story() -> None:
        limits = Limits(concurrency=8, breaker_failures=failures, retry=RetryPolicy(attempts=12, cap_seconds=60))
        async with Engine(tmp_path, limits=limits) as engine:
            engine.erp.latency_seconds = 0.1
            engine.erp.fault = lambda _write: "503" if engine.clock.now_ms() < START_MS + 600_000 else "done"
            await engine.post(*(event_of(str(n), 10) for n in range(100)))
            await engine.run(600)
            during = len(engine.erp.calls)
            print(f"{during} calls during the outage")
            if most is None:
                assert during > 300
                return
            assert during <= most
            probes = [call[0] for call in calls_between(engine, 10, 600)]
            assert all(later - earlier >= 29_000 for earlier, later in zip(probes, probes[1:], strict=False))
            assert "dead" not in engine.states().values()
            await engine.run(240)
            assert Counter(engine.states().values()) == Counter(done=100)

    asyncio.run(story())


def test_retry_after_is_a_floor(tmp_path: Path) -> None:
    """Fault case 20: a destination that asks for 30 s is left alone for 30 s, by every delivery."""

    async def story() -> None:
        async with Engine(tmp_path, limits=Limits(concurrency=1)) as engine:
            engine.erp.fault = scripted("done", "429:30")
            await engine.post(*(event_of(str(n), 10) for n in range(10)))
            await engine.run(200)
            refused = next(call[0] for call in engine.erp.calls if call[3].startswith("429"))
            after = [call[0] for call in engine.erp.calls if call[0] > refused or call[3] == "done"][1:]
            assert min(after) - refused >= 30_000
            assert set(engine.states().values()) == {"done"}

    asyncio.run(story())


@pytest.mark.parametrize(("asleep_hours", "resent"), [(23.9, True), (24.1, False)])
def test_key_life_cycle(tmp_path: Path, asleep_hours: float, resent: bool) -> None:
    """Fault case 24: the key on the wire is the key on the disk; the call is sent again while it is remembered, then looked up."""

    async def story() -> None:
        engine = Engine(tmp_path, Once.KEY)
        await engine.open()
        engine.erp.fault = scripted("lost")
        engine.erp.latency_seconds = 1.0
        await engine.post(event_of("1", 10))
        await engine.run(0.5)
        assert len(engine.erp.calls) == 1
        applied = Write(operation="put", once=Once.KEY, reference="IL-1", body=event_of("1", 10).body or b"")
        engine.erp.apply(applied, engine.erp.calls[0][2])
        await engine.close()
        engine.clock._elapsed += asleep_hours * 3600
        await engine.open()
        await engine.run(120)
        on_disk = {row[0] for row in engine.rows("SELECT idempotency_key FROM attempt")}
        assert {call[2] for call in engine.erp.calls} == on_disk
        creates = [call for call in engine.erp.calls if call[2] == engine.erp.calls[0][2]]
        assert len(creates) == (2 if resent else 1)
        assert engine.rows("SELECT resolution FROM attempt WHERE action = 'create'") == [("resent" if resent else "found",)]
        assert engine.states() == {"1@erp": "done"}
        assert engine.erp.duplicates == 0
        await engine.close()

    asyncio.run(story())


def test_resent_call_starts_a_new_quiet_period(tmp_path: Path) -> None:
    """Fault case 24: a call sent again just before its key is forgotten, and lost, has a quiet period of its own."""

    async def story() -> None:
        limits = Limits(retry=RetryPolicy(attempts=50, base_seconds=10, cap_seconds=20))
        async with Engine(tmp_path, Once.KEY, limits=limits) as engine:
            engine.erp.fault = scripted("never", "late:50")
            engine.erp.keys_forgotten_ms = START_MS + 86_400_000
            await engine.post(event_of("1", 10))
            await engine.run(0.001)
            engine.ledger.group.run_now(lambda c: c.execute("UPDATE delivery SET due_ms = ?", (START_MS + 86_399_500,)))
            engine.clock._elapsed = 86_399.0
            await engine.run(300)
            assert engine.states() == {"1@erp": "done"}
            assert engine.erp.duplicates == 0
            assert len(engine.erp.records["IL-1"]) == 1

    asyncio.run(story())


def test_late_upsert_does_not_undo_a_newer_one(tmp_path: Path) -> None:
    """Fault case 5 for upserts: an update that lands late over a newer one is followed by the newer one once more."""

    async def story() -> None:
        async with Engine(tmp_path, Once.UPSERT) as engine:
            engine.erp.fault = scripted("late:40")
            await engine.post(event_of("1", 10, "old"))
            await engine.run(5)
            await engine.post(event_of("1", 20, "new"))
            await engine.run(200)
            assert engine.erp.value("1") == "new"
            assert engine.states() == {"1@erp": "done"}

    asyncio.run(story())


def test_kill_at_any_moment(tmp_path: Path) -> None:
    """Fault cases 3 and 6 in small: the process is dropped at random moments; every order is there once at the end."""

    async def story() -> None:
        chance = random.Random(SEED)
        print(f"seed {SEED}")
        engine = Engine(tmp_path, Once.LOOK_UP)
        await engine.open()
        engine.erp.latency_seconds = 0.2
        engine.erp.fault = lossy(SEED, 0.2, "lost", "never", "503", "late:30")
        for round_ in range(25):
            await engine.post(*(event_of(str(n), 10 + round_, f"v{round_}") for n in chance.sample(range(40), 8)))
            await engine.run(chance.uniform(0, 0.5))
            await engine.close()
            await engine.open()
        await engine.run(1_200)
        assert set(engine.states().values()) == {"done"}
        assert (engine.erp.duplicates, engine.erp.stale) == (0, 0)
        await engine.close()

    asyncio.run(story())

"""Fault case 17: a worker that was paused in mid-call for three times its lease wakes up when another one has taken over its work."""

import asyncio
import os
import random
import re
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from engine import Engine, FakeRelease, FakeSystem, event_of
from experiment import Experiment
from vendors import LooseWorld, fail, patient, still_open, stored

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
import stack
from stack import KillableHub, twins, until

from interlock.cli.twin_world import DESTINATIONS, _free_ports
from interlock.clock import VirtualClock
from interlock.messaging.black_box import MemoryBlackBox
from interlock.messaging.dispatcher import LEASE_SECONDS, Dispatcher
from interlock.messaging.ledger import Closing
from interlock.messaging.outcome import Outcome
from interlock.messaging.releases import Limits
from interlock.messaging.upkeep import RESCUE_SECONDS
from interlock.messaging.write import Once, Write

PAUSE_SECONDS = 3 * LEASE_SECONDS
SHORT_LEASE_SECONDS = 1.0
SHORT_LEASE = f"""
import interlock.messaging.dispatcher, interlock.messaging.upkeep
interlock.messaging.dispatcher.Dispatcher.__init__.__kwdefaults__["lease_seconds"] = {SHORT_LEASE_SECONDS}
interlock.messaging.dispatcher.HEART_BEAT_SECONDS = {SHORT_LEASE_SECONDS / 3}
interlock.messaging.upkeep.RESCUE_SECONDS = {SHORT_LEASE_SECONDS / 50}
"""
"""For a hub that is really stopped: a lease that a test can wait for. The rescue looks more often than the heart beats, so that it
is first when the hub goes on."""
ORDERS_PER_PAUSE = 10


class PausedClock:
    """The time of one worker: while it is stopped nothing of it goes on; afterwards it sees how late it is."""

    def __init__(self, world: VirtualClock) -> None:
        self.world = world
        self.now_ms, self.monotonic = world.now_ms, world.monotonic
        self.awake = asyncio.Event()
        self.awake.set()

    async def sleep(self, seconds: float) -> None:
        await self.world.sleep(seconds)
        await self.awake.wait()


class Behind:
    """A destination as the worker sees it: the call goes out and is applied, its answer is read only when the worker is awake."""

    def __init__(self, system: FakeSystem, clock: PausedClock) -> None:
        self.system, self.clock = system, clock
        self.plan, self.look_up = system.plan, system.look_up

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:
        outcome = await self.system.write(write, idempotency_key=idempotency_key, timeout_seconds=timeout_seconds)
        await self.clock.awake.wait()
        return outcome


class Watched:
    """A ledger that remembers what became of the ends of this worker's claims."""

    def __init__(self, ledger: Any) -> None:
        self.ledger = ledger
        self.ends: list[bool] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)

    async def close_claim(self, closing: Closing) -> bool:
        self.ends.append(await self.ledger.close_claim(closing))
        return self.ends[-1]


class Zombie:
    """A second dispatcher on the same ledger, which claims first, and is then stopped and let go on."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.clock = PausedClock(engine.clock)
        release = FakeRelease({"erp": Behind(engine.erp, self.clock)}, engine.source)  # type: ignore[dict-item]
        release.limit = engine.release.limit
        self.ledger = Watched(engine.ledger)
        self.dispatcher = Dispatcher(
            inbox=engine.inbox, ledger=self.ledger, releases=release, clock=self.clock, chance=random.Random(2),
            black_box=MemoryBlackBox(), worker="zombie",
        )  # fmt: skip

    async def claim(self, *keys: str) -> None:
        """Let the zombie, and nobody else, start calls for these keys; then stop it in mid-call."""
        await self.engine.dispatcher.stop(0)
        await self.engine.post(*(event_of(key, 10, "old") for key in keys))
        await self.dispatcher.start()
        await self.engine.run(0.1)
        assert len(self.dispatcher.outlets["erp"].running) == len(keys)
        self.clock.awake.clear()


async def heir(engine: Engine) -> Dispatcher:
    """The dispatcher that is well."""
    dispatcher = Dispatcher(
        inbox=engine.inbox, ledger=engine.ledger, releases=engine.release, clock=engine.clock, chance=random.Random(3),
        black_box=MemoryBlackBox(), worker="heir",
    )  # fmt: skip
    engine.dispatcher = dispatcher
    engine.upkeep._wake = engine.router._wake = dispatcher.wake
    await dispatcher.start()
    return dispatcher


async def pass_time(engine: Engine, seconds: float) -> None:
    """Run, with the rescue at its interval."""
    end = engine.clock.monotonic() + seconds
    while engine.clock.monotonic() < end:
        await engine.run(min(RESCUE_SECONDS, end - engine.clock.monotonic()))
        await engine.upkeep.rescue()


def accept_any_token(engine: Engine) -> None:
    """The control: take the token out of what ends a claim and of what records an answer."""
    sql = dict(engine.ledger._sql)
    for name in ("close_done", "close_wished_again", "close_later", "close_dead", "link_head", "outcome"):
        sql[name] = re.sub(r"AND (d\.)?state = 'running'", "", re.sub(r"(d\.)?token = ", "0 < ", sql[name]))
    engine.ledger._sql = sql


async def paused(folder: Path, once: Once, keys: int, *, thaw_after: float, fenced: bool = True) -> dict[str, Any]:
    """`keys` calls are in flight when their worker is stopped; it goes on when others have long taken over."""
    folder.mkdir()
    async with Engine(folder, once, limits=Limits(concurrency=keys)) as engine:
        engine.erp.latency_seconds = 1.0
        zombie = Zombie(engine)
        await zombie.claim(*(str(n) for n in range(keys)))
        if not fenced:
            accept_any_token(engine)
        await heir(engine)
        await pass_time(engine, thaw_after)
        rescued = Counter(engine.rows("SELECT code FROM attempt WHERE token = 1"))
        before = engine.rows("SELECT id, state, token FROM delivery ORDER BY id")
        zombie.dispatcher.outlets["erp"].stop()
        zombie.clock.awake.set()
        await engine.spin()
        after = engine.rows("SELECT id, state, token FROM delivery ORDER BY id")
        await pass_time(engine, 200)
        await zombie.dispatcher.stop(0)
        return {
            "rescued": rescued[("HUB-RESCUED",)], "refused": zombie.ledger.ends.count(False), "ends": len(zombie.ledger.ends),
            "changed": sum(x != y for x, y in zip(before, after, strict=True)), "duplicates": engine.erp.duplicates,
            "lost": keys - len(engine.erp.records), "states": Counter(engine.states().values()),
        }  # fmt: skip


@pytest.mark.parametrize("once", [Once.UPSERT, Once.KEY, Once.LOOK_UP])
def test_stale_worker_is_refused_by_its_token(tmp_path: Path, capsys: pytest.CaptureFixture[str], once: Once) -> None:
    """Case 17: each call that a worker finishes after its lease was given away changes nothing, and nothing happens twice."""
    experiment = Experiment("17", suite=30, table=100, capsys=capsys)
    found = asyncio.run(paused(tmp_path / "fenced", once, experiment.size, thaw_after=PAUSE_SECONDS))
    assert found == {
        "rescued": experiment.size, "refused": experiment.size, "ends": experiment.size, "changed": 0, "duplicates": 0, "lost": 0,
        "states": Counter(done=experiment.size),
    }  # fmt: skip
    naive = asyncio.run(paused(tmp_path / "naive", once, 5, thaw_after=PAUSE_SECONDS, fenced=False))
    assert naive["refused"] == 0
    assert (
        once is Once.KEY or naive["changed"] == 5
    )  # with a key the heir has it done by then, and the wrong end says the same
    control = f"without the token {naive['ends'] - naive['refused']} of 5 stale ends are taken, {naive['changed']} rows changed by them"
    experiment.report(
        faults=found["rescued"],
        trials=experiment.size,
        control=control,
        once=once.value,
        refused=found["refused"],
        lost=0,
        duplicates=0,
    )


async def overtaken(folder: Path, *, fenced: bool) -> str:
    """An upsert of an old state hangs for 40 s and lands over a newer one; its paused worker reads the answer after that."""
    folder.mkdir()
    async with Engine(folder, Once.UPSERT) as engine:
        zombie = Zombie(engine)
        engine.erp.latency_seconds = 40.0
        await zombie.claim("1")
        engine.erp.latency_seconds = 0.1
        if not fenced:
            accept_any_token(engine)
        await heir(engine)
        await pass_time(engine, 22)
        await engine.post(event_of("1", 20, "new"))
        await pass_time(engine, 1)
        assert engine.erp.value("1") == "new"
        await pass_time(engine, 22)
        assert engine.erp.value("1") == "old", "void: the old call did not land late"
        zombie.clock.awake.set()
        await pass_time(engine, 200)
        await zombie.dispatcher.stop(0)
        return str(engine.erp.value("1"))


def test_late_answer_of_a_stale_worker_does_not_hide_a_stale_overwrite(tmp_path: Path) -> None:
    """Case 17 for upserts: the newer state is written once more, though the stale worker reads "done" meanwhile. Control: unfenced."""
    assert asyncio.run(overtaken(tmp_path / "fenced", fenced=True)) == "new"
    assert asyncio.run(overtaken(tmp_path / "naive", fenced=False)) == "old"


def awake_again(folder: Path) -> Callable[[], Awaitable[bool]]:
    """A condition: the hub has done something since now."""
    before = stored(folder, "SELECT max(updated_ms) FROM delivery")

    async def changed() -> bool:
        return stored(folder, "SELECT max(updated_ms) FROM delivery") != before

    return changed


def taken_back(folder: Path) -> int:
    """Calls whose lease ran out while the hub slept."""
    return int(stored(folder, "SELECT count(*) FROM attempt WHERE code = 'HUB-RESCUED'")[0][0])


async def stopped_and_continued(folder: Path, pauses: int, chance: random.Random) -> dict[str, Any]:
    """One hub, really stopped in mid-call: when it goes on, its rescue and the late answers to its own calls meet."""
    async with twins(folder, LooseWorld) as world:
        patient(folder)
        for vendor in DESTINATIONS:
            await fail(world, vendor, kind="slow", delay_seconds=SHORT_LEASE_SECONDS)
        hub = KillableHub(folder, _free_ports(1)[0])
        await hub.start()
        assert hub.process is not None
        ids: list[str] = []

        async def in_mid_call() -> bool:
            return bool(stored(folder, "SELECT 1 FROM attempt WHERE verdict = '' LIMIT 1"))

        while taken_back(folder) < pauses:
            assert len(ids) < 5 * pauses * ORDERS_PER_PAUSE, "void: no call was taken back from the hub that slept"
            ids += [order["id"] for order in await world.place(ORDERS_PER_PAUSE)]
            await asyncio.sleep(chance.uniform(0.0, 0.3))  # the instant of the stop is the experiment
            await until(in_mid_call)
            os.kill(hub.process.pid, signal.SIGSTOP)
            await asyncio.sleep(3 * SHORT_LEASE_SECONDS)
            os.kill(hub.process.pid, signal.SIGCONT)
            await until(awake_again(folder))
        for vendor in DESTINATIONS:
            await world.repair_system(vendor)

        async def all_there() -> bool:
            return still_open(folder) == 0 and (await world.arrivals(ids))["lost"] == 0

        try:
            await until(all_there, within_seconds=60 + 5 * pauses)
        finally:
            hub.kill()
        return {**await world.arrivals(ids), "rescued": taken_back(folder)}


def test_hub_that_was_stopped_in_mid_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 17 with a whole hub: SIGSTOP for three leases while calls are under way, then SIGCONT; the twins' ledgers count."""
    experiment = Experiment("17", suite=1, table=100, capsys=capsys)
    monkeypatch.setattr(stack, "RUNNER", SHORT_LEASE + stack.RUNNER)
    found = asyncio.run(stopped_and_continued(tmp_path / "shop", experiment.size, experiment.chance))
    assert (found["lost"], found["duplicates"]) == (0, 0)
    trials = sum(found["delivered"].values())
    experiment.report(
        faults=found["rescued"], trials=trials, control="see the stale worker without its token", lost=0, duplicates=0,
    )  # fmt: skip

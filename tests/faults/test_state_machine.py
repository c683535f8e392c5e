"""Fault case 43: any sequence of what can happen to a hub; what cases 1 to 12 promise holds after every step."""

import asyncio
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from engine import QUIET_SECONDS, Engine, event_of, scripted
from experiment import NIGHTLY, Experiment
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from test_ledger_machine import LedgerMachine

from interlock.messaging.delivery import Delivery
from interlock.messaging.event import Event
from interlock.messaging.ledger import Filter
from interlock.messaging.redelivery import RetryPolicy
from interlock.messaging.releases import Limits
from interlock.messaging.write import Once

KEYS = st.sampled_from(["1", "2", "3"])
FAULTS = st.lists(
    st.sampled_from(["done", "lost", "never", "503", "429:5", "refused", "late:20", "late:50"]), min_size=1, max_size=5
)
DAY_SECONDS = 86_400
STEPS = 50 if NIGHTLY else 25
PATIENT = Limits(retry=RetryPolicy(attempts=8, base_seconds=1, cap_seconds=20), concurrency=4)


class HubMachine(RuleBasedStateMachine):
    """An engine with two destinations; the model is the newest version that was accepted of each order."""

    quiet_seconds: ClassVar[float] = QUIET_SECONDS
    ways: ClassVar[tuple[Once, ...]] = (Once.UPSERT, Once.KEY, Once.LOOK_UP)
    always: ClassVar[tuple[str, ...]] = ()
    happened: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.loop = asyncio.new_event_loop()
        self.newest: dict[str, int] = {}
        self.since_backup: list[tuple[str, int]] = []
        self.restored = self.late = False
        self.happened["examples"] += 1

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    @initialize(which=st.integers(0, 2))
    def start(self, which: int) -> None:
        store = self.folder / "store"
        store.mkdir()
        self.once = self.ways[which % len(self.ways)]
        self.engine = Engine(store, self.once, systems=("erp", "wms"), limits=PATIENT, quiet_seconds=self.quiet_seconds)
        self.do(self.engine.open())

    # -- what happens

    @rule(facts=st.lists(st.tuples(KEYS, st.integers(1, 30)), min_size=1, max_size=4))
    def accept(self, facts: list[tuple[str, int]]) -> None:
        """Any order, repeats too: equal versions are the same fact."""
        self.happened["accept"] += len(facts)
        self.since_backup += facts
        for key, version in facts:
            self.newest[key] = max(version, self.newest.get(key, 0))
            self.engine.source.present[key] = _event(key, self.newest[key]).body or b""
        self.do(self.engine.post(*(_event(*fact) for fact in facts)))

    @rule(seconds=st.sampled_from([0.0, 0.05, 1.0, 15.0, 70.0]))
    def deliver(self, seconds: float) -> None:
        self.happened["deliver"] += 1
        self.do(self.engine.run(seconds))

    @rule(faults=FAULTS, destination=st.sampled_from(["erp", "wms"]), latency=st.sampled_from([0.0, 0.1]))
    def fail(self, faults: list[str], destination: str, latency: float) -> None:
        self.happened["fail"] += 1
        self.late = self.late or any(fault.startswith("late") for fault in faults)
        system = self.engine.systems[destination]
        system.fault, system.latency_seconds = scripted(*(self.always or faults)), latency

    @rule()
    def crash(self) -> None:
        self.happened["crash"] += 1
        self.do(self.engine.close())
        self.do(self.engine.open())

    @precondition(lambda self: self.newest and not (self.folder / "backup").exists())
    @rule()
    def back_up(self) -> None:
        self.happened["backup"] += 1
        self.do(self.engine.close())
        shutil.copytree(self.folder / "store", self.folder / "backup")
        self.do(self.engine.open())
        self.since_backup = []

    @precondition(lambda self: self.once is Once.UPSERT and (self.folder / "backup").exists())
    @rule()
    def restore(self) -> None:
        """The destinations are ahead of the backup then: only writes by our own reference bear that, once what is under
        way and forgotten has landed. The shop tells again."""
        self.happened["restore"] += 1
        self.restored = True
        self.do(self.engine.close())
        shutil.rmtree(self.folder / "store")
        shutil.copytree(self.folder / "backup", self.folder / "store")
        self.engine.clock._elapsed += QUIET_SECONDS
        for system in self.engine.systems.values():
            system.land()
        self.do(self.engine.open())
        self.do(self.engine.post(*(_event(key, version) for key, version in self.since_backup)))

    @precondition(lambda self: self.newest)
    @rule(key=KEYS)
    def replay(self, key: str) -> None:
        self.happened["replay"] += 1
        now_ms = self.engine.clock.now_ms()
        self.do(self.engine.ledger.replay(Filter(key=key), by="ann", why="", release="same", now_ms=now_ms))

    @precondition(lambda self: self.newest)
    @rule(key=KEYS, release=st.booleans())
    def pause(self, key: str, release: bool) -> None:
        self.happened["pause"] += 1
        now_ms = self.engine.clock.now_ms()
        self.do(self.engine.ledger.hold(Filter(key=key), by="ann", why="", now_ms=now_ms, release=release))

    @precondition(lambda self: self.newest)
    @rule(days=st.sampled_from([1, 61]))
    def prune(self, days: int) -> None:
        """Time jumps only between calls: an effect weeks after its call is longer than any vendor declares."""
        self.happened["prune"] += 1
        self.do(self.engine.spin())
        if self.engine.dispatcher.in_flight() == 0:
            self.engine.clock._elapsed += days * DAY_SECONDS
        self.do(self.engine.upkeep.trim())

    # -- what holds

    @invariant()
    def nothing_happens_twice(self) -> None:
        for system in self.systems():
            assert system.duplicates == 0

    @invariant()
    def nothing_older_overwrites(self) -> None:
        """But for an effect that lands late, and destinations ahead of a backup: both are written over, as the end shows."""
        for system in self.systems():
            assert system.stale == 0 or self.restored or self.late

    @invariant()
    def each_dead_one_has_its_letter(self) -> None:
        if hasattr(self, "engine"):
            dead = self.engine.rows("SELECT id FROM delivery WHERE state = 'dead' ORDER BY id")
            assert dead == self.engine.rows("SELECT delivery FROM dead_letter WHERE closed_ms = 0 ORDER BY delivery")

    def systems(self) -> list[Any]:
        return list(self.engine.systems.values()) if hasattr(self, "engine") else []

    def teardown(self) -> None:
        """Whatever happened: once the trouble is over, each destination has the newest of every order, once."""
        try:
            if hasattr(self, "engine"):
                self.do(self._end_well())
        finally:
            self.loop.close()
            shutil.rmtree(self.folder)

    async def _end_well(self) -> None:
        engine = self.engine
        for system in engine.systems.values():
            system.fault, system.latency_seconds = scripted(), 0.0
        now_ms = engine.clock.now_ms()
        await engine.ledger.hold(Filter(), by="ann", why="", now_ms=now_ms, release=True)
        await self._until_closed()
        await engine.ledger.replay(
            Filter(states=("dead",)), by="ann", why="", release="same", now_ms=engine.clock.now_ms()
        )
        await self._until_closed()
        states = engine.states()
        values = {(key, name): system.value(key) for key in self.newest for name, system in engine.systems.items()}
        duplicates = [system.duplicates for system in engine.systems.values()]
        await engine.close()
        assert states == {f"{key}@{name}": "done" for key in self.newest for name in engine.systems}
        assert values == {(key, name): f"v{version}" for key, version in self.newest.items() for name in engine.systems}
        assert duplicates == [0, 0]

    async def _until_closed(self) -> None:
        """A quarter of an hour at most."""
        for _ in range(15):
            await self.engine.run(60)
            if set(self.engine.states().values()) <= {"done", "dead"}:
                break


def _event(key: str, version: int) -> Event:
    return event_of(key, version, f"v{version}")


class Hasty(HubMachine):
    """Control: it looks an uncertain create up at once, without the quiet period."""

    quiet_seconds = 0.0
    ways = (Once.LOOK_UP,)
    always = ("late:20",) * 5


class Unfenced(LedgerMachine):
    """Control: a late worker writes under whatever token is the newest."""

    def closing(self, delivery: Delivery, state: str) -> Any:
        newest = dict(self.rows("SELECT id, token FROM delivery"))
        return super().closing(msgspec.structs.replace(delivery, token=newest[delivery.id]), state)


def run(machine: type[RuleBasedStateMachine], examples: int, at: int, *, shrink: bool = True) -> None:
    phases = tuple(Phase) if shrink else (Phase.generate,)
    run_state_machine_as_test(
        seed(at)(machine),
        settings=settings(
            max_examples=examples, stateful_step_count=STEPS, deadline=None, phases=phases, database=None, print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(("machine", "control", "suite"), [(HubMachine, Hasty, 50), (LedgerMachine, Unfenced, 100)])
def test_any_sequence(machine: type[Any], control: type[Any], suite: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault case 43: random sequences of accept, deliver, fail, crash, restore, replay, prune and pause. Control: the same
    machine finds a hub without the quiet period, and a ledger without fences, out."""
    experiment = Experiment(f"43 ({machine.__name__})", suite=suite, table=10_000, capsys=capsys)
    HubMachine.happened.clear()
    run(machine, experiment.size, experiment.seed)
    happened = dict(HubMachine.happened)
    with pytest.raises(AssertionError):
        run(control, 500, experiment.seed, shrink=False)
    experiment.report(
        faults=experiment.size, trials=experiment.size, steps=STEPS, **happened,
        control=f"{control.__name__} is found out",
    )  # fmt: skip


def test_a_late_update_that_was_sent_again_is_asserted_against(tmp_path: Path) -> None:
    """Fault case 43, found by the machine: an update without an answer was sent again and done, a newer one followed, and
    then the first landed after all. The newer one has to be written once more."""

    async def story() -> None:
        async with Engine(tmp_path, Once.UPSERT, limits=PATIENT) as engine:
            await engine.post(_event("1", 24))
            await engine.run(1)
            engine.erp.fault = scripted("late:20")
            await engine.post(_event("1", 28))
            await engine.run(15)
            assert engine.states() == {"1@erp": "done"}
            await engine.post(_event("1", 30))
            await engine.run(10)
            assert engine.erp.value("1") == "v28", "the late one has landed"
            await engine.run(90)
            assert engine.erp.value("1") == "v30"
            assert engine.states() == {"1@erp": "done"}

    asyncio.run(story())

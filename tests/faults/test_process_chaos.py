"""Processes under chaos: lost answers, outages, kills and newer states at random; in the end every system holds the newest state, once."""

import asyncio
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "messaging"))
from engine import Engine, body_of, event_of
from test_process import FakeScript, engine_with, steps

from interlock.messaging import steering
from interlock.messaging.ledger import Filter
from interlock.messaging.process import Step
from interlock.messaging.redelivery import RetryPolicy
from interlock.messaging.releases import Limits
from interlock.messaging.write import Once, Write

ORDERS = 6
VALUES = ("east,west", "east,north", "west,north", "east,west,north", "small")
PATIENT = Limits(retry=RetryPolicy(attempts=50, base_seconds=0.5, cap_seconds=20))
FAULTS = ("503", "lost", "never", "late:20")


class Chaos:
    """One engine, killed and started again; every order gets a random history."""

    def __init__(self, folder: Path, seed: int, *, refused: float = 0.0) -> None:
        self.chance = random.Random(seed)
        self.refused = refused
        all_steps = steps() if refused else steps(ship=_STANDS, book=_BOOK)
        self.engine = engine_with(folder, FakeScript(all_steps), once=Once.LOOK_UP, limits=PATIENT)
        self.newest: dict[str, str] = {}
        self.version = 0

    def fault(self, write: Write) -> str:
        """A third of the calls goes wrong, and some are refused for good; what takes back is not refused."""
        if b"cancelled" not in write.body and self.chance.random() < self.refused:
            return "refused"
        return self.chance.choice(FAULTS) if self.chance.random() < 0.3 else "done"

    async def play(self) -> None:
        """Newer states and kills, at random moments; then an hour of peace."""
        await self._open()
        for _ in range(9):
            for _ in range(self.chance.randint(0, 3)):
                await self._change()
            await self.engine.run(self.chance.choice([0.05, 0.5, 3, 30]))
            if self.chance.random() < 0.4:
                await self.engine.close()
                await self._open()
        for system in self.engine.systems.values():
            system.fault = lambda _write: "done"
        await self.engine.run(1_800)

    async def _open(self) -> None:
        await self.engine.open()
        for system in self.engine.systems.values():
            system.fault, system.latency_seconds = self.fault, 0.2

    async def _change(self) -> None:
        key, value = str(self.chance.randrange(ORDERS)), self.chance.choice(VALUES)
        self.version += 1_000_000
        self.newest[key] = value
        self.engine.source.present[key] = body_of(key, self.version, value)
        await self.engine.post(event_of(key, self.version, value))


_STANDS = Step(name="ship", kind="write", next="together", destination="wms", compensate="put")
_BOOK = Step(name="book", kind="write", destination="erp")


def live(engine: Engine, system: str, key: str) -> dict[str, str]:
    """What a system holds of an order and was not cancelled, by step and part."""
    mine = f"IL-{key}step:"
    records = engine.systems[system].records.items()
    newest = {name.removeprefix(mine): rows[-1]["value"] for name, rows in records if name.startswith(mine)}
    return {name: value for name, value in newest.items() if value != "cancelled"}


def doubled(engine: Engine) -> dict[str, int]:
    """Records that were made more than once."""
    for system in engine.systems.values():
        system.land()
    records = [item for system in engine.systems.values() for item in system.records.items()]
    return {name: len(rows) for name, rows in records if len(rows) > 1}


def in_step(chaos: Chaos, key: str) -> bool:
    """Whether both systems hold the newest state of an order, and nothing else of it."""
    value = chaos.newest[key]
    parts = value.split(",") if "," in value else []
    shipped = {f"ship/{part}": f"{value}/{part}" for part in parts}
    return live(chaos.engine, "wms", key) == shipped and live(chaos.engine, "erp", key) == {"book": f"{value}/"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_newest_state_everywhere_once(tmp_path: Path, seed: int) -> None:
    """Whatever happened on the way: nothing twice, nothing lost, and what the newest state has no part for is taken back."""

    async def play() -> None:
        print(f"seed {seed}")
        chaos = Chaos(tmp_path, seed)
        await chaos.play()
        assert doubled(chaos.engine) == {}
        assert set(chaos.engine.states().values()) == {"done"}
        assert [key for key in chaos.newest if not in_step(chaos, key)] == []
        await chaos.engine.close()

    asyncio.run(play())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_all_or_nothing(tmp_path: Path, seed: int) -> None:
    """With refusals for good: each order stands as a whole or not at all; after the replay of the dead letters all of them stand."""

    async def play() -> None:
        print(f"seed {seed}")
        chaos = Chaos(tmp_path, seed, refused=0.15)
        await chaos.play()
        engine = chaos.engine
        gone = [key for key in chaos.newest if not live(engine, "wms", key) and not live(engine, "erp", key)]
        whole = [key for key in chaos.newest if in_step(chaos, key)]
        assert sorted([*gone, *whole]) == sorted(chaos.newest)
        letters = engine.rows("SELECT key FROM dead_letter WHERE closed_ms = 0")
        assert sorted(key for (key,) in letters) == sorted(gone)
        now_ms = engine.clock.now_ms()
        await engine.ledger.replay(
            Filter(states=("dead",)), by="ada", why="all is well again", release="same", now_ms=now_ms
        )
        engine.dispatcher.wake()
        await engine.run(600)
        assert [key for key in chaos.newest if not in_step(chaos, key)] == []
        assert doubled(engine) == {}
        await engine.close()

    asyncio.run(play())


def test_all_or_nothing_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: when only writes that were answered are taken back, a parcel whose answer was lost stays, half an order alone."""
    real = steering.stands
    monkeypatch.setattr(steering, "stands", lambda course: [mark for mark in real(course) if mark.state == "done"])

    async def play() -> list[str]:
        chaos = Chaos(tmp_path, 2, refused=0.15)
        await chaos.play()
        half = [key for key in chaos.newest if not in_step(chaos, key) and live(chaos.engine, "wms", key)]
        await chaos.engine.close()
        return half

    assert asyncio.run(play()) != []

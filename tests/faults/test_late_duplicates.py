"""Fault case 8: the same events again after an hour, a day, a week and two months, with their payloads kept and pruned."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from engine import Engine
from experiment import Experiment

sys.path.insert(0, str(Path(__file__).parent.parent / "unit" / "intake"))
from door import SHOP, Entrance, a_door, order, signed

from interlock.messaging.delivery import Want
from interlock.messaging.upkeep import Upkeep
from interlock.messaging.write import Once

LATER_HOURS = (1, 25, 8 * 24, 60 * 24)
VERSION = 1_782_907_200_000_000
DAY_MS = 86_400_000
AT_ONCE = 100
WANTS = (
    Want(flow="to-erp", destination="erp"),
    Want(flow="to-marketing", destination="marketing", signal="orders/create"),
)
"""One flow that keeps an object up to date, and one that tells of each fact."""
TABLES_OF_LEDGER = ("position", "delivery", "link", "object", "attempt")


def body(number: int) -> bytes:
    return order(number, version=VERSION, value="new")


async def send_all(entrance: Entrance, count: int, **claims: str) -> None:
    """Each event is accepted, whether it is new or not."""
    for start in range(1, count + 1, AT_ONCE):
        bodies = [body(number) for number in range(start, min(count + 1, start + AT_ONCE))]
        answers = await asyncio.gather(
            *(entrance.knock(sent, signed(sent, **claims), system="shop") for sent in bodies)
        )
        assert {answer.status for answer in answers} == {200}


async def deliver(engine: Engine) -> None:
    while await engine.router.step():
        pass
    await engine.run(30)


def forget_all(engine: Engine, before_ms: int) -> None:
    """Control: a store that keeps what it knows for a day, keys, links and all."""
    engine.inbox.group.run_now(lambda c: c.execute("DELETE FROM event WHERE received_at_ms < ?", (before_ms,)))
    for table in TABLES_OF_LEDGER:
        engine.ledger.group.run_now(lambda c, table=table: c.execute(f"DELETE FROM {table}"))


async def repeated(folder: Path, count: int, once: Once, *, prunes: bool, forgets: bool = False) -> dict[str, Any]:
    """What the systems have after the first time, and after four more, each with a restart before it."""
    engine = Engine(folder, once, systems=("erp", "marketing"))
    engine.release.table = {"order": WANTS}
    await engine.open()
    bodies = []
    for hours in (0, *LATER_HOURS):
        engine.clock._elapsed = max(engine.clock._elapsed, hours * 3_600.0)
        async with Entrance(
            folder, a_door("shop", shop=SHOP, rate_per_second=1e9), inbox=engine.inbox, clock=engine.clock
        ) as entrance:
            await send_all(entrance, count)
            await send_all(entrance, count, event_id=f"again-{hours}", webhook_id=f"again-{hours}")
        await deliver(engine)
        if prunes:
            keeping = Upkeep(
                engine.inbox, engine.ledger, engine.clock, bodies_days=0, attempts_days=0, wake=engine.dispatcher.wake
            )
            engine.clock._elapsed += 0.001
            while await keeping.trim():
                pass
        if forgets and hours >= 25:
            forget_all(engine, engine.clock.now_ms() - DAY_MS)
        bodies.append(engine.inbox.group.connection.execute("SELECT count(*) FROM event WHERE body IS NOT NULL").get)
        await engine.close()
        await engine.open()
    found = {
        "calls": sum(len(system.calls) for system in engine.systems.values()),
        "duplicates": sum(system.duplicates for system in engine.systems.values()),
        "bodies_kept": bodies[-1],
        "events": engine.inbox.group.connection.execute("SELECT count(*) FROM event").get,
    }
    await engine.close()
    return found


@pytest.mark.parametrize("once", [Once.UPSERT, Once.KEY, Once.LOOK_UP])
@pytest.mark.parametrize("prunes", [False, True], ids=["payloads kept", "payloads pruned"])
def test_late_repeats_do_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str], once: Once, prunes: bool) -> None:
    """Case 8: after 1 h, 25 h, 8 d and 60 d, under old and new ids: no call at all. Control: a store that forgets after a day."""
    run = Experiment("8", suite=50, table=20_000, capsys=capsys)
    for name in ("hub", "forgetful"):
        (tmp_path / name).mkdir()
    found = asyncio.run(repeated(tmp_path / "hub", run.size, once, prunes=prunes))
    control = asyncio.run(repeated(tmp_path / "forgetful", 5, Once.LOOK_UP, prunes=prunes, forgets=True))
    repeats = run.size * (2 * len(LATER_HOURS) + 1)
    run.report(
        faults=repeats, trials=repeats, once=once.value, pruned=prunes, **found,
        control=f"a store that forgets after a day: {control['duplicates']} duplicates of 5 events",
    )  # fmt: skip
    assert (found["calls"], found["duplicates"], found["events"]) == (2 * run.size, 0, run.size)
    assert found["bodies_kept"] == (0 if prunes else run.size)
    assert control["duplicates"] > 0

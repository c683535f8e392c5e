"""The end of an old version under a virtual clock: warned of, refused for a while, refused for good; and who still uses it."""

import asyncio
import logging
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from engine import START_MS, Engine, event_of

from interlock.messaging.consumers import Use
from interlock.messaging.sqlite.consumers import SqliteConsumerBook, read_consumers
from interlock.operations.consumers import Consumers
from interlock.release.retirement import Retirements
from interlock.release.uses import Uses
from interlock.strategy.changes import BrownOut, ChangeFile

DAY_SECONDS = 86_400
DAY = datetime.fromtimestamp(START_MS / 1000, UTC).date()


def on(days: int) -> date:
    """So many days after the test begins."""
    return date.fromordinal(DAY.toordinal() + days)


def at(days: int, hours: int) -> datetime:
    return datetime.fromisoformat(f"{on(days)}T{hours:02}:00:00+00:00")


CHANGE = ChangeFile(
    title="An order says what it is for", kind="breaking", owner="orders-team", object="order.v2", replaces="order.v1",
    deprecated_on=on(2), sunset_on=on(10), brown_outs=[BrownOut(at(5, 9), at(5, 11))],
)  # fmt: skip
WAYS = (Use("to-erp", "flow", "erp", "order.v1"), Use("to-erp", "writes", "erp", "order.v1"))


async def jump(engine: Engine, seconds: float) -> None:
    """Let time pass at once: what was due meanwhile runs at the end of it, not thousands of times on the way."""
    engine.clock._elapsed += seconds
    await engine.run(1)


class Life:
    """An engine whose only flow uses order.v1, judged by the change above."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        strategy = SimpleNamespace(timezone="UTC", changes={"0007": CHANGE})
        self.retirements = Retirements(strategy)  # type: ignore[arg-type]
        self.uses = Uses()
        engine.release.standing = self.standing  # type: ignore[method-assign]

    def standing(self, flow: str, destination: str, now_ms: int) -> tuple[str, ...]:
        self.uses.note(WAYS, now_ms)
        return self.retirements.warnings((use.version for use in WAYS), now_ms)

    async def until(self, days: int, hours: int = 0) -> None:
        moment_ms = round(at(days, hours).timestamp() * 1000)
        await jump(self.engine, (moment_ms - self.engine.clock.now_ms()) / 1000)

    async def order(self, key: str) -> tuple[str, str, str, int, str]:
        """Place one now; what became of it at once: state, code, reason, when it is due, warnings."""
        await self.engine.post(event_of(key, 10))
        await self.engine.run(5)
        return self.row(key)

    def row(self, key: str) -> tuple[str, str, str, int, str]:
        return self.engine.rows("SELECT state, code, reason, due_ms, warnings FROM delivery WHERE key = ?", key)[0]  # type: ignore[return-value]


def test_a_version_is_warned_of_then_refused_for_a_while_then_for_good(tmp_path: Path) -> None:
    """Before the deprecation nothing is said; after it each delivery says so; in a brown-out it waits and then goes on by
    itself; after the sunset it is a dead letter with its own code."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            life = Life(engine)
            assert (await life.order("before"))[::4] == ("done", "")
            await life.until(2, 1)
            state, *_, warnings = await life.order("deprecated")
            assert state == "done"
            assert f"CMP201 order.v1 is deprecated, and is refused from {on(10)} on: move to order.v2" in warnings
            await life.until(5, 9)
            state, code, reason, due_ms, _ = await life.order("brown-out")
            assert (state, code, reason) == ("waiting", "CMP202", "version")
            assert due_ms == round(at(5, 11).timestamp() * 1000)
            assert engine.rows("SELECT count(*) FROM dead_letter") == [(0,)]
            await jump(engine, 2 * 3_600)
            assert life.row("brown-out")[0] == "done"
            await life.until(10, 0)
            state, code, reason, *_ = await life.order("sunset")
            assert (state, code, reason) == ("dead", "CMP203", "version")
            assert engine.rows("SELECT owner, code FROM dead_letter") == [("orders-team", "CMP203")]
            assert len(engine.erp.calls) == 3

    asyncio.run(story())


def test_without_a_judge_the_old_version_runs_for_ever(tmp_path: Path) -> None:
    """The control: the refusal comes from the change file and from nothing else."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            await jump(engine, 11 * DAY_SECONDS)
            await engine.post(event_of("1", 10))
            await engine.run(5)
            assert set(engine.states().values()) == {"done"}

    asyncio.run(story())


def test_consumers_are_listed_from_what_ran(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each use is written down at most once a minute, and a deprecated one is said in the log once an hour."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            life = Life(engine)
            shelf = SimpleNamespace(uses=life.uses, current=lambda: SimpleNamespace(retirements=life.retirements))
            consumers = Consumers(SqliteConsumerBook(engine.ledger.group), shelf, engine.clock)  # type: ignore[arg-type]
            await life.order("1")
            await life.order("2")
            assert (await consumers.step(), await consumers.step()) == (len(WAYS), 0)
            await life.until(3)
            for number in range(4):
                await life.order(f"late {number}")
                await consumers.step()
                await jump(engine, 1_200)
            found = {one.part: one for one in read_consumers(engine.ledger.group.connection)}
            assert found["flow"].uses == found["writes"].uses == 6
            assert found["flow"].first_seen_ms < START_MS + 10_000 < found["flow"].last_seen_ms

    with caplog.at_level(logging.WARNING, "interlock.versions"):
        asyncio.run(story())
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2 * len(WAYS), "two hours, so twice for each consumer"
    assert any("the mapping of erp uses it: CMP201 order.v1 is deprecated" in line for line in said)

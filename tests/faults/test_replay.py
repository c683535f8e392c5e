"""Fault case 23: people replay by hand, press twice, two of them at once: nothing that was written is written a second time."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from engine import START_MS, Engine, FakeRelease, body_of, event_of
from experiment import Experiment

from interlock.messaging.ledger import Filter
from interlock.messaging.releases import Limits
from interlock.messaging.write import Once
from interlock.operations.operator import Operator

HOUR_MS = 3_600_000
BATCH = 500
WAYS = [Once.UPSERT, Once.KEY, Once.LOOK_UP]


class OneRelease(FakeRelease):
    """As a shelf: nothing is kept that would have to be compiled again."""

    async def recall(self) -> None:
        """See Shelf."""


def operator_of(engine: Engine) -> Operator:
    shelf = OneRelease(engine.systems, engine.source)
    return Operator(engine.ledger, engine.dispatcher, shelf, engine.clock, None, None, None, None, None)  # type: ignore[arg-type]


async def deliver(engine: Engine, keys: range, value: str = "new") -> None:
    """These orders, delivered to both systems; the shop still has them."""
    for start in range(keys.start, keys.stop, BATCH):
        events = [event_of(str(n), 10, value) for n in range(start, min(keys.stop, start + BATCH))]
        for event in events:
            engine.source.present[event.key] = body_of(event.key, 10, "new")
        await engine.post(*events)
        await engine.run(2)
    await engine.run(30)


async def settled(engine: Engine) -> None:
    """Until no delivery is open."""
    for _ in range(2_000):
        await engine.run(20)
        if not set(engine.states().values()) - {"done", "dead", "cancelled", "superseded"}:
            return
    raise AssertionError(Counter(engine.states().values()))


def calls(engine: Engine) -> int:
    return sum(len(system.calls) for system in engine.systems.values())


def duplicates(engine: Engine) -> int:
    return sum(system.duplicates for system in engine.systems.values())


def totals(engine: Engine) -> list[int]:
    return [row[0] for row in engine.rows("SELECT total FROM replay ORDER BY id")]


async def press(operator: Operator, chosen: Filter, *names: str) -> None:
    """Each of these people presses, all at the same moment."""
    await asyncio.gather(
        *(operator.replay(chosen, by=name, why="the ERP lost a table", version="same") for name in names)
    )


async def naive_duplicates(folder: Path, count: int) -> int:
    """Control: a replay that sends again and forgets what was written."""
    async with Engine(folder, Once.LOOK_UP, systems=("erp", "wms")) as engine:
        await deliver(engine, range(count))
        engine.ledger.group.run_now(lambda c: c.execute("DELETE FROM link"))
        await press(operator_of(engine), Filter(), "ann")
        await settled(engine)
        return duplicates(engine)


@pytest.mark.parametrize("once", WAYS)
def test_replay_of_what_was_delivered(tmp_path: Path, capsys: pytest.CaptureFixture[str], once: Once) -> None:
    """Case 23: all delivered events, pressed twice by two people at once, and an hour later: 0 duplicates, and the second writes nothing."""
    run = Experiment("23 (delivered)", suite=300, table=10_000, capsys=capsys)

    async def story() -> dict[str, Any]:
        async with Engine(tmp_path / "hub", once, systems=("erp", "wms"), limits=Limits(concurrency=64)) as engine:
            await deliver(engine, range(run.size))
            operator = operator_of(engine)
            preview = await operator.preview(Filter(states=("done",)))
            assert (preview.count, preview.by_destination) == (2 * run.size, {"erp": run.size, "wms": run.size})
            assert preview.by_state == {"done": 2 * run.size}
            assert totals(engine) == [], "a preview changes nothing"
            await press(operator, Filter(states=("done",)), "ann", "ann", "bob")
            await press(operator, Filter(), "bob")
            await settled(engine)
            written = calls(engine)
            engine.clock._elapsed += 3_600.0
            await press(operator, Filter(destination="erp"), "ann", "bob")
            await settled(engine)
            results = Counter(row[0] for row in engine.rows("SELECT result FROM replay_item"))
            audited = engine.rows("SELECT who, why, detail FROM audit WHERE action = 'replay'")
            return {
                "replayed": totals(engine), "duplicates": duplicates(engine), "writes_of_second": calls(engine) - written,
                "records": sum(len(system.records) for system in engine.systems.values()), "results": dict(results), "audited": audited,
            }  # fmt: skip

    for name in ("hub", "naive"):
        (tmp_path / name).mkdir()
    found = asyncio.run(story())
    control = asyncio.run(naive_duplicates(tmp_path / "naive", 20))
    audited = found.pop("audited")
    run.report(
        faults=sum(found["replayed"]), trials=sum(found["replayed"]), once=once.value, **found,
        control=f"a replay that forgets the crosswalk: {control} duplicates of 40",
    )  # fmt: skip
    assert (found["duplicates"], found["writes_of_second"], found["records"]) == (0, 0, 2 * run.size)
    assert sorted(found["replayed"]) == [0, 0, 0, 0, run.size, 2 * run.size]
    assert sum(found["results"].values()) == 3 * run.size
    assert set(found["results"]) <= {"delivered", "unchanged"}, (
        "the invented ERP's first update has the content of its create"
    )
    assert Counter(row[0] for row in audited) == Counter(ann=3, bob=3)
    assert {row[1] for row in audited} == {"the ERP lost a table"}
    assert msgspec.json.decode(audited[0][2])["filter"] == {"states": ["done"]}
    assert control == 40


def test_replay_of_a_time_window(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 23: what was received between two moments, to the millisecond, and nothing else, under a limit too."""
    run = Experiment("23 (time window)", suite=100, table=10_000, capsys=capsys)

    async def story() -> list[int]:
        async with Engine(tmp_path, Once.LOOK_UP, systems=("erp", "wms"), limits=Limits(concurrency=64)) as engine:
            for hour in range(3):
                engine.clock._elapsed = hour * 3_600.0
                await deliver(engine, range(hour * run.size, (hour + 1) * run.size))
            operator, window = operator_of(engine), Filter(since_ms=START_MS + HOUR_MS, until_ms=START_MS + 2 * HOUR_MS)
            preview = await operator.preview(window)
            assert preview.count == 2 * run.size
            assert START_MS + HOUR_MS <= preview.oldest_ms <= preview.newest_ms < START_MS + 2 * HOUR_MS
            await press(operator, window, "ann", "bob")
            keys = {
                int(row[0])
                for row in engine.rows("SELECT key FROM delivery WHERE id IN (SELECT delivery FROM replay_item)")
            }
            assert keys == set(range(run.size, 2 * run.size))
            await settled(engine)
            few = msgspec.structs.replace(window, limit=7)
            assert (await operator.preview(few)).count == 7
            await press(operator, few, "ann")
            await settled(engine)
            assert duplicates(engine) == 0
            assert engine.rows("SELECT count(*) FROM replay_item WHERE result = ''") == [(0,)]
            return totals(engine)

    replayed = asyncio.run(story())
    run.report(
        faults=sum(replayed), trials=sum(replayed), replayed=replayed, duplicates=0, control="see case 23 (delivered)"
    )
    assert replayed == [2 * run.size, 0, 7]


@pytest.mark.parametrize("once", WAYS)
def test_replay_of_dead_letters_after_a_fix(tmp_path: Path, capsys: pytest.CaptureFixture[str], once: Once) -> None:
    """Case 23: letters of a broken mapping, repaired, replayed by two people while calls are lost: each delivered once."""
    run = Experiment("23 (dead letters)", suite=100, table=10_000, capsys=capsys)

    async def story() -> dict[str, Any]:
        async with Engine(tmp_path, once, limits=Limits(concurrency=64)) as engine:
            await deliver(engine, range(run.size), "boom")
            assert Counter(engine.states().values()) == Counter(dead=run.size)
            plan = engine.erp.plan
            engine.erp.plan = lambda document, **more: plan(document | {"value": "repaired"}, **more)  # type: ignore[method-assign]
            engine.erp.fault = lambda _write: run.chance.choices(["done", "lost", "never", "503"], [17, 1, 1, 1])[0]
            operator = operator_of(engine)
            letters = Filter(states=("dead",))
            assert (await operator.preview(letters)).by_state == {"dead": run.size}
            await press(operator, letters, "ann", "bob")
            await engine.run(0.01)
            await press(operator, Filter(), "ann", "ann")
            await settled(engine)
            closed = engine.rows("SELECT resolution, closed_by, why, count(*) FROM dead_letter GROUP BY 1, 2, 3")
            return {
                "replayed": totals(engine), "records": len(engine.erp.records), "duplicates": engine.erp.duplicates, "closed": closed,
                "states": dict(Counter(engine.states().values())),
                "answers": dict(Counter(call[3] for call in engine.erp.calls)),
            }  # fmt: skip

    found = asyncio.run(story())
    run.report(
        faults=found["replayed"][0], trials=run.size, once=once.value, **found, control="see case 23 (delivered)"
    )
    assert (found["records"], found["duplicates"], found["states"]) == (run.size, 0, {"done": run.size})
    assert sorted(found["replayed"][:2]) == [0, run.size]
    assert found["closed"] == [("replayed", "ann", "the ERP lost a table", run.size)]


def test_a_replay_can_be_paused(tmp_path: Path) -> None:
    """Case 23, C84: what a large replay has not done yet is held, and goes on later; both audited."""
    size = 40_000

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            await deliver(engine, range(2))
            engine.ledger.group.run_now(lambda c: many_delivered(c, size))
            operator = operator_of(engine)
            replay = await engine.ledger.replay(
                Filter(flow="old"), by="ann", why="all", release="same", now_ms=engine.clock.now_ms()
            )
            await operator.pause_replay(replay, by="ann", paused=True)
            assert engine.rows("SELECT state, count(*) FROM delivery WHERE flow = 'old' GROUP BY state") == [
                ("held", size)
            ]
            await operator.pause_replay(replay, by="ann", paused=False)
            assert engine.rows("SELECT state, count(*) FROM delivery WHERE flow = 'old' GROUP BY state") == [
                ("pending", size)
            ]

    asyncio.run(story())


def many_delivered(connection: Any, count: int) -> None:
    """Rows like those of a finished delivery, to a system of which no outlet is open."""
    names = [row[1] for row in connection.execute("PRAGMA table_info(delivery)") if row[1] != "id"]
    changed = {"flow": "'old'", "destination": "'archive'", "key": "'k' || value"}
    picked = ", ".join(changed.get(name, name) for name in names)
    connection.execute(
        f"WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < {count}) "
        f"INSERT INTO delivery ({', '.join(names)}) SELECT {picked} FROM n, (SELECT * FROM delivery LIMIT 1)"
    )

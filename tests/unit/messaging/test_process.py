"""Processes in the engine: each step once, whatever stops where; taken back when one fails for good; run again for newer states."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from engine import Engine, event_of, scripted

from interlock.messaging.delivery import Want
from interlock.messaging.ledger import Filter
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.process import Message, Pace, Step, steering_of
from interlock.messaging.redelivery import RetryPolicy
from interlock.messaging.releases import Limits
from interlock.messaging.sqlite.process import SqliteProcesses
from interlock.messaging.write import Once, Write

FLOW = "fulfil"
STEERED = steering_of(FLOW)
SHIP = Step(name="ship", kind="write", next="together", destination="wms", compensate="put", on_failure="compensate")
BOOK = Step(name="book", kind="write", destination="erp", compensate="put", on_failure="compensate")


def steps(*, ship: Step = SHIP, book: Step = BOOK, count: int = 0, timeout_ms: int = 0) -> dict[str, Step]:
    """Look the buyer up; small orders are only booked, others are split by place, shipped, and booked when all are out."""
    all_steps = (
        Step(name="buyer", kind="enrich", next="size"),
        Step(name="size", kind="route"),
        Step(name="by-place", kind="split", next="ship", meets_at="together"),
        ship,
        Step(name="together", kind="aggregate", next="book", count=count, timeout_ms=timeout_ms),
        book,
    )
    return {step.name: step for step in all_steps}


class FakeScript:
    """`value` of the object names the parts: `east,west`; without a comma the order is small."""

    first = "buyer"

    def __init__(self, all_steps: Mapping[str, Step]) -> None:
        self.steps = all_steps
        self.answers: list[bytes | Retry | Refused] = []
        self.seen: list[Mapping[str, bytes]] = []

    def pack(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    async def enrich(
        self, step: Step, message: Message, *, pace: Pace, timeout_seconds: float
    ) -> bytes | Retry | Refused:
        await pace("erp")
        return self.answers.pop(0) if self.answers else b'{"name":"Ada"}'

    def choose(self, step: Step, message: Message) -> str:
        return "by-place" if "," in json.loads(message.object)["value"] else "book"

    def parts(self, step: Step, message: Message) -> bytes:
        return json.dumps({part: [] for part in json.loads(message.object)["value"].split(",")}).encode()

    def document(self, step: Step, message: Message, *, undo: bool) -> Any:
        self.seen.append(message.facts)
        value = json.loads(message.object)
        return value | {"value": "cancelled" if undo else f"{value['value']}/{message.part}"}


def engine_with(folder: Path, script: FakeScript, *, once: Once = Once.UPSERT, limits: Limits | None = None) -> Engine:
    engine = Engine(folder, once, systems=("erp", "wms"), limits=limits)
    engine.release.scripts[FLOW] = script
    engine.release.table["order"] = (Want(flow=FLOW, destination=STEERED),)
    return engine


def story(
    work: Callable[[Engine, FakeScript], Awaitable[None]], folder: Path, all_steps: Mapping[str, Step] | None = None
) -> None:
    async def play() -> None:
        script = FakeScript(all_steps or steps())
        async with engine_with(folder, script) as engine:
            await work(engine, script)

    asyncio.run(play())


def calls(engine: Engine, system: str) -> list[str]:
    return [reference for _, reference, _, _ in engine.systems[system].calls]


def held(engine: Engine, system: str) -> dict[str, str]:
    """What a system has, by the step and part of its record."""
    return {name.removeprefix("IL-1step:"): rows[-1]["value"] for name, rows in engine.systems[system].records.items()}


def process_state(engine: Engine) -> str:
    return str(engine.rows("SELECT state FROM process")[0][0])


def letters(engine: Engine) -> list[tuple[str, str, str]]:
    return engine.rows("SELECT destination, code, error FROM dead_letter WHERE closed_ms = 0 ORDER BY id")  # type: ignore[return-value]


def test_each_part_is_shipped_and_then_the_whole_is_booked(tmp_path: Path) -> None:
    """Enriched, routed by content, split, gathered: the book follows the last parcel, and every step is a durable row."""

    async def work(engine: Engine, script: FakeScript) -> None:
        await engine.post(event_of("1", 10, "east,west"))
        await engine.run(2)
        assert held(engine, "wms") == {"ship/east": "east,west/east", "ship/west": "east,west/west"}
        assert held(engine, "erp") == {"book": "east,west/"}
        assert engine.erp.calls[0][0] >= max(at for at, *_ in engine.systems["wms"].calls)
        assert script.seen[-1]["buyer"] == b'{"name":"Ada"}'
        assert set(engine.states().values()) == {"done"}
        marks = engine.rows("SELECT step, part, state FROM process_step ORDER BY number")
        assert [step for step, *_ in marks] == ["buyer", "size", "by-place", "ship", "ship", "together", "book"]
        assert {state for *_, state in marks} == {"done"}
        assert process_state(engine) == "done"

    story(work, tmp_path)


def test_what_a_process_kept_is_forgotten_with_the_bodies(tmp_path: Path) -> None:
    """The object and what was read elsewhere go after the days of the folder; that the steps were taken stays."""

    async def work(engine: Engine, script: FakeScript) -> None:
        await engine.post(event_of("1", 10, "small"))
        await engine.run(2)
        assert engine.rows("SELECT count(*) FROM process WHERE message IS NOT NULL") == [(1,)]
        engine.clock._elapsed = 61 * 24 * 3600.0
        await engine.upkeep.trim()
        assert engine.rows("SELECT message FROM process") == [(None,)]
        assert engine.rows("SELECT step, output FROM process_step WHERE kind = 'enrich'") == [("buyer", b"null")]

    story(work, tmp_path)


def test_a_small_order_takes_the_other_way(tmp_path: Path) -> None:
    """A content-based router: what is small is only booked."""

    async def work(engine: Engine, script: FakeScript) -> None:
        await engine.post(event_of("1", 10, "small"))
        await engine.run(2)
        assert (held(engine, "wms"), held(engine, "erp")) == ({}, {"book": "small/"})

    story(work, tmp_path)


def test_a_silent_system_is_waited_for(tmp_path: Path) -> None:
    """Enrichment: while the other system does not answer nothing expires; what it refuses is a dead letter of the process."""

    async def work(engine: Engine, script: FakeScript) -> None:
        script.answers = [Retry(code="503", message="down", status=503)] * 12
        await engine.post(event_of("1", 10, "small"))
        await engine.run(3600)
        assert held(engine, "erp") == {"book": "small/"}
        script.answers = [Refused(reason="validation", code="BAD", message="no such view", status=400)]
        await engine.post(event_of("2", 10, "small"))
        await engine.run(2)
        assert letters(engine) == [(STEERED, "BAD", "step buyer: no such view")]

    story(work, tmp_path)


@pytest.mark.parametrize("broken", ["enrich", "choose", "parts", "document", "pack"])
def test_what_a_step_raises_is_about_its_object_alone(tmp_path: Path, broken: str) -> None:
    """Code of a step that fails, or marks that its steps do not know, is a dead letter; the next order goes its way."""

    async def work(engine: Engine, script: FakeScript) -> None:
        real = getattr(script, broken)

        def breaks(*arguments: Any, **named: Any) -> Any:
            raise ZeroDivisionError("a defect")

        setattr(script, broken, breaks)
        await engine.post(event_of("1", 10, "east,west"))
        await engine.run(2)
        assert {code for _, code, _ in letters(engine)} == {"HUB-POISON"}
        setattr(script, broken, real)
        await engine.post(event_of("2", 10, "small"))
        await engine.run(2)
        assert engine.states()["2@process:fulfil"] == "done"

    story(work, tmp_path)


def test_marks_that_the_steps_do_not_know(tmp_path: Path) -> None:
    """A release that cannot be built any more falls to the active one: a process that no longer fits it is a dead letter."""

    async def work(engine: Engine, script: FakeScript) -> None:
        engine.erp.latency_seconds = 5
        await engine.post(event_of("1", 10, "small"))
        await engine.run(2)
        script.steps = {name: step for name, step in script.steps.items() if name != "book"}
        await engine.run(30)
        assert [code for where, code, _ in letters(engine) if where == STEERED] == ["HUB-POISON"]

    story(work, tmp_path)


def test_what_was_written_is_taken_back_in_reverse_order(tmp_path: Path) -> None:
    """The book is refused for good: both parcels are cancelled, the last one first, and one dead letter says it all."""

    async def work(engine: Engine, script: FakeScript) -> None:
        engine.erp.fault = lambda _write: "refused"
        await engine.post(event_of("1", 10, "east,west"))
        await engine.run(2)
        assert held(engine, "wms") == {"ship/east": "cancelled", "ship/west": "cancelled"}
        order = [one.removeprefix("IL-1step:ship/") for one in calls(engine, "wms")]
        assert order == ["east", "west", "west", "east"]
        ((where, code, words),) = letters(engine)
        assert (where, code) == (STEERED, "HUB-UNDONE")
        assert words == "book failed: BAD no such country; taken back: ship (west), ship (east)"
        assert process_state(engine) == "compensated"
        # A replay of that one letter runs it again, from the first step, and all is written anew.
        engine.erp.fault = lambda _write: "done"
        await engine.ledger.replay(
            Filter(states=("dead",)), by="ada", why="fixed", release="same", now_ms=engine.clock.now_ms()
        )
        engine.dispatcher.wake()
        await engine.run(2)
        assert held(engine, "wms") == {"ship/east": "east,west/east", "ship/west": "east,west/west"}
        assert (held(engine, "erp"), letters(engine), process_state(engine)) == ({"book": "east,west/"}, [], "done")

    story(work, tmp_path)


def test_a_compensation_that_is_refused_is_a_dead_letter_of_its_own(tmp_path: Path) -> None:
    """West cannot be cancelled any more: east is all the same, a person is told of west, and after the replay it ends."""

    async def work(engine: Engine, script: FakeScript) -> None:
        wms = engine.systems["wms"]
        wms.fault = lambda write: "refused" if b"cancelled" in write.body and "west" in write.reference else "done"
        engine.erp.fault = lambda _write: "refused"
        await engine.post(event_of("1", 10, "east,west"))
        await engine.run(2)
        assert held(engine, "wms") == {"ship/east": "cancelled", "ship/west": "east,west/west"}
        assert [where for where, *_ in letters(engine)] == ["wms"]
        assert process_state(engine) == "stopped"
        wms.fault = lambda _write: "done"
        chosen = Filter(states=("dead",), destination="wms")
        await engine.ledger.replay(chosen, by="ada", why="unpacked", release="same", now_ms=engine.clock.now_ms())
        engine.dispatcher.wake()
        await engine.run(2)
        assert held(engine, "wms") == {"ship/east": "cancelled", "ship/west": "cancelled"}
        assert process_state(engine) == "compensated"
        assert [where for where, *_ in letters(engine)] == [STEERED]

    story(work, tmp_path)


def test_a_stopped_process_goes_on_with_the_replay(tmp_path: Path) -> None:
    """on_failure = stop: the dead letter is the step's own, and replaying it continues where it stood; nothing is sent twice."""

    async def work(engine: Engine, script: FakeScript) -> None:
        engine.systems["wms"].fault = lambda write: "refused" if "west" in write.reference else "done"
        await engine.post(event_of("1", 10, "east,west"))
        await engine.run(2)
        assert (process_state(engine), held(engine, "erp")) == ("stopped", {})
        assert [where for where, *_ in letters(engine)] == ["wms"]
        engine.systems["wms"].fault = lambda _write: "done"
        await engine.ledger.replay(
            Filter(states=("dead",)), by="ada", why="fixed", release="same", now_ms=engine.clock.now_ms()
        )
        engine.dispatcher.wake()
        await engine.run(2)
        assert process_state(engine) == "done"
        assert held(engine, "erp") == {"book": "east,west/"}
        assert Counter(calls(engine, "wms")) == {"IL-1step:ship/east": 1, "IL-1step:ship/west": 2}

    story(work, tmp_path, steps(ship=Step(name="ship", kind="write", next="together", destination="wms")))


def test_a_discarded_step_is_passed_over(tmp_path: Path) -> None:
    """A person decides that a part is not needed: the process goes on without it at once."""

    async def work(engine: Engine, script: FakeScript) -> None:
        engine.systems["wms"].fault = lambda write: "refused" if "west" in write.reference else "done"
        await engine.post(event_of("1", 10, "east,west"))
        await engine.run(2)
        await engine.ledger.discard(Filter(states=("dead",)), by="ada", why="by hand", now_ms=engine.clock.now_ms())
        engine.dispatcher.wake()
        await engine.run(2)
        assert (process_state(engine), held(engine, "erp")) == ("done", {"book": "east,west/"})

    story(work, tmp_path, steps(ship=Step(name="ship", kind="write", next="together", destination="wms")))


def test_a_newer_state_waits_for_the_steps_under_way(tmp_path: Path) -> None:
    """The rule: what is under way ends, what comes after is not begun with the old state, and all runs again with the newer."""

    async def work(engine: Engine, script: FakeScript) -> None:
        engine.systems["wms"].latency_seconds = 5
        await engine.post(event_of("1", 10, "east,west"))
        await engine.run(2)
        await engine.post(event_of("1", 20, "east,west,north"))
        await engine.run(60)
        assert [rows[-1]["version"] for rows in engine.systems["wms"].records.values()] == [20] * 3
        assert Counter(calls(engine, "erp")) == {"IL-1step:book": 1}
        assert held(engine, "erp") == {"book": "east,west,north/"}
        assert engine.rows("SELECT run, state FROM process") == [(2, "done")]

    story(work, tmp_path)


def test_a_newer_state_is_tried_before_all_is_taken_back(tmp_path: Path) -> None:
    """The correction came while the book was refused: nothing is cancelled, the newer state is booked, no letter is left."""

    async def work(engine: Engine, script: FakeScript) -> None:
        engine.erp.latency_seconds = 5
        engine.erp.fault = scripted("refused")
        await engine.post(event_of("1", 10, "east,west"))
        await engine.run(2)
        await engine.post(event_of("1", 20, "east,west"))
        await engine.run(60)
        assert held(engine, "erp") == {"book": "east,west/"}
        assert Counter(calls(engine, "wms")) == {"IL-1step:ship/east": 2, "IL-1step:ship/west": 2}
        assert (letters(engine), process_state(engine)) == ([], "done")

    story(work, tmp_path)


def test_a_part_that_is_gone_is_taken_back(tmp_path: Path) -> None:
    """The newer order has nothing from the west: that parcel is cancelled, east is brought up to date."""

    async def work(engine: Engine, script: FakeScript) -> None:
        await engine.post(event_of("1", 10, "east,west"))
        await engine.run(2)
        await engine.post(event_of("1", 20, "east,south"))
        await engine.run(2)
        now = {"ship/east": "east,south/east", "ship/south": "east,south/south", "ship/west": "cancelled"}
        assert held(engine, "wms") == now
        assert process_state(engine) == "done"
        await engine.post(event_of("1", 30, "small"))
        await engine.run(2)
        assert set(held(engine, "wms").values()) == {"cancelled"}

    story(work, tmp_path)


@pytest.mark.parametrize(("count", "timeout_ms", "after"), [(1, 0, 2.0), (0, 60_000, 70.0)])
def test_an_aggregate_may_go_on_without_all_parts(tmp_path: Path, count: int, timeout_ms: int, after: float) -> None:
    """By count, or after a time: the whole goes on; the process ends only when the late part has ended too."""

    async def work(engine: Engine, script: FakeScript) -> None:
        engine.systems["wms"].fault = lambda write: "503" if "west" in write.reference else "done"
        await engine.post(event_of("1", 10, "east,west"))
        await engine.run(after)
        assert held(engine, "erp") == {"book": "east,west/"}
        assert process_state(engine) == "running"
        engine.systems["wms"].fault = lambda _write: "done"
        await engine.run(3600)
        assert process_state(engine) == "done"

    story(work, tmp_path, steps(count=count, timeout_ms=timeout_ms))


# -- stopped at every boundary


class Stopped(BaseException):
    """The process ends here, as by a kill."""


async def stopped_at(folder: Path, boundary: int, *, after_commit: bool, refused: bool) -> Engine | None:
    """Play one order and stop at the n-th transaction of its process, before or after it is on the disk; then go on.

    None when the process has fewer boundaries.
    """
    patient = Limits(retry=RetryPolicy(attempts=3, base_seconds=0.1, cap_seconds=0.2))
    script = FakeScript(steps())
    engine = engine_with(folder, script, once=Once.LOOK_UP, limits=patient)
    await engine.open()
    if refused:
        engine.erp.fault = lambda _write: "refused"
    reached, halt, count = asyncio.Event(), asyncio.Event(), 0
    store: Any = engine.ledger.processes

    def stopping(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def stops(*arguments: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count != boundary:
                return await method(*arguments, **named)
            made = await method(*arguments, **named) if after_commit else None
            reached.set()
            await halt.wait()
            return made

        return stops

    store.advance, store.begin = stopping(store.advance), stopping(store.begin)
    await engine.post(event_of("1", 10, "east,west"))
    await engine.run(2)
    if not reached.is_set():
        await engine.close()
        return None
    await engine.close()
    await engine.open()
    await engine.run(90)
    return engine


@pytest.mark.parametrize("refused", [False, True], ids=["booked", "taken-back"])
@pytest.mark.parametrize("after_commit", [False, True], ids=["before", "after"])
def test_stopped_anywhere_it_goes_on(tmp_path: Path, after_commit: bool, refused: bool) -> None:
    """A kill at each of its transactions, before or after the disk has it: nothing is lost, nothing is made twice."""

    async def play() -> int:
        boundary = 1
        while True:
            folder = tmp_path / str(boundary)
            folder.mkdir()
            engine = await stopped_at(folder, boundary, after_commit=after_commit, refused=refused)
            if engine is None:
                return boundary - 1
            wms = engine.systems["wms"]
            assert (wms.duplicates, engine.erp.duplicates) == (0, 0)
            expected = "cancelled" if refused else "east,west/"
            assert {value.removesuffix("east").removesuffix("west") for value in held(engine, "wms").values()} == {
                expected
            }
            assert len(wms.records) == 2
            assert process_state(engine) == ("compensated" if refused else "done")
            assert Counter(calls(engine, "wms")).most_common(1)[0][1] == (2 if refused else 1)
            await engine.close()
            boundary += 1

    assert asyncio.run(play()) >= (8 if refused else 6)


def test_stopped_anywhere_control(tmp_path: Path) -> None:
    """Control: a process that keeps its place in memory makes parcels twice when it is begun again, or loses the book."""

    async def naive(engine: Engine, boundary: int) -> None:
        for at, (system, part) in enumerate([("wms", "east"), ("wms", "west"), ("erp", "")]):
            if at == boundary:
                raise Stopped
            write = Write(
                operation="put", once=Once.LOOK_UP, reference=f"IL-1{part}", body=b'{"version": 1, "value": "x"}'
            )
            await engine.systems[system].write(write, idempotency_key="", timeout_seconds=1)

    async def play(*, again: bool) -> tuple[int, int]:
        doubled = lost = 0
        for boundary in range(4):
            async with engine_with(tmp_path / f"{again}{boundary}", FakeScript(steps())) as engine:
                try:
                    await naive(engine, boundary)
                except Stopped:
                    if again:
                        await naive(engine, 99)
                doubled += engine.systems["wms"].duplicates + engine.erp.duplicates
                lost += int(not engine.erp.records)
        return doubled, lost

    for again in (True, False):
        for boundary in range(4):
            (tmp_path / f"{again}{boundary}").mkdir()
    doubled, _ = asyncio.run(play(again=True))
    _, lost = asyncio.run(play(again=False))
    assert doubled >= 3
    assert lost >= 3


def test_without_its_marks_a_process_would_double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: with a store that forgets what was done, the same engine takes the first steps again and never ends."""
    real = SqliteProcesses._course

    def forgetful(self: SqliteProcesses, connection: Any, process: int) -> Any:
        course = real(self, connection, process)
        import msgspec

        return course and msgspec.structs.replace(course, marks=())

    monkeypatch.setattr(SqliteProcesses, "_course", forgetful)
    script = FakeScript(steps())

    async def play() -> None:
        engine = engine_with(tmp_path, script)
        await engine.open()
        await engine.post(event_of("1", 10, "east,west"))
        with pytest.raises(Exception, match="UNIQUE constraint failed"):
            await engine.run(2)
        assert process_state(engine) != "done"
        await engine.close()

    asyncio.run(play())

"""A paused flow begins nothing and loses nothing; one that drains ends what was queued; both outlive a restart."""

import asyncio
from collections import Counter
from pathlib import Path

from engine import Engine, event_of

from interlock.messaging.sqlite.flow_book import SqliteFlowBook
from interlock.messaging.stops import Stop, StopBoard
from interlock.operations.flow_stops import FlowStops

FLOW = "to-erp"


class Stoppable(Engine):
    """The engine with the part of the hub that stops flows."""

    async def open(self, *, suspect: int = 0) -> None:
        await super().open(suspect=suspect)
        self.dispatcher.courier.stops = board = StopBoard()
        self.book = SqliteFlowBook(self.ledger.group)
        self.stops = FlowStops(
            self.book, board, ledger=self.ledger, inbox=self.inbox, clock=self.clock, wake=self.dispatcher.wake
        )
        await self.stops.look()
        self.looking = asyncio.get_running_loop().create_task(self.stops.run())

    async def close(self) -> None:
        self.looking.cancel()
        await asyncio.gather(self.looking, return_exceptions=True)
        await super().close()

    def counts(self) -> Counter[str]:
        return Counter(self.states().values())


def test_a_paused_flow_keeps_what_arrives_and_goes_on(tmp_path: Path) -> None:
    """Nothing begins while it is paused, nothing is lost, and after it each order is written once."""

    async def story() -> None:
        async with Stoppable(tmp_path) as engine:
            await engine.stops.stop(FLOW, "paused", by="ann", why="month's end")
            await engine.post(*(event_of(str(n), 10) for n in range(20)))
            await engine.run(120)
            assert (engine.counts(), engine.erp.calls) == (Counter(waiting=20), [])
            assert await engine.stops.resume(FLOW, by="ann", why="books are open")
            await engine.run(5)
            assert (engine.counts(), len(engine.erp.records), engine.erp.duplicates) == (Counter(done=20), 20, 0)

    asyncio.run(story())


def test_another_flow_is_not_touched(tmp_path: Path) -> None:
    """The control: what is stopped is the flow, not the hub."""

    async def story() -> None:
        async with Stoppable(tmp_path, systems=("erp", "wms")) as engine:
            await engine.stops.stop(FLOW, "paused", by="ann", why="month's end")
            await engine.post(*(event_of(str(n), 10) for n in range(5)))
            await engine.run(60)
            assert (len(engine.systems["wms"].records), len(engine.erp.records)) == (5, 0)

    asyncio.run(story())


def test_a_pause_outlives_a_restart(tmp_path: Path) -> None:
    """Who paused a flow for the night expects it to be paused after a deployment."""

    async def story() -> None:
        async with Stoppable(tmp_path) as engine:
            await engine.stops.stop(FLOW, "paused", by="ann", why="month's end")
            await engine.close()
            await engine.open()
            await engine.post(event_of("1", 10))
            await engine.run(60)
            assert engine.erp.calls == []

    asyncio.run(story())


def test_a_drain_ends_what_was_queued_and_begins_nothing_new(tmp_path: Path) -> None:
    """What was received before the drain goes out although the destination is slow; what came later waits; then it is paused."""

    async def story() -> None:
        async with Stoppable(tmp_path) as engine:
            engine.erp.fault = lambda _write: "503"
            await engine.post(*(event_of(f"old{n}", 10) for n in range(10)))
            await engine.run(5)
            await engine.stops.stop(FLOW, "draining", by="ann", why="new account")
            await engine.run(1)
            await engine.post(*(event_of(f"new{n}", 10) for n in range(10)))
            await engine.run(5)
            (stop,) = await engine.book.stops()
            assert stop.kind == "draining" and sum((await engine.book.left(stop)).values()) == 10
            engine.erp.fault = lambda _write: "done"
            await engine.run(400)
            (stop,) = await engine.book.stops()
            assert (stop.kind, engine.counts()) == ("paused", Counter(done=10, waiting=10))
            assert {key.partition("-")[2][:3] or key[:3] for key in engine.erp.records} == {"old"}
            await engine.stops.resume(FLOW, by="ann", why="done")
            await engine.run(5)
            assert (engine.counts(), engine.erp.duplicates) == (Counter(done=20), 0)

    asyncio.run(story())


def test_what_is_accepted_and_not_routed_yet_is_drained_too(tmp_path: Path) -> None:
    """The drain waits for the router: "empty" before it has looked would be a lie."""

    async def story() -> None:
        async with Stoppable(tmp_path) as engine:
            await engine.inbox.append(event_of("1", 10, received_ms=engine.clock.now_ms()))
            await engine.stops.stop(FLOW, "draining", by="ann", why="new account")
            await engine.run(5)
            assert (await engine.book.stops())[0].kind == "draining"
            while await engine.router.step():
                pass
            await engine.run(5)
            assert ((await engine.book.stops())[0].kind, engine.counts()) == ("paused", Counter(done=1))

    asyncio.run(story())


def test_another_process_is_heeded(tmp_path: Path) -> None:
    """A command writes to the ledger beside the hub; the hub looks, and makes what waited due."""

    async def story() -> None:
        async with Stoppable(tmp_path) as engine:
            await engine.book.stop(FLOW, "paused", by="cli:ann", why="x", now_ms=engine.clock.now_ms())
            await engine.run(1)
            await engine.post(event_of("1", 10))
            await engine.run(60)
            assert engine.erp.calls == []
            assert await engine.book.resume(FLOW, by="cli:ann", why="y", now_ms=engine.clock.now_ms())
            await engine.run(2)
            assert engine.counts() == Counter(done=1)
            assert not await engine.book.resume(FLOW, by="cli:ann", why="z", now_ms=engine.clock.now_ms())
            rows = engine.rows("SELECT who, action, subject, why FROM audit")
            assert rows == [("cli:ann", "pause", "flow to-erp", "x"), ("cli:ann", "resume", "flow to-erp", "y")]

    asyncio.run(story())


def test_the_board_says_what_may_go_on() -> None:
    """Freed is what runs again, and what begins to drain: both have work that is due."""
    paused = Stop(flow="a", kind="paused", by="ann", why="x", at_ms=1)
    draining = Stop(flow="a", kind="draining", by="ann", why="x", at_ms=2)
    board = StopBoard([paused])
    assert board.show([paused]) == []
    assert board.show([draining]) == ["a"]
    assert (draining.holds(2), draining.holds(3)) == (False, True)
    assert board.show([paused]) == []
    assert board.show([]) == ["a"]

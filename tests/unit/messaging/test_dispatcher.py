"""How the dispatcher ends: nothing of it runs on after `stop`."""

import asyncio
from pathlib import Path

from engine import Engine, event_of

from interlock.messaging.write import Once


def test_stop_cancels_what_outlasts_its_time(tmp_path: Path) -> None:
    """A call that hangs longer than `within_seconds` is ended with the hub; the next start treats it as uncertain."""

    async def story() -> None:
        engine = Engine(tmp_path, Once.LOOK_UP)
        await engine.open()
        engine.erp.latency_seconds = 3_600.0
        await engine.post(event_of("1", 10))
        await engine.run(1)
        outlet = engine.dispatcher.outlets["erp"]
        assert len(outlet.running_tasks()) == 1
        await engine.dispatcher.stop(within_seconds=0.01)
        assert outlet.running_tasks() == []
        assert engine.rows("SELECT verdict FROM attempt") == [("",)]
        await engine.close()
        engine.erp.latency_seconds = 0.0
        await engine.open()
        assert engine.rows("SELECT state FROM delivery") == [("uncertain",)]
        await engine.run(70)
        assert engine.states() == {"1@erp": "done"}
        await engine.close()

    asyncio.run(story())


def test_stop_lets_calls_end_that_do(tmp_path: Path) -> None:
    """A call that ends within the time is recorded: a clean restart leaves nothing uncertain."""

    async def story() -> None:
        engine = Engine(tmp_path, Once.LOOK_UP)
        await engine.open()
        engine.erp.latency_seconds = 0.5
        await engine.post(event_of("1", 10))
        await engine.run(0.1)
        stopping = asyncio.create_task(engine.dispatcher.stop(within_seconds=30))
        await engine.run(1)
        await stopping
        assert engine.states() == {"1@erp": "done"}
        await engine.close()

    asyncio.run(story())


def test_what_has_stopped_opens_no_outlet(tmp_path: Path) -> None:
    """A reload that is under way as the hub closes must not begin to deliver again."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            await engine.dispatcher.stop(within_seconds=1)
            engine.systems["wms"] = engine.systems["erp"]
            await engine.dispatcher.refresh()
            await engine.dispatcher.reopen()
            assert set(engine.dispatcher.outlets) == {"erp"}

    asyncio.run(story())

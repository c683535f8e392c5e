"""What an outlet makes of a result: which ones cost a retry, an attempt, or the destination's good name."""

import asyncio
from pathlib import Path

from engine import Engine, event_of, scripted

from interlock.messaging.finished import SEND_WITHIN_SECONDS
from interlock.messaging.releases import Limits
from interlock.messaging.write import Once


def test_quiet_period_costs_no_retry(tmp_path: Path) -> None:
    """Deliveries that a restart left uncertain wait out their quiet periods; the budget is there for calls, and stays whole."""

    async def story() -> None:
        engine = Engine(tmp_path, Once.LOOK_UP, limits=Limits(concurrency=40))
        await engine.open()
        engine.erp.latency_seconds = 20.0
        await engine.post(*(event_of(str(n), 10) for n in range(40)))
        await engine.run(1)
        await engine.close()
        await engine.open()
        await engine.run(2)
        assert engine.rows("SELECT DISTINCT state, code FROM delivery") == [("uncertain", "HUB-QUIET")]
        outlet = engine.dispatcher.outlets["erp"]
        assert outlet.budget._left == outlet.budget.reserve
        engine.erp.latency_seconds = 0.0
        await engine.run(70)
        assert set(engine.states().values()) == {"done"}
        assert engine.erp.duplicates == 0
        await engine.close()

    asyncio.run(story())


def test_call_that_never_left_is_no_failure_of_the_destination(tmp_path: Path) -> None:
    """A process that slept between intent and call sends nothing: no attempt is lost, the breaker hears nothing, a later try delivers."""

    async def story() -> None:
        async with Engine(tmp_path, limits=Limits(breaker_failures=1)) as engine:
            begin = engine.ledger.begin

            async def slow(intents: object) -> object:
                begun = await begin(intents)  # type: ignore[arg-type]
                await engine.clock.sleep(SEND_WITHIN_SECONDS + 1)
                return begun

            engine.ledger.begin = slow  # type: ignore[method-assign, assignment]
            await engine.post(event_of("1", 10))
            await engine.run(SEND_WITHIN_SECONDS + 1)
            engine.ledger.begin = begin  # type: ignore[method-assign]
            outlet = engine.dispatcher.outlets["erp"]
            assert engine.rows("SELECT state, code, attempts FROM delivery") == [("retrying", "HUB-PAUSED", 0)]
            assert (outlet.breaker.state, outlet.breaker.failures) == ("closed", 0)
            assert outlet.budget._left == outlet.budget.reserve
            await engine.run(5)
            assert engine.states() == {"1@erp": "done"}
            assert len(engine.erp.calls) == 1

    asyncio.run(story())


def test_destination_that_fails_still_costs_a_retry(tmp_path: Path) -> None:
    """The control of the two above: a call that failed spends the budget, loses an attempt and counts for the breaker."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            engine.erp.fault = scripted("503")
            await engine.post(event_of("1", 10))
            await engine.run(0.001)
            outlet = engine.dispatcher.outlets["erp"]
            assert engine.rows("SELECT state, attempts FROM delivery") == [("retrying", 1)]
            assert outlet.breaker.failures == 1
            assert outlet.budget._left == outlet.budget.reserve - 1

    asyncio.run(story())

"""What its source holds back waits before the first write, and goes on by itself; what was told once is kept up to date (C46)."""

import asyncio
from pathlib import Path

import pytest
from engine import Engine, event_of

from interlock.messaging.event import Event
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.releases import Holding
from interlock.messaging.source import Held

ON_HOLD = (Held(kind="holds", words="on hold: HIGH_RISK_OF_FRAUD", part="77"),)
RECHECK_SECONDS = 15 * 60


def said(engine: Engine) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = engine.rows("SELECT state, reason, waiting_for FROM delivery")  # type: ignore[assignment]
    return found


def released(part: str) -> Event:
    """The event by which a source tells that something of it was released."""
    event = event_of(part, 1)
    event.object = "gate"
    return event


def test_what_is_on_hold_waits_until_its_source_lets_it_go(tmp_path: Path) -> None:
    """C46: nothing is written and nothing is an error; the event of the hold lets exactly that go. The control is the other part's
    event, which lets nothing go."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            engine.release.gates, engine.release.holding = ("holds",), ON_HOLD
            await engine.post(event_of("1", 10))
            await engine.run(30)
            system = event_of("1", 10).system
            assert said(engine) == [("waiting", "on_hold", f"hold:{system}:77")]
            engine.release.holding = ()
            await engine.post(released("78"))
            await engine.run(30)
            assert engine.erp.calls == []
            await engine.post(released("77"))
            await engine.run(5)
            assert (said(engine)[0][0], len(engine.erp.records)) == ("done", 1)

    asyncio.run(story())


def test_a_lost_event_of_release_only_costs_time(tmp_path: Path) -> None:
    """Webhooks get lost: what is on hold is looked at again by itself."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            engine.release.gates, engine.release.holding = ("holds",), ON_HOLD
            await engine.post(event_of("1", 10))
            await engine.run(30)
            engine.release.holding = ()
            await engine.run(RECHECK_SECONDS + 5)
            assert (said(engine)[0][0], len(engine.erp.records)) == ("done", 1)

    asyncio.run(story())


def test_what_was_told_once_is_kept_up_to_date(tmp_path: Path) -> None:
    """A hold cannot take back what left: changes, a cancellation above all, must still get there. Nobody is asked again."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            engine.release.gates = ("holds",)
            await engine.post(event_of("1", 10))
            await engine.run(5)
            engine.release.holding = ON_HOLD
            await engine.post(event_of("1", 20, value="changed"))
            await engine.run(5)
            assert (said(engine)[0][0], engine.erp.value("1"), engine.release.asked) == ("done", "changed", ["1"])

    asyncio.run(story())


def test_a_flow_waits_only_for_what_it_names_and_asks_only_then(tmp_path: Path) -> None:
    """The control of all above: without the key nobody is asked, and with another kind nothing waits."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            engine.release.holding = ON_HOLD
            await engine.post(event_of("1", 10))
            await engine.run(5)
            assert (len(engine.erp.records), engine.release.asked) == (1, [])
            engine.release.gates = ("risk",)
            await engine.post(event_of("2", 10))
            await engine.run(5)
            assert (len(engine.erp.records), engine.release.asked) == (2, ["2"])

    asyncio.run(story())


def test_what_nobody_knows_to_be_free_does_not_leave(tmp_path: Path) -> None:
    """A source that is down is asked again, for as long as it takes, and no attempt is lost; what it does not have, it does not hold."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            engine.release.gates, engine.release.holding = ("holds",), Retry(code="503", message="down", status=503)
            await engine.post(event_of("1", 10))
            await engine.run(60)
            assert said(engine)[0][0] == "retrying"
            assert engine.erp.calls == []
            engine.release.holding = Refused(reason="authentication", code="401", message="no token", status=401)
            await engine.run(RECHECK_SECONDS)
            assert said(engine) == [("waiting", "authentication", "credentials")]
            engine.release.holding = Refused(reason="gone", code="404", message="no such order", status=404)
            await engine.run(RECHECK_SECONDS + 5)
            assert said(engine)[0][0] == "done"

    asyncio.run(story())


def test_a_gatekeeper_that_raises_stops_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a source's client raises is about that question: the delivery is retried, the outlet lives, and it goes on when the
    client answers. The control is the other flow of the same outlet, which asks nobody."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:

            async def broken(*_: object, **__: object) -> Holding:
                raise KeyError("order")

            engine.release.gates = ("holds",)
            with monkeypatch.context() as now:
                now.setattr(engine.release, "held", broken)
                await engine.post(event_of("1", 10))
                await engine.run(30)
                assert said(engine) == [("retrying", "unavailable", "")]
                engine.release.gates = ()
                await engine.post(event_of("2", 10))
                await engine.run(30)
                assert len(engine.erp.records) >= 1, "the outlet is alive"
                engine.release.gates = ("holds",)
            await engine.run(RECHECK_SECONDS)
            assert {state for state, *_ in said(engine)} == {"done"}

    asyncio.run(story())

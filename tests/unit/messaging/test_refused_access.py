"""Credentials that a destination refuses hold the destination; no order dies of them, and a permission of one document blocks nobody."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from engine import Engine, event_of

from interlock.messaging import courier, finished
from interlock.messaging.outcome import Outcome, Refused
from interlock.messaging.releases import Limits
from interlock.messaging.write import Write

ORDERS = 50
HOUR_SECONDS = 3_600.0


def refusing(engine: Engine, reason: str, when: Callable[[Write], bool]) -> list[float]:
    """Let the ERP refuse these writes for this reason; returns the seconds at which it did, as they come."""
    accept, refused = engine.erp.write, []

    async def write(one: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:
        if not when(one):
            return await accept(one, idempotency_key=idempotency_key, timeout_seconds=timeout_seconds)
        refused.append(engine.clock.monotonic())
        return Refused(reason=reason, code="NO", message="not you; renew the token", status=401)

    engine.erp.write = write  # type: ignore[method-assign]
    return refused


async def revoked_for_an_hour(engine: Engine) -> list[float]:
    """Orders while the credentials are refused for an hour and ten seconds; returns after the hour."""
    until = engine.clock.monotonic() + HOUR_SECONDS + 10
    refused = refusing(engine, "authentication", lambda _write: engine.clock.monotonic() < until)
    await engine.post(*(event_of(str(n), 10) for n in range(ORDERS)))
    await engine.run(HOUR_SECONDS)
    return refused


def test_refused_credentials_hold_the_destination(tmp_path: Path) -> None:
    """C80: calls stop but for a probe each half minute, no order dies or loses an attempt, the breaker says why, all resume."""

    async def story() -> None:
        async with Engine(tmp_path, limits=Limits(concurrency=8)) as engine:
            refused = await revoked_for_an_hour(engine)
            assert len(refused) <= 8 + HOUR_SECONDS / 30
            assert all(later - earlier >= 29 for earlier, later in zip(refused[8:], refused[9:], strict=False))
            assert set(engine.states().values()) <= {"waiting", "pending"}
            assert engine.rows("SELECT count(*) FROM dead_letter") == [(0,)]
            assert engine.rows(
                "SELECT DISTINCT reason, waiting_for, attempts FROM delivery WHERE state = 'waiting'"
            ) == [("authentication", "credentials", 0)]
            (saved,) = (await engine.ledger.breakers()).values()
            assert (saved[0], saved[4]) == ("locked", "not you; renew the token")
            await engine.run(90)
            assert Counter(engine.states().values()) == Counter(done=ORDERS)
            assert (await engine.ledger.breakers())["erp"][0] == "closed"

    asyncio.run(story())


def test_refused_credentials_control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """C80, control: taken for a refusal of the document, the same answer kills every order."""
    for place in (courier, finished):
        monkeypatch.setattr(place, "HELD_BY", {})

    async def story() -> None:
        async with Engine(tmp_path, limits=Limits(concurrency=8)) as engine:
            await revoked_for_an_hour(engine)
            assert Counter(engine.states().values()) == Counter(dead=ORDERS)

    asyncio.run(story())


def test_lock_outlives_a_restart(tmp_path: Path) -> None:
    """After a restart the destination is still held: one probe, not a burst of refused calls that may lock the account out."""

    async def story() -> None:
        engine = Engine(tmp_path, limits=Limits(concurrency=8))
        await engine.open()
        refused = refusing(engine, "authentication", lambda _write: True)
        await engine.post(*(event_of(str(n), 10) for n in range(ORDERS)))
        await engine.run(1)
        before = len(refused)
        await engine.close()
        await engine.open()
        assert engine.dispatcher.outlets["erp"].breaker.shown == "locked"
        await engine.run(20)
        assert len(refused) == before + 1
        await engine.close()

    asyncio.run(story())


def test_permission_that_one_document_lacks_blocks_nobody(tmp_path: Path) -> None:
    """A 403 may be about one kind of record: that order waits and asks again now and then, all others are delivered."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            granted: list[bool] = []
            refused = refusing(engine, "permission", lambda write: write.reference == "IL-0" and not granted)
            await engine.post(*(event_of(str(n), 10) for n in range(ORDERS)))
            await engine.run(HOUR_SECONDS)
            assert Counter(engine.states().values()) == Counter(done=ORDERS - 1, waiting=1)
            assert engine.dispatcher.outlets["erp"].breaker.state == "closed"
            assert 1 < len(refused) <= 6
            granted.append(True)
            await engine.run(16 * 60)
            assert Counter(engine.states().values()) == Counter(done=ORDERS)

    asyncio.run(story())


def test_permission_that_all_lack_holds_the_destination(tmp_path: Path) -> None:
    """A scope that was taken away: after as many refusals as open a breaker, calls stop and nothing dies."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            refused = refusing(engine, "permission", lambda _write: True)
            await engine.post(*(event_of(str(n), 10) for n in range(ORDERS)))
            await engine.run(HOUR_SECONDS)
            assert len(refused) <= 10 + 8 + HOUR_SECONDS / 30
            assert engine.dispatcher.outlets["erp"].breaker.shown == "locked"
            assert set(engine.states().values()) <= {"waiting", "pending"}

    asyncio.run(story())


def test_source_that_refuses_us_kills_no_order(tmp_path: Path) -> None:
    """A read with revoked credentials is the source's trouble: the order waits, and the destination is not blamed."""

    async def story() -> None:
        async with Engine(tmp_path) as engine:
            read = engine.source.read

            async def refuse(object_name: str, key: str, *, timeout_seconds: float) -> Refused:
                return Refused(reason="authentication", code="401", message="reinstall the app", status=401)

            engine.source.read = refuse  # type: ignore[method-assign, assignment]
            await engine.post(event_of("1", 10, complete=False))
            await engine.run(60)
            assert engine.rows("SELECT state, waiting_for, error FROM delivery") == [
                ("waiting", "credentials", "shop does not let us read: reinstall the app")
            ]
            assert engine.dispatcher.outlets["erp"].breaker.state == "closed"
            engine.source.read = read  # type: ignore[method-assign]
            engine.source.present["1"] = event_of("1", 10).body or b""
            await engine.run(16 * 60)
            assert engine.states() == {"1@erp": "done"}

    asyncio.run(story())

"""An answer that could not be written down: what it did is found again, and nothing is said to be done before."""

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from engine import QUIET_SECONDS, Engine, event_of

from interlock.errors import StoreError
from interlock.messaging.dispatcher import LEASE_SECONDS
from interlock.messaging.full_disk import FULL_DISK
from interlock.messaging.releases import Limits
from interlock.messaging.write import Once, Past, Plan


def test_an_outcome_that_was_not_kept_does_not_end_as_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault case 6: the disk is full as the first of two answers is written down, and has space again for what follows.
    What was written must be known (its link) before the delivery is done; it is found, not made twice."""

    async def story() -> None:
        limits = Limits(rate_per_second=1.0, burst=1)
        async with Engine(tmp_path, Once.LOOK_UP, limits=limits) as engine:
            one_write, record = engine.erp.plan, engine.ledger.record

            def two(document: Any, *, signal: str, past: Past) -> Plan:
                (first,) = one_write(document, signal=signal, past=past).writes
                second = msgspec.structs.replace(first, operation="note", reference=f"{first.reference}-note")
                return Plan(writes=(first, second))

            def full_once(*given: Any) -> Awaitable[None]:
                monkeypatch.setattr(engine.ledger, "record", record)
                lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                lost.set_exception(StoreError("full", code=FULL_DISK))
                lost.exception()
                return lost

            monkeypatch.setattr(engine.erp, "plan", two)
            monkeypatch.setattr(engine.ledger, "record", full_once)
            await engine.post(event_of("1", 10))
            await engine.run(10)
            assert engine.states() != {"1@erp": "done"}
            await engine.run(LEASE_SECONDS)
            await engine.upkeep.rescue()
            await engine.run(3 * QUIET_SECONDS)
            assert engine.states() == {"1@erp": "done"}
            assert len(engine.rows("SELECT 1 FROM link WHERE operation = 'put'")) == 1
            assert engine.erp.duplicates == 0

    asyncio.run(story())

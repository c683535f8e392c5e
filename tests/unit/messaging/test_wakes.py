"""A delivery that is done lets go at once what waited for it."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
from engine import Engine, event_of

from interlock.messaging.outcome import Outcome, Refused
from interlock.messaging.write import Past, Plan, Write

CREDIT = "credit:order"
A_LITTLE_SECONDS = 5
"""Far less than the quarter of an hour after which what waits is looked at anyway."""


def let_order_wait(engine: Engine, wakes: str) -> None:
    """The order is refused until its refund is written; the refund says what it wakes."""
    plan, write = engine.erp.plan, engine.erp.write

    def told(document: Any, *, signal: str, past: Past) -> Plan:
        made = plan(document, signal=signal, past=past)
        return msgspec.structs.replace(made, wakes=wakes) if document["id"] == "refund" else made

    async def waits(one: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:
        if one.reference == "IL-order" and "IL-refund" not in engine.erp.records:
            return Refused(reason="conflict", code="DIFFERS", message="no credit", waiting_for=CREDIT)
        return await write(one, idempotency_key=idempotency_key, timeout_seconds=timeout_seconds)

    engine.erp.plan, engine.erp.write = told, waits  # type: ignore[method-assign]


async def story(folder: Path, wakes: str) -> dict[str, str]:
    """The order comes first and waits, then its refund; the states soon after."""
    folder.mkdir()
    async with Engine(folder) as engine:
        let_order_wait(engine, wakes)
        await engine.post(event_of("order", 1))
        await engine.run(A_LITTLE_SECONDS)
        assert engine.states() == {"order@erp": "waiting"}
        await engine.post(event_of("refund", 1))
        await engine.run(A_LITTLE_SECONDS)
        return dict(engine.states())


def test_an_order_goes_on_when_its_credit_memo_is_written(tmp_path: Path) -> None:
    """C53: nobody waits a quarter of an hour for what is there already. Control: a refund that wakes nothing, or somebody
    else, leaves the order waiting."""
    done = {"order@erp": "done", "refund@erp": "done"}
    assert asyncio.run(story(tmp_path / "woken", CREDIT)) == done
    for number, wakes in enumerate(("", "credit:other")):
        assert asyncio.run(story(tmp_path / str(number), wakes)) == done | {"order@erp": "waiting"}

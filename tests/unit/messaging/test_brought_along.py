"""What two orders bring along, their customer, ends as the newer one says, also when a call of the older lands late."""

import asyncio
import json
from pathlib import Path
from typing import Any

from engine import QUIET_SECONDS, Engine, FakeSystem, event_of

from interlock.messaging.write import Once, Past, Plan, Write

LATE_SECONDS = 20


class SystemWithCustomers(FakeSystem):
    """Writes the customer of an order before the order; both orders have one customer."""

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:
        order = super().plan(document, signal=signal, past=past).writes[0]
        customer = Write(
            operation="customer", once=Once.UPSERT, reference="IL-customer", object="customer", key="7",
            body=json.dumps({"value": document["value"], "version": document["version"]}).encode(),
            quiet_period_seconds=self.quiet_seconds,
        )  # fmt: skip
        return Plan(writes=(customer, order))


async def two_orders(folder: Path, *, broken: bool) -> tuple[Any, list[str]]:
    """The customer in the end, and the calls about it."""
    async with Engine(folder, Once.UPSERT) as engine:
        erp = engine.systems["erp"] = SystemWithCustomers(engine.clock, Once.UPSERT)
        if broken:

            async def nothing(_intent: object) -> None:
                return None

            engine.ledger.landing = nothing  # type: ignore[method-assign]
        fates = [f"late:{LATE_SECONDS}"]
        erp.fault = lambda write: fates.pop() if write.object and fates else "done"
        await engine.post(event_of("1", 10, "old"))
        await engine.run(1)
        await engine.post(event_of("2", 20, "new"))
        await engine.run(4 * QUIET_SECONDS)
        assert set(engine.states().values()) == {"done"}
        return erp.value("customer"), [fate for _, reference, _, fate in erp.calls if reference == "IL-customer"]


def test_late_call_of_an_older_order_does_not_stay(tmp_path: Path) -> None:
    """The newer customer is written once more when the older order's call can land no more (fault case 5)."""
    found, calls = asyncio.run(two_orders(tmp_path, broken=False))
    assert found == "new"
    assert len(calls) == 3, "the late one, the newer one, and the newer one again"


def test_control_without_the_question_the_older_stays(tmp_path: Path) -> None:
    """The proof can fail: an engine that looks at its own delivery alone leaves the old customer."""
    found, _ = asyncio.run(two_orders(tmp_path, broken=True))
    assert found == "old"

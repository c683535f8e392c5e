"""One operation of a plan writes several records: a lost answer to one of them is no doubt about the others."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from engine import QUIET_SECONDS, Engine, FakeSystem, event_of

from interlock.messaging import courier
from interlock.messaging.write import Once, Past, Plan, Write

PAYMENTS = ("7", "8")


class SystemWithPayouts(FakeSystem):
    """Writes a credit memo, then what each of two payments paid out of it, as NetSuite's customer refunds."""

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:
        credit = super().plan(document, signal=signal, past=past).writes[0]
        return Plan(writes=(credit, *(self._payout(document, payment) for payment in PAYMENTS)))

    def _payout(self, document: Any, payment: str) -> Write:
        body = json.dumps({"value": f"{document['value']} {payment}", "version": 1}).encode()
        return Write(
            operation="payout", once=Once.UPSERT, reference=f"IL-payment-{payment}", object="payment", key=payment, body=body,
            quiet_period_seconds=self.quiet_seconds,
        )  # fmt: skip


def of_first(write: Write) -> bool:
    return write.reference == "IL-payment-7"


def with_payouts(engine: Engine, *fates: str) -> SystemWithPayouts:
    """The destination; the first payment's writes go as `fates` say, everything else is answered."""
    erp = engine.systems["erp"] = SystemWithPayouts(engine.clock, Once.UPSERT)
    left = list(fates)
    erp.fault = lambda write: left.pop(0) if of_first(write) and left else "done"
    return erp


async def one_answer_lost(folder: Path) -> dict[str, str]:
    """How the delivery stands within the quiet period."""
    async with Engine(folder, Once.UPSERT) as engine:
        erp = with_payouts(engine, "lost")
        await engine.post(event_of("1", 10, "paid"))
        await engine.run(QUIET_SECONDS / 2)
        assert [fate for _, reference, _, fate in erp.calls if reference == "IL-payment-7"] == ["lost", "done"]
        return engine.states()


def test_a_lost_answer_of_one_payout_does_not_keep_the_delivery_waiting(tmp_path: Path) -> None:
    """Sent again with the same content it is settled: that the other payout's content differs says nothing of it."""
    assert asyncio.run(one_answer_lost(tmp_path)) == {"1@erp": "done"}


def test_control_by_the_operation_alone_it_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof can fail: a courier that takes the two payouts for one record waits out a quiet period for nothing."""
    monkeypatch.setattr(courier, "_record", lambda write: (write.operation, ""))
    assert asyncio.run(one_answer_lost(tmp_path)) == {"1@erp": "waiting"}


async def later_change(folder: Path, *, broken: bool) -> int:
    """How often the first payment was written, when the refund changed after the quiet period and its payouts did not."""
    async with Engine(folder, Once.UPSERT) as engine:
        erp = with_payouts(engine, "lost")
        if broken:
            sql = engine.ledger._sql
            sql["unsettled_of"] = sql["unsettled_of"].replace("AND n.reference = a.reference ", "")
        await engine.post(event_of("1", 10, "paid"))
        await engine.run(4 * QUIET_SECONDS)
        await engine.post(event_of("1", 20, "paid"))
        await engine.run(4 * QUIET_SECONDS)
        assert engine.states() == {"1@erp": "done"}
        return sum(reference == "IL-payment-7" for _, reference, _, _ in erp.calls)


def test_a_settled_payout_is_doubted_no_more(tmp_path: Path) -> None:
    """After its quiet period the lost call can land no more, whatever was written to the other payment since."""
    assert asyncio.run(later_change(tmp_path, broken=False)) == 2


def test_control_a_ledger_that_knows_operations_alone_writes_it_again(tmp_path: Path) -> None:
    """The proof can fail: the write of the other payment looks like newer content over the lost one."""
    assert asyncio.run(later_change(tmp_path, broken=True)) > 2


def test_a_payout_that_lands_late_over_its_newer_one_is_written_again(tmp_path: Path) -> None:
    """Fault case 5 holds for each of several records: the old content of one lands late, and the newer one stays."""

    async def story() -> None:
        async with Engine(tmp_path, Once.UPSERT) as engine:
            erp = with_payouts(engine, f"late:{QUIET_SECONDS * 2 / 3}")
            await engine.post(event_of("1", 10, "old"))
            await engine.run(5)
            await engine.post(event_of("1", 20, "new"))
            await engine.run(4 * QUIET_SECONDS)
            assert (erp.value("payment-7"), erp.value("payment-8")) == ("new 7", "new 8")
            assert engine.states() == {"1@erp": "done"}

    asyncio.run(story())

"""What the checklist reads out of a store: the newest of everything, per flow and system, without reading what lies between."""

import asyncio
from pathlib import Path

from console.store import NOW_MS, monday
from interlock.strategy.evidence import DAY_MS


async def _evidence(folder: Path):
    store = monday(folder)
    views = store.views()
    try:
        return await views.evidence(NOW_MS)
    finally:
        views.close()
        store.close()


def test_a_store_of_an_older_version_tells_what_it_has(tmp_path: Path) -> None:
    """A folder is checked before the hub is upgraded: tables that its store does not have yet are no failure."""
    store = monday(tmp_path)
    for table in ("silence", "contract_drift"):
        store.ledger.execute(f"DROP TABLE {table}")
    views = store.views()
    try:
        found = asyncio.run(views.evidence(NOW_MS))
        assert found.letters and not found.silent_ms and not found.drifts
    finally:
        views.close()
        store.close()


def test_a_store_tells_its_evidence(tmp_path: Path) -> None:
    """Each figure is what the pages show of the same Monday: sources heard, flows that ran, open letters with their owner, what is down."""
    found = asyncio.run(_evidence(tmp_path))
    assert found.heard_ms.keys() >= {"shopify"}
    assert NOW_MS - DAY_MS < found.seen_ms["shopify", "order"] <= NOW_MS
    assert found.flows["order-to-erp"].ended_well > 0 and found.flows["order-to-erp"].dead > 0
    assert found.flows["order-to-erp"].minute_ms <= NOW_MS
    letters = {(one.flow, one.owner): one for one in found.letters}
    assert letters["order-to-erp", "finance-systems"].count == 50
    assert letters["order-to-erp", "finance-systems"].reasons == ("validation",)
    assert set(found.down_ms) == {"klaviyo"}
    assert found.actions_ms and all(at_ms <= NOW_MS for at_ms in found.actions_ms.values())
    assert found.oldest_body_ms and found.oldest_audit_ms


def test_days_that_are_over_are_read_once_and_today_anew(tmp_path: Path) -> None:
    """A page that is opened again tells what has ended since, and the same of the days before."""
    store = monday(tmp_path)
    views = store.views()
    try:
        first = asyncio.run(views.evidence(NOW_MS)).flows["order-to-erp"]
        row = {
            "flow": "order-to-erp",
            "destination": "netsuite",
            "unchanged": 0,
            "dead": 0,
            "retried": 0,
            "latency_ms": 1,
            "latency_ms_max": 1,
        }
        store.insert("minute", minute=NOW_MS // 60_000 + 1, done=7, **row)
        second = asyncio.run(views.evidence(NOW_MS + 120_000)).flows["order-to-erp"]
        assert second.ended_well == first.ended_well + 7 and second.dead == first.dead
        assert second.minute_ms == (NOW_MS // 60_000 + 1) * 60_000
    finally:
        views.close()
        store.close()

"""The pulse of live pages: it differs whenever a page would, and it stays cheap."""

import asyncio
from pathlib import Path

import pytest

from console.store import NOW_MS, Store, deliver, place


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE attempt SET ended_ms = ended_ms + 40, verdict = 'done'",
        "UPDATE delivery SET state = 'running', token = token + 1",
        "INSERT INTO breaker (destination, state, failures, changed_ms, paused_until_ms, last_error) VALUES ('netsuite', 'open', 10, 5, 0, '')",
        "INSERT INTO audit (at_ms, who, action, subject, why, detail) VALUES (1, 'Maja', 'hold', '1 deliveries', '', '{}')",
    ],
)
def test_every_change_that_a_page_shows_is_a_beat(tmp_path: Path, change: str) -> None:
    """A page that looked between a call and its answer stayed at "running" for ever: the end of a call is a beat too."""
    store = Store(tmp_path)
    deliver(store, 1, place(store, 1, NOW_MS, body=b"{}"), "order-to-erp", NOW_MS, "retrying")
    views = store.views()
    try:
        before = asyncio.run(views.pulse())
        assert asyncio.run(views.pulse()) == before  # the control: nothing happened, nothing is told
        store.ledger.execute(change)
        assert asyncio.run(views.pulse()) != before
    finally:
        views.close()
        store.close()

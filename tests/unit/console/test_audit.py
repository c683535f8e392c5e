"""A bulk action is one audit entry with its selection, and every order that it touched tells of it."""

import asyncio
from pathlib import Path

from console.store import NOW_MS, Store, deliver, key_of, place
from interlock.messaging.ledger import Filter
from interlock.messaging.sqlite.ledger import SqliteLedger

ORDERS = range(1, 1_031)
UNTOUCHED = 2_000


async def _acted(store: Store) -> None:
    ledger = SqliteLedger(store.ledger_path, NOW_MS)
    chosen = Filter(flow="order-to-erp", name="")
    touched = Filter(ids=tuple(range(1, len(ORDERS) + 1)))
    try:
        await ledger.hold(touched, by="Maja", why="stocktaking", now_ms=NOW_MS + 1_000)
        await ledger.hold(touched, by="Maja", why="stocktaking is over", now_ms=NOW_MS + 2_000, release=True)
        await ledger.replay(touched, by="Jon", why="NetSuite is back", release="same", now_ms=NOW_MS + 3_000)
        await ledger.discard(touched, by="Ida", why="test orders", now_ms=NOW_MS + 4_000)
        assert (await ledger.preview(chosen)).count == len(ORDERS) + 1
    finally:
        await ledger.close()


def test_a_bulk_action_is_found_from_each_order_that_it_touched(tmp_path: Path) -> None:
    """Support asks of one order who held it and why; the answer stands in one entry about a thousand. The last of them is found too."""
    store = Store(tmp_path)
    with store.ledger, store.inbox:
        for number in (*ORDERS, UNTOUCHED):
            deliver(store, number, place(store, number, NOW_MS, body=b"{}"), "order-to-erp", NOW_MS, "retrying")
    asyncio.run(_acted(store))
    views = store.views()
    try:
        for number in (ORDERS[0], ORDERS[-1]):
            story = asyncio.run(views.story("order", str(key_of(number))))
            assert story is not None
            told = [(entry.action, entry.who, entry.why) for entry in story.audit]
            assert told == [
                ("hold", "Maja", "stocktaking"), ("release", "Maja", "stocktaking is over"),
                ("replay", "Jon", "NetSuite is back"), ("discard", "Ida", "test orders"),
            ]  # fmt: skip
        other = asyncio.run(views.story("order", str(key_of(UNTOUCHED))))
        assert other is not None and other.audit == ()  # the control: what was not touched says nothing
        assert len(asyncio.run(views.audit(limit=10))) == 4
    finally:
        views.close()
        store.close()

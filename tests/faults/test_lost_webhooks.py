"""Fault case 15: a share of the webhooks of many orders and changes is lost, late or sent twice; one sweep finds what is missing."""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from experiment import NIGHTLY, Experiment
from vendors import LooseWorld, edit, fail, patient, still_open, stored

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
from shop import Shop
from stack import post, running, signed, twins, until

from interlock.hub import Hub
from interlock.messaging.router import CURSOR
from interlock.messaging.sweeps import Sweep

SHARE = 0.01 if NIGHTLY else 0.05
"""Of each kind of trouble. In the suite's small run hardly anything would be lost with the table's 1 %."""
CHANGED_EVERY = 4
TOPIC = "orders/updated"
"""Shopify sends it at each change, the first too: one webhook tells of one state, so that one lost is one missing."""
LATE_SECONDS = 1_000_000.0
"""Later than the test's end: the sweep finds it first, and the test sends it after all."""
BLOCK = 500


def one_topic(folder: Path) -> None:
    """The test subscribes itself, to one topic."""
    edit(folder, "strategy.toml", 'environment = "demo"', 'environment = "development"')


async def trouble(world: Any) -> None:
    """Each webhook is dropped, or comes after the end, or twice."""
    match = {"topic": TOPIC}
    await fail(world, "shopify", kind="webhook_drop", share=SHARE, match=match)
    await fail(world, "shopify", kind="webhook_reorder", share=SHARE, delay_seconds=LATE_SECONDS, match=match)
    await fail(world, "shopify", kind="webhook_duplicate", share=SHARE, match=match)


async def attempts(world: Any, after: int) -> list[dict[str, Any]]:
    """The shop's own log of webhooks."""
    rows: list[dict[str, Any]] = []
    while more := (await world._control("shopify", "GET", f"deliveries?after={after + len(rows)}&limit=5000", None))["deliveries"]:
        rows += more
    return rows


async def quiet(hub: Hub, world: Any, sent: int) -> None:
    """So many webhooks are sent or dropped, and what they set in motion has ended."""

    async def ended() -> bool:
        state = await world._control("shopify", "GET", "state", None)
        arrived = len({row["event_id"] for row in await attempts(world, 0)})
        late = state["webhooks_pending"]
        routed = await hub.ledger.cursor(CURSOR) >= await hub.inbox.head()
        return arrived + late >= sent and routed and still_open(hub.folder) == 0

    await until(ended, within_seconds=60 + sent / 20)


async def next_second() -> None:
    """The shop counts in whole seconds: what changes next has a later time than what changed last."""
    second = int(time.time())

    async def passed() -> bool:
        return int(time.time()) > second

    await until(passed)


async def compare(hub: Hub, since_us: int) -> Sweep:
    """One sweep over orders, to its end."""
    wanted = Sweep(id=0, system="shopify", object="order", why="case 15", dry=False, since=since_us, until=0)
    number = await hub.operator.compare(wanted, by="test")

    async def ended() -> bool:
        found = await hub.views.sweep(number)
        return found is not None and found.state in ("done", "failed")

    await until(ended, within_seconds=300)
    found = await hub.views.sweep(number)
    assert found is not None
    return found


async def send_late(hub: Hub, shop: Shop, ids: Sequence[str]) -> None:
    """What was late comes after all: the order as it is now, by a webhook of its own."""
    for id_ in ids:
        body = await shop.present(id_)
        status, _ = await post(f"{hub.url}/intake/shopify", body, signed(body, TOPIC))
        assert status == 200


async def story(folder: Path, orders: int) -> dict[str, Any]:
    async with twins(folder, LooseWorld) as world:
        patient(folder)
        one_topic(folder)
        shop = Shop(world)
        since_us = int(time.time() - 60) * 1_000_000
        async with running(folder, world, topics=[TOPIC]) as hub:
            await trouble(world)
            ids: list[str] = []
            while len(ids) < orders:
                placed = await world._control("shopify", "POST", "orders", {"count": min(BLOCK, orders - len(ids)), "scenario": "plain"})
                ids += [order["id"] for order in placed["orders"]]
            await quiet(hub, world, orders)
            told = {row["resource_id"] for row in await attempts(world, 0) if row["state"] == "delivered"}
            mark = len(await attempts(world, 0))
            await next_second()
            changed = ids[::CHANGED_EVERY]
            for id_ in changed:
                await shop.change(id_, "note", note=f"changed {id_}")
            await quiet(hub, world, orders + len(changed))
            log = await attempts(world, 0)
            told_again = {row["resource_id"] for row in log[mark:] if row["state"] == "delivered"}
            lost = (set(ids) - told - told_again) | (set(changed) - told_again)
            before = await world.arrivals(ids)
            await next_second()
            sweep = await compare(hub, since_us)
            await quiet(hub, world, 0)
            rows = await hub.views.missed(of_sweep=sweep.id, limit=100_000)
            await send_late(hub, shop, sorted(lost)[:20])
            await quiet(hub, world, 0)
            again = await compare(hub, since_us)
            versions = dict(stored(folder, "SELECT key, version FROM object WHERE object = 'order'"))
            return {
                "lost": lost, "found": [row.key for row in rows], "listed": sweep.listed, "state": sweep.state,
                "kinds": {row.kind for row in rows}, "again": again.found, "arrivals": await world.arrivals(ids), "before": before["lost"],
                "known": len(versions), "dropped": sum(row["state"] == "dropped" for row in log),
                "twice": sum(row.get("copy", 0) > 0 for row in log),
            }  # fmt: skip


def test_lost_webhooks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 15: the sweep names exactly what nobody was told of, repairs all of it, and doubles nothing. Every webhook of
    the run stood under the plan of faults; how many were dropped, late and doubled is printed."""
    experiment = Experiment("15", suite=200, table=20_000, capsys=capsys)
    found = asyncio.run(story(tmp_path / "shop", experiment.size))
    assert found["state"] == "done"
    assert sorted(found["found"]) == sorted(found["lost"]), "each that is missing once, and no other"
    assert found["kinds"] == {"missing", "behind"}
    assert (found["arrivals"]["lost"], found["arrivals"]["duplicates"]) == (0, 0)
    assert found["before"] > 0, "the control: without the sweep orders are missing at the destinations"
    assert found["again"] == 0, "the next sweep finds nothing"
    experiment.report(
        faults=experiment.size + len(range(0, experiment.size, CHANGED_EVERY)), trials=experiment.size, orders=experiment.size, dropped=found["dropped"], sent_twice=found["twice"],
        missing=len(found["lost"]), found=len(found["found"]), false_repairs=0, duplicates=0,
        control=f"before the sweep {found['before']} orders were missing at a destination",
    )  # fmt: skip

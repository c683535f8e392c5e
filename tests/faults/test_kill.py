"""Fault cases 1 and 2: the process is killed at random instants while orders come in; nothing is lost, nothing happens twice."""

import asyncio
import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
from stack import KillableHub, twins, until

from interlock.cli.twin_world import _free_ports
from interlock.messaging.ledger import Filter
from interlock.messaging.sqlite.views import SqliteViews

KILLS = int(os.environ.get("INTERLOCK_KILLS", "6"))
ORDERS_PER_KILL = 10


def test_killed_at_random_instants_nothing_is_lost_and_nothing_happens_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cases 1, 2, C06: SIGKILL in mid-work; the shop retries what was not acknowledged; the twins' ledgers count."""
    seed = int(os.environ.get("INTERLOCK_SEED", "20261123"))
    chance = random.Random(seed)

    async def story() -> dict[str, object]:
        folder = tmp_path / "shop"
        async with twins(folder) as world:
            hub = KillableHub(folder, _free_ports(1)[0])
            await hub.start()
            ids: list[str] = []
            ready = 0.0
            for _ in range(KILLS):
                placed = asyncio.create_task(world.place(ORDERS_PER_KILL))
                await asyncio.sleep(chance.uniform(0.02, 0.4))  # the instant of the kill is the experiment
                hub.kill()
                ids += [order["id"] for order in await placed]
                ready = max(ready, await hub.start())
            views = SqliteViews(folder / "data/ledger.db", folder / "data/inbox.db")

            async def all_there() -> bool:
                found = await world.arrivals(ids)
                states = await views.states(Filter())
                open_ = sum(states.get(state, 0) for state in ("pending", "running", "retrying", "uncertain", "waiting"))
                return found["lost"] == 0 and open_ == 0

            try:
                await until(all_there, within_seconds=90)
            finally:
                views.close()
                hub.kill()
            return {**await world.arrivals(ids), "orders": len(ids), "ready_seconds": round(ready, 2)}

    found = asyncio.run(story())
    with capsys.disabled():
        deliveries = 3 * KILLS * ORDERS_PER_KILL
        print(f"\ncase 1/2: seed {seed}, {KILLS} kills, {found}, 95% bound on the rate of loss 3/n = {3 / deliveries:.3%}")
    assert (found["lost"], found["duplicates"]) == (0, 0)

"""Fault cases 1 and 2: the process is killed at random instants while orders come in; nothing is lost, nothing happens twice."""

import asyncio
import random
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import apsw
import naive
import pytest
from experiment import Experiment
from vendors import PatientShop

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
from stack import KillableHub, twins, until

from interlock.cli.twin_world import TwinWorld, _free_ports
from interlock.messaging.delivery import OPEN

ORDERS_PER_KILL = 10
RESUME_SECONDS = 30.0
LATE_ORDERS = 3
AT_WORK_SECONDS = 2.0
NAIVE_TASKS_PER_KILL = 200


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Read a store whose hub is running: this connection is never the last one, so that it changes nothing."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(5_000)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


class Crashes:
    """A hub that is killed again and again, and what its kills interrupted."""

    def __init__(self, folder: Path, world: TwinWorld, chance: random.Random) -> None:
        self.folder = folder
        self.world = world
        self.chance = chance
        self.hub = KillableHub(folder, _free_ports(1)[0])
        self.ids: list[str] = []
        self.ready_seconds = self.resumed_seconds = 0.0
        self.kills = self.interrupted = self.unstored = 0
        self._stopped: dict[int, tuple[int, float]] = {}
        self._seen_attempts = 0

    async def once(self) -> None:
        """Orders are placed, and the kill comes while they are taken in and delivered."""
        placed = asyncio.create_task(self.world.place(ORDERS_PER_KILL))
        await self._watch(self.chance.uniform(0.02, 0.5))  # the instant of the kill is the experiment
        late = asyncio.create_task(self.world.place(LATE_ORDERS))  # a kill of a hub at rest proves little
        await self._until_at_work()
        self.hub.kill()
        self.kills += 1
        self._note_interrupted()
        self.ids += [order["id"] for order in [*await placed, *await late]]
        self.ready_seconds = max(self.ready_seconds, await self.hub.start())
        if self.chance.random() < 0.5:  # else the next kill may interrupt the resumption too
            await until(self.resumed, RESUME_SECONDS + 5)
        self.unstored += await self.acknowledged_and_gone()

    async def _watch(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            await self.resumed()
            await asyncio.sleep(min(0.02, left))

    async def _until_at_work(self) -> None:
        """Until a delivery runs, or for a while."""
        ends = time.monotonic() + AT_WORK_SECONDS
        running = "SELECT count(*) FROM delivery WHERE state = 'running'"
        while time.monotonic() < ends and rows(self.folder / "data/ledger.db", running)[0][0] == 0:
            await asyncio.sleep(0.002)

    def _note_interrupted(self) -> None:
        """Deliveries that were running, from a copy: opening the files themselves would repair what the hub has to repair."""
        copy = self.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for file in (self.folder / "data").glob("ledger.db*"):
            if not file.name.endswith("-shm"):
                shutil.copyfile(file, copy / file.name)
        running = rows(copy / "ledger.db", "SELECT id, token FROM delivery WHERE state = 'running'")
        self.interrupted += len(running)
        self._stopped = {id_: (token, time.monotonic()) for id_, token in running} | self._stopped

    async def resumed(self) -> bool:
        """All that was interrupted has been claimed again: the rescue raises the token by one, the claim by one more."""
        for id_, token in rows(self.folder / "data/ledger.db", "SELECT id, token FROM delivery"):
            if id_ in self._stopped and token > self._stopped[id_][0] + 1:
                self.resumed_seconds = max(self.resumed_seconds, time.monotonic() - self._stopped.pop(id_)[1])
        return not self._stopped

    async def acknowledged_and_gone(self) -> int:
        """Webhooks that the shop saw answered with 2xx and that are not in the store: by the shop's own log, row by row."""
        answer = await self.world._control(
            "shopify", "GET", f"deliveries?after={self._seen_attempts}&limit=100000", None
        )
        self._seen_attempts += len(answer["deliveries"])
        acknowledged = {row["webhook_id"] for row in answer["deliveries"] if row["state"] == "delivered"}
        stored = {
            id_
            for (id_,) in rows(
                self.folder / "data/inbox.db", "SELECT webhook_id FROM event UNION SELECT webhook_id FROM sighting"
            )
        }
        return len(acknowledged - stored)

    async def all_there(self) -> bool:
        names = ", ".join(f"'{state}'" for state in OPEN)
        open_ = rows(self.folder / "data/ledger.db", f"SELECT count(*) FROM delivery WHERE state IN ({names})")[0][0]
        return open_ == 0 and (await self.world.arrivals(self.ids))["lost"] == 0


async def naive_duplicates(folder: Path, kills: int, chance: random.Random) -> int:
    """Duplicates of a worker that sends and then marks, killed as often."""
    naive.tasks(folder / "naive.db", kills * NAIVE_TASKS_PER_KILL)
    async with naive.vendor() as vendor:
        for _ in range(kills):
            worker = naive.start_worker(folder / "naive.db", vendor.url)
            before = sum(vendor.effects.values())

            async def works(before: int = before) -> bool:
                return sum(vendor.effects.values()) > before

            await until(works)
            await asyncio.sleep(chance.uniform(0.02, 0.4))
            naive.kill(worker)
        return vendor.duplicates


def test_killed_at_random_instants_nothing_is_lost_and_nothing_happens_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cases 1, 2, C06: SIGKILL in mid-work; the shop retries what was not acknowledged; the twins' ledgers count, the
    shop's log says what was acknowledged. Control: a worker that sends and then marks."""
    experiment = Experiment("1/2", suite=4, table=200, capsys=capsys)

    async def story() -> tuple[Crashes, dict[str, Any], int]:
        folder = tmp_path / "shop"
        async with twins(folder, PatientShop) as world:
            crashes = Crashes(folder, world, experiment.chance)
            await crashes.hub.start()
            try:
                for _ in range(experiment.size):
                    await crashes.once()
                await until(crashes.resumed, RESUME_SECONDS + 5)
                await until(crashes.all_there, within_seconds=120)
                crashes.unstored += await crashes.acknowledged_and_gone()
                dead = rows(folder / "data/ledger.db", "SELECT count(*) FROM dead_letter")[0][0]
            finally:
                crashes.hub.kill()
            arrivals = await world.arrivals(crashes.ids)
        duplicates = await naive_duplicates(tmp_path, experiment.size, experiment.chance)
        return crashes, {**arrivals, "dead": dead}, duplicates

    crashes, found, duplicates = asyncio.run(story())
    experiment.report(
        faults=crashes.kills, trials=3 * len(crashes.ids), control=f"the naive worker made {duplicates} duplicates", orders=len(crashes.ids), **found,
        acknowledged_and_gone=crashes.unstored, interrupted=crashes.interrupted, resumed_seconds=round(crashes.resumed_seconds, 2),
        ready_seconds=round(crashes.ready_seconds, 2),
    )  # fmt: skip
    assert (found["lost"], found["duplicates"], found["dead"], crashes.unstored) == (0, 0, 0, 0)
    assert crashes.interrupted > 0
    assert crashes.resumed_seconds <= RESUME_SECONDS
    assert duplicates >= max(1, min(10, experiment.size // 4))

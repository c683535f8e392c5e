"""Fault case 62: a second hub on the same project folder is refused, and were it not, it would be fenced."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import naive
import pytest
from engine import Engine, FakeSystem, event_of
from experiment import NIGHTLY, Experiment

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
from stack import KillableHub, twins, until

from interlock.cli.demo import write_project
from interlock.cli.twin_world import TwinWorld, _free_ports, write_secrets
from interlock.errors import SettingsError
from interlock.hub import Hub
from interlock.messaging.write import Once

REFUSED_SECONDS = 1.0 if NIGHTLY else 10.0
"""The case's figure is for a machine that does nothing else; a hub that waited for the other would wait for ever."""
ORDERS = 10


def interlock_run(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", "from interlock.cli import main; main()", "run", str(folder), "--port", "0"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


async def refusal(folder: Path) -> float:
    """How long a hub takes to be refused; it must have said why and what to do."""
    began = time.monotonic()
    with pytest.raises(SettingsError) as refused:
        await Hub(folder).open()
    assert refused.value.code == "SET022"
    assert "another hub" in refused.value.what
    assert "interlock.lock" in refused.value.where
    assert refused.value.next_move
    return time.monotonic() - began


async def naive_pair(folder: Path) -> int:
    """Duplicates that two naive workers on one store make."""
    naive.tasks(folder / "naive.db", 50)
    async with naive.vendor() as vendor:
        pair = [naive.start_worker(folder / "naive.db", vendor.url) for _ in range(2)]
        for worker in pair:
            await asyncio.to_thread(worker.wait, 30)
        return vendor.duplicates


def test_a_second_hub_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault case 62: refused at once under any name of the folder, while the first delivers each order once.
    Control: two naive workers on one store."""
    experiment = Experiment("62", suite=20, table=200, capsys=capsys)

    async def story() -> tuple[dict[str, object], list[float], int]:
        folder = tmp_path / "shop"
        alias = tmp_path / "alias"
        async with twins(folder) as world:
            hub = KillableHub(folder, _free_ports(1)[0])
            await hub.start()
            alias.symlink_to(folder)
            try:
                placed = asyncio.create_task(world.place(ORDERS))
                seconds = [await refusal(experiment.chance.choice([folder, alias])) for _ in range(experiment.size - 1)]
                second = interlock_run(alias)
                _, said = await asyncio.to_thread(second.communicate, None, 30)
                ids = [order["id"] for order in await placed]

                async def all_there() -> bool:
                    return bool((await world.arrivals(ids))["lost"] == 0)

                await until(all_there)
                arrivals = await world.arrivals(ids)
            finally:
                hub.kill()
        assert second.returncode not in (0, None)
        assert "SET022" in said
        assert str(hub.process.pid if hub.process else "") in said
        return arrivals, seconds, await naive_pair(tmp_path)

    arrivals, seconds, duplicates = asyncio.run(story())
    experiment.report(
        faults=len(seconds) + 1, trials=3 * ORDERS, control=f"two naive workers made {duplicates} duplicates",
        refused_seconds=round(max(seconds), 3), **arrivals,
    )  # fmt: skip
    assert max(seconds) <= REFUSED_SECONDS
    assert (arrivals["lost"], arrivals["duplicates"]) == (0, 0)
    assert duplicates > 0


def test_of_hubs_that_start_at_once_one_runs(tmp_path: Path) -> None:
    """Fault case 62: there is no instant at which two could both believe to be the first."""
    write_project(tmp_path, TwinWorld(tmp_path))
    write_secrets(tmp_path)
    hubs = [interlock_run(tmp_path) for _ in range(3)]

    async def one_is_left() -> bool:
        return sum(hub.poll() is None for hub in hubs) == 1

    try:
        asyncio.run(until(one_is_left))
    finally:
        ended = [hub.poll() is not None for hub in hubs]
        for hub in hubs:
            hub.kill()
        said = [hub.communicate()[1] for hub in hubs]
    assert sorted(ended) == [False, True, True]
    assert ["SET022" in words for words in said] == ended


@pytest.mark.parametrize("once", [Once.UPSERT, Once.KEY, Once.LOOK_UP])
def test_without_the_lock_the_older_is_fenced(tmp_path: Path, once: Once) -> None:
    """Fault case 62: should the lock not hold (a network file system), tokens and intents still make each effect once."""

    async def story() -> None:
        first = Engine(tmp_path, once)
        second = Engine(tmp_path, once, clock=first.clock)
        second.systems, second.source, second.release = first.systems, first.source, first.release
        vendor: FakeSystem = first.erp
        vendor.latency_seconds = 0.2
        await first.open()
        await first.post(*(event_of(str(n), 10) for n in range(20)))
        await first.run(0.1)
        await second.open()  # takes back what the first is in the middle of
        await second.post(*(event_of(str(n), 10) for n in range(20, 40)))
        await first.run(300)
        assert {second.states()[f"{n}@erp"] for n in range(40)} == {"done"}
        assert len(vendor.records) == 40
        assert (vendor.duplicates, vendor.stale) == (0, 0)
        assert second.rows("SELECT count(*) FROM delivery WHERE token > 1")[0][0] > 0
        await second.close()
        await first.close()

    asyncio.run(story())

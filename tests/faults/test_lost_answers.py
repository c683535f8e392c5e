"""Fault case 4: the destination does what it was asked to do, and its answer is lost; the hub is killed in between."""

import asyncio
import json
import random
import sys
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from experiment import Experiment
from vendors import LooseWorld, creates, fail, hits, patient, still_open, stored

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
from stack import KillableHub, twins, until

from interlock.cli.twin_world import _free_ports

SHARE = 0.05
LOST: tuple[dict[str, Any], ...] = ({"kind": "reset_after"}, {"kind": "late_effect", "delay_seconds": 0, "hang": True})
"""The connection is reset, or stays open and silent, after the effect."""
WRITES = {"netsuite": ("PUT", "/salesOrder/"), "shipbob": ("POST", "/order"), "klaviyo": ("POST", "/events")}
TIMEOUT_SECONDS = 1.0
QUIET_SECONDS = 1.0
GRACE_SECONDS = 60.0
NAIVE_ORDERS, NAIVE_TRIES, NAIVE_SHARE = 30, 5, 0.3


async def lose_answers(world: LooseWorld, share: float) -> None:
    for vendor, (method, path) in WRITES.items():
        for kind in LOST:
            await fail(world, vendor, **kind, share=share / len(LOST), match={"method": method, "path": path})


async def lose_and_kill(folder: Path, orders: int, kills: int, chance: random.Random) -> dict[str, Any]:
    async with twins(folder, LooseWorld) as world:
        patient(folder, timeout_seconds=TIMEOUT_SECONDS, quiet_seconds=QUIET_SECONDS)
        await lose_answers(world, SHARE)
        hub = KillableHub(folder, _free_ports(1)[0])
        await hub.start()
        ids: list[str] = []
        try:
            for _ in range(kills):
                placed = asyncio.create_task(world.place(orders // kills))
                await asyncio.sleep(chance.uniform(0.1, 0.6))  # the instant of the kill is the experiment
                hub.kill()
                await hub.start()
                ids += [order["id"] for order in await placed]
            found = await settled(folder, world, ids)
        finally:
            hub.kill()
        lost = {vendor: await hits(world, vendor) for vendor in WRITES}
        return {
            **await world.arrivals(ids),
            **found,
            "lost_answers": lost,
            "naive": await naive_duplicates(folder, world),
        }


async def settled(folder: Path, world: LooseWorld, ids: list[str]) -> dict[str, Any]:
    """Wait for the end; meanwhile look at what an operator is shown."""
    shown = 0

    async def all_there() -> bool:
        nonlocal shown
        shown = max(shown, stored(folder, "SELECT count(*) FROM delivery WHERE state = 'uncertain'")[0][0])
        return still_open(folder) == 0 and (await world.arrivals(ids))["lost"] == 0

    await until(all_there, within_seconds=60 + len(ids))
    calls = stored(
        folder,
        "SELECT d.destination, a.once, a.resolution, d.done_ms - a.begun_ms FROM attempt a JOIN delivery d ON d.id = a.delivery "
        "WHERE a.verdict = 'uncertain'",
    )
    return {"shown": shown, "calls": calls}


async def naive_duplicates(folder: Path, world: LooseWorld) -> int:
    """The control: a client that tries again when it hears nothing, at a vendor that takes a reference twice."""
    await world.repair_system("shipbob")
    for kind in LOST:
        await fail(world, "shipbob", **kind, share=NAIVE_SHARE / len(LOST), match={"method": "POST"})
    document = json.loads(stored(folder, "SELECT body FROM attempt WHERE operation = 'order.create' LIMIT 1")[0][0])
    url = f"{world.urls['shipbob']}/2026-01/order"

    def send(number: int) -> None:
        body = json.dumps({**document, "reference_id": f"naive-{number}"}).encode()
        headers = {
            "content-type": "application/json",
            "authorization": "Bearer twin-token",
            "shipbob_channel_id": "100",
        }
        for _ in range(NAIVE_TRIES):
            try:
                with urlopen(Request(url, body, headers), timeout=0.3):
                    return
            except (URLError, OSError):
                continue

    await asyncio.gather(*(asyncio.to_thread(send, number) for number in range(NAIVE_ORDERS)))
    return sum(n - 1 for key, n in (await creates(world, "shipbob")).items() if key.startswith("naive-"))


def test_answers_lost_after_the_effect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 4: 5 % of the answers are lost and the hub is killed: each such call is uncertain, looked up in time, and made once."""
    experiment = Experiment("4", suite=6, table=3_000, capsys=capsys)
    orders, kills = round(experiment.size / SHARE / len(WRITES) * 1.5), max(2, experiment.size // 15)
    found = asyncio.run(lose_and_kill(tmp_path / "shop", orders, kills, experiment.chance))
    calls, lost = found["calls"], found["lost_answers"]
    assert (found["lost"], found["duplicates"]) == (0, 0)
    assert found["naive"] >= 3
    assert found["shown"] > 0
    assert all(resolution for _, _, resolution, _ in calls)
    for vendor in (
        "netsuite",
        "shipbob",
    ):  # a key is sent again in the same attempt, so that klaviyo's rows are fewer than its calls
        assert sum(destination == vendor for destination, *_ in calls) >= lost[vendor]
    oldest_ms = max((age for *_, age in calls), default=0)
    assert oldest_ms <= (QUIET_SECONDS + GRACE_SECONDS) * 1000
    experiment.report(
        faults=sum(lost.values()), trials=sum(found["delivered"].values()), lost=0, duplicates=0, kills=kills, uncertain=len(calls),
        looked_up=sum(once == "look_up" for _, once, *_ in calls), oldest_seconds=oldest_ms / 1000,
        control=f"a client that tries again after silence made {found['naive']} of {NAIVE_ORDERS} orders twice or more",
    )  # fmt: skip

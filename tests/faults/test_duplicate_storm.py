"""Fault case 7: every event comes up to eight times, over sixteen connections at once."""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from experiment import Experiment
from vendors import LooseWorld, edit, patient, still_open, stored

sys.path.insert(0, str(Path(__file__).parent.parent / "flows"))
from stack import KillableHub, signed, twins, until

from interlock.cli.twin_world import _free_ports
from interlock.twins.shopify.orders import make_order

CONNECTIONS = 16
TIMES_AT_MOST = 8
CONTROL_EVENTS = 60
P99_WANTED_MS, P99_BOUND_MS = 500, 5_000
"""The first is the case's figure, for a machine that does nothing else; the second holds on one that runs other tests too."""


def deliveries(events: int, chance: random.Random) -> tuple[list[str], list[tuple[str, bytes]]]:
    """Ids of the orders, and each webhook as often as it comes, mixed."""
    placed_at = datetime.now(UTC).replace(microsecond=0)
    orders = [make_order(chance, number, "plain", placed_at=placed_at) for number in range(1, events + 1)]
    bodies = [(str(order["id"]), json.dumps(order).encode()) for order in orders]
    storm = [body for body in bodies for _ in range(chance.randint(1, TIMES_AT_MOST))]
    chance.shuffle(storm)
    return [id_ for id_, _ in bodies], storm


async def send_all(url: str, storm: list[tuple[str, bytes]]) -> tuple[Counter[int], list[float]]:
    """Each connection sends one after the other; statuses, and milliseconds of each."""
    waiting, statuses, took = list(enumerate(storm)), Counter[int](), list[float]()

    async def connection(session: aiohttp.ClientSession) -> None:
        while waiting:
            number, (_, body) = waiting.pop()
            headers = signed(body, "orders/create", **{"x-shopify-webhook-id": f"w{number}"})
            began = time.perf_counter()
            async with session.post(url, data=body, headers=headers) as answer:
                await answer.read()
                statuses[answer.status] += 1
            took.append((time.perf_counter() - began) * 1000)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:
        await asyncio.gather(*(connection(session) for _ in range(CONNECTIONS)))
    return statuses, sorted(took)


async def naive(storm: list[tuple[str, bytes]]) -> int:
    """The control: look whether the id is known, act, remember it; sixteen at once. Effects too many."""
    waiting, known, effects = list(storm), set[str](), Counter[str]()

    async def worker() -> None:
        while waiting:
            id_, _ = waiting.pop()
            if id_ not in known:
                await asyncio.sleep(0.005)  # the call to the destination
                effects[id_] += 1
                known.add(id_)

    await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))
    return sum(count - 1 for count in effects.values())


async def storm_on_a_hub(folder: Path, events: int, chance: random.Random) -> dict[str, Any]:
    ids, storm = deliveries(events, chance)
    async with twins(folder, LooseWorld) as world:
        patient(folder)
        edit(folder, "systems/shopify.toml", "rate_per_second = 2_000", "rate_per_second = 100_000")
        port = _free_ports(1)[0]
        hub = KillableHub(folder, port)
        await hub.start()
        try:
            statuses, took = await send_all(f"http://127.0.0.1:{port}/intake/shopify", storm)

            async def all_there() -> bool:
                return still_open(folder) == 0 and (await world.arrivals(ids))["lost"] == 0

            await until(all_there, within_seconds=60 + events / 20)
        finally:
            hub.kill()
        rows = stored(folder, "SELECT count(*), count(DISTINCT key) FROM delivery WHERE signal = ''")
        return {
            **await world.arrivals(ids), "sent": len(storm), "statuses": dict(statuses), "p99_ms": took[int(0.99 * len(took)) - 1],
            "rows": rows[0], "naive": await naive([sent for sent in storm if sent[0] in ids[:CONTROL_EVENTS]]),
        }  # fmt: skip


def test_duplicate_storm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 7: every delivery is answered 2xx, and each event has one effect at each destination."""
    experiment = Experiment("7", suite=150, table=20_000, capsys=capsys)
    found = asyncio.run(storm_on_a_hub(tmp_path / "shop", experiment.size, experiment.chance))
    assert found["statuses"] == {200: found["sent"]}
    assert (found["lost"], found["duplicates"]) == (0, 0)
    assert found["rows"] == (2 * experiment.size, experiment.size)
    assert found["naive"] > 0
    assert found["p99_ms"] <= P99_BOUND_MS
    experiment.report(
        faults=found["sent"] - experiment.size, trials=3 * experiment.size, events=experiment.size, sent=found["sent"],
        p99_ms=round(found["p99_ms"], 1), wanted_ms=P99_WANTED_MS, lost=0, duplicates=0,
        control=f"looking first and remembering after, 16 at once, made {found['naive']} effects too many",
    )  # fmt: skip

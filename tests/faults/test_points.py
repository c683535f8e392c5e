"""Fault case 21 for a shop that counts by points: processes and flows of one app stay within its one bucket, and use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from experiment import NIGHTLY, Experiment
from points_shop import REQUESTED, PointsShop, points_shop

from interlock.connectors.bucket import SHARE_KEPT_FOR_LIVE
from interlock.connectors.shopify.cost import points

WORKER = Path(__file__).parent / "points_worker.py"
MAXIMUM, A_SECOND = 600.0, 1000.0
"""A bucket that binds within a second; 1,000 points a second are those of Plus (F22)."""
SECONDS = 60.0 if NIGHTLY else 1.5
PROCESSES = 2
TWIN_MAXIMUM, TWIN_A_SECOND = 900, 300
"""Three seconds of refill; Shopify's buckets hold twenty."""
SMALL = 150, 10
"""For those who count nothing: hardly more than one request asks for, so that it is too little on a busy machine too."""
TWIN_USED = 0.9 if NIGHTLY else 0.1
"""A short run begins with a full bucket and with programs that start."""
USED = 0.9 if NIGHTLY else 0.3
"""Short runs begin and end, on a machine with other work; on a virtual clock the suite holds nine tenths, in test_allowance."""


def pressed(shop: PointsShop | TwinOfShop, state: str, lane: str, *keys: str) -> dict[str, int]:
    """What the processes were answered."""
    command = [sys.executable, str(WORKER), shop.url, state, str(SECONDS), lane, *keys]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe) for _ in range(PROCESSES)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    found: dict[str, int] = {}
    for process in processes:
        said, _ = process.communicate(timeout=SECONDS + 90)
        assert process.returncode == 0
        for kind, count in json.loads(said).items():
            found[kind] = found.get(kind, 0) + count
    return found


class TwinOfShop:
    """The Shopify twin as the program it is, whose bucket is Shopify's by what it executes (F91)."""

    def __init__(self, directory: Path, maximum: int = TWIN_MAXIMUM, a_second: int = TWIN_A_SECOND) -> None:
        directory.mkdir(exist_ok=True)
        (directory / "config.json").write_text(json.dumps({"points_per_second": a_second, "bucket_points": maximum}))
        command = [sys.executable, "-m", "interlock.twins", "shopify", "--data", str(directory / "data"), "--seed", "7"]
        command += ["--config", str(directory / "config.json"), "--parent-pid", str(os.getpid())]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self.url = json.loads(self._process.stdout.readline())["url"]

    def call(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"null")

    def sells(self) -> tuple[str, str]:
        """An order and its refund, to be read."""
        order = str(self.call("POST", "/_twin/orders", {"count": 1, "scenario": "plain"})["orders"][0]["id"])
        self.call("POST", f"/_twin/orders/{order}/refund", {"lines": {"0": 1}})
        row = next(one for one in self.call("GET", "/_twin/records?kind=order") if str(one["_id"]) == order)
        self.call("DELETE", "/_twin/throttle")
        return order, str(json.loads(row["json"])["refunds"][0]["id"])

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def twin_of_shop(directory: Path, *bucket: int) -> Iterator[TwinOfShop]:
    """The twin, until it is needed no more; `bucket`: its size and its refill of a second."""
    found = TwinOfShop(directory, *bucket)
    try:
        yield found
    finally:
        found.end()


def exceeded(seconds: list[dict[str, float]]) -> list[tuple[float, float]]:
    """The spans of seconds in which more points were used than a full bucket and the refill of the span."""
    return [
        (first["second"], last["second"])
        for at, first in enumerate(seconds)
        for upto, last in enumerate(seconds[at:], at)
        if sum(one["points"] for one in seconds[at : upto + 1])
        > TWIN_MAXIMUM + (last["second"] - first["second"] + 1) * TWIN_A_SECOND
    ]


def test_the_twin_is_asked_for_all_it_gives_and_no_more(tmp_path: Path) -> None:
    """Case 21 against the twin, which counts what its executor gave back, by second: nothing is throttled, no span has more
    than the bucket and its refill, and the allowance is used. The control: two processes that count nothing are throttled."""
    with twin_of_shop(tmp_path / "shop") as twin:
        found = pressed(twin, str(tmp_path / "allowance.db"), "LIVE", *twin.sells())
        used = twin.call("GET", "/_twin/throttle")
    assert (used["throttled"], set(found)) == (0, {"answered"})
    assert exceeded(used["points_by_second"]) == []
    assert used["used_points"] / (TWIN_MAXIMUM + SECONDS * TWIN_A_SECOND) >= TWIN_USED
    with twin_of_shop(tmp_path / "small", *SMALL) as twin:
        pressed(twin, "none", "LIVE", *twin.sells())
        assert twin.call("GET", "/_twin/throttle")["throttled"] > 5
    assert exceeded([{"second": 0, "points": TWIN_MAXIMUM + TWIN_A_SECOND + 1}]) == [(0, 0)]


def test_the_shop_counts_as_we_compute() -> None:
    """Else the case below would prove nothing about the computed costs."""
    assert {name.capitalize(): points(name, {}, "2026-07") for name in ("order", "refund")} == REQUESTED


def test_two_processes_of_two_flows_share_one_bucket(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Case 21, C72: no call is refused for want of points, and the allowance is used; two processes that count nothing are
    refused."""
    experiment = Experiment("21", suite=10, table=2_000, capsys=capsys)
    with points_shop(maximum=MAXIMUM, restore_rate=A_SECOND) as shop:
        ours = pressed(shop, str(tmp_path / "allowance.db"), "LIVE")
        refused, share = shop.throttled, shop.share
    with points_shop(maximum=MAXIMUM, restore_rate=A_SECOND) as shop:
        boundless = pressed(shop, "none", "LIVE")
        naive = shop.throttled
    assert (refused, set(ours)) == (0, {"answered"})
    assert share >= USED
    assert naive > 5
    experiment.report(
        faults=ours["answered"], trials=ours["answered"], refused=refused, used=f"{share:.0%}",
        control=f"two processes that count nothing are refused {naive} times in {sum(boundless.values())} calls",
    )  # fmt: skip


def test_a_backfill_leaves_what_is_kept_for_live_calls(tmp_path: Path) -> None:
    """Case 21, C70: two processes that fill all they can, and the bucket never falls below the share of live calls."""
    with points_shop(maximum=MAXIMUM, restore_rate=A_SECOND) as shop:
        found = pressed(shop, str(tmp_path / "allowance.db"), "BACKFILL")
    assert (shop.throttled, set(found)) == (0, {"answered"})
    assert shop.lowest >= MAXIMUM * SHARE_KEPT_FOR_LIVE - 2

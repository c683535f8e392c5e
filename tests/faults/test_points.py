"""Fault case 21 for a shop that counts by points: processes and flows of one app stay within its one bucket, and use it."""

import json
import subprocess
import sys
from pathlib import Path

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
USED = 0.9 if NIGHTLY else 0.6
"""Short runs begin and end, on a machine with other work; on a virtual clock the suite holds nine tenths, in test_allowance."""


def pressed(shop: PointsShop, state: str, lane: str) -> dict[str, int]:
    """What the processes were answered."""
    command = [sys.executable, str(WORKER), shop.url, state, str(SECONDS), lane]
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
        said, _ = process.communicate(timeout=SECONDS + 30)
        assert process.returncode == 0
        for kind, count in json.loads(said).items():
            found[kind] = found.get(kind, 0) + count
    return found


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

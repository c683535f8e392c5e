"""The allowance of points: shared by flows and processes, corrected by answers, live before backfill (C70-C72)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from points_vendor import BUCKET, Vendor, call

from interlock.clock import VirtualClock
from interlock.connectors.allowance import Allowance, Hold, KeptInMemory, Lane, Level
from interlock.connectors.bucket import HOLD_SECONDS, PROBE_SECONDS, SHARE_KEPT_FOR_LIVE, Bucket
from interlock.messaging.sqlite.shared_state import SqliteSharedState


async def run(clock: VirtualClock, *work: Coroutine[Any, Any, Any], seconds: float) -> list[Any]:
    """Let the work go on for so long, in steps; what is not done then is cancelled."""
    tasks = [asyncio.ensure_future(one) for one in work]
    while clock.monotonic() < seconds and not all(task.done() for task in tasks):
        await clock.advance(0.5)
    for task in tasks:
        task.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def flow(allowance: Allowance, vendor: Vendor, lane: Lane, seed: int) -> None:
    """One flow that always has more to ask."""
    chance = random.Random(seed)
    while True:
        cost = chance.randint(10, 140)
        await call(allowance, vendor, cost, chance.randint(5, cost), lane)


async def pressed(folder: Path | None, seconds: float, lane: Lane) -> Vendor:
    """Two processes of two flows each; with a folder they share what they know, without each counts alone."""
    clock = VirtualClock()
    vendor = Vendor(clock)
    states = [KeptInMemory() if folder is None else SqliteSharedState(folder / "allowance.db") for _ in range(2)]
    processes = [Allowance(clock, state) for state in states]
    flows = [flow(process, vendor, lane, seed) for seed, process in enumerate([*processes, *processes])]
    await run(clock, *flows, seconds=seconds)
    for state in states:
        if isinstance(state, SqliteSharedState):
            state.close()
    return vendor


def test_two_processes_share_one_bucket(tmp_path: Path) -> None:
    """C72: nothing that we send is refused for want of points, and nine tenths of them are used."""
    vendor = asyncio.run(pressed(tmp_path, 120, Lane.LIVE))
    assert vendor.throttled == 0
    assert vendor.used >= 0.9 * (120 * vendor.restore_rate + vendor.maximum)
    alone = asyncio.run(pressed(None, 120, Lane.LIVE))
    assert alone.throttled > 10, "the control: two processes that do not share are refused"


def test_backfill_uses_the_allowance_and_keeps_a_share_for_live(tmp_path: Path) -> None:
    """C70: backfill alone runs at the full rate, and never empties the bucket below what is kept for live calls."""
    vendor = asyncio.run(pressed(tmp_path, 120, Lane.BACKFILL))
    assert vendor.throttled == 0
    assert vendor.used >= 0.9 * 120 * vendor.restore_rate
    assert vendor.lowest >= SHARE_KEPT_FOR_LIVE * vendor.maximum - 1


@pytest.mark.parametrize("lane", [Lane.LIVE, Lane.BACKFILL], ids=["live", "control"])
def test_live_work_passes_a_backfill(lane: Lane) -> None:
    """C70: while a backfill takes all that there is, a live call every second waits for nothing; in its lane it waits."""

    async def go() -> tuple[list[float], Vendor]:
        clock = VirtualClock()
        vendor, allowance = Vendor(clock), Allowance(clock)
        waits: list[float] = []

        async def live() -> None:
            while True:
                await clock.sleep(1)
                waits.append(await call(allowance, vendor, 50, 30, lane))

        backfill = [flow(allowance, vendor, Lane.BACKFILL, seed) for seed in range(6)]
        await run(clock, live(), *backfill, seconds=120)
        return waits, vendor

    waits, vendor = asyncio.run(go())
    assert vendor.throttled == 0
    if lane is Lane.LIVE:
        assert max(waits) == 0
    else:
        assert sorted(waits)[len(waits) // 2] > 1


def test_what_other_programs_take_is_seen() -> None:
    """C71: another program of the same app takes half; we follow the level that answers tell, and are hardly refused."""

    async def go() -> Vendor:
        clock = VirtualClock()
        vendor, allowance = Vendor(clock), Allowance(clock)

        async def another() -> None:
            while True:
                await clock.sleep(1)
                if vendor.take(50):
                    vendor.used += 50
                else:
                    vendor.throttled -= 1

        await run(clock, another(), *[flow(allowance, vendor, Lane.LIVE, seed) for seed in range(3)], seconds=120)
        return vendor

    vendor = asyncio.run(go())
    assert vendor.throttled <= 10
    assert vendor.used >= 0.9 * (120 * vendor.restore_rate + vendor.maximum)


def test_a_dear_call_is_not_passed_for_ever_by_cheap_ones() -> None:
    """Who waits stands in line: calls that cost little do not eat up what a dear one waits for."""

    async def go() -> float:
        clock = VirtualClock()
        vendor, allowance = Vendor(clock), Allowance(clock)

        async def cheap() -> None:
            while True:
                await call(allowance, vendor, 20, 20)

        async def dear() -> float:
            await clock.sleep(60)
            return await call(allowance, vendor, 900, 900)

        *_, waited = await run(clock, *[cheap() for _ in range(8)], dear(), seconds=120)
        assert vendor.throttled == 0
        return waited  # type: ignore[no-any-return]

    assert 8 < asyncio.run(go()) < 12, "900 points at 100 a second, and what stood in line before"


def test_a_call_that_cannot_have_its_points_in_time_is_told_when() -> None:
    """The wait is what lacks over the restore rate (C71); who is told so has left the line."""

    async def go() -> None:
        clock = VirtualClock()
        allowance = Allowance(clock)
        first = await allowance.take(BUCKET, 1900, lane=Lane.LIVE, within_seconds=1)
        assert isinstance(first, Hold)
        wait = await allowance.take(BUCKET, 600, lane=Lane.LIVE, within_seconds=1)
        assert wait == pytest.approx(5.01)
        assert allowance.bucket(BUCKET).line == []
        allowance.give_back(BUCKET, first, used=10.0)
        assert isinstance(await allowance.take(BUCKET, 600, lane=Lane.LIVE, within_seconds=1), Hold)

    asyncio.run(go())


def test_who_gives_up_while_it_waits_leaves_the_line() -> None:
    """A cancelled caller must not hold up those behind it."""

    async def go() -> None:
        clock = VirtualClock()
        allowance = Allowance(clock)
        await allowance.take(BUCKET, 1990, lane=Lane.LIVE, within_seconds=1)
        waiting = asyncio.ensure_future(allowance.take(BUCKET, 500, lane=Lane.LIVE, within_seconds=60))
        await clock.advance(1)
        assert len(allowance.bucket(BUCKET).line) == 1
        waiting.cancel()
        await clock.advance(1)
        assert allowance.bucket(BUCKET).line == []

    asyncio.run(go())


def test_the_points_of_a_dead_process_come_back() -> None:
    """A process that dies with a call in flight, or in line, blocks nobody for ever."""
    bucket = Bucket()
    assert isinstance(bucket.take(0.0, "dead", 2000 - 1, Lane.LIVE), Hold)
    assert isinstance(bucket.take(0.0, "dead too", 500, Lane.LIVE), float)
    assert isinstance(bucket.take(HOLD_SECONDS + 10, "next", 1500, Lane.LIVE), Hold)
    assert [hold.id for hold in bucket.in_flight] == ["next"]


def test_a_machine_that_started_anew() -> None:
    """The clock begins at nothing with the machine: what was kept of before counts, its times do not."""
    bucket = Bucket(available=100.0, at=50_000.0, known=True)
    bucket.take(50_000.0, "before", 50, Lane.LIVE)
    assert isinstance(bucket.take(3.0, "after", 40, Lane.LIVE), Hold)
    assert isinstance(bucket.take(4.0, "later", 100, Lane.LIVE), Hold)


def test_an_answer_that_comes_late_does_not_make_points() -> None:
    """Two calls at once, the answer to the first comes last: what the second used is not counted as free."""
    bucket = Bucket(available=200.0, maximum=1000.0, known=True)
    first, second = (bucket.take(0.0, name, 100, Lane.LIVE) for name in ("first", "second"))
    assert isinstance(second, float), "a margin is kept"
    bucket.available += 1
    second = bucket.take(0.0, "second", 100, Lane.LIVE)
    assert isinstance(first, Hold)
    assert isinstance(second, Hold)
    bucket.give_back(0.1, "second", 100, Level(maximum=1000, available=0, restore_rate=100))
    bucket.give_back(0.1, "first", 100, Level(maximum=1000, available=100, restore_rate=100))
    assert bucket.available <= 1 + 0.1 * 100


def test_limits_are_learnt_from_answers() -> None:
    """A Plus store gives 1,000 points a second in a bucket of 20,000 (F22, F91); the first answer says so."""
    bucket = Bucket()
    bucket.take(0.0, "call", 10, Lane.LIVE)
    bucket.give_back(0.0, "call", 8, Level(maximum=20_000, available=19_992, restore_rate=1000))
    assert (bucket.maximum, bucket.available) == (20_000, 19_992)
    assert isinstance(bucket.take(0.0, "dear", 15_000, Lane.LIVE), Hold)


def test_before_the_limits_are_known_one_call_goes_ahead() -> None:
    """A small store's bucket is not emptied by a burst that counts on a Standard one; the first answer lets all others go."""
    bucket = Bucket()
    assert isinstance(bucket.take(0.0, "first", 100, Lane.LIVE), Hold)
    assert isinstance(bucket.take(0.0, "second", 100, Lane.LIVE), float)
    bucket.give_back(0.1, "first", 50, Level(maximum=300, available=250, restore_rate=10))
    assert isinstance(bucket.take(0.1, "second", 100, Lane.LIVE), Hold)
    assert isinstance(bucket.take(0.1, "third", 200, Lane.LIVE), float)


def test_a_first_call_whose_process_died_keeps_nobody_waiting_for_long() -> None:
    """Its hold stays for two minutes; the others wait for an answer only as long as one may still come, and then again one
    of them goes ahead."""
    bucket = Bucket()
    assert isinstance(bucket.take(0, "died", 50, Lane.LIVE), Hold)
    assert not isinstance(bucket.take(PROBE_SECONDS - 1, "next", 50, Lane.LIVE), Hold)
    assert isinstance(bucket.take(PROBE_SECONDS, "next", 50, Lane.LIVE), Hold)
    assert not isinstance(bucket.take(PROBE_SECONDS, "third", 50, Lane.LIVE), Hold)


def test_what_cannot_be_read_is_learnt_anew() -> None:
    """The file may be of another version, or broken: nothing that is kept there is needed."""
    state = KeptInMemory()
    state.change(BUCKET, lambda _: b"{broken")
    assert Allowance(VirtualClock(), state).bucket(BUCKET).maximum == 2000


def test_changes_of_several_connections_do_not_lose_one_another(tmp_path: Path) -> None:
    """Each change is one transaction, and an error in it changes nothing."""
    one, other = (SqliteSharedState(tmp_path / "allowance.db") for _ in range(2))
    for at in range(50):
        (one, other)[at % 2].change("count", lambda kept: b"%d" % (int(kept or 0) + 1))

    def broken(_: bytes | None) -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        one.change("count", broken)
    seen: list[bytes | None] = []
    other.change("count", lambda kept: (seen.append(kept), kept or b"")[1])
    assert seen == [b"50"]
    one.close()
    other.close()

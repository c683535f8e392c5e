"""Stock as a whole, simulated from a seed: whatever fails on the way, every channel ends at what is there, and is never wrong for long.

Fault cases 25 and 26 and the flash sale of 20 hot items in small, without a network: the real desk, reader, writer, dispatcher and
stores; a world of `stock_simulation` around them.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from experiment import Experiment
from stock_simulation import SHOP, Ended, World

from interlock.flows.inventory.publish import Publishing

TRADE_SECONDS, CONTROL_SECONDS = 30.0, 20.0


def lived(
    folder: Path,
    seed: str,
    *,
    rough: bool,
    spoil: Callable[[World], None] = lambda _: None,
    active: float = TRADE_SECONDS,
) -> Ended:
    """One world to its end."""
    folder.mkdir()
    world = World(folder, random.Random(seed), rough=rough, active=active)
    spoil(world)
    return asyncio.run(world.lives())


def holds(ended: Ended) -> None:
    """What has to be so in every world, whatever failed."""
    assert ended.differ == {}, "every channel shows what the rules make of what is there"
    assert ended.still_open == []
    assert ended.lost == 0, "each write to the channel that compares began with the number that was there"
    assert (ended.twice, ended.other_lines) == (0, 0), "a write that was sent again counts once"
    assert ended.oldest <= ended.bound, f"too many shown for too long: {ended.worst}"


def test_stock_in_a_rough_world(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """C58, C61, C19: calls fail before and after their effect, webhooks are late, lost, doubled and out of order, people write over
    our numbers, the hub is killed: nothing is lost, counted twice, or shown too high for longer than can be derived."""
    experiment = Experiment("25-simulated", suite=60, table=5_000, capsys=capsys)
    faults, ended = Counter[str](), list[Ended]()
    while faults.total() < experiment.size:
        seed = f"{experiment.seed}/{len(ended)}"
        ended.append(lived(tmp_path / f"{len(ended)}", seed, rough=True))
        faults += ended[-1].faults
        print(f"seed {seed}: {ended[-1]}")
        holds(ended[-1])
    controls = {
        "no comparison": lived(
            tmp_path / "a", f"{experiment.seed}/a", rough=True, spoil=_compares_nothing, active=CONTROL_SECONDS
        ).lost,
        "keys forgotten": lived(
            tmp_path / "b", f"{experiment.seed}/b", rough=True, spoil=_forgets_keys, active=CONTROL_SECONDS
        ).twice,
    }
    assert all(controls.values()), controls
    experiment.report(
        faults=faults.total(), trials=sum(one.writes for one in ended), worlds=len(ended), kinds=dict(faults),
        sold=sum(one.sold for one in ended), writes=sum(one.writes for one in ended),
        too_high_seconds=f"{max(one.oldest for one in ended):.1f}", bound_seconds=f"{ended[0].bound:.1f}",
        too_high_pieces=max(one.deepest for one in ended),
        control=f"{controls['no comparison']} updates lost without a comparison, {controls['keys forgotten']} writes twice without keys",
    )  # fmt: skip


def test_stock_in_a_calm_world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """C61: when only webhooks are slow, lost and doubled, no channel shows too much for longer than they take, and a write; with
    sales of other channels not subtracted it does until the warehouse knows of them."""
    experiment = Experiment("61-simulated", suite=30, table=1_000, capsys=capsys)
    ended: list[Ended] = []
    while sum(one.sold for one in ended) < experiment.size:
        seed = f"{experiment.seed}/{len(ended)}"
        ended.append(lived(tmp_path / f"{len(ended)}", seed, rough=False))
        print(f"seed {seed}: {ended[-1]}")
        holds(ended[-1])
    monkeypatch.setattr(Publishing, "_reserved", lambda _self, _sku: [])
    naive = lived(tmp_path / "control", f"{experiment.seed}/c", rough=False)
    assert naive.oldest > naive.bound
    experiment.report(
        faults=sum(one.sold for one in ended), trials=sum(one.writes for one in ended), worlds=len(ended),
        writes=sum(one.writes for one in ended), too_high_seconds=f"{max(one.oldest for one in ended):.1f}",
        bound_seconds=f"{ended[0].bound:.1f}", too_high_pieces=max(one.deepest for one in ended),
        control=f"with unseen sales not subtracted {naive.oldest:.1f} s, {naive.deepest} pieces",
    )  # fmt: skip


def _compares_nothing(world: World) -> None:
    world.channels[SHOP].compares_really = False


def _forgets_keys(world: World) -> None:
    """Only that makes a difference where somebody has put the old number back meanwhile."""
    world.undoing, world.kinds = 1.0, ("lost",)
    for channel in world.channels.values():
        channel.keeps_keys = False

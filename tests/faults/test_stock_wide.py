"""Stock as a whole in a wider world: several who count, split and joined places, kits and packs, questions, releases, silence,
stopped lines, comparisons; whatever fails on the way, no rule of publishing is broken and every place ends at what is there.

Fault cases 25 and 26; C27, C58, C61, C65-C67, C69.
"""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from experiment import NIGHTLY, Experiment
from stock_simulation import TILL
from stock_wide_world import WideEnded, WideWorld

from interlock.flows.inventory import causes, judging
from interlock.flows.inventory.counting import Counting
from interlock.flows.inventory.deciding import Deciding
from interlock.flows.inventory.publish import Publishing
from interlock.flows.inventory.rules import Channel, StockRules
from interlock.messaging.sqlite.stock_book import SqliteStockWork

TRADE_SECONDS = 40.0 if NIGHTLY else 10.0
CONTROL_SECONDS = 10.0
KINDS = ("silent", "asked", "owner", "zero", "sales", "drift")


def lived(folder: Path, seed: str, *, ending: bool = True, active: float = TRADE_SECONDS) -> WideEnded:
    """One world to its end."""
    folder.mkdir()
    return asyncio.run(WideWorld(folder, random.Random(seed), active=active, ending=ending).lives())


def test_the_rules_of_stock_hold_whatever_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """C27, C58, C61, C65-C67, C69: nothing is written while its source is silent, against an owner, or over a number that a person is
    asked about; a stopped line is no zero; every order counts as it is; no comparison calls a write on its way drift, and one
    finds each drift that is there by its cause; the end is what a reference without the hub's code works out."""
    experiment = Experiment("25-wide", suite=60, table=5_000, capsys=capsys)
    faults, counts, found, worlds = Counter[str](), Counter[str](), Counter[str](), 0
    while faults.total() < experiment.size:
        seed = f"{experiment.seed}/wide/{worlds}"
        ended = lived(tmp_path / f"{worlds}", seed)
        print(f"seed {seed}: {ended}")
        assert ended.wrong == {}
        assert ended.found == ended.planted
        assert ended.blind < len(ended.planted), "a listing of before finds no more than what is known anyway"
        worlds, faults, counts = worlds + 1, faults + ended.faults, counts + ended.counts
        found.update(ended.found.values())
    experiment.report(
        faults=faults.total(), trials=counts["writes"], worlds=worlds, kinds=dict(faults), **counts, drifts_found=dict(found),
        control=f"a listing of before finds {ended.blind} of {len(ended.planted)} drifts; see the broken hub",
    )  # fmt: skip


def test_a_broken_hub_breaks_each_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the rules above: a hub without its guards writes in silence, over a person, against an owner and zeros,
    books orders as they were, and calls drift what is on its way; the judge of the simulation sees each of these."""
    _without_guards(monkeypatch)
    wrong: Counter[str] = Counter()
    for number in range(8):
        ended = lived(tmp_path / f"{number}", f"20261123/broken/{number}", ending=False, active=CONTROL_SECONDS)
        wrong.update({kind: len(words) for kind, words in ended.wrong.items()})
        if all(wrong[kind] for kind in KINDS):
            break
    assert all(wrong[kind] for kind in KINDS), dict(wrong)


def _without_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, channel = Deciding._was_seen, StockRules._channel

    def asks_nobody(self: Deciding, *known: Any, asks: bool) -> Any:
        return seen(self, *known, asks=asks and False)

    def shows_what_it_counts(self: StockRules, flow: Any, system: str, **named: Any) -> Channel:
        found = channel(self, flow, system, **named)
        if system != TILL:
            return found
        return msgspec.structs.replace(
            found,
            system=_Nobody(system),
            locations=(*found.locations, "store"),
            places={**found.places, "T2": ("store",)},
        )

    monkeypatch.setattr(Publishing, "_stale", lambda *_: "")
    monkeypatch.setattr(Deciding, "_was_seen", asks_nobody)
    monkeypatch.setattr(StockRules, "_channel", shows_what_it_counts)
    monkeypatch.setattr(Counting, "_halt", _as_zero)
    monkeypatch.setattr(SqliteStockWork, "sold", lambda *_: True)
    monkeypatch.setattr(causes, "is_on_its_way", lambda *_: False)
    monkeypatch.setattr(judging, "is_on_its_way", lambda *_: False)
    monkeypatch.setattr(judging.Judging, "_moved", lambda *_, **__: False)


def _as_zero(counting: Counting, system: str, level: Any, _stopped: Any, event: int) -> None:
    """What cannot be understood counts as none."""
    for one in counting._book.counted_as(system, level.item, level.location):
        counting._book.count(msgspec.structs.replace(one, quantities={"available": 0}, event=event))
        counting._notes.touch(one.sku, event)


class _Nobody(str):
    """A system that is nobody's owner."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __ne__(self, _other: object) -> bool:
        return True

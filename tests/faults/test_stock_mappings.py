"""Fault case 26: whatever items are called, packed and split as, no piece appears and none is lost; the unknown stops, named."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from book_stage import START_US, BookStage
from experiment import Experiment
from stock_worlds import CHANNELS, World, naive_shown, naive_total, random_world

from interlock.flows.inventory.line import Position, Stopped
from interlock.flows.inventory.normalise import Normaliser
from interlock.flows.inventory.publish import Publishing
from interlock.flows.inventory.sums import NEVER_COUNTED
from interlock.messaging.stock_book import Counted, StockWork
from interlock.strategy.inventory import Inventory, Kit, Location


def kept(world: World, subject: Normaliser) -> tuple[Counter[tuple[str, str]], Decimal]:
    """Pieces by SKU and location, and all remainders; each line is what it was made as, or stops with its own reason."""
    pieces: Counter[tuple[str, str]] = Counter()
    remainders = Decimal(0)
    for truth in world.lines:
        found = subject.level(truth.system, truth.line)
        if truth.code:
            assert isinstance(found, Stopped) and found.code == truth.code, (truth, found)
            assert (
                found.what
                and found.next_move
                and (found.item, found.location) == (truth.line.item, truth.line.location)
            )
            continue
        assert isinstance(found, Position), (truth, found)
        assert (found.sku, found.location) == (truth.sku, truth.location), (truth, found)
        assert found.quantities["available"] + found.remainder == truth.pieces, (truth, found)
        pieces[found.sku, found.location] += found.quantities["available"]
        remainders += found.remainder
    return pieces, remainders


def shown_and_kept(world: World, subject: Normaliser, pieces: Counter[tuple[str, str]]) -> int:
    """For each channel: what its places sell, read back in pieces, and what stays with the owner, is what there is.
    Gives how often a naive share and pack would have said something else."""
    naive_wrong = 0
    for channel in CHANNELS:
        back: Counter[str] = Counter()
        for (sku, location), quantity in pieces.items():
            places, remainder = subject.shown(channel, location, sku, quantity)
            assert set(places) <= set(world.inventory.locations[location].places.get(channel, []))
            assert all(isinstance(count, int) and count >= 0 for count in places.values())
            sold = sum(subject.taken(channel, sku, count)[sku] for count in places.values())
            assert sold + remainder == quantity, (channel, sku, location, quantity, places, remainder)
            assert 0 <= sold <= quantity and (not places or remainder < subject.pack(channel, sku))
            back[sku] += sold + remainder
            parts = [float(share.part) for share in subject.places(channel, location, sku)]
            naive_wrong += bool(parts) and naive_shown(quantity, subject.pack(channel, sku), parts) > quantity
            assert isinstance(subject.item_at(channel, sku), str)
        assert back == _by_sku(pieces)
    return naive_wrong


def _by_sku(pieces: Counter[tuple[str, str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for (sku, _), quantity in pieces.items():
        total[sku] += quantity
    return total


def test_no_piece_appears_and_none_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    """Fault case 26 (C27, C63-C65): base units are conserved both ways in every mapping; a line with an unknown SKU, location or
    unit stops with its reason in each of them. The control, which floors each line and takes the unknown as zero, loses."""
    experiment = Experiment("26", suite=2_000, table=10_000, capsys=capsys)
    stopped: Counter[str] = Counter()
    lines = naive_lost = naive_oversold = 0
    for _ in range(experiment.size):
        world = random_world(experiment.chance)
        subject = Normaliser(world.inventory, world.catalogue)
        pieces, remainders = kept(world, subject)
        refused = sum(truth.pieces for truth in world.lines if truth.code)
        told = sum(truth.pieces for truth in world.lines)
        assert sum(pieces.values()) + remainders + refused == told
        naive_lost += naive_total(world) != told
        naive_oversold += shown_and_kept(world, subject, pieces) > 0
        lines += len(world.lines)
        stopped.update(truth.code for truth in world.lines if truth.code)
    assert naive_lost > experiment.size // 2 and naive_oversold > experiment.size // 10, "the control has to fail"
    experiment.report(
        faults=sum(stopped.values()), trials=experiment.size,
        control=f"naive lost or made pieces in {naive_lost} mappings, showed more than there is in {naive_oversold}",
        mappings=experiment.size, lines=lines, counterexamples=0, stopped=dict(sorted(stopped.items())),
    )  # fmt: skip


def test_a_kit_never_promises_more_than_its_components(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault case 26, C60, C66: a channel shows of random kits as many as can be made and not one more, and of a kit with a part that
    nobody has counted nothing, which is no zero. The control, which takes the mean, promises."""
    experiment = Experiment("26", suite=500, table=10_000, capsys=capsys)
    chance, promised = experiment.chance, 0
    kits = [_random_kit(chance, number) for number in range(experiment.size)]
    there = {sku: chance.randint(0, 500) for kit in kits for sku in kit.of}
    for kit, shown in zip(kits, asyncio.run(_shown_of_kits(tmp_path, kits, there)), strict=True):
        assert all(there[sku] >= count * shown for sku, count in kit.of.items())
        assert any(there[sku] < count * (shown + 1) for sku, count in kit.of.items())
        promised += sum(there[sku] for sku in kit.of) // sum(kit.of.values()) > shown
    assert promised > experiment.size // 3, "the control has to fail"
    experiment.report(
        faults=experiment.size,
        trials=experiment.size,
        control=f"the mean promised too many of {promised} kits",
        kits=experiment.size,
    )


def _random_kit(chance: random.Random, number: int) -> Kit:
    return Kit(
        sku=f"K{number}", of={f"K{number}-P{part}": chance.randint(1, 9) for part in range(chance.randint(1, 5))}
    )


async def _shown_of_kits(folder: Path, kits: list[Kit], there: Mapping[str, int]) -> list[int]:
    """What the shop should show of each, as the hub works it out of its book, and of each with one part more nothing."""
    more = [Kit(sku=f"{kit.sku}-MORE", of={**kit.of, "NEVER": 1}) for kit in kits]
    hall = Location("wms", {"wms": ["H"], "shop": ["S"]})
    async with BookStage(folder, Inventory(locations={"hall": hall}, kits=(*kits, *more)), wms=[]) as stage:
        shop = stage.rules.channel("shop", "S")
        assert shop is not None

        def work(book: StockWork) -> list[int]:
            for sku, pieces in there.items():
                book.count(_counted(sku, pieces))
            publishing = Publishing(book, stage.rules, START_US)
            assert all(publishing.sum(shop, "S", kit.sku).suspended == NEVER_COUNTED for kit in more)
            return [publishing.sum(shop, "S", kit.sku).quantity for kit in kits]

        return await stage.run(work)


def _counted(sku: str, pieces: int) -> Counted:
    return Counted(
        sku=sku, location="hall", system="wms", place="H", item=sku, quantities={"available": pieces}, as_of_us=START_US,
        told_us=START_US, event=1,
    )  # fmt: skip

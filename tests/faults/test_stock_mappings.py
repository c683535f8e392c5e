"""Fault case 26: whatever items are called, packed and split as, no piece appears and none is lost; the unknown stops, named."""

from collections import Counter
from decimal import Decimal

import pytest
from experiment import Experiment
from stock_worlds import CHANNELS, World, naive_shown, naive_total, random_world

from interlock.flows.inventory.amount import kits_from
from interlock.flows.inventory.line import Position, Stopped
from interlock.flows.inventory.normalise import Normaliser


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


def test_a_kit_never_promises_more_than_its_components(capsys: pytest.CaptureFixture[str]) -> None:
    """Fault case 26, C60: of random kits as many as can be made and not one more. The control, which takes the mean, promises."""
    experiment = Experiment("26", suite=2_000, table=10_000, capsys=capsys)
    chance, promised = experiment.chance, 0
    for _ in range(experiment.size):
        parts = {f"P{number}": chance.randint(1, 9) for number in range(chance.randint(1, 5))}
        there = {sku: chance.randint(0, 500) for sku in parts}
        kits = kits_from(parts, there)
        assert kits is not None and all(there[sku] >= count * kits for sku, count in parts.items())
        assert any(there[sku] < count * (kits + 1) for sku, count in parts.items())
        missing = chance.choice(list(parts))
        assert kits_from(parts, {sku: count for sku, count in there.items() if sku != missing}) is None
        promised += sum(there.values()) // sum(parts.values()) > kits
    assert promised > experiment.size // 3, "the control has to fail"
    experiment.report(
        faults=experiment.size,
        trials=experiment.size,
        control=f"the mean promised too many of {promised} kits",
        kits=experiment.size,
    )

"""Where a sale is taken from, when its channel says so later, or changes it: what an order told before against what it tells now."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from interlock.messaging.stock_book import Reserved

At = tuple[str, str]
"""A SKU and the channel's place, "" where it is not said."""
Lines = Mapping[At, Reserved]


class Shift(NamedTuple):
    """Pieces of one SKU, by place. `found` were taken already, and it is known now from where; `more` are taken there besides, of
    the channel's own stock or instead of somewhere else; at the places of `left` less is taken than was told."""

    found: dict[str, int]
    more: dict[str, int]
    left: tuple[str, ...]

    @property
    def changes(self) -> bool:
        """Whether it is another order than before, to stock."""
        return bool(self.found or self.more or self.left)


def shifts(before: Lines, now: Lines) -> dict[str, Shift]:
    """What has changed, by SKU."""
    skus = dict.fromkeys(sku for sku, _ in (*before, *now))
    return {sku: shift(_by_place(before, sku), _by_place(now, sku)) for sku in skus}


def shift(before: Mapping[str, int], now: Mapping[str, int]) -> Shift:
    """Of one SKU: pieces by place, as they were told and as they are told now."""
    less = {place: pieces - now.get(place, 0) for place, pieces in before.items() if pieces > now.get(place, 0)}
    more = {place: pieces - before.get(place, 0) for place, pieces in now.items() if pieces > before.get(place, 0)}
    found: dict[str, int] = {}
    for place, pieces in more.items():
        part = min(pieces, less.get("", 0))
        if part:
            found[place], less[""] = part, less[""] - part
    return Shift(
        found=found,
        more={place: rest for place, pieces in more.items() if (rest := pieces - found.get(place, 0))},
        left=tuple(place for place, pieces in less.items() if pieces),
    )


def where_known(before: Lines, now: Lines) -> dict[At, Reserved]:
    """What an order takes now that does not say from where: from where it was known to take it, and the rest as it says."""
    placed: dict[At, Reserved] = {}
    for sku in dict.fromkeys(sku for sku, _ in now):
        known = [line.place for (of, _), line in before.items() if of == sku and line.place]
        pieces = _by_place(now, sku)
        left, said = sum(pieces.values()), next(line for (of, _), line in now.items() if of == sku)
        for place in known:
            part = min(left, before[sku, place].quantity)
            left -= part
            _put(placed, said, place, part)
        for place in pieces:
            part = min(left, pieces[place])
            left -= part
            _put(placed, said, place, part)
    return placed


def told_still(before: Lines, now: Lines) -> dict[At, Reserved]:
    """An order that takes as many of a SKU as it did, though from elsewhere, is the one that its owners were told of: its lines
    keep the version that they had."""
    kept = dict(now)
    for at, line in now.items():
        former = [one.version for (sku, _), one in before.items() if sku == line.sku]
        if former and sum(_by_place(before, line.sku).values()) == sum(_by_place(now, line.sku).values()):
            kept[at] = msgspec.structs.replace(line, version=max(former))
    return kept


def _put(placed: dict[At, Reserved], said: Reserved, place: str, pieces: int) -> None:
    if pieces:
        held = placed[said.sku, place].quantity if (said.sku, place) in placed else 0
        placed[said.sku, place] = msgspec.structs.replace(said, place=place, quantity=held + pieces)


def _by_place(lines: Lines, sku: str) -> dict[str, int]:
    return {line.place: line.quantity for line in _of(lines, sku)}


def _of(lines: Lines, sku: str) -> Iterable[Reserved]:
    return (line for (of, _), line in lines.items() if of == sku)

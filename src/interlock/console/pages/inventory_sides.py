"""One SKU in every system side by side: a row for each of our locations, and one for locations that a channel shows as one number."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from interlock.console.wording import number
from interlock.flows.inventory.answer import PlaceStock, SkuStock
from interlock.messaging.stock_book import Counted
from interlock.strategy.model import Strategy

LIGHTS: Final = {
    "agrees": "done", "compared": "retrying", "differs": "retrying", "unread": "pending", "suspended": "waiting",
    "refused": "dead", "asked": "dead",
    "uncounted": "cancelled", "not_sold": "cancelled",
}  # fmt: skip
"""How a place stands -> the status that a person knows from everything else."""
WORDS: Final = {
    "agrees": "agrees", "compared": "differs", "differs": "differs", "unread": "not read yet", "suspended": "suspended",
    "refused": "refused",
    "asked": "needs a person", "uncounted": "not counted", "not_sold": "not sold there",
}  # fmt: skip
QUIET: Final = ("agrees", "uncounted", "not_sold", "unread")
"""What needs nobody."""
ROWS_SHOWN: Final = 8
NAMED: Final = 3
MICRO: Final = 1_000


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What one system says of the SKU there; a signal is part of no sum."""

    number: str
    detail: str
    at_ms: int = 0
    state: str = ""
    word: str = ""
    is_signal: bool = False


class SideRow(msgspec.Struct, frozen=True, kw_only=True):
    """One location of ours, or several as one: its name, who counts there, and what each system says, in the order of the heads."""

    name: str
    below: str
    cells: tuple[tuple[Cell, ...], ...]
    quiet: bool


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """The table. `hidden` rows need nobody, and are left out to keep the others in sight."""

    heads: tuple[str, ...]
    rows: tuple[SideRow, ...]
    hidden: int = 0


def sides_of(strategy: Strategy, found: SkuStock, titles: Mapping[str, str], *, whole: bool) -> Sides:
    """Who counts, then who shows. Of many rows those that need somebody stay; `whole` shows all."""
    heads = _heads(strategy, found)
    together = list(dict.fromkeys(one.locations for one in found.places if len(one.locations) > 1))
    rows = [
        *(
            _row(found, heads, (name,), f"{_title(titles, owner)} counts here", titles)
            for name, owner in found.owners.items()
        ),
        *(_row(found, heads, names, "shown as one number", titles) for names in together),
    ]
    told = [row for row in rows if any(row.cells)]
    if whole or len(told) <= ROWS_SHOWN:
        return Sides(heads=heads, rows=tuple(told))
    kept = [row for row in told if not row.quiet]
    fill = [row for row in told if row.quiet][: max(0, ROWS_SHOWN - len(kept))]
    shown = tuple(row for row in told if row in kept or row in fill)
    return Sides(heads=heads, rows=shown, hidden=len(told) - len(shown))


def _heads(strategy: Strategy, found: SkuStock) -> tuple[str, ...]:
    counting = dict.fromkeys([*found.owners.values(), *(one.system for one in (*found.counted, *found.signals))])
    known = [name for name in counting if name in strategy.systems]
    return tuple(dict.fromkeys([*known, *(one.channel for one in found.places)]))


def _row(
    found: SkuStock, heads: Iterable[str], names: tuple[str, ...], below: str, titles: Mapping[str, str]
) -> SideRow:  # fmt: skip
    shown = [one for one in found.places if one.locations == names]
    return SideRow(
        name=named(names),
        below=below,
        cells=tuple(tuple(_cells(found, shown, system, names, titles)) for system in heads),
        quiet=all(one.state in QUIET for one in shown),
    )


def named(names: Sequence[str]) -> str:
    """`cicero + outlet`, `store-01 + 19 more`: our locations that are shown as one number."""
    return " + ".join(names) if len(names) <= NAMED else f"{names[0]} + {len(names) - 1} more"


def _cells(
    found: SkuStock, shown: Sequence[PlaceStock], system: str, names: tuple[str, ...], titles: Mapping[str, str]
) -> Iterator[Cell]:  # fmt: skip
    counted = [one for one in found.counted if one.system == system and one.location in names]
    if len(names) == 1:
        yield from map(_position, counted)
    elif counted:
        yield Cell(
            number=number(sum(one.available for one in counted)),
            detail="available, all together",
            at_ms=min(one.as_of_us for one in counted) // MICRO,
        )
    if len(names) == 1:
        said = [one for one in found.signals if (one.system, one.location) == (system, names[0])]
        yield from (_signal(found, one, titles) for one in said)
    yield from (_shown(one) for one in shown if one.channel == system)


def _position(one: Counted) -> Cell:
    rest = ", ".join(
        f"{name.replace('_', ' ')} {number(value)}"
        for name, value in one.quantities.items()
        if name != "available" and value
    )
    kept = f"; {one.remainder} left over" if one.remainder else ""
    return Cell(number=number(one.available), detail=f"{rest or 'available'}{kept}", at_ms=one.as_of_us // MICRO)


def _signal(found: SkuStock, one: Counted, titles: Mapping[str, str]) -> Cell:
    """`ShipBob's 12 is the truth`: what somebody says of a place that another counts is part of no sum."""
    truth, owner = found.truth_at(one.location), _title(titles, found.owners[one.location])
    beside = f"{owner} has not counted it yet" if truth is None else f"{owner}'s {number(truth)} is the truth"
    return Cell(number=number(one.available), detail=f"a signal: {beside}", at_ms=one.as_of_us // MICRO, is_signal=True)


def _title(titles: Mapping[str, str], system: str) -> str:
    return titles.get(system, system)


def _shown(one: PlaceStock) -> Cell:
    looked = one.row.seen_us // MICRO if one.row else 0
    return Cell(
        number=_number(one), detail=f"at {one.place}", at_ms=looked, state=LIGHTS[one.state], word=WORDS[one.state]
    )


def _number(one: PlaceStock) -> str:
    if one.row is None or one.row.seen is None:
        return "?"
    return number(one.row.seen) if one.row.stocked else "not carried"

"""The heat map as a table: groups of items by places of channels, laid so that the longer side runs down the page."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from interlock.console.filters import url
from interlock.console.health import title_of
from interlock.console.pages.inventory_state import Field, Stock
from interlock.strategy.model import Strategy

WIDEST: Final = 6
"""So many columns fit beside the other cards."""

ROWS: Final = 12
"""So many rows stand on the page; those that are not all equal always do."""

Label = tuple[str, str]
"""What it is, and below it, in small letters, whose."""


class HeatField(msgspec.Struct, frozen=True, kw_only=True):
    """One field, and the address of the differences that it counts."""

    field: Field
    href: str


class HeatMap(msgspec.Struct, frozen=True, kw_only=True):
    """`corner` names what the rows are; a field that was not compared is None."""

    corner: str
    heads: tuple[Label, ...]
    rows: tuple[tuple[Label, tuple[HeatField | None, ...]], ...]
    hidden: int = 0


def heat_map(strategy: Strategy, stock: Stock, *, whole: bool = False) -> HeatMap:
    """Groups run down while few places stand beside them; where there are many places, these run down. The worst stand first, and
    of many rows those where all is equal are `hidden` unless the `whole` map is asked for."""
    places = [(location, title_of(strategy, channel)) for channel, _, location in stock.columns]
    groups = [(name or "no group", "") for name in stock.heat]
    fields = [[_field(fields, at) for at in stock.columns] for fields in stock.heat.values()]
    if len(places) <= max(WIDEST, len(groups)):
        rows, corner, heads = list(zip(groups, map(tuple, fields), strict=True)), "Group", places
    else:
        turned = zip(places, zip(*fields, strict=True), strict=True)
        rows, corner, heads = sorted(turned, key=lambda row: _worst(row[1])), "Place", groups
    loud = sum(_worst(row[1]) < 1.0 for row in rows)
    shown = rows if whole else rows[: max(ROWS, loud)]
    return HeatMap(corner=corner, heads=tuple(heads), rows=tuple(shown), hidden=len(rows) - len(shown))


def _field(fields: Mapping[tuple[str, str], Field], at: tuple[str, str, str]) -> HeatField | None:
    channel, place, location = at
    found = fields.get((channel, place))
    one = "" if " + " in location else location
    return HeatField(field=found, href=url("/inventory/differences", channel=channel, location=one)) if found else None


def _worst(fields: Sequence[HeatField | None]) -> float:
    return min((one.field.share for one in fields if one), default=1.0)

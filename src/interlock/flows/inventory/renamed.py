"""An item that the folder calls otherwise, or no more: what is known of it goes on under its new name at once, and its places end."""

from typing import Final

import msgspec

from interlock.flows.inventory.line import Ignored, Stopped
from interlock.flows.inventory.normalise import Normaliser
from interlock.messaging.stock_book import FOREIGN, Counted, Happened, Shown, StockWork

NOTHING: Final = ""
"""In place of a name: the folder passes the item over now."""


class Carried(msgspec.Struct, frozen=True):
    """SKUs that have something of another now, and the places that ended while a person was to see to them."""

    names: frozenset[str] = frozenset()
    ended: tuple[Shown, ...] = ()


def carry_over(book: StockWork, normaliser: Normaliser, sku: str, now_us: int) -> Carried:
    """Each count and each place of the SKU whose item is another SKU's now becomes that one's; sales do when all of them have the
    same new name. What nobody can name keeps the old one."""
    counted = [(one, _name(normaliser, one.system, one.item, sku)) for one in book.counted(sku)]
    shown = [(row, _name_shown(normaliser, row)) for row in book.shown_of(sku) if row.item]
    names = {now for _, now in (*counted, *shown)}
    if names <= {sku}:
        return Carried()
    for one, now in counted:
        if now != sku:
            _recount(book, normaliser, one, now, now_us)
    is_whole = len(names) == 1
    if is_whole:
        shown += [(row, NOTHING) for row in book.shown_of(sku) if not row.item]
    for row, now in shown:
        if now != sku:
            _show_as(book, row, now)
    if is_whole and (now := names.pop()) != NOTHING:
        book.rename_sales(sku, now)
    touched = frozenset(now for _, now in (*counted, *shown)) - {sku, NOTHING}
    return Carried(touched, tuple(row for row, now in shown if now != sku and row.trouble))


def _name(normaliser: Normaliser, system: str, item: str, sku: str) -> str:
    match normaliser.sku(system, item, "", ""):
        case Ignored():
            return NOTHING
        case Stopped():
            return sku
        case str() as now:
            return now


def _name_shown(normaliser: Normaliser, row: Shown) -> str:
    """What the channel sells the SKU as now is its own, whatever else the item may be."""
    now = _name(normaliser, row.channel, row.item, row.sku)
    return now if now == NOTHING or normaliser.item_at(row.channel, row.sku) != row.item else row.sku


def _recount(book: StockWork, normaliser: Normaliser, one: Counted, now: str, now_us: int) -> None:
    """A kit is never counted, nor is what another system counts now: that one tells it."""
    book.uncount(one)
    if now == NOTHING or normaliser.components(now) or normaliser.owner(now, one.location) != one.system:
        return
    book.count(msgspec.structs.replace(one, sku=now))
    for name, quantity in one.quantities.items():
        book.happened(Happened(
            at_us=now_us, kind="counted", sku=now, system=one.system, place=one.place, name=name, before=None, after=quantity,
            why=f"it was {one.sku} until now", as_of_us=one.as_of_us, event=one.event,
        ))  # fmt: skip


def _show_as(book: StockWork, row: Shown, now: str) -> None:
    """It is read before anything is written; what a person is asked about stays asked about, and what was refused is tried again:
    the delivery that would tell has ended."""
    book.unshow(row)
    if now == NOTHING or book.shown(row.channel, row.place, now) is not None:
        return
    seen, trouble = (row.seen, FOREIGN) if row.trouble == FOREIGN else (None, "")
    book.show(msgspec.structs.replace(row, sku=now, seen=seen, seen_us=0, trouble=trouble, said=""))

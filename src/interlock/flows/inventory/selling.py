"""Takes in the orders of channels: what each still takes is reserved, in place of what it took before, until its owner has counted it."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from interlock.flows.inventory.expecting import Expecting
from interlock.flows.inventory.line import Stopped
from interlock.flows.inventory.notes import Notes
from interlock.flows.inventory.routed import Lines, Shift, shifts, told_still, where_known
from interlock.flows.inventory.rules import StockRules
from interlock.messaging.stock import Level, Sale, SaleLine
from interlock.messaging.stock_book import Kind, Reserved, StockWork


class AsKits(NamedTuple):
    """Units of kits that the channel counts by a number of their own, and the pieces in them: a sale takes such a kit's number there,
    and its parts' numbers stand still. By SKU and place."""

    kits: Counter[tuple[str, str]]
    parts: Counter[tuple[str, str]]


class Selling:
    """Of one transaction."""

    def __init__(self, book: StockWork, rules: StockRules, notes: Notes) -> None:
        self._book = book
        self._rules = rules
        self._normaliser = rules.normaliser
        self._notes = notes

    def take(self, channel: str, sale: Sale, event: int) -> None:
        """What the order still takes now stands in place of what it took before."""
        if channel not in self._rules.channels or not self._book.sold(channel, sale.key, sale.version):
            return
        before = {(line.sku, line.place): line for line in self._book.reserved_of(channel, sale.key) if line.quantity}
        now = self._lines(channel, sale, event)
        now = told_still(before, where_known(before, now) if sale.unrouted else now)
        changed, units = shifts(before, now), self._as_kits(channel, sale)
        self._replace(before, now, changed, sale.version)
        there = Expecting(self._book, self._normaliser, channel, accepted_us=sale.accepted_us, event=event)
        for sku, shift in changed.items():
            there.shift(sku, shift, units.parts)
            if shift.changes:
                self._notes.touch(sku, event)
        for (kit, place), count in units.kits.items():
            if not before:
                there.explains(kit, place, count)
            elif place and not any(known for _, known in before):
                there.found(kit, place, count)

    def _replace(self, before: Lines, now: Lines, changed: Mapping[str, Shift], version: int) -> None:
        for at, line in before.items():
            if at not in now:
                self._book.release(replace(line, version=version))
        for at, line in now.items():
            if at not in before or before[at].quantity != line.quantity:
                self._reserve(line, changed[line.sku])

    def _reserve(self, line: Reserved, shift: Shift) -> None:
        """Subtracted from now on; what is taken from a place that is no stock is only remembered."""
        self._book.reserve(line)
        if self._normaliser.is_no_stock(line.channel, line.place):
            self._book.see(line)
            return
        kind: Kind = "placed" if line.place in shift.found and line.place not in shift.more else "sold"
        self._notes.happened(kind, line.sku, line.channel, line.place, "sold", None, line.quantity,
                             why=f"order {line.name or line.sale}", as_of_us=line.accepted_us, event=line.event)  # fmt: skip

    def _as_kits(self, channel: str, sale: Sale) -> AsKits:
        kits, parts = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for line in sale.lines:
            sku = self._normaliser.sku(channel, line.item, line.sku, "")
            if not isinstance(sku, str) or not self._normaliser.components(sku):
                continue
            item = self._normaliser.item_at(channel, sku)
            if isinstance(item, str) and not self._book.unwritable(channel, item):
                kits[sku, line.location] += line.quantity
                for part, pieces in self._normaliser.taken(channel, sku, line.quantity).items():
                    parts[part, line.location] += pieces
        return AsKits(kits, parts)

    def _lines(self, channel: str, sale: Sale, event: int) -> dict[tuple[str, str], Reserved]:
        found: dict[tuple[str, str], Reserved] = {}
        for line in sale.lines:
            for sku, pieces in self._taken(channel, sale, line, event).items():
                held = found.get((sku, line.location))
                found[sku, line.location] = Reserved(
                    sku=sku, channel=channel, sale=sale.key, place=line.location,
                    quantity=pieces + (held.quantity if held else 0), version=sale.version,
                    accepted_us=sale.accepted_us, name=sale.name, event=event,
                )  # fmt: skip
        return found

    def _taken(self, channel: str, sale: Sale, line: SaleLine, event: int) -> dict[str, int]:
        sku, place = self._normaliser.sku(channel, line.item, line.sku, ""), f"order {sale.name or sale.key}"
        if isinstance(sku, Stopped) and not self._normaliser.is_no_stock(channel, line.location):
            self._notes.halt(channel, Level(item=line.item, location=place, sku=line.sku, quantities={}), sku, event)
            return {}
        self._book.resume(channel, line.item, place)
        return self._normaliser.taken(channel, sku, line.quantity) if isinstance(sku, str) else {}

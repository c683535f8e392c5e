"""Which SKU of ours an item of a system is: by its id, then by its alias, its SKU, its barcode; never by its title.

A SKU is known when inventory/items.toml names it or another system lists it. Two items that claim one SKU are a conflict that
is told, and neither is taken, until inventory/items.toml gives one of them its name by its id.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from interlock.flows.inventory.line import Ignored, Stopped
from interlock.flows.inventory.stop import ITEMS_FILE
from interlock.messaging.stock_book import NOT_SOLD_THERE
from interlock.strategy.inventory import Inventory, pattern_of


class Catalogue(Protocol):
    """What systems list, read from memory: each is asked several times for every line."""

    def sku_of(self, system: str, item: str) -> tuple[str, ...]:
        """SKUs that this system lists for the id of an item or variant; empty when it lists none."""

    def items_of(self, system: str, sku: str) -> tuple[str, ...]:
        """Ids of the items that it lists with this SKU."""

    def with_barcode(self, system: str, barcode: str) -> tuple[str, ...]:
        """Ids of the items that it lists with this barcode."""


class Identity:
    """The names of items in all systems, for one release. Pure but for the catalogue, which may change at any time."""

    def __init__(self, inventory: Inventory, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._named = _names_by_system(inventory)
        self._first = {(rule.sku, system): names for rule in inventory.items for system, names in rule.names.items()}
        self._declared = frozenset(_declared(inventory))
        self._barcodes = {rule.barcode: rule.sku for rule in inventory.items if rule.barcode}
        self._is_ignored = pattern_of(inventory.ignore).fullmatch if inventory.ignore else None
        taking_part = {system for location in inventory.locations.values() for system in location.places}
        self._others = {system: tuple(sorted(taking_part - {system})) for system in taking_part | set(self._named)}
        self._all = tuple(sorted(taking_part))

    def sku(self, system: str, item: str, sku: str = "", barcode: str = "") -> str | Stopped | Ignored:
        """Our SKU of what the system calls so. `item` is its id there, or its SKU where it has no other."""
        if pinned := self._named.get(system, _NO_NAMES).get(item):
            return self._pinned(system, item, sku, pinned)
        listed = self._catalogue.sku_of(system, item)
        alike = not listed or listed == (sku,)
        found = self._by_text(system, item, sku) if alike else self._by_id(system, item, sku, listed)
        return found or self._by_barcode(system, item, sku or "".join(listed[:1]), barcode)

    def item_at(self, channel: str, sku: str) -> str | Stopped:
        """The id by which a channel sells the SKU."""
        for name in self._first.get((sku, channel), ()):
            items = self._unpinned(channel, name)
            if name not in items and self._catalogue.sku_of(channel, name):
                items = (name, *items)
            if items:
                return items[0] if len(items) == 1 else _twins(channel, items, name)
        items = () if self._is_other(channel, sku) else self._unpinned(channel, sku)
        if len(items) > 1:
            return _twins(channel, items, sku)
        return items[0] if items else _not_listed(channel, sku, named=(sku, channel) in self._first)

    def _pinned(self, system: str, item: str, sku: str, pinned: str) -> str | Stopped:
        """A name of the file is an id, unless the system lists it as the SKU of other items: then it was meant as that."""
        owners = self._catalogue.items_of(system, item)
        return _twins(system, (item, *owners), item, told=sku) if owners and item not in owners else pinned

    def _by_id(self, system: str, item: str, sku: str, listed: tuple[str, ...]) -> str | Stopped | Ignored | None:
        """The catalogue lists the id with another SKU than was told: one that changed, and which of both is meant is not ours
        to say where both are known."""
        found = {text: self._by_text(system, item, text) for text in (*listed, sku)}
        names = {text: answer for text, answer in found.items() if isinstance(answer, str)}
        if len(set(names.values())) > 1:
            return _changed(system, item, sku, tuple(names))
        stopped = next((answer for answer in found.values() if isinstance(answer, Stopped)), None)
        ignored = next((answer for answer in found.values() if isinstance(answer, Ignored)), None)
        return stopped or next(iter(names.values()), None) or ignored

    def _by_text(self, system: str, item: str, text: str) -> str | Stopped | Ignored | None:
        """None when nobody knows the text, or there is none."""
        if not text:
            return None
        found = self._named.get(system, _NO_NAMES).get(text)
        if not found:
            if self._is_ignored and self._is_ignored(text):
                return Ignored(system=system, item=item, sku=text)
            if not self._knows(system, text):
                return None
            found = text
        items = self._catalogue.items_of(system, text)
        if len(items) > 1 and (item not in items or len(self._unpinned(system, text)) > 1):
            return _twins(system, items, text, item=item)
        return found

    def _knows(self, system: str, text: str) -> bool:
        """Whether the text means the same here as elsewhere: not where the file gives the SKU other names here, or the text
        to another SKU there."""
        if (text, system) in self._first:
            return False
        if text in self._declared:
            return True
        for other in self._others.get(system, self._all):
            if self._catalogue.items_of(other, text) and not self._is_other(other, text):
                return True
        return False

    def _is_other(self, system: str, text: str) -> bool:
        """Whether the text, taken as a SKU at this system, belongs to another SKU of ours, or ours has other names there."""
        return self._named.get(system, _NO_NAMES).get(text, text) != text or (
            (text, system) in self._first and text not in self._first[text, system]
        )

    def _by_barcode(self, system: str, item: str, sku: str, barcode: str) -> str | Stopped:
        if not barcode:
            return self._unknown(system, item, sku)
        twins = self._catalogue.with_barcode(system, barcode)
        if len(twins) > 1:
            return _twins(system, twins, barcode, item=item, told=sku, of="the barcode")
        if found := self._barcodes.get(barcode):
            return found
        found_at = {name for other in self._others.get(system, self._all) for name in self._coded(other, barcode)}
        if len(found_at) > 1:
            return _twins(system, sorted(found_at), barcode, item=item, told=sku, of="the barcode")
        return next(iter(found_at), None) or self._unknown(system, item, sku)

    def _coded(self, system: str, barcode: str) -> Iterable[str]:
        """Our SKUs of what a system lists with this barcode."""
        named = self._named.get(system, _NO_NAMES)
        for item in self._catalogue.with_barcode(system, barcode):
            for text in self._catalogue.sku_of(system, item):
                if pinned := named.get(item) or named.get(text):
                    yield pinned
                elif text and not self._is_other(system, text):
                    yield text

    def _unpinned(self, system: str, text: str) -> tuple[str, ...]:
        """Items with this SKU, without those that the file names by their id."""
        named = self._named.get(system, _NO_NAMES)
        return tuple(item for item in self._catalogue.items_of(system, text) if item not in named or item == text)

    def _unknown(self, system: str, item: str, sku: str) -> Stopped:
        if names := self._first.get((sku, system)):
            return _otherwise(system, item, sku, names)
        called = f'"{sku}"' if sku else f"item {item}, which has no SKU there"
        elsewhere = sorted({named[sku] for named in self._named.values() if sku in named})
        hint = f"; another system calls {elsewhere[0]} so" if elsewhere else ""
        return Stopped(
            code="STK001",
            what=f"{system} tells of {called}: no other system lists it, and {ITEMS_FILE} does not name it{hint}",
            system=system,
            item=item,
            sku=sku,
            next_move=(
                f'add {system} = ["{sku or item}"] under names of the item in {ITEMS_FILE}, or list it there under ignore'
            ),
        )


_NO_NAMES: Mapping[str, str] = {}


def _names_by_system(inventory: Inventory) -> dict[str, dict[str, str]]:
    """System -> its name (SKU or id) -> our SKU."""
    found: dict[str, dict[str, str]] = {}
    for rule in inventory.items:
        for system, names in rule.names.items():
            found.setdefault(system, {}).update(dict.fromkeys(names, rule.sku))
    return found


def _declared(inventory: Inventory) -> Iterable[str]:
    yield from (rule.sku for rule in inventory.items)
    for kit in inventory.kits:
        yield from (kit.sku, *kit.of)


def _twins(
    system: str, items: Iterable[str], text: str, *, item: str = "", told: str = "", of: str = "the SKU"
) -> Stopped:
    named = ", ".join(dict.fromkeys(items))
    return Stopped(
        code="STK005",
        what=f'{system} has {of} "{text}" for several items: {named}; which of them is meant cannot be said',
        system=system,
        item=item,
        sku=told or text,
        next_move=f"give each an own SKU at {system}, or name them by their ids in {ITEMS_FILE}",
    )


def _changed(system: str, item: str, sku: str, texts: tuple[str, ...]) -> Stopped:
    listed = ", ".join(f'"{text}"' for text in texts)
    return Stopped(
        code="STK005",
        what=f"{system} calls item {item} by SKUs of different items: {listed}",
        system=system,
        item=item,
        sku=sku,
        next_move=f'read its items again, or say which it is: {system} = ["{item}"] under names in {ITEMS_FILE}',
    )


def _otherwise(system: str, item: str, sku: str, names: Iterable[str]) -> Stopped:
    """The file gives the SKU other names at this system, and then only these are it there."""
    listed = ", ".join(f'"{name}"' for name in names)
    return Stopped(
        code="STK001",
        what=f'{system} tells of "{sku}", and {ITEMS_FILE} has {listed} as its name at {system}: only what is listed is it there',
        system=system,
        item=item,
        sku=sku,
        next_move=f'add it there: {system} = [{listed}, "{sku}"] under names of {sku}, or give the item at {system} a SKU of its own',
    )


def _not_listed(channel: str, sku: str, *, named: bool) -> Stopped:
    """A channel sells what it lists: what the folder names there is missing, all else is not sold there."""
    return Stopped(
        code="STK001" if named else NOT_SOLD_THERE,
        what=f"{channel} lists no item that is {sku}",
        system=channel,
        sku=sku,
        next_move=f'create it there, or add {channel} = ["its SKU or id"] under names of {sku} in {ITEMS_FILE}',
    )

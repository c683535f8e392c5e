"""What a system says of its stock in our words: SKU, location, base units. What cannot be said stops, named, and is never zero."""

from collections.abc import Mapping
from decimal import Decimal

from interlock.flows.inventory import stop
from interlock.flows.inventory.amount import LIMIT, Share, allotted, in_bounds, packed, pieces, shares_of
from interlock.flows.inventory.identity import Catalogue, Identity
from interlock.flows.inventory.line import NOTHING, Ignored, Position, Stopped
from interlock.messaging.stock import Level
from interlock.strategy.inventory import Group, Inventory, ItemRule, Rounding, owner_of

__all__ = ["Catalogue", "Ignored", "Normaliser", "Position", "Stopped"]

EACH = frozenset({"each", "ea", "piece", "pieces", "pc", "pcs"})
"""Units that are one base unit wherever an item does not say otherwise, in small letters."""

MAY_BE_NEGATIVE = frozenset({"available", "on_hand"})
"""An owner that allows overselling counts these below zero (NetSuite, Shopify); of anything else less than none is a mistake."""

_PLAIN = ItemRule(sku="-")


class Normaliser:
    """Both directions of the map between systems and us. Built once per release; keeps no state but what it looked up."""

    def __init__(self, inventory: Inventory, catalogue: Catalogue) -> None:
        self._inventory = inventory
        self._identity = Identity(inventory, catalogue)
        self.sku = self._identity.sku
        self.item_at = self._identity.item_at
        self._rules = {rule.sku: rule for rule in inventory.items}
        self._locations = _locations(inventory)
        self._ignored_places = inventory.ignored_places
        self._shares: dict[tuple[str, str], tuple[Share, ...]] = {
            (channel, name): shares_of(location, channel)
            for name, location in inventory.locations.items()
            for channel in location.places
        }
        kits = {kit.sku: kit.of for kit in inventory.kits}
        self._kits = {sku: _base_components(sku, kits) for sku in kits}
        self._kits_with = _turned(self._kits)
        self._groups: dict[str, Group | None] = {}

    def level(self, system: str, level: Level) -> Position | Stopped | Ignored:
        """One line of a system. Only what the owner counts, completely understood, is a position."""
        if self.is_no_stock(system, level.location):
            return Ignored(system=system, item=level.item, sku=level.sku)
        sku = self.sku(system, level.item, level.sku, level.barcode)
        if not isinstance(sku, str):
            return stop.told_at(sku, level)
        location = self.location(system, level.location)
        if not isinstance(location, str):
            return stop.told_of(location, level)
        if (owner := self.owner(sku, location)) != system:
            return stop.signal(system, level, sku, location, owner)
        if sku in self._kits:
            return stop.derived(system, level, sku)
        return self._understood(system, level, sku, location)

    def signal(self, system: str, level: Level) -> Position | None:
        """What another system than the owner says of the same pieces, to be looked at beside them; None when it is not understood."""
        sku, location = self.sku(system, level.item, level.sku, level.barcode), self.location(system, level.location)
        if not isinstance(sku, str) or not isinstance(location, str) or sku in self._kits:
            return None
        found = self._understood(system, level, sku, location)
        return found if isinstance(found, Position) else None

    def _understood(self, system: str, level: Level, sku: str, location: str) -> Position | Stopped:
        rule = self._rules.get(sku, _PLAIN)
        factor = rule.pack.get(system, 1) if not level.unit else _factor(rule, level.unit)
        if factor is None:
            return stop.unknown_unit(system, level, sku)
        return _counted(system, level, sku, location, factor, rule.rounding)

    def is_no_stock(self, system: str, native: str) -> bool:
        """Whether `ignore` passes this place of a system over: what is counted or sold there is none of our pieces."""
        return (system, native) in self._ignored_places

    def location(self, system: str, native: str) -> str | Stopped:
        """Our location for a system's id. Of several that share a channel's place, the first in the file: see `locations`."""
        found = self._locations.get((system, native))
        return found[0] if found else stop.unknown_location(system, native)

    def locations(self, system: str, native: str) -> tuple[str, ...]:
        """All our locations that this place of a system stands for; a channel's place may show the sum of several."""
        return self._locations.get((system, native), ())

    def group(self, sku: str) -> Group | None:
        """The group of an item, for the terms of `[publish]` and for another owner."""
        try:
            return self._groups[sku]
        except KeyError:
            return self._groups.setdefault(sku, self._inventory.group_of(sku))

    def owner(self, sku: str, location: str) -> str:
        """The system whose count of this item at this location is the truth."""
        group = self.group(sku) if self._inventory.groups else None
        return owner_of(location, self._inventory.locations[location], group)

    def places(self, channel: str, location: str, _sku: str = "") -> tuple[Share, ...]:
        """Where a channel shows this location, and which part each place shows; empty where it does not."""
        return self._shares.get((channel, location), ())

    def pack(self, channel: str, sku: str) -> int:
        """How many pieces the system counts or sells as one."""
        rule = self._rules.get(sku)
        return rule.pack.get(channel, 1) if rule else 1

    def shown(self, channel: str, location: str, sku: str, quantity: int) -> tuple[dict[str, int], int]:
        """What each of the channel's places shows of so many pieces, in its own packs, and the pieces that make no full pack,
        which stay with the owner. Nothing is lost: packs times pack plus the remainder is the quantity."""
        shares = self.places(channel, location)
        if not shares:
            return {}, quantity
        packs, remainder = packed(quantity, self.pack(channel, sku))
        return allotted(packs, shares), remainder

    def taken(self, channel: str, sku: str, quantity: int) -> dict[str, int]:
        """Pieces by SKU that so many of a channel's selling units take: packs opened, kits taken apart."""
        count = quantity * self.pack(channel, sku)
        return {part: count * each for part, each in (self._kits.get(sku) or {sku: 1}).items()}

    def components(self, sku: str) -> Mapping[str, int]:
        """Pieces of each item in one kit, kits inside it taken apart; empty for what is no kit."""
        return self._kits.get(sku, {})

    def kits_with(self, sku: str) -> tuple[str, ...]:
        """The kits that need this item, whatever lies between."""
        return self._kits_with.get(sku, ())


def _counted(system: str, level: Level, sku: str, location: str, factor: int, rounding: Rounding) -> Position | Stopped:
    quantities: dict[str, int] = {}
    remainders: dict[str, Decimal] = {}
    for name, told in level.quantities.items():
        if not in_bounds(told) or (told < 0 and name not in MAY_BE_NEGATIVE):
            return stop.out_of_bounds(system, level, sku, name)
        found = pieces(told, factor, rounding)
        if found is None:
            return stop.part_of_a_piece(system, level, sku, name, factor)
        quantities[name], remainder = found
        if remainder:
            remainders[name] = remainder
        if not -LIMIT <= quantities[name] <= LIMIT:
            return stop.out_of_bounds(system, level, sku, name)
    if not quantities:
        return stop.no_number(system, level, sku)
    return Position(
        sku=sku, location=location, place=level.location, item=level.item, quantities=quantities,
        remainders=remainders or NOTHING, unit=level.unit,
    )  # fmt: skip


def _factor(rule: ItemRule, unit: str) -> int | None:
    """Pieces in a unit that a system tells; None when nobody said."""
    return rule.units.get(unit) or (1 if unit.lower() in EACH else None)


def _locations(inventory: Inventory) -> dict[tuple[str, str], tuple[str, ...]]:
    """(system, its place) -> our locations, in the order of the file."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for name, location in inventory.locations.items():
        for system, places in location.places.items():
            for place in places:
                found[system, place] = (*found.get((system, place), ()), name)
    return found


def _base_components(sku: str, kits: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Pieces of each item in a kit, kits inside it taken apart. Checked folders have no kit inside itself (STR376)."""
    found: dict[str, int] = {}
    for part, count in kits[sku].items():
        for base, each in (_base_components(part, kits) if part in kits else {part: 1}).items():
            found[base] = found.get(base, 0) + count * each
    return found


def _turned(kits: Mapping[str, Mapping[str, int]]) -> dict[str, tuple[str, ...]]:
    """Component -> the kits that need it."""
    found: dict[str, tuple[str, ...]] = {}
    for kit, parts in kits.items():
        for part in parts:
            found[part] = (*found.get(part, ()), kit)
    return found

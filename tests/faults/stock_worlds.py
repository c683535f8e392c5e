"""Random worlds of stock: items with names, packs and units of their own at each system, locations split and joined; and what a
naive converter makes of them."""

import random
from decimal import ROUND_FLOOR, Decimal
from typing import NamedTuple

from listed_items import ListedItems

from interlock.messaging.stock import Item, Level
from interlock.strategy.inventory import Inventory, ItemRule, Location

OWNERS, CHANNELS = ("wms", "erp"), ("shop", "amazon", "pos")
UNITS = {"EA": 1, "CS": 12, "BOX": 6, "PAL": 480}
SHARES = ((0.5, "rest"), (0.7, 0.3), (0.29, "rest"), (0.3333, "rest"), (0.9, 0.1))
NOBODY_KNOWS = {"sku": "STK001", "location": "STK002", "unit": "STK003"}


class Truth(NamedTuple):
    """A line, and what it is: so many pieces of an item at a location; or the code with which it has to stop."""

    system: str
    line: Level
    sku: str
    location: str
    pieces: Decimal
    code: str = ""


class World(NamedTuple):
    """A mapping, what all systems list, and the lines that the owners tell."""

    inventory: Inventory
    catalogue: ListedItems
    lines: list[Truth]


def random_world(chance: random.Random) -> World:
    """One mapping of a few items and locations, with a line that nobody can understand."""
    skus = [f"SKU-{number}" for number in range(chance.randint(1, 3))]
    rules = {sku: _rule(sku, chance) for sku in skus}
    locations = {f"place-{number}": _location(number, chance) for number in range(chance.randint(1, 3))}
    catalogue = ListedItems()
    for system in (*OWNERS, *CHANNELS):
        catalogue.put(system, [Item(item=_item(system, sku), sku=_name(rules[sku], system)) for sku in skus])
    lines = [
        _line(rules[sku], name, location, place, chance)
        for sku in skus
        for name, location in locations.items()
        for place in location.places[location.owner]
    ]
    lines.append(_nobody_knows(chance.choice(lines), chance))
    needed = tuple(rule for rule in rules.values() if rule != ItemRule(sku=rule.sku))
    return World(Inventory(locations, needed), catalogue, lines)


def _rule(sku: str, chance: random.Random) -> ItemRule:
    """Other names, by SKU or by id, units and packs, or nothing of all that."""
    systems = [system for system in (*OWNERS, *CHANNELS) if chance.random() < 0.4]
    return ItemRule(
        sku=sku,
        names={system: [chance.choice((f"{system}.{sku}", _item(system, sku)))] for system in systems},
        units={unit: count for unit, count in UNITS.items() if chance.random() < 0.7},
        pack={system: chance.choice((2, 6, 12, 144)) for system in (*OWNERS, *CHANNELS) if chance.random() < 0.3},
        rounding=chance.choice(("down", "up")),
    )


def _item(system: str, sku: str) -> str:
    return f"{system}-id-{sku}"


def _name(rule: ItemRule, system: str) -> str:
    """What the system shows as SKU: the alias, its own word where the file goes by the id, or our SKU."""
    named = rule.names.get(system)
    if not named:
        return rule.sku
    return f"{system}/house-number" + rule.sku if named[0].startswith(f"{system}-id-") else named[0]


def _location(number: int, chance: random.Random) -> Location:
    """One or several places at the owner; each channel shows it at one place of its own, at several, or all at one."""
    owner = chance.choice(OWNERS)
    places = {owner: [f"{owner}-{number}-{place}" for place in range(chance.randint(1, 2))]}
    split: dict[str, dict[str, float | str]] = {}
    for channel in CHANNELS:
        how = chance.choice(("one", "several", "joined", "none"))
        if how == "several":
            places[channel] = [f"{channel}-{number}-{place}" for place in range(2)]
            split[channel] = dict(zip(places[channel], chance.choice(SHARES), strict=True))
        elif how != "none":
            places[channel] = [f"{channel}-all" if how == "joined" else f"{channel}-{number}"]
    return Location(owner, places, split)


def _line(rule: ItemRule, name: str, location: Location, place: str, chance: random.Random) -> Truth:
    system = location.owner
    unit = chance.choice(["", *rule.units])
    factor = rule.units[unit] if unit else rule.pack.get(system, 1)
    told = Decimal(chance.randint(0, 5_000)) + chance.choice((Decimal(0), Decimal("0.5"), Decimal("0.37")))
    line = Level(
        item=_item(system, rule.sku), sku=_name(rule, system), location=place, unit=unit, quantities={"available": told}
    )
    return Truth(system, line, rule.sku, name, told * factor)


def _nobody_knows(truth: Truth, chance: random.Random) -> Truth:
    """The same line with one word that nobody knows."""
    what = chance.choice(list(NOBODY_KNOWS))
    old = truth.line
    line = Level(
        item="item-of-nobody" if what == "sku" else old.item,
        sku="SKU-OF-NOBODY" if what == "sku" else old.sku,
        location="nowhere" if what == "location" else old.location,
        unit="FURLONG" if what == "unit" else old.unit,
        quantities=old.quantities,
    )
    return Truth(truth.system, line, "", "", truth.pieces, NOBODY_KNOWS[what])


def naive_total(world: World) -> int:
    """What is usually written instead: look the SKU up or take it as it is, whole units per line, nothing for what is unknown."""
    aliases = {
        (system, name): rule.sku
        for rule in world.inventory.items
        for system, names in rule.names.items()
        for name in names
    }
    rules = {rule.sku: rule for rule in world.inventory.items}
    places = {
        place
        for location in world.inventory.locations.values()
        for names in location.places.values()
        for place in names
    }
    total = 0
    for truth in world.lines:
        rule = rules.get(aliases.get((truth.system, truth.line.sku), truth.line.sku))
        factor = rule.units.get(truth.line.unit, 1) if rule else 1
        whole = int(truth.line.quantities["available"].to_integral_value(ROUND_FLOOR))
        total += whole * factor if truth.line.location in places else 0
    return total


def naive_shown(quantity: int, pack: int, parts: list[float]) -> int:
    """Pieces that all places of a channel together would sell: packs rounded, each share rounded by itself."""
    return sum(round(round(quantity / pack) * part) for part in parts) * pack

"""What a place of a channel should show, once more and by hand, from what the sources count: it reads the folder as data, and uses
none of the code that works it out in the hub."""

import math
from collections.abc import Mapping
from fractions import Fraction

from interlock.strategy.inventory import Inventory, Location, Publish

Counts = Mapping[tuple[str, str, str], int]
"""(system, its place, SKU) -> the pieces that it counts there."""
TERMS = ("safety_stock", "buffer", "share", "cap", "floor")


def right(folder: Inventory, publish: Publish, counts: Counts, channel: str, place: str, sku: str) -> int:
    """The units that this place should show of the SKU when everything is known everywhere."""
    parts = next((kit.of for kit in folder.kits if kit.sku == sku), {sku: 1})
    names = [
        name
        for name, one in folder.locations.items()
        if place in one.places.get(channel, []) and owner(folder, name, sku) != channel
    ]
    total = 0
    for name in names:
        kits = min(_free(folder, publish, counts, channel, name, part) // number for part, number in parts.items())
        mine = math.floor(kits * Fraction(str(_terms(publish, channel, _group(folder, sku), name)["share"])))
        total += _split(folder.locations[name], channel, mine // _pack(folder, channel, sku))[place]
    terms = _terms(publish, channel, _group(folder, sku), names[0] if len(names) == 1 else "")
    if terms["cap"]:
        total = min(total, int(terms["cap"]))
    return total if total >= terms["floor"] else 0


def owner(folder: Inventory, name: str, sku: str) -> str:
    """Who counts the item there."""
    for group in folder.groups:
        if group.name == _group(folder, sku) and group.owner and (not group.at or name in group.at):
            return group.owner
    return folder.locations[name].owner


def _free(folder: Inventory, publish: Publish, counts: Counts, channel: str, name: str, sku: str) -> int:
    """Pieces at one of our locations that may be shown."""
    counting = owner(folder, name, sku)
    there = sum(counts[counting, place, sku] for place in folder.locations[name].places[counting])
    terms = _terms(publish, channel, _group(folder, sku), name)
    return max(0, there - int(terms["safety_stock"]) - int(terms["buffer"]))


def _split(location: Location, channel: str, units: int) -> dict[str, int]:
    """Whole units at each of the channel's places that show the location; what rounding leaves goes to the rest."""
    shares = location.split.get(channel) or {location.places[channel][0]: "rest"}
    found = {place: math.floor(units * Fraction(str(share))) for place, share in shares.items() if share != "rest"}
    (rest,) = (place for place, share in shares.items() if share == "rest")
    return {**found, rest: units - sum(found.values())}


def _terms(publish: Publish, channel: str, group: str, name: str) -> dict[str, float]:
    found = {key: getattr(publish, key) for key in TERMS}
    for rule in publish.rule:
        fits = rule.channel in ("", channel) and rule.group in ("", group) and rule.location in ("", name)
        found |= {key: value for key in TERMS if fits and (value := getattr(rule, key)) is not None}
    return found


def _group(folder: Inventory, sku: str) -> str:
    """Its pattern is a beginning and a star, in these worlds."""
    begins = ((group.name, text.removesuffix("*")) for group in folder.groups for text in group.skus)
    return next((name for name, text in begins if sku.startswith(text)), "")


def _pack(folder: Inventory, channel: str, sku: str) -> int:
    return next((rule.pack.get(channel, 1) for rule in folder.items if rule.sku == sku), 1)

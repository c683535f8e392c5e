"""STR370-STR375, STR389: where stock lies: systems that exist, owners that count where they own, places that are shown once."""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from interlock.strategy.checks.base import Check, Example
from interlock.strategy.checks.stock import STOCK, WMS, counts_something, shown_by
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.inventory import REST, Location
from interlock.strategy.positions import Path

LOCATIONS = "inventory/locations.toml"
CICERO = '[cicero]\nowner = "erp"\nplaces = { erp = ["156"], shop = ["24826418"] }\n'
_RENO = '[reno]\nowner = "erp"\nplaces = { erp = ["157"], shop = ["77"] }\n'
_TWO = '[cicero]\nowner = "erp"\nplaces = { erp = ["156"], shop = ["24826418", "77"] }\n'


def _locations(text: str) -> Example:
    return Example(LOCATIONS, text, whole=True)


class StockSystem(Check):
    code = "STR370"
    title = "Stock names a system that does not exist"
    why = "places, names, packs and owners are those of systems in this folder"
    bad = _locations(CICERO.replace("shop =", "shopp ="))
    good = _locations(CICERO)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for name, file, path, is_key in (*_systems_of_locations(folder), *_systems_of_items(folder)):
            if name and name not in folder.systems:
                what = f'{file.path}: unknown system "{name}"'
                yield self.finding(file, path, what, next_move=did_you_mean(name, folder.systems), at_key=is_key)


Named = tuple[str, TomlFile[Any], Path, bool]
"""A system, the file and the place where it is named, and whether it is a key there."""


def _systems_of_locations(folder: Folder) -> Iterator[Named]:
    file = folder.locations
    yield from ((system, file, ("ignore", system), True) for system in folder.no_stock.ignore)
    for name, location in folder.inventory.locations.items():
        yield location.owner, file, (name, "owner"), False
        for key in ("places", "split"):
            yield from ((system, file, (name, key, system), True) for system in getattr(location, key))


def _systems_of_items(folder: Folder) -> Iterator[Named]:
    for rule, file, path in folder.item_rows():
        yield from ((system, file, (*path, "names", system), True) for system in rule.names)
        yield from ((system, file, (*path, "pack", system), True) for system in rule.pack)
    yield from ((group.owner, file, (*path, "owner"), False) for group, file, path in folder.group_rows())


class OwnerCountsThere(Check):
    code = "STR371"
    title = "An owner has no place at the location that it owns"
    why = "the owner's counts are known by its own id of the place; without one nothing would ever be counted there"
    bad = _locations(CICERO.replace('"erp"', '"crm"'))
    good = _locations(CICERO)

    def run(self, folder: Folder) -> Iterable[Finding]:
        locations = folder.inventory.locations
        for name, location in locations.items():
            if location.owner in folder.systems and location.places and location.owner not in location.places:
                what = f"{LOCATIONS}: {name} is owned by {location.owner}, which has no place there"
                hint = (
                    f'add {location.owner} = ["..."] under places, or name as owner one of: {_listed(location.places)}'
                )
                yield self.finding(folder.locations, (name, "owner"), what, next_move=hint)
        for group, file, path in folder.group_rows():
            wanted = {name: locations[name] for name in group.at or locations if name in locations}
            if group.owner in folder.systems and not any(group.owner in one.places for one in wanted.values()):
                where = _listed(group.at) if group.at else "any location"
                what = f"{file.path}: group {group.name} is owned by {group.owner}, which has no place at {where}"
                hint = f"add {group.owner} under places in {LOCATIONS}, or take owner out"
                yield self.finding(file, (*path, "owner"), what, next_move=hint)


class OnePlaceTwice(Check):
    code = "STR372"
    title = "A place where a system counts is two locations"
    why = "each of its counts would be taken twice; only a channel that counts nothing there may show a sum"
    bad = _locations(CICERO + _RENO.replace("157", "156"))
    good = _locations(CICERO + _RENO.replace('"77"', '"24826418"'))

    def run(self, folder: Folder) -> Iterable[Finding]:
        written = {(shown.channel, shown.place) for shown in shown_by(folder)}
        for (system, place), names in sorted(_named_places(folder).items()):
            counted = [name for name in names if counts_something(folder, system, name, _at(folder, name))]
            if len(names) < 2 or not counted or (len(counted) == 1 and (system, place) in written):
                continue
            path = _path_of(folder, names[-1], system, place)
            what = f'{LOCATIONS}: "{place}" of {system}, where it counts, is {_listed(names)}'
            yield self.finding(folder.locations, path, what, next_move="keep it in one of them")


class IgnoredPlace(Check):
    code = "STR389"
    title = "A place is ignored and is a location too"
    why = "one line says that stock lies there and the other that what lies there is none"
    bad = _locations('ignore = { erp = ["156", "999"] }\n' + CICERO)
    good = _locations('ignore = { erp = ["999"] }\n' + CICERO)

    def run(self, folder: Folder) -> Iterable[Finding]:
        named = _named_places(folder)
        for system, places in folder.no_stock.ignore.items():
            for index, place in enumerate(places):
                if names := named.get((system, place)):
                    what = f'{LOCATIONS}: "{place}" of {system} is ignored, and is {_listed(names)}'
                    hint = f"take it out of ignore, or out of the places of {_listed(names)}"
                    yield self.finding(folder.locations, ("ignore", system, index), what, next_move=hint)


class OwnerIsWritten(Check):
    code = "STR373"
    title = "A place is counted by its system and written by a flow"
    why = "a system that counts its own store is the truth there; a number of somebody else would erase its sales and returns"
    bad = Example(
        LOCATIONS,
        '[store]\nowner = "shop"\nplaces = { shop = ["77"] }\n[cicero]\nowner = "wms"\nplaces = { wms = ["156"], shop = ["77"] }\n',
        whole=True,
        beside=(WMS, STOCK),
    )
    good = Example(
        LOCATIONS,
        '[store]\nowner = "shop"\nplaces = { shop = ["77"] }\n[cicero]\nowner = "wms"\nplaces = { wms = ["156"], shop = ["1"] }\n',
        whole=True,
        beside=(WMS, STOCK),
    )

    def run(self, folder: Folder) -> Iterable[Finding]:
        owned = {
            (system, place): name
            for (system, place), names in _named_places(folder).items()
            for name in names
            if counts_something(folder, system, name, _at(folder, name))
        }
        told: set[tuple[str, str]] = set()
        for shown in shown_by(folder):
            name, key = owned.get((shown.channel, shown.place)), (shown.channel, shown.place)
            if name and key not in told:
                told.add(key)
                what = f'{LOCATIONS}: flow {shown.flow} would write "{shown.place}" of {shown.channel}, which counts there itself'
                why = f"it is an owner at {name}; {self.why}"
                hint = (
                    f'take "{shown.place}" out of {shown.location}, or give what {shown.channel} counts another owner'
                )
                path = _path_of(folder, shown.location, *key)
                yield self.finding(folder.locations, path, what, why=why, next_move=hint)


class Split(Check):
    code = "STR374"
    title = "A split does not add up"
    why = "every piece is shown at one place and none at two: shares make 1, or less with one place that takes the rest"
    bad = _locations(_TWO + 'split = { shop = { "24826418" = 0.7, "77" = 0.4 } }\n')
    good = _locations(_TWO + 'split = { shop = { "24826418" = 0.7, "77" = "rest" } }\n')

    def run(self, folder: Folder) -> Iterable[Finding]:
        for name, location in folder.inventory.locations.items():
            for system, parts in location.split.items():
                if problem := _split_problem(location.places.get(system, []), parts):
                    what = f"{LOCATIONS}: {name}: the split at {system} {problem[0]}"
                    yield self.finding(
                        folder.locations, (name, "split", system), what, next_move=problem[1], at_key=True
                    )


def _split_problem(places: list[str], parts: Mapping[str, float | str]) -> tuple[str, str] | None:
    """What is wrong with a split, and what to do."""
    rests = [place for place, part in parts.items() if part == REST]
    total = sum(Fraction(str(part)) for part in parts.values() if part != REST)
    if unknown := [place for place in parts if place not in places]:
        return f"names {_listed(unknown)}, no place of it there", did_you_mean(
            unknown[0], places
        ) or "add it under places"
    if missing := [place for place in places if place not in parts]:
        return f"leaves out {_listed(missing)}", f'give it a share, or "{REST}"'
    if len(rests) > 1:
        return f"gives the rest to {_listed(rests)}", "give it to one of them"
    if rests and total >= 1:
        return (
            f"leaves nothing for {rests[0]}: the shares make {float(total):g}",
            "shares beside a rest make less than 1",
        )
    if not rests and total != 1:
        return f"makes {float(total):g} in all", f'make it 1, or write "{REST}" for one of the places'
    return None


class PlacesWithoutSplit(Check):
    code = "STR375"
    title = "A channel shows a location at several places, and nothing says how much at each"
    why = "all of it at each of them would be sold as often as there are places"
    bad = Example(LOCATIONS, _TWO.replace("erp", "wms"), whole=True, beside=(WMS, STOCK))
    good = Example(
        LOCATIONS,
        _TWO.replace("erp", "wms") + 'split = { shop = { "24826418" = 0.7, "77" = "rest" } }\n',
        whole=True,
        beside=(WMS, STOCK),
    )

    def run(self, folder: Folder) -> Iterable[Finding]:
        for channel, name in dict.fromkeys((shown.channel, shown.location) for shown in shown_by(folder)):
            location = _at(folder, name)
            if len(location.places[channel]) > 1 and channel not in location.split:
                places = location.places[channel]
                what = f"{LOCATIONS}: {name} is {_listed(places)} at {channel}, and no split"
                hint = f'write split = {{ {channel} = {{ "{places[0]}" = 0.5, "{places[1]}" = "{REST}" }} }}'
                yield self.finding(folder.locations, (name, "places", channel), what, next_move=hint, at_key=True)


def _named_places(folder: Folder) -> dict[tuple[str, str], list[str]]:
    """(system, its place) -> the locations that it is."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, location in folder.inventory.locations.items():
        for system, places in location.places.items():
            for place in places:
                found.setdefault((system, place), []).append(name)
    return found


def _at(folder: Folder, name: str) -> Location:
    return folder.inventory.locations[name]


def _path_of(folder: Folder, name: str, system: str, place: str) -> Path:
    return (name, "places", system, _at(folder, name).places[system].index(place))


def _listed(names: Iterable[str]) -> str:
    return " and ".join(names)

"""STR370-STR379: inventory/*.toml: places, owners, splits, names, kits, groups that are true together."""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from interlock.strategy.checks.base import Check, Example
from interlock.strategy.checks.stock import STOCK, WMS, counts_something, shown_by
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder
from interlock.strategy.inventory import REST, Location, pattern_of
from interlock.strategy.positions import Path

LOCATIONS, ITEMS = "inventory/locations.toml", "inventory/items.toml"
CICERO = '[cicero]\nowner = "erp"\nplaces = { erp = ["156"], shop = ["24826418"] }\n'
_RENO = '[reno]\nowner = "erp"\nplaces = { erp = ["157"], shop = ["77"] }\n'
_PLACES = Example(LOCATIONS, CICERO, whole=True)
_TWO = '[cicero]\nowner = "erp"\nplaces = { erp = ["156"], shop = ["24826418", "77"] }\n'


def _locations(text: str) -> Example:
    return Example(LOCATIONS, text, whole=True)


def _items(text: str) -> Example:
    return Example(ITEMS, text, whole=True, beside=(_PLACES,))


class StockSystem(Check):
    code = "STR370"
    title = "Stock names a system that does not exist"
    why = "places, names, packs and owners are those of systems in this folder"
    bad = _locations(CICERO.replace("shop =", "shopp ="))
    good = _locations(CICERO)

    def run(self, folder: Folder) -> Iterable[Finding]:
        for name, path, is_key in (*_systems_of_locations(folder.inventory.locations), *_systems_of_items(folder)):
            if name and name not in folder.systems:
                file = folder.stock_items if path[0] in ("item", "group") else folder.locations
                what = f'{file.path}: unknown system "{name}"'
                hint = did_you_mean(name, folder.systems)
                yield self.finding(file, path, what, next_move=hint, at_key=is_key)


def _systems_of_locations(locations: dict[str, Location]) -> Iterator[tuple[str, Path, bool]]:
    for name, location in locations.items():
        yield location.owner, (name, "owner"), False
        for key in ("places", "split"):
            yield from ((system, (name, key, system), True) for system in getattr(location, key))


def _systems_of_items(folder: Folder) -> Iterator[tuple[str, Path, bool]]:
    for index, rule in enumerate(folder.inventory.items):
        for key in ("names", "pack"):
            yield from ((system, ("item", index, key, system), True) for system in getattr(rule, key))
    for index, group in enumerate(folder.inventory.groups):
        yield group.owner, ("group", index, "owner"), False


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
        for index, group in enumerate(folder.inventory.groups):
            wanted = {name: locations[name] for name in group.at or locations if name in locations}
            if group.owner in folder.systems and not any(group.owner in one.places for one in wanted.values()):
                where = _listed(group.at) if group.at else "any location"
                what = f"{ITEMS}: group {group.name} is owned by {group.owner}, which has no place at {where}"
                hint = f"add {group.owner} under places in {LOCATIONS}, or take owner out"
                yield self.finding(folder.stock_items, ("group", index, "owner"), what, next_move=hint)


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


class KitLoop(Check):
    code = "STR376"
    title = "A kit contains itself"
    why = "its stock is the least of its components, each of which must end in something that is counted"
    bad = _items(
        '[[kit]]\nsku = "SET-1"\nof = { "SET-2" = 1 }\n[[kit]]\nsku = "SET-2"\nof = { "SET-1" = 1, "CAP-1" = 1 }\n'
    )
    good = _items(
        '[[kit]]\nsku = "SET-1"\nof = { "SET-2" = 1 }\n[[kit]]\nsku = "SET-2"\nof = { "TEE-1" = 1, "CAP-1" = 1 }\n'
    )

    def run(self, folder: Folder) -> Iterable[Finding]:
        kits = {kit.sku: tuple(kit.of) for kit in folder.inventory.kits}
        told: set[str] = set()
        for index, kit in enumerate(folder.inventory.kits):
            loop = [] if kit.sku in told else _way_back(kit.sku, kits)
            if loop:
                told.update(loop)
                what = f"{ITEMS}: {' contains '.join((kit.sku, *loop))}"
                yield self.finding(folder.stock_items, ("kit", index, "of"), what, next_move="take one of them out")


def _way_back(start: str, kits: dict[str, tuple[str, ...]]) -> list[str]:
    """The kits from one of its components to itself, itself last; empty when there is no such way."""
    ways = [[part] for part in kits.get(start, ())]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        if way[-1] == start:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            ways.extend([*way, part] for part in kits.get(way[-1], ()))
    return []


class NamedTwice(Check):
    code = "STR377"
    title = "An item, a kit or a group is written twice, or one name or barcode means two items"
    why = "which of both is meant would be a guess, and stock is never guessed"
    bad = _items(
        '[[item]]\nsku = "TEE-1"\nnames = { erp = ["T1"] }\n[[item]]\nsku = "TEE-2"\nnames = { erp = ["T1"] }\n'
    )
    good = _items(
        '[[item]]\nsku = "TEE-1"\nnames = { erp = ["T1"] }\n[[item]]\nsku = "TEE-2"\nnames = { erp = ["T2"] }\n'
    )

    def run(self, folder: Folder) -> Iterable[Finding]:
        first: dict[tuple[str, str], str] = {}
        written: set[tuple[str, str]] = set()
        for kind, name, means, path in _names(folder):
            known = first.setdefault((kind, name), means)
            again = (kind, name) in written
            written.add((kind, name))
            if known != means or (again and kind in _ONCE):
                of = f"is {known} and {means}" if known != means else "is written twice"
                what = f'{ITEMS}: {kind} "{name}" {of}'
                yield self.finding(folder.stock_items, path, what, next_move="keep one")


_ONCE = frozenset({"item", "kit", "group"})


def _names(folder: Folder) -> Iterator[tuple[str, str, str, Path]]:
    """(kind of name, name, whose it is, where it is written)."""
    said = folder.inventory
    yield from (("item", row.sku, row.sku, ("item", at, "sku")) for at, row in enumerate(said.items) if row.sku)
    yield from (("kit", row.sku, row.sku, ("kit", at, "sku")) for at, row in enumerate(said.kits) if row.sku)
    yield from (("group", row.name, row.name, ("group", at, "name")) for at, row in enumerate(said.groups) if row.name)
    for index, rule in enumerate(said.items):
        if rule.barcode:
            yield "barcode", rule.barcode, rule.sku, ("item", index, "barcode")
        for system, names in rule.names.items():
            yield from (
                (f"the name at {system}", name, rule.sku, ("item", index, "names", system, at))
                for at, name in enumerate(names)
            )


class GroupParts(Check):
    code = "STR378"
    title = "A group or location that items name does not exist"
    why = "a rule for nobody, or for nowhere, would look as if it did something"
    bad = _items('[[item]]\nsku = "TEE-1"\ngroup = "aparel"\n[[group]]\nname = "apparel"\nskus = ["TEE-*"]\n')
    good = _items('[[item]]\nsku = "TEE-1"\ngroup = "apparel"\n[[group]]\nname = "apparel"\nskus = ["TEE-*"]\n')

    def run(self, folder: Folder) -> Iterable[Finding]:
        groups = {group.name for group in folder.inventory.groups}
        for index, rule in enumerate(folder.inventory.items):
            if rule.group and rule.group not in groups:
                what = f'{ITEMS}: {rule.sku} is of the group "{rule.group}", which does not exist'
                hint = did_you_mean(rule.group, groups)
                yield self.finding(folder.stock_items, ("item", index, "group"), what, next_move=hint)
        known = folder.inventory.locations
        for index, group in enumerate(folder.inventory.groups):
            for at, name in enumerate(group.at):
                if name not in known:
                    what = f'{ITEMS}: group {group.name} names the location "{name}", which does not exist'
                    hint = did_you_mean(name, known)
                    yield self.finding(folder.stock_items, ("group", index, "at", at), what, next_move=hint)


class IgnoredItem(Check):
    code = "STR379"
    title = "An item that is written here is ignored"
    why = "one line says what it is and the other that it is no stock"
    bad = _items('ignore = ["PKG-*"]\n[[item]]\nsku = "PKG-1"\nunits = { CS = 12 }\n')
    good = _items('ignore = ["PKG-*"]\n[[item]]\nsku = "TEE-1"\nunits = { CS = 12 }\n')

    def run(self, folder: Folder) -> Iterable[Finding]:
        said = folder.inventory
        ignored = pattern_of(said.ignore)
        written: list[tuple[Path, tuple[str, ...]]] = [
            (("item", index), (row.sku,)) for index, row in enumerate(said.items)
        ]
        written += [(("kit", index), (row.sku, *row.of)) for index, row in enumerate(said.kits)]
        for path, skus in written:
            for sku in filter(ignored.fullmatch, skus):
                what = f'{ITEMS}: "{sku}" is written here and fits ignore'
                hint = "narrow the pattern, or take the item out"
                yield self.finding(folder.stock_items, path, what, next_move=hint, at_key=True)


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

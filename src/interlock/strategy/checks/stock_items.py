"""STR376-STR379: inventory/items.toml: kits that end in items, names that mean one item, groups that exist."""

from collections.abc import Iterable, Iterator

from interlock.strategy.checks.base import Check, Example
from interlock.strategy.checks.inventory import CICERO, ITEMS, LOCATIONS
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder
from interlock.strategy.inventory import pattern_of
from interlock.strategy.positions import Path

_PLACES = Example(LOCATIONS, CICERO, whole=True)


def _items(text: str) -> Example:
    return Example(ITEMS, text, whole=True, beside=(_PLACES,))


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

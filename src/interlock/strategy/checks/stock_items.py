"""STR376-STR379: inventory/items.toml and inventory/items/*.toml: kits that end in items, names that mean one item, groups that exist."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from interlock.strategy.checks.base import Check, Example
from interlock.strategy.checks.inventory import CICERO, LOCATIONS
from interlock.strategy.finding import Finding, did_you_mean
from interlock.strategy.folder import Folder, TomlFile
from interlock.strategy.inventory import ItemsFile, pattern_of
from interlock.strategy.positions import Path

ITEMS = "inventory/items.toml"
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
        for kit, file, path in folder.kit_rows():
            loop = [] if kit.sku in told else _way_back(kit.sku, kits)
            if loop:
                told.update(loop)
                what = f"{file.path}: {' contains '.join((kit.sku, *loop))}"
                yield self.finding(file, (*path, "of"), what, next_move="take one of them out")


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
        first: dict[tuple[str, str], _Name] = {}
        for name in _names(folder):
            known = first.setdefault((name.kind, name.text), name)
            if known.means != name.means or (known is not name and name.kind in _ONCE):
                of = f"is {known.means} and {name.means}" if known.means != name.means else "is written twice"
                what = f'{name.file.path}: {name.kind} "{name.text}" {of}'
                hint = f"keep one; the first stands at {known.file.path}:{known.file.at(known.path).line}"
                yield self.finding(name.file, name.path, what, next_move=hint)


_ONCE = frozenset({"item", "kit", "group"})


class _Name(NamedTuple):
    """`text` is a name of this kind for `means`, written at `path` of `file`."""

    kind: str
    text: str
    means: str
    file: TomlFile[ItemsFile]
    path: Path


def _names(folder: Folder) -> Iterator[_Name]:
    yield from (
        _Name("item", row.sku, row.sku, file, (*path, "sku")) for row, file, path in folder.item_rows() if row.sku
    )
    yield from (
        _Name("kit", row.sku, row.sku, file, (*path, "sku")) for row, file, path in folder.kit_rows() if row.sku
    )
    yield from (
        _Name("group", row.name, row.name, file, (*path, "name")) for row, file, path in folder.group_rows() if row.name
    )
    for rule, file, path in folder.item_rows():
        if rule.barcode:
            yield _Name("barcode", rule.barcode, rule.sku, file, (*path, "barcode"))
        for system, names in rule.names.items():
            kind = f"the name at {system}"
            yield from (
                _Name(kind, name, rule.sku, file, (*path, "names", system, at)) for at, name in enumerate(names)
            )


class GroupParts(Check):
    code = "STR378"
    title = "A group or location that items name does not exist"
    why = "a rule for nobody, or for nowhere, would look as if it did something"
    bad = _items('[[item]]\nsku = "TEE-1"\ngroup = "aparel"\n[[group]]\nname = "apparel"\nskus = ["TEE-*"]\n')
    good = _items('[[item]]\nsku = "TEE-1"\ngroup = "apparel"\n[[group]]\nname = "apparel"\nskus = ["TEE-*"]\n')

    def run(self, folder: Folder) -> Iterable[Finding]:
        groups = {group.name for group in folder.inventory.groups}
        for rule, file, path in folder.item_rows():
            if rule.group and rule.group not in groups:
                what = f'{file.path}: {rule.sku} is of the group "{rule.group}", which does not exist'
                hint = did_you_mean(rule.group, groups)
                yield self.finding(file, (*path, "group"), what, next_move=hint)
        known = folder.inventory.locations
        for group, file, path in folder.group_rows():
            for at, name in enumerate(group.at):
                if name not in known:
                    what = f'{file.path}: group {group.name} names the location "{name}", which does not exist'
                    hint = did_you_mean(name, known)
                    yield self.finding(file, (*path, "at", at), what, next_move=hint)


class IgnoredItem(Check):
    code = "STR379"
    title = "An item that is written here is ignored"
    why = "one line says what it is and the other that it is no stock"
    bad = _items('ignore = ["PKG-*"]\n[[item]]\nsku = "PKG-1"\nunits = { CS = 12 }\n')
    good = _items('ignore = ["PKG-*"]\n[[item]]\nsku = "TEE-1"\nunits = { CS = 12 }\n')

    def run(self, folder: Folder) -> Iterable[Finding]:
        is_ignored = pattern_of(folder.inventory.ignore).fullmatch
        items = ((file, path, (row.sku,)) for row, file, path in folder.item_rows())
        kits = ((file, path, (row.sku, *row.of)) for row, file, path in folder.kit_rows())
        for file, path, skus in (*items, *kits) if folder.inventory.ignore else ():
            for sku in filter(is_ignored, skus):
                what = f'{file.path}: "{sku}" is written here and fits ignore'
                hint = "narrow the pattern, or take the item out"
                yield self.finding(file, path, what, next_move=hint, at_key=True)

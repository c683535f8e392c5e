"""The parsed folder as the checks see it: each file with its data, its struct, its problems and its places."""

import re
import tomllib
from collections.abc import Callable, Iterator
from copy import copy
from datetime import date
from functools import cached_property, lru_cache
from pathlib import PurePosixPath
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec import Struct

from interlock.canonical import Assembly, ContractFile, assemble, load_contracts
from interlock.strategy.changes import CONVERTER_PATH, LOCK_PATH, ChangeFile, ConverterFile
from interlock.strategy.decode import Problem, decode, decode_large, decode_tables
from interlock.strategy.facts import ConnectorFacts
from interlock.strategy.inventory import Group, Inventory, ItemRule, ItemsFile, Kit, Location, NoStock, PlaceName
from interlock.strategy.model import OBJECT_PATTERN, Flow, ItemTable, Security, StrategyFile, System
from interlock.strategy.positions import Path, Position, Positions
from interlock.strategy.slos import Slos
from interlock.strategy.snapshot import Snapshot

T = TypeVar("T")
T_co = TypeVar("T_co", bound=Struct | None, covariant=True)
ITEMS_FOLDER = "inventory/items/"
ITEMS_FILES_KEPT = 16
"""Files of items that are kept parsed: at 1 MB each some 190,000 items."""


class TomlFile(Generic[T_co]):
    """One file. `error` is set when it is not TOML (or not text); `value` is then blank, with every default."""

    def __init__(self, path: str, content: bytes, kind: type[Struct] | None = None) -> None:
        self.path = path
        self.name = PurePosixPath(path).stem
        self.error = ""
        self.error_at = Position(0, 0)
        self.problems: list[Problem] = []
        self.text = self._text(content)
        self.data = self._data()
        self.value: Any = None
        if kind is not None:
            self.value, problems = decode(kind, self.data, self.name)
            self.problems = [] if self.error else problems

    def at(self, path: Path) -> Position:
        """Where the value at `path` is written, or the nearest thing that is."""
        return self._positions.value(path)

    def at_key(self, path: Path) -> Position:
        return self._positions.key(path)

    @cached_property
    def _positions(self) -> Positions:
        return Positions(self.text)

    def _text(self, content: bytes) -> str:
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            before = content[: error.start]
            self.error = "it is not UTF-8 text"
            self.error_at = Position(before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1)
            return ""

    def _data(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            self.error, self.error_at = _reason_and_place(str(error), self.text)
        except RecursionError:
            self.error = "it is nested too deeply"
        return {}


class Written(NamedTuple, Generic[T]):
    """A table of a file of items, and where it stands."""

    value: T
    file: TomlFile[ItemsFile]
    path: Path


class Folder:
    """All files of a snapshot by kind, and the facts of the connectors they may name.

    `today` is for who looks ahead, as `interlock check` does; None where a folder is loaded to run, which no calendar stops.
    """

    def __init__(self, snapshot: Snapshot, connectors: ConnectorFacts, today: date | None = None) -> None:
        self.snapshot = snapshot
        self.connectors = connectors
        self.today = today
        self.strategy: TomlFile[StrategyFile] = self._file("strategy.toml", StrategyFile)
        self.security: TomlFile[Security] = self._file("security.toml", Security)
        self.slos: TomlFile[Slos] = self._file("slos.toml", Slos)
        self.systems: dict[str, TomlFile[System]] = self._files("systems/", System)
        self.flows: dict[str, TomlFile[Flow]] = self._files("flows/", Flow)
        self.objects: dict[str, TomlFile[ContractFile]] = self._files("objects/", ContractFile, _is_object)
        self.converters: dict[str, TomlFile[ConverterFile]] = self._files(
            "objects/", ConverterFile, CONVERTER_PATH.fullmatch
        )
        self.changes: dict[str, TomlFile[ChangeFile]] = self._files("changes/", ChangeFile)
        self.published = TomlFile[None](LOCK_PATH, snapshot.files.get(LOCK_PATH, b""))
        self.mappings: dict[str, TomlFile[None]] = self._files("mappings/", None)
        self.items = self.mappings.pop("items", TomlFile[None]("mappings/items.toml", b""))
        self.items.value, self.items.problems = decode_tables(ItemTable, self.items.data)
        self.locations = self._file("inventory/locations.toml", None)
        self.no_stock = self._locations()
        self.stock_items = tuple(self._stock_items())
        self.runbooks = {
            path.removeprefix("runbooks/"): content
            for path, content in snapshot.files.items()
            if path.startswith("runbooks/")
        }

    @cached_property
    def contracts(self) -> Assembly:
        """The contracts that ship and the folder's own, with what is wrong in them."""
        files = (file for file in self.objects.values() if not file.error and re.search(OBJECT_PATTERN, file.name))
        return assemble({file.name: file.value for file in files}, load_contracts())

    @cached_property
    def inventory(self) -> Inventory:
        """What inventory/ says of stock; empty where none of its files is."""
        return Inventory(
            self.locations.value,
            items=tuple(row.value for row in self.item_rows()),
            kits=tuple(row.value for row in self.kit_rows()),
            groups=tuple(row.value for row in self.group_rows()),
            ignore=tuple(word for file in self.stock_items for word in file.value.ignore),
            ignored_places=frozenset(
                (system, place) for system, places in self.no_stock.ignore.items() for place in places
            ),
        )

    def item_rows(self) -> Iterator[Written[ItemRule]]:
        """Every `[[item]]`, in the order of the files."""
        yield from (
            Written(row, file, ("item", at)) for file in self.stock_items for at, row in enumerate(file.value.item)
        )

    def kit_rows(self) -> Iterator[Written[Kit]]:
        """Every `[[kit]]`."""
        yield from (
            Written(row, file, ("kit", at)) for file in self.stock_items for at, row in enumerate(file.value.kit)
        )

    def group_rows(self) -> Iterator[Written[Group]]:
        """Every `[[group]]`."""
        yield from (
            Written(row, file, ("group", at)) for file in self.stock_items for at, row in enumerate(file.value.group)
        )

    def toml_files(self) -> Iterator[TomlFile[Any]]:
        """Every TOML file that is there."""
        single = (self.strategy, self.security, self.slos, self.items, self.locations, *self.stock_items)
        yield from (file for file in single if file.path in self.snapshot.files)
        for files in (self.systems, self.flows, self.objects, self.converters, self.changes, self.mappings):
            yield from files.values()

    def _locations(self) -> NoStock:
        """The tables of the file become its value; what stands above them is no location."""
        tables = {name: table for name, table in self.locations.data.items() if name not in NoStock.__struct_fields__}
        above = {name: value for name, value in self.locations.data.items() if name not in tables}
        self.locations.value, wrong_tables = decode_tables(Location, tables, PlaceName)
        no_stock, wrong_above = decode(NoStock, above)
        self.locations.problems = [*wrong_above, *wrong_tables]
        return no_stock

    def _stock_items(self) -> Iterator[TomlFile[ItemsFile]]:
        """In the order of their names, inventory/items.toml first."""
        for path, content in sorted(self.snapshot.files.items()):
            if path == "inventory/items.toml" or path.startswith(ITEMS_FOLDER):
                yield copy(_items_file(path, content))  # what a finding makes it look up is not kept

    def _file(self, path: str, kind: type[Struct] | None) -> TomlFile[Any]:
        file: TomlFile[Any] = TomlFile(path, self.snapshot.files.get(path, b""), kind)
        if path not in self.snapshot.files:
            file.problems = []
        return file

    def _files(
        self, prefix: str, kind: type[Struct] | None, wanted: Callable[[str], object] = bool
    ) -> dict[str, TomlFile[Any]]:
        files = (
            TomlFile[Any](path, content, kind)
            for path, content in self.snapshot.files.items()
            if path.startswith(prefix) and wanted(path)
        )
        return {file.name: file for file in files}


@lru_cache(ITEMS_FILES_KEPT)
def _items_file(path: str, content: bytes) -> TomlFile[ItemsFile]:
    """Parsed once for the releases that share it: a map of 100,000 items is mostly the same from one release to the next."""
    file = TomlFile[ItemsFile](path, content)
    file.value, file.problems = decode_large(ItemsFile, file.data)
    file.data = {}  # as large as the value, and nobody looks at it again
    return file


def _is_object(path: str) -> bool:
    return path != LOCK_PATH and not CONVERTER_PATH.fullmatch(path)


def _reason_and_place(message: str, text: str) -> tuple[str, Position]:
    """tomllib writes the place into its message: `Expected '=' (at line 3, column 5)`, or `(at end of document)`."""
    reason, _, place = message.rpartition(" (at ")
    numbers = [int(word) for word in place.rstrip(")").replace(",", " ").split() if word.isdigit()]
    if len(numbers) == 2:
        return reason, Position(*numbers)
    lines = text.rstrip("\n").split("\n")
    return reason or message, Position(len(lines), len(lines[-1]) + 1)

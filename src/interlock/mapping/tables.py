"""Mapping tables as people read them: a field on each line, a column for each system, both directions, and what is covered."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from interlock.canonical.contract import Contract
from interlock.mapping.compile import FieldRow
from interlock.mapping.reads import parts_of

Direction = Literal["in", "out"]

_BLOCK = re.compile(r"\[[^\]]*\]")
_WORKED_OUT = re.compile(r"@(\w+)\.|with (?=\w)")
KINDS = ("mapped", "derived", "constant")


class Document(Struct, frozen=True, kw_only=True):
    """The rows of one document of one system: `in` makes the canonical object, `out` is made of it. `runs` is False while no
    flow of the folder uses them. `name` is the vendor's word for the document.
    """

    system: str
    title: str
    direction: Direction
    name: str
    rows: Sequence[FieldRow]
    runs: bool = True


class Cell(Struct, frozen=True, kw_only=True):
    """A vendor's field beside a canonical one. `documents` names those that have it, when not all of the system's do;
    `with_others` are the other canonical fields that go into it.
    """

    direction: Direction
    path: str
    kind: str
    documents: tuple[str, ...] = ()
    with_others: tuple[str, ...] = ()


class Line(Struct, frozen=True, kw_only=True):
    """One canonical field. `field` is its name in words, `cells` are by system."""

    field: str
    canonical: str
    type: str
    meaning: str
    data_class: str
    cells: Mapping[str, tuple[Cell, ...]]


class Constant(Struct, frozen=True, kw_only=True):
    """A vendor's field that no canonical one goes into."""

    system: str
    document: str
    path: str
    value: str


class Coverage(Struct, frozen=True, kw_only=True):
    """What one direction of one system does with the fields of a contract.

    The counts `mapped`, `derived`, `constant` are canonical fields that are filled (in) or sent (out); `unmapped` names
    those that are not. `vendor` counts the rows by kind.
    """

    system: str
    object: str
    direction: Direction
    total: int
    mapped: int
    derived: int
    constant: int
    unmapped: tuple[str, ...]
    vendor: Mapping[str, int] = {}

    @property
    def covered(self) -> int:
        return self.mapped + self.derived + self.constant

    @property
    def percent(self) -> float:
        return 100 * self.covered / self.total if self.total else 100.0


class MappingTable(Struct, frozen=True, kw_only=True):
    """One object with all systems. `columns` are (system, title) in the order of the folder: sources first."""

    object: str
    version: int
    meaning: str
    columns: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    constants: tuple[Constant, ...]
    coverage: tuple[Coverage, ...]
    unfilled: tuple[str, ...]
    unsent: tuple[str, ...]
    idle: tuple[str, ...] = ()
    """Systems whose documents could be read, and no flow does."""


def mapping_table(contract: Contract, documents: Sequence[Document]) -> MappingTable:
    """The table of one object. `unfilled` are fields that no source gives, `unsent` those that no destination gets."""
    coverage = [coverage_of(contract, group) for group in _grouped(documents)]
    inward = [set(one.unmapped) for one in coverage if one.direction == "in"]
    outward = [set(one.unmapped) for one in coverage if one.direction == "out"]
    leaves = leaves_of(contract)
    return MappingTable(
        object=contract.name,
        version=contract.version,
        meaning=contract.meaning,
        columns=tuple(dict.fromkeys((one.system, one.title) for one in documents)),
        lines=tuple(_lines(contract, documents)),
        constants=tuple(_constants(documents)),
        coverage=tuple(coverage),
        unfilled=_in_all(leaves, inward),
        unsent=_in_all(leaves, outward),
        idle=tuple(one.system for one in documents if not one.runs),
    )


def leaves_of(contract: Contract) -> tuple[str, ...]:
    """The fields that hold a value of their own; those of objects are counted, not the objects."""
    return tuple(path for path, field in contract.paths().items() if field.of not in contract.objects)


def coverage_of(contract: Contract, documents: Sequence[Document]) -> Coverage:
    """The documents of one system and direction together: a field that one of them has is covered."""
    kinds: dict[str, str] = {}
    vendor = dict.fromkeys(KINDS, 0)
    for row in (row for document in documents for row in document.rows):
        if row.canonical.startswith("@"):
            continue
        kind = _kind(row)
        vendor[kind] += 1
        targets = [] if kind == "constant" and documents[0].direction == "out" else parts_of(row.canonical)
        for leaf in leaves_of(contract):
            if any(_covers(target, leaf) for target in targets) and kinds.get(leaf) != "mapped":
                kinds[leaf] = kind
    leaves = leaves_of(contract)
    counts = {kind: sum(found == kind for found in kinds.values()) for kind in KINDS}
    return Coverage(
        system=documents[0].system,
        object=contract.name,
        direction=documents[0].direction,
        total=len(leaves),
        unmapped=tuple(leaf for leaf in leaves if leaf not in kinds),
        vendor=vendor,
        **counts,
    )


def words_for(path: str) -> str:
    """A canonical path in words: `lines[].unit_price` is `Lines: unit price`."""
    parts = [part.removesuffix("[]").replace("_", " ") for part in path.split(".")]
    text = ": ".join(parts)
    return text[:1].upper() + text[1:]


def plain(path: str) -> str:
    """A mapping's path as a document's: blocks of a list are its elements."""
    return _BLOCK.sub("[]", path)


def _grouped(documents: Iterable[Document]) -> list[list[Document]]:
    groups: dict[tuple[str, str], list[Document]] = {}
    for document in documents:
        groups.setdefault((document.system, document.direction), []).append(document)
    return list(groups.values())


def _in_all(leaves: Sequence[str], groups: Sequence[set[str]]) -> tuple[str, ...]:
    return tuple(leaf for leaf in leaves if groups and all(leaf in group for group in groups))


def _covers(target: str, leaf: str) -> bool:
    """A row that makes or takes a whole object has all of it."""
    target = plain(target)
    return leaf.removesuffix("[]") == target.removesuffix("[]") or leaf.startswith((f"{target}.", f"{target}["))


def _lines(contract: Contract, documents: Sequence[Document]) -> Iterable[Line]:
    """In the order of the contract. An object or a list has a line where a row takes it as a whole."""
    cells: dict[str, dict[str, tuple[Cell, ...]]] = {}
    for group in _grouped(documents):
        for path, found in _cells(group).items():
            of_path = cells.setdefault(path.removesuffix("[]"), {})
            of_path[group[0].system] = (*of_path.get(group[0].system, ()), *found)
    for path, field in contract.paths().items():
        found_cells = cells.get(path.removesuffix("[]"), {})
        if found_cells or field.of not in contract.objects:
            yield Line(
                field=words_for(path),
                canonical=path,
                type=field.type,
                meaning=field.meaning,
                data_class=field.data_class,
                cells=found_cells,
            )


def _cells(group: Sequence[Document]) -> dict[str, tuple[Cell, ...]]:
    """By canonical path: the vendor's fields, each once, with the documents that have it when not all do."""
    found: dict[str, dict[tuple[str, str, tuple[str, ...]], list[str]]] = {}
    for document in group:
        for row in document.rows:
            kind = _kind(row)
            if row.canonical.startswith("@") or (kind == "constant" and document.direction == "out"):
                continue
            targets = parts_of(row.canonical)
            for target in targets:
                others = tuple(each for each in targets if each != target)
                places = found.setdefault(plain(target), {}).setdefault(
                    (_vendor(row, document.direction), kind, others), []
                )
                if document.name not in places:
                    places.append(document.name)
    names = {document.name for document in group}
    return {
        path: tuple(
            Cell(
                direction=group[0].direction,
                path=vendor,
                kind=kind,
                documents=tuple(places) if len(places) < len(names) else (),
                with_others=others,
            )
            for (vendor, kind, others), places in of_path.items()
        )
        for path, of_path in found.items()
    }


def _constants(documents: Iterable[Document]) -> Iterable[Constant]:
    for document in documents:
        for row in document.rows:
            if document.direction == "out" and _kind(row) == "constant":
                yield Constant(system=document.system, document=document.name, path=row.vendor, value=row.canonical)


def _kind(row: FieldRow) -> str:
    """What a function worked out of many fields is derived, whoever hands it on."""
    return "derived" if row.vendor.startswith("@") else row.kind


def _vendor(row: FieldRow, direction: Direction) -> str:
    """A vendor's path for people. What goes out keeps the names of its blocks: `items[tip].amount` is not every amount."""
    worked_out = _WORKED_OUT.match(row.vendor)
    if worked_out:
        return f"worked out ({worked_out[1] or row.vendor[worked_out.end() :]})"
    return row.vendor if direction == "out" else plain(row.vendor).replace("[].#", "[] (place)")

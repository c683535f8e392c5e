"""What a mapping reads of a source's document, and which canonical fields are made of each path of it."""

import typing
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from interlock.mapping.compile import FieldRow, Reader
from interlock.mapping.functions import without_none
from interlock.mapping.straight import Straight


class Reads:
    """The paths that a reader decodes, those that only its functions look at included.

    A point-to-point flow has no canonical fields; what is made of a path there are the destination's own.
    """

    def __init__(self, reader: Reader | Straight) -> None:
        straight = isinstance(reader, Straight)
        self.rows: Sequence[FieldRow] = [_turned(row) for row in reader.fields] if straight else reader.fields
        self.paths = frozenset(_paths(reader.document, ""))

    def reads(self, path: str) -> bool:
        """Whether the value at a path, one below it or one above it as a whole, is read."""
        return any(_touch(path, each) for each in self.paths)

    def made_of(self, path: str) -> tuple[str, ...]:
        """The canonical fields that a path goes into, in the order of the mapping; () when no row alone says so."""
        if not self.reads(path):
            return ()
        direct = [
            row.canonical
            for row in self.rows
            if any(_touch(path, part) for part in parts_of(row.vendor) if part not in {"$", "."})
        ]
        through = [row.canonical for row in self.rows if "$" in parts_of(row.vendor)]
        found = direct or through
        results = tuple(f"{name}." for name in found if name.startswith("@"))
        derived = [row.canonical for row in self.rows if results and row.vendor.startswith(results)]
        return tuple(dict.fromkeys([name for name in found if not name.startswith("@")] + derived))


def _turned(row: FieldRow) -> FieldRow:
    return FieldRow(row.vendor, row.canonical, row.kind)


def parts_of(paths: str) -> list[str]:
    """The paths of a row that takes several."""
    return [path.strip() for path in paths.split(",") if path.strip()]


def _touch(path: str, other: str) -> bool:
    """The same, or one holds the other."""
    return path == other or _below(path, other) or _below(other, path)


def _below(path: str, holder: str) -> bool:
    return path.startswith((f"{holder}.", f"{holder}["))


def _paths(kind: Any, path: str) -> Iterator[str]:
    """Every path of a decoder's type that is no object of its own."""
    kind, _ = without_none(kind)
    if isinstance(kind, type) and issubclass(kind, Struct):
        for field in msgspec.structs.fields(kind):
            yield from _paths(field.type, f"{path}.{field.encode_name}" if path else field.encode_name)
    elif typing.get_origin(kind) is list:
        yield from _paths(typing.get_args(kind)[0], f"{path}[]")
    else:
        yield path

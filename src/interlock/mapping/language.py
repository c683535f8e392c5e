"""The mapping language: what a row of a mapping file may say, and how files are read and overridden.

A row is `target = source`. In `[order.in]` the target is a canonical path and the source a path in the vendor's JSON;
in `[order.out.salesOrder]` it is the other way round. docs/reference/mapping.md shows every form.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable
from collections.abc import Mapping as MappingType
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from interlock.errors import InterlockError

Tables = MappingType[str, Any]


class MappingFileError(InterlockError):
    """A mapping file is wrong; `where` is the file, the line and the row."""

    default_code = "MAP020"


class Condition(Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from", "function": "with"}):
    """One test on an element: equals, not, above; or just truth."""

    source: str
    function: str = ""
    equals: str | int | bool | UnsetType = UNSET
    differs: str | int | bool | UnsetType = msgspec.field(default=UNSET, name="not")
    above: int | UnsetType = UNSET


class Row(Struct, frozen=True, forbid_unknown_fields=True, rename={"sources": "from", "function": "with"}):
    """One row: where a target's value comes from."""

    sources: str | tuple[str, ...] = ()
    function: str = ""
    value: Any = UNSET
    setting: str = ""
    default: Any = UNSET
    table: dict[str, Any] | None = None
    omit_when_null: bool = False
    each: str = ""
    object: str = ""
    like: str = ""
    where: Condition | tuple[Condition, ...] = ()
    remove: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        return (self.sources,) if isinstance(self.sources, str) else self.sources

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return self.where if isinstance(self.where, tuple) else (self.where,)

    @property
    def kind(self) -> str:
        """How the mapping table page names it."""
        if self.value is not UNSET or self.setting:
            return "constant"
        return "derived" if self.function or self.table is not None else "mapped"


class Table(Struct, frozen=True):
    """The rows of one direction of one object, with the place to point at when a row is wrong."""

    rows: dict[str, Row]
    title: str
    file_name: str = ""
    text: str = ""

    def error(self, target: str, what: str, *, why: str = "", next_move: str = "") -> MappingFileError:
        where = f"{self.file_name}{_line_of(self.text, target)} [{self.title}] {target}".strip()
        return MappingFileError(what, where=where, why=why, next_move=next_move)


class Setting(Struct, frozen=True, forbid_unknown_fields=True):
    """A setting of the system that the mapping reads; without a default it must be given when a document needs it."""

    meaning: str
    default: Any = None


class Mapping(Struct, frozen=True):
    """A mapping file, with the user's overrides merged in."""

    tables: dict[str, Any]
    settings: dict[str, Setting]
    file_name: str
    text: str = ""
    versions: dict[str, int] = {}
    """Object -> the version of its contract that the tables are written for; unset means the oldest that they fit."""

    def table_in(self, name: str) -> Table:
        """The rows of `[name.in]`."""
        return self._table(name, "in")

    def table_out(self, name: str, document: str) -> Table:
        """The rows of `[name.out.document]`."""
        return self._table(name, "out", document)

    def documents(self, name: str) -> tuple[str, ...]:
        """The vendor documents that object `name` is written as."""
        return tuple(self.tables.get(name, {}).get("out", {}))

    def settings_with(self, given: MappingType[str, Any]) -> dict[str, Any]:
        """The settings a context needs: defaults of the mapping, then what systems/*.toml gives."""
        return {name: setting.default for name, setting in self.settings.items()} | dict(given)

    def merged(self, override: "Mapping") -> "Mapping":
        """This mapping with a user's file over it: a row replaces that of the same target; `remove = true` drops it."""
        tables = {
            name: _merge(self.tables.get(name, {}), override.tables.get(name, {})) for name in self._names(override)
        }
        versions = self.versions | override.versions
        return Mapping(tables, self.settings | override.settings, override.file_name, override.text, versions)

    def _names(self, override: "Mapping") -> list[str]:
        return list(dict.fromkeys([*self.tables, *override.tables]))

    def _table(self, *keys: str) -> Table:
        body: Any = self.tables
        for at, key in enumerate(keys):
            if key not in body:
                known = ", ".join(body) or "none"
                raise MappingFileError(
                    f"there is no [{'.'.join(keys[: at + 1])}]", where=self.file_name, why=f"known here: {known}"
                )
            body = body[key]
        return table_of(body, ".".join(keys), self.file_name, self.text)


def load_mapping(text: str, file_name: str) -> Mapping:
    """Read a mapping file. MappingFileError says file and line; rows are checked when they are compiled."""
    try:
        body = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingFileError("this is not TOML", where=file_name, why=str(error)) from error
    try:
        settings = msgspec.convert(body.pop("settings", {}), dict[str, Setting])
        versions = msgspec.convert(body.pop("versions", {}), dict[str, int])
    except msgspec.ValidationError as error:
        what = "the settings or the versions cannot be read"
        raise MappingFileError(what, where=file_name, why=str(error)) from error
    for name, directions in body.items():
        unknown = sorted(set(directions) - {"in", "out"}) if isinstance(directions, dict) else [name]
        if unknown:
            raise MappingFileError(
                f"[{name}] may hold `in` and `out`, not {unknown[0]!r}", where=file_name + _line_of(text, unknown[0])
            )
    return Mapping(body, settings, file_name, text, versions)


def table_of(body: Tables | Table, title: str = "mapping", file_name: str = "", text: str = "") -> Table:
    """Check the shape of each row and expand `like`."""
    if isinstance(body, Table):
        return body
    table = Table({}, title, file_name, text)
    rows = {target: _row(table, target, given) for target, given in body.items()}
    kept = {target: row for target, row in rows.items() if not row.remove}
    return Table(dict(_with_likeness(kept, table)), title, file_name, text)


def suggestion(name: str, known: Iterable[str]) -> str:
    """`did you mean ...?`, or the list when it is short enough to read."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= 40 else ""


def _row(table: Table, target: str, given: Any) -> Row:
    if isinstance(given, str):
        return Row(sources=given)
    try:
        return msgspec.convert(given, Row)
    except msgspec.ValidationError as error:
        forms = [name for name in Row.__struct_encode_fields__]  # noqa: C416  # the names as written in the file
        wrong = next((key for key in given if key not in forms), "") if isinstance(given, dict) else ""
        raise table.error(
            target, "this row cannot be read", why=str(error), next_move=suggestion(wrong, forms)
        ) from error


def _with_likeness(rows: dict[str, Row], table: Table) -> Iterable[tuple[str, Row]]:
    """Copy the rows under another object to the ones that say `like`; rows of their own come first."""
    for target, row in rows.items():
        yield target, row
        if row.like:
            if row.like not in rows:
                raise table.error(
                    target, f"like = {row.like!r}: there is no such row", next_move=suggestion(row.like, rows)
                )
            under = f"{row.like}."
            copies = {target + "." + key.removeprefix(under): rows[key] for key in rows if key.startswith(under)}
            yield from ((key, copy) for key, copy in copies.items() if key not in rows)


def _merge(base: Any, over: Any) -> dict[str, Any]:
    """Rows by target, below `in` and `out.<document>`."""
    merged = dict(base)
    if "in" in over:
        merged["in"] = {**base.get("in", {}), **over["in"]}
    for document, rows in over.get("out", {}).items():
        before = merged.get("out", {})
        merged["out"] = {**before, document: {**before.get(document, {}), **rows}}
    return merged


def _line_of(text: str, target: str) -> str:
    """`:12` when the row can be found in the file; TOML itself keeps no positions."""
    found = re.search(rf"^\s*\[?\"?{re.escape(target)}\"?\s*[=\]]", text, re.MULTILINE) if text else None
    return f":{text.count(chr(10), 0, found.start() + 1) + 1}" if found else ""

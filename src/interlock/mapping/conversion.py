"""From one version of an object to another: rows of the mapping language, compiled once; what is alike needs no row.

[up]                                    objects/order.v1-v2.toml
"total_g" = { from = "total_kg", with = "grams" }

A field that is in both versions (or was renamed) with the same type is copied. One that is in both and changed in any other
way needs a row, optional or not: a value is never lost in silence. One that only the new side has is null where it may be.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from interlock.canonical.compatibility import renamed
from interlock.canonical.contract import SCALARS, Contract, Field
from interlock.errors import MappingError
from interlock.mapping.builder import Builder
from interlock.mapping.compile import BAD_VALUE, Translator
from interlock.mapping.context import Context
from interlock.mapping.expression import Rows
from interlock.mapping.functions import Functions
from interlock.mapping.language import Table, table_of
from interlock.mapping.reading import InForm
from interlock.mapping.source import CanonicalSource, Scope
from interlock.mapping.target import targets_of

BLOCK = "each"
"""What the block of a copied list is called, where the file does not name it."""


class Converter(Translator):
    """An object of one version to the same object of another."""

    def __init__(self, table: Table, contract: Contract, source: str, builder: Builder, build: Any) -> None:
        super().__init__(table, contract, source, builder.sites, ())
        self.build = build

    def __call__(self, value: Any, context: Context) -> Any:
        """The object in the other version. MappingError has the path of a value that has no counterpart."""
        try:
            return self.build(value, context)
        except BAD_VALUE as error:
            raise self._failure(error) from error
        except MappingError as error:
            raise self._failure(error) from error.__cause__


def compile_conversion(
    rows: Mapping[str, Any], old: Contract, new: Contract, functions: Functions, *, file_name: str = "", text: str = ""
) -> Converter:
    """Compile rows `new field = old field`. MappingFileError names a field that needs a row and has none."""
    title = f"{old.key} to {new.key}"
    own = table_of(dict(rows), title, file_name, text)
    table = table_of(dict(_Copies(old, new, own).rows("", "", "", "")), title, file_name, text)
    whole = Table({**table.rows, **own.rows}, title, file_name, text)
    tree, results = targets_of(whole)
    compiled = Rows(whole, CanonicalSource(old), functions)
    builder = Builder(compiled, InForm(compiled, new), Scope("document", "", "$"))
    build, source = builder.function(tree, results)
    return Converter(whole, new, source, builder, build)


class _Copies:
    """The rows that nobody has to write."""

    def __init__(self, old: Contract, new: Contract, own: Table) -> None:
        self.old = old
        self.new = new
        self.own = own

    def rows(self, old_shape: str, new_shape: str, target: str, path: str) -> Iterator[tuple[str, Any]]:
        """Target -> row, for the fields of one object and all below it. `path` is the plain one, for messages."""
        before, after = self.old.fields_of(old_shape), self.new.fields_of(new_shape)
        names = _former_names(before, after)
        for name, field in after.items():
            if name in names:
                yield from self._field(f"{target}{name}", f"{path}{name}", before[names[name]], names[name], field)

    def _field(self, target: str, path: str, old: Field, source: str, new: Field) -> Iterator[tuple[str, Any]]:
        nested = old.of in self.old.objects and new.of in self.new.objects and old.type == new.type
        if nested and new.type == "list":
            yield from self._list(target, path, old, source, new)
        elif target in self.own.rows and not (nested and self.own.rows[target].object == source):
            return
        elif not alike(old, new) or (nested and old.may_be_none and not new.may_be_none):
            raise self.own.error(
                target,
                f"{path} is not the same in {self.old.key} and {self.new.key}, and no row says what becomes of it",
                next_move=f'add "{target}" = {{ from = "{source}", with = "..." }}, or `default`, or `table`',
            )
        elif nested:
            yield target, {"object": source}
            yield from self.rows(old.of, new.of, f"{target}.", f"{path}.")
        else:
            yield target, source

    def _list(self, target: str, path: str, old: Field, source: str, new: Field) -> Iterator[tuple[str, Any]]:
        """A list of objects, in the block that the file names for it; several blocks are the file's own affair."""
        blocks = {found[1] for row in self.own.rows if (found := re.match(rf"{re.escape(target)}\[([^\]]*)\]", row))}
        block = f"{target}[{next(iter(blocks), BLOCK)}]"
        given = self.own.rows.get(block)
        if len(blocks) > 1 or (given is not None and given.each != source):
            return
        if given is None:
            yield block, {"each": source}
        yield from self.rows(old.of, new.of, f"{block}.", f"{path}[].")


def alike(writer: Field, reader: Field) -> bool:
    """Whether each value of the one may stand in the other as it is."""
    if writer.unit != reader.unit or (writer.may_be_none and not reader.may_be_none):
        return False
    if writer.type == reader.type == "enum":
        return set(writer.values) <= set(reader.values)
    if writer.type == reader.type:
        return writer.type != "list" or _same_items(writer.of, reader.of)
    return reader.type == "string" and SCALARS.get(writer.type) is str


def _same_items(writer: str, reader: str) -> bool:
    return writer == reader or (reader == "string" and SCALARS.get(writer) is str) or not {writer, reader} & {*SCALARS}


def _former_names(before: Mapping[str, Field], after: Mapping[str, Field]) -> dict[str, str]:
    """New name -> old name of every field that is in both; a rename is read in either direction."""
    same = {name: name for name in after if name in before}
    back = {old: new for new, old in renamed(after, before).items()}
    return {**back, **renamed(before, after), **same}

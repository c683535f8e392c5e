"""Compile a mapping once; then translate documents: `read(body, context)` and `write(object, context)`."""

import re
import traceback
from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from interlock.canonical.contract import Contract
from interlock.errors import MappingError
from interlock.mapping import builder as built
from interlock.mapping import reading
from interlock.mapping.builder import Builder, Site
from interlock.mapping.context import Context
from interlock.mapping.decoder import Node, ShapeConflictError
from interlock.mapping.expression import Rows
from interlock.mapping.functions import Functions
from interlock.mapping.language import Table, Tables, table_of
from interlock.mapping.reading import InForm, Needs
from interlock.mapping.source import CanonicalSource, Scope, VendorSource
from interlock.mapping.standard import amount
from interlock.mapping.target import targets_of
from interlock.mapping.writing import OutForm

# What generated code and functions raise when a value is not what they expect; all else passes.
BAD_VALUE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


DIFFERENCES = ("components.difference", "difference")
"""Where an order and a refund have what the origin's total has beyond its parts."""


class FieldRow(Struct, frozen=True):
    """One line of the mapping table page. `kind` is mapped, constant or derived."""

    canonical: str
    vendor: str
    kind: str


class Translator:
    """What a compiled mapping can tell about itself."""

    def __init__(
        self, table: Table, contract: Contract | None, source: str, sites: dict[int, Site], fields: tuple[FieldRow, ...]
    ) -> None:
        self.title = table.title
        self.contract = contract
        self.source = source
        self.fields = fields
        self._sites = sites

    @property
    def coverage(self) -> tuple[str, ...]:
        """The contract's fields that no row touches; none where no contract stands between."""
        if self.contract is None:
            return ()
        contract = self.contract
        used = {re.sub(r"\[[^\]]*\]", "[]", row.canonical) for row in self.fields}
        paths = contract.paths()
        return tuple(
            path for path, field in paths.items() if field.of not in contract.objects and not _touched(path, used)
        )

    def _failure(self, error: Exception) -> MappingError:
        """The error with the path of the value that a line of generated code was about."""
        site, path = self._where(error)
        if isinstance(error, MappingError):
            if not error.path:
                error.path = error.where = path
            return error
        what = f"{site.target if site else self.title}: the value cannot be translated"
        return MappingError(
            what,
            path=path,
            code="MAP001",
            why=f"{type(error).__name__}: {error}",
            next_move="correct the document or its row",
        )

    def _where(self, error: Exception) -> tuple[Site | None, str]:
        for frame, line in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename == f"<mapping {self.title}>" and line in self._sites:
                site = self._sites[line]
                path = next(iter(site.paths), "$")
                for index in site.indexes:
                    path = path.replace("[]", f"[{frame.f_locals.get(index, 0)}]", 1)
                return site, path
        return None, "$"


class Reader(Translator):
    """Vendor JSON to a canonical object."""

    def __init__(self, *about: Any, document: type[Struct], build: Any) -> None:
        super().__init__(*about)
        self.document = document
        self.decode = msgspec.json.Decoder(document, float_hook=Decimal).decode
        self.build = build

    def __call__(self, body: bytes, context: Context) -> Any:
        """The canonical object. MappingError has the path of a value that is missing, of a wrong type or not usable."""
        try:
            document = self.decode(body)
        except msgspec.DecodeError as error:
            raise undecodable(body, error) from error
        try:
            return self.build(document, context)
        except BAD_VALUE as error:
            raise self._failure(error) from error
        except MappingError as error:
            raise self._failure(error) from error.__cause__


class Writer(Translator):
    """A canonical object to vendor JSON: UTF-8, keys in the order of the mapping, decimals as exact numbers."""

    def __init__(self, *about: Any, build: Any) -> None:
        super().__init__(*about)
        self.encode = msgspec.json.Encoder(decimal_format="number").encode
        self.build = build
        booked = [row.canonical for row in self.fields if row.canonical in DIFFERENCES]
        self._difference = attrgetter(booked[0]) if booked else None

    def __call__(self, value: Any, context: Context) -> bytes:
        """The document. MappingError has the canonical path; UnmappedReference names what has no counterpart (C26)."""
        try:
            return self.encode(self.build(value, context))
        except BAD_VALUE as error:
            raise self._failure(error) from error
        except MappingError as error:
            raise self._failure(error) from error.__cause__

    def warnings(self, value: Any, context: Context) -> tuple[str, ...]:
        """What a person should look at although the document can be written: ambiguous items (C27), and money that no
        part of the order explains, where this document books it (C31)."""
        lines = getattr(value, "lines", ())
        found: tuple[str, ...] = ()
        if context.items is not None and lines and hasattr(lines[0], "variant_id"):
            found = context.items.conflicts(lines)
        if self._difference is not None and (difference := amount(self._difference(value), context)):
            kind = "order" if hasattr(value, "components") else "refund"
            found = (*found, f"{difference} of the total is explained by no part of the {kind}")
        return found

    def bound(self, context: Context) -> "BoundWriter":
        """The writer of one destination."""
        return BoundWriter(self, context)


class BoundWriter:
    """A writer with its context: what a connector is given."""

    def __init__(self, writer: Writer, context: Context) -> None:
        self._writer = writer
        self._context = context

    def __call__(self, value: Any) -> bytes:
        """The document."""
        return self._writer(value, self._context)

    def warnings(self, value: Any) -> tuple[str, ...]:
        """What a person should look at."""
        return self._writer.warnings(value, self._context)


def compile_in(tables: Table | Tables, contract: Contract, functions: Functions) -> Reader:
    """Compile rows `canonical = vendor`. MappingFileError says which row is wrong, with a suggestion."""
    table = table_of(tables, f"{contract.name}.in")
    found = from_vendor(table, functions, lambda rows: InForm(rows, contract))
    fields = fields_of(found.builder, table, inward=True)
    return Reader(table, contract, found.text, found.builder.sites, fields, document=found.document, build=found.build)


class VendorForm(built.Form, reading.Form, Protocol):
    """What is made of a vendor's document, and what of it is asked for."""


class FromVendor(NamedTuple):
    """What rows that read a vendor's document compile to: its type, and the function that is called with it."""

    document: type[Struct]
    build: Any
    text: str
    builder: Builder


def from_vendor(table: Table, functions: Functions, form_of: Callable[[Rows], VendorForm]) -> FromVendor:
    """Compile rows whose sources are a vendor's paths. MappingFileError says which row is wrong."""
    tree, results = targets_of(table)
    rows, document = Rows(table, VendorSource(), functions), Node()
    form = form_of(rows)
    needs = Needs(rows, form, document)
    needs.of_results(results)
    needs.of(tree, document)
    try:
        kind = document.decoder_type({}, "document")
    except ShapeConflictError as error:
        raise table.error(
            "", f"two rows read {error} as different things", next_move="read it as a value or as an object, not both"
        ) from error
    builder = Builder(rows, form, Scope("document", document, "$"))
    build, text = builder.function(tree, results)
    return FromVendor(kind, build, text, builder)


def compile_out(table: Table | Tables, contract: Contract, functions: Functions) -> Writer:
    """Compile rows `vendor = canonical`. MappingFileError says which row is wrong, with a suggestion."""
    table = table_of(table, f"{contract.name}.out")
    tree, results = targets_of(table)
    rows = Rows(table, CanonicalSource(contract), functions)
    builder = Builder(rows, OutForm(rows), Scope("document", "", "$"))
    build, text = builder.function(tree, results)
    return Writer(table, contract, text, builder.sites, fields_of(builder, table, inward=False), build=build)


def fields_of(builder: Builder, table: Table, *, inward: bool) -> tuple[FieldRow, ...]:
    """The rows as a table. Sources are listed by their whole path without the leading `$.`."""
    found: dict[str, FieldRow] = {}
    for site in builder.sites.values():
        row = table.rows[site.target]
        if not (row.each or row.object or row.conditions):
            source = ", ".join(path.removeprefix("$.") for path in site.paths) or _constant(row)
            canonical, vendor = (site.target, source) if inward else (source, site.target)
            found[site.target] = FieldRow(canonical, vendor, row.kind)
    return tuple(found.values())


def _constant(row: Any) -> str:
    return f"setting {row.setting}" if row.setting else f"with {row.function}" if row.function else repr(row.value)


def _touched(path: str, used: set[str]) -> bool:
    return any(
        part.strip() == path or part.strip().removesuffix("[]") == path.removesuffix("[]")
        for row in used
        for part in row.split(",")
    )


def undecodable(body: bytes, error: msgspec.DecodeError) -> MappingError:
    """The error with the path of what is missing or of a wrong type."""
    what, _, path = str(error).partition(" - at `")
    path = path.rstrip("`") or "$"
    field = re.search(r"missing required field `([^`]+)`", what)
    if field:
        path = f"{path}.{field[1]}"
    return MappingError(
        what,
        path=path,
        value=_value_at(body, path),
        code="MAP001",
        next_move="correct the document, or the row that reads this path",
    )


def _value_at(body: bytes, path: str) -> object:
    """The offending value, for the message; None when it is not there."""
    try:
        value = msgspec.json.decode(body)  # for the message only
        for name, index in re.findall(r"\.([^.\[]+)|\[(\d+)\]", path):
            value = value[name] if name else value[int(index)]
    except (msgspec.DecodeError, LookupError, TypeError):
        return None
    return value

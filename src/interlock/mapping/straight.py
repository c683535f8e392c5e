"""Compile a mapping that knows no canonical object: a vendor's document straight to another vendor's document.

The rows are those of the way out (`target = source`), their sources are paths of the vendor's document as on the way in.
No contract says what may be null, so each row does: a value that is absent or null stops the document, unless the row
has a `default`, a function, or `omit_when_null`. A field that was renamed at the source never becomes a silent null.
"""

from decimal import Decimal
from typing import Any

import msgspec

from interlock.errors import MappingError
from interlock.mapping.compile import BAD_VALUE, Translator, fields_of, from_vendor, undecodable
from interlock.mapping.context import Context
from interlock.mapping.functions import Functions
from interlock.mapping.language import Row, Table
from interlock.mapping.source import Expression, Scope
from interlock.mapping.target import Target
from interlock.mapping.writing import OutForm


class Straight(Translator):
    """Vendor JSON to vendor JSON."""

    def __init__(self, *about: Any, document: Any, build: Any) -> None:
        super().__init__(*about)
        self.document = document
        self._decode = msgspec.json.Decoder(document, float_hook=Decimal).decode
        self._encode = msgspec.json.Encoder(decimal_format="number").encode
        self._build = build

    def __call__(self, body: bytes, context: Context) -> bytes:
        """The destination's document. MappingError has the path of a value that is missing or not usable."""
        try:
            document = self._decode(body)
        except msgspec.DecodeError as error:
            raise undecodable(body, error) from error
        try:
            return self._encode(self._build(document, context))
        except BAD_VALUE as error:
            raise self._failure(error) from error
        except MappingError as error:
            raise self._failure(error) from error.__cause__


class StraightForm(OutForm):
    """Makes dicts, and stops at what is not there."""

    def leaf(self, target: Target, scope: Scope, root: Scope) -> Expression:
        """The value, checked to be there where the row does not say what else to do."""
        value, row = super().leaf(target, scope, root), target.row or Row()
        if row.function or row.omit_when_null or row.default is not msgspec.UNSET or not row.paths:
            return value
        self.rows.names["present"] = present
        return Expression(f"present({value.text})", False)

    def field(self, target: Target) -> None:
        """No contract's field: the rows alone say what they need."""


def present(value: Any) -> Any:
    """The value; MappingError when it is null."""
    if value is None:
        raise MappingError(
            "the value is null",
            code="MAP006",
            next_move="give the row a `default`, or `omit_when_null = true`, or correct the document",
        )
    return value


def compile_straight(table: Table, functions: Functions) -> Straight:
    """Compile rows `destination's path = source's path`. MappingFileError says which row is wrong, with a suggestion."""
    found = from_vendor(table, functions, StraightForm)
    fields = fields_of(found.builder, table, inward=False)
    return Straight(table, None, found.text, found.builder.sites, fields, document=found.document, build=found.build)

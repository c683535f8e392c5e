"""The way in: which parts of a vendor's document the rows need, and how canonical objects are made of them."""

import re
from collections.abc import Iterable
from typing import Any, Protocol

from msgspec import UNSET

from interlock.canonical.contract import SCALARS, Contract, Field, python_type
from interlock.mapping.decoder import Node
from interlock.mapping.expression import SCALAR_TYPES, Rows, conversion, literal_type
from interlock.mapping.language import Condition, Row
from interlock.mapping.source import Expression, Scope, canonical_field, names_of
from interlock.mapping.target import Target

BLOCK = re.compile(r"\[[^\]]*\]")
TABLE_KEY: Any = str | int | bool
"""What may be looked up in a table of a row: vendors send codes as texts, as numbers and as true and false."""


class InForm:
    """Makes the contract's structs."""

    closing = ")"

    def __init__(self, rows: Rows, contract: Contract) -> None:
        self.rows = rows
        self.contract = contract

    def leaf(self, target: Target, scope: Scope, root: Scope) -> Expression:
        row, field = _row(target), self.field(target)
        if row.omit_when_null:
            raise self.rows.table.error(target.path, "omit_when_null is for what goes out", next_move="use `default`")
        value = self.rows.value(target.path, row, scope, root)
        if not row.function:
            value = conversion(value, field.type, self.rows.fresh)
        if value.may_be_none and not field.may_be_none:
            raise self.rows.table.error(
                target.path,
                "this can be null, and the contract says it may not",
                why=f"{self.contract.key}: {field.meaning}",
                next_move="add `default = ...`, or a function that does not return None",
            )
        return value

    def opening(self, target: Target) -> str:
        shape = self.shape(target)
        fields = self.contract.fields_of(shape)
        missing = [name for name, field in fields.items() if field.required and name not in target.children]
        if missing:
            raise self.rows.table.error(
                target.path or "(document)",
                f"no row gives {missing[0]!r}",
                why=f"{self.contract.key} requires it: {fields[missing[0]].meaning}",
                next_move=f'add {_key(target.path, missing[0])} = {{ from = "...", with = "..." }}, or another row',
            )
        struct = self.contract.structs[shape]
        self.rows.names[struct.__name__] = struct
        return f"{struct.__name__}("

    def layout(self, target: Target) -> Iterable[str]:
        return self.contract.structs[self.shape(target)].__struct_fields__

    def member(self, name: str, text: str) -> str:
        return f"{text},  # {name}"

    def listed(self, variable: str) -> str:
        return f"(tuple({variable}) if {variable} else ())"

    def shape(self, target: Target) -> str:
        """The contract's name of the object at a target."""
        return self.field(target).of if target.path else ""

    def field(self, target: Target) -> Field:
        try:
            return canonical_field(self.contract, BLOCK.sub("", target.path))
        except LookupError as error:
            raise self.rows.table.error(
                target.path, f"{self.contract.key} has no field {target.path!r}", next_move=str(error)
            ) from error


class Form(Protocol):
    """What says of a target whether it may be null, and of which type it is; None where no contract does."""

    def field(self, target: Target) -> Field | None:
        """The contract's field."""


class Needs:
    """Asks the decoder's tree for everything that the rows read."""

    def __init__(self, rows: Rows, form: Form, document: Node) -> None:
        self.rows = rows
        self.form = form
        self.document = document

    def of_results(self, results: dict[str, Row]) -> None:
        for name, row in results.items():
            self._row(f"@{name}", row, None, self.document)

    def of(self, target: Target, node: Node) -> None:
        """Everything below a target; `node` is where relative paths start."""
        for child in target.children.values():
            if child.is_leaf:
                self._row(child.path, _row(child), self.form.field(child), node)
            elif child.blocks:
                self._blocks(child, node)
            else:
                self.of(child, self._object(child, node))

    def _object(self, target: Target, node: Node) -> Node:
        row = target.row
        if row is None or not row.object:
            return node
        if row.object.startswith("@"):
            return Node()  # it reads what a function returned, not the document
        field = self.form.field(target)
        required = field is not None and not field.may_be_none
        return self._walk(row.object, node, required)

    def _blocks(self, target: Target, node: Node) -> None:
        for block in target.blocks.values():
            row = _row(block)
            inner = node
            if row.each:
                inner = self._walk(row.each, node, row.default is UNSET).elements()
            for condition in row.conditions:
                self._walk(condition.source, inner, False).ask(self._condition_type(condition, block))
            self.of(block, inner)

    def _condition_type(self, condition: Condition, block: Target) -> Any:
        if condition.function:
            return self.rows.callee(block.path, condition.function, 1).parameter(0).type
        compared = next(
            (value for value in (condition.equals, condition.differs, condition.above) if value is not UNSET), None
        )
        return Any if compared is None else literal_type(compared)

    def _row(self, target: str, row: Row, field: Field | None, node: Node) -> None:
        nullable = row.default is not UNSET or row.omit_when_null or (field is not None and field.may_be_none)
        paths = [path for path in row.paths if path != "#" and not path.startswith("@")]
        callee = self.rows.callee(target, row.function, len(row.paths) + bool(row.setting)) if row.function else None
        for at, path in enumerate(paths):
            if callee is None:
                self._walk(path, node, not nullable).ask(self._plain_type(target, row, field))
            else:
                parameter = callee.parameter(at)
                self._walk(path, node, not (nullable or parameter.accepts_none)).ask(parameter.type)

    def _plain_type(self, target: str, row: Row, field: Field | None) -> Any:
        if field is None:
            return Any
        if row.table is not None:
            return TABLE_KEY
        if field.type in {"money", "amount", "list", "object"}:
            raise self.rows.table.error(
                target, f"a {field.type} does not come from a path alone", next_move='add `with = "..."`'
            )
        return SCALAR_TYPES.get(field.type) or (python_type(field, {}) if field.type == "enum" else SCALARS[field.type])

    def _walk(self, path: str, node: Node, required: bool) -> Node:
        place = self.document if path.startswith("$") else node
        for name in names_of(path):
            place = place.at(name)
            place.required |= required
        return place


def _key(path: str, name: str) -> str:
    """A target as it is written in TOML: quoted where it has a dot or a bracket."""
    return f'"{path}.{name}"' if path else name


def _row(target: Target) -> Row:
    return target.row or Row()

"""Where values are read from: a path becomes a Python expression that passes null on instead of failing on it.

Path syntax: `sku` from the current element, `$.currency` from the document, `.` the element itself, `$` the document,
`@money.items` from the result of a row `"@money"`, where `[]` means the element of the current loop; `#` the place in
the list, from 1.
"""

from typing import Any, Protocol

import msgspec
from msgspec import Struct

from interlock.canonical.contract import Contract, ContractError, Field
from interlock.mapping.decoder import Node, attribute
from interlock.mapping.functions import without_none
from interlock.mapping.language import suggestion


class Scope(Struct, frozen=True):
    """A variable of the generated code, what it holds, and the path of that for errors."""

    variable: str
    base: Any
    path: str
    index: str = ""


class Step(Struct, frozen=True):
    attribute: str
    may_be_none: bool


class Expression(Struct, frozen=True):
    """Python text, and whether its value can be None. `field` is the contract's, when the source has one."""

    text: str
    may_be_none: bool
    field: Field | None = None
    base: Any = None


class Source(Protocol):
    """A document as paths."""

    def steps(self, base: Any, names: list[str]) -> tuple[list[Step], Any, Field | None]:
        """The steps to a path below `base`; LookupError when there is no such path."""


class VendorSource:
    """A decoded vendor document; all paths were asked for before."""

    def steps(self, base: Any, names: list[str]) -> tuple[list[Step], Any, Field | None]:
        if not isinstance(base, Node):
            return struct_steps(base, names)
        steps = []
        for name in names:
            base = base.at(name)
            steps.append(Step(attribute(name), not base.required))
        return steps, base, None


class CanonicalSource:
    """A canonical object; `base` is the name of a nested object, or "" for the object itself."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract

    def steps(self, base: Any, names: list[str]) -> tuple[list[Step], Any, Field | None]:
        if base is not None and not isinstance(base, str):
            return struct_steps(base, names)
        steps, field = [], None
        for name in names:
            fields = self.contract.fields_of(base) if base is not None else {}
            if name not in fields:
                raise LookupError(self._nearest(base, name))
            field = fields[name]
            steps.append(Step(name, field.may_be_none))
            base = field.of if field.of in self.contract.objects else None
        return steps, base, field

    def _nearest(self, base: str | None, name: str) -> str:
        return suggestion(name, self.contract.fields_of(base)) if base is not None else ""


def struct_steps(base: Any, names: list[str]) -> tuple[list[Step], Any, Field | None]:
    """Steps through what a function returns, by the fields of its struct."""
    steps = []
    for name in names:
        fields = {field.name: field.type for field in msgspec.structs.fields(base)} if isinstance(base, type) else {}
        if name not in fields:
            raise LookupError(suggestion(name, fields))
        base, optional = without_none(fields[name])
        steps.append(Step(name, optional))
    return steps, base, None


def names_of(path: str) -> list[str]:
    return [name for name in path.removeprefix("$").removeprefix(".").split(".") if name]


def chain(variable: str, steps: list[Step], temporary: str) -> tuple[str, bool]:
    """`variable.a.b`, with a test for None wherever a step may be None."""
    text, may_be_none, at = variable, False, 0
    guards = ""
    for step in steps:
        if may_be_none:
            name = f"{temporary}{at}"
            guards += f"None if ({name} := {text}) is None else "
            text, at = name, at + 1
        text, may_be_none = f"{text}.{step.attribute}", step.may_be_none
    return (f"({guards}{text})" if guards else text), may_be_none or bool(guards)


def canonical_field(contract: Contract, path: str) -> Field:
    """The field at a path; LookupError with a suggestion."""
    try:
        return contract.field(path)
    except ContractError as error:
        raise LookupError(error.next_move) from error

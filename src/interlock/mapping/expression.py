"""One row as a Python expression: its paths, its function, its table and its default."""

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

import msgspec
from msgspec import UNSET, Struct

from interlock.errors import MappingError
from interlock.mapping.functions import Callee, Functions, without_none
from interlock.mapping.language import Row, Table, suggestion
from interlock.mapping.source import Expression, Scope, Source, chain, names_of

PLAIN = (str, int, bool, type(None))


class Rows:
    """Turns rows of one table into expressions; keeps what the generated code refers to by name."""

    def __init__(self, table: Table, source: Source, functions: Functions) -> None:
        self.table = table
        self.source = source
        self.functions = functions
        self.names: dict[str, Any] = {"translate": translate}
        self.results: dict[str, Callee] = {}
        self._serial = 0

    def fresh(self, stem: str) -> str:
        """A new variable name."""
        self._serial += 1
        return f"{stem}_{self._serial}"

    def value(self, target: str, row: Row, scope: Scope, root: Scope) -> Expression:
        """The expression of a row. MappingFileError names the row when the row cannot work."""
        found = self._origin(target, row, scope, root)
        if row.table is not None:
            found = self._translated(row, found)
        if row.default is not UNSET and not row.setting and found.may_be_none:
            kept = self.fresh("value")
            text = f"({self.constant(row.default)} if ({kept} := {found.text}) is None else {kept})"
            found = Expression(text, row.default is None, found.field)
        return found

    def constant(self, value: Any) -> str:
        """A literal, or a name for a value that is more than one."""
        if isinstance(value, PLAIN):
            return repr(value)
        value = tuple(value) if isinstance(value, list) else value
        name = self.fresh("constant")
        self.names[name] = value
        return name

    def path(self, target: str, path: str, scope: Scope, root: Scope) -> Expression:
        """The expression of one path."""
        if path.startswith("@"):
            return self._result(target, path, scope)
        if path == "#":
            return self._position(target, scope)
        start = root if path.startswith("$") else scope
        try:
            steps, base, field = self.source.steps(start.base, names_of(path))
        except LookupError as error:
            raise self.table.error(target, f"there is no {path!r} to read", next_move=str(error)) from error
        text, may_be_none = chain(start.variable, steps, self.fresh("part"))
        return Expression(text, may_be_none, field, base)

    def _position(self, target: str, scope: Scope) -> Expression:
        """The place of the element in its list, from 1."""
        if not scope.index:
            raise self.table.error(
                target, "'#' is the place in a list; this row is in none", next_move="write it below an `each`"
            )
        return Expression(f"{scope.index} + 1", False)

    def callee(self, target: str, row_function: str, count: int) -> Callee:
        """The function of a row, checked to take that many values."""
        try:
            callee = self.functions.callee(row_function)
        except LookupError as error:
            hint = f"write it in functions.py, or use one that there is; {error}"
            raise self.table.error(target, f"there is no function {row_function!r}", next_move=hint) from error
        if not callee.accepts(count):
            names = ", ".join(parameter.name for parameter in callee.parameters)
            raise self.table.error(
                target, f"{row_function} takes ({names}), the row gives {count} value(s)", next_move="correct `from`"
            )
        return callee

    def called(self, callee: Callee, arguments: list[Expression]) -> Expression:
        """The call, skipped with null when a value is null that the function does not accept."""
        name = f"call_{callee.name}"
        self.names[name] = callee.call
        guards, texts = "", []
        for at, argument in enumerate(arguments):
            text = argument.text
            if argument.may_be_none and not callee.parameter(at).accepts_none:
                kept = self.fresh("value")
                guards, text = f"{guards}None if ({kept} := {text}) is None else ", kept
            texts.append(text)
        call = f"{name}({', '.join([*texts, 'context'] if callee.takes_context else texts)})"
        unknown = callee.returns is Any
        return Expression(
            f"({guards}{call})" if guards else call, bool(guards) or (callee.may_return_none and not unknown)
        )

    def _origin(self, target: str, row: Row, scope: Scope, root: Scope) -> Expression:
        if row.value is not UNSET:
            return Expression(self.constant(row.value), row.value is None)
        arguments = [self.path(target, path, scope, root) for path in row.paths]
        if row.setting:
            arguments = [self._setting(row), *arguments]
        if row.function:
            return self.called(self.callee(target, row.function, len(arguments)), arguments)
        if len(arguments) != 1:
            raise self.table.error(
                target,
                "this row needs one source, or a function",
                next_move='write `from = "path"`, `value`, `setting` or `with`',
            )
        return arguments[0]

    def _setting(self, row: Row) -> Expression:
        if row.default is not UNSET:
            return Expression(
                f"context.settings.get({row.setting!r}, {self.constant(row.default)})", row.default is None
            )
        if row.omit_when_null:
            return Expression(f"context.settings.get({row.setting!r})", True)
        return Expression(f"context.setting({row.setting!r})", False)

    def _translated(self, row: Row, found: Expression) -> Expression:
        table, kept = self.constant(row.table), self.fresh("value")
        call = f"translate({table}, {kept if found.may_be_none else found.text})"
        return Expression(
            f"(None if ({kept} := {found.text}) is None else {call})" if found.may_be_none else call, found.may_be_none
        )

    def _result(self, target: str, path: str, scope: Scope) -> Expression:
        name, *rest = path.removeprefix("@").split(".")
        if name not in self.results:
            raise self.table.error(target, f"there is no row '@{name}'", next_move=suggestion(name, self.results))
        variable, hint = f"result_{name}", self.results[name].returns
        text, guard = variable, self.results[name].may_return_none
        for step in rest:
            attribute = step.removesuffix("[]")
            hint = self._attribute_type(target, hint, attribute)
            text = f"{text}.{attribute}"
            if step.endswith("[]"):
                if not scope.index:
                    raise self.table.error(
                        target, f"{path!r} needs a loop around it: only elements of a list have an index"
                    )
                text, hint = f"{text}[{scope.index}]", _element_type(hint)
        hint, optional = without_none(hint)
        if guard and rest:
            return Expression(f"(None if {variable} is None else {text})", True, base=hint)
        return Expression(text, guard or (optional and hint is not Any), base=hint)

    def _attribute_type(self, target: str, hint: Any, attribute: str) -> Any:
        if not (isinstance(hint, type) and issubclass(hint, Struct)):
            return Any
        fields = {field.name: field.type for field in msgspec.structs.fields(hint)}
        if attribute not in fields:
            raise self.table.error(
                target, f"{hint.__name__} has no {attribute!r}", next_move=suggestion(attribute, fields)
            )
        return fields[attribute]


def _element_type(hint: Any) -> Any:
    arms = getattr(hint, "__args__", ())
    return arms[0] if arms else Any


def translate(table: Mapping[str, Any], value: Any) -> Any:
    """A value through the table of its row; one that is not listed is an error, not a guess."""
    key = str(value).lower() if isinstance(value, bool) else str(value)
    if key not in table:
        raise MappingError(
            f"{value!r} is not in the table of this field",
            value=value,
            code="MAP004",
            next_move=f"add it; listed: {', '.join(table)}",
        )
    return table[key]


SCALAR_TYPES: Mapping[str, Any] = {
    "string": str,
    "id": int | str,
    "decimal": Decimal,
    "quantity": int,
    "date": dt.date,
    "boolean": bool,
}


def conversion(expression: Expression, kind: str, fresh: Callable[[str], str]) -> Expression:
    """Ids are strings at every border, whatever the document has."""
    if kind != "id":
        return expression
    if not expression.may_be_none:
        return Expression(f"str({expression.text})", False)
    kept = fresh("value")
    return Expression(f"(None if ({kept} := {expression.text}) is None else str({kept}))", True)


def literal_type(value: Any) -> Any:
    """What to decode in order to compare with this value."""
    return cast("Any", type(value))

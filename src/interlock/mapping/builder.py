"""The builder: the rows of a mapping as the source text of one Python function, straight-line code without look-ups.

Every line of the text remembers its row, so that whatever fails in it can be told with the path of the value.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from msgspec import UNSET, Struct

from interlock.mapping.expression import Rows
from interlock.mapping.language import Condition, Row
from interlock.mapping.source import Expression, Scope
from interlock.mapping.target import Target


class Site(Struct, frozen=True):
    """What a line of generated code is about: the row's target, its source paths, and the loops around it."""

    target: str
    paths: tuple[str, ...]
    indexes: tuple[str, ...]


class Member(NamedTuple):
    """One field of an object: its text, and the row and target that it stands for."""

    text: str
    row: Row | None
    target: str


NULL = Member("None", None, "")


class Form(Protocol):
    """How a direction makes its objects and lists."""

    def leaf(self, target: Target, scope: Scope, root: Scope) -> Expression:
        """The value of a leaf."""

    def opening(self, target: Target) -> str:
        """The text that begins an object, such as `Line(` or `{`."""

    def layout(self, target: Target) -> Iterable[str]:
        """The names of its fields in the order they are written; one without a row is null."""

    def member(self, name: str, text: str) -> str:
        """One field of it, with a comma."""

    @property
    def closing(self) -> str: ...

    def listed(self, variable: str) -> str:
        """The list as it is stored."""


class Builder:
    """Writes the function `build(document, context)`."""

    def __init__(self, rows: Rows, form: Form, root: Scope) -> None:
        self.rows = rows
        self.form = form
        self.root = root
        self.lines: list[str] = ["def build(document, context):"]
        self.sites: dict[int, Site] = {}
        self._indexes: tuple[str, ...] = ()

    def function(self, tree: Target, results: dict[str, Row]) -> tuple[Any, str]:
        """The compiled function and its text."""
        for name, row in results.items():
            expression = self.rows.value(f"@{name}", row, self.root, self.root)
            self._line(1, f"result_{name} = {expression.text}", row, f"@{name}", self.root)
            self.rows.results[name] = self.rows.callee(f"@{name}", row.function, len(row.paths))
        self._line(1, f"return {self._object(tree, self.root, 1)}")
        text = "\n".join(self.lines) + "\n"
        scope = dict(self.rows.names)
        exec(compile(text, f"<mapping {self.rows.table.title}>", "exec"), scope)  # noqa: S102  text made here, from checked rows
        return scope["build"], text

    def _object(self, target: Target, scope: Scope, indent: int) -> str:
        """Write an object's parts, then the object itself; return its variable."""
        members: dict[str, Member] = {}
        omitted: dict[str, Member] = {}
        for name, child in target.children.items():
            if not child.is_leaf:
                members[name] = Member(self._composite(child, scope, indent), None, child.path)
                continue
            expression = self.form.leaf(child, scope, self.root)
            omit = child.row is not None and child.row.omit_when_null and expression.may_be_none
            (omitted if omit else members)[name] = Member(expression.text, child.row, child.path)
        variable = self.rows.fresh("made")
        self._line(indent, f"{variable} = {self.form.opening(target)}")
        for name in self.form.layout(target):
            if name not in omitted:
                text, row, path = members.get(name, NULL)
                self._line(indent + 1, self.form.member(name, text), row, path, scope)
        self._line(indent, self.form.closing)
        for name, (text, row, path) in omitted.items():
            kept = self.rows.fresh("value")
            self._line(indent, f"if ({kept} := {text}) is not None: {variable}[{name!r}] = {kept}", row, path, scope)
        return variable

    def _composite(self, target: Target, scope: Scope, indent: int) -> str:
        if target.blocks:
            return self._list(target, scope, indent)
        if target.row is None:
            return self._object(target, scope, indent)
        return self._nullable(target, target.row, scope, indent)

    def _nullable(self, target: Target, row: Row, scope: Scope, indent: int) -> str:
        """An object whose source may be null: then it is null."""
        source = self.rows.path(target.path, row.object, scope, self.root)
        held, variable = self.rows.fresh("held"), self.rows.fresh("object")
        self._line(indent, f"{held} = {source.text}", row, target.path, scope)
        inner = Scope(held, source.base, join(scope, row.object, self.root), scope.index)
        self._line(indent, f"{variable} = None")
        self._line(indent, f"if {held} is not None:")
        made = self._object(target, inner, indent + 1)
        self._line(indent + 1, f"{variable} = {made}")
        return variable

    def _list(self, target: Target, scope: Scope, indent: int) -> str:
        variable = self.rows.fresh("list")
        self._line(indent, f"{variable} = []")
        for block in target.blocks.values():
            assert block.row is not None  # checked in target.py
            if block.row.each:
                self._loop(block, block.row, variable, scope, indent)
            else:
                self._once(block, block.row, variable, scope, indent)
        return self.form.listed(variable)

    def _loop(self, block: Target, row: Row, variable: str, scope: Scope, indent: int) -> None:
        source = self.rows.path(block.path, row.each, scope, self.root)
        element, index = self.rows.fresh("element"), self.rows.fresh("at")
        values = self.rows.fresh("values")
        elements = f"enumerate({values}) if ({values} := {source.text}) else ()"  # most lists of a document are empty
        self._line(indent, f"for {index}, {element} in {elements}:", row, block.path, scope)
        inner = Scope(element, self._element_base(source), f"{join(scope, row.each, self.root)}[]", index)
        before, self._indexes = self._indexes, (*self._indexes, index)
        tests = self._tests(block, row, inner)
        if tests:
            self._line(indent + 1, f"if not ({tests}): continue", row, block.path, inner)
        made = self._object(block, inner, indent + 1)
        self._line(indent + 1, f"{variable}.append({made})")
        self._indexes = before

    def _once(self, block: Target, row: Row, variable: str, scope: Scope, indent: int) -> None:
        self._line(indent, f"if {self._tests(block, row, scope)}:", row, block.path, scope)
        made = self._object(block, scope, indent + 1)
        self._line(indent + 1, f"{variable}.append({made})")

    def _element_base(self, source: Expression) -> Any:
        base = source.base
        return base.elements() if hasattr(base, "elements") else base

    def _tests(self, block: Target, row: Row, scope: Scope) -> str:
        return " and ".join(self._test(block, condition, scope) for condition in row.conditions)

    def _test(self, block: Target, condition: Condition, scope: Scope) -> str:
        value = self.rows.path(block.path, condition.source, scope, self.root)
        if condition.function:
            value = self.rows.called(self.rows.callee(block.path, condition.function, 1), [value])
        if condition.equals is not UNSET:
            return f"({value.text} == {condition.equals!r})"
        if condition.differs is not UNSET:
            return f"({value.text} != {condition.differs!r})"
        if condition.above is not UNSET:
            return f"(({value.text} or 0) > {condition.above!r})"
        return f"({value.text})"

    def _line(
        self, indent: int, text: str, row: Row | None = None, target: str = "", scope: Scope | None = None
    ) -> None:
        self.lines.append("    " * indent + text)
        if row is not None and scope is not None:
            paths = tuple(join(scope, path, self.root) for path in (*row.paths, row.each, row.object) if path)
            self.sites[len(self.lines)] = Site(target, paths, self._indexes)


def join(scope: Scope, path: str, root: Scope) -> str:
    """The whole path of a source, from the document's root."""
    if path.startswith(("$", "@")):
        return path
    return scope.path if path == "." else f"{scope.path or root.path}.{path}"

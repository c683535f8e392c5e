"""The parts of a document that are asked for only where the app may: fields marked `@include(if: $part)`.

A field that the app has no scope for is an error of the whole read (ACCESS_DENIED). What no flow must have is therefore
marked, and left out for an app that was not granted its scope; the body that comes of it says null there.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from graphql import (
    REMOVE,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)

INCLUDE: Final = "include"


def parts_of(tree: DocumentNode) -> tuple[str, ...]:
    """The names of the parts: its variables of which an @include makes use, as they are declared."""
    found = _Marks()
    visit(tree, found)
    declared = (
        each
        for one in tree.definitions
        if isinstance(one, OperationDefinitionNode)
        for each in one.variable_definitions or ()
    )
    return tuple(each.variable.name.value for each in declared if each.variable.name.value in found.parts)


def decided(tree: DocumentNode, without: Collection[str]) -> DocumentNode:
    """The document for an operation without variables of parts, such as a bulk operation: those in `without` are cut
    out, with the fragments that then nobody spreads; the others are asked for plainly."""
    cut: DocumentNode = visit(tree, _Cut(parts_of(tree), without))
    while True:
        spread = _Spreads()
        visit(cut, spread)
        kept = tuple(
            one
            for one in cut.definitions
            if not isinstance(one, FragmentDefinitionNode) or one.name.value in spread.names
        )
        if len(kept) == len(cut.definitions):
            return cut
        cut = DocumentNode(definitions=kept)


def _part(node: FieldNode) -> str | None:
    """The part that a field is marked with."""
    for each in node.directives or ():
        value = each.arguments[0].value if each.name.value == INCLUDE and each.arguments else None
        if isinstance(value, VariableNode):
            return value.name.value
    return None


class _Marks(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.parts: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        if (part := _part(node)) is not None:
            self.parts.add(part)


class _Spreads(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> None:
        self.names.add(node.name.value)


class _Cut(Visitor):
    def __init__(self, parts: Collection[str], without: Collection[str]) -> None:
        super().__init__()
        self._parts, self._without = parts, without

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> Any:
        return REMOVE if node.variable.name.value in self._parts else None

    def enter_field(self, node: FieldNode, *_: Any) -> Any:
        part = _part(node)
        if part is None:
            return None
        if part in self._without:
            return REMOVE
        return FieldNode(
            alias=node.alias, name=node.name, arguments=node.arguments, directives=(), selection_set=node.selection_set
        )

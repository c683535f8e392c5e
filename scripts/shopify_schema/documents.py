"""What the connector's documents use of a schema: fields, arguments, types, scopes, and what of it is deprecated."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLNamedType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_composite_type,
    parse,
    validate,
    visit,
)

from interlock.connectors.shopify.optional import decided, parts_of

from .access import Clauses
from .full import Full


class Use(Visitor):
    """What documents use of one schema, gathered over all that are `read`."""

    def __init__(self, full: Full) -> None:
        super().__init__()
        self._full = full
        self._info = TypeInfo(full.schema)
        self._fields: dict[str, set[str]] = {}
        self.arguments: set[tuple[str, str, str]] = set()
        self.variables: set[str] = set()
        self.deprecated: dict[str, str] = {}
        self.clauses: dict[tuple[str, ...], None] = {}

    @property
    def fields(self) -> dict[str, set[str]]:
        """Type -> fields. One that is selected from by fragments only gives one field: without any it were no type."""
        return {name: used or self._first(name) for name, used in self._fields.items()}

    def _first(self, name: str) -> set[str]:
        known = [each["name"] for each in self._full.types[name].get("fields") or ()]
        return {"id"} & set(known) or set(known[:1])

    def read(self, document: DocumentNode) -> "Use":
        visit(document, TypeInfoVisitor(self._info, self))
        return self

    def enter_variable_definition(self, *_: Any) -> None:
        """The variable's type is named in the document, so the cut-down schema must know it."""
        used = get_named_type(self._info.get_input_type())
        if used is not None:
            self.variables.add(used.name)

    def enter_inline_fragment(self, *_: Any) -> None:
        self._composite(get_named_type(self._info.get_type()))

    enter_fragment_definition = enter_inline_fragment

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent, field, name = self._info.get_parent_type(), self._info.get_field_def(), node.name.value
        if parent is None or field is None or name.startswith("__"):
            return
        self._fields.setdefault(parent.name, set()).add(name)
        self._need(self._full.access.of_field(parent.name, name))
        self._composite(get_named_type(field.type))
        self._note_deprecated(f"{parent.name}.{name}", field.deprecation_reason)
        for each in node.arguments or ():
            self.arguments.add((parent.name, name, each.name.value))
            self._note_deprecated(
                f"{parent.name}.{name}({each.name.value}:)", field.args[each.name.value].deprecation_reason
            )

    def enter_enum_value(self, node: Any, *_: Any) -> None:
        value = self._info.get_enum_value()
        self._note_deprecated(f"the value {node.value}", value.deprecation_reason if value else None)

    def enter_object_field(self, node: Any, *_: Any) -> None:
        parent = get_named_type(self._info.get_parent_input_type())
        field = getattr(parent, "fields", {}).get(node.name.value)
        self._note_deprecated(f"{parent}.{node.name.value}", field.deprecation_reason if field else None)

    def _composite(self, used: GraphQLNamedType | None) -> None:
        if used is None or not is_composite_type(used):
            return
        self._need(self._full.access.of_type(used.name))
        self._fields.setdefault(used.name, set())

    def _need(self, clauses: Clauses) -> None:
        self.clauses.update(dict.fromkeys(clauses))

    def _note_deprecated(self, what: str, reason: str | None) -> None:
        if reason:
            self.deprecated[what] = reason


def documents(folder: Path) -> dict[str, DocumentNode]:
    """Name -> document, of every .graphql file in the folder."""
    return {file.stem: parse(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.graphql"))}


def errors(schema: GraphQLSchema, document: DocumentNode) -> list[str]:
    """Why the document is not valid, a sentence each."""
    return [error.message for error in validate(schema, document)]


def facts(full: Full, document: DocumentNode) -> dict[str, Any]:
    """What must be known of a document without the full schema: its scopes as clauses, and the deprecated it uses."""
    use = Use(full).read(document)
    parts = parts_of(document)
    always = Use(full).read(decided(document, parts)).clauses if parts else use.clauses
    found = {"scopes": sorted(map(list, always)), "deprecated": dict(sorted(use.deprecated.items()))}
    return found | ({"optional": _optional(full, document, always)} if parts else {})


def _optional(full: Full, document: DocumentNode, always: Collection[tuple[str, ...]]) -> dict[str, list[list[str]]]:
    """What each part needs besides, when it is asked for alone."""
    parts = parts_of(document)
    alone = {part: decided(document, [other for other in parts if other != part]) for part in parts}
    return {
        part: sorted(list(one) for one in Use(full).read(tree).clauses if one not in always)
        for part, tree in alone.items()
    }

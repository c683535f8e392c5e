"""Shopify's restrictions on the query of a bulk operation, in its own words, all told at once.

Source: docs/api/usage/bulk-operations/queries, and answers of a 2026-04 store kept in airhorns/shopify-draft-proxy: one
top-level field, at most five connections, at most two nested below the top one (products, variants, metafields is in
use: airbyte source-shopify), through `edges { node }`, with the parent's `id`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLOutputType,
    InlineFragmentNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
)

from interlock.twins.shopify.admin.documents import DocumentError, Documents, Operation
from interlock.twins.shopify.admin.schema import load_schema

CONNECTIONS_MAX = 5
NESTING_MAX = 2


class BulkQueryRefused(ValueError):  # noqa: N818 - reads as what happened
    """Shopify would not run this query; `messages` are its userErrors."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


def checked(version: str, text: str) -> Operation:
    """The operation of a bulk query. Raises BulkQueryRefused with Shopify's words."""
    schema = load_schema(version)
    if not text.strip():
        raise BulkQueryRefused(["Invalid bulk query: syntax error, unexpected end of file"])
    try:
        operation = Documents(schema, version).operation(text, None)
    except DocumentError as error:
        raise BulkQueryRefused([f"Invalid bulk query: {one['message']}" for one in error.errors]) from error
    if operation.node.operation is not OperationType.QUERY:
        raise BulkQueryRefused(["Invalid operation type. Only `query` operations are supported."])
    _Rules(operation).apply()
    return operation


@dataclass
class _Found:
    """What the rules count."""

    connections: int = 0
    depth: int = 0
    by_nodes: list[str] = field(default_factory=list)
    without_id: list[str] = field(default_factory=list)
    within_list: bool = False


class _Rules:
    """Shopify's restrictions on a bulk query, all told at once."""

    def __init__(self, operation: Operation) -> None:
        self._schema, self._node = operation.schema, operation.node
        named = (one for one in operation.document.definitions if isinstance(one, FragmentDefinitionNode))
        self._fragments = {one.name.value: one for one in named}

    def apply(self) -> None:
        """Raise BulkQueryRefused with every rule that the query breaks."""
        query, found = self._schema.query_type, _Found()
        fields = list(self._fields(query, self._node.selection_set))
        self._survey(query, self._node.selection_set, found, depth=0, has_id=True, in_list=False)
        wrong = _broken(found, {nodes[0].name.value for _, nodes in fields})
        if not wrong and not found.connections:
            wrong.append("Bulk queries must contain at least one connection.")
        if not wrong and (len(fields) != 1 or not self._is_connection_field(query, fields[0][1][0])):
            wrong.append("Bulk queries must contain exactly one top level field, which is a connection.")
        if wrong:
            raise BulkQueryRefused(wrong)

    def _survey(
        self, parent: Any, selections: SelectionSetNode, found: _Found, *, depth: int, has_id: bool, in_list: bool
    ) -> None:
        """Count connections below one selection; `depth` connections are around it."""
        for _, nodes in self._fields(parent, selections, every_type=True):
            definition = self._definition(parent, nodes[0])
            if definition is None or is_leaf_type(get_named_type(definition)):
                continue
            for node in nodes:
                below = node.selection_set
                assert below is not None
                inner = get_named_type(definition)
                if not inner.name.endswith("Connection"):
                    listed = in_list or is_list_type(get_nullable_type(definition))
                    self._survey(inner, below, found, depth=depth, has_id=has_id, in_list=listed)
                    continue
                self._survey_connection(node, inner, below, found, depth=depth, has_id=has_id, in_list=in_list)

    def _survey_connection(
        self,
        node: FieldNode,
        kind: Any,
        below: SelectionSetNode,
        found: _Found,
        *,
        depth: int,
        has_id: bool,
        in_list: bool,
    ) -> None:
        found.connections += 1
        found.depth = max(found.depth, depth)  # the top one is not nested
        found.within_list |= in_list
        if not has_id:
            found.without_id.append(node.name.value)
        if any(one[0].name.value == "nodes" for _, one in self._fields(kind, below)):
            found.by_nodes.append(node.name.value)
        for inner_kind, inner in self._node_selections(kind, below):
            chosen = [(key, one[0].name.value) for key, one in self._fields(inner_kind, inner, every_type=True)]
            self._survey(inner_kind, inner, found, depth=depth + 1, has_id=("id", "id") in chosen, in_list=False)

    def _node_selections(self, kind: Any, below: SelectionSetNode) -> Iterator[tuple[Any, SelectionSetNode]]:
        """What is selected under edges { node } of a connection."""
        for _, edges in self._fields(kind, below):
            for edge in edges:
                if edge.name.value != "edges" or edge.selection_set is None:
                    continue
                edge_kind = get_named_type(kind.fields["edges"].type)
                for _, nodes in self._fields(edge_kind, edge.selection_set):
                    for node in nodes:
                        if node.name.value == "node" and node.selection_set is not None:
                            yield get_named_type(edge_kind.fields["node"].type), node.selection_set

    def _fields(
        self, kind: Any, selections: SelectionSetNode, *, every_type: bool = False
    ) -> Iterator[tuple[str, list[FieldNode]]]:
        """Fields by response key that a selection takes from an object of this type, fragments opened."""
        grouped: dict[str, list[FieldNode]] = {}
        self._collect(kind, selections, grouped, every_type)
        return iter(grouped.items())

    def _collect(self, kind: Any, selections: SelectionSetNode, grouped: Any, every_type: bool) -> None:
        for one in selections.selections:
            if isinstance(one, FieldNode):
                grouped.setdefault(one.alias.value if one.alias else one.name.value, []).append(one)
                continue
            fragment: Any = one if isinstance(one, InlineFragmentNode) else self._fragments[one.name.value]  # type: ignore[attr-defined]
            condition = fragment.type_condition
            wanted = self._schema.type_map[condition.name.value] if condition else kind
            applies = wanted is kind or (is_abstract_type(wanted) and self._schema.is_sub_type(wanted, kind))
            if applies or every_type:
                self._collect(kind if applies else wanted, fragment.selection_set, grouped, every_type)

    def _definition(self, parent: Any, node: FieldNode) -> GraphQLOutputType | None:
        fields = getattr(parent, "fields", {})
        found = fields.get(node.name.value)
        if found is None and is_abstract_type(parent):  # a field of one of its types, from a fragment
            for kind in self._schema.get_possible_types(parent):
                found = found or kind.fields.get(node.name.value)
        return found.type if found is not None else None

    def _is_connection_field(self, parent: Any, node: FieldNode) -> bool:
        definition = self._definition(parent, node)
        return definition is not None and get_named_type(definition).name.endswith("Connection")


def _broken(found: _Found, names_on_top: set[str]) -> list[str]:
    """The sentences for what was counted."""
    wrong = []
    if found.by_nodes:
        first, names = found.by_nodes[0], "', '".join(found.by_nodes)
        wrong.append(
            "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: "
            f"'{first} {{ edges {{ node {{'. Selecting via 'nodes' is not supported. "
            f"Invalid connection fields: '{names}'."
        )
    if names_on_top & {"node", "nodes"}:
        wrong.append("Bulk queries cannot contain a top level `node` field.")
    if found.depth > NESTING_MAX:
        wrong.append(f"Bulk queries cannot contain connections with a nesting depth greater than {NESTING_MAX}.")
    if found.connections > CONNECTIONS_MAX:
        wrong.append(f"Bulk queries cannot contain more than {CONNECTIONS_MAX} connections.")
    if found.without_id:
        wrong.append(
            "The parent 'node' field for a nested connection must select the 'id' field without an alias and must "
            f"be of 'ID' return type. Connection fields without 'id': {', '.join(found.without_id)}."
        )
    if found.within_list:
        wrong.append("Queries that contain a connection field within a list field are not currently supported.")
    return wrong

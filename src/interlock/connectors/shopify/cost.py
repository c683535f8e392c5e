"""What a document costs in points before it is sent, and how large a page may be so that a query stays affordable.

The rule (F91) is fitted on 95 recorded answers, all exact: what is a leaf is free, an object costs 1, a connection of n
costs 2 and its objects times the logarithm of n, a mutation 10 and what is nested in its payload. Shopify says that
connections scale by a logarithm, without the rule: community.shopify.dev/t/how-to-calculate-graphql-cost-estimates/24364
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    IntValueNode,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    parse,
)

from interlock.connectors.shopify.documents import document
from interlock.connectors.shopify.schema import schema

QUERY_POINTS_MAX: Final = 1000
"""A single query that may cost more is refused (F25)."""
OBJECT_POINTS: Final = 1
CONNECTION_POINTS: Final = 2
COUNT_POINTS: Final = 10
"""A count at the root, such as ordersCount: recorded answers in airhorns/shopify-draft-proxy, 2025-01 to 2026-07."""
MUTATION_POINTS: Final = 10
FREE_TYPES: Final = frozenset({"MoneyV2", "MoneyBag", "LocationAddress", "PageInfo"})
OWN_PRICES: Final = {"flowTriggerReceive": 1, "fulfillmentTrackingInfoUpdate": 50, "orderCapture": 20, "refundCreate": 20}
"""Mutations whose price Shopify set by hand: the same recordings. What nodes(ids:) costs by the number of its ids was never
recorded; it is counted as one object, and what a store says to have counted is learnt (graphql.py)."""
SIZES: Final = ("first", "last")

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """A cost that depends on page sizes: its own points, connections to add, and choices of which the dearest counts."""

    points: int = 0
    connections: tuple[Connection, ...] = ()
    choices: tuple[tuple[Cost, ...], ...] = ()

    def of(self, sizes: Mapping[str, Any]) -> int:
        """In points; `sizes` are the variables of the call. Raises KeyError for a page size that it lacks."""
        connections = sum(each.of(sizes) for each in self.connections)
        return self.points + connections + sum(max(way.of(sizes) for way in ways) for ways in self.choices)


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A page of `size` objects, a number or the name of a variable; None: the page's size is not said."""

    size: int | str | None
    objects: Cost

    def of(self, sizes: Mapping[str, Any]) -> int:
        size = sizes[self.size] if isinstance(self.size, str) else self.size
        return CONNECTION_POINTS + self.objects.of(sizes) * scale(int(size)) if size else CONNECTION_POINTS


class Priced(msgspec.Struct, frozen=True, kw_only=True):
    """What a document costs, with the defaults of its variables."""

    cost: Cost
    defaults: dict[str, int]

    def points(self, variables: Mapping[str, Any]) -> int:
        """What a call with these variables may cost at most."""
        given = {name: value for name, value in variables.items() if value is not None}
        return self.cost.of({**self.defaults, **given})


def points(name: str, variables: Mapping[str, Any], version: str) -> int:
    """What the connector's document may cost at most when it is sent to that version with these variables."""
    return _priced(name, version).points(variables)


def scale(size: int) -> int:
    """How often the objects of a page count: 11 times in one of 250."""
    return max(1, math.floor(2 * math.log(size)))


@cache
def _priced(name: str, version: str) -> Priced:
    return price(parse(document(name).text), schema(version))


def price(tree: DocumentNode, known: GraphQLSchema) -> Priced:
    """Read the cost out of a valid document of one operation."""
    reader = _Reader(tree, known)
    return Priced(cost=reader.operation(), defaults=reader.defaults())


class _Reader:
    """Walks a document by the types of its fields."""

    def __init__(self, tree: DocumentNode, known: GraphQLSchema) -> None:
        self._schema = known
        self._fragments = {each.name.value: each for each in tree.definitions if isinstance(each, FragmentDefinitionNode)}
        (self._operation,) = (each for each in tree.definitions if isinstance(each, OperationDefinitionNode))

    def defaults(self) -> dict[str, int]:
        given = ((each.variable.name.value, each.default_value) for each in self._operation.variable_definitions or ())
        return {name: int(value.value) for name, value in given if isinstance(value, IntValueNode)}

    def operation(self) -> Cost:
        root = self._schema.get_root_type(self._operation.operation)
        assert root is not None, "the operation of a valid document has a root type"
        return self._selected(root, [self._operation.selection_set])

    def _selected(self, parent: GraphQLNamedType, selections: list[SelectionSetNode]) -> Cost:
        """What is selected of a type; of an abstract one the dearest of its types, as Shopify documents it."""
        if isinstance(parent, GraphQLObjectType):
            return self._fields(parent, selections)
        ways = [self._fields(each, selections) for each in self._possible(parent)]
        return Cost(choices=(tuple(ways),)) if ways else Cost()

    def _possible(self, parent: GraphQLNamedType) -> list[Composite]:
        if not isinstance(parent, GraphQLInterfaceType | GraphQLUnionType):
            return []
        itself = [parent] if isinstance(parent, GraphQLInterfaceType) else []
        return [*self._schema.get_possible_types(parent), *itself]

    def _fields(self, parent: Composite, selections: list[SelectionSetNode], *, objects: int = OBJECT_POINTS) -> Cost:
        """The sum of the fields; `objects` is what each object among them costs itself."""
        by_key: dict[str, list[FieldNode]] = {}
        for node in self._nodes(parent, selections):
            by_key.setdefault((node.alias or node.name).value, []).append(node)
        return _sum([self._field(parent, nodes, objects) for nodes in by_key.values()])

    def _nodes(self, parent: Composite, selections: list[SelectionSetNode]) -> Iterator[FieldNode]:
        """The fields that are selected of this very type, through fragments; skipped or not, they may cost."""
        for each in (node for selection in selections for node in selection.selections):
            if isinstance(each, FieldNode):
                yield each
            elif isinstance(each, FragmentSpreadNode | InlineFragmentNode):
                fragment = self._fragments[each.name.value] if isinstance(each, FragmentSpreadNode) else each
                if self._applies(fragment.type_condition, parent):
                    yield from self._nodes(parent, [fragment.selection_set])

    def _applies(self, condition: NamedTypeNode | None, parent: Composite) -> bool:
        wanted = self._schema.get_type(condition.name.value) if condition else parent
        return wanted is parent or (
            isinstance(wanted, GraphQLInterfaceType | GraphQLUnionType) and self._schema.is_sub_type(wanted, parent)
        )

    def _field(self, parent: Composite, nodes: list[FieldNode], objects: int) -> Cost:
        field = getattr(parent, "fields", {}).get(nodes[0].name.value)
        kind = get_named_type(field.type) if field else None
        selections = [node.selection_set for node in nodes if node.selection_set]
        if kind is None or not selections:
            return Cost()
        if parent is self._schema.mutation_type:
            return self._mutation(nodes[0].name.value, kind, selections)
        if parent is self._schema.query_type and kind.name == "Count":
            return Cost(points=COUNT_POINTS)
        inner = self._selected(kind, selections)
        if kind.name.endswith("Connection"):
            return Cost(connections=(Connection(size=_size(nodes), objects=inner),))
        free = kind.name in FREE_TYPES or kind.name.endswith("Edge")
        return _sum([inner, Cost(points=0 if free else objects)])

    def _mutation(self, name: str, payload: GraphQLNamedType, selections: list[SelectionSetNode]) -> Cost:
        """The objects of the payload itself are in the mutation's price; what they hold is not."""
        assert isinstance(payload, GraphQLObjectType), "the payload of a mutation is an object"
        held = self._fields(payload, selections, objects=0)
        return _sum([held, Cost(points=OWN_PRICES.get(name, MUTATION_POINTS))])


def _size(nodes: list[FieldNode]) -> int | str | None:
    """The page's size, a number or a variable's name."""
    for argument in (each for node in nodes for each in node.arguments or () if each.name.value in SIZES):
        if isinstance(argument.value, VariableNode):
            return argument.value.name.value
        if isinstance(argument.value, IntValueNode):
            return int(argument.value.value)
    return None


def _sum(costs: list[Cost]) -> Cost:
    return Cost(
        points=sum(each.points for each in costs),
        connections=tuple(connection for each in costs for connection in each.connections),
        choices=tuple(ways for each in costs for ways in each.choices),
    )

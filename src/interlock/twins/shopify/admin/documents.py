"""Documents: parsed, validated and compiled once, kept by their text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    VariableNode,
    parse,
    validate,
)
from graphql.execution.values import VariableValues, get_variable_values
from graphql.language import DirectiveNode, Visitor, visit

from interlock.twins.shopify.admin.context import Resolver
from interlock.twins.shopify.admin.plan import Compiler, Selection, Wrapper
from interlock.twins.shopify.admin.validation import RULES, explain, syntax_error, variable_errors

KEPT_DOCUMENTS = 500
INTROSPECTION = {"__schema", "__type"}


class DocumentError(Exception):
    """The document or its variables are wrong; `errors` is what Shopify answers with a 200."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(str(errors))
        self.errors = errors


class Operation:
    """One operation of a valid document."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, node: OperationDefinitionNode) -> None:
        self.schema, self.document, self.node = schema, document, node
        self.introspects = any(
            getattr(getattr(one, "name", None), "value", "") in INTROSPECTION for one in node.selection_set.selections
        )
        self._switches = _switches(document)
        self._plans: dict[tuple[Any, ...], Selection] = {}

    def variables(self, given: Mapping[str, Any]) -> VariableValues:
        """The coerced variables. Raises DocumentError."""
        found = get_variable_values(self.schema, self.node.variable_definitions or (), dict(given))
        if isinstance(found, list):
            raise DocumentError(variable_errors(self.schema, self.node, given, found))
        return found

    def plan(
        self, resolvers: Mapping[str, Resolver], wrappers: Sequence[Wrapper], variables: VariableValues
    ) -> Selection:
        """The compiled selection; one for each combination of the variables that @skip and @include look at."""
        values = tuple(variables.coerced.get(name) for name in self._switches)
        plan = self._plans.get(values)
        if plan is None:
            switches = dict(zip(self._switches, values, strict=True))
            plan = Compiler(self.schema, self.document, resolvers, wrappers, switches).operation(self.node)
            self._plans[values] = plan
        return plan


class Documents:
    """The documents of one schema, kept by text; the one used longest ago goes first."""

    def __init__(self, schema: GraphQLSchema, version: str) -> None:
        self._schema, self._version = schema, version
        self._kept: OrderedDict[str, dict[str | None, Operation]] = OrderedDict()

    def operation(self, text: str, name: str | None) -> Operation:
        """The operation of that name, or the only one. Raises DocumentError."""
        operations = self._kept.get(text)
        if operations is None:
            operations = self._kept[text] = self._checked(text)
            if len(self._kept) > KEPT_DOCUMENTS:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(text)
        if name is None and len(operations) == 1:
            return next(iter(operations.values()))
        if name is None or name not in operations:
            what = "An operation name is required" if name is None else f'No operation named "{name}"'
            raise DocumentError([{"message": what}])
        return operations[name]

    def _checked(self, text: str) -> dict[str | None, Operation]:
        try:
            document = parse(text)
        except GraphQLSyntaxError as error:
            raise DocumentError([syntax_error(error)]) from error
        if validate(self._schema, document, RULES):
            raise DocumentError(explain(self._schema, document, self._version))
        nodes = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
        if not nodes:
            raise DocumentError([{"message": "No operations were found in this document"}])
        return {one.name.value if one.name else None: Operation(self._schema, document, one) for one in nodes}


def _switches(document: DocumentNode) -> tuple[str, ...]:
    """The variables that @skip and @include look at."""
    found: set[str] = set()

    class Looks(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            if node.name.value in {"skip", "include"}:
                found.update(
                    one.value.name.value for one in node.arguments or () if isinstance(one.value, VariableNode)
                )

    visit(document, Looks())
    return tuple(sorted(found))

"""POST /admin/api/{version}/graphql.json: one document in, `data`, `errors` and `extensions` out, always with a 200."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import execute_sync

from interlock.twins.shopify.admin.context import App, ShopContext
from interlock.twins.shopify.admin.documents import DocumentError, Documents, Operation
from interlock.twins.shopify.admin.plan import NulledError, Run, Selection, Wrapper
from interlock.twins.shopify.admin.resolvers import merged
from interlock.twins.shopify.admin.schema import load_schema
from interlock.twins.shopify.store import Store
from interlock.twins.world import World


@dataclass(slots=True)
class Engine:
    """Executes documents against the shop; one for each twin."""

    store: Store
    world: World
    clock: Callable[[], float]
    emit: Callable[[str, dict[str, Any]], None]
    config: Mapping[str, Any]
    wrappers: Sequence[Wrapper] = ()
    _documents: dict[str, Documents] = field(default_factory=dict)

    def context(self, version: str, app: App) -> ShopContext:
        """What resolvers of one request get."""
        return ShopContext(
            self.store, self.world, self.clock, version, app, self.emit, self.config, nodes=merged().nodes
        )

    def execute(self, shop: ShopContext, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to {"query", "variables", "operationName"}."""
        try:
            operation = self.operation(shop.version, str(asked["query"]), asked.get("operationName"))
            return self.run(shop, operation, asked.get("variables") or {})
        except DocumentError as refusal:
            return {"errors": refusal.errors}

    def operation(self, version: str, text: str, name: str | None = None) -> Operation:
        """A checked operation of a document, from the cache when the text was seen before. Raises DocumentError."""
        documents = self._documents.get(version)
        if documents is None:
            documents = self._documents[version] = Documents(load_schema(version), version)
        return documents.operation(text, name)

    def run(self, shop: ShopContext, operation: Operation, given: Mapping[str, Any]) -> dict[str, Any]:
        """Execute a checked operation. Raises DocumentError for wrong variables."""
        if operation.introspects:
            return _introspected(operation, given)
        variables = operation.variables(given)
        plan = operation.plan(merged().resolvers, self.wrappers, variables)
        run = Run(shop, variables)
        answer: dict[str, Any] = {"data": _data(plan, run)}
        if run.errors:
            answer["errors"] = run.errors
        if shop.extensions:
            answer["extensions"] = dict(shop.extensions)
        return answer


def _data(plan: Selection, run: Run) -> dict[str, Any] | None:
    """Read every root field, mutations in the order in which they stand."""
    try:
        return {one.key: one.read(run, {}) for one in plan.of(plan.type_name)}
    except NulledError:
        return None


def _introspected(operation: Operation, given: Mapping[str, Any]) -> dict[str, Any]:
    """Questions about the schema are graphql-core's own trade."""
    name = operation.node.name.value if operation.node.name else None
    done = execute_sync(operation.schema, operation.document, variable_values=dict(given), operation_name=name)
    return dict(done.formatted)

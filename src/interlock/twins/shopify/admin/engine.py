"""POST /admin/api/{version}/graphql.json: one document in, `data`, `errors` and `extensions` out, always with a 200."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import execute_sync

from interlock.twins.shopify.admin import cost, idempotency, inputs, redaction, scopes
from interlock.twins.shopify.admin.context import App, ShopContext
from interlock.twins.shopify.admin.documents import DocumentError, Documents, Operation
from interlock.twins.shopify.admin.plan import NulledError, Run, Selection, Wrapper
from interlock.twins.shopify.admin.resolvers import merged
from interlock.twins.shopify.admin.schema import load_schema
from interlock.twins.shopify.admin.throttle import Throttle, throttled_error, too_dear_error
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
    _documents: dict[str, Documents] = field(default_factory=dict)
    _rules: dict[str, tuple[Wrapper, ...]] = field(default_factory=dict)

    def rules(self, version: str) -> tuple[Wrapper, ...]:
        """What stands in front of single fields in a version: redaction innermost, then idempotency, scopes first."""
        known = self._rules.get(version)
        if known is None:
            once = idempotency.wrapper(load_schema(version), version)
            known = self._rules[version] = (redaction.wrapper(version), once, scopes.wrapper(version))
        return known

    def context(self, version: str, app: App) -> ShopContext:
        """What resolvers of one request get."""
        return ShopContext(
            self.store,
            self.world,
            self.clock,
            version,
            app,
            self.emit,
            self.config,
            nodes=merged().nodes,
        )

    def execute(self, shop: ShopContext, asked: Mapping[str, Any], throttle: Throttle | None = None) -> dict[str, Any]:
        """The answer to {"query", "variables", "operationName"}; without a throttle nothing is counted."""
        try:
            operation = self.operation(shop.version, str(asked["query"]), asked.get("operationName"))
            return self.run(shop, operation, asked.get("variables") or {}, throttle)
        except DocumentError as refusal:
            return {"errors": refusal.errors}

    def operation(self, version: str, text: str, name: str | None = None) -> Operation:
        """A checked operation of a document, from the cache when the text was seen before. Raises DocumentError."""
        documents = self._documents.get(version)
        if documents is None:
            documents = self._documents[version] = Documents(load_schema(version), version)
        return documents.operation(text, name)

    def run(
        self, shop: ShopContext, operation: Operation, given: Mapping[str, Any], throttle: Throttle | None = None
    ) -> dict[str, Any]:
        """Execute a checked operation. Raises DocumentError for wrong variables."""
        if operation.introspects:
            return _introspected(operation, given)
        variables = operation.variables(given)
        plan = operation.plan(merged().resolvers, self.rules(shop.version), variables)
        shop.variables = variables
        run = Run(shop, variables)
        errors = inputs.too_long(plan, run)
        if errors:
            return {"errors": errors}
        return _answer(plan, run) if throttle is None else _paid(plan, run, throttle)


def _paid(plan: Selection, run: Run, throttle: Throttle) -> dict[str, Any]:
    """Execute for points: all that is requested must be there, what was not needed is given back."""
    points = cost.requested(plan, run)
    if points > cost.MOST_POINTS:
        return {"errors": [too_dear_error(points, cost.MOST_POINTS)]}
    if not throttle.take(points):
        return {"errors": [throttled_error()], "extensions": {"cost": _cost(points, None, throttle)}}
    answer = _answer(plan, run)
    spent = min(points, cost.actual(plan, run, answer["data"]))
    throttle.give_back(points - spent)
    answer.setdefault("extensions", {})["cost"] = _cost(points, spent, throttle)
    return answer


def _cost(requested: int, actual: int | None, throttle: Throttle) -> dict[str, Any]:
    return {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": throttle.status()}


def _answer(plan: Selection, run: Run) -> dict[str, Any]:
    answer: dict[str, Any] = {"data": _data(plan, run)}
    if run.errors:
        answer["errors"] = run.errors
    if run.shop.extensions:
        answer["extensions"] = dict(run.shop.extensions)
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

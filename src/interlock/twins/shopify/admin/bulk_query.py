"""Reads a bulk query node by node through the engine's own compiled plan, so that a line equals what a query answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interlock.twins.shopify.admin.connections import uncounted
from interlock.twins.shopify.admin.context import Resolver, ShopContext
from interlock.twins.shopify.admin.documents import Operation
from interlock.twins.shopify.admin.plan import Compiler, Field, Run, Wrapper

PAGE_SIZE = 50
"""Nodes are made a page at a time: small pages let live requests in between."""
MEMORIES_MAX = 1_000
CONNECTIONS_MET = "bulk connections met"
"""Where a run remembers the connections that it came by inside an object, to be read after its line."""
EMPTY_PAGE: dict[str, Any] = {"edges": [], "nodes": [], "pageInfo": {"hasNextPage": False, "hasPreviousPage": False}}

Met = list[tuple[Field, Any]]
"""Connections of a node: which field, and whose parent it was."""


class BulkQueryFailed(RuntimeError):  # noqa: N818 - reads as what happened
    """Reading a node went wrong; `code` is what the operation's errorCode becomes."""

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(str(errors))
        codes = {one.get("extensions", {}).get("code") for one in errors}
        self.code = "ACCESS_DENIED" if "ACCESS_DENIED" in codes else "INTERNAL_SERVER_ERROR"


class Recent(dict[str, Any]):
    """What a request remembers, in an operation that may read a million objects: the newest only."""

    def __setitem__(self, key: str, value: Any) -> None:
        self.pop(key, None)
        super().__setitem__(key, value)
        if len(self) > MEMORIES_MAX:
            del self[next(iter(self))]


class BulkReader:
    """Lists the nodes of a checked bulk query, and writes each without the connections below it."""

    def __init__(
        self, operation: Operation, shop: ShopContext, resolvers: Mapping[str, Resolver], wrappers: Sequence[Wrapper]
    ) -> None:
        self._resolvers: dict[int, Resolver | None] = {}
        shop.memory = Recent()
        self._run = Run(shop, operation.variables({}))
        rules = [*wrappers, self._capture]
        plan = Compiler(operation.schema, operation.document, resolvers, rules, {}).operation(operation.node)
        self.root = plan.of(plan.type_name)[0]

    def nodes(self, connection: Field, parent: Any) -> Iterator[Any]:
        """All nodes of a connection, fetched by pages as the engine would."""
        resolver, guard = self._resolvers[id(connection)], self._resolvers[id(_node_field(connection))]
        asked = connection.arguments(self._run)
        wanted = asked.get("first")
        arguments = {**asked, "first": PAGE_SIZE if wanted is None else min(wanted, PAGE_SIZE)}
        while True:  # a page costs its own length
            page = parent[connection.name] if resolver is None else resolver(self._run.shop, parent, arguments)
            self._raise_errors()
            for edge in page["edges"]:
                yield edge["node"] if guard is None else guard(self._run.shop, edge, {})
            if wanted is not None or not page["pageInfo"]["hasNextPage"]:
                return
            arguments = {**arguments, "after": uncounted(page["pageInfo"]["endCursor"])}

    def line(self, connection: Field, node: Any) -> tuple[dict[str, Any], Met]:
        """A node as JSON, and the connections that hang on it. Raises BulkQueryFailed."""
        below = _node_field(connection).below
        assert below is not None
        name = node["__typename"] if len(below.types) > 1 else below.types[0]
        written: dict[str, Any] = {}
        met: Met = []
        self._run.shop.memory[CONNECTIONS_MET] = met
        for one in below.of(name):
            if id(one) in self._resolvers:
                met.append((one, node))
            else:
                written[one.key] = one.read(self._run, node)
        self._raise_errors()
        return written, met

    def _capture(self, at: Field, resolver: Resolver | None) -> Resolver | None:
        """Keep a connection's resolver, and the rules of its nodes, for `nodes`.

        Where the plan meets a connection inside an object it notes it, to be read after the line, and goes on.
        """
        if at.name == "node" and at.owner.endswith("Edge"):
            self._resolvers[id(at)] = resolver
        if not at.type_name.endswith("Connection"):
            return resolver
        self._resolvers[id(at)] = resolver

        def note(shop: ShopContext, parent: Any, _: dict[str, Any]) -> Any:
            shop.memory[CONNECTIONS_MET].append((at, parent))
            return EMPTY_PAGE

        return note

    def _raise_errors(self) -> None:
        if self._run.errors:
            raise BulkQueryFailed(self._run.errors)


def _node_field(connection: Field) -> Field:
    """The field edges { node } of a connection."""
    assert connection.below is not None
    edges = connection.below.of(connection.below.type_name)[0]
    assert edges.below is not None
    return next(one for one in edges.below.of(edges.below.type_name) if one.name == "node")

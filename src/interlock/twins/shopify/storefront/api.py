"""POST /api/{version}/graphql.json: tokens of two kinds or none, the buyer's context, and a refusal of what looks like a bot.

Without a token the store answers for products too (tokenless access); a token that is wrong is refused. 430 is what
Shopify answers to traffic that it takes for a bot's (docs/api/usage/limits; F77): here, more calls of one buyer's address
within a second than `storefront_calls_per_second` allows (default 0: no limit).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from graphql import EnumValueNode, GraphQLSchema, VariableNode, build_ast_schema, parse, specified_scalar_types
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.shopify.admin.context import App, ShopContext
from interlock.twins.shopify.admin.documents import DocumentError, Documents, Operation
from interlock.twins.shopify.admin.plan import NulledError, Run
from interlock.twins.shopify.admin.versions import Versions
from interlock.twins.shopify.store import Store
from interlock.twins.shopify.storefront.goods import RESOLVERS
from interlock.twins.vendor import answer, read_json
from interlock.twins.world import World

SCHEMAS = Path(__file__).parent / "schema"
PRIVATE, PUBLIC, BUYER = (
    "shopify-storefront-private-token",
    "x-shopify-storefront-access-token",
    "shopify-storefront-buyer-ip",
)
TOKENS = {
    PRIVATE: ("storefront_private_token", "shpat_storefront_twin"),
    PUBLIC: ("storefront_public_token", "twin-public"),
}
"""Header -> the key of the configuration that holds the token, and its default."""
SECURITY_REJECTION = 430
REJECTED = {"errors": [{"message": "Shopify Security Rejection"}]}
UNAUTHORIZED = {"errors": [{"message": "", "extensions": {"code": "UNAUTHORIZED"}}]}


class StorefrontApi:
    """One for each twin."""

    def __init__(
        self,
        world: World,
        store: Store,
        config: Mapping[str, Any],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._world, self._store, self._config, self._clock = world, store, config, clock
        self._versions = Versions(config)
        self._documents: dict[str, Documents] = {}
        self._second, self._calls = 0, Counter[str]()

    def routes(self) -> list[BaseRoute]:
        return [Route("/api/{version}/graphql.json", self.answer, methods=["POST"])]

    async def answer(self, request: Request) -> Response:
        """Execute the document of the request."""
        version = self._versions.served(request.path_params["version"])
        if version is None:
            return answer({"errors": "Not Found"}, 404)
        if self._is_bot(request):
            return answer(REJECTED, SECURITY_REJECTION)
        if not self._token_is_good(request):
            return answer(UNAUTHORIZED, 401)
        try:
            asked = await read_json(request)
            text, given = str(asked["query"]), asked.get("variables") or {}
        except (ValueError, KeyError, TypeError):
            return answer({"errors": {"query": "Required parameter missing or invalid"}}, 400)
        return answer(self._execute(version, text, given), 200, {"X-Shopify-API-Version": version})

    def _execute(self, version: str, text: str, given: Mapping[str, Any]) -> dict[str, Any]:
        try:
            operation = self._known(version).operation(text, None)
            variables = operation.variables(given)
        except DocumentError as refusal:
            return {"errors": refusal.errors}
        app = App("storefront", frozenset({"unauthenticated_read_product_listings"}))
        shop = ShopContext(
            self._store, self._world, self._clock, version, app, lambda *_: None, self._config,
            memory=_context(operation, variables.coerced),
        )  # fmt: skip
        run = Run(shop, variables)
        plan = operation.plan(RESOLVERS, (), variables)
        try:
            data: dict[str, Any] | None = {one.key: one.read(run, {}) for one in plan.of(plan.type_name)}
        except NulledError:
            data = None
        return {"data": data, **({"errors": run.errors} if run.errors else {})}

    def _known(self, version: str) -> Documents:
        if version not in self._documents:
            self._documents[version] = Documents(load_schema(version), version)
        return self._documents[version]

    def _token_is_good(self, request: Request) -> bool:
        """A token of either kind must be the right one; none is good as well."""
        given = {header: request.headers[header] for header in TOKENS if header in request.headers}
        return all(token == self._config.get(*TOKENS[header]) for header, token in given.items())

    def _is_bot(self, request: Request) -> bool:
        allowed = float(self._config.get("storefront_calls_per_second", 0))
        second = int(self._clock())
        if second != self._second:
            self._second, self._calls = second, Counter[str]()
        buyer = request.headers.get(BUYER) or (request.client.host if request.client else "")
        self._calls[buyer] += 1
        return 0 < allowed < self._calls[buyer]


@cache
def load_schema(version: str) -> GraphQLSchema:
    """The schema of a version, or of the nearest later one."""
    files = sorted(SCHEMAS.glob("*.graphql"))
    file = next((file for file in files if file.stem >= version), files[-1])
    schema = build_ast_schema(parse(file.read_text(encoding="utf-8")), assume_valid=True)
    for name, scalar in specified_scalar_types.items():
        schema.type_map.setdefault(name, scalar)
    return schema


def _context(operation: Operation, variables: Mapping[str, Any]) -> dict[str, Any]:
    """What @inContext says of the buyer."""
    arguments = (
        each for one in operation.node.directives or () if one.name.value == "inContext" for each in one.arguments or ()
    )
    return {each.name.value: _value(each.value, variables) or "" for each in arguments}


def _value(node: Any, variables: Mapping[str, Any]) -> str | None:
    if isinstance(node, VariableNode):
        given = variables.get(node.name.value)
        return None if given is None else str(given)
    return str(node.value) if isinstance(node, EnumValueNode) else None

"""The HTTP side of the GraphQL Admin API: version, token, body, answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.shopify.admin.engine import Engine
from interlock.twins.shopify.admin.throttle import POINTS_A_SECOND, SECONDS_OF_REFILL, Throttle
from interlock.twins.shopify.rest import BAD_TOKEN, RestApi, errors
from interlock.twins.shopify.store import Store
from interlock.twins.vendor import answer, read_json
from interlock.twins.world import World


class GraphqlApi:
    """POST /admin/api/{version}/graphql.json."""

    def __init__(
        self,
        world: World,
        store: Store,
        config: Mapping[str, Any],
        rest: RestApi,
        emit: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._versions, self.tokens, self.shop = rest.versions, rest.tokens, store.shop
        scale = float(config.get("time_scale", 1.0))
        self.engine = Engine(store, world, time.time, emit, config)
        rate = float(config.get("points_per_second", POINTS_A_SECOND[str(config.get("plan", "plus"))]))
        size = float(config.get("bucket_points", rate * SECONDS_OF_REFILL))
        self.throttle = Throttle(rate, lambda: time.monotonic() * scale, size)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/admin/api/graphql.json", self.answer, methods=["POST"]),
            Route("/admin/api/{version}/graphql.json", self.answer, methods=["POST"]),
        ]

    async def answer(self, request: Request) -> Response:
        """Execute the document of the request."""
        version = self._versions.served(request.path_params.get("version", ""))
        if version is None:
            return errors("Not Found", 404)
        app = self.tokens.app(request.headers.get("x-shopify-access-token", ""))
        if app is None:
            return errors(BAD_TOKEN, 401)
        asked = await _document(request)
        if asked is None:
            return errors({"query": "Required parameter missing or invalid"}, 400)
        found = self.engine.execute(self.engine.context(version, app), asked, self.throttle)
        return answer(found, 200, {"X-Shopify-API-Version": version})


async def _document(request: Request) -> dict[str, Any] | None:
    """{"query", "variables", "operationName"} of a JSON body or a bare document; None when there is no query."""
    if request.headers.get("content-type", "").startswith("application/graphql"):
        return {"query": (await request.body()).decode()}
    try:
        asked = await read_json(request)
    except ValueError:
        return None
    return asked if isinstance(asked, dict) and isinstance(asked.get("query"), str) else None

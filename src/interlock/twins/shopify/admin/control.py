"""What the GraphQL side adds under /_twin: the bucket's record, coverage, tokens, scopes, idempotency keys."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from interlock.twins.shopify.admin import idempotency
from interlock.twins.shopify.admin.api import GraphqlApi
from interlock.twins.shopify.admin.coverage import coverage
from interlock.twins.shopify.shop_body import shop_body
from interlock.twins.vendor import answer
from interlock.twins.world import decode_json


class AdminControl:
    """The commands; all answer JSON, a missing body is an empty one."""

    def __init__(self, api: GraphqlApi) -> None:
        self._api, self._tokens = api, api.tokens

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/coverage", self.coverage, methods=["GET"]),
            Route("/throttle", self.throttle, methods=["GET"]),
            Route("/throttle", self.reset_throttle, methods=["DELETE"]),
            Route("/tokens", self.tokens, methods=["GET"]),
            Route("/tokens/expire", self.expire, methods=["POST"]),
            Route("/tokens/revoke", self.revoke, methods=["POST"]),
            Route("/authorize", self.authorize, methods=["POST"]),
            Route("/install", self.install, methods=["POST"]),
            Route("/uninstall", self.uninstall, methods=["POST"]),
            Route("/scopes", self.scopes, methods=["POST"]),
            Route("/idempotency", self.idempotency, methods=["POST"]),
        ]

    async def coverage(self, _: Request) -> Response:
        """GET /_twin/coverage: type -> the fields that are served."""
        return answer(coverage())

    async def throttle(self, _: Request) -> Response:
        """GET /_twin/throttle: how the bucket was used since the start or the last DELETE."""
        return answer(self._api.throttle.record())

    async def reset_throttle(self, _: Request) -> Response:
        """DELETE /_twin/throttle: begin the record anew."""
        self._api.throttle.reset()
        return answer(self._api.throttle.record())

    async def tokens(self, _: Request) -> Response:
        """GET /_twin/tokens."""
        return answer(self._tokens.shown())

    async def expire(self, request: Request) -> Response:
        """POST /_twin/tokens/expire {"token": one, or all without it}: issued access tokens end now."""
        return answer({"expired": self._tokens.expire((await _asked(request)).get("token"))})

    async def revoke(self, request: Request) -> Response:
        """POST /_twin/tokens/revoke {"token": one, or all without it}: also refresh and permanent tokens."""
        return answer({"revoked": self._tokens.revoke((await _asked(request)).get("token"))})

    async def authorize(self, request: Request) -> Response:
        """POST /_twin/authorize {"scopes": [...]}: the code that the merchant's consent would bring."""
        return answer({"code": self._tokens.authorize(scopes=(await _asked(request)).get("scopes"))}, 201)

    async def install(self, request: Request) -> Response:
        """POST /_twin/install {"scopes": [...] or null}: permanent and new tokens work again."""
        self._tokens.install((await _asked(request)).get("scopes"))
        return answer(self._tokens.shown())

    async def uninstall(self, _: Request) -> Response:
        """POST /_twin/uninstall: app/uninstalled is sent, tokens die, subscriptions go, shop/redact follows."""
        self._api.engine.emit("app/uninstalled", shop_body(self._api.shop))
        self._tokens.uninstall()
        return answer(self._tokens.shown())

    async def scopes(self, request: Request) -> Response:
        """POST /_twin/scopes {"scopes": [...]} or {"remove": [...]}: what the app is granted from now on."""
        asked = await _asked(request)
        gone = set(asked.get("remove") or ())
        self._tokens.install([one for one in asked.get("scopes") or self._tokens.scopes() if one not in gone])
        return answer(self._tokens.shown())

    async def idempotency(self, request: Request) -> Response:
        """POST /_twin/idempotency {"key", "state": "running" or "failed"}: pretend that a request had this key."""
        asked = await _asked(request)
        if asked.get("state") not in idempotency.STATES or not asked.get("key"):
            return answer({"error": f"needs key, and state of {sorted(idempotency.STATES)}"}, 400)
        engine = self._api.engine
        idempotency.put(engine.world, self._tokens.client_id, asked["key"], asked["state"], engine.clock())
        return answer(asked, 201)


async def _asked(request: Request) -> dict[str, Any]:
    raw = await request.body()
    return dict(decode_json(raw)) if raw else {}

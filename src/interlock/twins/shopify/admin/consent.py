"""GET /admin/oauth/authorize: the merchant is asked whether the app may be installed, says yes at once, and is sent back.

Fields and errors: shopify.dev docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant. The
redirect_uri must be one of the app's, letter by letter (github.com/Shopify/shopify_app/issues/940); the twin takes any on
this machine unless its config has `redirect_urls`. `host` and `timestamp` ride along as on the platform: all is signed.
What a merchant who says no sees is a page of the shop; nobody is sent back then.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from interlock.twins.shopify.admin.oauth import Tokens
from interlock.twins.shopify.store import Store

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Consent:
    """The page of one shop for the twin's one app."""

    def __init__(
        self, tokens: Tokens, store: Store, config: Mapping[str, Any], clock: Callable[[], float] = time.time
    ) -> None:
        self._tokens, self._store, self._config, self._clock = tokens, store, config, clock

    async def authorize(self, request: Request) -> Response:
        """Sent back with a code, or a page that says why not."""
        asked = request.query_params
        if asked.get("client_id") != self._tokens.client_id:
            return _page("application_cannot_be_found", "There's no application with that client_id")
        redirect = asked.get("redirect_uri", "")
        if not self._may_return_to(redirect):
            return _page("invalid_request", "The redirect_uri is not whitelisted")
        scopes = [one.strip() for one in asked.get("scope", "").split(",") if one.strip()]
        code = self._tokens.authorize(scopes=scopes or None)
        given = {"state": asked["state"]} if "state" in asked else {}
        return RedirectResponse(f"{redirect}?{urlencode(self._signed(given | {'code': code}))}", 302)

    def _may_return_to(self, redirect: str) -> bool:
        listed = self._config.get("redirect_urls")
        return redirect in listed if listed is not None else urlsplit(redirect).hostname in LOOPBACK

    def _signed(self, members: dict[str, str]) -> dict[str, str]:
        domain = self._store.shop.domain
        host = base64.b64encode(f"admin.shopify.com/store/{domain.partition('.')[0]}".encode()).decode().rstrip("=")
        members |= {"shop": domain, "host": host, "timestamp": str(int(self._clock()))}
        text = "&".join(f"{name}={members[name]}" for name in sorted(members))
        secret = self._store.signing_secret(self._config.get("client_secret", "shpss_twin"))
        return members | {"hmac": hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()}


def _page(code: str, text: str) -> Response:
    """As a browser gets it."""
    words = html.escape(f"Oauth error {code}: {text}")
    return Response(f"<!DOCTYPE html><title>Oauth error</title><h1>{words}</h1>", 400, media_type="text/html")

"""Login with Amazon: a refresh token is changed for an access token of one hour.

Facts: developer-docs.amazon.com/sp-api/docs/connecting-to-the-selling-partner-api (POST api.amazon.com/auth/o2/token, the
form, expires_in 3600); developer.amazon.com/docs/login-with-amazon/refresh-token.html (Atza| and Atzr|, a refresh token
has no end); errors by RFC 6749, 5.2.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from interlock.twins.amazon.errors import BAD_TOKEN, EXPIRED_TOKEN, MISSING_TOKEN, SpApiError
from interlock.twins.world import World

TOKEN_PATH = "/auth/o2/token"
LIFETIME_SECONDS = 3600
DEFAULTS = {
    "client_id": "amzn1.application-oa2-client.twin",
    "client_secret": "amzn1.oa2-cs.v1.twin",
    "refresh_token": "Atzr|twin",
}


class TokenError(Exception):
    """What the token endpoint refuses with: an OAuth error code."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.code = code
        self.status = status


class Tokens:
    """Gives access tokens and knows which are alive.

    Configuration: "client_id", "client_secret", "refresh_token", "token_lifetime_seconds" (3600), "access_tokens":
    ready-made ones without an end ("Atza|twin" by default).
    """

    def __init__(self, world: World, config: Mapping[str, Any]) -> None:
        self._world = world
        self._known = {name: str(config.get(name, usual)) for name, usual in DEFAULTS.items()}
        self._lifetime_seconds = float(config.get("token_lifetime_seconds", LIFETIME_SECONDS))
        self._ready_made = frozenset(config.get("access_tokens", ("Atza|twin",)))
        self.given = 0

    def exchange(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The answer to a token request. Raises TokenError."""
        if form.get("grant_type") != "refresh_token":
            raise TokenError("unsupported_grant_type", "The authorization grant type is not supported.")
        if any(form.get(name) != self._known[name] for name in ("client_id", "client_secret")):
            raise TokenError("invalid_client", "Client authentication failed", 401)
        if form.get("refresh_token") != self._known["refresh_token"]:
            raise TokenError("invalid_grant", "The request has an invalid grant parameter : refresh_token")
        self.given += 1
        token = f"Atza|{self._world.random.getrandbits(256):064x}"
        self._world.remember(("_token", token, {"expires_at": time.time() + self._lifetime_seconds}))
        return {
            "access_token": token,
            "refresh_token": self._known["refresh_token"],
            "token_type": "bearer",
            "expires_in": int(self._lifetime_seconds),
        }

    def check(self, token: str | None) -> None:
        """Raises SpApiError 403, as Amazon does, unless the token is alive."""
        if not token:
            raise SpApiError(403, MISSING_TOKEN)
        if token in self._ready_made:
            return
        issued = self._world.get("_token", token)
        if issued is None:
            raise SpApiError(403, BAD_TOKEN)
        if time.time() >= issued["expires_at"]:
            raise SpApiError(403, EXPIRED_TOKEN)

    def end_all(self) -> int:
        """Every token that was given ends now, as when a seller takes the authorisation back and gives it again."""
        alive = [key for key, _ in self._world.rows("_token")]
        if alive:
            self._world.remember(*(("_token", key, None) for key in alive))
        return len(alive)

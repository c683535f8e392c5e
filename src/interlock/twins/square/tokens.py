"""Square's OAuth: bearer tokens with scopes and an end, renewed by the seller's refresh token, which stays the same.

Facts: api.json ObtainTokenRequest and ObtainTokenResponse: 30 days (24 h when short_lived), code flow.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from interlock.twins.square.errors import AUTHENTICATION, refused
from interlock.twins.square.moments import MICROSECONDS, text_of
from interlock.twins.world import World

TOKEN_PATH = "/oauth2/token"
LIFETIME_SECONDS = 30 * 24 * 3600
SHORT_LIFETIME_SECONDS = 24 * 3600
DEFAULT_TOKEN = "twin-token"
SCOPES = ("INVENTORY_READ", "INVENTORY_WRITE", "ITEMS_READ", "MERCHANT_PROFILE_READ", "ORDERS_READ")


class Tokens:
    """Configuration: "tokens": {token: [scopes]} that never end ("twin-token" with all); "clients": [{"client_id",
    "client_secret", "refresh_token", "scopes"}]; "token_lifetime_seconds"."""

    def __init__(self, world: World, config: Mapping[str, Any], merchant_id: str) -> None:
        self._world = world
        self._merchant_id = merchant_id
        ready_made = {} if "clients" in config else {DEFAULT_TOKEN: SCOPES}
        self._ready_made: Mapping[str, Any] = config.get("tokens", ready_made)
        self._clients = {(client["client_id"], client["client_secret"]): client for client in config.get("clients", ())}
        self._lifetime_seconds = float(config.get("token_lifetime_seconds", LIFETIME_SECONDS))

    def check(self, authorization: str, scope: str) -> None:
        """Raises SquareError unless the header carries a token that is alive and was granted the scope."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise refused("UNAUTHORIZED", "This request could not be authorized.", category=AUTHENTICATION)
        if scope and scope not in self._scopes(token):
            words = "The merchant has not given your application sufficient permissions to do that."
            raise refused("INSUFFICIENT_SCOPES", words, category=AUTHENTICATION)

    def exchange(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to POST /oauth2/token. Raises SquareError."""
        client = self._clients.get((str(body.get("client_id")), str(body.get("client_secret"))))
        if client is None:
            raise refused("UNAUTHORIZED", "Not authorized: client_id or client_secret.", category=AUTHENTICATION)
        if body.get("grant_type") != "refresh_token":
            raise refused("INVALID_VALUE", "Only grant_type refresh_token is served here.", "grant_type")
        if body.get("refresh_token") != client["refresh_token"]:
            raise refused("UNAUTHORIZED", "Invalid refresh token.", "refresh_token", AUTHENTICATION)
        short = bool(body.get("short_lived"))
        seconds = min(self._lifetime_seconds, SHORT_LIFETIME_SECONDS) if short else self._lifetime_seconds
        return self._issued(client, seconds, short=short)

    def end_all(self) -> int:
        """Every issued token has ended; returns how many."""
        rows = list(self._world.rows("_token"))
        for token, row in rows:
            self._world.remember(("_token", token, {**row, "ends_at": 0.0}))
        return len(rows)

    def _issued(self, client: Mapping[str, Any], seconds: float, *, short: bool) -> dict[str, Any]:
        token = f"EAAA{self._world.random.getrandbits(240):060x}"
        ends_at = time.time() + seconds
        scopes = list(client.get("scopes", SCOPES))
        self._world.remember(("_token", token, {"scopes": scopes, "ends_at": ends_at}))
        return {
            "access_token": token, "token_type": "bearer", "expires_at": text_of(int(ends_at * MICROSECONDS)),
            "merchant_id": self._merchant_id, "refresh_token": client["refresh_token"], "short_lived": short,
        }  # fmt: skip

    def _scopes(self, token: str) -> Any:
        if token in self._ready_made:
            return self._ready_made[token]
        row = self._world.get("_token", token)
        if row is None:
            raise refused("UNAUTHORIZED", "This request could not be authorized.", category=AUTHENTICATION)
        if time.time() >= float(row["ends_at"]):
            raise refused("ACCESS_TOKEN_EXPIRED", "The provided access token has expired.", category=AUTHENTICATION)
        return row["scopes"]

"""Access tokens: client credentials, expiring offline tokens with a rotating refresh, permanent ones, and their end.

Facts: client credentials last 24 hours and have no refresh token (F70); permanent tokens of admin-made apps (F71); expiring
offline tokens last 1 hour, their refresh token 90 days and rotates (F72); the refresh token before the last stays usable
until the new one is used (F73). Forms: shopify.dev docs/apps/build/authentication-authorization/access-tokens. That a wrong
secret is a 401 and a spent refresh token a 400 is from memory.
Spans are real seconds whatever the twin's time_scale: who holds a token plans by expires_in on a clock that is not scaled.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from interlock.twins.shopify.admin.context import App
from interlock.twins.shopify.admin.scopes import all_scopes, granted
from interlock.twins.shopify.store import Store
from interlock.twins.vendor import answer
from interlock.twins.world import World

CLIENT_CREDENTIALS_SECONDS = 86_399
OFFLINE_SECONDS = 3_600
REFRESH_SECONDS = 90 * 86_400
CODE_SECONDS = 60
INSTALLATION = ("installation", "installation")
DEFAULT_VERSION = "2026-10"


class GrantError(Exception):
    """A refused request for a token: `code` as OAuth names it."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status, self.code, self.text = status, code, text


class Tokens:
    """The tokens of the twin's one app, all kept in the world, so that they outlive a restart."""

    def __init__(
        self, world: World, store: Store, config: Mapping[str, Any], clock: Callable[[], float] = time.time
    ) -> None:
        self._world, self._store, self._config, self._clock = world, store, config, clock
        self._grants: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "client_credentials": self._client_credentials,
            "authorization_code": self._authorization_code,
            "refresh_token": self._refresh,
        }

    @property
    def client_id(self) -> str:
        return str(self._config.get("client_id", "twin-client"))

    def app(self, token: str) -> App | None:
        """The app of a token that opens the API now; None for any other."""
        if not token or not self._installation["installed"] or not self._is_good(token):
            return None
        level = int(self._config.get("protected_data_level", 2))
        return App(self.client_id, granted(self.scopes()), token, level)

    def scopes(self) -> list[str]:
        """The scopes that the app has now."""
        kept = self._installation["scopes"]
        asked = self._config.get("scopes") if kept is None else kept
        return sorted(all_scopes(DEFAULT_VERSION) if asked is None else asked)

    async def grant(self, request: Request) -> Response:
        """POST /admin/oauth/access_token, form or JSON."""
        raw = await request.body()
        try:
            is_json = "json" in request.headers.get("content-type", "")
            asked: dict[str, Any] = json.loads(raw) if is_json else dict(parse_qsl(raw.decode()))
            return answer(self._granted(asked))
        except GrantError as refusal:
            return answer({"error": refusal.code, "error_description": refusal.text}, refusal.status)
        except (ValueError, TypeError):
            return answer({"error": "invalid_request", "error_description": "the body is neither a form nor JSON"}, 400)

    def authorize(self, *, scopes: list[str] | None = None) -> str:
        """A code as the merchant's consent would send it to the app's redirect; it installs the app."""
        self._keep(installed=True, scopes=scopes or self._installation["scopes"])
        code = secrets.token_hex(16)
        self._world.remember(("code", code, {"expires_at": self._clock() + CODE_SECONDS}))
        return code

    def expire(self, token: str | None = None) -> int:
        """Let one issued access token end now, or all; refresh tokens stay. Returns how many."""
        return sum(self._end(key, row) for key, row in self._world.rows("token") if token in {None, key})

    def revoke(self, token: str | None = None) -> int:
        """Withdraw one token of any kind, or all: access, refresh and permanent ones."""
        ended = self.expire(token)
        for kind in ("refresh", "code"):
            for key, _ in self._world.rows(kind):
                if token in {None, key}:
                    self._world.remember((kind, key, None))
                    ended += 1
        if token in {None, self._permanent}:
            self._keep(permanent=False)
            ended += 1
        return ended

    def install(self, scopes: list[str] | None) -> None:
        """Grant the app these scopes from now on; None: those of the configuration. Its permanent token works again."""
        self._keep(installed=True, permanent=True, scopes=scopes)

    def uninstall(self) -> None:
        """The merchant removes the app: every token is dead, its webhook subscriptions are gone."""
        self.revoke()
        self._keep(installed=False)
        for row in self._store.subscriptions():
            self._store.unsubscribe(str(row["id"]), "the app was uninstalled")

    def shown(self) -> dict[str, Any]:
        """What GET /_twin/tokens says; secrets are shown, it is a twin."""
        now = self._clock()
        live = {key: round(float(row["expires_at"]) - now, 3) for key, row in self._world.rows("token")}
        return {
            "installed": self._installation["installed"],
            "scopes": self.scopes(),
            "access_tokens": {key: left for key, left in live.items() if left > 0},
            "refresh_tokens": [key for key, row in self._world.rows("refresh") if float(row["expires_at"]) > now],
        }

    @property
    def _permanent(self) -> str:
        return str(self._config.get("access_token", "shpat_twin"))

    @property
    def _installation(self) -> dict[str, Any]:
        return {"installed": True, "permanent": True, "scopes": None} | (self._world.get(*INSTALLATION) or {})

    def _keep(self, **changes: Any) -> None:
        self._world.remember((*INSTALLATION, self._installation | changes))

    def _is_good(self, token: str) -> bool:
        if token == self._permanent:
            return bool(self._installation["permanent"])
        row = self._world.get("token", token)
        return row is not None and self._clock() < float(row["expires_at"])

    def _end(self, key: str, row: dict[str, Any]) -> int:
        if float(row["expires_at"]) <= self._clock():
            return 0
        self._world.remember(("token", key, {**row, "expires_at": self._clock()}))
        return 1

    def _granted(self, asked: dict[str, Any]) -> dict[str, Any]:
        grant = self._grants.get(str(asked.get("grant_type") or ("authorization_code" if "code" in asked else "")))
        if grant is None:
            raise GrantError(400, "unsupported_grant_type", f"grant_type {asked.get('grant_type')!r}")
        known = self._store.secrets(self._config.get("client_secret", "shpss_twin"))
        if asked.get("client_id") != self.client_id or asked.get("client_secret") not in known:
            raise GrantError(401, "invalid_client", "client_id or client_secret is wrong")
        return grant(asked)

    def _client_credentials(self, _: dict[str, Any]) -> dict[str, Any]:
        if not self._installation["installed"]:
            raise GrantError(400, "app_not_installed", "The app is not installed on this shop.")
        seconds = int(self._config.get("token_seconds", CLIENT_CREDENTIALS_SECONDS))
        return {"access_token": self._new_access(seconds), "scope": self._scope(), "expires_in": seconds}

    def _authorization_code(self, asked: dict[str, Any]) -> dict[str, Any]:
        row = self._world.get("code", str(asked.get("code")))
        if row is None or self._clock() >= float(row["expires_at"]):
            raise GrantError(400, "invalid_request", "The authorization code was not found or was already used")
        self._world.remember(("code", str(asked["code"]), None))
        if str(asked.get("expiring")) not in {"1", "true", "True"}:
            self._keep(permanent=True)
            return {"access_token": self._permanent, "scope": self._scope()}
        return self._new_pair(parent=None)

    def _refresh(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Rotate. The token given stays usable until its successor is used; then it is gone."""
        given = str(asked.get("refresh_token"))
        row = self._world.get("refresh", given)
        if row is None or self._clock() >= float(row["expires_at"]) or not self._installation["installed"]:
            raise GrantError(400, "invalid_grant", "The refresh token is invalid, expired or was used")
        if row["parent"] is not None:
            self._world.remember(("refresh", row["parent"], None))
        for sibling, other in self._world.rows("refresh"):
            if other["parent"] == given:  # its answer was lost: the one refreshable token is the next
                self._world.remember(("refresh", sibling, None))
        return self._new_pair(parent=given)

    def _new_pair(self, parent: str | None) -> dict[str, Any]:
        seconds = int(self._config.get("offline_token_seconds", OFFLINE_SECONDS))
        lasts = int(self._config.get("refresh_token_seconds", REFRESH_SECONDS))
        refresh = f"shprt_{self._world.next_id('refresh')}_{secrets.token_hex(8)}"
        row = {"expires_at": self._clock() + lasts, "parent": parent}
        self._world.remember(("refresh", refresh, row))
        return {
            "access_token": self._new_access(seconds),
            "scope": self._scope(),
            "expires_in": seconds,
            "refresh_token": refresh,
            "refresh_token_expires_in": lasts,
        }

    def _new_access(self, seconds: int) -> str:
        token = f"shpat_{self._world.next_id('token')}"
        self._world.remember(("token", token, {"expires_at": self._clock() + seconds}))
        return token

    def _scope(self) -> str:
        return ",".join(self.scopes())

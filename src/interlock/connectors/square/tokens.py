"""The two ways to a seller's token: by the refresh token of the seller's consent, or an application's own token.

- `POST /oauth2/token` with JSON `client_id`, `client_secret`, `grant_type=refresh_token`, `refresh_token` -> `access_token`
  of 30 days, `expires_at`, and the same refresh token, which never ends in the code flow: api.json ObtainTokenRequest,
  ObtainTokenResponse (square/connect-api-specification at 5733f66).
- A personal access token of the Developer Console does not end, and is of the seller's own account only:
  developer.squareup.com/docs/build-basics/access-tokens.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from interlock.connectors.contract import (
    Answer,
    Connection,
    Denied,
    GivenToken,
    Grant,
    Granted,
    Retry,
    StoredToken,
    TokenKeeper,
    fingerprint,
    not_judged,
    token_answer,
)

PATH: Final = "/oauth2/token"
OWN: Final = "personal access token"
"""Of an application for its own account."""
JSON: Final = {"Content-Type": "application/json", "Accept": "application/json"}
RECONNECT: Final = "let the seller authorize the application again and give its new refresh token, then reload"


class _Answered(msgspec.Struct):
    access_token: str
    expires_at: str = ""
    refresh_token: str = ""


class SellersConsent:
    """An application that a seller has authorized: a token of 30 days, renewed long before it ends."""

    kind = "refresh token"

    def __init__(self, connection: Connection) -> None:
        given = connection.credentials
        self._connection = connection
        self._body = {name: given[name] for name in ("client_id", "client_secret", "refresh_token")}
        self.name = f"square {_host(connection)} client {given['client_id']} {fingerprint(given['refresh_token'])[:8]}"
        self.origin = fingerprint("refresh", given["refresh_token"])
        self.credentials = fingerprint(*self._body.values())

    async def ask(self, stored: StoredToken | None, timeout_seconds: float) -> Granted | Retry | Denied:
        """With the refresh token that was given last."""
        refresh = stored.refresh if stored is not None and stored.refresh else self._body["refresh_token"]
        asked = self._body | {"grant_type": "refresh_token", "refresh_token": refresh}
        url = self._connection.url.rstrip("/") + PATH
        body = msgspec.json.encode(asked)
        answer = await self._connection.http.send("POST", url, JSON, body, timeout_seconds)
        now_ms = self._connection.clock.now_ms()
        return _granted(answer, now_ms) or _failure(answer, now_ms)


def keeper(connection: Connection) -> TokenKeeper:
    """What a client of this seller asks for its token."""
    return TokenKeeper(
        _grant_of(connection.credentials, connection), connection.tokens, connection.clock, system=connection.system
    )


def _grant_of(given: Mapping[str, str], connection: Connection) -> Grant:
    if given.get("refresh_token"):
        return SellersConsent(connection)
    return GivenToken("square", connection.url, given["access_token"], OWN)


def _granted(answer: Answer, now_ms: int) -> Granted | None:
    found = token_answer(answer, _Answered)
    if found is None or not found.access_token:
        return None
    try:
        ends = dt.datetime.fromisoformat(found.expires_at).timestamp() if found.expires_at else 0.0
    except ValueError:
        return None
    lifetime = max(1.0, ends - now_ms / 1000) if ends else 0.0
    return Granted(access=found.access_token, lifetime_seconds=lifetime, refresh=found.refresh_token)


def _failure(answer: Answer, now_ms: int) -> Retry | Denied:
    if (later := not_judged(answer, now_ms)) is not None:
        return later
    return Denied(
        code=f"HTTP_{answer.status}", message=f"Square gives no token; {RECONNECT}", look_again=answer.status != 401
    )


def _host(connection: Connection) -> str:
    return urlsplit(connection.url).netloc.lower()

"""Login with Amazon: the seller's refresh token is changed for an access token of one hour, once for all callers.

Facts: `POST https://api.amazon.com/auth/o2/token` with `grant_type=refresh_token`, `refresh_token`, `client_id`,
`client_secret` -> `access_token`, `expires_in` (3600 s): developer-docs.amazon.com/sp-api/docs/connecting-to-the-selling-partner-api.
A refresh token has no end (developer.amazon.com/docs/login-with-amazon/refresh-token.html). Errors by RFC 6749, 5.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec

from interlock.connectors.contract import (
    OAUTH_FORM,
    Answer,
    Connection,
    Denied,
    Granted,
    Retry,
    StoredToken,
    TokenKeeper,
    error_code,
    fingerprint,
    no_token,
    not_judged,
    token_answer,
)

NEXT_MOVES: Final[Mapping[str, str]] = {
    "invalid_grant": "the seller took the authorisation back: authorise the app again and give its new refresh_token, then reload",
    "invalid_client": "correct client_id and client_secret (LWA credentials of the app; a secret ends after 180 days), then reload",
    "unauthorized_client": "correct client_id and client_secret (Developer Central, LWA credentials), then reload",
    "unsupported_grant_type": "report a defect",
    "invalid_request": "correct client_id, client_secret and refresh_token, then reload",
}
"""Error codes that no repetition changes -> what a person does. The 180 days: developer-docs.amazon.com/sp-api/docs/
rotating-your-application-client-secrets."""
UNKNOWN_NEXT: Final = "correct the credentials or token_url, then reload; it is asked again in 15 minutes"


class _Answered(msgspec.Struct):
    access_token: str
    expires_in: float = 0.0


class LoginWithAmazon:
    """The one way in: a seller has authorised the app, which gave a refresh token."""

    kind = "Login with Amazon"

    def __init__(self, connection: Connection) -> None:
        given = connection.credentials
        self._connection = connection
        self._url = urljoin(connection.url, str(connection.settings["token_url"]))
        self._form = {name: given[name] for name in ("client_id", "client_secret", "refresh_token")}
        self.name = (
            f"amazon {urlsplit(self._url).netloc.lower()} {given['client_id']} {connection.settings['seller_id']}"
        )
        self.origin = fingerprint("refresh", given["refresh_token"])
        self.credentials = fingerprint(*self._form.values())

    async def ask(self, _stored: StoredToken | None, timeout_seconds: float) -> Granted | Retry | Denied:
        """A new access token; the refresh token stays the same."""
        body = urlencode(self._form | {"grant_type": "refresh_token"}).encode()
        answer = await self._connection.http.send("POST", self._url, OAUTH_FORM, body, timeout_seconds)
        return _granted(answer) or _failure(answer, self._connection.clock.now_ms())


def keeper(connection: Connection) -> TokenKeeper:
    """What a client of this seller asks for its token."""
    return TokenKeeper(LoginWithAmazon(connection), connection.tokens, connection.clock, system=connection.system)


def _granted(answer: Answer) -> Granted | None:
    found = token_answer(answer, _Answered)
    if found is None or not found.access_token:
        return None
    return Granted(access=found.access_token, lifetime_seconds=found.expires_in)


def _failure(answer: Answer, now_ms: int) -> Retry | Denied:
    if (later := not_judged(answer, now_ms)) is not None:
        return later
    return no_token(answer, error_code(answer), "Amazon", NEXT_MOVES, UNKNOWN_NEXT)

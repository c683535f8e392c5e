"""The three ways to a token of one shop, chosen by the credentials and the setting `access` of the system's file (F70-F73).

Request and answer, of all that ask: `POST /admin/oauth/access_token` with a form.
- client credentials: `client_id`, `client_secret`, `grant_type=client_credentials` -> `access_token`, `scope`,
  `expires_in` (86399 s). https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/client-credentials-grant
- expiring offline: besides the two, `grant_type=refresh_token`, `refresh_token` -> also `refresh_token` and
  `refresh_token_expires_in`; 1 h and 90 days. The first pair is given in the file, or comes of an installation
  (authorization.py).
  https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/offline-access-tokens
- The refresh token that was used last stays good until the one that replaced it is used, for at most 30 days.
  https://shopify.dev/changelog/more-resilient-refreshes-for-expiring-offline-access-tokens (2026-08-28)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from interlock.connectors.contract import (
    NOT_CONNECTED,
    OAUTH_FORM,
    Answer,
    Connection,
    Denied,
    GivenToken,
    Grant,
    Granted,
    Retry,
    SettingsError,
    StoredToken,
    TokenKeeper,
    error_code,
    fingerprint,
    no_token,
    not_judged,
    token_answer,
)

PATH: Final = "/admin/oauth/access_token"
PERMANENT: Final = "permanent token"
"""That of an app made in the store's admin before 2026 (F71)."""
INSTALLATION: Final = "installation"
"""`access` of a system whose merchant installs the app."""
NEXT_MOVES: Final[Mapping[str, str]] = {
    "invalid_grant": "install the app on the shop again and give its new refresh token, then reload",
    "invalid_request": "install the app on the shop again, or correct the credentials, then reload",
    "invalid_client": "correct client_id and client_secret (Dev Dashboard, the app's settings), then reload",
    "unauthorized_client": "correct client_id and client_secret (Dev Dashboard, the app's settings), then reload",
    "application_cannot_be_found": "correct client_id (Dev Dashboard, the app's settings), then reload",
    "app_not_installed": "install the app on the shop, then reload",
    "shop_not_permitted": "app and shop must belong to one organisation; else use an offline token of the app, then reload",
    "unsupported_grant_type": "use another kind of credentials for this app, then reload",
}
"""Error codes of the endpoint that no repetition changes -> what a person does. The last three are quoted in
https://shopify.dev/docs/apps/build/dev-dashboard/get-api-access-tokens and in reports of integrators."""
UNKNOWN_NEXT: Final = (
    "read what it says, correct the credentials or the url, then reload; it is asked again in 15 minutes"
)
PAGE: Final = re.compile(rb"Oauth error (\w{1,60})\b(?:: ([^<\n]{0,200}))?")
"""Browsers get errors as a page: `Oauth error shop_not_permitted: Client credentials cannot be performed on this shop.`"""


class _Answered(msgspec.Struct):
    access_token: str
    expires_in: float = 0.0
    scope: str = ""
    refresh_token: str = ""
    refresh_token_expires_in: float = 0.0


class ClientCredentials:
    """The default of a merchant's own hub: ask with the app's own secret whenever a token is needed (F70)."""

    kind = "client credentials"

    def __init__(self, connection: Connection) -> None:
        given = connection.credentials
        self._connection = connection
        self._form = {"client_id": given["client_id"], "client_secret": given["client_secret"]}
        self.name = f"shopify {_host(connection)} client {given['client_id']}"
        self.origin = fingerprint("client", given["client_id"])
        self.credentials = fingerprint(*self._form.values())

    async def ask(self, _stored: StoredToken | None, timeout_seconds: float) -> Granted | Retry | Denied:
        """A new token; it takes no refresh token and gives none."""
        return await _asked(self._connection, self._form | {"grant_type": "client_credentials"}, timeout_seconds)


class ExpiringOffline:
    """An app that a merchant has installed: each refresh token serves once and gives the next (F72, F73). The first was
    given in the file, or `interlock connect` has put it into the vault."""

    def __init__(self, connection: Connection) -> None:
        given = connection.credentials
        self._connection = connection
        self._form = {"client_id": given["client_id"], "client_secret": given["client_secret"]}
        self._given = given.get("refresh_token", "")
        self.kind = "expiring offline token" if self._given else "installed app"
        self.name = f"shopify {_host(connection)} offline {given['client_id']}"
        self.origin = (
            fingerprint("refresh", self._given) if self._given else fingerprint("installed", given["client_id"])
        )
        self.credentials = fingerprint(*self._form.values(), self._given)

    async def ask(self, stored: StoredToken | None, timeout_seconds: float) -> Granted | Retry | Denied:
        """With the last refresh token that is kept, the given one when there is none yet. When the answer to it was lost,
        it is still the one to ask with: the next was never used.
        """
        refresh = stored.refresh if stored is not None and stored.refresh else self._given
        if not refresh:
            words = f"nobody has installed the app on the shop yet; interlock connect {self._connection.system}"
            return Denied(code=NOT_CONNECTED, message=words)
        form = self._form | {"grant_type": "refresh_token", "refresh_token": refresh, "expiring": "1"}
        return await _asked(self._connection, form, timeout_seconds)

    async def exchange(self, code: str, timeout_seconds: float) -> Granted | Retry | Denied:
        """The first pair, for the code that the shop gave when the app was installed: it serves once. Without `expiring`
        it would be a token that never ends."""
        return await _asked(self._connection, self._form | {"code": code, "expiring": "1"}, timeout_seconds)


def grant_of(connection: Connection) -> Grant:
    """By what the file gives: a refresh token or an installation, else the app's own credentials, else a permanent token.

    Raises SettingsError CON004 when nothing of it is complete.
    """
    given = {name for name, secret in connection.credentials.items() if secret}
    installed = connection.settings.get("access") == INSTALLATION
    if given >= {"client_id", "client_secret"}:
        return ExpiringOffline(connection) if installed or "refresh_token" in given else ClientCredentials(connection)
    if "access_token" in given and not installed:
        return GivenToken("shopify", connection.url, connection.credentials["access_token"], PERMANENT)
    raise SettingsError(
        "no complete credentials of the shop",
        code="CON004",
        where=f"systems/{connection.system}.toml [credentials]",
        next_move="give client_id and client_secret of the app, or the access_token of an app made before 2026",
    )


def keeper(connection: Connection) -> TokenKeeper:
    """What a client of this shop asks for its token."""
    return TokenKeeper(grant_of(connection), connection.tokens, connection.clock, system=connection.system)


async def _asked(connection: Connection, form: Mapping[str, str], timeout_seconds: float) -> Granted | Retry | Denied:
    url = connection.url.rstrip("/") + PATH
    answer = await connection.http.send("POST", url, OAUTH_FORM, urlencode(form).encode(), timeout_seconds)
    return _granted(answer) or _failure(answer, connection.clock.now_ms())


def _granted(answer: Answer) -> Granted | None:
    found = token_answer(answer, _Answered)
    if found is None or not found.access_token:
        return None
    return Granted(
        access=found.access_token, lifetime_seconds=found.expires_in, refresh=found.refresh_token,
        refresh_lifetime_seconds=found.refresh_token_expires_in,
        scope=tuple(sorted(filter(None, (one.strip() for one in found.scope.split(","))))),
    )  # fmt: skip


def _failure(answer: Answer, now_ms: int) -> Retry | Denied:
    if (later := not_judged(answer, now_ms)) is not None:
        return later
    return no_token(answer, _code(answer), "the shop", NEXT_MOVES, UNKNOWN_NEXT)


def _code(answer: Answer) -> str:
    """The OAuth error code, of JSON or of the page; '' when there is none."""
    if code := error_code(answer):
        return code
    match = PAGE.search(answer.body)
    return match[1].decode() if match else ""


def _host(connection: Connection) -> str:
    return urlsplit(connection.url).netloc.lower()

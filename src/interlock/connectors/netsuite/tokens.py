"""NetSuite's OAuth 2.0 client credentials: a signed assertion is changed for an access token, once for all callers.

Facts: docs.oracle.com NetSuite help section_162790605110 (the assertion), section_162755359851 (request and answer).
"""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from interlock.connectors.contract import OAUTH_FORM, Answer, Connection, Manifest, Refused, Retry, classify, no_success

TOKEN_PATH: Final = "/services/rest/auth/oauth2/v1/token"  # noqa: S105 - a path
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS: Final = 300
"""NetSuite allows an hour; a stolen assertion is worth less when it is short."""
SPARE_SECONDS: Final = 60.0
"""A token is renewed this long before it ends, so that none expires on the way."""
SCOPE: Final = "rest_webservices"


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: int | str = 3600


class Tokens:
    """The access token of one connection: cached, renewed before it ends, fetched by one caller at a time."""

    def __init__(self, connection: Connection, manifest: Manifest) -> None:
        self._connection = connection
        self._errors = manifest.error_table
        self._url = connection.url.rstrip("/") + TOKEN_PATH
        self._token = ""
        self._good_until = 0.0
        self._fetching: asyncio.Lock | None = None

    def cached(self) -> str:
        """The token while it is good, else an empty text."""
        return self._token if self._connection.clock.monotonic() < self._good_until else ""

    async def get(self, timeout_seconds: float) -> str | Retry | Refused:
        """A good token, or why there is none. No record is touched by this, so it is never uncertain."""
        if token := self.cached():
            return token
        self._fetching = self._fetching or asyncio.Lock()
        async with self._fetching:
            return self.cached() or await self._fetch(timeout_seconds)

    def drop(self, token: str) -> None:
        """Forget a token that was refused, unless another caller has renewed it already."""
        if token == self._token:
            self._good_until = 0.0

    async def _fetch(self, timeout_seconds: float) -> str | Retry | Refused:
        try:
            assertion = self._assertion()
        except ValueError as error:
            return Refused(reason="authentication", code="PRIVATE_KEY", message=f"cannot sign: {type(error).__name__}")
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        answer = await self._connection.http.send("POST", self._url, OAUTH_FORM, urlencode(form).encode(), timeout_seconds)
        granted = _granted(answer)
        if granted is None:
            return self._refused(answer)
        self._token = granted.access_token
        self._good_until = self._connection.clock.monotonic() + float(granted.expires_in) - SPARE_SECONDS
        return self._token

    def _assertion(self) -> str:
        """The signed JWT. Raises ValueError when the private key is none of its algorithm."""
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import ECKey, RSAKey

        secrets, algorithm = self._connection.credentials, str(self._connection.settings["algorithm"])
        now = self._connection.clock.now_ms() // 1000
        header = {"typ": "JWT", "alg": algorithm, "kid": secrets["certificate_id"]}
        claims = {
            "iss": secrets["client_id"],
            "scope": SCOPE,
            "aud": self._url,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        kind: Any = RSAKey if algorithm.startswith("PS") else ECKey
        try:
            return jwt.encode(header, claims, kind.import_key(secrets["private_key"]), algorithms=[algorithm])
        except (JoseError, TypeError) as error:
            raise ValueError(str(error)) from error

    def _refused(self, answer: Answer) -> Retry | Refused:
        outcome = classify(answer, self._errors, no_success, now_ms=self._connection.clock.now_ms())
        if isinstance(outcome, Retry):
            return outcome
        if isinstance(outcome, Refused):
            if outcome.status:
                return msgspec.structs.replace(outcome, reason="authentication")
            return outcome
        return Retry(code="NO_TOKEN", message="the token endpoint did not answer as it should", status=answer.status)


def _granted(answer: Answer) -> _Granted | None:
    try:
        return msgspec.json.decode(answer.body, type=_Granted) if answer.status == 200 else None
    except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
        return None

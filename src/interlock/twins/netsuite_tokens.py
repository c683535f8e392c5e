"""NetSuite's OAuth 2.0 client credentials: a signed client assertion is changed for an access token of one hour.

Facts: docs.oracle.com section_162755359851 (request and answer) and section_162790605110 (the assertion).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from interlock.twins.world import World

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
SCOPES = {"restlets", "rest_webservices", "suite_analytics"}
LIFETIME_SECONDS = 3600
DEFAULT_TOKEN = "twin-token"
MAX_ASSERTION_SECONDS = 3600
CLOCK_SKEW_SECONDS = 60


class TokenError(Exception):
    """A refusal of the token endpoint: an OAuth error code (RFC 6749 section 5.2)."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


class Tokens:
    """Issues access tokens against the configured clients and knows which are alive.

    Configuration: {"clients": [{"client_id", "certificates": {kid: PEM certificate or public key}}],
    "access_tokens": [ready-made tokens; without clients, "twin-token"],
    "token_lifetime_seconds": 3600, "token_url": an extra accepted audience}.
    """

    def __init__(self, world: World, config: Mapping[str, Any]) -> None:
        self._world = world
        self._ready_made = frozenset(config.get("access_tokens", () if "clients" in config else (DEFAULT_TOKEN,)))
        self._clients = {client["client_id"]: client["certificates"] for client in config.get("clients", ())}
        self._lifetime_seconds = int(config.get("token_lifetime_seconds", LIFETIME_SECONDS))
        self._audience = config.get("token_url")

    def accepts(self, authorization: str) -> bool:
        """Whether an Authorization header carries a token that is alive."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return False
        if token in self._ready_made:
            return True
        issued = self._world.get("_token", token)
        return issued is not None and time.time() < issued["expires_at"]

    def exchange(self, form: Mapping[str, str], token_url: str) -> dict[str, Any]:
        """The token answer for a form. Raises TokenError."""
        if form.get("grant_type") != "client_credentials" or form.get("client_assertion_type") != ASSERTION_TYPE:
            raise TokenError("unsupported_grant_type", "only client_credentials with a JWT bearer assertion")
        claims = self._verify(form.get("client_assertion", ""))
        self._check_claims(claims, token_url)
        token = f"twin.{self._world.random.getrandbits(256):064x}"
        expires_at = time.time() + self._lifetime_seconds
        self._world.remember(("_token", token, {"client_id": claims["iss"], "expires_at": expires_at}))
        return {"access_token": token, "expires_in": str(self._lifetime_seconds), "token_type": "bearer"}

    def _verify(self, assertion: str) -> dict[str, Any]:
        from joserfc import jws, jwt
        from joserfc.errors import JoseError

        try:
            header = jws.extract_compact(assertion.encode()).headers()
            issuers = {kid: (client, pem) for client, keys in self._clients.items() for kid, pem in keys.items()}
            client, pem = issuers[header["kid"]]
            claims = jwt.decode(assertion, _public_key(pem, header["alg"]), algorithms=ALGORITHMS).claims
        except (JoseError, KeyError, ValueError, TypeError) as error:
            raise TokenError("invalid_client", f"the assertion cannot be verified: {error!r}") from error
        if claims.get("iss") != client:
            raise TokenError("invalid_client", "iss is not the client of this certificate")
        return dict(claims)

    def _check_claims(self, claims: Mapping[str, Any], token_url: str) -> None:
        now = time.time()
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if not {token_url, self._audience} & set(audiences):
            raise TokenError("invalid_grant", f"aud must be the token URL, {token_url}")
        issued, expires = claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int | float) or not isinstance(expires, int | float):
            raise TokenError("invalid_grant", "iat and exp are required")
        if issued > now + CLOCK_SKEW_SECONDS or expires <= now or expires > issued + MAX_ASSERTION_SECONDS:
            raise TokenError("invalid_grant", "the assertion is not yet valid, expired, or valid for over 60 minutes")
        scopes = claims.get("scope", "")
        wanted = set(scopes if isinstance(scopes, list) else str(scopes).replace(" ", "").split(","))
        if not wanted or wanted - SCOPES:
            raise TokenError("invalid_scope", f"scope must be of {', '.join(sorted(SCOPES))}")


def _public_key(pem: str, algorithm: str) -> Any:
    """The key of a PEM certificate or PEM public key."""
    from joserfc.jwk import ECKey, RSAKey

    text = pem.encode()
    if b"BEGIN CERTIFICATE" in text:
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        public_key = x509.load_pem_x509_certificate(text).public_key()
        text = public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return (RSAKey if algorithm.startswith("PS") else ECKey).import_key(text)

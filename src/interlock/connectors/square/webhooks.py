"""Square's dialect of webhooks: signed over the address that it was sent to, and the raw body.

Facts: developer.squareup.com/docs/webhooks/step3validate and square-ruby-sdk lib/square/utilities/webhooks_helper.rb: the
base64 of HMAC-SHA256 by the subscription's signature key over notification URL + body, byte for byte as it is registered.
"""

from __future__ import annotations

import base64
import hmac
from typing import Final

from interlock.connectors.contract import Dialect, Envelope, Headers, Subject
from interlock.connectors.square.news import subject_of

SIGNATURE: Final = "x-square-hmacsha256-signature"


class SquareDialect:
    """One endpoint's. Without the address that Square was given nothing can be verified, and nothing is taken."""

    name = "square"

    def __init__(self, address: str = "") -> None:
        self._address = address.encode()

    def at(self, address: str) -> Dialect:
        """The dialect of an endpoint that Square knows by this address."""
        return SquareDialect(address)

    def recognises(self, headers: Headers) -> bool:
        """By the signature's header."""
        return SIGNATURE in headers

    def envelope(self, headers: Headers) -> Envelope:  # noqa: ARG002 - Square's headers claim nothing but the environment
        """Type, event id and time stand in the body, which is signed."""
        return Envelope(dialect=self.name)

    def verify(self, headers: Headers, body: bytes, secrets: tuple[bytes, ...]) -> bool:
        """Compare with the signature by each key in constant time; two are valid while one is replaced (C11)."""
        given = headers.get(SIGNATURE, "").encode("ascii", "replace")
        fits = False
        for secret in secrets:
            if secret and self._address:
                expected = base64.b64encode(hmac.digest(secret, self._address + body, "sha256"))
                fits |= hmac.compare_digest(expected, given)
        return fits

    def subject(self, envelope: Envelope, body: bytes) -> Subject:  # noqa: ARG002 - nothing of it comes from headers
        """What the signed body says. Raises IntakeError 400."""
        return subject_of(body)


DIALECTS: Final[tuple[Dialect, ...]] = (SquareDialect(),)

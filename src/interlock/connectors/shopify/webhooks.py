"""Shopify's two dialects of webhooks, classic and Events: how each is recognised and verified; what it is about is in
body.py.

The signature covers the raw body only (F01): topic, shop, event id and times are hints.
"""

from __future__ import annotations

import base64
import datetime as dt
import hmac
from typing import Final

from interlock.connectors.contract import Dialect, Envelope, Headers, Subject
from interlock.connectors.shopify.body import subject_of

CLAIM_CHARACTERS_MAX: Final = 200
"""A claim is kept with every arrival; Shopify's own are UUIDs, topics and host names."""


class ShopifyDialect:
    """What both dialects share: HMAC-SHA256 in base64 under a header, and names of headers that differ by a prefix."""

    name: str
    prefix: str

    def __init__(self) -> None:
        self._signature = f"{self.prefix}hmac-sha256"

    def recognises(self, headers: Headers) -> bool:
        """True when the signature header of this dialect is there."""
        return self._signature in headers

    def envelope(self, headers: Headers) -> Envelope:
        """The claims of the headers (F02, F95)."""

        def claim(name: str) -> str:
            return headers.get(f"{self.prefix}{name}", "")[:CLAIM_CHARACTERS_MAX]

        return Envelope(
            dialect=self.name,
            topic=claim("topic"),
            event_id=claim("event-id"),
            webhook_id=claim("webhook-id"),
            shop=claim("shop-domain"),
            api_version=claim("api-version"),
            triggered_at_ms=_milliseconds(claim("triggered-at")),
        )

    def verify(self, headers: Headers, body: bytes, secrets: tuple[bytes, ...]) -> bool:
        """Compare with the signature by each secret in constant time; two are valid while one is rotated (C11).

        A header that was repeated and joined, that is no base64 or has another length, equals no signature.
        """
        given = headers.get(self._signature, "").encode("ascii", "replace")
        fits = False
        for secret in secrets:
            if secret:
                expected = base64.b64encode(hmac.digest(secret, body, "sha256"))
                fits |= hmac.compare_digest(expected, given)
        return fits

    def subject(self, envelope: Envelope, body: bytes) -> Subject:
        """What the signed body says. Raises IntakeError 400."""
        return subject_of(body, envelope.topic)


class Classic(ShopifyDialect):
    """X-Shopify-*: subscriptions by topic, in every API version."""

    name = "shopify"
    prefix = "x-shopify-"


class Events(ShopifyDialect):
    """shopify-* without X-: the next generation, a preview in 2026 (F15, F95). De-duplicated by webhook id."""

    name = "shopify-events"
    prefix = "shopify-"


def _milliseconds(text: str) -> int:
    """An RFC 3339 time in milliseconds since the epoch; 0 when it is none, since it is only a claim."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return 0
    return round(moment.timestamp() * 1000) if moment.tzinfo is not None else 0


DIALECTS: Final[tuple[Dialect, ...]] = (Classic(), Events())

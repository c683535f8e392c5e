"""The signature of Standard Webhooks: id, time and raw body are signed together, and may be checked as they go by.

Facts: standard-webhooks/standard-webhooks spec/standard-webhooks.md 1.x: HMAC-SHA256 over `id.timestamp.body` in base64 as
`v1,...`, several signatures divided by spaces while a secret is rotated, secrets as `whsec_` and base64, old times refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import Final

from interlock.messaging.event import Headers

ID: Final = re.compile(r"[A-Za-z0-9_:-]{1,100}")
"""Without a dot, which divides what is signed: `a.1` at time 2 must not be `a` at time 1."""
SECRET_PREFIX: Final = b"whsec_"
SIGNATURES_MAX: Final = 10


class Seal:
    """One running HMAC for each valid secret."""

    def __init__(self, headers: Headers, secrets: tuple[bytes, ...]) -> None:
        before = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode("latin-1", "replace")
        self._macs = [hmac.new(key, before, hashlib.sha256) for key in map(_key, secrets) if key]
        given = headers.get("webhook-signature", "").split(" ")[:SIGNATURES_MAX]
        self._given = [one.partition(",")[2].encode("ascii", "replace") for one in given if one.startswith("v1,")]

    def update(self, part: bytes) -> None:
        """Some more of the raw bytes."""
        for mac in self._macs:
            mac.update(part)

    def fits(self) -> bool:
        """Every signature is compared with that by every secret."""
        fits = False
        for mac in self._macs:
            expected = base64.b64encode(mac.digest())
            for given in self._given:
                fits |= hmac.compare_digest(expected, given)
        return fits


def signed_id(headers: Headers) -> str:
    """The id that is signed; "" when there is none, or what is no id."""
    given = headers.get("webhook-id", "")
    return given if ID.fullmatch(given) else ""


def signed_seconds(headers: Headers) -> int:
    """The time that is signed, in seconds since 1970; 0 when there is none."""
    text = headers.get("webhook-timestamp", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 0


def _key(secret: bytes) -> bytes:
    """`whsec_...` is base64 of the key; another text is the key itself. What is neither signs nothing."""
    if not secret.startswith(SECRET_PREFIX):
        return secret
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        return b""

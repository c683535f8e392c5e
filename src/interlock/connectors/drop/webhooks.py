"""The signature of a dropped file, after Standard Webhooks: id, time and raw body are signed together, and checked as they go by.

Facts: standard-webhooks/standard-webhooks spec/standard-webhooks.md 1.x: HMAC-SHA256 over `id.timestamp.body` in base64 as
`v1,...`, several signatures divided by spaces while a secret is rotated, secrets as `whsec_` and base64, old times refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, Final

from interlock.connectors.contract import Dialect, Envelope, Headers, IntakeError, Subject, dropped
from interlock.connectors.drop.rows import Rows

TOLERANCE_SECONDS: Final = 300
"""How far the sender's time may be off; the libraries of Standard Webhooks take five minutes."""
ID: Final = re.compile(r"[A-Za-z0-9_:-]{1,100}")
"""Without a dot, which divides what is signed: `a.1` at time 2 must not be `a` at time 1."""
SECRET_PREFIX: Final = b"whsec_"
SIGNATURES_MAX: Final = 10


class DropDialect:
    """Files under webhook-id, webhook-timestamp and webhook-signature."""

    name = "drop"
    takes_files = True

    def recognises(self, headers: Headers) -> bool:
        """By the signature's header."""
        return "webhook-signature" in headers

    def envelope(self, headers: Headers) -> Envelope:
        """The id names the file for ever: the same one again adds nothing."""
        given = headers.get("webhook-id", "")
        if ID.fullmatch(given) is None:
            raise IntakeError(
                "webhook-id is missing, or no id",
                status=400,
                code="INT017",
                next_move="send an id of the file of at most 100 letters, digits, _, - and :",
            )
        return Envelope(dialect=self.name, event_id=given, webhook_id=given, triggered_at_ms=_time(headers) * 1000)

    def seal(self, headers: Headers, secrets: tuple[bytes, ...], now_ms: int) -> Seal:
        """Refuses by the headers alone what is too old or from too far ahead: a file that was recorded is not taken later."""
        if abs(now_ms / 1000 - _time(headers)) > TOLERANCE_SECONDS:
            raise IntakeError(
                "webhook-timestamp is not the time of now",
                status=401,
                code="INT018",
                next_move="sign each attempt with its own time, in seconds since 1970; compare the clocks",
            )
        return Seal(headers, secrets)

    def verify(self, headers: Headers, body: bytes, secrets: tuple[bytes, ...]) -> bool:
        """The same for a body that is there as a whole."""
        seal = Seal(headers, secrets)
        seal.update(body)
        return seal.fits()

    def subject(self, envelope: Envelope, body: bytes) -> Subject:  # noqa: ARG002 - the intake names the parts
        """A part of a file is about many items."""
        return Subject(object=dropped.LEVEL, key=envelope.event_id, complete=True)

    def reader(self, settings: Mapping[str, Any], now_ms: int) -> Rows:
        """As the system's settings say."""
        return Rows(settings, now_ms)


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


def _key(secret: bytes) -> bytes:
    """`whsec_...` is base64 of the key; another text is the key itself. What is neither signs nothing."""
    if not secret.startswith(SECRET_PREFIX):
        return secret
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        return b""


def _time(headers: Headers) -> int:
    text = headers.get("webhook-timestamp", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 0


DIALECTS: Final[tuple[Dialect, ...]] = (DropDialect(),)

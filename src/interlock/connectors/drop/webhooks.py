"""The signature of a dropped file, after Standard Webhooks: checked as the file goes by, and refused when its time is not now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from interlock.connectors.contract import (
    Dialect,
    Envelope,
    Headers,
    IntakeError,
    Seal,
    Subject,
    dropped,
    signed_id,
    signed_seconds,
)
from interlock.connectors.drop.rows import Rows

TOLERANCE_SECONDS: Final = 300
"""How far the sender's time may be off; the libraries of Standard Webhooks take five minutes."""


class DropDialect:
    """Files under webhook-id, webhook-timestamp and webhook-signature."""

    name = "drop"
    takes_files = True

    def recognises(self, headers: Headers) -> bool:
        """By the signature's header."""
        return "webhook-signature" in headers

    def envelope(self, headers: Headers) -> Envelope:
        """The id names the file for ever: the same one again adds nothing."""
        given = signed_id(headers)
        if not given:
            raise IntakeError(
                "webhook-id is missing, or no id",
                status=400,
                code="INT017",
                next_move="send an id of the file of at most 100 letters, digits, _, - and :",
            )
        return Envelope(
            dialect=self.name, event_id=given, webhook_id=given, triggered_at_ms=signed_seconds(headers) * 1000
        )

    def seal(self, headers: Headers, secrets: tuple[bytes, ...], now_ms: int) -> Seal:
        """Refuses by the headers alone what is too old or from too far ahead: a file that was recorded is not taken later."""
        if abs(now_ms / 1000 - signed_seconds(headers)) > TOLERANCE_SECONDS:
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


DIALECTS: Final[tuple[Dialect, ...]] = (DropDialect(),)

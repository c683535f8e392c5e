"""What the token endpoints of all vendors share: answers that judge nobody's credentials, and tokens that nobody renews."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from interlock.connectors.http import Answer
from interlock.connectors.token_store import StoredToken
from interlock.connectors.tokens import Denied, Granted, fingerprint
from interlock.connectors.verdict import retry_after_seconds
from interlock.messaging.outcome import Retry

LATER: Final = frozenset({408, 425, 429})
"""Refusals that are about the moment (RFC 9110, 15.5.9; RFC 8470; RFC 6585)."""


def not_judged(answer: Answer, now_ms: int) -> Retry | None:
    """To be asked again, when the endpoint gave no token and said nothing of the credentials; None when it refused them.
    Its words are never quoted: an answer of such an endpoint may hold what was sent.
    """
    if answer.error is None and 400 <= answer.status < 500 and answer.status not in LATER:
        return None
    words = answer.error or f"the token endpoint answered {answer.status}, not with a token"
    pause = retry_after_seconds(answer, now_ms)
    return Retry(code=answer.code or "NO_TOKEN", message=words, status=answer.status, retry_after_seconds=pause)


class GivenToken:
    """A token that a person gave: it does not end, and cannot be renewed."""

    def __init__(self, vendor: str, url: str, token: str, kind: str) -> None:
        self.kind = kind
        self._token = token
        self.credentials = self.origin = fingerprint("permanent", token)
        self.name = f"{vendor} {urlsplit(url).netloc.lower()} permanent {self.credentials}"

    async def ask(self, _stored: StoredToken | None, _timeout_seconds: float) -> Granted | Retry | Denied:
        """What was given; nobody is asked."""
        return Granted(access=self._token)

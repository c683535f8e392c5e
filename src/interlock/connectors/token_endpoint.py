"""What the token endpoints of all vendors share: answers that give a token, judge nobody's credentials or refuse them, and tokens
that nobody renews."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from interlock.connectors.http import Answer
from interlock.connectors.token_store import StoredToken
from interlock.connectors.tokens import Denied, Granted, fingerprint
from interlock.connectors.verdict import retry_after_seconds
from interlock.messaging.outcome import Retry

LATER: Final = frozenset({408, 425, 429})
"""Refusals that are about the moment (RFC 9110, 15.5.9; RFC 8470; RFC 6585)."""
OAUTH_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
"""Headers of a request for a token (RFC 6749, 4.4.2 and 6): a form, answered in JSON."""
CODE: Final = re.compile(r"\w{1,60}")

Shape = TypeVar("Shape")


class _Problem(msgspec.Struct):
    error: str


def token_answer(answer: Answer, shape: type[Shape]) -> Shape | None:
    """What a success says, as the vendor documents it; None for every other answer."""
    if answer.status != 200 or answer.error is not None:
        return None
    try:
        return msgspec.json.decode(answer.body, type=shape, strict=False)
    except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
        return None


def not_judged(answer: Answer, now_ms: int) -> Retry | None:
    """To be asked again, when the endpoint gave no token and said nothing of the credentials; None when it refused them.
    Its words are never quoted: an answer of such an endpoint may hold what was sent.
    """
    if answer.error is None and 400 <= answer.status < 500 and answer.status not in LATER:
        return None
    words = answer.error or f"the token endpoint answered {answer.status}, not with a token"
    pause = retry_after_seconds(answer, now_ms)
    return Retry(code=answer.code or "NO_TOKEN", message=words, status=answer.status, retry_after_seconds=pause)


def error_code(answer: Answer) -> str:
    """Why no token is given, as RFC 6749, 5.2 has it; "" when the answer gives no such code."""
    try:
        code = msgspec.json.decode(answer.body, type=_Problem).error
    except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
        return ""
    return code if CODE.fullmatch(code) else ""


def no_token(answer: Answer, code: str, who: str, next_moves: Mapping[str, str], otherwise: str) -> Denied:
    """A refusal in words, by the endpoint's own error code (RFC 6749, 5.2), "" when it gave none. With a code of `next_moves` nothing
    changes until a person makes that move; of any other nobody knows, and it is asked again in a while."""
    if code in next_moves:
        return Denied(code=code, message=f"{who} gives no token ({code}); {next_moves[code]}")
    words = f"{who} gives no token ({code or f'status {answer.status}'}); {otherwise}"
    return Denied(code=code or f"HTTP_{answer.status}", message=words, look_again=True)


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

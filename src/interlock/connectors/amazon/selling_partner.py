"""Calls the Selling Partner API: within the usage plan of the operation, with a token that is good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from interlock.connectors.amazon.tokens import keeper
from interlock.connectors.amazon.usage import TOO_MANY, UsagePlans
from interlock.connectors.contract import (
    Answer,
    Connection,
    Lane,
    Outcome,
    Refused,
    Retry,
    Uncertain,
    classify,
    declared_manifest,
    no_success,
)

CALL_SECONDS_MAX: Final = 15.0
"""One call may take so long; a listing answers in less than a second."""
CALL_SECONDS_MIN: Final = 1.5
"""With less time left nothing is begun: an answer that nobody waits for is an uncertain write."""
NO_TIME: Final = Retry(
    code="NO-TIME", message="the time of this call is over before everything was sent", status=TOO_MANY
)
"""Waiting for a usage plan is no failure of Amazon's: by this status it is not counted as one."""
TOKEN_WORDS: Final = b"access token"
"""Amazon answers 403, not 401, to a token that has ended: `The access token you provided has expired.`, `... is revoked,
malformed or invalid.`, `Access token is missing in the request header.` (qiita.com/0503/questions/f4714af20a30946465b4).
A 403 without these words is about the application's roles."""


class SellingPartner:
    """One seller's API, as one application."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._errors = declared_manifest(connection).error_table
        self._base = connection.url.rstrip("/")
        self._keeper = keeper(connection)
        self._plans = UsagePlans(connection)
        self.seller = str(connection.settings["seller_id"])
        self.marketplace = str(connection.settings["marketplace_id"])

    def ends(self, timeout_seconds: float) -> float:
        """The end of this time on the clock of calls."""
        return self._connection.clock.monotonic() + timeout_seconds

    def left(self, ends: float) -> float:
        """Seconds until then."""
        return ends - self._connection.clock.monotonic()

    @property
    def now_ms(self) -> int:
        """Wall time in milliseconds."""
        return self._connection.clock.now_ms()

    async def call(
        self, operation: str, method: str, path: str, *, ends: float, query: Mapping[str, str] | None = None,
        body: Any = None, lane: Lane = Lane.LIVE,
    ) -> Answer | Retry | Refused:  # fmt: skip
        """The answer, whatever it says; Retry or Refused when nothing was sent."""
        if self.left(ends) < CALL_SECONDS_MIN:
            return NO_TIME
        hold = await self._plans.take(operation, lane, self.left(ends) - CALL_SECONDS_MIN)
        if isinstance(hold, Retry):
            return hold
        url = f"{self._base}{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        sent = None if body is None else msgspec.json.encode(body)
        answer: Answer | Retry | Refused | None = None
        try:
            answer = await self._keeper.call(lambda token: self._send(method, url, sent, token, ends))
        finally:
            self._plans.give_back(operation, hold, answer if isinstance(answer, Answer) else None)
        return answer

    async def ask(
        self, operation: str, path: str, shape: type[Any], *, ends: float, query: Mapping[str, str] | None = None,
        lane: Lane = Lane.LIVE,
    ) -> Any:  # fmt: skip
        """What a GET answers, read into `shape`; Retry or Refused else: reading is never uncertain."""
        answer = await self.call(operation, "GET", path, ends=ends, query=query, lane=lane)
        if not isinstance(answer, Answer):
            return answer
        found = decoded(answer, 200, shape)
        return found if found is not None else as_reading(self.failure(answer))

    def failure(self, answer: Answer) -> Outcome:
        """What an answer means that is not the success that was asked for."""
        return classify(answer, self._errors, no_success, now_ms=self._connection.clock.now_ms())

    async def _send(self, method: str, url: str, body: bytes | None, token: str, ends: float) -> Answer:
        headers = {"x-amz-access-token": token, "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        seconds = min(CALL_SECONDS_MAX, max(self.left(ends), CALL_SECONDS_MIN))
        answer = await self._connection.http.send(method, url, headers, body, seconds)
        if answer.status == 403 and TOKEN_WORDS in answer.body.lower():
            return msgspec.structs.replace(answer, status=401)  # as all others say it, and as the keeper understands it
        return answer

    # -- documents of feeds: their presigned addresses are called without a token and without a plan

    async def fetch(self, url: str, *, ends: float) -> Answer:
        """A file that Amazon laid for us."""
        return await self._connection.http.send("GET", url, {}, None, max(self.left(ends), CALL_SECONDS_MIN))

    async def lay(self, url: str, content_type: str, body: bytes, *, ends: float) -> Answer:
        """A file that we lay for Amazon; the content type is part of the signature."""
        seconds = max(self.left(ends), CALL_SECONDS_MIN)
        return await self._connection.http.send("PUT", url, {"Content-Type": content_type}, body, seconds)


def decoded(answer: Answer, status: int, shape: type[Any]) -> Any:
    """The body of a success; None when it is none, or cannot be read."""
    if answer.status != status or answer.error is not None:
        return None
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
        return None


def as_reading(outcome: Outcome) -> Retry | Refused:
    """A question that was not answered may be asked again: it changes nothing."""
    if isinstance(outcome, Uncertain):
        return Retry(code=outcome.code, message=outcome.message, status=outcome.status)
    assert isinstance(outcome, Retry | Refused)
    return outcome

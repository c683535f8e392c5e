"""Calls to one seller's API: the token, the version, the time that is left, and what an answer that is none means."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec

from interlock.connectors.contract import (
    Answer,
    Clock,
    Connection,
    Outcome,
    Refused,
    Retry,
    Uncertain,
    classify,
    declared_manifest,
    no_success,
)
from interlock.connectors.square.tokens import keeper

OUT_OF_TIME: Final = Retry(code="NO-TIME", message="the time for this call was used up before it was sent")
LEAST_SECONDS: Final = 0.05
"""With less time left a call would be given up before an answer can come."""

Body = dict[str, Any]
Shape = TypeVar("Shape")


class Deadline:
    """The time that several calls share."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    @property
    def left_seconds(self) -> float:
        return self._end - self._clock.monotonic()


class Calls:
    """One seller."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._errors = declared_manifest(connection).error_table
        self._tokens = keeper(connection)
        self._base = connection.url.rstrip("/")
        self._version = str(connection.settings["api_version"])
        self.clock = connection.clock

    def now_us(self) -> int:
        """Our clock, in microseconds since the epoch."""
        return self.clock.now_ms() * 1000

    def deadline(self, seconds: float) -> Deadline:
        """From now on."""
        return Deadline(self.clock, seconds)

    async def send(self, method: str, path: str, body: Body | None, deadline: Deadline) -> Answer | Retry | Refused:
        """One call within what time is left; no token is a Retry or Refused."""
        if deadline.left_seconds < LEAST_SECONDS:
            return OUT_OF_TIME
        raw = None if body is None else msgspec.json.encode(body)

        async def sent(token: str) -> Answer:
            headers = {
                "Authorization": f"Bearer {token}", "Square-Version": self._version,
                "Content-Type": "application/json", "Accept": "application/json",
            }  # fmt: skip
            seconds = max(deadline.left_seconds, LEAST_SECONDS)
            return await self._connection.http.send(method, self._base + path, headers, raw, seconds)

        return await self._tokens.call(sent)

    async def read(
        self, method: str, path: str, body: Body | None, shape: type[Shape], deadline: Deadline
    ) -> Shape | Retry | Refused:
        """What reading changes nothing: whatever is uncertain can simply be asked again."""
        answer = await self.send(method, path, body, deadline)
        if not isinstance(answer, Answer):
            return answer
        if answer.status == 200 and answer.error is None:
            try:
                return msgspec.json.decode(answer.body, type=shape)
            except (ValueError, RecursionError) as error:  # not JSON, not this shape, or not UTF-8
                words = f"the answer to {path} is not as documented: {type(error).__name__}"
                return Retry(code="ANSWER_NOT_UNDERSTOOD", message=words, status=200)
        outcome = self.failure(answer)
        return outcome if isinstance(outcome, Retry | Refused) else _again(outcome)

    def failure(self, answer: Answer) -> Outcome:
        """What an answer that is no success means for a write."""
        return classify(answer, self._errors, no_success, now_ms=self.clock.now_ms())


def _again(outcome: Outcome) -> Retry:
    assert isinstance(outcome, Uncertain)
    return Retry(code=outcome.code, message=outcome.message, status=outcome.status)

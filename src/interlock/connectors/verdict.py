"""From a vendor's answer to one of four outcomes: the rules that hold for all vendors, and each vendor's own table of
errors.

Unknown is uncertain, never success.
"""

from __future__ import annotations

import email.utils
import math
import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final, Literal

import msgspec

from interlock.connectors.http import BAD_URL, NOT_CONNECTED, REDIRECT, UNDECLARED_HOST, Answer
from interlock.connectors.problem import Problem, mask, read_problem
from interlock.messaging.outcome import Done, Outcome, Refused, Retry, Uncertain

RETRY_AFTER_SECONDS_MAX: Final = 86_400.0
"""A longer Retry-After is a mistake of the vendor's; a day is the longest that we stay away unasked."""

RETRY_AFTER_HEADERS: Final = ("retry-after", "x-retry-after")
"""The standard one, and the one of Azure's gateways."""

Reason = Literal[
    "authentication", "permission", "validation", "missing_reference", "conflict",
    "rate_limit", "unavailable", "too_large", "unknown", "gone",
]  # fmt: skip

REASON_BY_STATUS: Final[dict[int, Reason]] = {
    401: "authentication", 407: "authentication",
    402: "permission", 403: "permission", 451: "permission",
    400: "validation", 405: "validation", 406: "validation", 411: "validation", 415: "validation", 416: "validation",
    417: "validation", 422: "validation", 426: "validation",
    409: "conflict", 412: "conflict", 423: "conflict", 424: "conflict", 428: "conflict",
    413: "too_large", 414: "too_large", 431: "too_large",
    404: "gone", 410: "gone",
}  # fmt: skip
"""Refusals by status when the vendor's own table has no row; any other 4xx is refused for an unknown reason."""
LATER: Final = frozenset({425, 429})
"""Statuses that say "not now" and mean that nothing was applied (RFC 8470, RFC 6585)."""
UNCERTAIN_4XX: Final = frozenset({408, 499})
"""The other side, or a proxy of its, gave up waiting: what reached it is not known."""

Reader = Callable[[Answer], Done | None]
"""A vendor's reader of its own success: Done when a 2xx has the expected shape, else None."""

SENT_ELSEWHERE: Final = (307, 308)
"""Redirects that ask for the same request at another address, so nothing was done at this one. A 303 comes after the
work was done, and what a 301 or 302 means for a write nobody knows (RFC 9110, 15.4): these are uncertain."""


class ErrorRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One [[errors]] row: all given matchers must agree. `text` is a regular expression; its first group fills `{}`
    in `waiting_for`.
    """

    verdict: Literal["retry", "wait", "refused", "uncertain"]
    reason: Reason
    next: str
    """The next move, an imperative sentence for the person or the log."""
    status: int | None = None
    code: str | None = None
    text: str | None = None
    waiting_for: str = ""
    retry_after_seconds: float = 0.0
    destination_wide: bool = False
    answer_code: str = ""
    """A name of ours for the outcome, where the vendor gives no code."""
    source: str = ""

    def __post_init__(self) -> None:
        if self.status is None and self.code is None and self.text is None:
            raise ValueError("a row needs a status, a code or a text to match by")
        if self.verdict == "wait" and not self.waiting_for:
            raise ValueError("a row with verdict 'wait' needs waiting_for")
        re.compile(self.text or "")

    def match(self, status: int, problem: Problem) -> re.Match[str] | None:
        """The match of the text pattern (an empty one when there is no pattern), or None when the row is not about
        this answer.
        """
        if self.status not in (None, status) or (self.code is not None and self.code not in problem.codes):
            return None
        return re.search(self.text or "", problem.text, re.IGNORECASE)


class ErrorTable(msgspec.Struct, frozen=True, dict=True):
    """A vendor's rows, in the order of the file: the first that matches decides."""

    rows: Sequence[ErrorRule] = ()

    def find(self, status: int, problem: Problem) -> tuple[ErrorRule, re.Match[str]] | None:
        """The first row about this answer."""
        for row in self._by_status.get(status, self._any_status):
            match = row.match(status, problem)
            if match is not None:
                return row, match
        return None

    @cached_property
    def _any_status(self) -> list[ErrorRule]:
        return [row for row in self.rows if row.status is None]

    @cached_property
    def _by_status(self) -> dict[int, list[ErrorRule]]:
        named = {row.status for row in self.rows if row.status is not None}
        return {status: [row for row in self.rows if row.status in (None, status)] for status in named}


def classify(answer: Answer, table: ErrorTable, done: Reader, *, sent: bytes = b"", now_ms: int = 0) -> Outcome:
    """The outcome of a write. `sent` is the body that was sent, whose personal values are kept out of messages;
    `now_ms` reads dates.
    """
    if answer.error is not None:
        return _without_answer(answer)
    if 200 <= answer.status < 300:
        success = done(answer)
        if success is not None:
            return success
    return _by_problem(answer, table, sent, now_ms)


def _without_answer(answer: Answer) -> Outcome:
    """Our own refusals, and the failures of the network."""
    message = answer.error or ""
    if answer.code in (UNDECLARED_HOST, BAD_URL):
        return Refused(
            reason="permission", code=answer.code, message=f"{message}; correct the system's url or declare the host"
        )
    if answer.code == REDIRECT and answer.status in SENT_ELSEWHERE:
        return Refused(
            reason="unknown", code=answer.code, message=f"{message}; correct the system's url", status=answer.status
        )
    if answer.code == NOT_CONNECTED and not answer.sent:
        return Retry(code=answer.code, message=message)
    return Uncertain(code=answer.code, message=message, status=answer.status)


def _by_problem(answer: Answer, table: ErrorTable, sent: bytes, now_ms: int) -> Outcome:
    """A readable answer that is no success: the vendor's own row decides, else the status."""
    problem = read_problem(answer.body)
    found = table.find(answer.status, problem)
    code = problem.code or f"HTTP_{answer.status}"
    words = (
        " ".join(filter(None, (mask(problem.path, sent), mask(problem.text, sent)))) or f"HTTP status {answer.status}"
    )
    if found is not None:
        return _by_row(*found, answer, code, words, now_ms)
    return _by_status(answer, code, words, now_ms)


def _by_row(row: ErrorRule, match: re.Match[str], answer: Answer, code: str, words: str, now_ms: int) -> Outcome:
    message = f"{words}; {row.next}"
    code = row.answer_code or row.code or code
    match row.verdict:
        case "retry":
            pause = max(row.retry_after_seconds, retry_after_seconds(answer, now_ms))
            return Retry(
                code=code,
                message=message,
                status=answer.status,
                retry_after_seconds=pause,
                destination_wide=row.destination_wide,
            )
        case "uncertain":
            return Uncertain(code=code, message=message, status=answer.status)
        case "wait":
            what = row.waiting_for.replace("{}", match.group(1) if match.groups() and match.group(1) else "?")
            return Refused(reason=row.reason, code=code, message=message, status=answer.status, waiting_for=what)
        case "refused":
            return Refused(reason=row.reason, code=code, message=message, status=answer.status)


def _by_status(answer: Answer, code: str, words: str, now_ms: int) -> Outcome:
    status = answer.status
    if status in LATER:
        pause = retry_after_seconds(answer, now_ms)
        return Retry(code=code, message=words, status=status, retry_after_seconds=pause, destination_wide=True)
    if 400 <= status < 500 and status not in UNCERTAIN_4XX:
        return Refused(reason=REASON_BY_STATUS.get(status, "unknown"), code=code, message=words, status=status)
    if 200 <= status < 300:
        return Uncertain(
            code="ANSWER_NOT_UNDERSTOOD", message=f"a success that does not say what was done: {words}", status=status
        )
    return Uncertain(code=code, message=words, status=status)


def retry_after_seconds(answer: Answer, now_ms: int = 0) -> float:
    """Retry-After in seconds, from a number or an HTTP date (measured against the answer's own Date, else `now_ms`);
    0 when there is none.
    """
    text = next((answer.headers[name] for name in RETRY_AFTER_HEADERS if name in answer.headers), "").strip()
    if not text:
        return 0.0
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text, answer.headers.get("date", ""), now_ms)
    return min(max(seconds, 0.0), RETRY_AFTER_SECONDS_MAX) if math.isfinite(seconds) else 0.0


def _seconds_until(date: str, now_text: str, now_ms: int) -> float:
    try:
        then = email.utils.parsedate_to_datetime(date).timestamp()
        now = email.utils.parsedate_to_datetime(now_text).timestamp() if now_text else now_ms / 1000
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return then - now

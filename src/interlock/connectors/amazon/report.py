"""Reads the processing report of a feed: what became of each message, and when nobody can say.

Facts: schemas/feeds/listings-feed-processing-report-schema-v2.json @34dc93f: issues name the message they are about, or none
when the feed as a whole is wrong; the summary counts messages processed, accepted and invalid.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import msgspec

from interlock.connectors.amazon.availability import ERROR, done
from interlock.connectors.contract import Outcome, Refused, Uncertain, stock

UNPACKED_BYTES_MAX: Final = 64 * 1024 * 1024
"""A report of 25,000 refused messages has a tenth of it."""
GZIP: Final = 31
"""zlib's number for a gzip header and the largest window."""


class _Header(msgspec.Struct):
    feedId: str  # noqa: N815 - Amazon's name


class _Issue(msgspec.Struct):
    severity: str
    message: str
    messageId: int | None = None  # noqa: N815
    code: str = "INVALID"


class _Summary(msgspec.Struct):
    messagesProcessed: int  # noqa: N815
    messagesAccepted: int  # noqa: N815
    messagesInvalid: int  # noqa: N815


class Report(msgspec.Struct):
    """As it is laid for us."""

    header: _Header
    issues: list[_Issue]
    summary: _Summary


def read_report(body: bytes, *, packed: bool) -> Report | None:
    """The report; None when it is none."""
    try:
        return msgspec.json.decode(_unpacked(body) if packed else body, type=Report)
    except (ValueError, RecursionError, zlib.error):  # not JSON, not this shape, not UTF-8, not gzip
        return None


def outcomes(report: Report, feed: str, sent: Sequence[stock.Line]) -> tuple[Outcome, ...]:
    """One for each line, the n-th of which went as message n. A line without an issue counts as accepted only when the
    summary counts as many as there are such lines."""
    if report.header.feedId != feed:
        return tuple(_unknown("the report is of another feed") for _ in sent)
    errors = [issue for issue in report.issues if issue.severity == ERROR]
    first = {issue.messageId: issue for issue in reversed(errors)}
    summary = report.summary
    if None in first and summary.messagesAccepted == 0 and summary.messagesProcessed == 0:
        return tuple(_refused(first[None]) for _ in sent)
    clean = sum(number not in first for number in range(1, len(sent) + 1))
    whole = summary.messagesAccepted == clean and summary.messagesProcessed == len(sent)
    counted = f"{summary.messagesProcessed} were looked at and {summary.messagesAccepted} accepted"
    words = f"of {len(sent)} lines {counted}, but {clean} have no error"
    return tuple(
        _refused(first[number])
        if number in first
        else done(line, f"accepted in feed {feed}")
        if whole
        else _unknown(words)
        for number, line in enumerate(sent, 1)
    )


def _refused(issue: _Issue) -> Refused:
    return Refused(reason="validation", code=issue.code, message=issue.message, status=200)


def _unknown(words: str) -> Uncertain:
    return Uncertain(code="FEED-REPORT", message=words)


def _unpacked(body: bytes) -> bytes:
    unpacking = zlib.decompressobj(GZIP)
    found = unpacking.decompress(body, UNPACKED_BYTES_MAX)
    if not unpacking.eof:
        raise ValueError("cut, or larger than any report")
    return found

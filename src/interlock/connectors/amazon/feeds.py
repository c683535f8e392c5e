"""Writes many lines as one feed, and reads its report back.

Nothing of a feed says whose it is: no reference of ours comes back with it. So only one is ever on its way: a new one waits
until no other is unfinished, and when the answer to `createFeed` is lost, the one that is unfinished then is ours.
Facts: feeds_2021-06-30.json @34dc93f (steps, statuses, addresses of 5 minutes; FATAL: "some, none, or all of the operations
may have completed"); feeds that stood still for days: amzn/selling-partner-api-models issue 2633.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from interlock.connectors.amazon.availability import PRODUCT_TYPE, patches, unwritable
from interlock.connectors.amazon.lag import LATE_SECONDS_MAX
from interlock.connectors.amazon.listings import Listings
from interlock.connectors.amazon.report import outcomes, read_report
from interlock.connectors.amazon.selling_partner import SellingPartner, decoded
from interlock.connectors.amazon.usage import TOO_MANY
from interlock.connectors.amazon.visibility import is_seen
from interlock.connectors.contract import Answer, Done, Outcome, Refused, Retry, Uncertain, stock

FEEDS: Final = "/feeds/2021-06-30"
KIND: Final = "JSON_LISTINGS_FEED"
LINES_MAX: Final = 10_000
"""Amazon takes 25,000 messages (listings-feed-schema-v2.json) and recommends feeds of 1,500 to 10,000
(amzn/selling-partner-api-models issue 543); a report on so many refused lines stays within the 4 MB of an answer."""
CONTENT_TYPE: Final = "application/json; charset=UTF-8"
UNFINISHED: Final = ("IN_QUEUE", "IN_PROGRESS")
NOT_FOUND: Final = 404
WAIT_SECONDS: Final = 60.0
"""After a feed that must wait for another: Amazon takes one a minute."""


class _Document(msgspec.Struct):
    feedDocumentId: str  # noqa: N815 - Amazon's name
    url: str
    compressionAlgorithm: str = ""  # noqa: N815


class _Created(msgspec.Struct):
    feedId: str  # noqa: N815


class _Feed(msgspec.Struct):
    feedId: str  # noqa: N815
    processingStatus: str  # noqa: N815
    createdTime: str = ""  # noqa: N815
    processingEndTime: str = ""  # noqa: N815
    resultFeedDocumentId: str = ""  # noqa: N815


class _Listed(msgspec.Struct):
    feeds: list[_Feed]


class Feeding:
    """The feeds of one seller. `look_seconds`: between two looks at one; `patience_seconds`: how long one may take."""

    def __init__(
        self, api: SellingPartner, listings: Listings, *, look_seconds: float, patience_seconds: float
    ) -> None:  # fmt: skip
        self._api = api
        self._listings = listings
        self._look_seconds = look_seconds
        self._patience_seconds = patience_seconds
        self._turn = asyncio.Lock()
        self._reports: dict[str, stock.LineOutcomes] = {}

    async def submit(self, lines: Sequence[stock.Line], *, ends: float) -> stock.LineOutcomes | stock.Underway:
        """Hand the lines in. Until the feed itself is made nothing can have been changed."""
        if not sendable(lines):
            return whole(lines, ())
        async with self._turn:
            return await self._submit(lines, ends)

    async def _submit(self, lines: Sequence[stock.Line], ends: float) -> stock.LineOutcomes | stock.Underway:
        busy = await self.busy(ends=ends)
        if busy is not None:
            return stock.line_outcomes(lines, busy)
        document = await self._laid(sendable(lines), ends)
        if not isinstance(document, str):
            return stock.line_outcomes(lines, document)
        return await self._created(document, lines, ends)

    async def busy(self, *, ends: float) -> Retry | Refused | None:
        """Why many lines have to wait: a feed is on its way, or nobody knows."""
        found = await self._unfinished(ends)
        if isinstance(found, Retry | Refused):
            return found
        return _must_wait(found) if found else None

    async def look(
        self, feed: str, lines: Sequence[stock.Line], *, ends: float
    ) -> stock.LineOutcomes | stock.Underway | Retry:
        """What became of a feed."""
        answer = await self._api.call("getFeed", "GET", f"{FEEDS}/feeds/{quote(feed, safe='')}", ends=ends)
        if not isinstance(answer, Answer):
            return _later(answer)
        found: _Feed | None = decoded(answer, 200, _Feed)
        if found is None:
            failure = self._api.failure(answer)
            lost = isinstance(failure, Refused) and answer.status == NOT_FOUND
            return stock.line_outcomes(lines, _lost("Amazon knows the feed no more")) if lost else _later(failure)
        return await self._meaning(found, lines, ends)

    async def _meaning(
        self, feed: _Feed, lines: Sequence[stock.Line], ends: float
    ) -> stock.LineOutcomes | stock.Underway | Retry:
        match feed.processingStatus:
            case "IN_QUEUE" | "IN_PROGRESS":
                return await self._unhurried(feed, lines, ends)
            case "CANCELLED":
                return stock.line_outcomes(lines, _cancelled(feed.feedId))
            case "DONE" | "FATAL" if feed.resultFeedDocumentId:
                return await self._reported(feed, lines, ends)
            case status:
                words = f"feed {feed.feedId} ended as {status} without a report: some, none or all of it was done"
                return stock.line_outcomes(lines, Uncertain(code="FEED-FATAL", message=words))

    # -- handing in

    async def _unfinished(self, ends: float) -> list[str] | Retry | Refused:
        query = {"feedTypes": KIND, "processingStatuses": ",".join(UNFINISHED), "pageSize": "100"}
        found = await self._api.ask("getFeeds", f"{FEEDS}/feeds", _Listed, ends=ends, query=query)
        return [feed.feedId for feed in found.feeds] if isinstance(found, _Listed) else found

    async def _laid(self, sent: Sequence[stock.Line], ends: float) -> str | Retry | Refused:
        """The id of the document that has the lines."""
        answer = await self._api.call(
            "createFeedDocument", "POST", f"{FEEDS}/documents", ends=ends, body={"contentType": CONTENT_TYPE}
        )
        if not isinstance(answer, Answer):
            return answer
        document: _Document | None = decoded(answer, 201, _Document)
        if document is None:
            return _nothing_done(self._api.failure(answer))
        laid = await self._api.lay(document.url, CONTENT_TYPE, self._body(sent), ends=ends)
        if laid.error is not None:
            return _nothing_done(self._api.failure(laid))
        if laid.status != 200:  # such as an address that has ended
            return Retry(code="FEED-UPLOAD", message="the document was not taken", status=laid.status)
        return document.feedDocumentId

    def _body(self, sent: Sequence[stock.Line]) -> bytes:
        messages = [
            {
                "messageId": number, "sku": line.place.item, "operationType": "PATCH", "productType": PRODUCT_TYPE,
                "patches": patches(line),
            }
            for number, line in enumerate(sent, 1)
        ]  # fmt: skip
        return msgspec.json.encode({"header": {"sellerId": self._api.seller, "version": "2.0"}, "messages": messages})

    async def _created(
        self, document: str, lines: Sequence[stock.Line], ends: float
    ) -> stock.LineOutcomes | stock.Underway:
        body = {"feedType": KIND, "marketplaceIds": [self._api.marketplace], "inputFeedDocumentId": document}
        answer = await self._api.call("createFeed", "POST", f"{FEEDS}/feeds", ends=ends, body=body)
        if not isinstance(answer, Answer):
            return stock.line_outcomes(lines, answer)
        created: _Created | None = decoded(answer, 202, _Created)
        if created is not None:
            return self._underway(created.feedId)
        failure = self._api.failure(answer)
        if not isinstance(failure, Uncertain):
            return stock.line_outcomes(lines, failure)
        made = await self._unfinished(ends)  # there was none before, and nobody but us makes any
        if isinstance(made, list) and len(made) == 1:
            return self._underway(made[0])
        return stock.line_outcomes(lines, failure)

    def _underway(self, feed: str) -> stock.Underway:
        return stock.Underway(receipt=feed, again_seconds=self._look_seconds)

    # -- asking

    async def _unhurried(
        self, feed: _Feed, lines: Sequence[stock.Line], ends: float
    ) -> stock.LineOutcomes | stock.Underway | Retry:
        """Wait on; a feed that nobody should wait for any longer is taken back while it is in the queue."""
        if self._since_seconds(feed.createdTime) < self._patience_seconds:
            return self._underway(feed.feedId)
        path = f"{FEEDS}/feeds/{quote(feed.feedId, safe='')}"
        answer = await self._api.call("cancelFeed", "DELETE", path, ends=ends)
        if not isinstance(answer, Answer) or answer.status == 200:
            return self._underway(feed.feedId)  # the next look tells what became of it
        words = f"feed {feed.feedId} is worked on for more than {self._patience_seconds:g} s; it may still write"
        return stock.line_outcomes(lines, Uncertain(code="FEED-STUCK", message=words))

    async def _reported(
        self, feed: _Feed, lines: Sequence[stock.Line], ends: float
    ) -> stock.LineOutcomes | stock.Underway | Retry:
        """What the report says, once the listings show it: what is read before would be of before the feed."""
        said = await self._said(feed, lines, ends)
        if isinstance(said, Retry) or self._since_seconds(feed.processingEndTime) >= LATE_SECONDS_MAX:
            return said
        return said if await is_seen(self._listings, lines, said, ends=ends) else self._underway(feed.feedId)

    async def _said(self, feed: _Feed, lines: Sequence[stock.Line], ends: float) -> stock.LineOutcomes | Retry:
        """An outcome for each line. The report is fetched once: Amazon gives a document in 45 seconds, and looks are more."""
        if feed.feedId not in self._reports:
            said = await self._read_report(feed, lines, ends)
            if isinstance(said, Retry):
                return said
            self._reports = {feed.feedId: said}  # there is only one feed at a time
        return self._reports[feed.feedId]

    async def _read_report(self, feed: _Feed, lines: Sequence[stock.Line], ends: float) -> stock.LineOutcomes | Retry:
        path = f"{FEEDS}/documents/{quote(feed.resultFeedDocumentId, safe='')}"
        document: _Document | Retry | Refused = await self._api.ask("getFeedDocument", path, _Document, ends=ends)
        if not isinstance(document, _Document):
            gone = document.status == NOT_FOUND
            return stock.line_outcomes(lines, _lost("the report is gone")) if gone else _later(document)
        laid = await self._api.fetch(document.url, ends=ends)
        if laid.status != 200 or laid.error is not None:
            return _later(self._api.failure(laid))
        report = read_report(laid.body, packed=document.compressionAlgorithm == "GZIP")
        if report is None:
            return stock.line_outcomes(lines, _lost("the report cannot be read"))
        return whole(lines, outcomes(report, feed.feedId, sendable(lines)))

    def _since_seconds(self, moment: str) -> float:
        """How long ago that was; no time at all when Amazon does not say."""
        try:
            return self._api.now_ms / 1000 - dt.datetime.fromisoformat(moment).timestamp()
        except ValueError:
            return 0.0


def sendable(lines: Sequence[stock.Line]) -> list[stock.Line]:
    """The lines that go into a feed, message by message. Pure: after a restart it is worked out again."""
    return [line for line in lines if unwritable(line) is None]


def whole(lines: Sequence[stock.Line], sent: Sequence[Outcome]) -> stock.LineOutcomes:
    """The outcomes of all lines, from those of the lines that were sent."""
    rest = iter(sent)
    return tuple(unwritable(line) or next(rest) for line in lines)


def _must_wait(busy: Sequence[str]) -> Retry:
    words = f"feed {', '.join(busy)} is not finished, and a second one could be worked on before it"
    return Retry(code="FEED-UNDERWAY", message=words, status=TOO_MANY, retry_after_seconds=WAIT_SECONDS)


def _cancelled(feed: str) -> Retry:
    words = f"feed {feed} was cancelled before it began; nothing of it was done"
    return Retry(code="FEED-CANCELLED", message=words, status=TOO_MANY)


def _lost(words: str) -> Uncertain:
    return Uncertain(code="FEED-REPORT", message=words)


def _nothing_done(failure: Outcome) -> Retry | Refused:
    """A document changes no listing, whatever became of it."""
    if isinstance(failure, Retry | Refused):
        return failure
    assert not isinstance(failure, Done)
    return Retry(code=failure.code, message=failure.message, status=failure.status)


def _later(failure: Outcome) -> Retry:
    """The feed is as it is; it is asked about again."""
    assert not isinstance(failure, Done)
    pause = failure.retry_after_seconds if isinstance(failure, Retry) else 0.0
    return Retry(code=failure.code, message=failure.message, status=failure.status, retry_after_seconds=pause)

"""Feeds: a document is uploaded, a feed works through it one after another, and a report says what became of each message.

Facts: feeds_2021-06-30.json (statuses, URLs of five minutes), schemas/feeds/listings-feed-schema-v2.json and
listings-feed-processing-report-schema-v2.json (@34dc93f); at most 25,000 messages; a feed may wait for another one in
progress. Feed-wide codes 4002001 and 4002005: amzn/selling-partner-api-docs issue 2201, -models issue 4636.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from interlock.twins.amazon.errors import SpApiError
from interlock.twins.amazon.patches import Wanted, attributes_as_patches, wanted_of
from interlock.twins.amazon.shelf import Shelf
from interlock.twins.world import Record, World, decode_json, encode_json

LISTINGS_FEED = "JSON_LISTINGS_FEED"
URL_SECONDS = 300
"""A presigned URL expires after 5 minutes."""
MESSAGES_MAX = 25_000
UNFINISHED = ("IN_QUEUE", "IN_PROGRESS")
SHOWN = (
    "feedId", "feedType", "marketplaceIds", "createdTime", "processingStatus", "processingStartTime", "processingEndTime",
    "resultFeedDocumentId",
)  # fmt: skip


class Feeds:
    """Documents and feeds of the seller.

    Configuration: "feed_queue_seconds" and "feed_seconds" (0 both): how long a feed waits and works. "compress_reports"
    (true): reports are packed with gzip.
    """

    def __init__(self, world: World, shelf: Shelf, seller: str, config: Mapping[str, Any]) -> None:
        self._world = world
        self._shelf = shelf
        self._seller = seller
        self.queue_seconds = float(config.get("feed_queue_seconds", 0))
        self.work_seconds = float(config.get("feed_seconds", 0))
        self._compress = bool(config.get("compress_reports", True))
        self.held = False
        self.fates: list[Record] = []
        """How the next feeds end: {"status": "FATAL" or "CANCELLED", "messages": how many were applied, "report": bool}."""
        self._open = [key for key, row in world.rows("feed") if row["processingStatus"] in UNFINISHED]
        self._folder = world.directory / "documents"
        self._folder.mkdir(exist_ok=True)

    # -- documents

    def new_document(self, content_type: str) -> Record:
        """A place for a document; nothing is there yet."""
        key = f"amzn1.tortuga.4.na.{self._world.random.getrandbits(128):032x}"
        signature = f"{self._world.random.getrandbits(128):032x}"
        row = {
            "content_type": content_type,
            "signature": signature,
            "expires_at": time.time() + URL_SECONDS,
            "packed": False,
        }
        self._world.remember(("document", key, row))
        return {"id": key, **row}

    def upload(self, key: str, signature: str, content_type: str, body: bytes) -> None:
        """Keep an upload. Raises SpApiError 403 unless it is as it was signed: the id, in time, with the content type."""
        row = self._signed(key, signature)
        if content_type != row["content_type"]:
            raise SpApiError(403, "SignatureDoesNotMatch: content-type is signed")
        self._file(key).write_bytes(body)

    def download(self, key: str, signature: str) -> bytes:
        """The bytes of a document. Raises SpApiError 403, 404."""
        self._signed(key, signature)
        if not self._file(key).exists():
            raise SpApiError(404, "NoSuchKey")
        return self._file(key).read_bytes()

    def reachable(self, key: str) -> Record:
        """A document with a new signature for another five minutes. Raises SpApiError 404."""
        row = self._world.get("document", key)
        if row is None:
            raise SpApiError(404)
        fresh = {
            **row,
            "signature": f"{self._world.random.getrandbits(128):032x}",
            "expires_at": time.time() + URL_SECONDS,
        }
        self._world.remember(("document", key, fresh))
        return {"id": key, **fresh}

    def _signed(self, key: str, signature: str) -> Record:
        row = self._world.get("document", key)
        if row is None or signature != row["signature"] or time.time() > row["expires_at"]:
            raise SpApiError(403, "AccessDenied: Request has expired")
        return row

    def _file(self, key: str) -> Path:
        return self._folder / key.rpartition(".")[2]

    # -- feeds

    def create(self, kind: str, marketplaces: list[str], document: str) -> str:
        """A feed in the queue; its id. Raises SpApiError 400 without an uploaded document."""
        if self._world.get("document", document) is None or not self._file(document).exists():
            raise SpApiError(400, "inputFeedDocumentId: nothing was uploaded")
        key = self._world.next_id("feed")
        feed = {
            "feedId": key, "feedType": kind, "marketplaceIds": marketplaces, "createdTime": self._world.now(),
            "processingStatus": "IN_QUEUE", "_document": document, "_due": time.time() + self.queue_seconds,
            "_fate": self.fates.pop(0) if self.fates else None,
        }  # fmt: skip
        self._world.apply("feed.create", key, ("feed", key, feed), detail={"document": document})
        self._open.append(key)
        return key

    def feed(self, key: str) -> Record:
        """A feed as Amazon shows it. Raises SpApiError 404."""
        row = self._world.get("feed", key)
        if row is None:
            raise SpApiError(404)
        return shown(row)

    def listed(self, kinds: list[str], statuses: list[str], since: str) -> list[Record]:
        """Feeds, the newest first."""
        rows = [row for _, row in self._world.rows("feed")]
        fits = [
            row for row in rows
            if (not kinds or row["feedType"] in kinds)
            and (not statuses or row["processingStatus"] in statuses)
            and row["createdTime"] >= since
        ]  # fmt: skip
        return [shown(row) for row in reversed(fits)]

    def cancel(self, key: str) -> None:
        """Only what is still in the queue. Raises SpApiError 400, 404."""
        if self.feed(key)["processingStatus"] != "IN_QUEUE":
            raise SpApiError(400, "Only feeds with processingStatus=IN_QUEUE can be cancelled")
        self._become(key, processingStatus="CANCELLED")

    @property
    def unfinished(self) -> int:
        """How many feeds wait or work."""
        return len(self._open)

    def settle(self) -> None:
        """Start and end what is due: one feed at a time, in their order."""
        while self._open and not self.held:
            row = self._world.get("feed", self._open[0]) or {}
            if row["processingStatus"] == "IN_QUEUE" and row["_due"] <= time.time():
                row = self._begin(row["feedId"])
            if row["processingStatus"] == "IN_PROGRESS" and row["_due"] <= time.time():
                row = self._end(row["feedId"], row)
            if row["processingStatus"] in UNFINISHED:
                return
            self._open.pop(0)

    def _begin(self, key: str) -> Record:
        ends = time.time() + self.work_seconds
        return self._become(key, processingStatus="IN_PROGRESS", processingStartTime=self._world.now(), _due=ends)

    def _end(self, key: str, row: Record) -> Record:
        fate = row["_fate"] or {"status": "DONE", "report": True}
        if fate["status"] == "CANCELLED":
            return self._become(key, processingStatus="CANCELLED")
        report = self._work(key, row, fate.get("messages"))
        ended: Record = {"processingStatus": fate["status"], "processingEndTime": self._world.now()}
        if fate.get("report"):
            ended["resultFeedDocumentId"] = self._file_report(report)
        self._world.apply("feed.end", key, detail={"status": fate["status"], **report["summary"]})
        return self._become(key, **ended)

    def _become(self, key: str, **changed: Any) -> Record:
        row = {**(self._world.get("feed", key) or {}), **changed}
        self._world.remember(("feed", key, row))
        return row

    # -- the work

    def _work(self, key: str, row: Record, most: int | None) -> Record:
        """Apply the messages of a feed, all or the first `most` of them; gives the report."""
        report: Record = {
            "header": {"sellerId": self._seller, "version": "2.0", "feedId": key}, "issues": [],
            "summary": dict.fromkeys(("errors", "warnings", "messagesProcessed", "messagesAccepted", "messagesInvalid"), 0),
        }  # fmt: skip
        problem, messages = self._messages(self._file(row["_document"]).read_bytes())
        if problem is not None:
            report["header"]["sellerId"] = ""
            report["issues"].append({"code": problem[0], "severity": "ERROR", "message": problem[1]})
            report["summary"]["errors"] = 1
            return report
        for message in messages[:most]:
            self._work_on(message, key, report)
        return report

    def _messages(self, body: bytes) -> tuple[tuple[str, str] | None, list[Any]]:
        """What is wrong with the document as a whole, or its messages."""
        try:
            document = decode_json(body)
        except ValueError:
            document = None
        if not isinstance(document, dict) or not isinstance(document.get("messages"), list) or not document["messages"]:
            return ("4002001", "Item 'Feed' cannot be parsed."), []
        header = document.get("header")
        if not isinstance(header, dict) or header.get("version") != "2.0":
            return ("4002001", "Item 'Feed' cannot be parsed."), []
        if header.get("sellerId") != self._seller:
            return ("4002005", "Attribute 'Merchant' is required, but not present."), []
        if len(document["messages"]) > MESSAGES_MAX:
            return ("4002001", f"More than {MESSAGES_MAX} messages."), []
        return None, document["messages"]

    def _work_on(self, message: Any, feed: str, report: Record) -> None:
        number = message.get("messageId") if isinstance(message, dict) else None
        sku = message.get("sku") if isinstance(message, dict) else None
        wanted = self._wanted(message, number, sku)
        summary = report["summary"]
        summary["messagesProcessed"] += 1
        if wanted.issues:
            summary["messagesInvalid"] += 1
            summary["errors"] += len(wanted.issues)
            report["issues"] += [_reported(issue, number, sku) for issue in wanted.issues]
            return
        summary["messagesAccepted"] += 1
        self._shelf.accept(str(sku), wanted, by="feed", submission=f"{feed}/{number}")

    def _wanted(self, message: Any, number: Any, sku: Any) -> Wanted:
        if isinstance(number, bool) or not isinstance(number, int) or number < 1 or not isinstance(sku, str) or not sku:
            return Wanted().refuse(("BAD_REQUEST", "Invalid parameters provided."))
        item = self._shelf.item(sku)
        if message.get("operationType") == "PATCH":
            return wanted_of(message, item)
        if message.get("operationType") == "PARTIAL_UPDATE":
            return wanted_of(attributes_as_patches(message), item)
        return Wanted().refuse(("NOT-IMITATED", "This twin imitates PATCH and PARTIAL_UPDATE only."))

    def _file_report(self, report: Record) -> str:
        document = self.new_document("application/json")
        body = encode_json(report)
        self._file(document["id"]).write_bytes(gzip.compress(body) if self._compress else body)
        kept = {name: value for name, value in document.items() if name != "id"} | {"packed": self._compress}
        self._world.remember(("document", document["id"], kept))
        return str(document["id"])


def shown(row: Record) -> Record:
    """The members that Amazon shows."""
    return {name: row[name] for name in SHOWN if name in row}


def _reported(issue: Record, number: Any, sku: Any) -> Record:
    names = issue["attributeNames"]
    told = {
        "messageId": number,
        "sku": sku,
        "code": issue["code"],
        "severity": issue["severity"],
        "message": issue["message"],
    }
    return {**told, **({"attributeName": names[0]} if names else {})}

"""A vendor's bulk side in memory, whose operations run, fail, expire and are cancelled as a test says."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from interlock.messaging.event import Subject
from interlock.messaging.outcome import Refused, Retry
from interlock.messaging.source import BulkState, Reach, Whole, WholePage

LIMIT = Retry(code="BULK-LIMIT", message="five bulk operations run already")


def whole(number: int, *, version: int = 10, value: str = "new", created: int = 0, line: int = 0) -> Whole:
    body = json.dumps({"id": str(number), "version": version, "value": value, "by": "bulk"}).encode()
    subject = Subject(object="order", key=str(number), version=version, complete=True, name=f"#{number}")
    return Whole(subject=subject, body=body, line=line or number + 1, created=created or 1_000 + number)


class FakeBulk:
    """Every operation has the objects that there are from `since` on; `looks` is how often one is still running."""

    bulk_objects = frozenset({"order"})

    def __init__(self, objects: Sequence[Whole]) -> None:
        self.there = list(objects)
        self.reachable = Reach(count=len(objects))
        self.busy = 0
        self.looks = 0
        self.ends: list[BulkState] = []
        """How the next operations end; those after them are done."""
        self.begun: list[int] = []
        self.cancelled: list[str] = []
        self.cancel_troubles: list[Exception | Retry] = []
        """What the next calls for an end meet; those after them are heard."""
        self.before_begun: Callable[[], Awaitable[object]] | None = None
        self.opened: list[int] = []
        self.read = 0
        self.pages: list[str] = []
        self.page_size = 50
        self.page_most = 10**9
        self.on_object: Callable[[int], Retry | Refused | None] = lambda _number: None

    async def reach(
        self, object_name: str, *, since: int, until: int, timeout_seconds: float
    ) -> Reach | Retry | Refused:
        return self.reachable

    async def begin(
        self, object_name: str, *, since: int, until: int, timeout_seconds: float
    ) -> BulkState | Retry | Refused:
        if self.busy:
            self.busy -= 1
            return LIMIT
        if self.before_begun is not None:
            await self.before_begun()
        self.begun.append(since)
        return BulkState(id=f"bulk-{len(self.begun)}", state="running")

    async def look(self, bulk_id: str, *, timeout_seconds: float) -> BulkState | Retry | Refused:
        if self.looks:
            self.looks -= 1
            return BulkState(id=bulk_id, state="running", count=7)
        number = int(bulk_id.rpartition("-")[2]) - 1
        if number < len(self.ends):
            return self.ends[number]
        return BulkState(id=bulk_id, state="done", count=len(self.there), url="https://results/all")

    async def cancel(self, bulk_id: str, *, timeout_seconds: float) -> BulkState | Retry | Refused:
        if self.cancel_troubles:
            trouble = self.cancel_troubles.pop(0)
            if isinstance(trouble, Exception):
                raise trouble
            return trouble
        self.cancelled.append(bulk_id)
        return BulkState(id=bulk_id, state="cancelled")

    async def objects(
        self, object_name: str, state: BulkState, *, from_line: int
    ) -> AsyncGenerator[Whole | Retry | Refused, None]:
        self.opened.append(from_line)
        wanted = [one for one in self.there if one.created >= self.begun[-1]]
        for one in wanted[: state.count if state.partial else None]:
            if one.line <= from_line:
                continue
            if (trouble := self.on_object(one.line - 1)) is not None:
                yield trouble
                return
            self.read += 1
            yield one

    async def page(
        self, object_name: str, *, since: int, until: int, after: str, timeout_seconds: float
    ) -> WholePage | Retry | Refused:
        self.pages.append(after)
        wanted = [one for one in self.there if one.created >= since]
        place = int(after or 0)
        if (trouble := self.on_object(place)) is not None:
            return trouble
        if place >= self.page_most:
            return Refused(reason="validation", code="WINDOW-TOO-LARGE", message="no deeper")
        end = place + self.page_size
        return WholePage(items=tuple(wanted[place:end]), after=str(end) if end < len(wanted) else "")

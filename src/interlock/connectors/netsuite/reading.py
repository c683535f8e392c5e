"""What is read of NetSuite before a write is decided: records by their path, rows of SuiteQL, each as a known shape."""

from __future__ import annotations

from typing import Final, Protocol
from urllib.parse import quote

from interlock.connectors.contract import Answer, Outcome, Refused, Retry
from interlock.connectors.netsuite import booked
from interlock.connectors.netsuite.booked import Shape

SUITEQL: Final = "/services/rest/query/v1/suiteql"


class Client(Protocol):
    """What is needed of the client: calls with its token, and its reading of answers."""

    async def call(
        self, method: str, path: str, body: bytes | None, timeout_seconds: float
    ) -> Answer | Retry | Refused:
        """One call to a record, or to SuiteQL."""

    def not_read(self, answer: Answer) -> Outcome:
        """What a read that failed means for the write that it was for."""

    def saved(self, answer: Answer, sent: bytes) -> Outcome:
        """What the answer to a write means."""


class Reading:
    """Reads for one client; what could not be read is the outcome of the write that asked."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def order(self, reference: str, timeout_seconds: float) -> booked.SalesOrder | Outcome | None:
        """A sales order with its lines by our reference; None when there is none."""
        path = f"/salesOrder/eid:{quote(reference)}?expandSubResources=true"
        return await self.there(path, booked.SalesOrder, timeout_seconds)

    async def there(self, path: str, kind: type[Shape], timeout_seconds: float) -> Shape | Outcome | None:
        """A record that may not exist."""
        answer = await self._client.call("GET", path, None, timeout_seconds)
        if not isinstance(answer, Answer):
            return answer
        return None if answer.status == 404 else self._decoded(answer, kind)

    async def record(self, path: str, kind: type[Shape], timeout_seconds: float) -> Shape | Outcome:
        """A record that must exist."""
        answer = await self._client.call("GET", path, None, timeout_seconds)
        return self._decoded(answer, kind) if isinstance(answer, Answer) else answer

    async def rows(self, query: bytes, timeout_seconds: float) -> booked.Rows | Outcome:
        """What a query of SuiteQL finds."""
        answer = await self._client.call("POST", SUITEQL, query, timeout_seconds)
        found = self._decoded(answer, booked.Rows) if isinstance(answer, Answer) else answer
        if isinstance(found, booked.Rows) and found.has_more:  # a thousand of them: nobody's order
            return Refused(reason="conflict", code="TOO_MANY", message="more documents than one page holds")
        return found

    def _decoded(self, answer: Answer, kind: type[Shape]) -> Shape | Outcome:
        found = booked.decoded(kind, answer.body) if answer.status == 200 and answer.error is None else None
        return self._client.not_read(answer) if found is None else found

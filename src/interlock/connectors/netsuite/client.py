"""Writes customers and sales orders to NetSuite: one upsert each under our external id, so that sending again is safe.

Facts: docs.oracle.com section_156335203191 (PUT eid: upserts), wsjmnh/netsuite-record-rest-docs
docs/records/salesOrder.md
(release 2026.1: PUT takes `replace`), oracle-devrel sales-order-use-cases/case-4 (a line without its number is
appended).
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import quote

import msgspec

from interlock.connectors.contract import (
    Absent,
    Answer,
    Connection,
    Done,
    Found,
    LookUp,
    Manifest,
    MappingError,
    Outcome,
    Past,
    Plan,
    Refused,
    Retry,
    Write,
    brought_along,
    buyer_of,
    classify,
    declared_manifest,
    declared_write,
    no_success,
    warnings_of,
    with_members,
)
from interlock.connectors.netsuite.tokens import Tokens

RECORDS: Final = "/services/rest/record/v1"
ORDER_UPSERT: Final = "salesOrder.upsert"
ORDER_CLOSE: Final = "salesOrder.close"
CUSTOMER_UPSERT: Final = "customer.upsert"
_NOT_THERE_YET: Final = Retry(
    code="NOT_THERE_YET", message="NetSuite has no such order; an earlier call without an answer may still create it",
    status=404, retry_after_seconds=120.0,
)  # fmt: skip
"""An order that was cancelled while its create was uncertain. Eight tries outlast the 15 minutes that a call may take."""
EXTERNAL_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
"""What may stand in an external id (docs.oracle.com section_156334828635)."""
ALREADY_BILLED: Final = (
    "NetSuite has billed or fulfilled it, and closing its lines takes nothing back; "
    "make the credit memo or the return in NetSuite, close what is left of the order there, then discard this"
)
RECORD_IN_LOCATION: Final = re.compile(r"/record/v1/[A-Za-z]+/(\d+)")


class _Line(msgspec.Struct):
    line: int
    is_closed: bool = msgspec.field(default=False, name="isClosed")
    billed: float = msgspec.field(default=0, name="quantityBilled")
    fulfilled: float = msgspec.field(default=0, name="quantityFulfilled")


class _Lines(msgspec.Struct):
    items: list[_Line] = []


class _Order(msgspec.Struct):
    id: str | int = ""
    item: _Lines = msgspec.field(default_factory=_Lines)


class NetSuite:
    """One NetSuite account."""

    def __init__(self, connection: Connection, manifest: Manifest) -> None:
        self._connection = connection
        self._manifest = manifest
        self._errors = manifest.error_table
        self._base = connection.url.rstrip("/") + RECORDS
        self._tokens = Tokens(connection, manifest)

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:  # noqa: ARG002 - every signal has one wanted state
        """The customer, then the order. A cancelled order is closed, or never created (C44), and so is one that has
        nothing left on it: NetSuite takes no order without lines. Pure.
        """
        if not hasattr(document, "lines"):
            return Plan(writes=(self._customer(document),))
        reference = _reference(document.origin, document.id)
        if document.cancelled_at is not None:
            return self._plan_close(reference, past, "cancelled before it was created")
        if _nothing_left(document):
            return self._plan_close(reference, past, "nothing was left on it before it was created")
        buyer, build = buyer_of(document), self._connection.builders["salesOrder"]
        order = self._write(ORDER_UPSERT, reference, build(document), action="reopen" if _closed(past) else "write")
        writes = (self._buyer(buyer), order) if buyer is not None else (order,)
        return Plan(writes=writes, warnings=warnings_of(build, document))

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:  # noqa: ARG002
        """Make the call. The idempotency header is not sent: NetSuite ignores it when a call is synchronous."""
        if write.operation == ORDER_CLOSE:
            return await self._close(write, timeout_seconds)
        record, rows = ("customer", "addressBook") if write.operation == CUSTOMER_UPSERT else ("salesOrder", "item")
        path = f"/{record}/eid:{quote(write.reference)}?replace={rows}"  # else each update appends them once more
        answer = await self._send("PUT", path, write.body, timeout_seconds)
        return answer if not isinstance(answer, Answer) else self._outcome(answer, write.body)

    async def look_up(self, write: Write, *, timeout_seconds: float) -> LookUp:
        """Whether a record has our external id."""
        record = "customer" if write.operation == CUSTOMER_UPSERT else "salesOrder"
        answer = await self._send("GET", f"/{record}/eid:{quote(write.reference)}?fields=id", None, timeout_seconds)
        if not isinstance(answer, Answer):
            return answer
        found = _decoded(answer)
        if found is not None and found.id:
            return Found(external_id=str(found.id))
        outcome = classify(answer, self._errors, no_success, now_ms=self._connection.clock.now_ms())
        if isinstance(outcome, Refused) and outcome.status == 404:
            return Absent()
        return outcome  # type: ignore[return-value] # no_success is never Done

    async def fetch(self, record: str, key: str, *, timeout_seconds: float) -> bytes | Absent | Retry | Refused:
        """A record by its internal id, all digits, or by its external id."""
        name = key if key.isdecimal() else f"eid:{quote(key, safe='')}"
        answer = await self._send("GET", f"/{quote(record, safe='')}/{name}", None, timeout_seconds)
        if not isinstance(answer, Answer):
            return answer
        if answer.status == 200 and answer.error is None and answer.body.startswith(b"{"):
            return answer.body
        if answer.status == 404:
            return Absent()
        outcome = self._not_read(answer)
        return outcome if isinstance(outcome, Retry | Refused) else Retry(code="NOT_READ", message="it was not read")

    def _plan_close(self, reference: str, past: Past, if_absent: str) -> Plan:
        """Close what was written last; each state of the order that was written is closed once."""
        link = past.links.get(ORDER_UPSERT)
        if link is None:
            return Plan(because=if_absent)
        body = msgspec.json.encode({"isClosed": True, "closes": link.content_hash})
        close = self._write(ORDER_CLOSE, reference, body, action="close", external_id=link.external_id)
        return Plan(writes=(close,))

    def _write(self, operation: str, reference: str, body: bytes, **more: str) -> Write:
        return declared_write(self._manifest, operation, reference=reference, body=body, **more)

    def _customer(self, customer: Any) -> Write:
        """The same external id as that of the mapping's `customer_external_id`, which the order's entity refers to."""
        reference = _reference(f"{customer.origin}-customer", customer.id)
        return self._write(CUSTOMER_UPSERT, reference, self._connection.builders["customer"](customer))

    def _buyer(self, buyer: Any) -> Write:
        """The customer as an order knows them: it says nothing of staff's comments, which null would clear."""
        write = self._customer(buyer)
        body = with_members(write.body, {}, without=("comments",))
        return brought_along(msgspec.structs.replace(write, body=body), buyer)

    async def _close(self, write: Write, timeout_seconds: float) -> Outcome:
        """Close each open line by its number, read now: a line without its number would be appended instead."""
        path = f"/salesOrder/eid:{quote(write.reference)}"
        answer = await self._send("GET", f"{path}?expandSubResources=true", None, timeout_seconds)
        if not isinstance(answer, Answer):
            return answer
        order = _decoded(answer)
        if order is None:
            return _NOT_THERE_YET if answer.status == 404 and not write.external_id else self._not_read(answer)
        if any(line.billed or line.fulfilled for line in order.item.items):
            return Refused(reason="conflict", code="ALREADY_BILLED", message=ALREADY_BILLED, status=answer.status)
        still_open = [{"line": line.line, "isClosed": True} for line in order.item.items if not line.is_closed]
        if not still_open:
            return Done(external_id=str(order.id), detail="all lines were closed already", status=answer.status)
        body = msgspec.json.encode({"item": {"items": still_open}})
        answer = await self._send("PATCH", path, body, timeout_seconds)
        return answer if not isinstance(answer, Answer) else self._outcome(answer, body)

    def _not_read(self, answer: Answer) -> Outcome:
        """Nothing was changed by a read, so what would be uncertain may be tried again."""
        outcome = classify(answer, self._errors, no_success, now_ms=self._connection.clock.now_ms())
        if isinstance(outcome, Refused | Retry):
            return outcome
        return Retry(code="NOT_READ", message="the order could not be read before it is closed", status=answer.status)

    async def _send(
        self, method: str, path: str, body: bytes | None, timeout_seconds: float
    ) -> Answer | Retry | Refused:
        """One call with a good token. A refused token that was good before is renewed by the next attempt."""
        was_cached = bool(self._tokens.cached())
        token = await self._tokens.get(timeout_seconds)
        if not isinstance(token, str):
            return token
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "X-NetSuite-PropertyNameValidation": "Error",
        }
        answer = await self._connection.http.send(method, self._base + path, headers, body, timeout_seconds)
        if answer.status != 401:
            return answer
        self._tokens.drop(token)
        if was_cached:
            return Retry(code="TOKEN_REFUSED", message="the access token was refused; it is renewed", status=401)
        return answer

    def _outcome(self, answer: Answer, sent: bytes) -> Outcome:
        return classify(answer, self._errors, _saved, sent=sent, now_ms=self._connection.clock.now_ms())


def _reference(origin: str, key: str) -> str:
    """Our external id: the origin keeps two stores apart (C47)."""
    reference = f"{origin}-{key}"
    if EXTERNAL_ID.fullmatch(reference) is None:
        raise MappingError(f"{reference!r} cannot be an external id", path="$.id", code="MAP012", value=reference)
    return reference


def _nothing_left(order: Any) -> bool:
    """No goods, and no money of any kind."""
    if any(line.current_quantity > 0 for line in order.lines):
        return False
    return not any(getattr(order.components, name) for name in order.components.__struct_fields__)


def _closed(past: Past) -> bool:
    """Whether the last thing we did was to close the order: the same content must then be written again."""
    made, closed = past.links.get(ORDER_UPSERT), past.links.get(ORDER_CLOSE)
    return made is not None and closed is not None and closed.version > made.version


def _saved(answer: Answer) -> Done | None:
    """204 and, in Location, the internal id (docs.oracle.com section_1545222128)."""
    if answer.status != 204:
        return None
    found = RECORD_IN_LOCATION.search(answer.headers.get("location", ""))
    return Done(external_id=found.group(1) if found else "", status=204)


def _decoded(answer: Answer) -> _Order | None:
    try:
        return msgspec.json.decode(answer.body, type=_Order) if answer.status == 200 else None
    except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
        return None


def records(connection: Connection) -> NetSuite:
    """The registry's way in, for reading."""
    return NetSuite(connection, declared_manifest(connection))


def destination(connection: Connection) -> NetSuite:
    """The registry's way in."""
    return NetSuite(connection, declared_manifest(connection))

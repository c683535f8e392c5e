"""Writes customers, sales orders, credit memos, customer refunds and returns to NetSuite: one upsert each under our
external id, so that sending again is safe.

Facts: docs.oracle.com section_156335203191 (PUT eid: upserts), wsjmnh/netsuite-record-rest-docs docs/records/salesOrder.md
(release 2026.1: PUT takes `replace`), oracle-devrel sales-order-use-cases/case-4 (a line without its number is
appended).
"""

from __future__ import annotations

import re
from decimal import Decimal
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
    no_success,
    warnings_of,
    with_members,
)
from interlock.connectors.netsuite import booked
from interlock.connectors.netsuite.compensation import (
    AFTER_REFUND,
    AFTER_RETURN,
    Compensation,
)
from interlock.connectors.netsuite.drafting import Drafting, reference_of
from interlock.connectors.netsuite.inventory import NetSuiteStock
from interlock.connectors.netsuite.payouts import Payouts
from interlock.connectors.netsuite.reading import SUITEQL
from interlock.connectors.netsuite.refund_plan import CREDIT_UPSERT, PAYOUT_UPSERT, plan_refund
from interlock.connectors.netsuite.return_plan import plan_return
from interlock.connectors.netsuite.returning import (
    RETURN_CLOSE,
    RETURN_UPSERT,
    Returning,
)
from interlock.connectors.netsuite.tokens import Tokens

RECORDS: Final = "/services/rest/record/v1"
ORDER_UPSERT: Final = "salesOrder.upsert"
ORDER_CLOSE: Final = "salesOrder.close"
CUSTOMER_UPSERT: Final = "customer.upsert"
RECORD_OF: Final = {CUSTOMER_UPSERT: "customer", CREDIT_UPSERT: "creditMemo", PAYOUT_UPSERT: "customerRefund",
             RETURN_UPSERT: "returnAuthorization", RETURN_CLOSE: "returnAuthorization"}  # fmt: skip
CREDIT_WAIT_SECONDS: Final = 86_400
"""How long an order whose money went back waits for the credit memo; after that a person is asked."""
RETURN_WAIT_SECONDS: Final = 600
"""How long one with fewer pieces waits, paid back or not: a credit memo may be on its way at the same time, and what a
person is told before it is there would be wrong by its amount."""
STILL_COUNTED: Final = (
    "the order was cancelled, and the shop still counts {total.amount} {total.currency} for goods on it: no goods are sold "
    "here; pay it back in the shop, or take the goods off"
)
PAID: Final = frozenset({"paid", "partially_paid", "partially_refunded"})
"""Where the payment of an order stands of which the shop has money."""
PAID_BACK: Final = frozenset({"partially_refunded", "refunded"})
"""Where the payment of an order stands when something of it went back."""
_NOT_THERE_YET: Final = Retry(
    code="NOT_THERE_YET", message="NetSuite has no such order; an earlier call without an answer may still create it",
    status=404, retry_after_seconds=120.0,
)  # fmt: skip
"""An order that was cancelled while its create was uncertain. Eight tries outlast the 15 minutes that a call may take."""
ALREADY_BILLED: Final = (
    "NetSuite has billed or fulfilled it, and closing its lines takes nothing back; "
    "make the credit memo or the return in NetSuite, close what is left of the order there, then discard this"
)
RECORD_IN_LOCATION: Final = re.compile(r"/record/v1/[A-Za-z]+/(\d+)")


class NetSuite:
    """One NetSuite account."""

    def __init__(self, connection: Connection, manifest: Manifest) -> None:
        self._connection = connection
        self._draft = Drafting(connection, manifest)
        self._errors = manifest.error_table
        self._root = connection.url.rstrip("/")
        self._tokens = Tokens(connection, manifest)
        self._compensation = Compensation(self)
        self._payouts = Payouts(self)
        self._returning = Returning(self)

    def plan(self, document: Any, *, signal: str, past: Past) -> Plan:  # noqa: ARG002 - every signal has one wanted state
        """The customer, then the order. A cancelled order is closed, or never created (C44), and so is one that has
        nothing left on it: NetSuite takes no order without lines. One of which the shop keeps money, and no goods are left,
        stays with what is kept as its lines, to be invoiced (C43). Pure.
        """
        if not hasattr(document, "lines"):
            return Plan(writes=(self._customer(document),))
        if hasattr(document, "transactions"):
            return plan_refund(self._draft, document)
        if hasattr(document, "exchanges"):
            return plan_return(self._draft, document, past)
        reference = reference_of(document.origin, document.id)
        if document.cancelled_at is not None and not _keeps_money(document):
            plan = self._plan_close(reference, past, "cancelled before it was created")
            return msgspec.structs.replace(plan, warnings=_undecided(document))
        if _nothing_left(document):
            return self._plan_close(reference, past, "nothing was left on it before it was created")
        build = self._draft.builder("salesOrder")
        body, told = self._draft.body(build, document)
        buyer = None if getattr(document, "company", None) is not None else buyer_of(document)
        link = past.links.get(ORDER_UPSERT)
        known = link.external_id if link is not None else ""
        order = self._draft.write(ORDER_UPSERT, reference, body, action=self._action(document, past), external_id=known)
        writes = (self._buyer(buyer), order) if buyer is not None else (order,)
        return Plan(writes=writes, warnings=(*warnings_of(build, document), *told))

    async def write(self, write: Write, *, idempotency_key: str, timeout_seconds: float) -> Outcome:  # noqa: ARG002
        """Make the call. The idempotency header is not sent: NetSuite ignores it when a call is synchronous."""
        if write.operation == ORDER_CLOSE:
            return await self._close(write, timeout_seconds)
        if write.operation == CREDIT_UPSERT:
            return await self._compensation.refund(write, timeout_seconds)
        if write.operation == PAYOUT_UPSERT:
            return await self._payouts.write(write, timeout_seconds)
        if write.operation == RETURN_UPSERT:
            return await self._returning.write(write, timeout_seconds)
        if write.operation == RETURN_CLOSE:
            return await self._returning.close(write, timeout_seconds)
        if write.operation == ORDER_UPSERT and write.external_id:
            decided = await self._compensation.order(write, timeout_seconds)
            if decided is not None:
                return decided
        record, rows = ("customer", "addressBook") if write.operation == CUSTOMER_UPSERT else ("salesOrder", "item")
        path = f"/{record}/eid:{quote(write.reference)}?replace={rows}"  # else each update appends them once more
        answer = await self.call("PUT", path, write.body, timeout_seconds)
        return answer if not isinstance(answer, Answer) else self.saved(answer, write.body)

    async def look_up(self, write: Write, *, timeout_seconds: float) -> LookUp:
        """Whether a record has our external id."""
        record = RECORD_OF.get(write.operation, "salesOrder")
        answer = await self.call("GET", f"/{record}/eid:{quote(write.reference)}?fields=id", None, timeout_seconds)
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
        answer = await self.call("GET", f"/{quote(record, safe='')}/{name}", None, timeout_seconds)
        if not isinstance(answer, Answer):
            return answer
        if answer.status == 200 and answer.error is None and answer.body.startswith(b"{"):
            return answer.body
        if answer.status == 404:
            return Absent()
        outcome = self.not_read(answer)
        return outcome if isinstance(outcome, Retry | Refused) else Retry(code="NOT_READ", message="it was not read")

    def _plan_close(self, reference: str, past: Past, if_absent: str) -> Plan:
        """Close what was written last; each state of the order that was written is closed once."""
        link = past.links.get(ORDER_UPSERT)
        if link is None:
            return Plan(because=if_absent)
        body = msgspec.json.encode({"isClosed": True, "closes": link.content_hash})
        close = self._draft.write(ORDER_CLOSE, reference, body, action="close", external_id=link.external_id)
        return Plan(writes=(close,))

    def _action(self, order: Any, past: Past) -> str:
        """Why it is written; part of what is compared with what was written before."""
        if _closed(past):
            return "reopen"
        age_ms = self._connection.clock.now_ms() - round(order.updated_at.timestamp() * 1000)
        less = any(line.current_quantity < line.quantity for line in order.lines)
        if less and age_ms < RETURN_WAIT_SECONDS * 1000:
            return AFTER_RETURN
        waits = order.financial_status in PAID_BACK and age_ms < CREDIT_WAIT_SECONDS * 1000
        return AFTER_REFUND if waits else "write"

    def _customer(self, customer: Any) -> Write:
        """The same external id as that of the mapping's `customer_external_id`, which the order's entity refers to."""
        reference = reference_of(f"{customer.origin}-customer", customer.id)
        return self._draft.write(CUSTOMER_UPSERT, reference, self._draft.builder("customer")(customer))

    def _buyer(self, buyer: Any) -> Write:
        """The customer as an order knows them: it says nothing of staff's comments, which null would clear."""
        write = self._customer(buyer)
        body = with_members(write.body, {}, without=("comments",))
        return brought_along(msgspec.structs.replace(write, body=body), buyer)

    async def _close(self, write: Write, timeout_seconds: float) -> Outcome:
        """Close each open line by its number, read now: a line without its number would be appended instead."""
        path = f"/salesOrder/eid:{quote(write.reference)}"
        answer = await self.call("GET", f"{path}?expandSubResources=true", None, timeout_seconds)
        if not isinstance(answer, Answer):
            return answer
        order = _decoded(answer)
        if order is None:
            return _NOT_THERE_YET if answer.status == 404 and not write.external_id else self.not_read(answer)
        if order.booked:
            return await self._close_booked(write, order, timeout_seconds) or Refused(
                reason="conflict", code="ALREADY_BILLED", message=ALREADY_BILLED, status=answer.status
            )
        still_open = [{"line": line.line, "isClosed": True} for line in order.item.items if not line.is_closed]
        if not still_open:
            return Done(external_id=str(order.id), detail="all lines were closed already", status=answer.status)
        body = msgspec.json.encode({"item": {"items": still_open}})
        answer = await self.call("PATCH", path, body, timeout_seconds)
        return answer if not isinstance(answer, Answer) else self.saved(answer, body)

    async def _close_booked(self, write: Write, order: booked.SalesOrder, timeout_seconds: float) -> Outcome | None:
        """Nothing is left to be taken back when our credit memos are as much as it was."""
        if not order.billed:
            return None
        credited = await self._compensation.credited(write.reference, timeout_seconds)
        if not isinstance(credited, Decimal):
            return credited
        if credited != order.amount:
            return None
        return Done(external_id=str(order.id), detail=f"invoiced, and credited with {credited}")

    def not_read(self, answer: Answer) -> Outcome:
        """Nothing was changed by a read, so what would be uncertain may be tried again."""
        outcome = classify(answer, self._errors, no_success, now_ms=self._connection.clock.now_ms())
        if isinstance(outcome, Refused | Retry):
            return outcome
        return Retry(code="NOT_READ", message="the order could not be read before it is closed", status=answer.status)

    async def call(
        self, method: str, path: str, body: bytes | None, timeout_seconds: float
    ) -> Answer | Retry | Refused:
        """One call to a record or to SuiteQL with a good token. A refused token that was good before is renewed by the
        next attempt.
        """
        was_cached = bool(self._tokens.cached())
        token = await self._tokens.get(timeout_seconds)
        if not isinstance(token, str):
            return token
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "X-NetSuite-PropertyNameValidation": "Error",
        }
        url = self._root + (path if path == SUITEQL else RECORDS + path)
        if path == SUITEQL:
            headers["Prefer"] = "transient"  # the only way there is: docs.oracle.com section_157909186990
        answer = await self._connection.http.send(method, url, headers, body, timeout_seconds)
        if answer.status != 401:
            return answer
        self._tokens.drop(token)
        if was_cached:
            return Retry(code="TOKEN_REFUSED", message="the access token was refused; it is renewed", status=401)
        return answer

    def saved(self, answer: Answer, sent: bytes) -> Outcome:
        return classify(answer, self._errors, _saved, sent=sent, now_ms=self._connection.clock.now_ms())


def _nothing_left(order: Any) -> bool:
    """No goods, and no money of any kind."""
    return not _goods_left(order) and not _money_left(order)


def _goods_left(order: Any) -> bool:
    return any(line.current_quantity > 0 for line in order.lines)


def _money_left(order: Any) -> bool:
    return any(getattr(order.components, name) for name in order.components.__struct_fields__)


def _keeps_money(order: Any) -> bool:
    """Shipping, a fee or a tip that was paid and stays although the order was cancelled; nothing is to be packed for it."""
    return order.financial_status in PAID and not _goods_left(order) and _money_left(order)


def _undecided(order: Any) -> tuple[str, ...]:
    """Goods that were paid, cancelled and not taken off the order: nobody has decided yet whose the money is."""
    if order.financial_status not in PAID or not _goods_left(order):
        return ()
    return (STILL_COUNTED.format(total=order.components.total.presentment),)


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


def _decoded(answer: Answer) -> booked.SalesOrder | None:
    return booked.decoded(booked.SalesOrder, answer.body) if answer.status == 200 else None


def records(connection: Connection) -> NetSuite:
    """The registry's way in, for reading."""
    return NetSuite(connection, declared_manifest(connection))


def destination(connection: Connection) -> NetSuite:
    """The registry's way in."""
    return NetSuite(connection, declared_manifest(connection))


def stock_source(connection: Connection) -> NetSuiteStock:
    """The registry's way in."""
    return NetSuiteStock(destination(connection), connection)

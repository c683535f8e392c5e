"""Changes of an order that NetSuite has invoiced: a document that compensates, or a person's decision (C41, C42, C53, C55).

What is decided, by what NetSuite itself has:
- A sales order of which nothing is billed or fulfilled is replaced. One that is booked keeps its lines: what is no money
  (addresses, the memo) is written, and a changed amount is either explained by our credit memos, or waits for the one
  of a refund that is under way, or is a dead letter.
- A refund is a credit memo when the order was invoiced before it. Nothing is credited that was never invoiced: a sales
  order that is not billed goes down with its order, and one billed after the refund was billed without it.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final
from urllib.parse import quote

import msgspec

from interlock.connectors.contract import Answer, Done, Outcome, Refused, Write, with_members
from interlock.connectors.netsuite import booked
from interlock.connectors.netsuite.reading import Client, Reading

AFTER_REFUND: Final = "write after a refund"
"""The action of an order of which something was paid back: a credit memo is to be expected."""
AFTER_RETURN: Final = "write after pieces were taken off"
"""The action of an order that has just got fewer pieces, by a return, an exchange or an edit: one may be expected."""
MOMENT: Final = "refundedAt"
"""Beside the credit memo in the body of its write; taken out before it is sent."""
NO_ORDER: Final = "NetSuite has no such order: nothing of it was invoiced, and it comes as it is now"
NOT_INVOICED: Final = "nothing of the order is invoiced: the sales order goes down with it"
INVOICED_WITHOUT: Final = "the order was invoiced after the refund, without what was paid back"
PARTLY_INVOICED: Final = (
    "a part of the order is invoiced, and NetSuite does not tell whether it is the part that was paid back; "
    "make the credit memo of the invoiced part there under the external id {reference}, then replay this"
)
MADE_BY_HAND: Final = (
    "a part of the order is invoiced; the credit memo under our external id is what a person made of it"
)
UNKNOWN_INVOICE: Final = (
    "the order is billed, but its invoice was not found: let the role read invoices and SuiteQL, then replay"
)
DIFFERS: Final = (
    "NetSuite has booked {booked} of this order and credited {credited}; the shop says {wanted}. Nothing that is booked is "
    "changed in silence: {move}"
)
WAITS: Final = "the credit memo of the refund is waited for"
WAITS_A_LITTLE: Final = "a credit memo of what was taken off is waited for, for ten minutes; without one, {asks}"
ASKS: Final = "make the invoice or the credit memo of {open} in NetSuite, then discard this"


class Compensation:
    """Decides for one client, with reads of NetSuite, what a change becomes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._reading = Reading(client)

    async def order(self, write: Write, timeout_seconds: float) -> Outcome | None:
        """The outcome for a sales order that is booked; None when it may be written whole."""
        order = await self._reading.order(write.reference, timeout_seconds)
        if order is None:
            return None
        if not isinstance(order, booked.SalesOrder):
            return order
        if not order.booked:
            return None
        wanted = booked.wanted_lines(write.body)
        if order.stands_as(wanted):
            return await self._without_lines(write, timeout_seconds)
        credited = await self.credited(write.reference, timeout_seconds)
        if not isinstance(credited, Decimal):
            return credited
        open_ = booked.amount_of(wanted) - (order.amount - credited)
        if not open_:
            return Done(external_id=str(order.id), detail=f"booked, and credited with {credited}")
        return _differs(write, order.amount, credited, open_)

    async def refund(self, write: Write, timeout_seconds: float) -> Outcome:
        """The credit memo of what was invoiced, or why there is none."""
        order = await self._reading.order(booked.order_of(write.reference), timeout_seconds)
        if order is None:
            return Done(detail=NO_ORDER)
        if not isinstance(order, booked.SalesOrder):
            return order
        if not order.billed:
            return Done(detail=NOT_INVOICED)
        if not order.invoiced:
            return await self._made_by_hand(write, timeout_seconds)
        before = await self._invoiced_before(order, _moment(write.body), timeout_seconds)
        if not isinstance(before, bool):
            return before
        return await self._credit(write, order, timeout_seconds) if before else Done(detail=INVOICED_WITHOUT)

    async def credited(self, order_reference: str, timeout_seconds: float) -> Decimal | Outcome:
        """What our credit memos of an order come to."""
        rows = await self._reading.rows(booked.credits_query(order_reference), timeout_seconds)
        if not isinstance(rows, booked.Rows):
            return rows
        credited = Decimal(0)
        for number in booked.credits_of(order_reference, rows):
            found = await self._reading.record(f"/creditMemo/{number}?fields=total", booked.Total, timeout_seconds)
            if not isinstance(found, booked.Total):
                return found
            credited += found.total
        return credited

    async def _invoiced_before(self, order: booked.SalesOrder, moment: dt.datetime, seconds: float) -> bool | Outcome:
        """Whether its first invoice is older than the refund."""
        rows = await self._reading.rows(booked.invoices_query(order.id), seconds)
        if not isinstance(rows, booked.Rows):
            return rows
        if not rows.items:
            return Refused(reason="permission", code="INVOICE_NOT_FOUND", message=UNKNOWN_INVOICE)
        for row in rows.items:
            path = f"/{booked.INVOICES[row.type]}/{row.id}?fields=createdDate"
            found = await self._reading.record(path, booked.Made, seconds)
            if not isinstance(found, booked.Made):
                return found
            if found.created < moment:
                return True
        return False

    async def _made_by_hand(self, write: Write, timeout_seconds: float) -> Outcome:
        """What a person credited of an order that is billed in part is not written over."""
        path = f"/creditMemo/eid:{quote(write.reference)}?fields=total"
        found = await self._reading.there(path, booked.Total, timeout_seconds)
        if found is None:
            message = PARTLY_INVOICED.format(reference=write.reference)
            return Refused(reason="conflict", code="PARTLY_INVOICED", message=message)
        return Done(detail=MADE_BY_HAND) if isinstance(found, booked.Total) else found

    async def _credit(self, write: Write, order: booked.SalesOrder, timeout_seconds: float) -> Outcome:
        body = with_members(write.body, {"entity": {"id": str(order.entity.id)}}, without=(MOMENT,))
        path = f"/creditMemo/eid:{quote(write.reference)}?replace=item"
        answer = await self._client.call("PUT", path, body, timeout_seconds)
        return self._client.saved(answer, body) if isinstance(answer, Answer) else answer

    async def _without_lines(self, write: Write, timeout_seconds: float) -> Outcome:
        body = with_members(write.body, {}, without=("item",))
        answer = await self._client.call("PATCH", f"/salesOrder/eid:{quote(write.reference)}", body, timeout_seconds)
        return self._client.saved(answer, body) if isinstance(answer, Answer) else answer


def credit_of(order_reference: str) -> str:
    """What an order waits for whose refund is under way."""
    return f"credit:{order_reference}"


def _differs(write: Write, amount: Decimal, credited: Decimal, open_: Decimal) -> Refused:
    """Less after a refund: its credit memo may be under way; so may one of pieces that were just taken off, also where
    dearer ones came for them. All else is for a person to decide."""
    move = asks = ASKS.format(open=open_)
    if write.action == AFTER_RETURN:
        move = WAITS_A_LITTLE.format(asks=asks)
    elif open_ < 0 and write.action == AFTER_REFUND:
        move = WAITS
    waits = move != asks
    said = DIFFERS.format(booked=amount, credited=credited, wanted=amount - credited + open_, move=move)
    waiting_for = credit_of(write.reference) if waits else ""
    return Refused(reason="conflict", code="BOOKED_ORDER_DIFFERS", message=said, waiting_for=waiting_for)


def _moment(body: bytes) -> dt.datetime:
    return msgspec.json.decode(body, type=_Dated).refunded_at


class _Dated(msgspec.Struct):
    refunded_at: dt.datetime = msgspec.field(name=MOMENT)

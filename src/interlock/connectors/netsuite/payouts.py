"""The money of a refund that went out: a customer refund for each payment, applied to the refund's credit memo (C34, C57).

It is drawn on the account that the settings name for the payment's gateway, a bank or clearing account, or the liability
of gift cards and store credit. What no payment paid back stays open on the credit memo, where finance sees it. Facts:
docs.oracle.com article_0830082954 (customerRefund; lines of `apply` are known by their `doc`), and its fields in
wsjmnh/netsuite-record-rest-docs docs/schemas/customerRefund.md (release 2026.1).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from urllib.parse import quote

import msgspec

from interlock.connectors.contract import Answer, Done, Outcome, Refused, Write, with_members
from interlock.connectors.netsuite import booked
from interlock.connectors.netsuite.reading import Client, Reading

PAYMENT: Final = "-payment-"
"""Between the credit memo's external id and the payment's id in the external id of a customer refund."""
PAYS_BACK: Final = frozenset({"refund", "change"})
"""Kinds of payments that give money to the customer; a void gives back an authorization, which is no money."""
NOT_CREDITED: Final = "the refund has no credit memo, as nothing of it was invoiced: nothing is owed that could be paid"
OVERPAID: Final = (
    "the payment is {amount}, and {open} of the credit memo {memo} is open: something else was applied to it, "
    "or more was paid than credited; apply or correct it in NetSuite, then replay"
)


class Payouts:
    """Writes customer refunds for one client, after a look at the credit memo that each pays out."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._reading = Reading(client)

    async def write(self, write: Write, timeout_seconds: float) -> Outcome:
        """Pay out of the credit memo what went back over one payment; the same call again changes nothing."""
        credit = write.reference.rpartition(PAYMENT)[0]
        path = f"/creditMemo/eid:{quote(credit)}?fields=entity,amountRemaining"
        memo = await self._reading.there(path, _Memo, timeout_seconds)
        if memo is None:
            return Done(detail=NOT_CREDITED)
        if not isinstance(memo, _Memo):
            return memo
        path = f"/customerRefund/eid:{quote(write.reference)}"
        before = await self._reading.there(f"{path}?fields=total", booked.Total, timeout_seconds)
        if before is not None and not isinstance(before, booked.Total):
            return before
        open_, amount = memo.remaining + (before.total if before else 0), _amount(write.body)
        if amount > open_:
            message = OVERPAID.format(amount=amount, open=open_, memo=credit)
            return Refused(reason="conflict", code="PAID_MORE_THAN_CREDITED", message=message)
        body = with_members(write.body, {"customer": {"id": str(memo.entity.id)}, "apply": _applied(memo, amount)})
        answer = await self._client.call("PUT", f"{path}?replace=apply", body, timeout_seconds)
        return self._client.saved(answer, body) if isinstance(answer, Answer) else answer


def _amount(body: bytes) -> Decimal:
    (line,) = _paid(body).apply.items
    return line.amount


def _applied(memo: _Memo, amount: Decimal) -> dict[str, object]:
    """One line, known by the credit memo's internal id."""
    number = msgspec.Raw(format(amount, "f").encode())
    return {"items": [{"doc": {"id": str(memo.id)}, "apply": True, "amount": number}]}


class _Memo(msgspec.Struct):
    """What a read of the credit memo is asked for."""

    id: str | int
    entity: booked.Reference
    remaining: Decimal = msgspec.field(name="amountRemaining")


class _Line(msgspec.Struct):
    amount: Decimal


class _Lines(msgspec.Struct):
    items: list[_Line]


class _Paid(msgspec.Struct):
    apply: _Lines


_paid = msgspec.json.Decoder(_Paid).decode

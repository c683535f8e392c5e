"""Returns at NetSuite: a return authorization of the sales order, until the warehouse has received something of it (C56).

It expects goods and moves no money: what is paid back is the credit memo of the refund. Facts: docs.oracle.com
article_0718011926; fields and the letters of status and orderStatus in wsjmnh/netsuite-record-rest-docs
docs/schemas/returnAuthorization.md (release 2026.1), their names from memory; createdFrom may be given for a sales order:
breadwinner-app.github.io Breadwinner-NetSuite-Docs, returnAuthorization.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

import msgspec

from interlock.connectors.contract import Answer, Done, Outcome, Refused, Write, with_members
from interlock.connectors.netsuite import booked
from interlock.connectors.netsuite.reading import Client, Reading

RETURN: Final = "-return-"
"""Between the order's reference and the return's id in the external id of a return authorization."""
RETURN_UPSERT: Final = "returnAuthorization.upsert"
RETURN_CLOSE: Final = "returnAuthorization.close"
CANCELLED: Final = "cancel"
"""The action of a return that was given up: nothing may have come."""
GIVEN_UP: Final = frozenset({"canceled", "declined"})
NEVER_THERE: Final = "the return was {status} before it was written: nothing is expected"
NO_ORDER: Final = "NetSuite has no sales order {reference} that the goods were sold with"
RECEIVED: Final = (
    "the shop {what}, and the warehouse has received {received} of {lines} lines: nothing was changed in NetSuite; "
    "decide there what becomes of the goods, close what is left of the return authorization, then discard this"
)


class Returning:
    """Writes return authorizations for one client, after a look at the sales order and at what was received."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._reading = Reading(client)

    async def write(self, write: Write, timeout_seconds: float) -> Outcome:
        """Announce the goods, or announce them anew; what was received in part is not written over."""
        reference = write.reference.rpartition(RETURN)[0]
        order = await self._reading.order(reference, timeout_seconds)
        if order is None:
            message = NO_ORDER.format(reference=reference)
            return Refused(
                reason="missing_reference", code="NO_SALES_ORDER", message=message, waiting_for=f"order:{reference}"
            )
        if not isinstance(order, booked.SalesOrder):
            return order
        there = await self._there(write, timeout_seconds)
        if isinstance(there, _Return) and there.received:
            if there.announces(_announced(write.body)):
                return Done(external_id=str(there.id), detail="as it was announced; a part of it was received")
            return _received("changed the return", there)
        if there is not None and not isinstance(there, _Return):
            return there
        members: dict[str, Any] = {"entity": {"id": str(order.entity.id)}, "createdFrom": {"id": str(order.id)}}
        if order.currency.id:
            members["currency"] = {"id": str(order.currency.id)}
        return await self._send("PUT", write, "?replace=item", with_members(write.body, members), timeout_seconds)

    async def close(self, write: Write, timeout_seconds: float) -> Outcome:
        """Nothing more is expected. What was given up although something came is for a person."""
        there = await self._there(write, timeout_seconds)
        if there is None:
            return Done(detail="NetSuite has no such return authorization")
        if not isinstance(there, _Return):
            return there
        if write.action == CANCELLED and there.received:
            return _received("gave up the return", there)
        still_open = [{"line": line.line, "isClosed": True} for line in there.item.items if not line.is_closed]
        if not still_open:
            return Done(external_id=str(there.id), detail="all lines were closed already")
        body = msgspec.json.encode({"item": {"items": still_open}})
        return await self._send("PATCH", write, "", body, timeout_seconds)

    async def _there(self, write: Write, timeout_seconds: float) -> _Return | Outcome | None:
        path = f"/returnAuthorization/eid:{quote(write.reference)}?expandSubResources=true"
        return await self._reading.there(path, _Return, timeout_seconds)

    async def _send(self, method: str, write: Write, query: str, body: bytes, timeout_seconds: float) -> Outcome:
        path = f"/returnAuthorization/eid:{quote(write.reference)}{query}"
        answer = await self._client.call(method, path, body, timeout_seconds)
        return self._client.saved(answer, body) if isinstance(answer, Answer) else answer


def _received(what: str, there: _Return) -> Refused:
    message = RECEIVED.format(what=what, received=len(there.received), lines=len(there.item.items))
    return Refused(reason="conflict", code="RETURN_RECEIVED", message=message)


class _Line(msgspec.Struct):
    line: int = 0
    quantity: Decimal = Decimal(1)
    received: Decimal = msgspec.field(default=Decimal(0), name="quantityReceived")
    is_closed: bool = msgspec.field(default=False, name="isClosed")


class _Lines(msgspec.Struct):
    items: list[_Line] = []


class _Return(msgspec.Struct):
    """A return authorization as GET answers it, and as it is sent."""

    id: str | int = ""
    item: _Lines = msgspec.field(default_factory=_Lines)

    @property
    def received(self) -> list[_Line]:
        return [line for line in self.item.items if line.received]

    def announces(self, wanted: list[_Line]) -> bool:
        """Whether it expects these pieces."""
        return [line.quantity for line in self.item.items] == [line.quantity for line in wanted]


def _announced(body: bytes) -> list[_Line]:
    return _returns(body).item.items


_returns = msgspec.json.Decoder(_Return).decode

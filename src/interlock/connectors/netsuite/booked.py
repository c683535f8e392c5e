"""What NetSuite has booked of an order already, and what may still be changed then: never an invoiced amount in silence.

A sales order whose lines are billed or fulfilled keeps its lines; what the shop changes afterwards is a document of its
own (a credit memo for a refund), or a person's decision. Facts: quantityBilled, quantityFulfilled and isClosed of
salesOrder-itemElement, total of creditMemo, createdDate of invoice (wsjmnh/netsuite-record-rest-docs, release 2026.1);
SuiteQL: docs.oracle.com section_157909186990, tables transaction and transactionline.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, TypeVar

import msgspec

REFUND: Final = "-refund-"
"""Between the order's reference and the refund's id in the external id of a credit memo."""
INVOICES: Final = {"CustInvc": "invoice", "CashSale": "cashSale"}
"""What bills a sales order: SuiteQL's name of the type, and the record's."""
Shape = TypeVar("Shape")
PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")


class Reference(msgspec.Struct):
    id: str | int = ""


class Line(msgspec.Struct):
    """A line of a sales order as GET answers it."""

    line: int = 0
    amount: Decimal = Decimal(0)
    quantity: Decimal = Decimal(1)
    is_closed: bool = msgspec.field(default=False, name="isClosed")
    billed: Decimal = msgspec.field(default=Decimal(0), name="quantityBilled")
    fulfilled: Decimal = msgspec.field(default=Decimal(0), name="quantityFulfilled")

    @property
    def invoiced(self) -> bool:
        """A line of nothing needs no bill."""
        return self.billed >= self.quantity


class Lines(msgspec.Struct):
    items: list[Line] = []


class SalesOrder(msgspec.Struct):
    """A sales order: its lines, and whose it is."""

    id: str | int = ""
    item: Lines = msgspec.field(default_factory=Lines)
    entity: Reference = msgspec.field(default_factory=Reference)
    currency: Reference = msgspec.field(default_factory=Reference)

    @property
    def live(self) -> list[Line]:
        return [line for line in self.item.items if not line.is_closed]

    @property
    def billed(self) -> bool:
        """At least a part of it is on an invoice."""
        return any(line.billed for line in self.item.items)

    @property
    def booked(self) -> bool:
        """Its lines may not be replaced any more: they are on an invoice or have left the warehouse."""
        return any(line.billed or line.fulfilled for line in self.item.items)

    @property
    def invoiced(self) -> bool:
        """All of it is on invoices."""
        return self.billed and all(line.invoiced for line in self.live)

    @property
    def amount(self) -> Decimal:
        return sum((line.amount for line in self.live), Decimal(0))

    def stands_as(self, wanted: Sequence[Line]) -> bool:
        """Whether it has these lines already."""
        return [(line.quantity, line.amount) for line in self.live] == [(row.quantity, row.amount) for row in wanted]


def wanted_lines(body: bytes) -> list[Line]:
    """The lines of the document that is to be written."""
    return _orders.decode(body).item.items


def amount_of(lines: Sequence[Line]) -> Decimal:
    return sum((line.amount for line in lines), Decimal(0))


def credits_query(order_reference: str) -> bytes:
    """All our credit memos of one order, and perhaps others: `_` in LIKE is any character."""
    beginning = _plain(order_reference) + REFUND
    return _query(f"SELECT id, externalid FROM transaction WHERE type = 'CustCred' AND externalid LIKE '{beginning}%'")  # noqa: S608


def credits_of(order_reference: str, rows: Rows) -> list[str]:
    """The ids of those that are this order's."""
    return [str(row.id) for row in rows.items if row.externalid.startswith(order_reference + REFUND)]


def invoices_query(order_id: str | int) -> bytes:
    """What a sales order was billed by."""
    lines = f"SELECT transaction FROM transactionline WHERE createdfrom = {int(order_id)}"  # noqa: S608 - a number
    return _query(f"SELECT id, type FROM transaction WHERE type IN ('CustInvc', 'CashSale') AND id IN ({lines})")  # noqa: S608


class Row(msgspec.Struct):
    """A row of both queries."""

    id: str | int
    type: str = ""
    externalid: str = ""


class Rows(msgspec.Struct):
    items: list[Row] = []
    has_more: bool = msgspec.field(default=False, name="hasMore")


class Total(msgspec.Struct):
    """What a read of a credit memo is asked for."""

    total: Decimal


class Made(msgspec.Struct):
    """What a read of an invoice is asked for."""

    created: dt.datetime = msgspec.field(name="createdDate")


def order_of(refund_reference: str) -> str:
    """The order's reference in that of a refund."""
    return refund_reference.rpartition(REFUND)[0]


def decoded(kind: type[Shape], body: bytes) -> Shape | None:
    """The body as `kind`, every number exact; None when it is not of this shape."""
    try:
        return msgspec.json.Decoder(kind, float_hook=Decimal).decode(body)
    except (ValueError, RecursionError):  # not JSON, not this shape, or not UTF-8
        return None


_orders = msgspec.json.Decoder(SalesOrder)


def _query(text: str) -> bytes:
    return msgspec.json.encode({"q": text})


def _plain(reference: str) -> str:
    """Nothing else comes into a query."""
    assert PLAIN.fullmatch(reference), reference
    return reference

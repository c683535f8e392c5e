"""What NetSuite makes of a return authorization: whose it is, which order it comes from, and how far it has come.

Fields and letters: wsjmnh/netsuite-record-rest-docs docs/schemas/returnAuthorization.md (release 2026.1); the names of the
letters are from memory.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from interlock.twins.netsuite_documents import approval, money
from interlock.twins.netsuite_errors import invalid_reference
from interlock.twins.world import Record

STATUSES = {
    "A": "Pending Approval",
    "B": "Pending Receipt",
    "D": "Partially Received",
    "F": "Pending Refund",
    "H": "Closed",
}


def finished_return(record: Record, get: Callable[[str, str], Record | None]) -> Record:
    """With its status; raises NsError when it comes from an order that is not the customer's."""
    source = record.get("createdFrom")
    if source is not None:
        number = str(source.get("id") if isinstance(source, dict) else source)
        order = get("salesOrder", number)
        if order is None or order["entity"]["id"] != record["entity"]["id"]:
            raise invalid_reference(number, "createdFrom", "createdFrom")
        record = {**record, "createdFrom": {"id": number}}
    return with_status(record)


def with_status(record: Record) -> Record:
    """What follows from approval, from what was received, and from closed lines."""
    letter = _letter(record)
    return {**record, "status": {"id": letter, "refName": STATUSES[letter]}}


def _letter(record: Record) -> str:
    lines: list[dict[str, Any]] = record["item"]
    if all(line.get("isClosed") for line in lines):
        return "H"
    received = [money(line.get("quantityReceived", 0), "quantityReceived") for line in lines]
    if all(done >= line["quantity"] for done, line in zip(received, lines, strict=True)):
        return "F"
    return "D" if sum(received, Decimal(0)) else approval(record)

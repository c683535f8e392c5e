"""What NetSuite does to a customer refund: it pays out of open credit memos of the customer, and never more than is open.

Fields: wsjmnh/netsuite-record-rest-docs docs/schemas/customerRefund.md (release 2026.1); lines of `apply` are known by
their `doc`: docs.oracle.com article_0830082954. The texts of its refusals are from memory, in NetSuite's manner.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from interlock.twins.netsuite_documents import money
from interlock.twins.netsuite_errors import invalid_reference, user_error
from interlock.twins.world import Change, Record

Resolve = Callable[[str, Any, str], Record]
Get = Callable[[str, str], Record | None]


def finished_credit(record: Record) -> Record:
    """Open with all of it that no refund paid out. A credit of less than nothing would be a charge, which is an invoice."""
    applied = record.get("applied", Decimal(0))
    if record["total"] < 0:
        raise user_error("The total of this transaction may not be negative.", "item")
    if record["total"] < applied:
        raise user_error("The total of this transaction may not be less than what is applied of it.", "item")
    return _with_applied(record, applied)


def finished_refund(record: Record, resolve: Resolve) -> Record:
    """The refund with its customer, its account and its total; raises NsError when it may not be saved."""
    for name, label in (("customer", "Customer"), ("account", "Account")):
        if not record.get(name):
            raise user_error(f"Please enter value(s) for: {label}", name)
    lines = [_line(row, n) for n, row in enumerate(record.get("apply", [])) if row.get("apply") is not False]
    if not lines:
        raise user_error("Please choose at least one credit to apply this refund to.", "apply")
    named = {"customer": resolve("customer", record["customer"], "customer")}
    named |= {"account": resolve("account", record["account"], "account")}
    return {**record, **named, "apply": lines, "total": sum((row["amount"] for row in lines), Decimal(0))}


def paid_out(old: Record | None, new: Record, get: Get) -> list[Change]:
    """The credit memos as they are afterwards; raises NsError when one is not the customer's, or not open for so much."""
    before, after = _by_memo(old), _by_memo(new)
    changes: list[Change] = []
    for number in dict.fromkeys([*before, *after]):
        memo, amount = get("creditMemo", number), after.get(number, Decimal(0))
        fits = memo is not None and memo["entity"]["id"] == new["customer"]["id"] and _same_currency(memo, new)
        if memo is None or not fits:
            raise invalid_reference(number, "doc", "apply.items[0].doc")
        applied = memo.get("applied", Decimal(0)) - before.get(number, Decimal(0)) + amount
        if applied > memo["total"]:
            raise user_error(f"The amount {amount} is more than is open of credit memo {number}.", "apply")
        changes.append(("creditMemo", number, _with_applied(memo, applied)))
    return changes


def _line(row: Record, n: int) -> Record:
    doc = row.get("doc")
    number = str(doc.get("id") if isinstance(doc, dict) else doc or "")
    amount = money(row.get("amount", 0), f"apply.items[{n}].amount")
    if amount <= 0:
        raise invalid_reference(row.get("amount"), "amount", f"apply.items[{n}].amount")
    return {**row, "doc": {"id": number}, "amount": amount, "apply": True}


def _by_memo(refund: Record | None) -> dict[str, Decimal]:
    return {row["doc"]["id"]: row["amount"] for row in (refund or {}).get("apply", [])}


def _same_currency(memo: Record, refund: Record) -> bool:
    one, other = memo.get("currency"), refund.get("currency")
    return one is None or other is None or str(one["id"]) == str(other["id"])


def _with_applied(memo: Record, applied: Decimal) -> Record:
    rest = memo["total"] - applied
    status = {"id": "A", "refName": "Open"} if rest or not memo["total"] else {"id": "B", "refName": "Fully Applied"}
    return {**memo, "applied": applied, "amountRemaining": rest, "status": status}

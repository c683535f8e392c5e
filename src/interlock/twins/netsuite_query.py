"""The small part of SuiteQL and of the q parameter that the NetSuite twin understands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from interlock.twins.netsuite_errors import NsError

Row = dict[str, Any]
TRANSACTION_TYPES = {
    "salesOrder": "SalesOrd",
    "invoice": "CustInvc",
    "itemFulfillment": "ItemShip",
    "creditMemo": "CustCred",
    "customerRefund": "CustRfnd",
    "returnAuthorization": "RtnAuth",
    "itemReceipt": "ItemRcpt",
}
TABLES = {
    "transaction": tuple(TRANSACTION_TYPES),
    "transactionline": tuple(TRANSACTION_TYPES),
    "customer": ("customer",),
    "item": ("item",),
}

_SELECT = re.compile(
    r"^\s*select\s+(?:distinct\s+)?(?P<columns>.+?)\s+from\s+(?P<table>\w+)"
    r"(?:\s+where\s+(?P<where>.+?))?(?:\s+order\s+by\s+(?P<order>\w+)(?P<down>\s+desc|\s+asc)?)?\s*;?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(
    r"^\s*(?P<column>\w+)\s*(?P<operator>=|>=|<=|>|<|\bin\b|\blike\b)\s*(?P<value>.+?)\s*$", re.IGNORECASE | re.DOTALL
)
_INNER = re.compile(r"\(\s*(select\b[^()]*)\)", re.IGNORECASE | re.DOTALL)
_LITERAL = re.compile(r"'((?:[^']|'')*)'|(-?[\d.]+)")
_Q = re.compile(r'^\s*(?P<field>\w+)\s+(?P<operator>IS|CONTAIN|START_WITH)\s+"?(?P<value>[^"]*)"?\s*$', re.IGNORECASE)

_COMPARE: dict[str, Callable[[str, list[str]], bool]] = {
    "=": lambda have, want: have == want[0],
    "in": lambda have, want: have in want,
    "like": lambda have, want: fnmatchcase(have, want[0].replace("%", "*").replace("_", "?")),
    ">": lambda have, want: have > want[0],
    "<": lambda have, want: have < want[0],
    ">=": lambda have, want: have >= want[0],
    "<=": lambda have, want: have <= want[0],
}


def suiteql(text: str, rows_of: Callable[[str], Iterable[tuple[str, Row]]]) -> list[Row]:
    """The rows of SELECT columns FROM table WHERE a = 'x' AND b IN (...) ORDER BY c. Raises nsError 400."""
    text = _INNER.sub(lambda inner: _literals(suiteql(inner[1], rows_of)), text)
    found = _SELECT.match(text)
    if found is None or found["table"].lower() not in TABLES:
        raise invalid_query(f"the twin reads one SELECT with WHERE and ORDER BY, of these tables: {', '.join(TABLES)}")
    parts = re.split(r"\s+and\s+", found["where"] or "", flags=re.IGNORECASE)
    conditions = [_condition(part) for part in parts if part.strip()]
    rows = [row for row in _flat_rows(found["table"].lower(), rows_of) if all(fits(row) for fits in conditions)]
    if found["order"]:
        rows.sort(
            key=lambda row: str(row.get(found["order"].lower(), "")), reverse="desc" in (found["down"] or "").lower()
        )
    columns = [column.strip().lower() for column in found["columns"].split(",")]
    if columns == ["*"]:
        return rows
    return [{column: row.get(column) for column in columns} for row in rows]


def _literals(rows: list[Row]) -> str:
    """The answer of an inner SELECT as a list to compare with."""
    values = [str(value) for row in rows for value in row.values() if value is not None]
    return "(" + ", ".join(f"'{value}'" for value in values or ["nothing"]) + ")"


def invalid_query(why: str) -> NsError:
    """A query NetSuite (or the twin) cannot run."""
    return NsError(400, "INVALID_PARAMETER", f"Invalid search query. Detailed unprocessed description follows. {why}")


def matches_q(expression: str) -> Callable[[Row], bool]:
    """A test for the q parameter: one `field IS "value"` (or CONTAIN, START_WITH)."""
    found = _Q.match(expression)
    if found is None:
        raise invalid_query(f"the twin understands one condition, not {expression!r}")
    value, operator = found["value"], found["operator"].upper()

    def fits(row: Row) -> bool:
        have = str(next((row[name] for name in row if name.lower() == found["field"].lower()), ""))
        return {"IS": have == value, "CONTAIN": value in have, "START_WITH": have.startswith(value)}[operator]

    return fits


def _condition(text: str) -> Callable[[Row], bool]:
    found = _CONDITION.match(text)
    if found is None:
        raise invalid_query(f"cannot read the condition {text!r}")
    wanted = [
        quoted.replace("''", "'") if quoted or not number else number
        for quoted, number in _LITERAL.findall(found["value"])
    ]
    if not wanted:
        raise invalid_query(f"no value in the condition {text!r}")
    column, compare = found["column"].lower(), _COMPARE[found["operator"].lower()]
    return lambda row: compare(str(row.get(column, "")), wanted)


def _flat_rows(table: str, rows_of: Callable[[str], Iterable[tuple[str, Row]]]) -> Iterator[Row]:
    """Records as SuiteQL shows them: lower-case columns, references as ids, text values."""
    for kind in TABLES[table]:
        for key, record in rows_of(kind):
            if table == "transactionline":
                origin = _flat(record.get("createdFrom"))
                lines = record.get("item", [])
                yield from ({"transaction": key, "id": str(line["line"]), "createdfrom": origin} for line in lines)
                continue
            row = {name.lower(): _flat(value) for name, value in record.items() if not isinstance(value, list)}
            yield {**row, "id": key, "type": TRANSACTION_TYPES.get(kind, kind), "foreigntotal": row.get("total")}


def _flat(value: Any) -> Any:
    inner = value.get("id") if isinstance(value, dict) else value
    return None if inner is None else str(inner)

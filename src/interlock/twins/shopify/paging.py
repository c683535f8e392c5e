"""Pages of the list of orders: filters, order, and the cursors that the Link header carries."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

PAGE_LIMIT, PAGE_DEFAULT = 250, 50


class OrderPage:
    """One page of orders: what was asked for, where it starts, and the cursors to its neighbours."""

    def __init__(self, asked: Mapping[str, str]) -> None:
        self._asked = {name: value for name, value in asked.items() if name not in {"limit", "fields"}}
        self.limit = max(1, min(int(asked.get("limit", PAGE_DEFAULT)), PAGE_LIMIT))
        field, _, way = asked.get("order", "id asc").partition(" ")
        self._field = field if field in {"id", "created_at", "updated_at"} else "id"
        self._falling = way.lower() == "desc"
        self._more = False

    def cut(self, orders: Any) -> list[dict[str, Any]]:
        """The rows of this page."""
        rows = sorted((row for row in orders if self._wanted(row)), key=self._key, reverse=self._falling)
        start = self._asked.get("_after") or self._asked.get("_before")
        if start is None:
            self._more = len(rows) > self.limit
            return rows[: self.limit]
        at = tuple(json.loads(start))
        if "_after" in self._asked:
            rows = [row for row in rows if (self._key(row) > at) != self._falling and self._key(row) != at]
            self._more = len(rows) > self.limit
            return rows[: self.limit]
        rows = [row for row in rows if (self._key(row) < at) != self._falling and self._key(row) != at]
        self._more = True
        return rows[-self.limit :]

    def cursors(self, rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
        """(rel, page_info) of the pages before and after."""
        found = []
        if rows and "_after" in self._asked:
            found.append(("previous", self._cursor("_before", rows[0])))
        if rows and self._more:
            found.append(("next", self._cursor("_after", rows[-1])))
        return found

    def _cursor(self, side: str, row: dict[str, Any]) -> str:
        kept = {name: value for name, value in self._asked.items() if name not in {"_after", "_before"}}
        text = json.dumps(kept | {side: json.dumps(self._key(row))})
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def _key(self, row: dict[str, Any]) -> tuple[Any, int]:
        if self._field == "id":
            return (row["id"], row["id"])
        return (datetime.fromisoformat(row[self._field]).timestamp(), row["id"])

    def _wanted(self, row: dict[str, Any]) -> bool:
        asked = self._asked
        ids = {int(one) for one in asked["ids"].split(",")} if "ids" in asked else {row["id"]}
        return (
            STATUSES.get(asked.get("status", "open"), STATUSES["open"])(row)
            and row["id"] > int(asked.get("since_id", 0))
            and row["id"] in ids
            and _within(row, "updated_at", asked)
            and _within(row, "created_at", asked)
        )


STATUSES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "any": lambda _: True,
    "open": lambda row: row["closed_at"] is None and row["cancelled_at"] is None,
    "closed": lambda row: row["closed_at"] is not None and row["cancelled_at"] is None,
    "cancelled": lambda row: row["cancelled_at"] is not None,
}


def _within(row: dict[str, Any], field: str, asked: Mapping[str, str]) -> bool:
    """Both ends are inclusive."""
    least, most = asked.get(f"{field}_min"), asked.get(f"{field}_max")
    at = datetime.fromisoformat(row[field]) if least or most else None
    return (not least or at >= _moment(least)) and (not most or at <= _moment(most))  # type: ignore[operator]


def _moment(text: str) -> datetime:
    """A time in a query; a plus sign that arrived as a space is put back, no zone means UTC."""
    found = datetime.fromisoformat(text.replace(" ", "+"))
    return found if found.tzinfo else datetime.fromisoformat(f"{found.isoformat()}+00:00")


def decoded_cursor(page_info: str) -> dict[str, str]:
    """The query inside a cursor. Raises ValueError when it is not one of ours."""
    padded = page_info + "=" * (-len(page_info) % 4)
    found = json.loads(base64.urlsafe_b64decode(padded))
    if not isinstance(found, dict):
        raise ValueError("not a cursor")
    return found

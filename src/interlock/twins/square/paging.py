"""Square's cursors: opaque, bound to the query they were given for, and good after a restart."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from interlock.twins.square.errors import refused
from interlock.twins.world import content_hash


def cursor_of(query: Any, place: Any) -> str:
    """A cursor for the rest of a query, from a place that means something to its listing."""
    return base64.urlsafe_b64encode(msgspec.json.encode([content_hash(query), place])).decode().rstrip("=")


def place_of(cursor: Any, query: Any) -> Any:
    """The place of a cursor, None without one. Raises SquareError INVALID_CURSOR for another query's, or a made-up one."""
    if cursor in (None, ""):
        return None
    try:
        mark, place = msgspec.json.decode(base64.urlsafe_b64decode(str(cursor) + "=" * (-len(str(cursor)) % 4)))
    except (ValueError, binascii.Error, TypeError):
        mark, place = "", None
    if mark != content_hash(query):
        raise refused("INVALID_CURSOR", "The pagination cursor does not belong to this query.", "cursor")
    return place


def limit_of(value: Any, default: int, most: int) -> int:
    """A page's size. Raises SquareError VALUE_TOO_LOW, VALUE_TOO_HIGH or EXPECTED_INTEGER."""
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise refused("EXPECTED_INTEGER", "Expected an integer value.", "limit")
    if value < 1:
        raise refused("VALUE_TOO_LOW", "`limit` must be at least 1.", "limit")
    if value > most:
        raise refused("VALUE_TOO_HIGH", f"`limit` must not be greater than {most}.", "limit")
    return value

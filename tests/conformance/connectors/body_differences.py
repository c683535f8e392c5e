"""What differs between the body of a webhook and the body that is written of what was read."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
ABSENT = "absent"


def differences(told: Any, read: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """(member, `told | read`) for each member of the webhook's body that the other lacks or has otherwise:
    `line_items[].id`. A moment is the same in any zone, a number the same with more zeros; text is no number."""
    if isinstance(told, dict) and isinstance(read, dict):
        for name, value in told.items():
            yield from differences(value, read.get(name, ABSENT), f"{at}.{name}" if at else name)
    elif isinstance(told, list) and isinstance(read, list) and len(told) == len(read):
        for one, other in zip(told, read, strict=True):
            yield from differences(one, other, f"{at}[]")
    elif _plain(told) != _plain(read):
        yield at, f"{str(told)[:60]!r} | {str(read)[:60]!r}"


def _plain(value: Any) -> Any:
    if isinstance(value, str) and MOMENT.match(value):
        return dt.datetime.fromisoformat(value).astimezone(dt.UTC)
    return (isinstance(value, bool), value)


def unknown(found: Iterator[tuple[str, str]], known: dict[str, str]) -> dict[str, str]:
    """Those that no entry of `known` explains: `client_details`, or `refunds[].transactions[].*` for all below."""
    patterns = [re.escape(one).replace(r"\*", ".*") for one in known]
    explained = re.compile("|".join(patterns)) if patterns else re.compile(r"(?!)")
    return {member: words for member, words in found if not explained.fullmatch(member)}

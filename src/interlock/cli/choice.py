"""`--where k=v` as the ledger's Filter: the same names as in the console's URLs, and nothing guessed."""

import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from interlock.messaging.ledger import Filter

PLAIN = ("flow", "destination", "object", "key", "name", "reason", "fingerprint")
LISTS = {"state": "states", "ids": "ids"}
TIMES = {"since": "since_ms", "until": "until_ms"}
KNOWN = (*PLAIN, *LISTS, *TIMES)
UNIT_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


def read_where(pairs: Iterable[str]) -> "Filter":
    """Raises UsageError for an unknown name, a value that makes no sense, or no pair at all: nobody means everything."""
    from interlock.messaging.ledger import Filter

    fields: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not value or name not in KNOWN:
            raise click.UsageError(f"--where {pair!r}: write name=value with one of {', '.join(KNOWN)}")
        fields |= _field(name, value)
    if not fields:
        raise click.UsageError("choose something: --where name=value")
    return Filter(**fields)


def _field(name: str, value: str) -> dict[str, Any]:
    if name in TIMES:
        return {TIMES[name]: _ago(value)}
    if name == "ids":
        if not all(part.isdecimal() for part in value.split(",")):
            raise click.UsageError(f"--where ids={value}: write whole numbers with commas between")
        return {"ids": tuple(int(part) for part in value.split(","))}
    return {"states": tuple(value.split(","))} if name == "state" else {name: value}


def _ago(text: str) -> int:
    """`15m`, `2h`, `7d` before now, in ms since the epoch."""
    match = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if match is None:
        raise click.UsageError(f"{text!r} is no time: write 15m, 2h or 7d (before now)")
    return time.time_ns() // 1_000_000 - int(match[1]) * UNIT_MS[match[2]]

"""Every filter lives in the URL: its names there, and its way to a Filter of the ledger and back."""

from collections.abc import Mapping
from shlex import quote
from typing import Any
from urllib.parse import quote as escaped
from urllib.parse import urlencode

import msgspec

from interlock.messaging.delivery import CLOSED, OPEN
from interlock.messaging.ledger import Filter

PAGE_ROWS = 100
STATES: tuple[str, ...] = (*OPEN, *CLOSED)
PERIODS = {
    "15m": 15 * 60_000,
    "1h": 3_600_000,
    "24h": 24 * 3_600_000,
    "7d": 7 * 24 * 3_600_000,
    "30d": 30 * 24 * 3_600_000,
}
PERIOD_WORDS = {"15m": "15 minutes", "1h": "hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days"}
OPTIONS = {"q": "text"}
"""Parameters of URLs that have another name as options of commands."""

PLAIN = ("flow", "destination", "object", "key", "name", "reason", "fingerprint", "refused")


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What a URL chooses: the ledger's filter, and what only a list knows (text, the page)."""

    filter: Filter
    text: str = ""
    period: str = ""
    before: int = 0

    @property
    def narrows(self) -> bool:
        """False when it chooses everything; bulk actions refuse that."""
        return bool(said(self))


def read_filter(query: Mapping[str, str], now_ms: int, *, limit: int = PAGE_ROWS) -> Chosen:
    """The choice in a query string or a form; what makes no sense chooses nothing rather than everything."""
    period = query.get("since", "")
    plain: dict[str, Any] = {name: query.get(name, "").strip() for name in PLAIN}
    return Chosen(
        filter=Filter(
            ids=tuple(int(part) for part in query.get("ids", "").split(",") if part.isdecimal()),
            states=tuple(state for state in query.get("state", "").split(",") if state),
            since_ms=now_ms - PERIODS[period] if period in PERIODS else _whole(query.get("from", "")),
            until_ms=_whole(query.get("until", "")),
            limit=limit,
            **plain,
        ),
        text=query.get("q", "").strip(),
        period=period if period in PERIODS else "",
        before=_whole(query.get("before", "")),
    )


def said(chosen: Chosen) -> dict[str, str]:
    """The choice as URL parameters, without the page."""
    chooses = chosen.filter
    parameters = {name: getattr(chooses, name) for name in PLAIN}
    parameters |= {
        "ids": ",".join(map(str, chooses.ids)),
        "state": ",".join(chooses.states),
        "q": chosen.text,
        "since": chosen.period,
        "from": "" if chosen.period or not chooses.since_ms else str(chooses.since_ms),
        "until": str(chooses.until_ms) if chooses.until_ms else "",
    }
    return {name: value for name, value in parameters.items() if value}


def options(parameters: Mapping[str, str]) -> list[str]:
    """The choice as the options of a command."""
    return [f"--{OPTIONS.get(name, name)} {quote(value)}" for name, value in parameters.items()]


def url(path: str, **parameters: object) -> str:
    """A path with the parameters that say something."""
    query = urlencode({name.rstrip("_"): str(value) for name, value in parameters.items() if value})
    return f"{path}?{query}" if query else path


def object_url(object_name: str, key: str, system: str = "") -> str:
    """The page of an object; every row links to it. Without the system that it began in the page asks, where several have the key."""
    return url(f"/objects/{escaped(object_name, safe='')}/{escaped(key, safe='')}", system=system)


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 16 else 0

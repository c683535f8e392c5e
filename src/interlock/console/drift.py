"""Contract drift in words: the sentence of the notice, and what of it is grave."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from interlock.console.health import title_of
from interlock.console.wording import counted
from interlock.messaging.contract_drift import HIGH, DriftRow
from interlock.strategy.model import Strategy

if TYPE_CHECKING:
    from interlock.console.mappings import Mappings

CHANGES = {"vanished": "is gone", "emptied": "is always empty", "retyped": "has another type", "new": "is new"}


def grave_of(rows: Sequence[DriftRow]) -> list[DriftRow]:
    """Open changes of what a mapping reads."""
    return [row for row in rows if row.state == "open" and row.severity == HIGH]


def drift_words(strategy: Strategy, rows: Sequence[DriftRow]) -> str:
    """`Shopify's order field note is gone; it may be order_note now. 1 more field has changed too.`; "" without a row."""
    if not rows:
        return ""
    row = rows[0]
    perhaps = f"; it may be {row.perhaps} now" if row.perhaps else ""
    first = f"{title_of(strategy, row.system)}'s {row.document} field {row.path} {CHANGES[row.change]}{perhaps}."
    more = f" {counted(len(rows) - 1, 'more field has', 'more fields have')} changed too." if len(rows) > 1 else ""
    return first + more


async def grave_drift(mappings: "Mappings | None", system: str = "", object_name: str = "") -> list[DriftRow]:
    """The grave ones, of one object of one system or of all; none where nothing is known of mappings."""
    rows = grave_of(await open_drift(mappings))
    return [row for row in rows if not system or (row.system, row.object) == (system, object_name)]


async def open_drift(mappings: "Mappings | None") -> list[DriftRow]:
    """All open ones; none where nothing is known of mappings."""
    return await mappings.drift() if mappings is not None else []

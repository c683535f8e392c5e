"""Why items are read once more: which event told of each, or which order its system was told of, in words for the history."""

from collections.abc import Mapping, Sequence
from typing import Final

from interlock.flows.inventory.publish import Publishing
from interlock.flows.inventory.rules import StockRules
from interlock.messaging.event import Event
from interlock.messaging.stock_book import StockWork

AGAIN: Final = "read again"
MOMENTS_FROM: Final = 10**12
"""An item is to be read as of an event, by its position in the inbox, or as of a moment in microseconds: those are above."""

Due = tuple[str, str, int, int]
"""Object, key, event and tries."""


def positions_of(due: Sequence[Due]) -> list[int]:
    """The events that told of these items."""
    return sorted({one[2] for one in due if 0 < one[2] < MOMENTS_FROM})


def reasons_of(
    work: StockWork, rules: StockRules, system: str, due: Sequence[Due], told: Mapping[int, Event], now_us: int
) -> dict[str, str]:
    """By item."""
    publishing = Publishing(work, rules, now_us)
    return {one[1]: _reason(work, publishing, system, one, told.get(one[2])) for one in due}


def told_us(event: Event) -> int:
    """When a system told of it, by our clock."""
    return event.received_at_ms * 1_000


def _reason(work: StockWork, publishing: Publishing, system: str, due: Due, event: Event | None) -> str:
    if event is not None:
        return f"{AGAIN} after webhook {event.topic}"
    order = _order_of(work, publishing, system, due) if due[2] >= MOMENTS_FROM else ""
    return f"{AGAIN} after order {order} was told" if order else AGAIN


def _order_of(work: StockWork, publishing: Publishing, system: str, due: Due) -> str:
    """The order that its system was told of at that moment; "" when it is seen by now, or takes nothing of it any more."""
    for sku in work.skus_as(system, due[1]):
        for line in work.reserved_told(sku, system):
            waiting = publishing.waiting(line)
            if waiting is not None and waiting.since_us == due[2]:
                return line.name or line.sale
    return ""

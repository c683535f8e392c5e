"""How a line becomes one change of Square's history that neither loses a sale nor counts twice. Pure.

Square cannot compare: a write is never refused because the place shows something else. So the place is read first, and
what is written says *when* it is true: the moment of the last change that was read (`calculated_at`).
- A line that says what it replaces becomes an ADJUSTMENT by the difference: adjustments add up, so a sale that comes in
  between is taken from the result whenever it happened, also one of an offline till that is told hours later. A person's
  recount after that moment stands, as it comes later in the history.
- A line that does not say it, or a place that was never counted, becomes a PHYSICAL_COUNT as of that moment: later sales
  are taken from it; sales that happened before it and are told after it are not (how-it-works).

Facts: developer.squareup.com/docs/inventory-api/how-it-works and api.json InventoryPhysicalCount, InventoryAdjustment:
occurred_at not older than 24 hours and not in the future; reference_id of up to 255 characters.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any, Final

import msgspec

from interlock.connectors.contract import Done, Outcome, Refused, Retry, stock
from interlock.connectors.square.counts import IN_STOCK, Count, text_of

HOUR_US: Final = 3600 * 1_000_000
OLDEST_US: Final = 23 * HOUR_US
"""Square takes nothing of more than 24 hours ago; an hour is for clocks and for the way."""
REFERENCE_CHARACTERS_MAX: Final = 255
MARK: Final = "~"
MARK_CHARACTERS: Final = 16
QUANTITY_MAX: Final = 1_000_000_000
"""As Shopify's: a number beyond it is nobody's stock, and Square says no limit but 26 characters (C64)."""
Body = dict[str, Any]


class Change(msgspec.Struct, frozen=True):
    """One line as it will be sent."""

    line: stock.Line
    body: Body


def decide(line: stock.Line, count: Count | None, *, key: str, now_us: int, decrease_to: str) -> Change | Outcome:
    """What a line needs, with what the place shows now: a change, or the outcome that is clear already."""
    if not 0 <= line.quantity <= QUANTITY_MAX:
        words = f"{line.quantity} pieces cannot be set; it must be 0 to {QUANTITY_MAX:,}"
        return Refused(reason="validation", code="QUANTITY", message=words)
    shown = Decimal(0) if count is None else count.quantity
    if line.change_from is not None and line.change_from != (0 if count is None else count.whole):
        words = f"the place shows {shown}, not {line.change_from}; nothing was written"
        return Retry(code=stock.STALE, message=words)
    if count is not None and shown == line.quantity:
        return Done(external_id=id_of(line.place), detail="it shows that already")
    at = occurred_at(count, line, now_us)
    if count is None or line.change_from is None:
        return Change(
            line, {"type": "PHYSICAL_COUNT", "physical_count": _common(line, key, at) | _set_to(line.quantity)}
        )
    moved = _moved(line.quantity - shown, decrease_to)
    return Change(line, {"type": "ADJUSTMENT", "adjustment": _common(line, key, at) | moved})


def occurred_at(count: Count | None, line: stock.Line, now_us: int) -> str:
    """The moment that a change is of. What changed last longer ago than Square takes is put into the oldest whole hour that
    it takes: after it, before any sale that is still to come, and the same for a repetition within the hour.
    """
    oldest = (now_us - OLDEST_US) // HOUR_US * HOUR_US + HOUR_US
    if count is not None:
        return text_of(max(count.at_us, oldest))
    return text_of(min(max(line.as_of_us or now_us, oldest), now_us))


def mark_of(line: stock.Line, key: str) -> str:
    """What tells our write of a line from every other, in Square's own history."""
    place = f"{key}\0{line.place.item}\0{line.place.location}".encode()
    return MARK + hashlib.sha256(place).hexdigest()[:MARK_CHARACTERS]


def derived(key: str, places: list[stock.Place]) -> str:
    """The key of a part of the lines of a key: the same part has the same."""
    text = "\0".join([key, *(f"{one.item}@{one.location}" for one in places)])
    return hashlib.sha256(text.encode()).hexdigest()


def id_of(place: stock.Place) -> str:
    """A place's id for the crosswalk."""
    return f"{place.item}@{place.location}"


def _common(line: stock.Line, key: str, at: str) -> Body:
    mark = mark_of(line, key)
    return {
        "catalog_object_id": line.place.item, "location_id": line.place.location, "occurred_at": at,
        "reference_id": line.reference[: REFERENCE_CHARACTERS_MAX - len(mark)] + mark,
    }  # fmt: skip


def _set_to(quantity: int) -> Body:
    return {"state": IN_STOCK, "quantity": str(quantity)}


def _moved(difference: Decimal, decrease_to: str) -> Body:
    """More comes from nowhere; less was sold elsewhere, or is waste, as the folder says."""
    move = ("NONE", IN_STOCK) if difference > 0 else (IN_STOCK, decrease_to)
    return {"from_state": move[0], "to_state": move[1], "quantity": f"{abs(difference):f}"}

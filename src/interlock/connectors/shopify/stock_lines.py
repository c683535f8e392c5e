"""The lines of a stock write as Shopify takes them, what can be known to be wrong beforehand, and which line an error blames.

Facts F42-F44, C60, C63, C64, C68: inventorySetQuantities and InventorySetQuantitiesUserErrorCode, Admin GraphQL 2026-07.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from interlock.connectors.contract import stock

NAME: Final = "available"
"""What buyers may buy; `on_hand` is the other quantity that can be set (F42)."""
REASON: Final = "correction"
"""One of Shopify's reasons; which change of ours it was says the reference document."""
LINES_MAX: Final = 250
"""An input array holds no more (F24)."""
UNITS_MAX: Final = 1_000_000_000
"""INVALID_QUANTITY_TOO_HIGH and _TOO_LOW begin beyond it."""
ID_DIGITS_MAX: Final = 20
STALE: Final = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})
NOT_STOCKED: Final = "ITEM_NOT_STOCKED_AT_LOCATION"
FAILED_BEFORE: Final = "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
MISMATCH: Final = "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
OF_THE_WHOLE: Final = {
    "IDEMPOTENCY_CONCURRENT_REQUEST": "currently in progress", MISMATCH: "different operation parameters",
    FAILED_BEFORE: "previous request with this idempotency key failed",
    "INVALID_NAME": "", "INVALID_REASON": "", "INVALID_REFERENCE_DOCUMENT": "",
}  # fmt: skip
"""Errors that no line is to blame for; the words are Shopify's, where a mutation's errors have no code (inventoryActivate)."""
BY_INPUT: Final = {"inventoryItemId": "INVALID_INVENTORY_ITEM", "locationId": "INVALID_LOCATION"}
"""What an error of inventoryActivate means, which has no code but the input that it is about."""
KEYS: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://shopify.dev/docs/api/usage/idempotent-requests")

Error = Mapping[str, Any]


def gid(kind: str, number: str) -> str:
    """gid://shopify/Location/24826418."""
    return f"gid://shopify/{kind}/{number}"


def is_id(text: str) -> bool:
    """Whether it can be one of Shopify's ids: a malformed one fails the whole call, not its line."""
    return text.isascii() and text.isdecimal() and len(text) <= ID_DIGITS_MAX


def place_id(place: stock.Place) -> str:
    """What a place is called where one id is wanted."""
    return f"{place.item}@{place.location}"


def derived_key(key: str, *what: str) -> str:
    """The key of a call that follows from another one: the same after every crash, so that it counts once too."""
    return str(uuid.uuid5(KEYS, "\n".join((key, *what))))


def reference_uri(lines: Sequence[stock.Line], key: str) -> str:
    """Why stock changed, for the merchant's history: our change, or the batch where it holds several (F42)."""
    names = {line.reference for line in lines}
    kind, name = ("StockChange", names.pop()) if len(names) == 1 else ("StockBatch", key)
    return f"gid://interlock/{kind}/{quote(name, safe='') or quote(key, safe='')}"


def quantity_input(line: stock.Line, change_from: int | None) -> dict[str, Any]:
    """An InventoryQuantityInput. `changeFromQuantity` must be said; null skips the comparison (F43)."""
    return {
        "inventoryItemId": gid("InventoryItem", line.place.item),
        "locationId": gid("Location", line.place.location),
        "quantity": line.quantity,
        "changeFromQuantity": change_from,
    }


def wrong_beforehand(lines: Sequence[stock.Line]) -> dict[int, Error]:
    """The lines that Shopify cannot take, with the error that it would give; of two numbers for one place neither is
    right."""
    often = Counter(line.place for line in lines)
    found = ((number, _wrong(line, often[line.place])) for number, line in enumerate(lines))
    return {number: error for number, error in found if error is not None}


def _wrong(line: stock.Line, often: int) -> Error | None:
    if not is_id(line.place.item):
        return _error("INVALID_INVENTORY_ITEM", f"{line.place.item[:60]!r} is no id of an inventory item")
    if not is_id(line.place.location):
        return _error("INVALID_LOCATION", f"{line.place.location[:60]!r} is no id of a location")
    if abs(line.quantity) > UNITS_MAX:
        code = "INVALID_QUANTITY_TOO_HIGH" if line.quantity > 0 else "INVALID_QUANTITY_TOO_LOW"
        return _error(code, f"{line.quantity} is beyond {UNITS_MAX}")
    if often > 1:
        return _error("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", f"{often} lines are about {place_id(line.place)}")
    return None


def _error(code: str, message: str) -> Error:
    return {"code": code, "message": message}


def code_of(error: Error) -> str:
    """An error's code; for a mutation whose errors have none, what its words or its input say."""
    if error.get("code"):
        return str(error["code"])
    text = str(error.get("message") or "")
    by_words = (code for code, words in OF_THE_WHOLE.items() if words and words in text)
    by_input = (BY_INPUT[str(step)] for step in error.get("field") or () if str(step) in BY_INPUT)
    return next(by_words, None) or next(by_input, "")


def of_the_whole(errors: Iterable[Error]) -> Error | None:
    """The error that is about the call as such."""
    return next((error for error in errors if code_of(error) in OF_THE_WHOLE), None)


def blamed(errors: Iterable[Error], count: int) -> dict[int, Error]:
    """The lines, by their place in the call, that errors are about. Of several errors of a line one that is final counts
    before one that a second reading cures."""
    found: dict[int, Error] = {}
    for error in errors:
        place = _place(error)
        if place is not None and place < count and (place not in found or code_of(found[place]) in STALE):
            found[place] = error
    return found


def _place(error: Error) -> int | None:
    """3 of ["input", "quantities", "3", "quantity"]."""
    steps = [str(step) for step in error.get("field") or ()]
    after = steps[steps.index("quantities") + 1 :] if "quantities" in steps else []
    return int(after[0]) if after and after[0].isascii() and after[0].isdecimal() else None

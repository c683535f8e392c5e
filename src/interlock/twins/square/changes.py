"""A batch of changes: checked as a whole, applied as a whole, and remembered by its idempotency key.

Facts: api.json BatchChangeInventoryRequest (key 1 to 128 characters, changes "applied based on the client-supplied
timestamp"), InventoryPhysicalCount and InventoryAdjustment (quantity a decimal text with up to 5 places, occurred_at
within 24 hours and not in the future, catalog_object_id, location_id, reference_id up to 255); at most 100 changes:
square/connect-python-sdk docs/BatchChangeInventoryRequest.md; InventoryState: which states an application may use;
IDEMPOTENCY_KEY_REUSED of ErrorCode.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from interlock.twins.square.catalog import Catalog
from interlock.twins.square.errors import Problem, SquareError, refused
from interlock.twins.square.moments import DAY_US, Moments, moment_of
from interlock.twins.square.stock import IN_STOCK, WASTE, Stock
from interlock.twins.world import Record, World, content_hash

CHANGES_MOST = 100
KEY_CHARACTERS_MOST = 128
LENGTHS = {"catalog_object_id": 100, "location_id": 100, "reference_id": 255, "quantity": 26, "occurred_at": 34}
DECIMAL = re.compile(r"\d+(\.\d{1,5})?")
MOVES = frozenset({
    ("NONE", IN_STOCK), ("UNLINKED_RETURN", IN_STOCK), (IN_STOCK, "SOLD"), (IN_STOCK, WASTE), ("UNLINKED_RETURN", WASTE),
})  # fmt: skip
"""From a state to another, as an application may move goods."""
MEMBERS = {"PHYSICAL_COUNT": "physical_count", "ADJUSTMENT": "adjustment"}
CLOCKS_APART_US = 1_000_000
"""A time that is so little ahead is taken for now: no two clocks are equal."""


class Changes:
    """POST /v2/inventory/changes/batch-create. Configuration: "idempotency" false forgets keys at once, for tests of what
    a vendor without them does; "key_memory_seconds" forgets them later (Square publishes no time; 0 is never);
    "names_the_change" false leaves `field` out of errors."""

    def __init__(
        self, world: World, stock: Stock, catalog: Catalog, moments: Moments, config: Mapping[str, Any]
    ) -> None:
        self._world, self._stock, self._catalog, self._moments = world, stock, catalog, moments
        self._remembers = bool(config.get("idempotency", True))
        self._memory_seconds = float(config.get("key_memory_seconds", 0))
        self._names_the_change = bool(config.get("names_the_change", True))

    def answer_again(self, body: Mapping[str, Any]) -> Record | None:
        """The answer that an earlier request of this key had. Raises SquareError for a key that was used for another."""
        key = body.get("idempotency_key")
        if not isinstance(key, str) or not key:
            raise refused("MISSING_REQUIRED_PARAMETER", "Field must not be blank.", "idempotency_key")
        if len(key) > KEY_CHARACTERS_MOST:
            raise refused("VALUE_TOO_LONG", f"Field must not be longer than {KEY_CHARACTERS_MOST}.", "idempotency_key")
        known = self._world.get("_key", key) if self._remembers else None
        if known is None or self._is_forgotten(known):
            return None
        if known["hash"] != content_hash(body):
            words = "The idempotency key can only be retried with the same request data."
            raise refused("IDEMPOTENCY_KEY_REUSED", words, "idempotency_key")
        found: Record = known["answer"]
        return found

    def read(self, body: Mapping[str, Any]) -> list[Record]:
        """The changes as they are kept, none written yet. Raises SquareError that names every change that is wrong."""
        changes = body.get("changes")
        if not isinstance(changes, list) or not changes:
            raise refused("ARRAY_EMPTY", "Array must not be empty.", "changes")
        if len(changes) > CHANGES_MOST:
            raise refused("ARRAY_LENGTH_TOO_LONG", f"Array length must not exceed {CHANGES_MOST}.", "changes")
        rows: list[Record] = []
        problems: list[Problem] = []
        for n, change in enumerate(changes):
            try:
                rows.append(self._row(change, f"changes[{n}]"))
            except SquareError as error:
                problems += error.problems
        if problems:
            raise SquareError(*(one if self._names_the_change else one._replace(field="") for one in problems))
        return rows

    def needed(self, rows: list[Record], body: Mapping[str, Any]) -> list[Record]:
        """Without the counts that would change nothing, unless they are asked for.

        "Whether the current physical count should be ignored if the quantity is unchanged since the last physical count.
        Default: true" is read by the letter: a count equal to the last *count* is ignored even when goods were sold
        since. Who leaves the default on may lose such a write.
        """
        if not body.get("ignore_unchanged_counts", True):
            return rows
        return [row for row in rows if row["type"] != "PHYSICAL_COUNT" or not self._repeats(row)]

    def remembered(self, body: Mapping[str, Any], answer: Record) -> tuple[str, str, Record]:
        """What the journal keeps of a key with its answer."""
        row = {"hash": content_hash(body), "answer": answer, "at": time.time()}
        return ("_key", str(body["idempotency_key"]), row)

    def _is_forgotten(self, known: Record) -> bool:
        return 0 < self._memory_seconds <= time.time() - float(known["at"])

    def _repeats(self, row: Record) -> bool:
        return self._stock.last_set(row["item"], row["location"], row["state"]) == Decimal(row["quantity"])

    def _row(self, change: Any, path: str) -> Record:
        kind = change.get("type") if isinstance(change, dict) else None
        if kind not in MEMBERS:
            raise refused("INVALID_ENUM_VALUE", f"`{kind}` is not a change that can be made.", f"{path}.type")
        name = MEMBERS[kind]
        given = change.get(name)
        if not isinstance(given, dict):
            raise refused("MISSING_REQUIRED_PARAMETER", "Field must be set.", f"{path}.{name}")
        path = f"{path}.{name}"
        row = {
            "type": kind,
            **self._common(given, path),
            **(_set(given, path) if kind == "PHYSICAL_COUNT" else _moved(given, path)),
        }
        now_us = self._moments.now_us()
        return row | {"id": self._world.next_id("change"), "created_us": now_us, "by": "API"}

    def _common(self, given: Mapping[str, Any], path: str) -> Record:
        for name, most in LENGTHS.items():
            if len(str(given.get(name) or "")) > most:
                raise refused("VALUE_TOO_LONG", f"Field must not be longer than {most}.", f"{path}.{name}")
        for name in ("catalog_object_id", "location_id", "quantity", "occurred_at"):
            if not isinstance(given.get(name), str) or not given[name]:
                raise refused("MISSING_REQUIRED_PARAMETER", "Field must be set.", f"{path}.{name}")
        item, location = given["catalog_object_id"], given["location_id"]
        if self._catalog.get(item) is None:
            words = f"Item variation with catalog object ID `{item}` not found."
            raise refused("NOT_FOUND", words, f"{path}.catalog_object_id")
        if not self._catalog.has_location(location):
            raise refused("NOT_FOUND", f"Location `{location}` not found.", f"{path}.location_id")
        if not DECIMAL.fullmatch(given["quantity"]):
            words = "Quantity must be a non-negative decimal with at most 5 places."
            raise refused("INVALID_VALUE", words, f"{path}.quantity")
        occurred_us = self._occurred_us(given["occurred_at"], f"{path}.occurred_at")
        return {
            "item": item, "location": location, "quantity": given["quantity"], "occurred_us": occurred_us,
            "reference_id": given.get("reference_id"),
        }  # fmt: skip

    def _occurred_us(self, text: str, path: str) -> int:
        occurred_us, now_us = moment_of(text, path), self._moments.now_us()
        if not now_us - DAY_US <= occurred_us <= now_us + CLOCKS_APART_US:
            words = "occurred_at must not be older than 24 hours, nor in the future."
            raise SquareError(Problem("INVALID_TIME", words, path))
        return min(occurred_us, now_us)


def _set(given: Mapping[str, Any], path: str) -> Record:
    if given.get("state") not in (IN_STOCK, WASTE):
        raise refused("INVALID_ENUM_VALUE", f"`{given.get('state')}` cannot be counted.", f"{path}.state")
    return {"state": given["state"]}


def _moved(given: Mapping[str, Any], path: str) -> Record:
    move = (given.get("from_state"), given.get("to_state"))
    if move not in MOVES:
        raise refused("INVALID_VALUE", f"Goods cannot be moved from {move[0]} to {move[1]}.", f"{path}.to_state")
    if not Decimal(given["quantity"]):
        raise refused("VALUE_TOO_LOW", "Quantity must be greater than 0.", f"{path}.quantity")
    return {"from_state": move[0], "to_state": move[1]}

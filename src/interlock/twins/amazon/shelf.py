"""The seller's listings: what shoppers see of each SKU, and what was accepted but is not seen yet."""

from __future__ import annotations

import bisect
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock.twins.amazon.patches import Wanted
from interlock.twins.world import Change, Record, World

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
MERCHANT = "DEFAULT"
"""The fulfilment channel of what the seller sends itself; Amazon's own are AMAZON_NA, AMAZON_EU, AMAZON_JP."""
ASIN_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Shelf:
    """Items by SKU, and the writes on their way to be seen.

    Configuration: "items": a number of made-up ones, or a list of {"sku", "quantity", "asin", "channel", "product_type",
    "lead_time_to_ship_max_days", "price" (such as "19.90"), "currency"}. "visible_after_seconds" (0): from the acceptance of a
    write until shoppers see it.
    """

    def __init__(self, world: World, config: Mapping[str, Any]) -> None:
        self._world = world
        self.visible_after_seconds = float(config.get("visible_after_seconds", 0))
        self._created = [(row["created"], sku) for sku, row in world.rows("item")]
        self._waiting = len(list(world.rows("_write")))
        if not self._created:
            self._furnish(config.get("items", ()))

    # -- what there is

    def item(self, sku: str) -> Record | None:
        """A listing, also one that is not complete."""
        return self._world.get("item", sku)

    def created_from(self, moment: str) -> list[str]:
        """SKUs created at or after a moment, in the order of their creation."""
        return [sku for _, sku in self._created[bisect.bisect_left(self._created, (moment, "")) :]]

    def add(self, entry: Record) -> Record:
        """A listing that the seller made; not an effect."""
        row = self._new(entry, self._next_created())
        self._keep(row)
        return row

    @property
    def waiting(self) -> int:
        """How many accepted writes are not seen yet."""
        return self._waiting

    # -- changes

    def accept(self, sku: str, wanted: Wanted, *, by: str, submission: str) -> None:
        """Take a write; it is seen at once, or `visible_after_seconds` later."""
        write = {
            "sku": sku, "to": wanted.quantity, "fields": wanted.fields, "kept": wanted.kept, "channel": wanted.channel,
            "by": by, "submission": submission, "due": time.time() + self.visible_after_seconds,
        }  # fmt: skip
        shown = self.item(sku)
        told = {"to": wanted.quantity, "by": by, "submission": submission, "shown": shown and shown["quantity"]}
        if self.visible_after_seconds <= 0:
            self._world.apply("quantity.accept", sku, detail=told)
            self._show(write)
            return
        key = self._world.next_id("write")
        self._world.apply("quantity.accept", sku, ("_write", key, write), detail=told)
        self._waiting += 1

    def settle(self) -> None:
        """Let what is due be seen, in the order of acceptance."""
        if not self._waiting:
            return
        now = time.time()
        for key, write in self._world.rows("_write"):
            if write["due"] <= now:
                self._show(write, ("_write", key, None))
                self._waiting -= 1

    def set_by_hand(self, sku: str, quantity: int) -> None:
        """The seller types a number into Seller Central."""
        self._show(
            {
                "sku": sku,
                "to": quantity,
                "fields": {},
                "kept": True,
                "channel": MERCHANT,
                "by": "seller",
                "submission": "",
            }
        )

    def moved(self, sku: str, quantity: int) -> tuple[Record, Change]:
        """The item after that many more (or fewer) of it, and the change that keeps it."""
        row = self._world.get("item", sku)
        assert row is not None
        after = {**row, "quantity": row["quantity"] + quantity, "updated": self._world.now()}
        return after, ("item", sku, after)

    def _show(self, write: Record, *more: Change) -> None:
        sku = write["sku"]
        before = self.item(sku)
        row = before or self._new(
            {"sku": sku, "quantity": 0, "asin": "", "channel": write["channel"]}, self._next_created()
        )
        fields = {**(row["fields"] if write["kept"] else {}), **write["fields"]}
        after = {**row, "quantity": write["to"], "fields": fields, "updated": self._world.now()}
        if before is None:
            self._created.append((after["created"], sku))
        detail = {
            "from": before and before["quantity"],
            "to": write["to"],
            "by": write["by"],
            "submission": write["submission"],
        }
        self._world.apply("quantity.set", sku, ("item", sku, after), *more, detail=detail)

    # -- furnishing

    def _furnish(self, items: Any) -> None:
        entries = (
            [{"sku": f"SKU-{n:06}", "quantity": n % 100} for n in range(1, items + 1)]
            if isinstance(items, int)
            else items
        )
        rows = [self._new(entry, (BEGAN + timedelta(seconds=n)).isoformat()) for n, entry in enumerate(entries)]
        if rows:
            self._world.remember(*(("item", row["sku"], row) for row in rows))
        self._created = [(row["created"], row["sku"]) for row in rows]

    def _keep(self, row: Record) -> None:
        self._world.remember(("item", row["sku"], row))
        self._created.append((row["created"], row["sku"]))

    def _next_created(self) -> str:
        """Later than all others, also when there are more than seconds."""
        return max(self._world.now(), self._created[-1][0] if self._created else "")

    def _new(self, entry: Record, created: str) -> Record:
        sku = str(entry["sku"])
        channel = entry.get("channel") or MERCHANT
        return {
            "sku": sku,
            "asin": entry.get("asin", _asin(sku)),
            "product_type": entry.get("product_type", "LUGGAGE"),
            "channel": channel,
            "price": str(entry.get("price", "")),
            "currency": str(entry.get("currency", "USD")),
            "quantity": int(entry.get("quantity", 0)),
            "fields": {name: entry[name] for name in ("lead_time_to_ship_max_days", "restock_date") if name in entry},
            "created": entry.get("created", created),
            "updated": entry.get("created", created),
        }


def _asin(sku: str) -> str:
    """Always the same for a SKU, whatever the seed of the twin."""
    return "B0" + "".join(random.Random(f"asin:{sku}").choices(ASIN_LETTERS, k=8))

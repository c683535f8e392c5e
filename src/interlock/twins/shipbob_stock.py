"""The stock of the ShipBob twin: what lies where, what open orders hold of it, and what the API shows of that, at once or late.

Facts: brianzinn/shipbob-node-sdk openapi-2026-01.json (Inventory.*, FulfillmentCenterInventoryService.*) and README.md at
8a10229: "once you place an order there is a delay (~1 minute) before the inventory levels are impacted".
"""

from __future__ import annotations

import time
from bisect import bisect_right, insort
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from interlock.twins.world import Change, Record, World

LOCATIONS: tuple[Record, ...] = ({"id": 8, "name": "Cicero (IL)"},)
DEFAULT_ON_HAND = 1000
SHELF = 10_000_000
"""`location_id` of a movement is a shelf, not the fulfilment centre, which is its `facility_id`."""
MOVEMENT = "movement"
"""The kind of a record of a change of what is on hand; its id is the inventory_audit_event_id."""


class Amounts(NamedTuple):
    """What is known of one item at one location."""

    on_hand: int = 0
    committed: int = 0
    awaiting: int = 0
    internal_transfer: int = 0

    @property
    def fulfillable(self) -> int:
        """`fulfillable_quantity`: on hand minus committed (Inventory.FulfillmentCenterResponse)."""
        return max(0, self.on_hand - self.committed)


class Stock:
    """Products by their inventory id, each with its amounts by location.

    Products are records of the world; what open orders commit is counted from them by the twin. `lag_seconds` passes
    between a change and the moment that the levels show it; `held` shows what was true when it was set.
    """

    def __init__(
        self, world: World, config: Mapping[str, Any], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._world = world
        self._monotonic = monotonic
        self._lag_seconds = float(config.get("levels_lag_seconds", 0))
        self.held = False
        self.locations: list[Record] = [dict(row) for row in config.get("locations", LOCATIONS)]
        self._by_reference: dict[str, int] = {}
        self._ids: list[int] = []
        self._committed: Counter[tuple[int, int]] = Counter()
        self._shown: dict[int, dict[int, Amounts]] = {}
        self._late: deque[tuple[float, int, dict[int, Amounts]]] = deque()
        for key, row in world.rows("product"):
            self._index(int(key), row["reference_id"])

    # -- products -------------------------------------------------------------------------------------------------

    def id_of(self, reference: str) -> int | None:
        """The inventory id of a SKU; None when it is not known."""
        return self._by_reference.get(reference)

    def product(self, inventory_id: int) -> Record | None:
        """The product's record; its `locations` are {location id as text: {"on_hand", "awaiting", ...}}."""
        return self._world.get("product", str(inventory_id))

    def add(self, entry: Record) -> int:
        """A product of this reference_id, made when it is new, with "on_hand" at the first location or "locations"."""
        return self.add_many([entry])[0]

    def add_many(self, entries: Iterable[Record]) -> list[int]:
        """Several at once, in one line of the journal: a catalogue of 100,000 is seeded in seconds."""
        ids: list[int] = []
        changes: list[Change] = []
        for entry in entries:
            reference = str(entry.get("reference_id") or entry.get("sku"))
            known = self._by_reference.get(reference)
            if known is None:
                known = int(entry.get("id") or self._world.next_id("product"))
                changes.append(("product", str(known), self._new(known, reference, entry)))
                self._index(known, reference)
            ids.append(known)
        if changes:
            self._world.remember(*changes)
            for _, key, _ in changes:
                self._show(int(key))
        return ids

    def _new(self, inventory_id: int, reference: str, entry: Record) -> Record:
        given = entry.get("locations")
        first = {str(self.locations[0]["id"]): int(entry.get("on_hand", DEFAULT_ON_HAND))}
        places = {str(place): {"on_hand": int(count)} for place, count in (first if given is None else given).items()}
        row: Record = {"reference_id": reference, "name": entry.get("name") or reference, "id": inventory_id}
        row |= {"barcode": entry.get("barcode"), "locations": places, "exception": int(entry.get("exception", 0))}
        return row | {name: True for name in ("is_case", "is_bundle", "is_digital") if entry.get(name)}

    def _index(self, inventory_id: int, reference: str) -> None:
        self._by_reference[reference] = inventory_id
        insort(self._ids, inventory_id)

    # -- amounts --------------------------------------------------------------------------------------------------

    def amounts(self, inventory_id: int) -> dict[int, Amounts]:
        """By location, as they truly are now."""
        found: dict[int, Amounts] = {}
        for place, row in self._places(inventory_id).items():
            held = self._committed[inventory_id, int(place)]
            counts = {name: int(row.get(name, 0)) for name in ("on_hand", "awaiting", "internal_transfer")}
            found[int(place)] = Amounts(committed=held, **counts)
        return found

    def _places(self, inventory_id: int) -> dict[str, Record]:
        """A product of a world that is older than locations has all at the first."""
        product = self.product(inventory_id) or {}
        first = {str(self.locations[0]["id"]): {"on_hand": product.get("on_hand", 0)}}
        places: dict[str, Record] = product.get("locations", first)
        return places

    def commit(self, inventory_id: int, location: int, quantity: int) -> None:
        """An open order holds so many (fewer, when negative)."""
        self._committed[inventory_id, location] += quantity
        self._show(inventory_id)

    def location_for(self, products: Iterable[tuple[int, int]], wanted: int | None) -> Record:
        """Where an order is shipped from: as asked, else the first location that has all of it, else the first."""
        asked = [row for row in self.locations if row["id"] == wanted]
        lines = list(products)
        full = (row for row in self.locations if all(self._has(item, row["id"], count) for item, count in lines))
        return asked[0] if asked else next(full, self.locations[0])

    def _has(self, inventory_id: int, location: int, quantity: int) -> bool:
        return self.amounts(inventory_id).get(location, Amounts()).fulfillable >= quantity

    def moved(
        self, inventory_id: int, location: int, category: str, order_id: int | None = None, **delta: int
    ) -> list[Change]:
        """The records after amounts at a location changed by `delta`: the product, and a movement when it is on hand.

        The caller applies them with its effect, then calls `refresh`.
        """
        product, places = self.product(inventory_id) or {}, self._places(inventory_id)
        place = dict(places.get(str(location), {}))
        for name, change in delta.items():
            place[name] = int(place.get(name, 0)) + change
        changed = {**product, "locations": {**places, str(location): place}}
        changes: list[Change] = [("product", str(inventory_id), changed)]
        if delta.get("on_hand"):
            changes.append(self._movement(inventory_id, location, category, delta["on_hand"], order_id))
        return changes

    def refresh(self, inventory_id: int) -> None:
        """What was changed is to be shown."""
        self._show(inventory_id)

    def _movement(self, inventory_id: int, location: int, category: str, change: int, order_id: int | None) -> Change:
        key = self._world.next_id(MOVEMENT)
        sku = (self.product(inventory_id) or {}).get("reference_id")
        side = {"facility_id": location, "location_id": SHELF + inventory_id, "quantity_change": change, "sku": sku}
        row = {
            "inventory_audit_event_id": int(key), "inventory_id": inventory_id, "event_category": category,
            "event_datetime": self._world.now(), "shipbob_order_id": order_id, "additional_reference": [],
            "increment": side if change > 0 else None, "decrement": side if change < 0 else None,
        }  # fmt: skip
        return MOVEMENT, key, row

    def movements(self, location: int, after: int, since: datetime, limit: int) -> list[Record]:
        """Movements at a facility with an id above `after`, oldest first, one more than `limit` when there are more."""
        rows = self._world.rows(MOVEMENT)
        fits = (row for key, row in rows if int(key) > after and _facility(row) == location and _moment(row) >= since)
        return [row for row, _ in zip(fits, range(limit + 1), strict=False)]

    # -- what the API shows ---------------------------------------------------------------------------------------

    def shown(self, inventory_id: int) -> dict[int, Amounts]:
        """By location, as the API shows them now."""
        self._publish()
        return self._shown.get(inventory_id) or {}

    def page(self, after: int, limit: int, wanted: list[int] | None = None) -> list[int]:
        """Inventory ids above `after` of products that are not missing, one more than `limit` when there are more."""
        ids = self._ids if wanted is None else sorted(one for one in set(wanted) if self.product(one))
        found: list[int] = []
        for inventory_id in ids[bisect_right(ids, after) :]:
            product = self.product(inventory_id)
            if product is not None and not product.get("missing"):
                found.append(inventory_id)
            if len(found) > limit:
                break
        return found

    def hold(self, *, held: bool) -> None:
        """Show old numbers from now on, or the true ones again."""
        self._publish()
        self.held = held

    def _show(self, inventory_id: int) -> None:
        amounts = self.amounts(inventory_id)
        if inventory_id not in self._shown or not (self._lag_seconds or self.held or self._late):
            self._shown[inventory_id] = amounts
        else:
            self._late.append((self._monotonic() + self._lag_seconds, inventory_id, amounts))

    def _publish(self) -> None:
        now = self._monotonic()
        while not self.held and self._late and self._late[0][0] <= now:
            _, inventory_id, amounts = self._late.popleft()
            self._shown[inventory_id] = amounts

    def show_all(self) -> None:
        """After a start: what is, is shown."""
        self._late.clear()
        for inventory_id in self._ids:
            self._shown[inventory_id] = self.amounts(inventory_id)


def _moment(row: Record) -> datetime:
    return datetime.fromisoformat(row["event_datetime"])


def _facility(row: Record) -> int:
    return int((row["increment"] or row["decrement"])["facility_id"])

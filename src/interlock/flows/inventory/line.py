"""What becomes of one line that a system tells: a position in base units, a stopped line with its reason, or nothing."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from msgspec import Struct

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "STK001": "unknown SKU",
        "STK002": "unknown location",
        "STK003": "unknown unit",
        "STK004": "not a whole number",
        "STK005": "two items, one SKU",
        "STK006": "not the owner: a signal",
        "STK007": "out of bounds",
        "STK008": "a kit is derived",
        "STK013": "not sold there",
    }
)
"""Why a line stops. It never becomes zero: what was known of the item before stays as it was."""

NOTHING: Mapping[str, Decimal] = MappingProxyType({})
ZERO = Decimal(0)


class Position(Struct, frozen=True, kw_only=True, gc=False):
    """One item at one location, as its owner counts it: whole base units (each).

    `place` and `item` are the owner's own ids: a location may have several places there and an item several names; what is at
    the location is their sum. `remainders` has what rounding took away (or added, then below zero), in base units, by
    quantity: told in `unit` times its factor is quantity plus remainder, always.
    """

    sku: str
    location: str
    place: str
    item: str
    quantities: dict[str, int]
    remainders: Mapping[str, Decimal] = NOTHING
    unit: str = ""

    @property
    def remainder(self) -> Decimal:
        """Of what may be sold; where the owner does not tell that, of the first quantity that it tells."""
        name = "available" if "available" in self.quantities else next(iter(self.quantities), "")
        return self.remainders.get(name, ZERO)


class Stopped(Struct, frozen=True, kw_only=True, gc=False):
    """A line that was not taken. `reason` is a word of REASONS, `what` a sentence, `next_move` what to do; `item`, `sku` and
    `location` as the system told them."""

    code: str
    what: str
    system: str
    item: str = ""
    sku: str = ""
    location: str = ""
    next_move: str = ""

    @property
    def reason(self) -> str:
        return REASONS[self.code]


class Ignored(Struct, frozen=True, kw_only=True, gc=False):
    """A line about an item or a place that `ignore` says is no stock."""

    system: str
    item: str
    sku: str

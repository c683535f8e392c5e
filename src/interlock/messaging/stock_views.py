"""What pages and commands ask of the stock book: all that the work of a transaction can look up, and what only people ask for."""

from typing import Protocol

import msgspec

from interlock.messaging.accuracy import Cause, Silent
from interlock.messaging.stock_book import Halted, Happened, Read, Shown, StockWork


class Listed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An item as a system listed it last."""

    system: str
    item: str
    sku: str
    barcode: str = ""
    tracked: bool = True
    kit: bool = False
    seen_us: int = 0


class PlaceCount(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How the positions of one place of a channel are now: `equal` show what they should, the rest do not, and why.
    `not_sold` are no positions: the channel does not list these items."""

    channel: str
    place: str
    positions: int = 0
    equal: int = 0
    refused: int = 0
    suspended: int = 0
    unread: int = 0
    last_written_us: int = 0
    not_sold: int = 0


class HaltedGroup(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Stopped lines of one system with one code: how many, since when, and one of them as a sample."""

    system: str
    code: str
    count: int
    since_us: int
    last_us: int
    sku: str
    item: str
    reason: str
    next_move: str


class Uncorrected(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Differences of one channel with one cause that a comparison found and that nothing corrects, with one as a sample."""

    channel: str
    cause: Cause
    count: int
    since_ms: int
    last_ms: int
    sku: str
    what: str
    next_move: str


class StockLook(StockWork, Protocol):
    """One moment of the book, to be read only."""

    def changes(self, sku: str, limit: int) -> list[Happened]:
        """What happened to a SKU and who asked for it, newest first."""

    def halted_of(self, sku: str) -> list[Halted]:
        """Stopped lines that tell of a SKU."""

    def halted_by_code(self, limit: int) -> list[Halted]:
        """Stopped lines by their reason, the newest of each first."""

    def halted_counts(self) -> dict[str, int]:
        """Code -> stopped lines."""

    def halted_groups(self) -> list[HaltedGroup]:
        """Stopped lines by system and code, the most frequent first."""

    def halted_lines(self, system: str, code: str, limit: int) -> list[Halted]:
        """Those of one group, what was told last first."""

    def uncorrected(self) -> list[Uncorrected]:
        """What the last comparisons found, is still so as far as is known, and no delivery brings right."""

    def silent(self) -> list[Silent]:
        """Sources of truth that have said nothing for too long, as the watch over them wrote it down."""

    def readings(self) -> list[tuple[str, str, Read]]:
        """System, what, and how far it was read."""

    def listed(self, sku: str) -> list[Listed]:
        """Who lists an item of this SKU."""

    def known(self, sku: str) -> bool:
        """Whether anybody counts, shows or lists it, or tells of it in vain."""

    def near(self, text: str, limit: int) -> list[str]:
        """SKUs that hold the text, or begin as it does."""

    def place_counts(self) -> list[PlaceCount]:
        """Each place of each channel."""

    def wrong(self, limit: int) -> list[Shown]:
        """Places that are known to show another number than they should, the largest difference first; what is not listed there last."""

    def kinds_since(self, since_us: int) -> dict[str, int]:
        """Kind of change -> how many since then."""

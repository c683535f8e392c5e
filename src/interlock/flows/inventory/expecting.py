"""What the places of a channel will come to show because of an order: what is gone is explained by it, what is not yet gone will go."""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from interlock.flows.inventory.normalise import Normaliser
from interlock.flows.inventory.routed import Shift
from interlock.messaging.stock_book import StockWork

CLOCKS_APART_US: Final = 2_000_000
"""A channel's clock and ours."""


class Expecting:
    """Of one order of a channel: taken at `accepted_us`, as `event` tells it."""

    def __init__(self, book: StockWork, normaliser: Normaliser, channel: str, *, accepted_us: int, event: int) -> None:
        self._book = book
        self._normaliser = normaliser
        self._channel = channel
        self._accepted_us = accepted_us
        self._event = event

    def shift(self, sku: str, shift: Shift, parts: Mapping[tuple[str, str], int]) -> None:
        """What has changed of the order, of one SKU: `parts` are the pieces of it that went as kits, which have numbers of their own."""
        for place in shift.left:
            self._returned(sku, place)
        for place, pieces in shift.found.items():
            self.found(sku, place, pieces - parts.get((sku, place), 0))
        for place, pieces in shift.more.items():
            if (itself := pieces - parts.get((sku, place), 0)) > 0:
                units = -(-itself // self._normaliser.pack(self._channel, sku))
                self.explains(sku, place, units)

    def explains(self, sku: str, place: str, units: int) -> None:
        """A sale that is told explains what is gone since it was made, and nothing that was gone before; what it does not explain yet
        will go. Of one that was made before our last write nobody knows whether that has put the pieces back: what the place shows
        is not known any more."""
        for row in self._book.shown_of(sku):
            if row.channel != self._channel or (place and row.place != place):
                continue
            explained = min(row.missing, units) if self._accepted_us <= row.missing_us + CLOCKS_APART_US else 0
            missing, going = row.missing - explained, units - explained
            now = replace(row, missing=missing, sold=row.sold + going)
            if going and row.written_us and self._accepted_us <= row.written_us + CLOCKS_APART_US:
                now = replace(row, missing=missing, seen=None, seen_us=-self._event)
            self._book.show(now)

    def found(self, sku: str, place: str, pieces: int) -> None:
        """An order has said by now where it takes from: nothing of it will go at the channel's other places."""
        units = -(-pieces // self._normaliser.pack(self._channel, sku))
        for row in self._book.shown_of(sku) if units > 0 else ():
            if row.channel == self._channel and row.place != place and row.sold:
                self._book.show(replace(row, sold=max(0, row.sold - units)))

    def _returned(self, sku: str, place: str) -> None:
        """An order takes less there than before. Whether its channel has put the pieces back, nobody says: what it shows of them, and
        of kits of them, is not known any more."""
        for each in (sku, *self._normaliser.kits_with(sku)):
            for row in self._book.shown_of(each):
                if row.channel == self._channel and place in ("", row.place):
                    self._book.show(replace(row, seen=None, seen_us=-self._event))

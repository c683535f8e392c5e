"""Amazon as a channel for stock: reads what listings show, writes few lines one by one and many as a feed, tells of sales.

Amazon cannot compare before it writes, and knows no idempotency key: a line says what is to be shown, absolutely.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from interlock.connectors.amazon.availability import Patching
from interlock.connectors.amazon.feeds import LINES_MAX, Feeding
from interlock.connectors.amazon.listings import Listings
from interlock.connectors.amazon.notifications import told
from interlock.connectors.amazon.orders import Orders
from interlock.connectors.amazon.selling_partner import SellingPartner
from interlock.connectors.contract import Connection, Done, Outcome, Refused, Retry, stock

KEYS_KEPT: Final = 1000
"""Amazon remembers no key, so we do, as long as this process lives."""


class Amazon:
    """One seller at one marketplace; a StockChannel. A place is a SKU and a fulfilment channel, DEFAULT for what the seller
    sends itself."""

    lines_per_write = LINES_MAX
    compares = False

    def __init__(self, connection: Connection) -> None:
        self._accepted: dict[str, dict[stock.Line, Outcome]] = {}
        api = SellingPartner(connection)
        self._api = api
        self._listings = Listings(api)
        self._patching = Patching(api, self._listings)
        self._feeding = Feeding(
            api,
            look_seconds=float(connection.settings["feed_look_seconds"]),
            patience_seconds=float(connection.settings["feed_patience_seconds"]),
        )
        self._orders = Orders(api)
        self._feed_from_lines = int(connection.settings["feed_from_lines"])

    async def items(self, after: str, *, timeout_seconds: float) -> stock.ItemPage | Retry | Refused:
        """All listings, oldest first; `variant` is the ASIN, untracked is what Amazon's warehouses hold."""
        page = await self._listings.page(after, ends=self._api.ends(timeout_seconds))
        if isinstance(page, Retry | Refused):
            return page
        return stock.ItemPage(items=tuple(listing.item() for listing in page.listings), after=page.after)

    async def read(
        self, places: Sequence[stock.Place], *, timeout_seconds: float
    ) -> tuple[stock.Seen, ...] | Retry | Refused:
        """What these places show now; what was accepted lately may not be seen yet."""
        found = await self._listings.some([place.item for place in places], ends=self._api.ends(timeout_seconds))
        if not isinstance(found, dict):
            return found
        seen = {one.place: one for listing in found.values() for one in listing.seen()}
        return tuple(seen.get(place) or stock.Seen(place=place, stocked=False) for place in places)

    async def listing(self, after: str, *, timeout_seconds: float) -> stock.SeenPage | Retry | Refused:
        """What all listings show, oldest first."""
        page = await self._listings.page(after, ends=self._api.ends(timeout_seconds))
        if isinstance(page, Retry | Refused):
            return page
        return stock.SeenPage(seen=tuple(one for listing in page.listings for one in listing.seen()), after=page.after)

    async def write(
        self, lines: Sequence[stock.Line], *, key: str, timeout_seconds: float, first: bool = False  # noqa: ARG002
    ) -> stock.LineOutcomes | stock.Underway:  # fmt: skip
        """Few lines are patched and answered at once; from `feed_from_lines` on they go as a feed."""
        ends = self._api.ends(timeout_seconds)
        if len(lines) >= self._feed_from_lines:
            return await self._feeding.submit(lines, ends=ends)
        return await self._patched(lines, key, ends)

    async def _patched(self, lines: Sequence[stock.Line], key: str, ends: float) -> stock.LineOutcomes:
        """Those that Amazon has not accepted under this key: set again, an old number could land over a newer one."""
        known = self._accepted.setdefault(key, {})
        rest = [line for line in lines if line not in known]
        outcomes = dict(zip(rest, await self._patching.write(rest, ends=ends), strict=True))
        known |= {line: outcome for line, outcome in outcomes.items() if isinstance(outcome, Done)}
        while len(self._accepted) > KEYS_KEPT:
            self._accepted.pop(next(iter(self._accepted)))
        return tuple(known.get(line) or outcomes[line] for line in lines)

    async def look(
        self, receipt: str, lines: Sequence[stock.Line], *, timeout_seconds: float
    ) -> stock.LineOutcomes | stock.Underway | Retry:
        """What became of a feed, line by line."""
        return await self._feeding.look(receipt, lines, ends=self._api.ends(timeout_seconds))

    async def sales(self, cursor: str, after: str, *, timeout_seconds: float) -> stock.SalePage | Retry | Refused:
        """Orders that changed since a saved cursor."""
        return await self._orders.changed(cursor, after, ends=self._api.ends(timeout_seconds))

    def told(self, topic: str, body: bytes) -> stock.Told:  # noqa: ARG002 - the body says what it is
        """What a forwarded notification says."""
        return told(body)


def stock_channel(connection: Connection) -> Amazon:
    """The registry's way in."""
    return Amazon(connection)
